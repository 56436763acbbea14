package out

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/knockon/knockon/out/scene"
)

// mapPicture is the work of drawing one catalog.
type mapPicture struct {
	*Map
	scene.Scene
	boxes []box
	boxOf []int // by service

	hidden int // needs that are not drawn
}

// mapScene draws a catalog. What others stand on is on the left and its users are
// to the right of it, where a failure would go; arrows lead from a service to what
// it needs. Above foldAbove services, groups are folded into one box each.
func mapScene(m *Map) *scene.Scene {
	p := &mapPicture{Map: m, boxOf: make([]int, len(m.Services))}
	p.addBoxes()
	p.addEdges()
	p.layer()
	for i := range p.Nodes {
		p.Nodes[i].Column = p.boxes[i].column
	}
	sizeNodes(&p.Scene)
	addFrames(&p.Scene, p.boxes)
	p.addWords()
	return &p.Scene
}

func (p *mapPicture) addBoxes() {
	fold := len(p.Services) > foldAbove
	pile := func(group string) string { return group }
	alone := make([]bool, len(p.Services))
	if fold {
		all := make([]int, len(p.Services))
		for i := range all {
			all[i] = i
		}
		var piles int
		if pile, piles = pileOf(p.Services, all); piles <= fewPiles {
			p.hubs(alone, all, foldTo-piles)
		}
	}
	index := make(map[string]int)
	for i := range p.Services {
		s := &p.Services[i]
		group := pile(s.Group)
		at, ok := index[group]
		switch {
		case !fold || alone[i]:
			at = len(p.boxes)
			p.boxes = append(p.boxes, box{group: s.Group})
		case !ok:
			at = len(p.boxes)
			index[group] = at
			p.boxes = append(p.boxes, box{label: cmp.Or(groupLabel(group), "other services")})
		}
		p.boxes[at].services = append(p.boxes[at].services, i)
		p.boxOf[i] = at
	}
	for i := range p.boxes {
		if b := &p.boxes[i]; b.folded() {
			p.Nodes = append(p.Nodes, p.foldedNode(b))
		} else {
			p.Nodes = append(p.Nodes, p.serviceNode(b.services[0]))
		}
	}
}

// fewPiles is the number of piles up to which a folded catalog says too little: the
// services that most others need are then shown beside them.
const fewPiles = 4

// hubs marks the services that are needed by most others.
func (p *mapPicture) hubs(marked []bool, services []int, most int) {
	users := make([]int, len(p.Services))
	for _, l := range p.Links {
		users[l.To]++
	}
	slices.SortStableFunc(services, func(a, b int) int { return cmp.Compare(users[b], users[a]) })
	for _, i := range services[:min(most, len(services))] {
		marked[i] = users[i] > 1
	}
}

func (p *mapPicture) serviceNode(i int) scene.Node {
	s := &p.Services[i]
	lines := []string{nameOf(s)}
	if s.Description != "" {
		lines = append(lines, s.Description)
	}
	n := scene.Node{ID: s.ID, Label: labelOf(s), Detail: s.Kind, Kind: s.Kind, Cluster: -1, Title: printableLines(lines)}
	if s.Tier != nil {
		n.Tier = fmt.Sprint(*s.Tier)
		n.When = "tier " + n.Tier
	}
	return n
}

func (p *mapPicture) foldedNode(b *box) scene.Node {
	lines := []string{fmt.Sprintf("%s: %s", b.label, plural(len(b.services), "service"))}
	for k, i := range b.services {
		if k == rosterMost {
			lines = append(lines, fmt.Sprintf("and %d more", len(b.services)-k))
			break
		}
		lines = append(lines, p.Services[i].ID)
	}
	return scene.Node{
		ID: "group " + b.label, Label: b.label, Detail: plural(len(b.services), "service"), Kind: "group", Cluster: -1,
		Title: printableLines(lines), Folded: len(b.services),
	}
}

func (p *mapPicture) addEdges() {
	merged := make(map[[2]int]int)
	for _, l := range p.Links {
		from, to := p.boxOf[l.From], p.boxOf[l.To]
		if from == to {
			continue
		}
		title := fmt.Sprintf("%s needs %s: %s", p.Services[l.From].ID, p.Services[l.To].ID, linkMeanings[l.Kind])
		if l.For != "" {
			title += " (" + l.For + ")"
		}
		e := scene.Edge{From: from, To: to, Kind: l.Kind.String(), Role: scene.Plain, Title: printable(title), Count: 1}
		if l.AtLeast > 0 {
			e.Badge = fmt.Sprintf("%d/%d", l.AtLeast, l.Of)
		}
		key := [2]int{from, to}
		at, ok := merged[key]
		if !ok {
			merged[key] = len(p.Edges)
			e.ID = p.Nodes[from].ID + " to " + p.Nodes[to].ID
			p.Edges = append(p.Edges, e)
			continue
		}
		mergeEdge(&p.Edges[at], e)
	}
}

// layer puts each box one column right of the last thing it cannot do without.
// Milder needs, and needs that would close a loop, find their way behind. Where
// that makes a long strip, or boxes are groups, which need each other all round,
// only the strongest need of each box shapes the picture.
func (p *mapPicture) layer() {
	const most = 9 // columns
	p.loosen()
	if p.climb() > most || len(p.boxes) < len(p.Services) {
		strongest := make([]int, len(p.boxes))
		for i := range strongest {
			strongest[i] = -1
		}
		for i := range p.Edges {
			e := &p.Edges[i]
			if s := strongest[e.From]; !e.Loose && (s < 0 || e.Count > p.Edges[s].Count) {
				strongest[e.From] = i
			}
		}
		for i := range p.Edges {
			p.Edges[i].Loose = strongest[p.Edges[i].From] != i
		}
		if press(p.boxes, p.climb(), most) {
			for i := range p.Edges { // what stays within a column no longer shapes it
				e := &p.Edges[i]
				e.Loose = e.Loose || p.boxes[e.From].column <= p.boxes[e.To].column
			}
		}
	}
	leads := make([]bool, len(p.boxes))
	for i := range p.Edges {
		if e := &p.Edges[i]; !e.Loose {
			leads[e.To] = true
		}
	}
	for i := range p.Edges {
		if e := &p.Edges[i]; !e.Loose {
			e.Role = scene.Needs
		}
	}
	p.hidden = thin(&p.Scene)
	p.Columns = wrap(p.boxes, leads)
}

// loosen lets hard needs and leases shape the picture, and the first need of a box
// that has none of these.
func (p *mapPicture) loosen() {
	shaped := make([]bool, len(p.boxes))
	for i := range p.Edges {
		e := &p.Edges[i]
		e.Loose = e.Kind != Hard.String() && e.Kind != Leased.String() && !p.boxes[e.From].folded()
		shaped[e.From] = shaped[e.From] || !e.Loose
	}
	for i := range p.Edges {
		e := &p.Edges[i]
		if !shaped[e.From] && e.Kind != Repairs.String() {
			e.Loose = false
			shaped[e.From] = true
		}
	}
}

// climb finds the column of each box by a search in depth, and returns how many
// columns there are.
func (p *mapPicture) climb() int {
	needs := make([][]int, len(p.boxes))
	for i := range p.Edges {
		if e := &p.Edges[i]; !e.Loose {
			needs[e.From] = append(needs[e.From], i)
		}
	}
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(p.boxes))
	var visit func(b int)
	visit = func(b int) {
		state[b] = open
		p.boxes[b].column = 0
		for _, i := range needs[b] {
			e := &p.Edges[i]
			if state[e.To] == unseen {
				visit(e.To)
			}
			if state[e.To] == open { // a loop
				e.Loose = true
				continue
			}
			p.boxes[b].column = max(p.boxes[b].column, p.boxes[e.To].column+1)
		}
		state[b] = done
	}
	columns := 0
	for b := range p.boxes {
		if state[b] == unseen {
			visit(b)
		}
		columns = max(columns, p.boxes[b].column+1)
	}
	return columns
}

func (p *mapPicture) addWords() {
	p.Scene.Title = printable(cmp.Or(p.Map.Title, "Services and what they need"))
	needs := 0
	for i := range p.Links {
		if i == 0 || p.Links[i].Need != p.Links[i-1].Need {
			needs++
		}
	}
	p.Summary = []string{fmt.Sprintf("%s, %s. Arrows lead from a service to what it needs.", plural(len(p.Services), "service"), plural(needs, "need"))}
	if p.Description != "" {
		p.Notes = append(p.Notes, printable(p.Description))
	}
	folded, piles := 0, 0
	for i := range p.boxes {
		if b := &p.boxes[i]; b.folded() {
			folded += len(b.services)
			piles++
		}
	}
	if piles > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s folded into %s; needs within a group are not drawn.", plural(folded, "service"), plural(piles, "group")))
	}
	if p.hidden > 0 {
		p.Notes = append(p.Notes, plural(p.hidden, "more need")+" not drawn.")
	}
	var types, kinds []string
	group := false
	for i := range p.Nodes {
		types = append(types, p.Nodes[i].Kind)
	}
	for i := range p.Edges {
		kinds = append(kinds, p.Edges[i].Kind)
		group = group || p.Edges[i].Badge != ""
	}
	slices.Sort(types)
	for _, kind := range slices.Compact(types) {
		p.Legend = append(p.Legend, scene.Entry{Sign: "icon " + kind, Text: kind})
	}
	for k, word := range linkWords {
		if slices.Contains(kinds, word) {
			p.Legend = append(p.Legend, scene.Entry{Sign: "kind " + word, Text: linkMeanings[k]})
		}
	}
	if group {
		p.Legend = append(p.Legend, scene.Entry{Sign: "badge", Text: "so many of these must be up"})
	}
}
