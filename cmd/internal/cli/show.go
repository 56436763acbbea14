package cli

import (
	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
)

func newShow(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "show SERVICE",
		Short: "All that the catalog says of one service",
		Example: `  knockon show ec2-launch
  knockon show checkout -c shop.toml --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef(`which service? One, for example "knockon show ec2-launch"; "knockon list" shows them all`)
			}
			return nil
		},
		ValidArgsFunction: a.completeServices,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			_, g, err := a.open()
			if err != nil {
				return err
			}
			nodes, err := a.services(g, args)
			if err != nil {
				return err
			}
			return a.write(plan, out.NewDetail(g, nodes[0]))
		},
	}
	a.addOutput(c, (*out.Detail)(nil))
	return c
}
