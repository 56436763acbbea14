package audit

import (
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

// Reliance is what one service cannot do without: the services of which each alone
// takes it down when it is lost, along chains of needs that nothing breaks.
type Reliance struct {
	Of    graph.Node
	Nodes []graph.Node         // nearest first, Of not among them
	needs []*graph.Need        // by which the search came to each
	at    map[graph.Node]int32 // places in Nodes; nil until somebody asks
}

// mostReliances is how many searches are remembered: on a large catalog the memory for
// all would be that of a square.
const mostReliances = 4096

// Relies returns what a service cannot do without for long: hard needs to serve, also
// through caches and leases that run out, which put a loss off and do not prevent it.
func (f *Facts) Relies(v graph.Node) *Reliance {
	r, ok := f.reliances[v]
	if !ok {
		r = f.reach(v, cannotDoWithout)
		if len(f.reliances) >= mostReliances {
			clear(f.reliances)
		}
		f.reliances[v] = r
	}
	return r
}

// cannotDoWithout reports whether the loss of any target of a need, and no other, takes
// its service down sooner or later.
func cannotDoWithout(n *graph.Need) bool {
	if n.Lease != nil {
		return n.Lease.Policy.Lost != "nothing"
	}
	d := n.Declared
	switch {
	case d.Mode == catalog.Async, d.To != catalog.ToServe, d.Fresh, d.AtLeast != len(d.Targets) && d.IsGroup():
		return false
	case d.IfLost == catalog.Stale:
		return d.TTL.IsStated()
	}
	return d.IfLost == catalog.Fail
}

// reach is a breadth-first search along the needs for which follow is true.
func (f *Facts) reach(v graph.Node, follow func(*graph.Need) bool) *Reliance {
	if f.seen == nil {
		f.seen = make([]int32, f.Graph.Len())
	}
	r := &Reliance{Of: v}
	if f.search++; f.search%256 == 0 && f.stopped() {
		return r
	}
	f.seen[v] = f.search
	visit := func(v graph.Node) {
		for n := range f.Graph.Needs(v) {
			if !follow(n) {
				continue
			}
			for _, t := range f.Graph.Targets(n) {
				if f.seen[t] != f.search {
					f.seen[t] = f.search
					r.Nodes = append(r.Nodes, t)
					r.needs = append(r.needs, n)
				}
			}
		}
	}
	visit(v)
	for i := 0; i < len(r.Nodes); i++ {
		visit(r.Nodes[i])
	}
	return r
}

// place is where a service stands in Nodes, or -1.
func (r *Reliance) place(t graph.Node) int {
	if r.at == nil {
		r.at = make(map[graph.Node]int32, len(r.Nodes))
		for i, v := range r.Nodes {
			r.at[v] = int32(i)
		}
	}
	if i, ok := r.at[t]; ok {
		return int(i)
	}
	return -1
}

// On reports whether the service cannot do without t.
func (r *Reliance) On(t graph.Node) bool { return r.place(t) >= 0 }

// Path is the evidence for On: a shortest chain of needs to t, from the service.
func (f *Facts) Path(r *Reliance, t graph.Node) []Step {
	var steps []Step
	for t != r.Of {
		i := r.place(t)
		if i < 0 {
			break
		}
		steps = append(steps, f.Needs(r.needs[i], t))
		t = r.needs[i].From
	}
	slices.Reverse(steps)
	return steps
}
