// Package event plays scenarios on catalogs request by request, with chance: every
// request arrives, waits, is served and is answered by itself, at a time in whole
// nanoseconds. It is what the rate engine of package propagate is the mean of, and so
// the oracle that engine is held against: the two share a plan, presets and how a run
// is judged, and nothing of what happens in between. One run is one course that things
// can take; several seeds say what is usual and what is chance.
//
// The parts:
//
//   - engine.go is the clock: what happens next, and the end of bins and observations.
//     heap.go orders events by time and, at one time, by when they were planned, so
//     that nothing is left to chance but what is drawn; slab.go keeps requests.
//
//   - random.go is chance: one stream for every entity and purpose.
//
//   - source.go is who comes from outside; call.go the side of the caller, with
//     client.go, what one of its processes knows; server.go and lane.go the side of the
//     service; leg.go what a request of it asks of others, one after another.
//
//   - instance.go plays services that are split, check.go the health checks that test
//     their instances.
//
//   - fate.go is what faults do, operators.go what operators do; books.go what is counted.
//
//   - lease.go is who holds leases, cache.go what callers remember, fleet.go instances
//     that come and go, deferred.go the demand that comes back.
//
// More keys, holders or calls at once than it can tell apart are refused with an error
// that names them; see refuse.go.
package event

import (
	"context"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Options are how to run.
type Options struct {
	Seed     uint64             // of all chance: the same seed gives the same run
	Progress func(done float64) // share of the horizon; may be nil
}

// Run plays a scenario on a catalog. A cancelled context gives what there is, with
// Partial set, and the context's error. Other errors are faults of the catalog.
func Run(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, opt Options) (*propagate.Result, error) {
	p, err := plan.New(c, sc)
	if err != nil {
		return nil, err
	}
	if err := refuse(p); err != nil {
		return nil, err
	}
	ledger, err := propagate.NewLedger(c, p, sc)
	if err != nil {
		return nil, err
	}
	en := newEngine(p, sc, ledger, opt.Seed)
	err = en.run(ctx, opt.Progress)
	return en.finish(err != nil), err
}
