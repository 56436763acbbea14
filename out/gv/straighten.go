package gv

import (
	"cmp"
	"math"
	"slices"

	"github.com/knockon/knockon/out/scene"
)

// straighten finds heights at which arrows run straight where they can. It goes
// through the columns to and fro; each item wants to stand at the median of the
// heights its arrows ask for, which makes at least one of them straight, and the
// nearest heights that keep the order and the gaps are the isotonic regression of
// the wishes (Sugiyama, Tagawa and Toda, "Methods for visual understanding of
// hierarchical system structures", IEEE Trans. SMC 11(2), 1981, for the sweeps).
func (c *columns) straighten() {
	left, right := make([][]wish, len(c.items)), make([][]wish, len(c.items))
	for _, l := range c.links {
		shift := c.offset(l.from, l.box) - c.offset(l.to, l.head)
		w := float64(l.weight)
		left[l.to] = append(left[l.to], wish{l.from, shift, w})
		right[l.from] = append(right[l.from], wish{l.to, -shift, w})
	}
	for _, column := range c.order {
		for _, i := range column {
			c.middle += c.items[i].y / float64(len(c.items))
		}
	}
	const sweeps = 12
	for sweep := range sweeps {
		for k := range c.order {
			c.settle(c.order[k], left, nil)
		}
		for k := range slices.Backward(c.order) {
			if sweep < sweeps/2 {
				c.settle(c.order[k], right, nil)
			} else {
				c.settle(c.order[k], right, left)
			}
		}
	}
	top, bottom := math.Inf(1), math.Inf(-1)
	for i := range c.items {
		it := &c.items[i]
		top, bottom = min(top, it.y-it.height/2), max(bottom, it.y+it.height/2)
	}
	for i := range c.items {
		c.items[i].y = round(c.items[i].y - top)
	}
	c.Size.Height = round(bottom - top)
	c.stack()
}

// stack places boxes in their items.
func (c *columns) stack() {
	for i := range c.items {
		it := &c.items[i]
		for _, v := range it.boxes {
			c.Nodes[v].At.Y = round(it.y + c.offset(i, v))
		}
		if it.cluster >= 0 {
			c.Clusters[it.cluster].Box = scene.Box{Top: round(it.y - it.height/2), Height: round(it.height)}
		}
	}
}

// wish is the height an arrow asks for: that of another item, shifted.
type wish struct {
	item   int
	shift  float64
	weight float64
}

// settle places the items of a column as near to what they wish as their order
// allows.
func (c *columns) settle(column []int, wishes, more [][]wish) {
	type block struct{ at, weight, size float64 } // items that touch: their mean, and how many
	var blocks []block
	offsets := make([]float64, len(column))
	for k, i := range column {
		if k > 0 {
			before := &c.items[column[k-1]]
			offsets[k] = offsets[k-1] + (before.height+c.items[i].height)/2 + gap(before, &c.items[i])
		}
		all := wishes[i]
		if more != nil {
			all = slices.Concat(all, more[i])
		}
		at, weight := c.median(all)
		if weight == 0 {
			at, weight = c.middle, 0.05 // nothing pulls it but the others
		}
		b := block{at - offsets[k], weight, 1}
		for len(blocks) > 0 && blocks[len(blocks)-1].at >= b.at {
			last := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			b.at = (last.at*last.weight + b.at*b.weight) / (last.weight + b.weight)
			b.weight += last.weight
			b.size += last.size
		}
		blocks = append(blocks, b)
	}
	k := 0
	for _, b := range blocks {
		for range int(b.size) {
			c.items[column[k]].y = b.at + offsets[k]
			k++
		}
	}
}

func gap(a, b *item) float64 {
	if a.passing > 0 && b.passing > 0 {
		return trackGap
	}
	return itemGap
}

// median is the weighted median of wishes, and their weight.
func (c *columns) median(all []wish) (at, weight float64) {
	if len(all) == 0 {
		return 0, 0
	}
	sorted := slices.Clone(all)
	height := func(w wish) float64 { return c.items[w.item].y + w.shift }
	slices.SortStableFunc(sorted, func(a, b wish) int { return cmp.Compare(height(a), height(b)) })
	for _, w := range sorted {
		weight += w.weight
	}
	sum := 0.0
	for k, w := range sorted {
		sum += w.weight
		if sum > weight/2 {
			return height(w), weight
		}
		if sum == weight/2 {
			return (height(w) + height(sorted[k+1])) / 2, weight
		}
	}
	panic("gv: no median")
}
