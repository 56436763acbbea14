package cli

import (
	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
)

func newRender(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "render",
		Short: "The whole catalog as a picture or a table",
		Example: `  knockon render -o catalog.svg
  knockon render -o catalog.mmd -c shop.toml
  knockon render --format backstage > catalog-info.yaml
  knockon render --format dot | dot -Tpdf > catalog.pdf`,
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			c, g, err := a.open()
			if err != nil {
				return err
			}
			return a.write(plan, out.NewMap(c, g))
		},
	}
	a.addOutput(c, (*out.Map)(nil))
	return c
}
