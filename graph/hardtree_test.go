package graph

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/knockon/knockon/catalog"
)

// plant is a catalog in the shape of the large fault trees of nuclear plants: safety
// functions, each by half of a few redundant trains, trains of many components on support
// systems that they share, and these on each other's.
func plant(trains, components, supports int, seed uint64) *catalog.Catalog {
	random := rand.New(rand.NewPCG(seed, 3))
	services := make(map[string]*catalog.Service)
	add := func(id string, needs ...catalog.Need) string {
		s := service(id, needs...)
		services[id] = &s
		return id
	}
	parts := func(of string, n int) (needs []catalog.Need) {
		for i := range n {
			needs = append(needs, on(add(fmt.Sprintf("%s part %02d", of, i))))
		}
		return needs
	}
	var support []string
	for i := range supports {
		id := fmt.Sprintf("support %02d", i)
		needs := parts(id, 2+random.IntN(4))
		if i > 2 { // either of two before it
			a, b := random.IntN(i), random.IntN(i-1)
			if b >= a {
				b++
			}
			of := []string{support[a], support[b]}
			slices.Sort(of)
			needs = append(needs, atLeast(1, of))
		}
		support = append(support, add(id, needs...))
	}
	var functions []catalog.Need
	for f := range 4 {
		var of []string
		for i := range trains {
			id := fmt.Sprintf("function %d train %02d", f, i)
			needs := parts(id, components)
			for _, j := range random.Perm(supports)[:3] {
				needs = append(needs, on(support[j]))
			}
			of = append(of, add(id, needs...))
		}
		functions = append(functions, on(add(fmt.Sprintf("function %d", f), atLeast(trains/2, of))))
	}
	add("plant", functions...)
	c := &catalog.Catalog{}
	for _, s := range services {
		slices.SortStableFunc(s.Needs, compareNeeds)
		c.Services = append(c.Services, *s)
	}
	slices.SortFunc(c.Services, func(a, b catalog.Service) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return c
}

// The order of variables changes how large diagrams are, and nothing of what they say.
func TestFaultTreeOfAPlant(t *testing.T) {
	c := plant(8, 14, 24, 1)
	if err := c.CheckValid(); err != nil {
		t.Fatal(err)
	}
	g := Build(c)
	all := orders
	defer func() { orders = all }()
	var want string
	for i, o := range all[:3] {
		orders = []variableOrder{o}
		ft, err := g.FaultTree(t.Context(), g.must("plant"), TreeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := make([]float64, len(ft.Causes()))
		for c := range p {
			p[c] = 0.01
		}
		got := fmt.Sprintf("%v, %.12g", ft.Orders(), ft.Probability(p))
		t.Logf("order %d: %d causes, %v cut sets, %d vertices", i, len(p), ft.Count(), ft.Size())
		if ft.Count().Cmp(big.NewInt(100_000_000)) < 0 || len(p) < 500 {
			t.Errorf("%v cut sets of %d causes: this is not hard", ft.Count(), len(p))
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("order %d: got %s, want %s", i, got, want)
		}
	}
}

func BenchmarkFaultTree(b *testing.B) {
	for _, size := range [][3]int{{4, 10, 10}, {6, 12, 20}, {8, 14, 24}, {8, 16, 32}} {
		c := plant(size[0], size[1], size[2], 1)
		b.Run(fmt.Sprintf("services=%d", len(c.Services)), func(b *testing.B) {
			g := Build(c)
			var ft *FaultTree
			var count float64
			for b.Loop() {
				var err error
				if ft, err = g.FaultTree(b.Context(), g.must("plant"), TreeOptions{}); err != nil {
					b.Fatal(err)
				}
				count, _ = new(big.Float).SetInt(ft.Count()).Float64()
			}
			b.ReportMetric(count, "cutsets")
			b.ReportMetric(float64(ft.Size()), "vertices")
		})
	}
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("catalog/services=%d", n), func(b *testing.B) {
			g := generated(n, 0.02)
			for b.Loop() {
				if _, err := g.FaultTree(b.Context(), Node(0), TreeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
