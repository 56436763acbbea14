package plan

import "slices"

// sort orders services so that callers come before what they call synchronously;
// inside a cycle the order of the catalog breaks the tie. It returns the component
// of every service, and marks the calls that go against the order.
func (p *Plan) sort() (component []int32) {
	n := len(p.Services)
	component = make([]int32, n)
	low, num := make([]int32, n), make([]int32, n)
	var stack []int32
	var order []int32
	next, comps := int32(0), int32(0)
	type frame struct{ v, i int32 }
	for root := range n {
		if num[root] != 0 {
			continue
		}
		frames := []frame{{int32(root), 0}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v := f.v
			if f.i == 0 {
				next++
				num[v], low[v] = next, next
				stack = append(stack, v)
				component[v] = -1
			}
			descended := false
			for int(f.i) < len(p.Services[v].Out) {
				e := &p.Calls[p.Services[v].Out[f.i]]
				f.i++
				if e.Async {
					continue
				}
				if num[e.To] == 0 {
					frames = append(frames, frame{e.To, 0})
					descended = true
					break
				}
				if component[e.To] == -1 {
					low[v] = min(low[v], num[e.To])
				}
			}
			if descended {
				continue
			}
			if f.i == 0 {
				f.i = 1
			}
			if low[v] == num[v] {
				first := len(stack) - 1
				for stack[first] != v {
					first--
				}
				members := stack[first:]
				slices.Sort(members)
				for _, w := range members {
					component[w] = comps
				}
				// Tarjan finishes targets first: collect backwards.
				slices.Reverse(members)
				order = append(order, members...)
				stack = stack[:first]
				comps++
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				p := frames[len(frames)-1].v
				low[p] = min(low[p], low[v])
			}
		}
	}
	slices.Reverse(order)
	p.Order = order
	place := make([]int32, n)
	for i, v := range order {
		place[v] = int32(i)
	}
	for i := range p.Calls {
		e := &p.Calls[i]
		e.Back = place[e.To] <= place[e.From]
	}
	return component
}
