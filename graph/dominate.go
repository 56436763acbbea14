package graph

// Dominators returns for every service the nearest other one that all its chains of
// needs lead through, or -1 if there is none. A chain goes from a service to what it
// needs, to what that needs, and so on to a service that needs nothing; needs for which
// follow is false are left out, unless it is nil. What only leads round in cycles has
// no chains, and no dominator.
//
// Taken further, from dominator to dominator, it is the proof that these are single
// points of failure of a service whose needs are all alternatives: without any of them
// no way is left. RankAndExposure and FaultTree find single points in any graph; this
// says why, at the price of a search.
//
// It is the algorithm of Cooper, Harvey and Kennedy, "A simple, fast dominance
// algorithm", Rice University TR-06-33870, 2006, on the graph turned around, from
// those that need nothing.
func (g *Graph) Dominators(follow func(*Need) bool) []Node {
	n := g.Len()
	needs := g.adjacency(follow)
	users := needs.reverse()
	exit := Node(n) // needed by those that need nothing
	// Numbers are in postorder of a search from the exit, so it has the highest.
	order := make([]Node, 0, n)
	number := make([]int32, n+1)
	type visit struct {
		node Node
		next int32
	}
	for v := range number {
		number[v] = -1
	}
	const found = -2
	for end := range Node(n) {
		if len(needs.of(end)) > 0 {
			continue
		}
		path := []visit{{end, users.first[end]}}
		number[end] = found
		for len(path) > 0 {
			top := &path[len(path)-1]
			if top.next < users.first[top.node+1] {
				u := users.nodes[top.next]
				top.next++
				if number[u] == -1 {
					number[u] = found
					path = append(path, visit{u, users.first[u]})
				}
				continue
			}
			number[top.node] = int32(len(order))
			order = append(order, top.node)
			path = path[:len(path)-1]
		}
	}
	number[exit] = int32(len(order))
	by := make([]Node, n+1)
	for v := range by {
		by[v] = -1
	}
	by[exit] = exit
	meet := func(v, w Node) Node {
		for v != w {
			for number[v] < number[w] {
				v = by[v]
			}
			for number[w] < number[v] {
				w = by[w]
			}
		}
		return v
	}
	for changed := true; changed; {
		changed = false
		for i := len(order) - 1; i >= 0; i-- {
			v, is := order[i], Node(-1)
			if len(needs.of(v)) == 0 {
				is = exit
			}
			for _, t := range needs.of(v) {
				switch {
				case by[t] < 0: // not come to yet, or leads nowhere
				case is < 0:
					is = t
				default:
					is = meet(is, t)
				}
			}
			if by[v] != is {
				by[v], changed = is, true
			}
		}
	}
	for v := range by {
		if by[v] == exit {
			by[v] = -1
		}
	}
	return by[:n]
}
