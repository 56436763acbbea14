package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

// truth is a fault tree by definition: one blast radius for every set of causes.
type truth struct {
	causes []Cause
	lost   []bool // by set of causes, as bits
}

func newTruth(g *Graph, target Node, o TreeOptions, causes []Cause) truth {
	t := truth{causes, make([]bool, 1<<len(causes))}
	impaired := impairedFrom(max(o.From, Stale))
	if o.From == Safe {
		impaired = isLost
	}
	s := newSearch(g, Options{})
	for set := range t.lost {
		s.roots = s.roots[:0]
		for _, v := range o.Given {
			s.roots = append(s.roots, Root{v, IsDown})
		}
		for c, cause := range causes {
			if set&(1<<c) != 0 {
				for _, v := range cause.Services {
					s.roots = append(s.roots, Root{v, IsDown})
				}
			}
		}
		s.run()
		t.lost[set] = s.state[target]&impaired != 0
		s.reset()
	}
	return t
}

// minimal are the sets of which nothing can be left out.
func (t truth) minimal() (sets []int) {
	for set, lost := range t.lost {
		for c := range t.causes {
			lost = lost && (set&(1<<c) == 0 || !t.lost[set&^(1<<c)])
		}
		if lost {
			sets = append(sets, set)
		}
	}
	return sets
}

// probability that a set of causes happens which holds.
func (t truth) probability(p []float64, holds func(set int) bool) (sum float64) {
	for set := range t.lost {
		if !holds(set) {
			continue
		}
		q := 1.0
		for c := range t.causes {
			if set&(1<<c) != 0 {
				q *= p[c]
			} else {
				q *= 1 - p[c]
			}
		}
		sum += q
	}
	return sum
}

func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-11*max(1, math.Abs(a), math.Abs(b))
}

func checkFaultTree(t rapid.TB, g *Graph, target Node, o TreeOptions, p func(i int) float64) {
	t.Helper()
	ft, err := g.FaultTree(context.Background(), target, o)
	if err != nil {
		t.Fatal(err)
	}
	is := newTruth(g, target, o, ft.Causes())
	minimal := is.minimal()
	orders := make([]int64, 0, 20)
	var want []string
	for _, set := range minimal {
		var names []string
		for c, cause := range is.causes {
			if set&(1<<c) != 0 {
				names = append(names, cause.Name)
			}
		}
		for len(orders) <= len(names) {
			orders = append(orders, 0)
		}
		orders[len(names)]++
		slices.Sort(names)
		want = append(want, fmt.Sprintf("%02d %s", len(names), strings.Join(names, "+")))
	}
	slices.Sort(want)
	if got := fmt.Sprint(ft.Orders()); got != fmt.Sprint(orders) {
		t.Fatalf("orders: got %s, want %d", got, orders)
	}
	for _, most := range []int{20, 2} {
		var got []string
		for _, s := range ft.CutSets(most) {
			var names []string
			for _, c := range s {
				names = append(names, ft.Causes()[c].Name)
			}
			got = append(got, fmt.Sprintf("%02d %s", len(names), strings.Join(names, "+")))
		}
		few := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return s > fmt.Sprintf("%02d~", most) })
		if !slices.Equal(got, few) {
			t.Fatalf("cut sets up to %d: got %q, want %q", most, got, few)
		}
	}
	q := make([]float64, len(is.causes))
	for i := range q {
		q[i] = p(i)
	}
	whole := is.probability(q, func(set int) bool { return is.lost[set] })
	if got := ft.Probability(q); !near(got, whole) {
		t.Fatalf("probability: got %v, want %v", got, whole)
	}
	for c, got := range ft.Importance(q) {
		with := is.probability(q, func(set int) bool { return is.lost[set|1<<c] })
		without := is.probability(q, func(set int) bool { return is.lost[set&^(1<<c)] })
		in := is.probability(q, func(set int) bool {
			return slices.ContainsFunc(minimal, func(m int) bool { return m&(1<<c) != 0 && set&m == m })
		})
		check := func(what string, got, want float64) {
			if !near(got, want) {
				t.Fatalf("%s of %s: got %v, want %v", what, is.causes[c].Name, got, want)
			}
		}
		check("Birnbaum", got.Birnbaum, with-without)
		check("Fussell-Vesely", got.FussellVesely, in/whole)
		if whole > 0 {
			check("criticality", got.Criticality, (whole-without)/whole)
			check("achievement", got.Achievement, with/whole)
			if without == 0 {
				check("reduction", got.Reduction, math.Inf(1))
			} else if without > 1e-9 {
				check("reduction", got.Reduction, whole/without)
			}
		}
		// The probability is linear in that of each cause: a difference is the derivative.
		up, down := slices.Clone(q), slices.Clone(q)
		up[c], down[c] = min(1, q[c]+0.25), max(0, q[c]-0.25)
		check("finite difference", got.Birnbaum, (ft.Probability(up)-ft.Probability(down))/(up[c]-down[c]))
	}
}

func TestFaultTreeIsOneBlastEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		o := TreeOptions{From: rapid.SampledFrom([]Outcome{Safe, Down, Degraded, Delayed, Frozen, Stale}).Draw(t, "from")}
		node := rapid.Custom(func(t *rapid.T) Node { return Node(rapid.IntRange(0, g.Len()-1).Draw(t, "node")) })
		if rapid.IntRange(0, 3).Draw(t, "given") == 0 {
			o.Given = []Node{node.Draw(t, "lost already")}
		}
		if rapid.IntRange(0, 2).Draw(t, "reliable") == 0 {
			never := node.Draw(t, "never")
			o.Reliable = func(v Node) bool { return v == never }
		}
		if rapid.IntRange(0, 2).Draw(t, "common") == 0 {
			several := rapid.SliceOfNDistinct(node, 1, 3, rapid.ID[Node]).Draw(t, "in common")
			o.Common = []CommonCause{{"rack", several}}
		}
		chances := rapid.SliceOfN(rapid.SampledFrom([]float64{0.5, 0.01, 1e-4, 0, 1, 0.9}), 12, 12).Draw(t, "chances")
		checkFaultTree(t, g, node.Draw(t, "target"), o, func(i int) float64 { return chances[i%12] })
	})
}

// tangle is a catalog of groups in a ring of rings: every service needs k of a few
// others, in any direction.
func tangle(n int, random *rand.Rand) *catalog.Catalog {
	c := &catalog.Catalog{}
	for i := range n {
		c.Services = append(c.Services, service(fmt.Sprintf("s%02d", i)))
	}
	ids := c.IDs()
	for i := range n {
		s := &c.Services[i]
		for range 1 + random.IntN(2) {
			others := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == s.ID })
			random.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
			of := others[:2+random.IntN(3)]
			slices.Sort(of)
			s.Needs = append(s.Needs, atLeast(1+random.IntN(len(of)-1), of))
		}
		slices.SortStableFunc(s.Needs, compareNeeds)
	}
	return c
}

func TestFaultTreeOfSixteen(t *testing.T) {
	for seed := range uint64(6) {
		c := tangle(16, rand.New(rand.NewPCG(seed, 16)))
		if err := c.CheckValid(); err != nil {
			t.Fatal(err)
		}
		g := Build(c)
		ft, err := g.FaultTree(t.Context(), 0, TreeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		is := newTruth(g, 0, TreeOptions{}, ft.Causes())
		orders := make([]*big.Int, 17)
		for i := range orders {
			orders[i] = new(big.Int)
		}
		for _, set := range is.minimal() {
			n := orders[popcount(set)]
			n.Add(n, big.NewInt(1))
		}
		got := ft.Orders()
		if fmt.Sprint(got) != fmt.Sprint(orders[:len(got)]) || len(is.causes) < 10 {
			t.Errorf("seed %d: got %v, want %v", seed, got, orders)
		}
		p := make([]float64, len(is.causes))
		for i := range p {
			p[i] = 1 / float64(i+3)
		}
		if got, want := ft.Probability(p), is.probability(p, func(set int) bool { return is.lost[set] }); !near(got, want) {
			t.Errorf("seed %d: probability: got %v, want %v", seed, got, want)
		}
	}
}

func popcount(set int) (n int) {
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}

func TestFaultTreeTooLarge(t *testing.T) {
	g := Build(tangle(30, rand.New(rand.NewPCG(1, 30))))
	if _, err := g.FaultTree(t.Context(), 0, TreeOptions{Vertices: 50}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}
