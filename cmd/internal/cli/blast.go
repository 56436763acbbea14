package cli

import (
	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
)

func newBlast(a *app) *cobra.Command {
	var lasts, as string
	c := &cobra.Command{
		Use:   "blast SERVICE...",
		Short: "What falls when these services fail",
		Long: `Blast computes the blast radius of one or several services that fail at the same
time: the outcome of every service, how soon it can begin at the earliest, the
chain of needs that explains it, and what kept the failure from others.

Times are lower bounds from what the catalog declares (caches, leases, queues).
Load, capacity and recovery do not enter.`,
		Example: `  knockon blast dynamodb-dns
  knockon blast dynamodb-dns -o blast.svg -o blast.json
  knockon blast payments orders -c shop.toml
  knockon blast redis --for 10m        an outage of ten minutes: what outlives it?
  knockon blast auth --as degraded     auth is not gone, only worse
  knockon blast dynamodb-dns --format json | jq '.services[] | select(.tier == 0)'`,
		Args:              needServices,
		ValidArgsFunction: a.completeServices,
		RunE: func(_ *cobra.Command, args []string) error {
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
			return a.write(plan, out.NewBlast(c, g.Blast(roots, option)))
		},
	}
	a.addOutput(c, true)
	c.Flags().StringVar(&lasts, "for", "", "how long they stay failed, such as 10m; without it, as long as it lasts")
	c.Flags().StringVar(&as, "as", "down", "how they fail: down, corrupt (answering wrongly), degraded, delayed, frozen or stale")
	mustRegister(c.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(graph.StateWords[:], cobra.ShellCompDirectiveNoFileComp)))
	return c
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
