package out

import (
	"iter"
	"slices"

	"github.com/knockon/knockon/graph"
)

// Paths of all services written out would take the square of the length of a
// chain. They share their beginnings, so a Blast keeps the last step of each.

// back goes the path of a failure backwards, from a service to its root. The path
// of a service is nearly always one step longer than that of its cause. But it
// can owe its worst to an earlier, milder impairment of its cause, which came by
// another way; its detour leads from there to a service whose own path is the
// rest, or to -1.
func (r *Blast) back(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := i; i >= 0; {
			if !yield(i) {
				return
			}
			detour, ok := r.detours[i]
			if !ok {
				i = r.Services[i].Cause
				continue
			}
			last := len(detour) - 1
			for _, j := range detour[:last] {
				if !yield(j) {
					return
				}
			}
			i = detour[last]
		}
	}
}

// path is the end of the path of a failure to a service, the root or what is
// nearest to it first, and whether hops before that were cut off.
func (r *Blast) path(i, hops int) (path []int, cut bool) {
	for j := range r.back(i) {
		if len(path) > hops {
			cut = true
			break
		}
		path = append(path, j)
	}
	slices.Reverse(path)
	return path, cut
}

// addDetour finds the detour of a service whose cause has several impairments, if
// it makes one.
func (r *Blast) addDetour(b *graph.Blast, v graph.Node) {
	path := b.Path(v)
	var detour []int
	for k := len(path) - 2; k >= 0; k-- {
		step := path[k]
		detour = append(detour, int(step.Node))
		worst, _ := b.Worst(step.Node)
		if worst == (graph.Phase{Outcome: step.Outcome, Earliest: step.Earliest, Distance: k}) {
			if len(detour) > 1 {
				r.detours[int(v)] = detour
			}
			return
		}
	}
	r.detours[int(v)] = append(detour, -1)
}
