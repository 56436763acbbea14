package gv

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/knockon/knockon/out/scene"
)

// The scene says in which column each box stands, and Graphviz finds the order
// within the columns that crosses the fewest arrows: the hard part. What it orders
// are items: a frame with its boxes stacked in it, a box without a frame, or the
// place where arrows cross a column that they only pass. Then straighten finds the
// heights, and the arrows run like the wires of a circuit board (channel.go).
// Graphviz could do more of this, but its frames and its ranks disturb each other,
// and the arrows of a hub with thirty users read better as a tree than as a spider.

// Spaces in a column, in pixels.
const (
	frameTop    = 24 // with the caption
	frameSide   = 8
	frameBottom = 8
	boxGap      = 9
	itemGap     = 11
)

// item is one thing in a column.
type item struct {
	column  int
	cluster int   // -1 without a frame
	boxes   []int // nodes of the scene, from above; none where arrows pass
	passing int   // how many arrows pass
	height  float64
	y       float64 // of its middle
}

// link joins items of neighbouring columns: arrows, as far as they are drawn as
// one.
type link struct {
	from, to int // items
	box      int // of from that it leaves; -1 where it passes
	head     int // box of to that it reaches; -1 where it passes
	weight   int
}

// columns is the work of placing one scene.
type columns struct {
	*scene.Scene
	items  []item
	links  []link
	itemOf []int // by node
	chains []chain
	order  [][]int // items of each column, from above
	middle float64 // the height items have on average
}

// chain is the way of one arrow: from its box, past columns, to its box.
type chain struct {
	edge int
	past []int // items
}

func place(s *scene.Scene) error {
	c := &columns{Scene: s, itemOf: make([]int, len(s.Nodes)), order: make([][]int, s.Columns)}
	c.gather()
	c.trace()
	placed, err := render(c.request())
	if err != nil {
		return err
	}
	if err := c.read(placed); err != nil {
		return err
	}
	c.arrange()
	c.straighten()
	c.route()
	return nil
}

// gather makes an item of each frame and of each box without one.
func (c *columns) gather() {
	framed := make(map[int]int)
	for v := range c.Nodes {
		n := &c.Nodes[v]
		at, ok := framed[n.Cluster]
		if n.Cluster < 0 || !ok {
			at = len(c.items)
			c.items = append(c.items, item{column: n.Column, cluster: n.Cluster})
			if n.Cluster >= 0 {
				framed[n.Cluster] = at
				c.items[at].height = frameTop + frameBottom - boxGap
			} else {
				c.items[at].height = -boxGap
			}
		}
		c.items[at].boxes = append(c.items[at].boxes, v)
		c.items[at].height += n.Size.Height + boxGap
		c.itemOf[v] = at
	}
}

// trace finds the ways of the arrows that shape the scene. Arrows of one box
// share the places where they pass columns.
func (c *columns) trace() {
	passes := make(map[[2]int]int)
	joined := make(map[link]int)
	join := func(l link) {
		at, ok := joined[l]
		if !ok {
			at = len(c.links)
			joined[l] = at
			c.links = append(c.links, l)
		}
		c.links[at].weight++
	}
	for i := range c.Edges {
		e := &c.Edges[i]
		if e.Loose {
			continue
		}
		from, to := c.ends(e)
		way := chain{edge: i}
		last := link{from: c.itemOf[from], box: from}
		for column := c.Nodes[from].Column + 1; column < c.Nodes[to].Column; column++ {
			key := [2]int{from, column}
			at, ok := passes[key]
			if !ok {
				at = len(c.items)
				passes[key] = at
				c.items = append(c.items, item{column: column, cluster: -1})
			}
			c.items[at].passing++
			way.past = append(way.past, at)
			last.to, last.head = at, -1
			join(last)
			last = link{from: at, box: -1}
		}
		last.to, last.head = c.itemOf[to], to
		join(last)
		c.chains = append(c.chains, way)
	}
}

// ends are the nodes an arrow joins, the left one first.
func (c *columns) ends(e *scene.Edge) (left, right int) {
	if c.Nodes[e.From].Column > c.Nodes[e.To].Column {
		return e.To, e.From
	}
	return e.From, e.To
}

// request is the question put to Graphviz. Names are numbers of ours, so nothing
// of a catalog gets into it. A chain of anchors, one in each column, keeps columns
// apart that no arrow joins.
func (c *columns) request() []byte {
	var b bytes.Buffer
	b.WriteString("digraph scene {\ngraph [rankdir=LR nodesep=0.15 ranksep=0.5]\nnode [shape=box fixedsize=true label=\"\" width=1]\nedge [arrowhead=none]\n")
	for i := range c.items {
		fmt.Fprintf(&b, "n%d [height=%s]\n", i, inches(max(1, c.items[i].height)))
	}
	for k := range c.order {
		fmt.Fprintf(&b, "{ rank=same c%d [height=0.01]", k)
		for i := range c.items {
			if c.items[i].column == k {
				fmt.Fprintf(&b, " n%d", i)
			}
		}
		b.WriteString(" }\n")
		if k > 0 {
			fmt.Fprintf(&b, "c%d -> c%d [style=invis weight=0]\n", k-1, k)
		}
	}
	for i, l := range c.links {
		fmt.Fprintf(&b, "n%d -> n%d [id=e%d weight=%d]\n", l.from, l.to, i, l.weight)
	}
	c.centre(&b)
	b.WriteString("}\n")
	return b.Bytes()
}

// centre keeps what passes a column in its middle, by arrows within the column
// that are not drawn: half of the column comes before, half after. Graphviz alone
// puts it at an end, as that crosses nothing either, and the columns of one hub
// then descend like stairs.
func (c *columns) centre(b *bytes.Buffer) {
	for k := range c.order {
		most, total := -1, 0.0
		for i := range c.items {
			it := &c.items[i]
			if it.column != k {
				continue
			}
			if total += it.height; it.passing > 1 && (most < 0 || it.passing > c.items[most].passing) {
				most = i
			}
		}
		above := 0.0
		for i := range c.items {
			it := &c.items[i]
			if it.column != k || it.passing > 0 || most < 0 {
				continue
			}
			above += it.height
			if above-it.height/2 < total/2 {
				fmt.Fprintf(b, "n%d -> n%d [style=invis]\n", i, most)
			} else {
				fmt.Fprintf(b, "n%d -> n%d [style=invis]\n", most, i)
			}
		}
	}
}

// read takes the order, and heights to begin with, from the answer.
func (c *columns) read(o *output) error {
	heights, err := o.heights(len(c.items))
	if err != nil {
		return err
	}
	if err := o.checkEdges(len(c.links)); err != nil {
		return err
	}
	for i := range c.items {
		c.items[i].y = heights[i]
		c.order[c.items[i].column] = append(c.order[c.items[i].column], i)
	}
	for _, column := range c.order {
		slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(c.items[a].y, c.items[b].y) })
	}
	return nil
}

// arrange orders the boxes of each frame: those whose arrows lead up above,
// those whose arrows lead down below, those without in between.
func (c *columns) arrange() {
	sum, count := make([]float64, len(c.Nodes)), make([]float64, len(c.Nodes))
	for _, l := range c.links {
		if l.box >= 0 {
			w := float64(l.weight)
			sum[l.box] += w * (c.items[l.to].y - c.items[l.from].y)
			count[l.box] += w
		}
	}
	for i := range c.items {
		slices.SortStableFunc(c.items[i].boxes, func(a, b int) int {
			return cmp.Compare(sum[a]/max(1, count[a]), sum[b]/max(1, count[b]))
		})
	}
}

// offset is how far below the middle of its item an arrow is tied.
func (c *columns) offset(i, box int) float64 {
	if box < 0 {
		return 0
	}
	it := &c.items[i]
	y := -it.height / 2
	if it.cluster >= 0 {
		y += frameTop
	}
	for _, v := range it.boxes {
		h := c.Nodes[v].Size.Height
		if v == box {
			return y + h/2
		}
		y += h + boxGap
	}
	panic("gv: a box is not in its item")
}
