package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

// alternatives is a catalog in which every service needs any one of a few of those
// after it.
func alternatives(n int, random *rand.Rand) *catalog.Catalog {
	c := &catalog.Catalog{}
	for i := range n {
		s := service(fmt.Sprintf("s%05d", i))
		if rest := n - i - 1; rest > 0 && random.IntN(6) > 0 {
			var of []string
			for range 1 + random.IntN(3) {
				of = append(of, fmt.Sprintf("s%05d", i+1+random.IntN(min(rest, 12))))
			}
			slices.Sort(of)
			s.Needs = append(s.Needs, atLeast(1, slices.Compact(of)))
		}
		c.Services = append(c.Services, s)
	}
	return c
}

// Where needs are alternatives, minimal cut sets of one member, dominators and what the
// sweep counts are the same.
func TestDominatorsAreSinglePoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		g := Build(alternatives(rapid.IntRange(1, 60).Draw(t, "services"), rand.New(rand.NewPCG(seed, 1))))
		by := g.Dominators(nil)
		_, exposure, err := g.RankAndExposure(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for v := range Node(g.Len()) {
			var want []string
			for d := v; d >= 0; d = by[d] {
				want = append(want, g.ID(d))
			}
			slices.Sort(want)
			ft, err := g.FaultTree(t.Context(), v, TreeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range ft.CutSets(1) {
				got = append(got, ft.Causes()[s[0]].Name)
			}
			if !slices.Equal(got, want) || exposure[v] != len(want) {
				t.Fatalf("%s: single points %v, exposed to %d; dominators %v", g.ID(v), got, exposure[v], want)
			}
		}
	})
}

// Where needs are alternatives in cycles, losing a dominator leaves no chain, though a
// ring may hold itself up.
func TestDominatorsByTakingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		by := g.Dominators(nil)
		out := g.adjacency(nil)
		ends := func(from, without Node) bool { // is there a chain from one that avoids another
			seen := make([]bool, g.Len())
			open := []Node{from}
			for len(open) > 0 {
				v := open[len(open)-1]
				open = open[:len(open)-1]
				if seen[v] || v == without {
					continue
				}
				seen[v] = true
				if len(out.of(v)) == 0 {
					return true
				}
				open = append(open, out.of(v)...)
			}
			return false
		}
		for v := range Node(g.Len()) {
			if !ends(v, -1) {
				if by[v] != -1 {
					t.Fatalf("%s has no chain and the dominator %s", g.ID(v), g.ID(by[v]))
				}
				continue
			}
			dominates := make(map[Node]bool)
			for d := by[v]; d >= 0; d = by[d] {
				dominates[d] = true
			}
			for d := range Node(g.Len()) {
				if d != v && dominates[d] == ends(v, d) {
					t.Fatalf("%s dominates %s: %v", g.ID(d), g.ID(v), dominates[d])
				}
			}
		}
	})
}

func BenchmarkDominators(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			g := generated(n, 0.02)
			for b.Loop() {
				g.Dominators(nil)
			}
		})
	}
}
