package mech

import "math"

// Line is a delay: what enters leaves between Low and Low+Spread seconds later,
// evenly. A fixed delay has no spread. Mass is kept by the interval in which it
// entered, and the convolution of interval and delay is exact.
type Line struct {
	Low, Spread float64 // seconds
	Dice        *Dice   // draw who leaves when; nil for the mean

	cells []lineCell
	head  int
	mass  float64
}

type lineCell struct {
	from, to float64 // entered evenly in between
	mass     float64 // when it entered
	left     float64 // of it
}

// Mass is what is in the line.
func (l *Line) Mass() float64 { return l.mass }

// Clear empties the line and returns what was in it.
func (l *Line) Clear() float64 {
	m := l.mass
	l.cells, l.head, l.mass = l.cells[:0], 0, 0
	return m
}

// Put lets mass enter evenly from one time to another. Times must not go back by
// more than a step.
func (l *Line) Put(from, to, mass float64) {
	if mass <= 0 {
		return
	}
	l.mass += mass
	if n := len(l.cells); n > l.head {
		c := &l.cells[n-1]
		if c.from == from && c.to == to {
			c.mass += mass
			c.left += mass
			return
		}
		// Neighbours that came at one rate are one; and what leaves over a long
		// spread may be put together coarsely.
		if c.to == from {
			r0, r1 := c.mass/(c.to-c.from), mass/(to-from)
			if to-c.from <= l.Spread/16 || c.left == c.mass && near(r0, r1, 1e-6) {
				c.to, c.mass, c.left = to, c.mass+mass, c.left+mass
				return
			}
		}
	}
	if l.head >= 8 && 2*l.head >= len(l.cells) {
		l.cells = l.cells[:copy(l.cells, l.cells[l.head:])]
		l.head = 0
	}
	l.cells = append(l.cells, lineCell{from, to, mass, mass})
}

// Within is the share of what enters evenly in [from, to) that has left by a time.
func (l *Line) Within(from, to, until float64) float64 {
	return max(0, min(1, l.released(&lineCell{from: from, to: to}, until)))
}

// PutRest lets mass enter of which only the rest is kept: what leaves within the
// step has left already.
func (l *Line) PutRest(from, to, mass, rest float64) {
	if rest <= 0 {
		return
	}
	l.Put(from, to, mass)
	c := &l.cells[len(l.cells)-1]
	c.left -= mass - rest
	l.mass -= mass - rest
}

// Take removes what has left by a time, and returns it.
func (l *Line) Take(until float64) float64 {
	if l.mass == 0 {
		return 0
	}
	out, live := 0.0, 0.0
	for i := l.head; i < len(l.cells); i++ {
		c := &l.cells[i]
		if c.from+l.Low >= until {
			for ; i < len(l.cells); i++ {
				live += l.cells[i].left
			}
			break
		}
		gone := float64(c.mass * l.released(c, until))
		m := max(0, min(c.left, gone-(c.mass-c.left)))
		if l.Dice != nil {
			m = min(c.left, l.Dice.Whole(m))
		}
		if c.to+l.Low+l.Spread <= until {
			m = c.left
		}
		out += m
		c.left -= m
		live += c.left
	}
	for l.head < len(l.cells) && l.cells[l.head].left <= 0 {
		l.head++
	}
	l.mass = live
	if l.head == len(l.cells) {
		l.cells, l.head, l.mass = l.cells[:0], 0, 0
	}
	return out
}

// released is the share of a cell that has left by a time: the mean over its
// entries x of the share of the delay's distribution below until-x.
func (l *Line) released(c *lineCell, until float64) float64 {
	z0, z1 := until-c.from-l.Low, until-c.to-l.Low
	length := c.to - c.from
	if l.Spread <= 0 {
		if length <= 0 {
			return 1
		}
		return max(0, min(1, z0/length))
	}
	if length <= 0 {
		return max(0, min(1, z0/l.Spread))
	}
	return (ramp(z0, l.Spread) - ramp(z1, l.Spread)) / float64(length*l.Spread)
}

// ramp is the integral from 0 to z of min(max(y, 0), w).
func ramp(z, w float64) float64 {
	switch {
	case z <= 0:
		return 0
	case z <= w:
		return float64(z*z) / 2
	}
	return float64(w*w/2) + float64(w*(z-w))
}

// Next is the first time, after one and before another, at which the rate of what
// leaves differs from the present one by more than a slack.
func (l *Line) Next(after, otherwise, rate, slack float64) float64 {
	if l.Spread > 0 {
		return otherwise // it changes little by little
	}
	end := 0.0
	for i := l.head; i < len(l.cells); i++ {
		c := &l.cells[i]
		if c.from+l.Low >= otherwise {
			break
		}
		if i > l.head && c.from > end+1e-9 && rate > slack && end+l.Low > after {
			return end + l.Low
		}
		end = c.to
		r := c.mass / max(1e-12, c.to-c.from)
		if at := c.from + l.Low; at > after && (r > rate+slack || r < rate-slack) {
			return at
		}
	}
	return otherwise
}

// Sharp is the first time from one on at which what entered at so many per second or
// more, and waits for a fixed time, leaves.
func (l *Line) Sharp(from, density float64) float64 {
	if l.Spread <= 0 {
		for i := l.head; i < len(l.cells); i++ {
			c := &l.cells[i]
			if at := c.from + l.Low; at >= from && c.left > 0 && c.mass >= float64(density*(c.to-c.from)) {
				return at
			}
		}
	}
	return math.Inf(1)
}

// Copy makes l a copy of o, in l's memory, with as much room as o has.
func (l *Line) Copy(o *Line) {
	cells := append(Emptied(l.cells, o.cells), o.cells[o.head:]...)
	*l = *o
	l.cells, l.head = cells, 0
}

func near(a, b, tolerance float64) bool {
	d := a - b
	if d < 0 {
		d = -d
	}
	return d <= tolerance*max(a, b)
}
