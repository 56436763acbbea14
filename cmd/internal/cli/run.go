package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

func newRun(a *app) *cobra.Command {
	var tolerance string
	var verify bool
	var option out.RunOptions
	var chance chanceFlags
	c := &cobra.Command{
		Use:   "run SCENARIO.toml",
		Short: "What happens over time when a scenario is played",
		Long: `Run plays a scenario, which is faults, changes of load and what operators do, on a
catalog: who is impaired from when to when, how bad, why, and whether it recovers.
What the scenario expects makes it a test: run exits with 1 when an expectation is
not met.

The catalog is the one that the scenario names; -c names another.

The rate engine plays the means of many requests, and every run of it is the same.
Where few requests decide, or where it is close, chance does: --engine stochastic
draws every flow, plays many seeds, and says how probable each verdict is. --engine
event plays every request by itself: slower, and independent of how the others think.

On a long scenario Ctrl-C ends it with what has been played so far.`,
		Example: `  knockon run redis-and-a-sale.toml
  knockon run redis-and-a-sale.toml -o run.svg -o run.csv
  knockon run storm.toml -o run.html                   one page: the graph against the clock
  knockon run storm.toml --picture lanes               who was hit when, in the terminal
  knockon run storm.toml -o storm.lanes.svg -o storm.radius.png    several pictures of one run
  knockon run storm.toml -c shop.toml --assumptions    which numbers were not stated?
  knockon run storm.toml --verify                      does it depend on the steps?
  knockon run storm.toml --engine stochastic --seeds 200    how probable is a collapse?
  knockon run storm.toml --engine stochastic --seed 17      one run of them, in full
  knockon run storm.toml --engine event --seeds 30          request by request: means and intervals
  knockon run storm.toml --format json | jq .verdict.word`,
		Args:              needScenario,
		ValidArgsFunction: completeScenario,
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			if option.Tolerance, err = parseTolerance(tolerance); err != nil {
				return err
			}
			cat, sc, err := a.openScenario(args[0])
			if err != nil {
				return err
			}
			runs, err := chance.resolve(c.Flags(), sc)
			if err != nil {
				return err
			}
			if runs.many() {
				if verify {
					return usagef("--verify compares two runs that differ in their steps only; write --seed 1 as well, to play one")
				}
				return a.runMany(cat, sc, runs, option)
			}
			return a.run(plan, cat, sc, runs, option, verify)
		},
	}
	a.addOutput(c, (*out.Run)(nil))
	chance.add(c)
	addTolerance(c, &tolerance)
	c.Flags().BoolVar(&verify, "verify", false, "play it again at half the tolerance and say what moves")
	c.Flags().BoolVar(&option.Assumptions, "assumptions", false, "list every number that was not stated and assumed")
	c.Flags().BoolVarP(&option.Steps, "verbose", "v", false, "say also how it was stepped, and what was not played")
	return c
}

func addTolerance(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "tolerance", "", fmt.Sprintf("how far a `share` of a rate may move in one step (default %s)", unit.Ratio(propagate.DefaultTolerance)))
}

func needScenario(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef(`which scenario? For example "%s storm.toml"`, c.CommandPath())
	}
	return atMost(1)(c, args)
}

func completeScenario(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
}

// parseTolerance reads a share; 0 stands for the engine's own.
func parseTolerance(text string) (float64, error) {
	const most = 0.5
	if text == "" {
		return 0, nil
	}
	share, err := unit.ParseRatio(text)
	switch {
	case err != nil:
		return 0, usagef(`--tolerance: %v; write a percentage such as "5%%"`, err)
	case share == 0:
		return 0, usagef(`--tolerance: steps that may change nothing never end; write a percentage such as "1%%"`)
	case share > most:
		return 0, usagef(`--tolerance: %s is no tolerance; write %s or less`, share, unit.Ratio(most))
	}
	return float64(share), nil
}

// openScenario reads a scenario and the catalog it is played on. What is wrong with
// them has been printed when it returns an error.
func (a *app) openScenario(file string) (*catalog.Catalog, *scenario.Scenario, error) {
	sc, faults, file, err := a.readScenario(file)
	if err != nil {
		return nil, nil, &exitError{exitInput, err}
	}
	if sc == nil {
		return nil, nil, a.report(faults)
	}
	if len(a.catalogs) == 0 {
		for _, name := range sc.Catalogs {
			a.catalogs = append(a.catalogs, beside(file, name))
		}
	}
	return a.checked(sc, faults)
}

// readScenario reads a file, stdin for "-", or an incident. It returns the file that
// names in it are relative to.
func (a *app) readScenario(file string) (*scenario.Scenario, diag.List, string, error) {
	if file == "-" {
		data, err := io.ReadAll(io.LimitReader(a.In, toml.MaxBytes+1))
		if err != nil {
			return nil, nil, "", fmt.Errorf("cannot read stdin: %w", err)
		}
		sc, faults := scenario.Parse("stdin", data)
		return sc, faults, file, nil
	}
	if sc, faults, at, err := a.incident(file); at != "" || err != nil {
		return sc, faults, at, err
	}
	name := filepath.ToSlash(filepath.Clean(file))
	real, err := filepath.EvalSymlinks(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, "", fmt.Errorf("there is no scenario %q%s", file, suggestion(file, incidentNames(file)))
	}
	if err != nil {
		return nil, nil, "", fmt.Errorf("cannot read %s: %w", name, reason(err))
	}
	sc, faults, err := scenario.ReadFile(os.DirFS(filepath.Dir(real)), filepath.Base(real), name)
	return sc, faults, file, err
}

// beside is a catalog as a scenario names it: builtin, or relative to its file.
func beside(file, name string) string {
	if strings.HasPrefix(name, "builtin:") || filepath.IsAbs(name) {
		return name
	}
	folder := "."
	if file != "-" {
		folder = filepath.Dir(file)
	}
	path := filepath.Join(folder, name)
	if filepath.IsAbs(path) {
		return path
	}
	return "." + string(filepath.Separator) + path // never the name of a built-in one
}

// run plays a scenario, writes what came of it and says which expectations it does
// not meet.
func (a *app) run(plan []output, c *catalog.Catalog, sc *scenario.Scenario, runs runsOf, option out.RunOptions, verify bool) error {
	// There is something to show for the time spent; see newRank.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	res, err := a.play(ctx, "playing", c, sc, runs, option.Tolerance)
	if res == nil {
		return err
	}
	option.Explain, option.Chance = res.Why, runs.chance()
	if showsPage(plan) {
		option.Source = sourceLines()
	}
	var failed error
	if option.Tabs, failed = a.auditTab(ctx, plan, c, graph.Build(c)); failed != nil {
		return failed
	}
	if failed := a.write(plan, out.NewRun(c, res, option)); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	differs := false
	if verify {
		if differs, err = a.verify(ctx, c, sc, runs, res, option.Tolerance); err != nil {
			return err
		}
	}
	if a.unmet(res) || differs {
		return &exitError{exitFindings, errSaid}
	}
	return nil
}

// play runs the engine. The result of an interrupted run is what there is, with an
// error; that of a faulty catalog is nil.
func (a *app) play(ctx context.Context, label string, c *catalog.Catalog, sc *scenario.Scenario, runs runsOf, tolerance float64) (*propagate.Result, error) {
	p := a.newProgress(label)
	const fine = 1000
	res, err := runs.play(ctx, c, sc, runs.first, propagate.Options{
		Tolerance: tolerance,
		Progress:  func(done float64) { p.show(int(done*fine), fine) },
	})
	p.clear()
	switch {
	case errors.Is(err, context.Canceled):
		return res, err
	case err != nil:
		return nil, &exitError{exitInput, err}
	}
	return res, nil
}

// unmet prints the expectations that are not met, as faults of a file are printed.
func (a *app) unmet(res *propagate.Result) bool {
	count := 0
	for i := range res.Expects {
		x := &res.Expects[i]
		if x.Met {
			continue
		}
		count++
		place := ""
		if !x.Expect.Span.IsZero() {
			place = diag.Printable(x.Expect.Span.String()) + ": "
		}
		fmt.Fprintf(a.Err, "%snot met: expected %s; found %s\n", place, diag.Printable(x.Expect.Text), diag.Printable(x.Got))
	}
	if count == 0 {
		return false
	}
	verb := "are"
	if count == 1 {
		verb = "is"
	}
	fmt.Fprintf(a.Err, "knockon: %d of %d expectations %s not met\n", count, len(res.Expects), verb)
	return true
}

// verify plays a scenario again at half the tolerance and says what differs. It
// reports whether an expectation does.
func (a *app) verify(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, runs runsOf, res *propagate.Result, tolerance float64) (differs bool, err error) {
	if tolerance == 0 {
		tolerance = propagate.DefaultTolerance
	}
	again, err := a.play(ctx, "verifying", c, sc, runs, tolerance/2)
	if err != nil {
		return false, err
	}
	same := "the same verdict"
	if res.Verdict.Word != again.Verdict.Word {
		same = fmt.Sprintf("another verdict, %q in place of %q", again.Verdict.Word, res.Verdict.Word)
	}
	m := largestMove(res, again)
	fmt.Fprintf(a.Err, "knockon: at tolerance %s: %s; %s\n", unit.Ratio(tolerance/2), same, m)
	for i := range res.Expects {
		if x, y := &res.Expects[i], &again.Expects[i]; x.Met != y.Met {
			differs = true
			fmt.Fprintf(a.Err, "%s: differs: expected %s; found %s, and at half the tolerance %s\n",
				diag.Printable(x.Expect.Span.String()), diag.Printable(x.Expect.Text), diag.Printable(x.Got), diag.Printable(y.Got))
		}
	}
	return differs, nil
}

// move is how far the border of a window lies from that of another run.
type move struct {
	service string
	by      float64 // seconds; +Inf where one run has a window that the other has not
	at      float64 // seconds
}

func (m move) String() string {
	switch {
	case m.service == "":
		return "no window moves"
	case math.IsInf(m.by, 1):
		return fmt.Sprintf("%s has other windows from %s on", diag.Printable(m.service), seconds(m.at))
	}
	return fmt.Sprintf("the largest move of a window is %s, of %s at %s", seconds(m.by), diag.Printable(m.service), seconds(m.at))
}

// largestMove compares the windows of two runs of one scenario.
func largestMove(one, two *propagate.Result) (m move) {
	for i := range one.Services {
		a, b := one.Services[i].Windows, two.Services[i].Windows
		worse := func(by, at float64) {
			if by > m.by {
				m = move{one.Services[i].ID, by, at}
			}
		}
		for k := range max(len(a), len(b)) {
			switch {
			case k >= len(a):
				worse(math.Inf(1), b[k].From)
			case k >= len(b) || a[k].State != b[k].State:
				worse(math.Inf(1), a[k].From)
			default:
				worse(math.Abs(a[k].From-b[k].From), a[k].From)
				worse(math.Abs(a[k].To-b[k].To), a[k].To)
			}
		}
	}
	return m
}

// seconds prints a time to the millisecond.
func seconds(f float64) string {
	return unit.Duration(math.Round(f*1e3) * 1e6).String()
}
