package gv

import (
	"cmp"
	"math"
	"slices"

	"github.com/knockon/knockon/out/scene"
)

// An arrow runs out of a box, up or down a track in the channel between two
// columns, and into a box of the next. Arrows that share their left end share
// their track, whichever way they point.

// Distances in a channel, in pixels.
const (
	trackFirst = 18 // from the boxes on the left
	trackGap   = 8
	trackLast  = 52 // to the boxes on the right: room for an arrow and its signs
	corner     = 7
)

// wire is what leaves one box, or comes past from one, into a channel: a line to a
// track, along it, and off to one or more sides.
type wire struct {
	low, high float64 // heights between which it needs the track
	track     int     // -1 if it runs straight
}

// channel is the space to the right of a column.
type channel struct {
	wires  map[int]*wire // by the node it comes from
	from   []int         // these nodes, in order of appearance
	left   float64
	tracks int
}

func (c *channel) lead(source int, from, to float64) {
	w := c.wires[source]
	if w == nil {
		w = &wire{low: from, high: from}
		c.wires[source] = w
		c.from = append(c.from, source)
	}
	w.low, w.high = min(w.low, to), max(w.high, to)
}

// assign gives tracks to wires by the left-edge algorithm (Hashimoto and Stevens,
// "Wire routing by optimizing channel assignment within large apertures", DAC
// 1971), which needs the fewest.
func (c *channel) assign() {
	slices.SortStableFunc(c.from, func(a, b int) int { return cmp.Compare(c.wires[a].low, c.wires[b].low) })
	var ends []float64
	for _, source := range c.from {
		w := c.wires[source]
		w.track = -1
		if w.high-w.low < 1 {
			continue
		}
		w.track = slices.IndexFunc(ends, func(end float64) bool { return end+2*corner < w.low })
		if w.track < 0 {
			w.track = len(ends)
			ends = append(ends, 0)
		}
		ends[w.track] = w.high
	}
	c.tracks = len(ends)
}

// route sets columns beside each other, with room for the tracks between them, and
// draws the arrows.
func (c *columns) route() {
	channels := make([]channel, c.Columns)
	for i := range channels {
		channels[i].wires = make(map[int]*wire)
	}
	for _, way := range c.chains {
		from, to := c.ends(&c.Edges[way.edge])
		column, y := c.Nodes[from].Column, c.Nodes[from].At.Y
		for _, past := range way.past {
			channels[column].lead(from, y, c.items[past].y)
			column, y = column+1, c.items[past].y
		}
		channels[column].lead(from, y, c.Nodes[to].At.Y)
	}
	widths := make([]float64, c.Columns)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		widths[n.Column] = max(widths[n.Column], n.Size.Width)
	}
	lefts := make([]float64, c.Columns)
	x := float64(frameSide)
	for i := range channels {
		channels[i].assign()
		lefts[i] = x
		channels[i].left = x + widths[i]
		c.Size.Width = channels[i].left + frameSide
		x = channels[i].left + trackFirst + float64(max(0, channels[i].tracks-1))*trackGap + trackLast
	}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		n.At.X = lefts[n.Column] + n.Size.Width/2
		if n.Cluster >= 0 {
			b := &c.Clusters[n.Cluster].Box
			b.Left, b.Width = lefts[n.Column]-frameSide, widths[n.Column]+2*frameSide
		}
	}
	for _, way := range c.chains {
		e := &c.Edges[way.edge]
		e.Points, e.Own = c.wirePath(channels, way)
		if c.Nodes[e.From].Column > c.Nodes[e.To].Column {
			slices.Reverse(e.Points)
			e.Own = len(e.Points) - 1 - e.Own
		}
	}
	for i := range c.Edges {
		if e := &c.Edges[i]; e.Loose {
			e.Points, e.Own = c.sweep(e), 0
		}
	}
}

// wirePath draws one arrow, and says where its own part begins: at the end of the
// last track, behind what it shares with its siblings.
func (c *columns) wirePath(channels []channel, way chain) (points []scene.Point, own int) {
	source, target := c.ends(&c.Edges[way.edge])
	from, to := &c.Nodes[source], &c.Nodes[target]
	column, y := from.Column, from.At.Y
	p := pen{{X: from.At.X + from.Size.Width/2, Y: y}}
	for _, past := range way.past {
		next := c.items[past].y
		channels[column].cross(&p, source, y, next)
		column, y = column+1, next
		p.line(scene.Point{X: channels[column].left, Y: y})
	}
	own = channels[column].cross(&p, source, y, to.At.Y)
	p.line(scene.Point{X: to.At.X - to.Size.Width/2, Y: to.At.Y})
	return p, own
}

// cross takes a pen from one height to another on the track of a wire, and says
// where it left the track.
func (c *channel) cross(p *pen, source int, from, to float64) (off int) {
	x := c.left + trackFirst + float64(max(0, c.wires[source].track))*trackGap
	r := min(corner, math.Abs(to-from)/2)
	if r < 0.5 {
		p.line(scene.Point{X: x, Y: to})
		return len(*p) - 1
	}
	sign := math.Copysign(1, to-from)
	p.line(scene.Point{X: x - r, Y: from})
	p.turn(scene.Point{X: x, Y: from}, scene.Point{X: x, Y: from + sign*r})
	p.line(scene.Point{X: x, Y: to - sign*r})
	off = len(*p) - 1
	p.turn(scene.Point{X: x, Y: to}, scene.Point{X: x + r, Y: to})
	return off
}

// pen draws cubic Béziers.
type pen []scene.Point

func (p *pen) line(to scene.Point) {
	at := (*p)[len(*p)-1]
	if math.Hypot(to.X-at.X, to.Y-at.Y) < 0.05 {
		return
	}
	*p = append(*p, between(at, to, 1./3), between(at, to, 2./3), round2(to))
}

// turn rounds a corner: the cubic that equals the quadratic with the corner as
// its control point.
func (p *pen) turn(at, to scene.Point) {
	from := (*p)[len(*p)-1]
	*p = append(*p, between(from, at, 2./3), between(to, at, 2./3), round2(to))
}

func between(a, b scene.Point, t float64) scene.Point {
	return round2(scene.Point{X: a.X + float64(t*(b.X-a.X)), Y: a.Y + float64(t*(b.Y-a.Y))})
}

func round2(p scene.Point) scene.Point { return scene.Point{X: round(p.X), Y: round(p.Y)} }

// sweep draws a loose arrow from side to side, behind the boxes.
func (c *columns) sweep(e *scene.Edge) []scene.Point {
	from, to := &c.Nodes[e.From], &c.Nodes[e.To]
	a := scene.Point{X: from.At.X + from.Size.Width/2, Y: from.At.Y}
	b := scene.Point{X: to.At.X - to.Size.Width/2, Y: to.At.Y}
	out, in := 1.0, -1.0
	switch {
	case from.Column == to.Column:
		b.X, in = to.At.X+to.Size.Width/2, 1
	case from.Column > to.Column:
		a.X, out = from.At.X-from.Size.Width/2, -1
		b.X, in = to.At.X+to.Size.Width/2, 1
	}
	pull := max(30, min(math.Abs(b.X-a.X)/2, 160))
	return []scene.Point{round2(a), round2(scene.Point{X: a.X + out*pull, Y: a.Y}), round2(scene.Point{X: b.X + in*pull, Y: b.Y}), round2(b)}
}
