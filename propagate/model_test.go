package propagate

import (
	"math"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
	"pgregory.net/rapid"
)

// compile is a catalog ready to be stepped.
func compile(c *catalog.Catalog, sc *scenario.Scenario) (*model, error) {
	p, err := plan.New(c, sc)
	if err != nil {
		return nil, err
	}
	return newModel(p), nil
}

// TestOrder: callers come before what they call, but for calls that close a cycle,
// and those are marked.
func TestOrder(t *testing.T) {
	checks(t, 60, func(t *rapid.T) {
		e := drawEstate(t, calm, 12, true)
		m, err := compile(mustLoad(t, e.text(nil, 1)), &scenario.Scenario{Horizon: 60e9})
		if err != nil {
			t.Skip("requests multiply without end")
		}
		if len(m.Order) != len(m.servers) {
			t.Fatalf("%d of %d services are in order", len(m.Order), len(m.servers))
		}
		place := make([]int, len(m.servers))
		for i, v := range m.Order {
			place[v] = i
		}
		reaches := func(from, to int32) bool {
			seen := make([]bool, len(m.servers))
			for todo := []int32{from}; len(todo) > 0; {
				v := todo[0]
				if todo = todo[1:]; v == to {
					return true
				}
				for _, i := range m.servers[v].Out {
					if e := &m.calls[i]; !e.Async && !seen[e.To] {
						seen[e.To] = true
						todo = append(todo, e.To)
					}
				}
			}
			return false
		}
		for i := range m.calls {
			c := &m.calls[i]
			if c.From < 0 {
				continue
			}
			if late := place[c.To] <= place[c.From]; late != c.Back {
				t.Fatalf("%s -> %s is marked %v", m.servers[c.From].ID, m.servers[c.To].ID, c.Back)
			}
			if c.Back && !c.Async && !reaches(c.To, c.From) {
				t.Fatalf("%s -> %s goes back, and closes no cycle", m.servers[c.From].ID, m.servers[c.To].ID)
			}
		}
	})
}

// TestSteadyFlowIsNominal: what the engine plays when nothing happens is what the
// model says, in every need, whatever the legs of a request are.
func TestSteadyFlowIsNominal(t *testing.T) {
	checks(t, 25, func(t *rapid.T) {
		ct := drawCalm(t, 12)
		r := played(t, ct, "horizon = \"300s\"\n", Options{})
		for i := range r.Needs {
			n := &r.Needs[i]
			calls, length := 0.0, 0.0
			for j := len(n.Bins) / 3; j < len(n.Bins); j++ {
				calls, length = calls+n.Bins[j].Calls, length+r.Times[j+1]-r.Times[j]
			}
			if got := calls / length; math.Abs(got-n.Nominal) > 2e-3*max(1, r.service(n.Service).Nominal) {
				t.Fatalf("%s -> %s: %v/s, and %v/s when all is well\n%s", n.Service, n.Target, got, n.Nominal, ct)
			}
		}
	})
}
