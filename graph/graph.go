// Package graph is what depends on what, and what follows from that without a
// clock: who is hit when a service fails, how soon at the earliest, why, and what
// stopped the spread.
//
// A Graph is immutable. Services are dense numbers in the order of their names,
// needs lie in compressed sparse rows in both directions, parallel needs are
// kept, and every order is fixed by what the catalog says, never by where it says
// it. What happens over time (queues, retries, recovery) is the next room,
// propagate.
//
// Start with outcome.go, which holds the algebra, then blast.go, which takes it to
// its least fixed point.
package graph

import (
	"iter"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// Node is a service of a graph: a number from 0 to Len()-1.
type Node int32

// Graph is the services of a catalog and the needs between them.
type Graph struct {
	services []*catalog.Service
	index    map[string]Node

	needs   []Need  // by From, then in canonical order; leases after declared needs
	needOf  []int32 // needs of node v are needs[needOf[v]:needOf[v+1]]
	targets []Node  // targets of need i are targets[needs[i].first:needs[i+1].first]

	users   []arc   // who feels it when a node changes: reverse of targets
	via     []int32 // the need behind each arc
	usersOf []int32 // arcs into node v are users[usersOf[v]:usersOf[v+1]]

	corrupts    []bool  // services that fail as corrupt; nil if there are none
	weight      []int64 // of services, perUnit to one of the catalog's
	totalWeight int64
	perUnit     float64
}

// Need is an edge of the graph: what one service needs, from one target or from a
// group of them. A lease is a need of its holder for its keeper and store.
type Need struct {
	From     Node
	atLeast  int32          // members that must be up; 0 unless a group
	Declared *catalog.Need  // nil for a lease
	Lease    *catalog.Lease // nil for a declared need

	delay      unit.Duration // from the loss to its later effect
	fallback   Node          // -1 unless a service is named that answers instead
	first, end int32         // targets are Graph.targets[first:end]
	rule       rule
	assumed    bool // delay is not stated in the catalog
}

// arc leads from a target back to a service that needs it, and carries the rule of
// the need: a search that reads four bytes an arc and one byte a state is as fast
// as a search that knows nothing of rules.
type arc uint32

const ruleBits = 5

func newArc(user Node, r rule) arc { return arc(user)<<ruleBits | arc(r) }

func (a arc) user() Node { return Node(a >> ruleBits) }
func (a arc) rule() rule { return rule(a & (1<<ruleBits - 1)) }

// Build makes the graph of a catalog. The catalog must be valid, as Load returns
// it; names that no service has are a panic.
func Build(c *catalog.Catalog) *Graph {
	n := len(c.Services)
	g := &Graph{
		services: make([]*catalog.Service, n),
		index:    make(map[string]Node, n),
		needOf:   make([]int32, n+1),
	}
	for i := range c.Services {
		s := &c.Services[i]
		g.services[i] = s
		g.index[s.ID] = Node(i)
		if s.FailsAs == catalog.FailsCorrupt {
			if g.corrupts == nil {
				g.corrupts = make([]bool, n)
			}
			g.corrupts[i] = true
		}
	}
	leases := make([][]*catalog.Lease, n)
	for i := range c.Leases {
		holder := g.mustIndex(c.Leases[i].Holder)
		leases[holder] = append(leases[holder], &c.Leases[i])
	}
	needs, targets := len(c.Leases), 2*len(c.Leases)
	for i := range c.Services {
		needs += len(c.Services[i].Needs)
		for j := range c.Services[i].Needs {
			targets += len(c.Services[i].Needs[j].Targets)
		}
	}
	if n > math.MaxUint32>>ruleBits || needs+targets > math.MaxInt32 {
		panic("graph: more than 2^27 services or 2^31 needs")
	}
	g.needs = make([]Need, 0, needs)
	g.targets = make([]Node, 0, targets)
	for i := range c.Services {
		s := &c.Services[i]
		g.needOf[i] = int32(len(g.needs))
		for j := range s.Needs {
			g.addNeed(Node(i), &s.Needs[j])
		}
		for _, l := range leases[i] {
			g.addLease(Node(i), l)
		}
	}
	g.needOf[n] = int32(len(g.needs))
	g.reverse()
	g.weigh()
	return g
}

func (g *Graph) addNeed(from Node, d *catalog.Need) {
	e := Need{From: from, Declared: d, atLeast: int32(d.AtLeast), fallback: -1, first: int32(len(g.targets))}
	e.rule, e.delay, e.assumed = ruleOf(d)
	for _, id := range d.Targets {
		g.targets = append(g.targets, g.mustIndex(id))
	}
	e.end = int32(len(g.targets))
	if d.Fallback != "" {
		e.fallback = g.mustIndex(d.Fallback)
	}
	g.needs = append(g.needs, e)
}

func (g *Graph) addLease(from Node, l *catalog.Lease) {
	e := Need{
		From: from, Lease: l, rule: ruleLease, delay: l.Policy.TTL.V.Low, assumed: !l.Policy.TTL.IsStated(),
		fallback: -1, first: int32(len(g.targets)),
	}
	g.targets = append(g.targets, g.mustIndex(l.Keeper))
	if l.Store != "" && l.Store != l.Keeper {
		g.targets = append(g.targets, g.mustIndex(l.Store))
	}
	e.end = int32(len(g.targets))
	g.needs = append(g.needs, e)
}

// reverse fills the arcs by counting sort, so that the users of a node stand in
// the order of their needs.
func (g *Graph) reverse() {
	n := g.Len()
	g.usersOf = make([]int32, n+1)
	for i := range g.needs {
		for t := range g.watched(int32(i)) {
			g.usersOf[t+1]++
		}
	}
	for v := range n {
		g.usersOf[v+1] += g.usersOf[v]
	}
	g.users = make([]arc, g.usersOf[n])
	g.via = make([]int32, g.usersOf[n])
	next := slices.Clone(g.usersOf)
	for i := range g.needs {
		e := &g.needs[i]
		for t := range g.watched(int32(i)) {
			g.users[next[t]] = newArc(e.From, e.arcRule())
			g.via[next[t]] = int32(i)
			next[t]++
		}
	}
}

// watched yields the nodes whose state a need depends on: its targets and its
// fallback.
func (g *Graph) watched(i int32) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		e := &g.needs[i]
		for _, t := range g.Targets(e) {
			if !yield(t) {
				return
			}
		}
		if e.fallback >= 0 {
			yield(e.fallback)
		}
	}
}

func (g *Graph) mustIndex(id string) Node {
	v, ok := g.index[id]
	if !ok {
		panic("graph: there is no service " + id)
	}
	return v
}

// Len returns the number of services.
func (g *Graph) Len() int { return len(g.services) }

// NeedCount returns the number of needs, leases included.
func (g *Graph) NeedCount() int { return len(g.needs) }

// Node returns the service with an ID.
func (g *Graph) Node(id string) (Node, bool) {
	v, ok := g.index[id]
	return v, ok
}

// ID returns the name of a service.
func (g *Graph) ID(v Node) string { return g.services[v].ID }

// Service returns what the catalog says of a service.
func (g *Graph) Service(v Node) *catalog.Service { return g.services[v] }

// Needs yields the needs of a service in canonical order, leases last.
func (g *Graph) Needs(v Node) iter.Seq[*Need] {
	return func(yield func(*Need) bool) {
		for i := g.needOf[v]; i < g.needOf[v+1]; i++ {
			if !yield(&g.needs[i]) {
				return
			}
		}
	}
}

// Users yields the needs that name a service as target or as fallback, ordered by
// the service that has them. A need appears once for each place it names.
func (g *Graph) Users(v Node) iter.Seq[*Need] {
	return func(yield func(*Need) bool) {
		for _, i := range g.via[g.usersOf[v]:g.usersOf[v+1]] {
			if !yield(&g.needs[i]) {
				return
			}
		}
	}
}

// Targets returns what a need of this graph is on: one node, the members of a
// group, or the keeper and the store of a lease. The slice must not be changed.
func (g *Graph) Targets(e *Need) []Node { return g.targets[e.first:e.end:e.end] }

// Fallback returns the service that a need names to answer instead.
func (e *Need) Fallback() (Node, bool) { return e.fallback, e.fallback >= 0 }

// AtLeast returns how many targets must be up: 0 unless the need is a group.
func (e *Need) AtLeast() int { return int(e.atLeast) }

// Delay returns the time from the loss of a target to the later of its effects (a
// cache, a lease or a queue running out), and whether that time was assumed
// because the catalog does not state it.
func (e *Need) Delay() (d unit.Duration, assumed bool) { return e.delay, e.assumed }
