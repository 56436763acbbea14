package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/ensemble"
	"github.com/knockon/knockon/propagate/event"
	"github.com/knockon/knockon/propagate/scenario"
)

// How many runs are made where neither the scenario nor a flag says: enough to know a
// probability to within a tenth, and, where a run costs much more, a mean.
const (
	defaultSeeds = 100
	eventSeeds   = 30
)

// chanceFlags are the flags that say what plays a scenario, and how often.
type chanceFlags struct {
	engine string
	seeds  int
	seed   uint64
}

func (f *chanceFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.engine, "engine", "", "`engine` that plays it: "+strings.Join(scenario.EngineWords, ", ")+" (default: what the scenario says, or rate)")
	c.Flags().IntVar(&f.seeds, "seeds", 0, fmt.Sprintf("so many runs, where chance decides (default: what the scenario says, or %d, or %d of the event engine; 1 with --seed)", defaultSeeds, eventSeeds))
	c.Flags().Uint64Var(&f.seed, "seed", 1, "`seed` of the first run; the next one has the next number")
	mustRegister(c.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(scenario.EngineWords, cobra.ShellCompDirectiveNoFileComp)))
}

// runsOf is what plays a scenario, and the seeds it plays.
type runsOf struct {
	engine scenario.Engine
	seeds  int // 1 of an engine that knows no chance
	first  uint64
}

// chance says which run this is, where runs differ.
func (r runsOf) chance() string {
	if !r.engine.ByChance() {
		return ""
	}
	return fmt.Sprintf("%s engine, seed %d", r.engine, r.first)
}

func (r runsOf) many() bool { return r.seeds > 1 }

// resolve settles the flags, with what the scenario says where they do not.
func (f *chanceFlags) resolve(flags *pflag.FlagSet, sc *scenario.Scenario) (runsOf, error) {
	r := runsOf{engine: sc.Engine, seeds: 1, first: f.seed}
	if flags.Changed("engine") {
		at := slices.Index(scenario.EngineWords, f.engine)
		if at < 0 {
			return r, usagef("--engine: no engine %q%s", f.engine, suggestion(f.engine, scenario.EngineWords))
		}
		r.engine = scenario.Engine(at)
	}
	if !r.engine.ByChance() {
		for _, name := range []string{"seeds", "seed"} {
			if flags.Changed(name) {
				return r, usagef("--%s: every run of the %s engine is the same; write --engine stochastic as well", name, r.engine)
			}
		}
		return r, nil
	}
	switch {
	case flags.Changed("seeds"):
		if f.seeds < 1 || f.seeds > scenario.MostSeeds {
			return r, usagef("--seeds: %d runs; write 1 to %d", f.seeds, scenario.MostSeeds)
		}
		r.seeds = f.seeds
	case flags.Changed("seed"):
	case sc.Seeds > 0:
		r.seeds = int(sc.Seeds)
	case r.engine == scenario.EventEngine:
		r.seeds = eventSeeds
	default:
		r.seeds = defaultSeeds
	}
	return r, nil
}

// engine makes one run of a scenario.
type engine func(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, seed uint64, o propagate.Options) (*propagate.Result, error)

// engines are what plays each of scenario.EngineWords.
var engines = [...]engine{
	scenario.RateEngine: func(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, _ uint64, o propagate.Options) (*propagate.Result, error) {
		return propagate.Run(ctx, c, sc, o)
	},
	scenario.EventEngine: func(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, seed uint64, o propagate.Options) (*propagate.Result, error) {
		return event.Run(ctx, c, sc, event.Options{Seed: seed, Progress: o.Progress})
	},
	scenario.StochasticEngine: func(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, seed uint64, o propagate.Options) (*propagate.Result, error) {
		o.Stochastic, o.Seed = true, seed
		return propagate.Run(ctx, c, sc, o)
	},
}

func (r runsOf) play(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, seed uint64, o propagate.Options) (*propagate.Result, error) {
	return engines[r.engine](ctx, c, sc, seed, o)
}

// runMany plays a scenario with many seeds, writes what came of them and says which
// expectations they do not meet.
func (a *app) runMany(c *catalog.Catalog, sc *scenario.Scenario, runs runsOf, option out.RunOptions) error {
	a.shows((*out.Ensemble)(nil))
	plan, err := a.plan() // of many runs there are fewer formats and pictures
	if err != nil {
		return err
	}
	// There is something to show for the time spent; see newRank.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := a.newProgress("playing")
	many, err := ensemble.Run(ctx, func(ctx context.Context, seed uint64) (*propagate.Result, error) {
		return runs.play(ctx, c, sc, seed, propagate.Options{Tolerance: option.Tolerance})
	}, ensemble.Options{Seeds: runs.seeds, First: runs.first, Progress: p.show})
	p.clear()
	switch {
	case many == nil && errors.Is(err, context.Canceled):
		return err
	case many == nil:
		return &exitError{exitInput, err}
	}
	if failed := a.write(plan, out.NewEnsemble(c, many, runs.engine.String(), option)); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	var found []propagate.Outcome
	for i := range many.Expects {
		x := &many.Expects[i]
		found = append(found, propagate.Outcome{Expect: x.Expect, Met: x.Met, Got: x.Got})
	}
	if a.unmet(&propagate.Result{Expects: found}) {
		return &exitError{exitFindings, errSaid}
	}
	return nil
}
