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
	Nodes []graph.Node // nearest first, Of not among them
	by    map[graph.Node]hop
}

// hop is how a search came to a service.
type hop struct {
	need *graph.Need // of the service before
	at   int         // place in Nodes
}

// Relies returns what a service cannot do without for long: hard needs to serve, also
// through caches and leases that run out, which put a loss off and do not prevent it.
func (f *Facts) Relies(v graph.Node) *Reliance {
	r, ok := f.reliances[v]
	if !ok {
		r = f.reach(v, cannotDoWithout)
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
	r := &Reliance{Of: v, by: make(map[graph.Node]hop)}
	visit := func(v graph.Node) {
		for n := range f.Graph.Needs(v) {
			if !follow(n) {
				continue
			}
			for _, t := range f.Graph.Targets(n) {
				if _, seen := r.by[t]; !seen && t != r.Of {
					r.by[t] = hop{n, len(r.Nodes)}
					r.Nodes = append(r.Nodes, t)
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

// On reports whether the service cannot do without t.
func (r *Reliance) On(t graph.Node) bool {
	_, ok := r.by[t]
	return ok
}

// Path is the evidence for On: a shortest chain of needs to t, from the service.
func (f *Facts) Path(r *Reliance, t graph.Node) []Step {
	var steps []Step
	for t != r.Of {
		h, ok := r.by[t]
		if !ok {
			break
		}
		steps = append(steps, f.Needs(h.need, t))
		t = h.need.From
	}
	slices.Reverse(steps)
	return steps
}
