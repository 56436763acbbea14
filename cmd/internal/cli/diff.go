package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate/audit"
	"github.com/knockon/knockon/propagate/scenario"
	"github.com/knockon/knockon/propagate/study"
)

func newDiff(a *app) *cobra.Command {
	var flags auditFlags
	var scenarios []string
	var regression bool
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "What a change of a catalog comes to: structure, findings, minutes",
		Long: `Diff compares two catalogs: which services and needs came, went or changed, whose loss
now hits more, which findings of the audit are new and which are fixed, and, with
--scenario, how many minutes of impairment a scenario gains or loses.

With --fail-on-regression it exits with 1 when there is a new finding of severity
--fail-on or worse, or when a scenario comes out worse: by its verdict, an expectation
that is not met any more, more minutes of impairment, or a later recovery. That a blast
radius grew is shown and is not a regression by itself: new services make it grow.`,
		Example: `  knockon diff main.toml pr.toml
  knockon diff old/ new/ --scenario storm.toml --format markdown > comment.md
  knockon diff old/ new/ --fail-on-regression --fail-on error`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) < 2:
				return usagef(`which two catalogs? For example "knockon diff old.toml new.toml"`)
			case len(args) > 2:
				return usagef("%q is one catalog too many", args[2])
			case len(a.catalogs) > 0:
				return usagef("diff names both catalogs as arguments; leave -c out")
			}
			return nil
		},
		ValidArgsFunction: a.completeCatalogs,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			option, failOn, err := a.auditOptions(&flags)
			if err != nil {
				return err
			}
			return a.diff(plan, args[0], args[1], scenarios, option, failOn, regression, flags.most)
		},
	}
	a.addOutput(c, (*out.Diff)(nil))
	f := c.Flags()
	f.StringArrayVar(&scenarios, "scenario", nil, "a scenario to play on both, a `file`; may be repeated")
	f.BoolVar(&regression, "fail-on-regression", false, "exit with 1 when something is worse than before")
	flags.addRules(c)
	f.IntVar(&flags.most, "top", 20, "how many rows of each table are shown; 0 for all")
	return c
}

func (a *app) diff(plan []output, older, newer string, files []string, option audit.Options, failOn string, regression bool, most int) error {
	before, err := a.auditInput(older)
	if err != nil {
		return err
	}
	after, err := a.auditInput(newer)
	if err != nil {
		return err
	}
	o := study.DiffOptions{Audit: option}
	for _, file := range files {
		sc, err := a.scenarioFor(file, before, after)
		if err != nil {
			return err
		}
		o.Scenarios = append(o.Scenarios, sc)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := a.newProgress("comparing")
	o.Progress = p.show
	d, err := study.Compare(ctx, before, after, o)
	p.clear()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &exitError{exitInput, err}
	}
	r := out.NewDiff(older, newer, d, most)
	if err := a.write(plan, r); err != nil {
		return err
	}
	severity := slices.Index(audit.SeverityWords, failOn)
	if !regression || severity < 0 {
		return nil
	}
	if worse := r.Regressions(audit.Severity(severity)); len(worse) > 0 {
		fmt.Fprintf(a.Err, "knockon: worse than before: %s\n", strings.Join(worse, "; "))
		return &exitError{exitFindings, errSaid}
	}
	return nil
}

// auditInput loads one catalog of two.
func (a *app) auditInput(name string) (audit.Input, error) {
	a.catalogs = []string{name}
	c, texts, faults, err := a.loadWithTexts(false)
	if err != nil {
		return audit.Input{}, err
	}
	if err := a.report(faults); err != nil {
		return audit.Input{}, err
	}
	return audit.Input{Catalog: c, Graph: graph.Build(c), Texts: texts}, nil
}

// scenarioFor reads a scenario and holds it against both catalogs.
func (a *app) scenarioFor(file string, sides ...audit.Input) (*scenario.Scenario, error) {
	sc, faults, _, err := a.readScenario(file)
	if err != nil {
		return nil, &exitError{exitInput, err}
	}
	if sc != nil {
		for _, side := range sides {
			faults = append(faults, sc.Check(side.Catalog)...)
		}
		faults.Sort()
	}
	return sc, a.report(faults)
}
