package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/knockon/knockon/graph/internal/bdd"
)

// TreeOptions say what a fault tree is of.
type TreeOptions struct {
	// From is the mildest outcome that counts: Down where it is Safe.
	From Outcome
	// Given are services that are lost already.
	Given []Node
	// Reliable reports whether a service never fails by itself; nil: all can.
	Reliable func(Node) bool
	// Common are causes that take several services at once.
	Common []CommonCause
	// Vertices is how large the diagrams may become, all together; 0 for
	// DefaultVertices. A vertex takes about 32 bytes.
	Vertices int

	// opposes names services that fail exactly when another has not, which no service
	// does: for fault trees of which gates can be negated. Both are Reliable or neither.
	opposes map[Node]Node
}

// DefaultVertices is about 2 GB of diagrams.
const DefaultVertices = 40_000_000

// CommonCause is what several services have in common that can take them all: a
// batch of disks, a release, a rack. With the model of beta factors (Fleming 1975) a
// share of the failures of each are failures of all.
type CommonCause struct {
	Name     string
	Services []Node // sorted
}

// ErrTooLarge says that a fault tree is past what Vertices allow.
var ErrTooLarge = errors.New("graph: the diagrams of this fault tree are too large")

// Cause is what can fail by itself: a service, or what several have in common.
type Cause struct {
	Name     string
	Services []Node // what it takes; one, unless it is a common cause
}

// FaultTree is a service being lost as a Boolean function of what fails by itself: of
// services, each failing for ever, and of common causes. It says the same as Blast for
// every set of roots: after Blast(roots) a service is lost if and only if the function
// is true where exactly these roots are.
//
// It is kept as decision diagrams, so that what would take a list of all combinations
// (how many minimal cut sets there are, how probable it is that one happens) does not
// need one. Time does not enter: what a cache, a lease or a queue puts off happens.
type FaultTree struct {
	graph   *Graph
	target  Node
	causes  []Cause
	solver  solver
	outcome Outcome

	counting sync.Once
	counts   [][]*big.Int // see orders
}

// FaultTree works out when a service is lost. It returns ErrTooLarge when that is past
// what Vertices allow, or why the context ended.
func (g *Graph) FaultTree(ctx context.Context, target Node, o TreeOptions) (*FaultTree, error) {
	t := &FaultTree{graph: g, target: target, outcome: cmp.Or(o.From, Down)}
	t.solver = solver{ctx: ctx, limit: cmp.Or(o.Vertices, DefaultVertices)}
	f := g.lossFormula(target, impairedFrom(t.outcome), t.numberCauses(o)).untangle()
	t.solver.causes = len(t.causes)
	if o.opposes != nil {
		t.solver.opposes = t.opposing(o.opposes)
	}
	if err := t.solver.solve(f); err != nil {
		if errors.Is(err, bdd.ErrFull) {
			err = ErrTooLarge
		}
		return nil, err
	}
	return t, nil
}

// impairedFrom are the impairments of an outcome and of worse ones.
func impairedFrom(o Outcome) (s State) {
	for bit := range impairments {
		if State(1<<bit).Outcome() >= o {
			s |= 1 << bit
		}
	}
	return s
}

// numberCauses returns what can make a service fail by itself. Causes are numbered as
// they are asked for.
func (t *FaultTree) numberCauses(o TreeOptions) func(Node) []term {
	given := make(map[Node]bool, len(o.Given))
	for _, v := range o.Given {
		given[v] = true
	}
	common := make(map[Node][]int) // of Common, by service
	for i, c := range o.Common {
		for _, v := range c.Services {
			common[v] = append(common[v], i)
		}
	}
	number := make(map[int]term) // of Common
	return func(v Node) (any []term) {
		if given[v] {
			return []term{certain}
		}
		cause := func(c Cause) term {
			t.causes = append(t.causes, c)
			return causeTerm(len(t.causes) - 1)
		}
		if o.Reliable == nil || !o.Reliable(v) {
			any = append(any, cause(Cause{t.graph.ID(v), []Node{v}}))
		}
		for _, i := range common[v] {
			if _, ok := number[i]; !ok {
				number[i] = cause(Cause(o.Common[i]))
			}
			any = append(any, number[i])
		}
		return any
	}
}

func (t *FaultTree) opposing(opposes map[Node]Node) []int {
	by := make(map[Node]int, len(t.causes))
	for c := range t.causes {
		by[t.causes[c].Services[0]] = c
	}
	all := make([]int, len(t.causes))
	for c := range all {
		all[c] = -1
		if v, ok := opposes[t.causes[c].Services[0]]; ok {
			w, ok := by[v]
			if !ok { // what it is the negation of is named nowhere else
				w = len(t.causes)
				by[v] = w
				t.causes = append(t.causes, Cause{t.graph.ID(v), []Node{v}})
			}
			all[c] = w
		}
	}
	for len(all) < len(t.causes) {
		all = append(all, -1)
	}
	t.solver.causes = len(t.causes)
	return all
}

// Orders returns how many minimal cut sets have 0, 1, 2 … members: sets of causes that
// together lose the service, and of which none can be left out. One without members
// says that it is lost anyway; an empty slice that it cannot be. The numbers must not be
// changed.
func (t *FaultTree) Orders() []*big.Int {
	return t.orders()[len(t.solver.modules)-1]
}

// orders are those of each module, worked out when first asked for.
func (t *FaultTree) orders() [][]*big.Int {
	t.counting.Do(func() {
		t.counts = make([][]*big.Int, len(t.solver.modules))
		for i := range t.solver.modules {
			m := &t.solver.modules[i]
			sizes := make([][]*big.Int, len(m.leaves))
			for l, c := range m.leaves {
				if c >= t.solver.causes {
					sizes[l] = t.counts[c-t.solver.causes]
				}
			}
			t.counts[i] = m.space.Orders(m.minimal, sizes)
		}
	})
	return t.counts
}

// Count returns how many minimal cut sets there are.
func (t *FaultTree) Count() *big.Int {
	sum := new(big.Int)
	for _, n := range t.Orders() {
		sum.Add(sum, n)
	}
	return sum
}

// Causes returns all causes that were looked at, whether or not they matter.
func (t *FaultTree) Causes() []Cause { return t.causes }

// Probability returns how probable it is that the service is lost, where cause i has
// happened with probability p[i], independently of the others. It is exact: no
// approximation by rare events.
func (t *FaultTree) Probability(p []float64) float64 {
	return t.probabilities(p)[len(t.solver.modules)-1]
}

func (t *FaultTree) probabilities(p []float64) []float64 {
	if len(p) != len(t.causes) {
		panic(fmt.Sprintf("graph: %d probabilities for %d causes", len(p), len(t.causes)))
	}
	all := make([]float64, len(t.solver.modules))
	for i := range t.solver.modules {
		m := &t.solver.modules[i]
		all[i] = m.space.Probability(m.fails, t.leafProbabilities(m, p, all))
	}
	return all
}

// leafProbabilities are those of the leaves of a module, by level.
func (t *FaultTree) leafProbabilities(m *module, p, modules []float64) []float64 {
	q := make([]float64, len(m.leaves))
	for l, c := range m.leaves {
		if c < t.solver.causes {
			q[l] = p[c]
		} else {
			q[l] = modules[c-t.solver.causes]
		}
	}
	return q
}

// CutSet is causes that together lose a service: numbers of Causes, sorted by name.
type CutSet []int

// CutSets returns the minimal cut sets of at most so many members: fewest members
// first, then by the names of their causes. There can be very many; ask Orders first.
func (t *FaultTree) CutSets(order int) []CutSet {
	least := t.leastOrders()
	var list func(i, most int) []CutSet
	list = func(i, most int) []CutSet {
		m := &t.solver.modules[i]
		sizes := make([]int, len(m.leaves))
		for l, c := range m.leaves {
			sizes[l] = 1
			if c >= t.solver.causes {
				sizes[l] = least[c-t.solver.causes]
			}
		}
		within := make(map[int][]CutSet)
		upTo := make(map[int]int)
		var found []CutSet
		m.space.Sets(m.minimal, most, sizes, func(levels []int) bool {
			spare := most
			for _, l := range levels {
				spare -= sizes[l]
			}
			sets := []CutSet{nil}
			for _, l := range levels {
				c := m.leaves[l]
				by := []CutSet{{c}}
				if c >= t.solver.causes {
					if left := sizes[l] + spare; within[c] == nil || upTo[c] < left {
						within[c], upTo[c] = list(c-t.solver.causes, left), left
					}
					by = within[c]
				}
				var longer []CutSet
				for _, s := range sets {
					for _, u := range by {
						if len(s)+len(u) <= most {
							longer = append(longer, append(s[:len(s):len(s)], u...))
						}
					}
				}
				sets = longer
			}
			found = append(found, sets...)
			return true
		})
		return found
	}
	found := list(len(t.solver.modules)-1, order)
	name := func(c, d int) int { return strings.Compare(t.causes[c].Name, t.causes[d].Name) }
	for _, s := range found {
		slices.SortFunc(s, name)
	}
	slices.SortFunc(found, func(a, b CutSet) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, name))
	})
	return found
}

// leastOrders are the sizes of the smallest cut sets of each module.
func (t *FaultTree) leastOrders() []int {
	all := make([]int, len(t.solver.modules))
	for i, orders := range t.orders() {
		all[i] = slices.IndexFunc(orders, func(n *big.Int) bool { return n.Sign() > 0 })
	}
	return all
}

// Target returns the name of the service.
func (t *FaultTree) Target() string { return t.graph.ID(t.target) }

// Outcome returns from which outcome on the service counts as lost.
func (t *FaultTree) Outcome() Outcome { return t.outcome }

// Size returns how many vertices the diagrams have.
func (t *FaultTree) Size() int {
	n := 0
	for i := range t.solver.modules {
		n += t.solver.modules[i].size
	}
	return n
}
