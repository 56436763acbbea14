package propagate

import (
	"context"
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Run plays a scenario on a catalog. A cancelled context gives what there is, with
// Partial set, and the context's error. Other errors are faults of the catalog.
func Run(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, opt Options) (*Result, error) {
	p, err := plan.New(c, sc)
	if err != nil {
		return nil, err
	}
	m := newModel(p)
	en := newEngine(c, m, sc, opt)
	en.rec.index = make(map[string]int32, len(m.servers))
	for v := range m.servers {
		en.rec.index[m.servers[v].ID] = int32(v)
	}
	if en.rec.marks, err = borders(sc, len(m.Services)+len(m.Calls)); err != nil {
		return nil, err
	}
	err = en.run(ctx, opt.Progress)
	res := en.rec.result
	if err != nil {
		res.Partial = true
		en.rec.finish(en)
	}
	_, res.Ignored = c.Inventory()
	if !en.chance {
		res.Doubts = m.doubts(sc.Horizon.Seconds())
	}
	res.Steps, res.Balance = en.steps, en.balance
	res.judge()
	if !(res.Balance <= 1e-6) {
		panic(fmt.Sprintf("propagate: requests were lost or made: the balance is off by %.3g of them", res.Balance))
	}
	return res, err
}
