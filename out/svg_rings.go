package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
)

// Rings are the picture of a graph of any size: what failed first stands in the middle,
// and a ring further out is a step, or a time, later. A group keeps to its sector.
// Nothing is folded; what has no room is the name, which is left out where it would
// stand on another (and is in the title of its dot).

const (
	ringsRadius = 400.0 // of the outermost ring
	ringsCenter = 470.0
	mostRings   = 7
	mostDot     = 9.0
	leastDot    = 1.6
)

var ringStyle = style{11, false}

// rings is the work of drawing one.
type rings struct {
	canvas
	title, context string
	summary, notes []string
	counts         []scene.Share
	items          []ringItem
	names          []string // of the rings, from within
	radius         []float64
	dot            float64
}

// ringItem is a service on a ring.
type ringItem struct {
	id, label, title, outcome, group string
	ring, by                         int // by: index of the item that passed it on; -1
	weight                           float64
	root                             bool
	angle                            float64
	at                               scene.Point
}

// blastRings has a ring for each need that a failure passed.
func blastRings(b *Blast) *rings {
	p := newBlastPicture(b)
	r := &rings{title: p.Scene.Title, context: p.Scene.Context, summary: p.Scene.Summary, counts: p.Counts}
	index := make(map[int]int)
	most := 0
	column := p.places()
	for i := range b.Services {
		if b.Services[i].Outcome != graph.Safe {
			most = max(most, column[i])
		}
	}
	for i := range b.Services {
		s := &b.Services[i]
		if s.Outcome == graph.Safe {
			continue
		}
		index[i] = len(r.items)
		r.items = append(r.items, ringItem{
			id: s.ID, label: labelOf(s), title: p.story(i), outcome: outcomeName(s), group: s.Group, weight: s.Weight, root: s.Root,
			ring: ringOf(column[i], most), by: s.Cause,
		})
	}
	for k := 0; k <= min(most, mostRings); k++ {
		r.names = append(r.names, plural(k, "need")+" away")
	}
	if most > mostRings {
		r.notes = append(r.notes, fmt.Sprintf("Failures go up to %s far; rings join several of them.", plural(most, "need")))
	}
	r.finish(index, len(b.Services))
	return r
}

// ringOf puts a distance on a ring, where there are more of them than rings.
func ringOf(distance, most int) int {
	if most <= mostRings {
		return distance
	}
	return (distance*mostRings + most - 1) / most
}

// runRings has a ring for each part of the services, in the order in which they were hit.
func runRings(run *Run) *rings {
	radius := run.Radius()
	r := &rings{title: printable(run.Title), context: printable(run.Catalog), summary: []string{printable(capitalFirst(run.headline())), printable(capitalFirst(radius.words()))}}
	index := make(map[int]int)
	var onsets []float64
	b := run.asBlast()
	for k := range run.Impaired {
		m := &run.Impaired[k]
		s := &b.Services[m.Service]
		if s.Outcome == graph.Safe {
			continue
		}
		index[m.Service] = len(r.items)
		text := run.title(m.Service) + ": " + run.story(m)
		if m.Because != "" {
			text += "\nbecause " + m.Because
		}
		r.items = append(r.items, ringItem{
			id: s.ID, label: run.title(m.Service), title: printableLines([]string{text}), outcome: outcomeName(s), group: s.Group, weight: s.Weight, root: s.Root, by: m.By,
		})
		onsets = append(onsets, m.From)
	}
	// Those that were struck stand in the middle; the others, by time, on rings of about
	// as many, the further out the more.
	var order []int
	for i := range r.items {
		if !r.items[i].root {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(onsets[a], onsets[b]) })
	n := 0
	for n < mostRings && n*(n+1)/2*6 < len(order) {
		n++
	}
	r.names = []string{"struck by a fault"}
	for k, from := 1, 0; k <= n && from < len(order); k++ {
		to := min(len(order), from+max(1, len(order)*2*k/(n*(n+1))+1))
		if k == n {
			to = len(order)
		}
		for to < len(order) && onsets[order[to]] == onsets[order[to-1]] {
			to++ // who was hit at one time stands on one ring
		}
		for _, i := range order[from:to] {
			r.items[i].ring = k
		}
		r.names = append(r.names, "until "+moment(coarse(math.Round(onsets[order[to-1]]))))
		from = to
	}
	r.finish(index, len(run.Services))
	return r
}

// finish counts, names items by their own indices, and gives all a place.
func (r *rings) finish(index map[int]int, services int) {
	if r.counts == nil {
		count := make([]int, len(outcomeOrder))
		for i := range r.items {
			count[slices.Index(outcomeOrder, r.items[i].outcome)]++
		}
		count[0] = services - len(r.items)
		for o := len(count) - 1; o >= 0; o-- {
			if count[o] > 0 {
				r.counts = append(r.counts, scene.Share{Outcome: outcomeOrder[o], Count: count[o]})
			}
		}
	}
	for i := range r.items {
		if at, ok := index[r.items[i].by]; ok && r.items[i].by >= 0 {
			r.items[i].by = at
		} else {
			r.items[i].by = -1
		}
	}
	if aside := services - len(r.items); aside > 0 {
		r.notes = append(r.notes, plural(aside, "service")+" not impacted and not shown.")
	}
	r.place()
}

// place gives each group a sector as wide as its fullest ring asks for, and each item a
// place in it.
func (r *rings) place() {
	count := make(map[string][]int)
	var groups []string
	most := 0
	for i := range r.items {
		t := &r.items[i]
		most = max(most, t.ring)
		if count[t.group] == nil {
			groups = append(groups, t.group)
			count[t.group] = make([]int, mostRings+2)
		}
		count[t.group][t.ring]++
	}
	slices.Sort(groups)
	share := make(map[string]float64)
	total := 0.0
	for _, g := range groups {
		for ring, n := range count[g] {
			if ring > 0 { // the inner rings are shorter
				share[g] = max(share[g], float64(n)/math.Sqrt(float64(ring)))
			}
		}
		share[g] = max(share[g], 0.5)
		total += share[g]
	}
	from := make(map[string]float64)
	at := -math.Pi / 2
	for _, g := range groups {
		from[g] = at
		at += 2 * math.Pi * share[g] / total
	}
	r.dot = mostDot
	// A ring is as long as its dots ask for, and a step out of the one before.
	const room = 46.0
	onRing := make([]int, most+1)
	for i := range r.items {
		onRing[r.items[i].ring]++
	}
	r.radius = []float64{0}
	step := 58.0
	for k := 1; k <= most; k++ {
		step = max(step, 0.07*float64(onRing[k])*room/(2*math.Pi))
	}
	for k := 1; k <= most; k++ {
		r.radius = append(r.radius, max(r.radius[k-1]+step, float64(onRing[k])*room/(2*math.Pi)))
	}
	if outer := r.radius[most]; outer > 0 {
		for k := range r.radius {
			r.radius[k] *= ringsRadius / outer
		}
	}
	seen := make(map[string][]int)
	middle := 0
	for i := range r.items {
		if r.items[i].ring == 0 {
			middle++
		}
	}
	inner := 0
	for i := range r.items {
		t := &r.items[i]
		if t.ring == 0 { // the middle belongs to all
			radius := 0.0
			if middle > 1 {
				radius = min(34, 9*float64(middle))
			}
			t.angle = 2*math.Pi*float64(inner)/float64(middle) - math.Pi/2
			inner++
			t.at = scene.Point{X: ringsCenter + radius*math.Cos(t.angle), Y: ringsCenter + radius*math.Sin(t.angle)}
			continue
		}
		if seen[t.group] == nil {
			seen[t.group] = make([]int, mostRings+2)
		}
		n := count[t.group][t.ring]
		width := 2 * math.Pi * share[t.group] / total
		t.angle = from[t.group] + width*(float64(seen[t.group][t.ring])+0.5)/float64(n)
		seen[t.group][t.ring]++
		radius := r.radius[t.ring]
		r.dot = min(r.dot, max(leastDot, 0.42*width*radius/float64(n)))
		t.at = scene.Point{X: ringsCenter + radius*math.Cos(t.angle), Y: ringsCenter + radius*math.Sin(t.angle)}
	}
}

// drawRings draws rings.
func drawRings(r *rings) []byte {
	r.ids = make(map[string]bool)
	const width = 2 * ringsCenter
	s := &scene.Scene{Title: r.title, Context: r.context, Summary: r.summary, Counts: r.counts}
	head, top := header(s, width)
	r.drawGround()
	r.drawWays()
	r.drawDots()
	unnamed := r.drawNames()
	body := r.String()
	if unnamed > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%s without its name: there is no room. Hovering tells.", plural(unnamed, "dot")))
		if unnamed > 1 {
			s.Notes[0] = fmt.Sprintf("%s without their names: there is no room. Hovering tells.", plural(unnamed, "dot"))
		}
	}
	s.Notes = append(s.Notes, r.notes...)
	foot, bottom := footer(s, width)
	height := top + width + bottom
	c := &canvas{}
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="title desc">`+"\n",
		px(width+2*margin), px(height), px(width+2*margin), px(height))
	c.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(r.title), escape(describeScene(s)))
	c.printf("<style>%s%s</style>\n", stylesheet(), ringsStyle())
	c.printf("<rect class=\"page\" width=\"%s\" height=\"%s\"/>\n", px(width+2*margin), px(height))
	c.printf("<g id=\"head\" transform=\"translate(%d 0)\">\n%s</g>\n<g id=\"rings\" transform=\"translate(%d %s)\">\n%s</g>\n<g id=\"foot\" transform=\"translate(%d %s)\">\n%s</g>\n</svg>\n",
		margin, head, margin, px(top), body, margin, px(top+width), foot)
	return c.Bytes()
}

func ringsStyle() string {
	rules := func(t *theme) string {
		css := fmt.Sprintf(".ring{stroke:%s}\n.halo-text{stroke:%s}\n", t.frame, t.page)
		for _, o := range outcomeOrder {
			css += fmt.Sprintf(".dot.o-%s{fill:%s;stroke:%s}\n.way.o-%s{stroke:%s}\n", o, t.tones[o].strip, t.tones[o].line, o, t.tones[o].line)
		}
		return css + fmt.Sprintf(".dot.first{stroke:%s}\n", t.text)
	}
	return ".ring{fill:none;stroke-width:1.5}\n.way{fill:none;stroke-width:.8;opacity:.55}\n.dot{stroke-width:1}\n.dot.first{stroke-width:3}\n.halo-text{paint-order:stroke;stroke-width:3px;stroke-linejoin:round;font-size:11px}\n.ring-name{font-size:10.5px;text-anchor:middle}\n" +
		rules(&light) + "@media (prefers-color-scheme:dark){\n" + rules(&dark) + "}\n"
}

func (r *rings) drawGround() {
	for _, radius := range r.radius[min(1, len(r.radius)):] {
		r.printf("<circle class=\"ring\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>\n", px(ringsCenter), px(ringsCenter), px(radius))
	}
}

// drawWays draws by whom each was hit, bent towards the middle.
func (r *rings) drawWays() {
	for i := range r.items {
		t := &r.items[i]
		if t.by < 0 || t.by == i {
			continue
		}
		a := &r.items[t.by]
		mid := scene.Point{X: (a.at.X+t.at.X)/2*0.8 + ringsCenter*0.2, Y: (a.at.Y+t.at.Y)/2*0.8 + ringsCenter*0.2}
		r.printf("<path class=\"way o-%s\" d=\"M%s %sQ%s %s %s %s\"/>\n", t.outcome, px(a.at.X), px(a.at.Y), px(mid.X), px(mid.Y), px(t.at.X), px(t.at.Y))
	}
}

func (r *rings) drawDots() {
	for i := range r.items {
		t := &r.items[i]
		dot, class := r.dot, "dot o-"+t.outcome
		if t.root {
			dot, class = 11, class+" first"
		}
		r.printf("<circle id=\"%s\" class=\"%s\" data-outcome=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"><title>%s</title></circle>\n",
			r.id("n-", t.id), class, t.outcome, px(t.at.X), px(t.at.Y), px(dot), escape(t.title))
	}
}

// drawNames writes the names of the rings, and those of the dots that have room: the
// roots first, then by weight. It returns how many have none.
func (r *rings) drawNames() (unnamed int) {
	var taken []scene.Box
	free := func(b scene.Box) bool {
		return b.Left >= -margin+2 && b.Left+b.Width <= 2*ringsCenter+margin-2 && !slices.ContainsFunc(taken, func(o scene.Box) bool {
			return b.Left < o.Left+o.Width && o.Left < b.Left+b.Width && b.Top < o.Top+o.Height && o.Top < b.Top+b.Height
		})
	}
	for k, name := range r.names {
		if k == 0 || k >= len(r.radius) {
			continue
		}
		y := ringsCenter - r.radius[k]
		w := style{10.5, false}.width(name)
		b := scene.Box{Left: ringsCenter - w/2 - 2, Top: y - 16, Width: w + 4, Height: 13}
		taken = append(taken, b)
		r.printf("<text class=\"note halo-text ring-name\" x=\"%s\" y=\"%s\">%s</text>\n", px(ringsCenter), px(y-5.5), escape(name))
	}
	for i := range r.items { // no name lies on a dot
		t := &r.items[i]
		d := r.dot
		if t.root {
			d = 11
		}
		taken = append(taken, scene.Box{Left: t.at.X - d, Top: t.at.Y - d, Width: 2 * d, Height: 2 * d})
	}
	order := make([]int, len(r.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &r.items[a], &r.items[b]
		if x.root != y.root {
			return map[bool]int{true: -1, false: 1}[x.root]
		}
		return cmp.Or(cmp.Compare(y.weight, x.weight), cmp.Compare(x.ring, y.ring))
	})
	for _, i := range order {
		t := &r.items[i]
		gap := r.dot + 4
		if t.root {
			gap = 15
		}
		label := ringStyle.fit(t.label, 150)
		w := ringStyle.width(label)
		right := scene.Box{Left: t.at.X + gap, Top: t.at.Y - 7, Width: w, Height: 13}
		left := scene.Box{Left: t.at.X - gap - w, Top: t.at.Y - 7, Width: w, Height: 13}
		places := []scene.Box{right, left}
		if math.Cos(t.angle) < 0 {
			places = []scene.Box{left, right}
		}
		above := scene.Box{Left: t.at.X - w/2, Top: t.at.Y - gap - 11, Width: w, Height: 13}
		below := scene.Box{Left: t.at.X - w/2, Top: t.at.Y + gap - 3, Width: w, Height: 13}
		at := slices.IndexFunc(append(places, below, above), free)
		if at < 0 {
			unnamed++
			continue
		}
		b := append(places, below, above)[at]
		taken = append(taken, b)
		r.printf("<text class=\"halo-text\" x=\"%s\" y=\"%s\">%s</text>\n", px(b.Left), px(b.Top+10.5), escape(label))
	}
	return unnamed
}
