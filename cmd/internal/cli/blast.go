package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
	"github.com/knockon/knockon/propagate/scenario"
)

func newBlast(a *app) *cobra.Command {
	var lasts, as, horizon string
	var overTime bool
	c := &cobra.Command{
		Use:   "blast SERVICE...",
		Short: "What falls when these services fail",
		Long: `Blast computes the blast radius of one or several services that fail at the same
time: the outcome of every service, how soon it can begin at the earliest, the
chain of needs that explains it, and what kept the failure from others.

Times are lower bounds from what the catalog declares (caches, leases, queues).
Load, capacity and recovery do not enter, unless --over-time plays the failure: see
"knockon run -h", which does the same with scenarios.`,
		Example: `  knockon blast dynamodb-dns
  knockon blast dynamodb-dns -o blast.svg -o blast.json
  knockon blast payments orders -c shop.toml
  knockon blast redis --for 10m        an outage of ten minutes: what outlives it?
  knockon blast auth --as degraded     auth is not gone, only worse
  knockon blast redis --over-time --for 10m -o run.svg     and when does it recover?
  knockon blast dynamodb-dns --format json | jq '.services[] | select(.tier == 0)'`,
		Args:              needServices,
		ValidArgsFunction: a.completeServices,
		RunE: func(_ *cobra.Command, args []string) error {
			if overTime {
				return a.blastOverTime(args, lasts, as, horizon)
			}
			if horizon != "" {
				return usagef("--horizon is how long a failure is played; it goes with --over-time")
			}
			plan, err := a.plan()
			if err != nil {
				return err
			}
			var option graph.Options
			if option.For, err = parseFor(lasts); err != nil {
				return err
			}
			state, err := parseState(as)
			if err != nil {
				return err
			}
			c, g, err := a.open()
			if err != nil {
				return err
			}
			nodes, err := a.services(g, args)
			if err != nil {
				return err
			}
			roots := make([]graph.Root, len(nodes))
			for i, v := range nodes {
				roots[i] = graph.Root{Node: v, As: state}
			}
			report := out.NewBlast(c, g.Blast(roots, option))
			if showsPage(plan) {
				report.Source = sourceLines()
			}
			if report.Tabs, err = a.auditTab(context.Background(), plan, c, g); err != nil {
				return err
			}
			return a.write(plan, report)
		},
	}
	a.addOutput(c, (*out.Blast)(nil), (*out.Run)(nil))
	c.Flags().StringVar(&lasts, "for", "", "how long they stay failed, such as 10m; without it, as long as it lasts")
	c.Flags().StringVar(&as, "as", "down", "how they fail: down, corrupt (answering wrongly), degraded, delayed, frozen or stale")
	c.Flags().BoolVar(&overTime, "over-time", false, "play the failure and show what happens over time, as run does")
	c.Flags().StringVar(&horizon, "horizon", "", "with --over-time: how long it is played (default 1h)")
	mustRegister(c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(graph.StateWords[:], cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// Of a failure that is played: when it begins, so that there is a before, and how
// long it is played.
const (
	calm           = unit.Duration(60e9)
	defaultHorizon = unit.Duration(3600e9)
)

// blastOverTime plays services that fail at the same time.
func (a *app) blastOverTime(names []string, lasts, as, horizon string) error {
	a.shows((*out.Run)(nil))
	plan, err := a.plan()
	if err != nil {
		return err
	}
	effects := map[string]scenario.Effect{"down": scenario.Down, "corrupt": scenario.Corrupt}
	effect, ok := effects[as]
	if !ok {
		if _, err := parseState(as); err != nil {
			return err
		}
		return usagef("--as %s is not played over time; use down or corrupt, or write a scenario", as)
	}
	sc := &scenario.Scenario{ID: "blast", Horizon: defaultHorizon}
	if horizon != "" {
		if sc.Horizon, err = unit.ParseDuration(horizon); err != nil {
			return usagef(`--horizon: %v; write a duration such as "1h"`, err)
		}
	}
	length, err := parseFor(lasts)
	switch {
	case err != nil:
		return err
	case sc.Horizon <= calm:
		return usagef("--horizon %s: the failure begins at %s; write a longer one", sc.Horizon, calm)
	case calm+length >= sc.Horizon:
		return usagef("--for %s: begun at %s it outlasts the horizon of %s; write a longer --horizon, or leave --for out", length, calm, sc.Horizon)
	}
	c, g, err := a.open()
	if err != nil {
		return err
	}
	if _, err := a.services(g, names); err != nil {
		return err
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range names {
		sc.Faults = append(sc.Faults, scenario.Fault{At: calm, For: length, Service: name, Effect: effect})
	}
	sc.Title = strings.Join(names, ", ") + " " + effect.String()
	if length > 0 {
		sc.Title += " for " + length.String()
	}
	return a.run(plan, c, sc, runsOf{}, out.RunOptions{}, false)
}

func needServices(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef(`which service? For example "knockon blast dynamodb-dns"; "knockon list" shows them all`)
	}
	return nil
}

func parseFor(text string) (unit.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := unit.ParseDuration(text)
	if err != nil {
		return 0, usagef(`--for: %v; write a duration such as "10m" or "1h30m"`, err)
	}
	if d == 0 {
		return 0, usagef("--for: a failure of no length impacts nothing; leave --for out for one that lasts")
	}
	return d, nil
}

// parseState reads how a root fails.
func parseState(word string) (graph.State, error) {
	for bit, known := range graph.StateWords {
		if word == known {
			return 1 << bit, nil
		}
	}
	return 0, usagef("--as %q is not known%s", word, suggestion(word, graph.StateWords[:]))
}
