package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
)

func newCheck(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "check [CATALOG...]",
		Short: "Is the catalog right? Every fault at once, with file and line",
		Long: `Check reads a catalog and prints every fault it finds, each with its file, line
and column, the line itself, and what to write instead. It exits with 2 if there
is one, and otherwise says what is in the catalog.`,
		Example: `  knockon check
  knockon check shop.toml
  knockon check knockon/ --format json     for an editor or CI`,
		ValidArgsFunction: a.completeCatalogs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 && len(a.catalogs) > 0 {
				return usagef("name the catalog once: as an argument or with -c")
			}
			if len(args) > 0 {
				a.catalogs = args
			}
			plan, err := a.plan()
			if err != nil {
				return err
			}
			c, faults, err := a.load(true)
			if err != nil {
				return err
			}
			var g *graph.Graph
			if c != nil {
				g = graph.Build(c)
			}
			r := out.NewCheck(c, g, faults)
			// What is wrong is a message, unless a program asked for it.
			if !r.Valid && plan[0].file == "" && plan[0].format.Name == "text" {
				return a.report(faults)
			}
			if err := a.write(plan, r); err != nil {
				return err
			}
			if !r.Valid {
				return &exitError{exitInput, fmt.Errorf("%w", errSaid)}
			}
			return nil
		},
	}
	a.addOutput(c, (*out.Check)(nil))
	return c
}
