package graph

import (
	"slices"

	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
	"gonum.org/v1/gonum/graph/simple"
)

// View is a graph as gonum's algorithms want it: at most one edge from a service to
// a service that it needs, as a target or as a fallback. The ID of a node is the
// number of its service.
//
// Iteration is in the order of nodes. gonum leaves the order open, and over the maps
// of its own graphs it changes from run to run, and with it every tie an algorithm
// breaks.
type View struct {
	nodes   []gonum.Node
	out, in adjacency
}

var _ gonum.Directed = (*View)(nil)

// View returns the needs for which follow is true, or all when it is nil, as a graph
// from users to what they need.
func (g *Graph) View(follow func(*Need) bool) *View {
	out := g.adjacency(follow)
	v := &View{nodes: make([]gonum.Node, g.Len()), out: out, in: out.reverse()}
	for i := range v.nodes {
		v.nodes[i] = simple.Node(i)
	}
	return v
}

// Reversed returns the same graph with its edges turned around, from what is needed
// to its users: the way failure goes.
func (v *View) Reversed() *View {
	return &View{nodes: v.nodes, out: v.in, in: v.out}
}

// Node returns the node with an ID, or nil.
func (v *View) Node(id int64) gonum.Node {
	if !v.has(id) {
		return nil
	}
	return v.nodes[id]
}

// Nodes returns all nodes.
func (v *View) Nodes() gonum.Nodes {
	if len(v.nodes) == 0 {
		return gonum.Empty
	}
	return iterator.NewOrderedNodes(slices.Clone(v.nodes))
}

// From returns the nodes to which edges lead from a node.
func (v *View) From(id int64) gonum.Nodes { return v.neighbours(v.out, id) }

// To returns the nodes from which edges lead to a node.
func (v *View) To(id int64) gonum.Nodes { return v.neighbours(v.in, id) }

// Edge returns the edge between two nodes, or nil.
func (v *View) Edge(from, to int64) gonum.Edge {
	if !v.HasEdgeFromTo(from, to) {
		return nil
	}
	return simple.Edge{F: v.nodes[from], T: v.nodes[to]}
}

// HasEdgeFromTo reports whether there is an edge from one node to another.
func (v *View) HasEdgeFromTo(from, to int64) bool {
	if !v.has(from) || !v.has(to) {
		return false
	}
	_, ok := slices.BinarySearch(v.out.of(Node(from)), Node(to))
	return ok
}

// HasEdgeBetween reports whether there is an edge between two nodes, either way.
func (v *View) HasEdgeBetween(a, b int64) bool {
	return v.HasEdgeFromTo(a, b) || v.HasEdgeFromTo(b, a)
}

// Edges returns all edges.
func (v *View) Edges() gonum.Edges {
	var edges []gonum.Edge
	for from := range v.nodes {
		for _, to := range v.out.of(Node(from)) {
			edges = append(edges, simple.Edge{F: v.nodes[from], T: v.nodes[to]})
		}
	}
	if edges == nil {
		return gonum.Empty
	}
	return iterator.NewOrderedEdges(edges)
}

func (v *View) has(id int64) bool { return 0 <= id && id < int64(len(v.nodes)) }

// neighbours copies, because gonum's callers sort and shuffle what they are given.
func (v *View) neighbours(a adjacency, id int64) gonum.Nodes {
	if !v.has(id) || len(a.of(Node(id))) == 0 {
		return gonum.Empty
	}
	nodes := make([]gonum.Node, 0, len(a.of(Node(id))))
	for _, to := range a.of(Node(id)) {
		nodes = append(nodes, v.nodes[to])
	}
	return iterator.NewOrderedNodes(nodes)
}
