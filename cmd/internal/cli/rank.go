package cli

import (
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
weight that is down, degraded, delayed, frozen and stale, in this order.`,
		Example: `  knockon rank
  knockon rank --top 0 -o rank.json     all of them, for a program
  knockon rank --for 10m -c shop.toml   when no outage lasts longer than that`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
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
			p := a.newProgress("ranking")
			damages, err := g.Rank(cmd.Context(), option, p.show)
			p.clear()
			if err != nil {
				return err
			}
			return a.write(plan, out.NewRanking(c, g, damages, option, most))
		},
	}
	a.addOutput(c)
	c.Flags().StringVar(&lasts, "for", "", "how long a service stays lost, such as 10m; without it, as long as it lasts")
	c.Flags().IntVar(&most, "top", 20, "how many are shown; 0 for all")
	return c
}
