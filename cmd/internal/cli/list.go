package cli

import (
	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
)

func newList(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "list [WORD]",
		Short: "The services of the catalog",
		Long:  "List shows the services whose name, title, group or owner contains a word, or all of them.",
		Example: `  knockon list
  knockon list lambda
  knockon list --format json -c shop.toml`,
		Args:              atMost(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			c, g, err := a.open()
			if err != nil {
				return err
			}
			word := ""
			if len(args) > 0 {
				word = args[0]
			}
			return a.write(plan, out.NewListing(c, g, word))
		},
	}
	a.addOutput(c, (*out.Listing)(nil))
	return c
}
