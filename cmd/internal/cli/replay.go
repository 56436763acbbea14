package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/builtin"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

// replayFlags are what is asked of an incident.
type replayFlags struct {
	chance      chanceFlags
	tolerance   string
	parameters  bool
	fit         bool
	generations int
	hesitation  bool
	foretell    string
	draws       int
}

func newReplay(a *app) *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay INCIDENT",
		Short: "An outage that happened, played and held against its record",
		Long: `Replay plays an incident, from what failed first and what operators did, and holds
what comes out against what was recorded: every window beside its simulated one, how
far the boundaries are off, and a score, beside three that need no model.

An incident is a file or a folder of yours, a scenario with what was recorded, or one of
those that are built in:

  ` + strings.Join(builtin.Incidents(), "\n  ") + `

docs/replay.md says how to write one and by which rules it is scored. A catalog of
yours, given with -c, is laid over that of the incident: would it have gone through it?`,
		Example: `  knockon replay aws-2025-10-20
  knockon replay aws-2025-10-20 -o replay.svg -o replay.json
  knockon replay aws-2025-10-20 -o replay.html        one page: the graph against the clock
  knockon replay aws-2025-10-20 --parameters          what is guessed, and what hangs on it?
  knockon replay aws-2025-10-20 --point-of-no-return           until when would each action have helped?
  knockon replay aws-2025-10-20 --fit --seed 1        which values agree with the record?
  knockon replay aws-2025-10-20 --foretell 5h40m      what could have been known by then?
  knockon replay aws-2025-10-20 --engine stochastic --seeds 200
  knockon replay aws-2025-10-20 -c my/                what would that day have done to me?
  knockon replay aws-2025-10-20 -c my/ -o outage.card.svg
  knockon why lambda-invoke aws-2025-10-20 --at 08:00`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(`which incident? For example "%s %s"`, c.CommandPath(), builtin.Incidents()[0])
			}
			return atMost(1)(c, args)
		},
		ValidArgsFunction: completeIncident,
		RunE: func(c *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			return a.replay(plan, args[0], &f, c.Flags())
		},
	}
	a.addOutput(c, (*out.Replay)(nil))
	f.chance.add(c)
	addTolerance(c, &f.tolerance)
	c.Flags().BoolVar(&f.parameters, "parameters", false, "list all values, and move those that are fitted or have a range by a quarter")
	c.Flags().BoolVar(&f.fit, "fit", false, "find the values marked as fitted, within their ranges, that agree best with the record; then replay with them")
	c.Flags().IntVar(&f.generations, "generations", replay.DefaultGenerations, "of --fit: how `many` rounds it searches")
	c.Flags().BoolVar(&f.hesitation, "point-of-no-return", false, "for each action, the latest minute at which it would have avoided the collapse")
	c.Flags().StringVar(&f.foretell, "foretell", "", "look at nothing recorded after this `time`, and tell what comes")
	c.Flags().IntVar(&f.draws, "draws", defaultDraws, "of --foretell: how `many` times values are drawn from their ranges")
	return c
}

// defaultDraws leave an interval of twenty.
const defaultDraws = 80

func completeIncident(_ *cobra.Command, args []string, prefix string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range builtin.Incidents() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// settle checks the flags against one another, and says which runs are to be made.
func (f *replayFlags) settle(flags *pflag.FlagSet, sc *scenario.Scenario) (runs runsOf, err error) {
	if f.generations < 1 || f.generations > 100_000 {
		return runs, usagef("--generations %d: write 1 or more, such as %d", f.generations, replay.DefaultGenerations)
	}
	if f.draws < 4 || f.draws > 1_000_000 {
		return runs, usagef("--draws %d: write 4 or more, such as %d", f.draws, defaultDraws)
	}
	for _, pair := range [...][2]string{{"generations", "fit"}, {"draws", "foretell"}} {
		if flags.Changed(pair[0]) && !flags.Changed(pair[1]) {
			return runs, usagef("--%s belongs to --%s", pair[0], pair[1])
		}
	}
	if f.fit || f.foretell != "" { // the seed is that of the search
		if flags.Changed("engine") || flags.Changed("seeds") {
			return runs, usagef("--fit and --foretell play the rate engine; leave --engine and --seeds out")
		}
		return runsOf{engine: scenario.RateEngine, seeds: 1, first: f.chance.seed}, nil
	}
	if runs, err = f.chance.resolve(flags, sc); err == nil && runs.many() && (f.hesitation || f.parameters) {
		err = usagef("--parameters and --point-of-no-return look at one run; write --seed 1 as well, to play one")
	}
	return runs, err
}

// replay plays an incident and writes how it compares.
func (a *app) replay(plan []output, name string, f *replayFlags, flags *pflag.FlagSet) error {
	tolerance, err := parseTolerance(f.tolerance)
	if err != nil {
		return err
	}
	c, sc, own, err := a.openIncident(name)
	if err != nil {
		return err
	}
	if sc.Record == nil || len(sc.Record.Windows) == 0 {
		return usagef(`%s is a scenario without a record, so that there is nothing to hold it against; add [[recorded]], or play it with "knockon run"`, name)
	}
	if len(own.services) == 0 && slices.ContainsFunc(plan, func(o output) bool { return o.picture == out.Card }) {
		return usagef("a card shows what the incident does to services of yours; lay them over its own with -c my-services.toml")
	}
	runs, err := f.settle(flags, sc)
	if err != nil {
		return err
	}
	until := 0.0
	if f.foretell != "" {
		if until, err = parseAt(f.foretell, sc); err != nil {
			return usagef("--foretell: %s", strings.TrimPrefix(err.Error(), "--at: "))
		}
	}
	// There is something to show for the time spent; see newRank.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var source func(diag.Span) string
	if showsPage(plan) {
		source = sourceLines()
	}
	tabs, err := a.auditTab(ctx, plan, c, graph.Build(c))
	if err != nil {
		return err
	}
	r := &replayed{app: a, ctx: ctx, source: source, tabs: tabs, c: c, sc: replay.Finer(sc), runs: runs, tolerance: tolerance}
	report, err := r.report(f, until/60)
	if report == nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return &exitError{exitInput, err}
	}
	report.Own, report.OwnTitle = own.services, own.title
	if failed := a.write(plan, report); failed != nil {
		return failed
	}
	return err
}

// replayed is an incident that is being replayed.
type replayed struct {
	*app
	ctx       context.Context
	c         *catalog.Catalog
	sc        *scenario.Scenario
	runs      runsOf
	tolerance float64
	source    func(diag.Span) string // nil where no output shows it
	tabs      []out.Tab
}

func (r *replayed) play(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario) (*propagate.Result, error) {
	return r.runs.play(ctx, c, sc, r.runs.first, propagate.Options{Tolerance: r.tolerance})
}

// report is what was asked for. What is interrupted is what there is, with an error.
func (r *replayed) report(f *replayFlags, until float64) (*out.Replay, error) {
	var fit *replay.Fit
	var err error
	if f.fit {
		p := r.newProgress("fitting")
		known := *r.sc
		if until > 0 { // so that no window is told apart by what came later
			known.Record = replay.Until(r.sc.Record, until)
		}
		fit, err = replay.Calibrate(r.ctx, r.c, &known, r.play, replay.FitOptions{Seed: f.chance.seed, Generations: f.generations, Before: until, Progress: p.show})
		p.clear()
		if fit == nil {
			return nil, err
		}
		fit.Scenario.Record = r.sc.Record
		r.c, r.sc = fit.Catalog, fit.Scenario
	}
	ctx := r.ctx
	if fit != nil && fit.Partial { // the best until then is worth a run
		ctx = context.WithoutCancel(ctx)
	}
	var spread *replay.Spread
	var res *propagate.Result
	if r.runs.many() {
		p := r.newProgress("replaying")
		spread, res, err = replay.Many(ctx, r.c, r.runs.first, r.runs.seeds, nil, func(ctx context.Context, seed uint64) (*propagate.Result, error) {
			return r.runs.play(ctx, r.c, r.sc, seed, propagate.Options{Tolerance: r.tolerance})
		}, p.show)
		p.clear()
		if res == nil {
			return nil, err
		}
	} else {
		var played error
		if res, played = r.app.play(ctx, "replaying", r.c, r.sc, r.runs, r.tolerance); res == nil {
			return nil, played
		}
		err = errors.Join(err, played)
	}
	score := replay.New(r.c, res, nil)
	parameters := replay.Parameters(r.c, r.sc)
	option := out.RunOptions{Tolerance: r.tolerance, Explain: res.Why, Chance: r.runs.chance(), Source: r.source}
	if err == nil && f.parameters {
		p := r.newProgress("moving parameters")
		private, failed := replay.Sensitivity(r.ctx, r.c, r.sc, score.Shown(), parameters, r.play, p.show)
		p.clear()
		if err = failed; err == nil {
			score = replay.New(r.c, res, private)
		}
	}
	option.Tabs = r.tabs
	report := out.NewReplay(r.c, score, option)
	report.Parameters, report.ShowParameters, report.Spread, report.Fit = parameters, f.parameters, spread, fit
	if err == nil && f.hesitation {
		p := r.newProgress("moving actions")
		report.Hesitation, err = replay.Delay(r.ctx, r.c, res, replay.DefaultGrace, func(ctx context.Context, sc *scenario.Scenario) (*propagate.Result, error) {
			return r.play(ctx, r.c, sc)
		}, p.show)
		p.clear()
	}
	if err == nil && until > 0 && !f.fit {
		p := r.newProgress("foretelling")
		report.Prediction, err = replay.Predict(r.ctx, r.c, r.sc, until, f.draws, f.chance.seed, r.play, p.show)
		p.clear()
	}
	return report, err
}
