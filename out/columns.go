package out

import (
	"cmp"
	"math"
	"slices"
)

// A hub has all its users in one column, which makes a strip as long as the hub
// is important. Long columns are therefore broken into several that stand side by
// side, as newspapers do, so that the picture comes near the shape of a screen.

// The shape of a picture, and estimates of what a box takes of it, in pixels.
const (
	goodRatio   = 1.7
	columnPitch = 250 // a column with its arrows
	rowPitch    = boxHeight + 9
	framePitch  = 33  // a frame around boxes, with its caption
	pagePitch   = 240 // headline and legend
)

// stack is what stays together when a column is broken: the boxes of one frame.
type stack struct {
	boxes []int
	leads bool // something in it passes a failure on
}

func (c *stack) height() int { return framePitch + rowPitch*len(c.boxes) }

// wrap breaks long columns and renumbers all of them; it returns how many there
// are. Boxes that lead on to later columns are told from those that do not.
func wrap(boxes []box, leads []bool) int {
	columns := stacks(boxes, leads)
	var heights []int
	for _, column := range columns {
		sum := 0
		for _, s := range column {
			sum += s.height()
		}
		heights = append(heights, sum)
	}
	if len(heights) == 0 {
		return 0
	}
	limit := bestHeight(heights)
	next := 0
	for i, column := range columns {
		for _, part := range split(column, heights[i], limit) {
			for _, s := range part {
				for _, b := range s.boxes {
					boxes[b].column = next
				}
			}
			next++
		}
	}
	return next
}

// press brings more than so many columns, the strip of a long chain, into fewer.
func press(boxes []box, columns, most int) bool {
	if columns <= most {
		return false
	}
	// Fewer, longer columns come nearer to the shape of a screen.
	most = max(2, most*2/3)
	for b := range boxes {
		boxes[b].column = boxes[b].column * most / columns
	}
	return true
}

// stacks sorts boxes into columns, without the empty ones, and within these into
// stacks.
func stacks(boxes []box, leads []bool) [][]stack {
	order := make([]int, len(boxes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(boxes[a].column, boxes[b].column), cmp.Compare(boxes[a].group, boxes[b].group))
	})
	var columns [][]stack
	for k, i := range order {
		this, before := &boxes[i], &box{column: -1}
		if k > 0 {
			before = &boxes[order[k-1]]
		}
		if before.column != this.column {
			columns = append(columns, nil)
		}
		last := &columns[len(columns)-1]
		if before.column != this.column || before.group != this.group || this.group == "" {
			*last = append(*last, stack{})
		}
		s := &(*last)[len(*last)-1]
		s.boxes = append(s.boxes, i)
		s.leads = s.leads || leads[i]
	}
	return columns
}

// bestHeight finds the height of column that brings a picture nearest to the good
// ratio.
func bestHeight(heights []int) int {
	best, miss := math.MaxInt, math.Inf(1)
	for limit := 6 * rowPitch; limit < slices.Max(heights)+rowPitch || limit == 6*rowPitch; limit += rowPitch {
		columns, tallest := 0, 0
		for _, h := range heights {
			parts := (h + limit - 1) / limit
			columns += parts
			tallest = max(tallest, h/parts)
		}
		ratio := float64(columns*columnPitch) / float64(tallest+pagePitch)
		if e := math.Abs(math.Log(ratio / goodRatio)); e < miss {
			best, miss = limit, e
		}
	}
	return best
}

// split deals the stacks of a column to as many parts as it takes. Cells that lead
// on come last, next to where they lead.
func split(stacks []stack, height, limit int) [][]stack {
	parts := (height + limit - 1) / limit
	if parts < 2 {
		return [][]stack{stacks}
	}
	slices.SortStableFunc(stacks, func(a, b stack) int {
		switch {
		case a.leads == b.leads:
			return 0
		case b.leads:
			return -1
		}
		return 1
	})
	share := height / parts
	all := make([][]stack, 1, parts)
	filled := 0
	for _, c := range stacks {
		for len(c.boxes) > 0 {
			if filled > 0 && filled+c.height()/2 > share && len(all) < parts {
				all = append(all, nil)
				filled = 0
			}
			n := len(c.boxes)
			if len(all) < parts { // a frame is broken only where it would be a strip itself
				n = min(n, max(1, (share*5/4-framePitch)/rowPitch))
			}
			take := stack{boxes: c.boxes[:n]}
			c.boxes = c.boxes[n:]
			all[len(all)-1] = append(all[len(all)-1], take)
			filled += take.height()
		}
	}
	return all
}
