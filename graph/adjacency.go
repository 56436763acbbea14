package graph

import "slices"

// adjacency is a graph without parallel edges, in compressed sparse rows.
type adjacency struct {
	first []int32
	nodes []Node // neighbours of v are nodes[first[v]:first[v+1]], sorted
}

func (a adjacency) of(v Node) []Node { return a.nodes[a.first[v]:a.first[v+1]] }

// adjacency collapses parallel needs: from users to targets and fallbacks.
func (g *Graph) adjacency(follow func(*Need) bool) adjacency {
	a := adjacency{first: make([]int32, g.Len()+1)}
	for v := range g.Len() {
		for i := g.needOf[v]; i < g.needOf[v+1]; i++ {
			if follow == nil || follow(&g.needs[i]) {
				for t := range g.watched(i) {
					a.nodes = append(a.nodes, t)
				}
			}
		}
		row := a.nodes[a.first[v]:]
		slices.Sort(row)
		a.nodes = a.nodes[:int(a.first[v])+len(slices.Compact(row))]
		a.first[v+1] = int32(len(a.nodes))
	}
	return a
}

func (a adjacency) reverse() adjacency {
	r := adjacency{first: make([]int32, len(a.first)), nodes: make([]Node, len(a.nodes))}
	for _, t := range a.nodes {
		r.first[t+1]++
	}
	for v := range len(r.first) - 1 {
		r.first[v+1] += r.first[v]
	}
	next := slices.Clone(r.first)
	for v := range len(a.first) - 1 {
		for _, t := range a.of(Node(v)) {
			r.nodes[next[t]] = Node(v)
			next[t]++
		}
	}
	return r
}
