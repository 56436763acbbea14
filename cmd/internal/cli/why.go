package cli

import (
	"context"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out"
)

func newWhy(a *app) *cobra.Command {
	var at, tolerance string
	c := &cobra.Command{
		Use:   "why SERVICE SCENARIO",
		Short: "Why a service is impaired in a scenario",
		Long: `Why plays a scenario and explains one impairment of one service: the chain of
causes that has the largest share in it, from the service back to what began it,
and then all causes with their shares. The scenario is a file or a built-in incident.

Without --at it explains the time at which the service was worst.`,
		Example: `  knockon why checkout storm.toml
  knockon why checkout storm.toml --at 1m30s
  knockon why lambda-invoke aws-2025-10-20 --at 08:00    on the clock of an incident
  knockon why checkout storm.toml --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef(`which service in which scenario? For example "knockon why checkout storm.toml"`)
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.completeServices(c, args, prefix)
			}
			return completeScenario(c, args[1:], prefix)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			if err != nil {
				return err
			}
			share, err := parseTolerance(tolerance)
			if err != nil {
				return err
			}
			c, sc, err := a.openScenario(args[1])
			if err != nil {
				return err
			}
			time := -1.0 // the worst
			if at != "" {
				if time, err = parseAt(at, sc); err != nil {
					return err
				}
			}
			if time > sc.Horizon.Seconds() {
				return usagef("--at %s: the scenario is over at %s", at, sc.Horizon)
			}
			if _, err := a.services(graph.Build(c), args[:1]); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			res, err := a.play(ctx, "playing", c, sc, runsOf{}, share)
			if err != nil { // half a run explains nothing
				return err
			}
			return a.write(plan, out.NewWhy(c, res, res.Why, args[0], time))
		},
	}
	a.addOutput(c, (*out.Why)(nil))
	c.Flags().StringVar(&at, "at", "", "a `time` since the start such as 90s, or on its clock such as 08:00; without it, when it was worst")
	addTolerance(c, &tolerance)
	return c
}
