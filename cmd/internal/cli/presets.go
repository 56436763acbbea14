package cli

import (
	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
)

func newPresets(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "presets [WORD]",
		Short: "Defaults of real software that a catalog can name",
		Long: `Presets lists the defaults of real software, with the values and where they were
read. A catalog names one in place of a table: retry = "aws-sdk-standard".`,
		Example: `  knockon presets
  knockon presets envoy
  knockon presets --format json`,
		Args:              atMost(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			word := ""
			if len(args) > 0 {
				word = args[0]
			}
			return a.write(plan, out.NewPresets(word))
		},
	}
	a.addOutput(c, (*out.Presets)(nil))
	return c
}
