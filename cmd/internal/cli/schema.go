package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/catalog"
)

func newSchema(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "schema",
		Short: "The language of catalogs as a JSON Schema, for editors",
		Long: `Schema writes a JSON Schema with what every key means. Editors that know TOML use it
when the first line of a catalog says

  #:schema ./knockon.schema.json`,
		Example: `  knockon schema > knockon.schema.json
  knockon schema -o knockon.schema.json`,
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if file == "" || file == "-" {
				_, err := a.Out.Write(catalog.Schema)
				return err
			}
			if err := writeFile(file, catalog.Schema); err != nil {
				return usagef("cannot write %s: %w", file, err)
			}
			fmt.Fprintf(a.Err, "knockon: wrote %s\n", file)
			return nil
		},
	}
	c.Flags().StringVarP(&file, "output", "o", "", "write to a `file`; - is stdout")
	return c
}
