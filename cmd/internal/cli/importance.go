package cli

import (
	"context"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/knockon/knockon/out"
)

// assumedProbability is that of a service for which none is given: three nines. It is
// a guess, and every output says so. Ranks hardly depend on it while it is small and
// the same for all.
const assumedProbability = 0.001

func newImportance(a *app) *cobra.Command {
	var f faultTreeFlags
	var most int
	c := &cobra.Command{
		Use:   "importance SERVICE",
		Short: "Which services matter most for one staying up",
		Long: `Importance says for every service how much it matters for another one staying up,
exactly, whatever the redundancy between them. P is the probability that the service
is lost, P1 what it is once the other has failed, P0 what it is if the other never
fails.

  CRITICALITY     (P - P0) / P: the share of P that would go with the other. Ranks are
                  by this. Some tools call it Fussell-Vesely
  FUSSELL-VESELY  the probability that a minimal cut set with the other in it has
                  failed, given that the service is lost
  BIRNBAUM        P1 - P0: the probability that all hangs on the other
  RAW             P1 / P, risk achievement worth: how many times worse once it has failed
  RRW             P / P0, risk reduction worth: how many times better without its
                  failures; infinite if nothing else takes the service down

A catalog does not say how probable failures are. Where --probability does not either,
every service fails with probability 0.1%, and the output says that this is assumed.`,
		Example: `  knockon importance checkout -c web-shop
  knockon importance checkout --probability 0.1% --probability db=1%
  knockon importance checkout --common-cause kv-a,kv-b,kv-c=10%
  knockon importance checkout --top 0 -o importance.csv`,
		Args:              theService("importance"),
		ValidArgsFunction: a.completeOneService,
		RunE: func(_ *cobra.Command, args []string) error {
			plan, err := a.plan()
			switch {
			case err != nil:
				return err
			case most < 0:
				return usagef("--top %d: write a number of lines, or 0 for all", most)
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			assumed := assumedProbability
			t, err := a.openFaultTree(ctx, args[0], &f, &assumed)
			if err != nil {
				return err
			}
			return a.write(plan, out.NewImportance(t.catalog, t.FaultTree, t.given, t.chances, most))
		},
	}
	a.addOutput(c, (*out.Importance)(nil))
	c.Flags().IntVar(&most, "top", 20, "how many are shown; 0 for all")
	c.Flags().StringArrayVar(&f.probabilities, "probability", nil, "how probable a failure is, of all services or of one: `0.1% or db=0.1%`; may be repeated")
	f.add(a, c)
	return c
}
