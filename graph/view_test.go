package graph

import (
	"fmt"
	"math"
	"slices"
	"testing"

	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/testgraph"
	"gonum.org/v1/gonum/graph/topo"
	"gonum.org/v1/gonum/graph/traverse"
	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

// viewOf builds a view for gonum's conformance suite. Services have dense numbers
// and do not need themselves, so nodes are renumbered and loops left out.
func viewOf(reversed bool) testgraph.Builder {
	return func(nodes []gonum.Node, edges []testgraph.WeightedLine, _, _ float64) (gonum.Graph, []gonum.Node, []testgraph.Edge, float64, float64, bool) {
		number := make(map[int64]int)
		var services []catalog.Service
		add := func(n gonum.Node) int {
			i, ok := number[n.ID()]
			if !ok {
				i = len(number)
				number[n.ID()] = i
				services = append(services, service(fmt.Sprintf("%06d", i)))
			}
			return i
		}
		for _, n := range nodes {
			add(n)
		}
		var want []testgraph.Edge
		for _, e := range edges {
			from, to := add(e.From()), add(e.To())
			if from == to {
				continue
			}
			edge := simple.Edge{F: simple.Node(from), T: simple.Node(to)}
			if !slices.Contains(want, testgraph.Edge(edge)) {
				want = append(want, edge)
			}
			if reversed {
				from, to = to, from
			}
			services[from].Needs = append(services[from].Needs, on(services[to].ID))
		}
		if len(want) == 0 && len(edges) != 0 {
			return nil, nil, nil, math.NaN(), math.NaN(), false
		}
		view := Build(&catalog.Catalog{Services: services}).View(nil)
		if reversed {
			view = view.Reversed()
		}
		var all []gonum.Node
		for i := range services {
			all = append(all, simple.Node(i))
		}
		return view, all, want, math.NaN(), math.NaN(), true
	}
}

func TestViewConforms(t *testing.T) {
	const (
		usesEmpty     = true
		reversesEdges = true
	)
	for _, reversed := range []bool{false, true} {
		build := viewOf(reversed)
		t.Run(fmt.Sprintf("reversed=%v", reversed), func(t *testing.T) {
			t.Run("EdgeExistence", func(t *testing.T) { testgraph.EdgeExistence(t, build, reversesEdges) })
			t.Run("NodeExistence", func(t *testing.T) { testgraph.NodeExistence(t, build) })
			t.Run("ReturnAdjacentNodes", func(t *testing.T) { testgraph.ReturnAdjacentNodes(t, build, usesEmpty, reversesEdges) })
			t.Run("ReturnAllEdges", func(t *testing.T) { testgraph.ReturnAllEdges(t, build, usesEmpty) })
			t.Run("ReturnAllNodes", func(t *testing.T) { testgraph.ReturnAllNodes(t, build, usesEmpty) })
			t.Run("ReturnEdgeSlice", func(t *testing.T) { testgraph.ReturnEdgeSlice(t, build, usesEmpty) })
			t.Run("ReturnNodeSlice", func(t *testing.T) { testgraph.ReturnNodeSlice(t, build, usesEmpty) })
		})
	}
}

func TestViewOfUnknownNodes(t *testing.T) {
	v := graphOf(t, service("a", on("b"))).View(nil)
	for _, id := range []int64{-1, 2} {
		if v.Node(id) != nil || v.Edge(0, id) != nil || v.Edge(id, 0) != nil || v.HasEdgeBetween(id, 1) || v.From(id).Len() != 0 {
			t.Errorf("node %d exists", id)
		}
	}
	if v.Edge(0, 1) == nil || v.Edge(1, 0) != nil || v.Reversed().Edge(1, 0) == nil {
		t.Error("the edge from a to b is missing, or both ways")
	}
}

// What a service loses by a hard need is what gonum reaches against it.
func TestViewReachesWhatFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		hard := g.View(func(n *Need) bool { return n.rule == ruleHard && n.arcRule() == ruleHard }).Reversed()
		root := Node(rapid.IntRange(0, g.Len()-1).Draw(t, "root"))
		b := g.Blast([]Root{{root, IsDown}}, Options{})
		for v := range Node(g.Len()) {
			for _, nodes := range []gonum.Nodes{hard.Nodes(), hard.From(int64(v)), hard.To(int64(v))} {
				if !slices.IsSortedFunc(gonum.NodesOf(nodes), func(a, b gonum.Node) int { return int(a.ID() - b.ID()) }) {
					t.Errorf("neighbours of %s are not in order", g.ID(v))
				}
			}
		}
		var search traverse.BreadthFirst
		search.Walk(hard, hard.Node(int64(root)), nil)
		for v := range Node(g.Len()) {
			if search.Visited(hard.Node(int64(v))) && b.Outcome(v) != Down {
				t.Errorf("%s is %s", g.ID(v), b.Outcome(v))
			}
		}
	})
}

func TestComponentsAgainstGonum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		hard := func(n *Need) bool { return n.Declared != nil && n.Declared.IfLost == catalog.Fail }
		var want [][]Node
		for _, component := range topo.TarjanSCC(g.View(hard)) {
			var nodes []Node
			for _, n := range component {
				nodes = append(nodes, Node(n.ID()))
			}
			slices.Sort(nodes)
			want = append(want, nodes)
		}
		got := slices.Clone(g.Components(hard))
		place := make([]int, g.Len())
		for i, component := range got {
			if !slices.IsSorted(component) {
				t.Errorf("component %v", component)
			}
			for _, v := range component {
				place[v] = i
			}
		}
		for v := range Node(g.Len()) {
			for n := range g.Needs(v) {
				for _, target := range g.Targets(n) {
					if hard(n) && place[target] > place[v] {
						t.Errorf("%s stands before %s, which it needs", g.ID(v), g.ID(target))
					}
				}
			}
		}
		slices.SortFunc(got, slices.Compare)
		slices.SortFunc(want, slices.Compare)
		if !slices.EqualFunc(got, want, slices.Equal[[]Node]) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
