package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
)

// flight is the attempts of one need that were taken in by their target and have
// not been answered: cells by the time they were sent, with the mass of every
// attempt number. A cell is open until its fate is decided; what a decision leaves
// of it waits for its time-out, for nobody will answer it in time.
type flight struct {
	n      int // attempt numbers told apart
	cells  []flightCell
	mass   []float64 // n for every cell
	head   int       // first cell that is left
	open   int       // no cell before it is open
	total  float64
	many   int     // cells from which on neighbours are joined that differ; less than manyCells counts as that
	merge  float64 // seconds: neighbours alike are one cell up to this length
	coarse float64 // seconds: so short, neighbours need not be alike but nearly
	smear  float64 // seconds: so short, neighbours are one whatever they are; see call.hopeless
	dice   *mech.Dice
}

type flightCell struct {
	from, to float64
	decided  bool
}

func (f *flight) row(i int) []float64 { return f.mass[i*f.n : (i+1)*f.n : (i+1)*f.n] }

func sum(row []float64) float64 {
	s := 0.0
	for _, m := range row {
		s += m
	}
	return s
}

// put adds what was sent evenly in [from, to).
func (f *flight) put(from, to float64, row []float64) {
	m := sum(row)
	if m <= 0 {
		return
	}
	f.total += m
	if k := len(f.cells); k > f.head {
		if c := &f.cells[k-1]; !c.decided && to-c.from <= f.smear {
			c.to = to
			for j, x := range row {
				f.mass[(k-1)*f.n+j] += x
			}
			return
		}
		if c := &f.cells[k-1]; !c.decided && c.to == from && (to-c.from <= f.merge && f.alike(k-1, row, to-from) || to-c.from <= f.coarse && f.near(k-1, m/(to-from))) {
			c.to = to
			for j, x := range row {
				f.mass[(k-1)*f.n+j] += x
			}
			return
		}
	}
	f.compact()
	f.cells = append(f.cells, flightCell{from: from, to: to})
	f.mass = append(f.mass, row...)
	if len(f.cells)-f.head > max(manyCells, f.many) {
		f.coarsen(to)
	}
}

// manyCells is how many cells are kept before neighbours are joined that differ.
const manyCells = 256

// coarsen joins neighbours whose length is small beside their age, as in mech.Queue, and
// by the same two percent.
func (f *flight) coarsen(now float64) {
	out := 0 // cells before it are done
	open := f.open
	for i := f.head; i < len(f.cells); i++ {
		c := f.cells[i]
		if i == open {
			f.open = out
		}
		if out > 0 {
			if p := &f.cells[out-1]; p.decided == c.decided && p.to == c.from && c.to-p.from <= 0.02*(now-c.from) {
				p.to = c.to
				for j := range f.n {
					f.mass[(out-1)*f.n+j] += f.mass[i*f.n+j]
				}
				if i == open {
					f.open = out - 1
				}
				continue
			}
		}
		f.cells[out] = c
		copy(f.mass[out*f.n:(out+1)*f.n], f.mass[i*f.n:(i+1)*f.n])
		out++
	}
	if open >= len(f.cells) {
		f.open = out
	}
	f.cells, f.mass, f.head = f.cells[:out], f.mass[:out*f.n], 0
	f.open = min(f.open, out)
	f.many = 2 * out
}

// compact forgets the cells before the head where they are half of all, and reports
// how many it forgot. Whatever adds a cell does so first: then the rows are never
// longer than twice what was under way at once, and are done growing some time.
func (f *flight) compact() int {
	k := f.head
	if k < 8 || 2*k < len(f.cells) {
		return 0
	}
	f.cells = f.cells[:copy(f.cells, f.cells[k:])]
	f.mass = f.mass[:copy(f.mass, f.mass[k*f.n:])]
	f.open = max(0, f.open-k)
	f.head = 0
	return k
}

// near reports whether cell i has nearly a rate: half to twice as much.
func (f *flight) near(i int, rate float64) bool {
	r := sum(f.row(i)) / (f.cells[i].to - f.cells[i].from)
	return r < 2*rate && rate < 2*r
}

// alike reports whether a row sent over a length has the rates of cell i.
func (f *flight) alike(i int, row []float64, length float64) bool {
	c := f.cells[i]
	scale := (c.to - c.from) / length
	total := sum(row) * scale
	for j, m := range f.row(i) {
		if d := m - float64(row[j]*scale); d > 1e-4*total || d < -1e-4*total {
			return false
		}
	}
	return true
}

// decide settles what was sent in [from, to) and is open: a share of it is answered
// and added to out, the rest is decided and stays.
func (f *flight) decide(from, to, share float64, out []float64) {
	if f.open < f.head {
		f.open = f.head
	}
	for i := f.open; i < len(f.cells); i++ {
		c := f.cells[i]
		if c.from >= to-1e-12 {
			break
		}
		if c.decided || c.to <= from+1e-12 {
			if i == f.open && c.decided {
				f.open++
			}
			continue
		}
		if c.from < from-1e-12 {
			i = f.split(i, from)
			continue // the second half comes next
		}
		if c.to > to+1e-12 {
			i = f.split(i, to)
		}
		for j, m := range f.row(i) {
			x := f.dice.Of(m, share)
			out[j] += x
			f.mass[i*f.n+j] = m - x
			f.total -= x
		}
		f.cells[i].decided = true
		if share >= 1 {
			for j := range f.n {
				f.mass[i*f.n+j] = 0
			}
		}
		if i == f.open {
			f.open++
		}
		if i > f.head && f.join(i) {
			f.open = min(f.open, i)
			i--
		}
	}
	for f.head < len(f.cells) && f.cells[f.head].decided && sum(f.row(f.head)) <= 0 {
		f.head++
	}
	f.settleEmpty()
}

// split cuts cell i in two at a time, and returns where its first half is now.
func (f *flight) split(i int, at float64) int {
	i -= f.compact()
	c := f.cells[i]
	f.cells = append(f.cells, flightCell{})
	copy(f.cells[i+1:], f.cells[i:])
	for range f.n {
		f.mass = append(f.mass, 0)
	}
	copy(f.mass[(i+1)*f.n:], f.mass[i*f.n:len(f.mass)-f.n])
	share := (at - c.from) / (c.to - c.from)
	f.cells[i].to, f.cells[i+1].from = at, at
	if f.dice != nil {
		f.divide(i, share)
		return i
	}
	for j := range f.n {
		m := f.mass[i*f.n+j]
		f.mass[i*f.n+j] = float64(m * share)
		f.mass[(i+1)*f.n+j] = m - float64(m*share)
	}
	return i
}

// join makes decided cells i-1 and i one if they are alike and short.
func (f *flight) join(i int) bool {
	a, b := f.cells[i-1], f.cells[i]
	if !a.decided || !b.decided || a.to != b.from || b.to-a.from > f.merge || !f.alike(i-1, f.row(i), b.to-b.from) {
		return false
	}
	f.cells[i-1].to = b.to
	for j := range f.n {
		f.mass[(i-1)*f.n+j] += f.mass[i*f.n+j]
	}
	f.cells = append(f.cells[:i], f.cells[i+1:]...)
	f.mass = append(f.mass[:i*f.n], f.mass[(i+1)*f.n:]...)
	return true
}

// expire takes away what was sent before a time, decided or not, and adds it to
// out. What was open is reported cell by cell, for work that can be cancelled.
func (f *flight) expire(before float64, out []float64, open func(from, to, mass float64)) {
	for f.head < len(f.cells) {
		c := &f.cells[f.head]
		if c.from >= before-1e-12 {
			break
		}
		share := 1.0
		if c.to > before+1e-12 {
			share = (before - c.from) / (c.to - c.from)
		}
		lost, cut := 0.0, share < 1
		if cut && f.dice != nil {
			lost = f.dice.Divide(f.row(f.head), share, out)
			share = 0
		}
		for j := range f.n {
			m := f.mass[f.head*f.n+j]
			x := float64(m * share)
			if share == 1 {
				x = m
			}
			out[j] += x
			lost += x
			f.mass[f.head*f.n+j] = m - x
		}
		f.total -= lost
		if !c.decided && open != nil && lost > 0 {
			open(c.from, min(before, c.to), lost)
		}
		if cut {
			c.from = before
			break
		}
		f.head++
	}
	f.settleEmpty()
}

// before is how many attempts of one number were sent before a time.
func (f *flight) before(at float64, k int) float64 {
	m := 0.0
	for i := f.head; i < len(f.cells) && f.cells[i].from < at; i++ {
		c, x := &f.cells[i], f.mass[i*f.n+k]
		if c.to > at {
			x *= (at - c.from) / (c.to - c.from)
		}
		m += x
	}
	return m
}

// age is how long ago the oldest attempt that is left was sent.
func (f *flight) age(now float64) float64 {
	if f.head == len(f.cells) {
		return 0
	}
	return now - f.cells[f.head].from
}

// next is the first time, a base step from now or later and before another, at which
// attempts come due at a rate that differs from the present one by more than a slack:
// those that are decided, and, where nobody is answered, the open ones too. By chance the
// numbers of attempts differ besides, by a few deviations.
func (f *flight) next(now, base, otherwise, timeout, rate, slack float64, all bool) float64 {
	differs := func(m, length float64) bool {
		d := math.Abs(m - float64(rate*length))
		if f.dice != nil {
			d -= float64(byLuck * math.Sqrt(max(m, rate*length, 1)))
		}
		return d > float64(slack*length)
	}
	const tiny = 1e-9
	end := now - timeout // of what came due before
	for i := f.head; i < len(f.cells); i++ {
		c := f.cells[i]
		at := c.from + timeout
		if at >= otherwise {
			break
		}
		if !all && !c.decided {
			break
		}
		if c.from > end+tiny && differs(0, c.from-end) {
			return max(end+timeout, now+base) // a gap
		}
		end = c.to
		if c.to+timeout > now+tiny && differs(sum(f.row(i)), c.to-c.from) {
			return max(at, now+base)
		}
	}
	return otherwise
}

// clear takes everything away and adds it to out.
func (f *flight) clear(out []float64) {
	for i := f.head; i < len(f.cells); i++ {
		for j, m := range f.row(i) {
			out[j] += m
		}
	}
	f.head = len(f.cells)
	f.settleEmpty()
}

func (f *flight) settleEmpty() {
	if f.head == len(f.cells) {
		f.cells, f.mass, f.head, f.open, f.total = f.cells[:0], f.mass[:0], 0, 0, 0
	}
	if f.total < 0 {
		f.total = 0
	}
}

// retries is the mass in flight beyond first attempts.
func (f *flight) retries() float64 {
	s := 0.0
	for i := f.head; i < len(f.cells); i++ {
		s += sum(f.row(i)[1:])
	}
	return s
}

func (f *flight) copy(o *flight) {
	cells := append(mech.Emptied(f.cells, o.cells), o.cells[o.head:]...)
	mass := append(mech.Emptied(f.mass, o.mass), o.mass[o.head*o.n:]...)
	*f = *o
	f.cells, f.mass, f.head, f.open = cells, mass, 0, max(0, o.open-o.head)
}

// take removes a share of what was sent in [from, to) and is open, and leaves the
// rest open.
func (f *flight) take(from, to, share float64, out []float64) {
	for i := max(f.open, f.head); i < len(f.cells); i++ {
		c := f.cells[i]
		if c.from >= to-1e-12 {
			break
		}
		if c.decided || c.to <= from+1e-12 {
			continue
		}
		if c.from < from-1e-12 {
			i = f.split(i, from)
			continue
		}
		if c.to > to+1e-12 {
			i = f.split(i, to)
		}
		if f.dice != nil {
			f.total -= f.dice.Divide(f.row(i), share, out)
			continue
		}
		for j, m := range f.row(i) {
			x := float64(m * share)
			out[j] += x
			f.mass[i*f.n+j] = m - x
			f.total -= x
		}
	}
}

// divide gives the second half of cell i, which is empty, its share of whole attempts.
func (f *flight) divide(i int, share float64) {
	first, second := f.row(i), f.row(i+1)
	clear(second)
	f.dice.Divide(first, 1-share, second)
}
