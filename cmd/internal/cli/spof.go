package cli

import (
	"context"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
)

func newSpof(a *app) *cobra.Command {
	var most int
	var tier int64
	c := &cobra.Command{
		Use:   "spof [SERVICE]",
		Short: "Single points of failure: what alone takes a service down",
		Long: `Spof finds the services whose loss, alone and for as long as it lasts, takes another
one down: those that a service cannot do without, however long the way. They are
ordered by the weight of all that their loss impacts, as in "knockon rank".

With a service it finds those of that service, each with the way the failure takes.
Without one it finds those of all services of --tier and more important ones, and says
how many single points each of these has; where the catalog states no tiers, of all.

What is tolerated, answered from elsewhere or one of several that suffice is no single
point. For what it takes two or more to bring down see "knockon cutsets -h".`,
		Example: `  knockon spof                        of the services of tiers 0 and 1
  knockon spof checkout -c web-shop   of one service, with the way each takes
  knockon spof --tier 0 --top 0       all those of tier 0
  knockon spof -o spof.csv            as a table`,
		Args:              atMost(1),
		ValidArgsFunction: a.completeOneService,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			switch {
			case err != nil:
				return err
			case most < 0:
				return usagef("--top %d: write a number of lines, or 0 for all", most)
			case tier < 0 || tier > 9:
				return usagef("--tier %d: tiers are 0, the most important, to 9", tier)
			}
			c, g, err := a.open()
			if err != nil {
				return err
			}
			stated := false
			for i := range c.Services {
				stated = stated || c.Services[i].Tier.IsStated()
			}
			of := ""
			asked := func(v graph.Node) bool {
				t := g.Service(v).Tier
				return !stated || t.IsStated() && t.V <= tier
			}
			if len(args) > 0 {
				nodes, err := a.services(g, args)
				if err != nil {
					return err
				}
				of = args[0]
				asked = func(v graph.Node) bool { return v == nodes[0] }
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // see newRank
			defer stop()
			p := a.newProgress("looking")
			points, exposure, err := g.SinglePoints(ctx, asked, p.show)
			p.clear()
			if exposure == nil {
				return err
			}
			r := out.NewSinglePoints(c, g, points, exposure, asked, of, most)
			r.Tier, r.Untiered, r.Partial = tier, !stated, err != nil
			if failed := a.write(plan, r); failed != nil {
				return failed
			}
			return err
		},
	}
	a.addOutput(c, (*out.SinglePoints)(nil))
	c.Flags().Int64Var(&tier, "tier", 1, "of services of this tier and more important ones")
	c.Flags().IntVar(&most, "top", 20, "how many are shown; 0 for all")
	return c
}

// completeOneService offers services for the first argument.
func (a *app) completeOneService(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeServices(c, args, prefix)
}
