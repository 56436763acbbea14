package graph

import (
	"fmt"
	"sync"
	"testing"

	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/traverse"
)

// graphs keeps what benchmarks share, so that a graph is generated once.
var graphs sync.Map

func generated(n int, back float64) *Graph {
	key := fmt.Sprint(n, back)
	if g, ok := graphs.Load(key); ok {
		return g.(*Graph)
	}
	g := Build(generate(n, back, 1))
	graphs.Store(key, g)
	return g
}

// csr is the plainest reverse graph there is, to compare with.
type csr struct{ first, users []int32 }

func plain(g *Graph) csr {
	p := csr{first: g.usersOf}
	for _, a := range g.users {
		p.users = append(p.users, int32(a.user()))
	}
	return p
}

// reach is a breadth-first search with a bitmap and a queue.
func (p csr) reach(root Node) int {
	n := len(p.first) - 1
	visited := make([]uint64, (n+63)/64)
	queue := make([]int32, 0, n)
	visited[root/64] |= 1 << (root % 64)
	queue = append(queue, int32(root))
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		for _, u := range p.users[p.first[v]:p.first[v+1]] {
			if visited[u/64]&(1<<(u%64)) == 0 {
				visited[u/64] |= 1 << (u % 64)
				queue = append(queue, u)
			}
		}
	}
	return len(queue)
}

// reachGonum is the same search by gonum.
func reachGonum(v *View, root Node) int {
	var search traverse.BreadthFirst
	n := 0
	search.Visit = func(gonum.Node) { n++ }
	search.Walk(v, v.Node(int64(root)), nil)
	return n
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			c := generate(n, 0, 1)
			needs := 0
			for b.Loop() {
				needs = Build(c).NeedCount()
			}
			b.ReportMetric(float64(needs), "needs")
		})
	}
}

// BenchmarkBlast loses the service that takes most others with it.
func BenchmarkBlast(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			g := generated(n, 0.02)
			root := hub(g)
			compare := func(name string, reach func() int) {
				b.Run(name, func(b *testing.B) {
					hit := 0
					for b.Loop() {
						hit = reach()
					}
					b.ReportMetric(float64(hit), "hit")
				})
			}
			compare("knockon", func() int { return len(g.Blast([]Root{{root, IsDown}}, Options{}).log) })
			p := plain(g)
			compare("csr", func() int { return p.reach(root) })
			if n <= 100_000 {
				v := g.View(nil).Reversed()
				compare("gonum", func() int { return reachGonum(v, root) })
			}
		})
	}
}

// BenchmarkRank loses each service alone.
func BenchmarkRank(b *testing.B) {
	for _, shape := range []struct {
		name string
		back float64
	}{{"acyclic", 0}, {"cycles", 0.02}} {
		for _, n := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/services=%d", shape.name, n), func(b *testing.B) {
				g := generated(n, shape.back)
				b.Run("knockon", func(b *testing.B) {
					for b.Loop() {
						if _, err := g.Rank(b.Context(), Options{}, nil); err != nil {
							b.Fatal(err)
						}
					}
				})
				if n > 1_000 {
					return
				}
				b.Run("one-by-one", func(b *testing.B) {
					for b.Loop() {
						for root := range Node(g.Len()) {
							g.Blast([]Root{{root, IsDown}}, Options{}).Summary()
						}
					}
				})
				v := g.View(nil).Reversed()
				b.Run("gonum", func(b *testing.B) {
					for b.Loop() {
						for root := range Node(g.Len()) {
							reachGonum(v, root)
						}
					}
				})
			})
		}
	}
}
