package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
)

func newRank(a *app) *cobra.Command {
	var lasts string
	var most int
	c := &cobra.Command{
		Use:   "rank",
		Short: "Which services hurt most when they are lost",
		Long: `Rank loses every service of the catalog, one at a time, and orders them by the
weight of all that is then impacted, themselves included. Ties are broken by the
weight that is down, degraded, delayed, frozen and stale, in this order.

On a large catalog Ctrl-C ends it with the ranking of what has been lost so far.`,
		Example: `  knockon rank
  knockon rank --top 0 -o rank.json     all of them, for a program
  knockon rank --for 10m -c shop.toml   when no outage lasts longer than that`,
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			if most < 0 {
				return usagef("--top %d: write a number of lines, or 0 for all", most)
			}
			var option graph.Options
			if option.For, err = parseFor(lasts); err != nil {
				return err
			}
			c, g, err := a.open()
			if err != nil {
				return err
			}
			// Elsewhere an interrupt simply ends the program: nothing is ever half
			// written. Here there is something to show for the time spent.
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			p := a.newProgress("ranking")
			damages, err := g.Rank(ctx, option, p.show)
			p.clear()
			if len(damages) == 0 && err != nil {
				return err
			}
			if failed := a.write(plan, out.NewRanking(c, g, damages, option, most)); failed != nil {
				return failed
			}
			if err != nil {
				fmt.Fprintf(a.Err, "knockon: stopped after %d of %d services; the ranking is of these\n", len(damages), g.Len())
			}
			return err
		},
	}
	a.addOutput(c, (*out.Ranking)(nil))
	c.Flags().StringVar(&lasts, "for", "", "how long a service stays lost, such as 10m; without it, as long as it lasts")
	c.Flags().IntVar(&most, "top", 20, "how many are shown; 0 for all")
	return c
}
