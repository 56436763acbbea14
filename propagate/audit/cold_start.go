package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO102",
	Name:     "cold-start-cycle",
	Severity: Error,
	Summary:  "Services need each other to come up, so that after the loss of all of them none can be the first.",
	Looks: `From nothing running, services are started one after the other, each as soon as what it needs ` +
		`to start and to serve is running. What can never be started, and forms a cycle, is reported. ` +
		`A cache that has run out counts as empty, a lease as lost; needs that degrade or fall back hold ` +
		`nothing up, and of a group as many as it asks for are needed.`,
	Why: "While all run, nobody notices: each finds the others up. After a power cut, a lost Region or a " +
		"cleared cache they wait for each other, and somebody has to find out by hand, under pressure, " +
		"which one can be cheated into starting.",
	Taught: "Facebook, 4 October 2021: with the backbone down the DNS servers withdrew themselves, and the " +
		"tools and doors needed to bring it back needed DNS and the backbone " +
		"(engineering.fb.com, More details about the October 4 outage).",
	FalseAlarm: "One of the services can in truth start without another and fails only some requests: then " +
		"the need is no hard one; say so with if_lost, or to = \"change\".",
	Fix: "Let one service of the cycle start without the others: from a file, with a default, or degraded " +
		"until they come. Rehearse the start of all of it from nothing.",
	Check: coldStartCycles,
})

func coldStartCycles(p *Pass) {
	started := p.Start(nil)
	for _, knot := range p.Graph.Components(func(n *graph.Need) bool { return heldUp(p.Facts, n, started) }) {
		if len(knot) < 2 {
			continue
		}
		within := make(map[graph.Node]bool, len(knot))
		for _, v := range knot {
			within[v] = true
		}
		path := p.cycle(knot[0], func(n *graph.Need) bool { return heldUp(p.Facts, n, started) }, within)
		f := Finding{
			Subject: List(p.ids(knot)), Service: p.Graph.ID(knot[0]), Path: path,
			Message: fmt.Sprintf("%s need each other to come up: from a cold start none of these %d can be the first", p.Names(knot), len(knot)),
		}
		for _, v := range knot {
			f.Damage = max(f.Damage, p.Damage(v))
		}
		f.At = path[0].At
		p.Report(f)
	}
}

// toComeUp reports whether a service cannot serve for the first time without a need.
func toComeUp(n *graph.Need) bool {
	if n.Lease != nil {
		return n.Lease.Policy.Lost != "nothing"
	}
	d := n.Declared
	hard := d.IfLost == catalog.Fail || d.IfLost == catalog.Stale // what was known is forgotten
	return hard && !d.Fresh && (d.To == catalog.ToStart || d.To == catalog.ToServe && d.Mode == catalog.Sync)
}

// Start returns which services can be started from nothing, apart from those given:
// the least fixed point of "a service starts when what it needs to come up runs".
func (f *Facts) Start(never []graph.Node) []bool {
	g := f.Graph
	started := make([]bool, g.Len())
	missing := make([]int, g.Len()) // needs that are not met yet
	least := make(map[*graph.Need]int)
	var ready []graph.Node
	for v := range graph.Node(g.Len()) {
		for n := range g.Needs(v) {
			if toComeUp(n) {
				missing[v]++
				least[n] = len(g.Targets(n))
				if n.AtLeast() > 0 {
					least[n] = n.AtLeast()
				}
			}
		}
		if missing[v] == 0 {
			ready = append(ready, v)
		}
	}
	for _, v := range never {
		missing[v] = -1
	}
	for len(ready) > 0 {
		v := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		if started[v] || missing[v] < 0 {
			continue
		}
		started[v] = true
		for n := range g.Users(v) {
			left, counts := least[n]
			if !counts {
				continue
			}
			if least[n] = left - 1; left == 1 {
				if missing[n.From]--; missing[n.From] == 0 {
					ready = append(ready, n.From)
				}
			}
		}
	}
	return started
}

// heldUp reports whether a need keeps its service, which cannot be started, from it.
func heldUp(f *Facts, n *graph.Need, started []bool) bool {
	if started[n.From] || !toComeUp(n) {
		return false
	}
	up := 0
	for _, t := range f.Graph.Targets(n) {
		if started[t] {
			up++
		}
	}
	need := len(f.Graph.Targets(n))
	if n.AtLeast() > 0 {
		need = n.AtLeast()
	}
	return up < need
}

// cycle is the evidence for a knot: a shortest way from a service back to itself
// along needs for which follow is true.
func (f *Facts) cycle(v graph.Node, follow func(*graph.Need) bool, within map[graph.Node]bool) []Step {
	r := f.reach(v, func(n *graph.Need) bool { return within[n.From] && follow(n) })
	nodes := append([]graph.Node{v}, r.Nodes...)
	for _, u := range nodes {
		for n := range f.Graph.Needs(u) {
			if !within[u] || !follow(n) {
				continue
			}
			for _, t := range f.Graph.Targets(n) {
				if t == v {
					return append(f.Path(r, u), f.Needs(n, v))
				}
			}
		}
	}
	return nil
}

func (f *Facts) ids(nodes []graph.Node) []string {
	ids := make([]string, len(nodes))
	for i, v := range nodes {
		ids[i] = f.Graph.ID(v)
	}
	return ids
}
