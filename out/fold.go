package out

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/knockon/knockon/graph"
)

// A picture of hundreds of boxes is wallpaper. Above foldAbove boxes, groups of
// services are folded into one box each, which says how many services it stands
// for and what became of them. What matters most stays: the roots, then whole
// paths of failure to impacted services of tier 0 and tier 1, then services that
// something held, then those that are nearest to the roots. They are taken in this
// order until there are foldTo boxes.
const (
	foldAbove  = 100
	foldTo     = 72
	foldGroups = 40 // more groups than this are folded by the beginnings of their paths
)

// fold decides on the boxes of a picture and their columns.
func (p *blastPicture) fold(column []int) {
	p.boxOf = slices.Repeat([]int{-1}, len(p.Services))
	var shown []int
	for i := range p.Services {
		if p.shows(i) {
			shown = append(shown, i)
		}
	}
	keep := func(int) bool { return true }
	pile := func(group string) string { return group }
	if len(shown) > foldAbove {
		piles := 0
		pile, piles = pileOf(p.Services, shown)
		chosen := p.choose(shown, foldTo-piles)
		keep = func(i int) bool { return chosen[i] }
	}
	index := make(map[string]int) // of folded boxes, by group
	for _, i := range shown {
		s := &p.Services[i]
		if keep(i) {
			p.boxOf[i] = len(p.boxes)
			p.boxes = append(p.boxes, box{services: []int{i}, group: s.Group, column: column[i]})
			continue
		}
		group := pile(s.Group)
		at, ok := index[group]
		if !ok {
			at = len(p.boxes)
			index[group] = at
			p.boxes = append(p.boxes, box{label: cmp.Or(groupLabel(group), "other services"), column: column[i]})
		}
		p.boxes[at].services = append(p.boxes[at].services, i)
		p.boxes[at].column = min(p.boxes[at].column, column[i])
		p.boxOf[i] = at
	}
	leads := make([]bool, len(p.boxes))
	for i := range p.Services {
		if up := p.Services[i].Cause; up >= 0 && p.boxOf[i] >= 0 && p.boxOf[up] >= 0 && p.boxOf[i] != p.boxOf[up] {
			leads[p.boxOf[up]] = true
		}
	}
	const most = 12 // columns
	columns := 0
	for i := range p.boxes {
		columns = max(columns, p.boxes[i].column+1)
	}
	press(p.boxes, columns, most)
	p.Columns = wrap(p.boxes, leads)
}

// pileOf finds how services are folded: by as much of the paths of their groups as
// leaves few enough piles, and where even the first parts are too many, the largest
// of these, with one pile for the rest. It returns the pile of a group, "" for the
// rest, and how many piles there are.
func pileOf(services []Service, shown []int) (pile func(group string) string, piles int) {
	depth := 1
	for _, i := range shown {
		depth = max(depth, strings.Count(services[i].Group, "/")+1)
	}
	for ; ; depth-- {
		sizes := make(map[string]int)
		for _, i := range shown {
			sizes[groupPrefix(services[i].Group, depth)]++
		}
		if len(sizes) > foldGroups && depth > 1 {
			continue
		}
		names := slices.Sorted(maps.Keys(sizes))
		if len(names) > foldGroups {
			slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(sizes[b], sizes[a]) })
			names = names[:foldGroups-1]
		}
		return func(group string) string {
			if prefix := groupPrefix(group, depth); slices.Contains(names, prefix) {
				return prefix
			}
			return ""
		}, len(names) + 1
	}
}

// groupPrefix is the first parts of the path of a group.
func groupPrefix(group string, depth int) string {
	parts := strings.Split(group, "/")
	return strings.Join(parts[:min(depth, len(parts))], "/")
}

// choose finds the services that stay when the rest is folded.
func (p *blastPicture) choose(shown []int, room int) []bool {
	chosen := make([]bool, len(p.Services))
	left := room
	take := func(path iter.Seq[int]) {
		var fresh []int
		for i := range path {
			if !chosen[i] {
				fresh = append(fresh, i)
			}
			if len(fresh) > left {
				return
			}
		}
		left -= len(fresh)
		for _, i := range fresh {
			chosen[i] = true
		}
	}
	for _, i := range p.Roots {
		chosen[i] = true
		left--
	}
	for tier := range int64(2) {
		for _, i := range shown {
			if s := &p.Services[i]; s.Tier != nil && *s.Tier == tier && s.Outcome != graph.Safe {
				take(p.back(i))
			}
		}
	}
	for _, i := range shown {
		if p.Services[i].Outcome == graph.Safe {
			take(slices.Values([]int{i}))
		}
	}
	near := slices.DeleteFunc(slices.Clone(shown), func(i int) bool { return chosen[i] || p.Services[i].Outcome == graph.Safe })
	slices.SortStableFunc(near, func(a, b int) int {
		x, y := &p.Services[a], &p.Services[b]
		return cmp.Or(cmp.Compare(x.Distance, y.Distance), cmp.Compare(y.Weight, x.Weight))
	})
	for _, i := range near[:min(len(near), foldTo)] {
		take(p.back(i))
	}
	return chosen
}
