package mech

import "math"

// Queue is a row of waiting requests, kept by the interval in which they arrived:
// Newell's cumulative curves. The age of its head is measured, never predicted, and
// what nobody waits for any more is in it like everything else.
//
// # Equation
//
// First come, first served: what begins at a time t arrived at the time at which the
// curve of arrivals stood where the curve of starts stands now, so its wait is the
// horizontal distance of the two (G. F. Newell, Applications of Queueing Theory, 1982).
// An attempt that has waited w is answered in time with probability 1 - exp(-(T-w)/s),
// T being its time-out and s the mean service time. A bound K on the queue keeps
// goodput only if K ≤ μ(T - s), and dropping what has expired only with a margin of
// about 2s. CoDel and adaptive LIFO: B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015;
// RFC 8289.
//
// # When it is wrong
//
// While fewer requests come than can be served nobody waits; in truth some do (Erlang
// C), and of few servers many. Ages in a long queue are kept to two percent. Under
// newest-first all that came in one interval have the same age.
type Queue struct {
	Newest bool // the newest is served first
	Whole  bool // masses are whole numbers and are not cut by times

	cells []queueCell // in order of arrival
	many  int         // of them, from which on they are joined; 0: manyCells
	head  int
	mass  float64
}

type queueCell struct{ from, to, mass float64 }

// Segment is mass that leaves a queue: it arrived evenly in [From, To).
type Segment struct {
	From, To float64
	Mass     float64
}

// Mass is what waits.
func (q *Queue) Mass() float64 { return q.mass }

// Cells is how many intervals of arrival are kept, those included that are over.
func (q *Queue) Cells() int { return len(q.cells) }

// Oldest is when what has waited longest arrived; ok is false for an empty queue.
func (q *Queue) Oldest() (at float64, ok bool) {
	if q.mass <= Tiny || q.head == len(q.cells) {
		return 0, false
	}
	return q.cells[q.head].from, true
}

// Put lets mass arrive evenly from one time to another, later than what is there.
func (q *Queue) Put(from, to, mass float64) {
	if mass <= 0 {
		return
	}
	q.mass += mass
	if n := len(q.cells); n > q.head {
		c := &q.cells[n-1]
		if c.to == from && near(c.mass/(c.to-c.from), mass/(to-from), 1e-9) {
			c.to, c.mass = to, c.mass+mass
			return
		}
	}
	q.compact()
	q.cells = append(q.cells, queueCell{from, to, mass})
	if len(q.cells)-q.head > max(manyCells, q.many) {
		q.coarsen(to)
	}
}

const manyCells = 256

// compact forgets the cells before the head where they are half of all, and returns
// how many it forgot: so rows of cells do not grow without end.
func (q *Queue) compact() int {
	k := q.head
	if k < 8 || 2*k < len(q.cells) {
		return 0
	}
	q.cells = q.cells[:copy(q.cells, q.cells[k:])]
	q.head = 0
	return k
}

// coarsen joins neighbours whose length is small beside their age, and so halves,
// at least, the cells of a long queue. Ages keep a precision of two percent.
func (q *Queue) coarsen(now float64) {
	out := q.cells[:0]
	for i := q.head; i < len(q.cells); i++ {
		c := q.cells[i]
		if n := len(out); n > 0 && (q.Whole || out[n-1].to == c.from) && c.to-out[n-1].from <= 0.02*(now-c.from) {
			out[n-1].to, out[n-1].mass = c.to, out[n-1].mass+c.mass
			continue
		}
		out = append(out, c)
	}
	q.cells, q.head = out, 0
	if q.Whole { // not one by one
		q.many = 2 * len(out)
	}
}

// Pop takes up to mass from the end that is served first and appends what it took
// to the segments. Under Newest the newest part of a cell goes first.
func (q *Queue) Pop(mass float64, to []Segment) []Segment {
	if mass >= q.mass-Tiny {
		mass = math.Inf(1)
	}
	for mass > 0 && q.head < len(q.cells) {
		i := q.head
		if q.Newest {
			i = len(q.cells) - 1
		}
		c := &q.cells[i]
		if c.mass <= mass {
			to = append(to, Segment{c.from, c.to, c.mass})
			mass -= c.mass
			q.mass -= c.mass
			if q.Newest {
				q.cells = q.cells[:i]
			} else {
				q.head++
			}
			continue
		}
		cut := float64((c.to - c.from) * (mass / c.mass))
		if q.Newest {
			to = append(to, Segment{c.to - cut, c.to, mass})
			c.to -= cut
		} else {
			to = append(to, Segment{c.from, c.from + cut, mass})
			c.from += cut
		}
		c.mass -= mass
		q.mass -= mass
		break
	}
	if q.head == len(q.cells) {
		q.cells, q.head, q.mass = q.cells[:0], 0, 0
	}
	return to
}

// Before is the mass that arrived before a time.
func (q *Queue) Before(at float64) float64 {
	sum := 0.0
	for i := q.head; i < len(q.cells); i++ {
		c := &q.cells[i]
		if c.to <= at {
			sum += c.mass
			continue
		}
		if c.from < at {
			sum += float64(c.mass * ((at - c.from) / (c.to - c.from)))
		}
		break
	}
	return sum
}

// Drop takes away what arrived before a time and returns it.
func (q *Queue) Drop(at float64) float64 {
	out := 0.0
	for q.head < len(q.cells) {
		c := &q.cells[q.head]
		if c.to <= at {
			out += c.mass
			q.head++
			continue
		}
		if c.from < at {
			part := float64(c.mass * ((at - c.from) / (c.to - c.from)))
			out += part
			c.mass -= part
			c.from = at
		}
		break
	}
	q.mass = max(0, q.mass-out)
	if q.head == len(q.cells) {
		q.cells, q.head, q.mass = q.cells[:0], 0, 0
	}
	return out
}

// Remove takes mass that arrived in [from, to) away, wherever it stands, and
// returns what it found: work that was cancelled. What is left of a cell that is
// only touched keeps its own interval.
func (q *Queue) Remove(from, to, mass float64) float64 {
	out := 0.0
	for i := q.head; i < len(q.cells) && mass > 0; i++ {
		c := &q.cells[i]
		if c.from >= to {
			break
		}
		if c.to <= from {
			continue
		}
		if q.Whole {
			m := min(mass, c.mass)
			c.mass -= m
			mass -= m
			out += m
			continue
		}
		if c.from < from {
			i = q.split(i, from)
			continue // what follows is its second half
		}
		if c.to > to {
			i = q.split(i, to)
			c = &q.cells[i]
		}
		m := min(mass, c.mass)
		c.mass -= m
		mass -= m
		out += m
	}
	q.mass = max(0, q.mass-out)
	for q.head < len(q.cells) && q.cells[q.head].mass <= Tiny {
		out += q.cells[q.head].mass
		q.mass = max(0, q.mass-q.cells[q.head].mass)
		q.head++
	}
	if q.head == len(q.cells) {
		q.cells, q.head, q.mass = q.cells[:0], 0, 0
	}
	return out
}

// split cuts cell i in two at a time, and returns where its first half is now.
func (q *Queue) split(i int, at float64) int {
	i -= q.compact()
	c := q.cells[i]
	q.cells = append(q.cells, queueCell{})
	copy(q.cells[i+1:], q.cells[i:])
	part := float64(c.mass * ((at - c.from) / (c.to - c.from)))
	q.cells[i] = queueCell{c.from, at, part}
	q.cells[i+1] = queueCell{at, c.to, c.mass - part}
	return i
}

// Clear empties the queue and returns what was in it.
func (q *Queue) Clear() float64 {
	m := q.mass
	q.cells, q.head, q.mass = q.cells[:0], 0, 0
	return m
}

// Copy makes q a copy of o, in q's memory, with as much room as o has: so it is done
// growing when o is.
func (q *Queue) Copy(o *Queue) {
	cells := append(Emptied(q.cells, o.cells), o.cells[o.head:]...)
	*q = *o
	q.cells, q.head = cells, 0
}

// Thin takes away a share of everything, and returns how much that was.
func (q *Queue) Thin(share float64) float64 {
	out := 0.0
	for i := q.head; i < len(q.cells); i++ {
		m := float64(q.cells[i].mass * share)
		q.cells[i].mass -= m
		out += m
	}
	q.mass = max(0, q.mass-out)
	return out
}
