package graph

import (
	"cmp"
	"slices"
)

// Components returns the strongly connected components of the needs for which
// follow is true, or of all when it is nil. Services in one component need each
// other, directly or not: a component of more than one is a knot of cycles.
//
// Components come callee-first: what a component needs outside itself stands before
// it. The members of one are sorted. Targets and fallbacks count alike.
func (g *Graph) Components(follow func(*Need) bool) [][]Node {
	order, ends := g.adjacency(follow).components()
	components := make([][]Node, len(ends))
	first := int32(0)
	for i, end := range ends {
		components[i] = order[first:end:end]
		slices.Sort(components[i])
		first = end
	}
	return components
}

// components is Tarjan's algorithm ("Depth-first search and linear graph
// algorithms", SIAM J. Comput. 1(2), 1972) with a stack of its own, because a chain
// of a million services is a legal catalog. Component i is order[ends[i-1]:ends[i]],
// callee-first also inside, as far as a cycle allows: in the order in which the
// search left its members.
func (a adjacency) components() (order []Node, ends []int32) {
	n := len(a.first) - 1
	type visit struct {
		node Node
		next int32 // neighbour to look at
	}
	var (
		found   = make([]int32, n) // order of discovery, from 1
		low     = make([]int32, n) // least discovery reached from below
		left    = make([]int32, n) // order of leaving, from 1
		open    []Node             // found, and in no component yet
		path    []visit
		clock   int32
		leaving int32
	)
	order = make([]Node, 0, n)
	enter := func(v Node) {
		clock++
		found[v], low[v] = clock, clock
		open = append(open, v)
		path = append(path, visit{v, a.first[v]})
	}
	for root := range Node(n) {
		if found[root] != 0 {
			continue
		}
		enter(root)
		for len(path) > 0 {
			top := &path[len(path)-1]
			v := top.node
			if top.next < a.first[v+1] {
				w := a.nodes[top.next]
				top.next++
				switch {
				case found[w] == 0:
					enter(w)
				case low[w] > 0: // still open
					low[v] = min(low[v], found[w])
				}
				continue
			}
			leaving++
			left[v] = leaving
			path = path[:len(path)-1]
			if len(path) > 0 {
				user := path[len(path)-1].node
				low[user] = min(low[user], low[v])
			}
			if low[v] < found[v] {
				continue
			}
			begin := len(open)
			for {
				begin--
				low[open[begin]] = -1
				if open[begin] == v {
					break
				}
			}
			members := open[begin:]
			slices.SortFunc(members, func(x, y Node) int { return cmp.Compare(left[x], left[y]) })
			order = append(order, members...)
			ends = append(ends, int32(len(order)))
			open = open[:begin]
		}
	}
	return order, ends
}
