package out

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
)

// Sizes of the boxes of a picture, in pixels.
const (
	boxHeight  = 40
	rootHeight = 68
	haloWidth  = 5 // around a root, within its box
	boxLeast   = 136
	boxMost    = 236
	rootMost   = 300
	stripWidth = 28 // on the left of a box, with the icon
	boxPad     = 9
	markWidth  = 16
)

// The fonts of a box.
var (
	labelStyle   = style{13, true}
	detailStyle  = style{11, false}
	rootStyle    = style{16, true}
	captionStyle = style{10.5, true}
)

// box is one box of a picture: a service, or several folded into one.
type box struct {
	services []int
	label    string // of a folded one
	group    string // "" if it stands in no frame
	column   int
}

func (b *box) folded() bool { return b.label != "" }

// blastPicture is the work of drawing one blast radius.
type blastPicture struct {
	*Blast
	scene.Scene
	boxes  []box
	boxOf  []int // by service; -1 if it is not shown
	held   []int // by service: index of its first containment; -1 for none
	hidden int   // needs that are not drawn
}

// blastScene draws a blast radius. Failure reads from left to right: a column for
// each need it passed, so that every arrow on a path of failure leads from one
// column to the next. Frames hold the services of one group in one column;
// frames around whole groups would pull the columns apart. Services that are
// safe and had nothing to hold are only counted.
func blastScene(b *Blast) *scene.Scene { return &newBlastPicture(b).Scene }

func newBlastPicture(b *Blast) *blastPicture {
	p := &blastPicture{Blast: b, held: slices.Repeat([]int{-1}, len(b.Services))}
	for i, c := range b.Contained {
		if p.held[c.Service] < 0 {
			p.held[c.Service] = i
		}
	}
	p.fold(p.places())
	p.addNodes()
	p.addEdges()
	addFrames(&p.Scene, p.boxes)
	p.addWords()
	return p
}

// shows reports whether a service has something to show.
func (p *blastPicture) shows(i int) bool {
	return p.Services[i].Outcome != graph.Safe || p.held[i] >= 0
}

// places returns the column of each service: one further than what passed its
// outcome on, so that columns count needs on the way of a failure. Who is safe
// because something held stands one further than what was lost.
func (p *blastPicture) places() []int {
	const unknown, open = -1, -2
	column := slices.Repeat([]int{unknown}, len(p.Services))
	var find func(i int) int
	find = func(i int) int {
		switch up := p.Services[i].Cause; {
		case column[i] >= 0:
		case up < 0:
			column[i] = 0
		case column[i] == open:
			// Two services can each owe their worst to an earlier, milder
			// impairment of the other.
			column[i] = p.Services[i].Distance
		default:
			column[i] = open
			at := find(up) + 1
			if column[i] == open {
				column[i] = at
			}
		}
		return column[i]
	}
	for i := range p.Services {
		find(i)
	}
	for _, c := range p.Contained {
		s := &p.Services[c.Service]
		if s.Outcome != graph.Safe || len(c.Lost) == 0 {
			continue
		}
		for _, lost := range c.Lost {
			if at := column[lost] + 1; column[c.Service] == 0 || at < column[c.Service] {
				column[c.Service] = at
			}
		}
	}
	return column
}

func (p *blastPicture) addNodes() {
	for i := range p.boxes {
		b := &p.boxes[i]
		n := p.serviceNode(b.services[0])
		if b.folded() {
			n = p.foldedNode(b)
		}
		n.Column = b.column
		p.Nodes = append(p.Nodes, n)
	}
	sizeNodes(&p.Scene)
}

func (p *blastPicture) serviceNode(i int) scene.Node {
	s := &p.Services[i]
	n := scene.Node{
		ID: s.ID, Label: labelOf(s), Title: p.story(i), Kind: s.Kind, Cluster: -1,
		Outcome: outcomeName(s), Begins: s.Earliest.Seconds(), Root: s.Root,
	}
	n.Detail, n.When = p.fate(i)
	if s.Outcome != graph.Safe && p.held[i] >= 0 && p.Contained[p.held[i]].Held != graph.ByTolerance.String() {
		n.Marks = append(n.Marks, "holds")
	}
	for _, r := range p.Recovery {
		if r.Service == i {
			n.Marks = append(n.Marks, "repair")
			break
		}
	}
	return n
}

// foldedNode stands for several services.
func (p *blastPicture) foldedNode(b *box) scene.Node {
	var sum graph.Summary
	first := -1
	for _, i := range b.services {
		s := &p.Services[i]
		sum.Add(s.Outcome, s.Weight)
		if s.Outcome != graph.Safe && (first < 0 || s.Earliest < p.Services[first].Earliest) {
			first = i
		}
	}
	n := scene.Node{
		ID: "group " + b.label, Label: b.label, Title: p.roster(b), Cluster: -1,
		Folded: len(b.services), Shares: shares(sum), Outcome: graph.Safe.String(),
	}
	n.Detail = plural(len(b.services), "service")
	if first >= 0 {
		n.Outcome = n.Shares[0].Outcome
		n.When, n.Begins = soonest(&p.Services[first]), p.Services[first].Earliest.Seconds()
	}
	return n
}

// shares lists the outcomes that occur, worst first.
func shares(sum graph.Summary) []scene.Share {
	var all []scene.Share
	for o := len(sum.Count) - 1; o >= 0; o-- {
		if sum.Count[o] > 0 {
			all = append(all, scene.Share{Outcome: graph.Outcome(o).String(), Count: sum.Count[o]})
		}
	}
	return all
}

// sizeNodes gives the boxes of one column the same width, so that arrows line up.
func sizeNodes(s *scene.Scene) {
	widths := make([]float64, s.Columns)
	for i := range s.Nodes {
		n := &s.Nodes[i]
		widths[n.Column] = max(widths[n.Column], boxWidth(n))
	}
	for i := range s.Nodes {
		n := &s.Nodes[i]
		n.Size = scene.Size{Width: widths[n.Column], Height: boxHeight}
		switch {
		case n.Root:
			n.Size.Height = rootHeight
		case len(n.Shares) > 0:
			n.Size.Height = boxHeight + 8
		}
	}
}

// boxWidth is the width a box asks for.
func boxWidth(n *scene.Node) float64 {
	label, most := labelStyle, float64(boxMost)
	if n.Root {
		label, most = rootStyle, rootMost
	}
	detail := detailStyle.width(n.Detail)
	if n.When != "" {
		detail += detailStyle.width(n.When) + 12
	}
	w := stripWidth + 2*boxPad + max(label.width(n.Label)+float64(len(n.Marks)*markWidth), detail)
	if n.Root {
		w += 2 * haloWidth
	}
	return min(max(w, boxLeast), most)
}

func (p *blastPicture) addEdges() {
	merged := make(map[[2]int]int)
	for _, l := range p.Links {
		from, to := p.boxOf[l.To], p.boxOf[l.From]
		role, shown := p.role(l)
		if !shown || from < 0 || to < 0 || from == to {
			continue
		}
		e := scene.Edge{From: from, To: to, Kind: l.Kind.String(), Role: role, Title: p.sentence(l), Count: 1}
		if role == scene.Carries {
			e.Outcome = outcomeName(&p.Services[l.From])
		}
		if l.AtLeast > 0 {
			e.Badge = fmt.Sprintf("%d/%d", l.AtLeast, l.Of)
		}
		at, ok := merged[[2]int{from, to}]
		if !ok {
			at = len(p.Edges)
			merged[[2]int{from, to}] = at
			e.ID = p.Nodes[from].ID + " to " + p.Nodes[to].ID
			p.Edges = append(p.Edges, e)
			continue
		}
		mergeEdge(&p.Edges[at], e)
	}
	p.loosen()
}

// role says what a link is in the picture, if anything: what has not failed
// passes nothing on.
func (p *blastPicture) role(l Link) (r scene.Role, shown bool) {
	switch {
	case p.Services[l.To].Outcome == graph.Safe:
		return "", false
	case l.Carries:
		return scene.Carries, true
	case p.Services[l.From].Outcome != graph.Safe:
		return scene.Plain, true
	}
	return scene.Holds, l.Held != ""
}

// mergeEdge adds a parallel edge to one that is drawn. The more important gives
// the looks.
func mergeEdge(e *scene.Edge, other scene.Edge) {
	rank := map[scene.Role]int{scene.Carries: 0, scene.Holds: 1, scene.Plain: 2}
	count, title := e.Count+1, e.Title
	if strings.Count(title, "\n") < 7 {
		title += "\n" + other.Title
	} else if !strings.HasSuffix(title, "…") {
		title += "\n…"
	}
	if rank[other.Role] < rank[e.Role] {
		other.ID = e.ID
		*e = other
	}
	e.Title, e.Count = title, count
}

// loosen leaves each box one arrow that shapes the picture: the one its failure
// came by, or was stopped at, from an earlier column. The picture is a forest
// with the roots as roots; all other arrows find their way behind it.
func (p *blastPicture) loosen() {
	shaping := make([]int, len(p.boxes))
	for i := range shaping {
		shaping[i] = -1
	}
	for i := range p.Edges {
		e := &p.Edges[i]
		e.Loose = true
		if e.Role == scene.Plain || p.boxes[e.From].column >= p.boxes[e.To].column {
			continue
		}
		if best := shaping[e.To]; best < 0 || p.stronger(e, &p.Edges[best]) {
			shaping[e.To] = i
		}
	}
	for _, i := range shaping {
		if i >= 0 {
			p.Edges[i].Loose = false
		}
	}
	p.hidden = thin(&p.Scene)
}

// thin takes away loose arrows where they would hide the picture: those of folded
// boxes, which tend to have some with everybody, where they are more than a few,
// and all where they are too many. It returns how many needs are not drawn.
func thin(s *scene.Scene) (hidden int) {
	const few, most = 48, 240
	folded := func(e *scene.Edge) bool { return s.Nodes[e.From].Folded > 0 || s.Nodes[e.To].Folded > 0 }
	loose, ofFolded := 0, 0
	for i := range s.Edges {
		if e := &s.Edges[i]; e.Loose {
			loose++
			if folded(e) {
				ofFolded++
			}
		}
	}
	s.Edges = slices.DeleteFunc(s.Edges, func(e scene.Edge) bool {
		gone := e.Loose && (loose > most || ofFolded > few && folded(&e))
		if gone {
			hidden += e.Count
		}
		return gone
	})
	return hidden
}

func (p *blastPicture) stronger(a, b *scene.Edge) bool {
	if (a.Role == scene.Carries) != (b.Role == scene.Carries) {
		return a.Role == scene.Carries
	}
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(p.boxes[a.From].column, p.boxes[b.From].column)) < 0
}

// addFrames puts the services of one group in one column into a frame.
func addFrames(s *scene.Scene, boxes []box) {
	type place struct {
		column int
		group  string
	}
	index := make(map[place]int)
	for i := range boxes {
		b := &boxes[i]
		if b.group == "" {
			continue
		}
		at, ok := index[place{b.column, b.group}]
		if !ok {
			at = len(s.Clusters)
			index[place{b.column, b.group}] = at
			s.Clusters = append(s.Clusters, scene.Cluster{ID: fmt.Sprintf("%s %d", b.group, b.column), Label: groupLabel(b.group)})
		}
		s.Nodes[i].Cluster = at
	}
}

// groupLabel is the name of a group as people read it.
func groupLabel(group string) string {
	return printable(strings.Join(strings.Split(group, "/"), " / "))
}
