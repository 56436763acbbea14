package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate/scenario"
	"github.com/knockon/knockon/propagate/study"
)

func newAsk(a *app) *cobra.Command {
	var fault, lasts, horizon, tolerance string
	var most, runs int
	c := &cobra.Command{
		Use:   "ask [SCENARIO.toml]",
		Short: "Which missing numbers would change the answer most",
		Long: `Ask plays a scenario, then again with every number that the catalog does not state
at the low and the high end of what is plausible, and lists those that would change
the answer most, with the line to write. Find these out first; the others can wait.

What changes is, in this order: the verdict, which expectations are met, how many
requests fail, how long services are impaired, and when all are healthy again.

Without a scenario it plays an outage of one service: of --fault, or else of the one
whose loss impacts most (see "knockon rank -h").

Where there are too many numbers to try each, groups of them are tried first and only
those that matter are taken apart. On a large catalog Ctrl-C ends it with what has
been found so far.`,
		Example: `  knockon ask                                  an outage of the service that hurts most
  knockon ask storm.toml                       of a scenario
  knockon ask --fault redis --for 5m -c web-shop
  knockon ask --top 0 -o ask.json              all of them, for a program
  knockon ask storm.toml --runs 5000           take every group apart`,
		Args:              atMost(1),
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			option := study.Options{Runs: runs}
			switch {
			case most < 0:
				return usagef("--top %d: write a number of questions, or 0 for all", most)
			case runs < 1:
				return usagef("--runs %d: write how many runs may be made, such as %d", runs, study.DefaultRuns)
			}
			if option.Tolerance, err = parseTolerance(tolerance); err != nil {
				return err
			}
			for _, flag := range []string{"fault", "for", "horizon"} {
				if len(args) > 0 && c.Flags().Changed(flag) {
					return usagef("--%s belongs to an outage of one service; %s says itself what happens", flag, args[0])
				}
			}
			var asked *catalog.Catalog
			var sc *scenario.Scenario
			if len(args) > 0 {
				asked, sc, err = a.openScenario(args[0])
			} else {
				asked, sc, err = a.outage(fault, lasts, horizon)
			}
			if err != nil {
				return err
			}
			return a.ask(plan, asked, sc, option, most)
		},
	}
	a.addOutput(c, (*out.Ask)(nil))
	c.Flags().StringVar(&fault, "fault", "", "the `service` that fails; without it, the one whose loss impacts most")
	c.Flags().StringVar(&lasts, "for", "10m", "how long it fails")
	c.Flags().StringVar(&horizon, "horizon", defaultHorizon.String(), "how long the outage is played")
	c.Flags().IntVar(&most, "top", 5, "how many are shown; 0 for all")
	c.Flags().IntVar(&runs, "runs", study.DefaultRuns, "about how `many` runs are made at most")
	addTolerance(c, &tolerance)
	mustRegister(c.RegisterFlagCompletionFunc("fault", a.completeServices))
	return c
}

// outage is the failure of one service, named or the worst, which ends.
func (a *app) outage(service, lasts, horizon string) (*catalog.Catalog, *scenario.Scenario, error) {
	sc := &scenario.Scenario{ID: "outage"}
	length, err := parseFor(lasts)
	if err != nil {
		return nil, nil, err
	}
	if sc.Horizon, err = unit.ParseDuration(horizon); err != nil {
		return nil, nil, usagef(`--horizon: %v; write a duration such as "1h"`, err)
	}
	if length == 0 || calm+length >= sc.Horizon {
		return nil, nil, usagef("--for %s: begun at %s it outlasts the horizon of %s; write a longer --horizon", lasts, calm, sc.Horizon)
	}
	c, g, err := a.open()
	if err != nil {
		return nil, nil, err
	}
	if service != "" {
		if _, err := a.services(g, []string{service}); err != nil {
			return nil, nil, err
		}
	} else {
		damages, err := g.Rank(context.Background(), graph.Options{}, nil)
		if err != nil || len(damages) == 0 {
			return nil, nil, usagef("there is no service in this catalog")
		}
		service = g.ID(damages[0].Root)
	}
	sc.Title = fmt.Sprintf("%s down for %s", service, length)
	sc.Faults = []scenario.Fault{{At: calm, For: length, Service: service, Effect: scenario.Down}}
	return c, sc, nil
}

// ask studies a scenario and writes what was found, also of a study that is
// interrupted.
func (a *app) ask(plan []output, c *catalog.Catalog, sc *scenario.Scenario, option study.Options, most int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // see newRank
	defer stop()
	p := a.newProgress("asking")
	option.Progress = p.show
	found, err := study.Ask(ctx, c, sc, option)
	p.clear()
	if found == nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return &exitError{exitInput, err}
	}
	if failed := a.write(plan, out.NewAsk(c, found, most)); failed != nil {
		return failed
	}
	return err
}
