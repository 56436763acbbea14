package mech

import (
	"cmp"
	"math"
	"slices"
)

// Leases are the holders of valid leases of one kind. A lease is valid for its time to
// live, even over [Low, Low+Spread), from its last refresh: from when the renewal or the
// regrant was sent that was answered. A holder renews every Every seconds at a phase of
// its own, whatever became of the last time; a renewal that fails is not repeated before
// the next is due. Who lapses asks for a new lease until there is one, and who comes by
// one begins to renew at any phase.
//
// The population is closed: a holder is valid, or asks, or waits to ask, or has given
// up, and sends nothing else meanwhile. So a pause takes load away, which it does not
// where requests come from outside. Renewals, regrants and ordinary requests stand in
// one queue of the keeper, which is measured in work: server time.
//
// # Equation
//
// Holders are kept by the time of their last refresh and that of their next renewal, in
// cells that are even in both. A cell lapses when its time to live is over. Where
// nothing is answered any more, all are valid for TTL - Every, and then (TTL - t)/Every
// of them.
//
// When M holders lapse and ask at once, a keeper of C servers that works w on each serves
// K = C T / w within their deadline T. The others ask again, behind what they left in the
// queue, of which nothing is cancelled. Of R that ask, 2R - K have to ask again: the
// distance from K doubles in every round. M < 2K all come to hold a lease; M > 2K never
// do, but for the first K (closedform.LeaseStorm; AWS, message 101925, 2025). A pace, a
// purge, pauses that differ, and dropping what has expired end it.
//
// Who does something at one instant is played together, in a step of a microsecond, and
// stays together until a pause that differs, or service, parts them: a storm depends on
// it.
//
// # When it is wrong
//
// Where holders are few. A renewal refreshes when its service begins, one service time
// early. While some renewals fail and others do not, what a step changes is seen at its
// end, and a few hundred cells are told apart. A bound or a throttle of the keeper counts
// requests, and turns them to work at the mean of what arrives. A renewal is given up
// when the next is due.
type Leases struct {
	Every       float64 // seconds; +Inf without renewals
	Low, Spread float64 // seconds; Low is +Inf where leases do not lapse

	// Undecided is when the oldest renewal was sent of which nothing is known yet.
	Undecided float64

	cells, spare []leaseCell
	mass         float64
	limit        int // of cells, beyond which some are joined
}

// leaseCell is holders who refreshed evenly in [r0, r1) and renew evenly in [d0, d1).
// If they are linked, in that order: who refreshed first renews first. If not, when
// one of them renews has nothing to do with when it refreshed.
type leaseCell struct {
	r0, r1, d0, d1 float64
	mass           float64
	since          float64 // what was sent before is not theirs
	linked         bool
}

// Begin lets so many hold a lease at time 0, having renewed last at even phases.
func (l *Leases) Begin(count float64) {
	l.cells, l.mass = l.cells[:0], 0
	if count <= 0 {
		return
	}
	c := leaseCell{mass: count, d0: math.Inf(1), d1: math.Inf(1), since: math.Inf(-1)}
	switch {
	case !math.IsInf(l.Every, 1):
		c.r0, c.d0, c.d1, c.linked = -l.Every, 0, l.Every, true
	case !math.IsInf(l.Low, 1):
		c.r0 = -(l.Low + float64(0.5*l.Spread))
	}
	l.cells, l.mass = append(l.cells, c), count
}

// Mass is how many hold a lease.
func (l *Leases) Mass() float64 { return l.mass }

// Settled reports whether every holder is known by its newest renewal only, at even
// phases: then a step may hold many periods.
func (l *Leases) Settled() bool {
	if len(l.cells) == 0 {
		return true
	}
	if math.IsInf(l.Every, 1) {
		return math.IsInf(l.Low, 1)
	}
	if len(l.cells) > 4 {
		return false
	}
	long := 0.0
	for i := range l.cells {
		c := &l.cells[i]
		if !c.linked || c.d0-c.r0 > float64(2*l.Every)+1e-6 ||
			c.d1-c.d0 > float64(1e-3*l.Every) && !near(float64(c.mass*l.Every), float64(l.mass*(c.d1-c.d0)), 1e-6) {
			return false
		}
		long += c.d1 - c.d0
	}
	return near(long, l.Every, 1e-6)
}

// Renewing reports whether the last renewal of every holder, but for one in a thousand,
// was answered or may be yet.
func (l *Leases) Renewing() bool {
	not := 0.0
	for i := range l.cells {
		c := &l.cells[i]
		if !c.linked || c.d0-c.r0 > l.Every+1e-6 && c.d0-l.Every < l.Undecided-1e-6 {
			not += c.mass
		}
	}
	return not <= float64(1e-3*l.mass)
}

// Due is how many renew in [t, t+h), and moves on when they renew next. A step longer
// than a period must find the holders settled.
func (l *Leases) Due(t, h float64) float64 {
	until := t + h
	if math.IsInf(l.Every, 1) || l.mass <= 0 {
		return 0
	}
	if h > l.Every {
		l.cells = append(l.cells[:0], leaseCell{until - float64(2*l.Every), until - l.Every, until, until + l.Every, l.mass, t - l.Every, true})
		return l.mass / l.Every * h
	}
	due := 0.0
	l.spare = l.spare[:0]
	for _, c := range l.cells {
		if c.d0 >= until-1e-12 {
			l.keep(c)
			continue
		}
		if c.d1 <= until+1e-12 {
			due += c.mass
			c.d0, c.d1 = c.d0+l.Every, c.d1+l.Every
			l.keep(c)
			continue
		}
		sent, rest := c.cut(until)
		due += sent.mass
		sent.d0, sent.d1 = sent.d0+l.Every, sent.d1+l.Every
		if c.linked {
			l.keep(sent)
			l.keep(rest)
		} else {
			l.keep(rest)
			l.keep(sent)
		}
	}
	l.swap()
	return due
}

// cut divides a cell by when its holders renew.
func (c leaseCell) cut(at float64) (before, after leaseCell) {
	share := (at - c.d0) / (c.d1 - c.d0)
	before, after = c, c
	before.mass = float64(c.mass * share)
	after.mass = c.mass - before.mass
	before.d1, after.d0 = at, at
	if c.linked {
		before.r1 = c.r0 + float64((c.r1-c.r0)*share)
		after.r0 = before.r1
	}
	return before, after
}

// Renewed says that of the renewals sent in [from, to) a share was answered in time.
func (l *Leases) Renewed(from, to, share float64) {
	if share <= 0 || l.mass <= 0 {
		return
	}
	if share > 1-1e-6 { // all, but for rounding
		share = 1
	}
	low, high, moved := math.Inf(1), math.Inf(-1), 0.0
	l.spare = l.spare[:0]
	for _, c := range l.cells {
		a, b := max(c.d0, max(from, c.since)+l.Every), min(c.d1, to+l.Every)
		if b-a <= 1e-12 || c.linked && c.d0-c.r0 <= l.Every+1e-6 { // nothing is theirs, or it is counted
			l.keep(c)
			continue
		}
		var head, tail leaseCell
		if a > c.d0+1e-12 {
			head, c = c.cut(a)
		}
		if b < c.d1-1e-12 {
			c, tail = c.cut(b)
		}
		low, high = min(low, a), max(high, b)
		x := float64(c.mass * share)
		if share == 1 {
			x = c.mass
		}
		moved += x
		c.mass -= x
		l.keep(head)
		l.keep(c)
		l.keep(tail)
	}
	l.swap()
	if moved > 0 {
		l.add(leaseCell{low - l.Every, high - l.Every, low, high, moved, low - l.Every, true})
	}
}

// Grant lets holders come to hold a lease at a time, who had asked in [from, to).
func (l *Leases) Grant(from, to, mass, at float64) {
	if mass <= 0 {
		return
	}
	l.add(leaseCell{from, to, at, at + l.Every, mass, at, false})
}

// Expire ends the leases whose time to live is over in the step from one time to
// another, and returns how many.
func (l *Leases) Expire(from, to float64) float64 {
	if math.IsInf(l.Low, 1) {
		return 0
	}
	out := 0.0
	for i := range l.cells {
		c := &l.cells[i]
		if c.r0+l.Low >= to-1e-12 {
			continue
		}
		x := 0.0
		switch {
		case c.r1+l.Low+l.Spread <= to+1e-12:
			x = c.mass
		case l.Spread > 0:
			was := l.living(c, from)
			if was > 0 {
				x = float64(c.mass * (1 - min(1, l.living(c, to)/was)))
			}
		default:
			at := to - l.Low
			share := (at - c.r0) / (c.r1 - c.r0)
			x = float64(c.mass * share)
			if c.linked {
				c.d0 += float64((c.d1 - c.d0) * share)
			}
			c.r0 = at
		}
		c.mass -= x
		out += x
	}
	if out > 0 {
		l.clean()
	}
	return out
}

// living is the share of those who refreshed with a cell whose time to live is not
// over at a time.
func (l *Leases) living(c *leaseCell, at float64) float64 {
	z0, z1 := at-c.r0-l.Low, at-c.r1-l.Low
	if long := c.r1 - c.r0; long > 1e-9 {
		return max(0, 1-(ramp(z0, l.Spread)-ramp(z1, l.Spread))/float64(long*l.Spread))
	}
	return max(0, min(1, 1-z0/l.Spread))
}

// Lose ends so many leases, of all alike, and returns how many that were.
func (l *Leases) Lose(mass float64) float64 {
	if mass <= 0 || l.mass <= 0 {
		return 0
	}
	share := min(1, mass/l.mass)
	out := 0.0
	for i := range l.cells {
		x := float64(l.cells[i].mass * share)
		if share == 1 {
			x = l.cells[i].mass
		}
		l.cells[i].mass -= x
		out += x
	}
	l.clean()
	return out
}

// Next is the first time after one at which leases begin to lapse that did not before,
// more than one in a million.
func (l *Leases) Next(after float64) float64 {
	next := math.Inf(1)
	for i := range l.cells {
		c := &l.cells[i]
		if c.mass < float64(1e-6*l.mass) {
			continue
		}
		for _, at := range [...]float64{c.r0 + l.Low, c.r0 + l.Low + l.Spread} {
			if at > after {
				next = min(next, at)
			}
		}
	}
	return next
}

// Sharp is the first time from one on at which leases lapse at so many per second or
// more.
func (l *Leases) Sharp(from, density float64) float64 {
	next := math.Inf(1)
	if l.Spread > 0 || math.IsInf(l.Low, 1) {
		return next
	}
	for i := range l.cells {
		if c := &l.cells[i]; c.mass >= float64(density*(c.r1-c.r0)) && c.r0+l.Low >= from {
			next = min(next, c.r0+l.Low)
		}
	}
	return next
}

// keep puts a cell behind those that are kept in a pass, joined with the last if they
// are alike.
func (l *Leases) keep(c leaseCell) {
	if c.mass <= 0 {
		return
	}
	if n := len(l.spare); n > 0 && c.mass < float64(1e-12*l.mass) {
		l.spare[n-1].mass += c.mass // dust
		return
	}
	if n := len(l.spare); n > 0 && l.spare[n-1].join(&c, 1e-4) {
		return
	}
	l.spare = append(l.spare, c)
}

// swap ends a pass.
func (l *Leases) swap() {
	l.cells, l.spare = l.spare, l.cells
	l.tidy()
}

// clean takes empty cells away and counts the others.
func (l *Leases) clean() {
	n := 0
	for _, c := range l.cells {
		if c.mass > 0 {
			l.cells[n] = c
			n++
		}
	}
	l.cells = l.cells[:n]
	l.tidy()
}

// add joins a cell with one like it, or puts it behind all.
func (l *Leases) add(c leaseCell) {
	for i := len(l.cells) - 1; i >= max(0, len(l.cells)-32); i-- {
		if l.cells[i].join(&c, 1e-4) {
			l.mass += c.mass
			return
		}
	}
	l.cells = append(l.cells, c)
	l.tidy()
}

// mostCells is how many cells are told apart before neighbours are joined that differ.
const mostCells = 256

// tidy counts the holders and, when there are too many cells, joins neighbours.
func (l *Leases) tidy() {
	if limit := max(l.limit, mostCells); len(l.cells) > limit {
		slices.SortStableFunc(l.cells, leaseCell.before)
		for width := 1.0 / 64; width < 8 && len(l.cells) > mostCells/2; width *= 2 {
			l.lump(width, false)
		}
		for width := 1.0 / 64; width < 64 && len(l.cells) > mostCells; width *= 2 {
			l.lump(width, true)
		}
		l.limit = len(l.cells) + mostCells/2
	}
	l.mass = 0
	for i := range l.cells {
		l.mass += l.cells[i].mass
	}
}

// before orders cells so that those that can be joined are neighbours: linked ones by how
// long ago they refreshed when they renew, then all by when they refreshed and renew.
func (c leaseCell) before(o leaseCell) int {
	if c.linked != o.linked {
		if c.linked {
			return -1
		}
		return 1
	}
	if c.linked {
		if d := cmp.Compare(math.Round(1e3*(c.d0-c.r0)), math.Round(1e3*(o.d0-o.r0))); d != 0 {
			return d
		}
	}
	return cmp.Or(cmp.Compare(c.r0, o.r0), cmp.Compare(c.d0, o.d0))
}

// lump joins neighbours that differ by no more than so many periods.
func (l *Leases) lump(width float64, force bool) {
	l.spare = l.spare[:0]
	for _, c := range l.cells {
		if n := len(l.spare); n == 0 || !l.spare[n-1].lump(&c, l, width, force) {
			l.spare = append(l.spare, c)
		}
	}
	l.cells, l.spare = l.spare, l.cells
}

const apart = 1e-9 // seconds below which two times are one

func same(a, b float64) bool { return a == b || math.Abs(a-b) < apart }

// alike reports whether masses over lengths have one rate, or one of them is a sliver.
func alike(m0, t0, m1, t1, tolerance float64) bool {
	if t0 < float64(1e-3*t1) && m0 < float64(1e-2*m1) || t1 < float64(1e-3*t0) && m1 < float64(1e-2*m0) {
		return true
	}
	return near(float64(m0*t1), float64(m1*t0), tolerance)
}

// join adds a cell to another if both together are even.
func (c *leaseCell) join(o *leaseCell, tolerance float64) bool {
	if c.linked != o.linked {
		return false
	}
	if c.linked {
		if !same(c.r1, o.r0) || math.Abs((c.d0-c.r0)-(o.d0-o.r0)) > 1e-6 || !alike(c.mass, c.r1-c.r0, o.mass, o.r1-o.r0, tolerance) {
			return false
		}
		c.r1, c.d1 = o.r1, o.d1
		c.mass += o.mass
		c.since = max(c.since, o.since)
		return true
	}
	switch {
	case same(c.r0, o.r0) && same(c.r1, o.r1):
		switch {
		case same(c.d0, o.d0) && same(c.d1, o.d1):
		case same(c.d1, o.d0) && alike(c.mass, c.d1-c.d0, o.mass, o.d1-o.d0, tolerance):
			c.d1 = o.d1
		case same(o.d1, c.d0) && alike(c.mass, c.d1-c.d0, o.mass, o.d1-o.d0, tolerance):
			c.d0 = o.d0
		default:
			return false
		}
	case same(c.r1, o.r0) && same(c.d0, o.d0) && same(c.d1, o.d1) && alike(c.mass, c.r1-c.r0, o.mass, o.r1-o.r0, tolerance):
		c.r1 = o.r1
	default:
		return false
	}
	c.mass += o.mass
	c.since = max(c.since, o.since)
	return true
}

// lump is join for cells that differ: times are right but for a share of a period.
// Those that have to be forced need not be alike in what is known of them, nor linked.
func (c *leaseCell) lump(o *leaseCell, l *Leases, width float64, force bool) bool {
	linked := c.linked && o.linked && same(c.r1, o.r0) && math.Abs((c.d0-c.r0)-(o.d0-o.r0)) <= 1e-6
	if !linked && !force && (c.linked || o.linked) {
		return false
	}
	// What becomes of the last renewal may be known of one and not of the other.
	if !force && !math.IsInf(l.Every, 1) && (c.d1 > max(l.Undecided, c.since)+l.Every+apart || o.d1 > max(l.Undecided, o.since)+l.Every+apart) {
		return false
	}
	period := l.Every
	if math.IsInf(period, 1) {
		period = l.Low + l.Spread
	}
	slack := float64(width * period)
	r0, r1 := min(c.r0, o.r0), max(c.r1, o.r1)
	if r1-r0 > max(slack, c.r1-c.r0, o.r1-o.r0) {
		return false
	}
	if linked {
		c.r1, c.d1 = o.r1, o.d1
		c.mass += o.mass
		c.since = max(c.since, o.since)
		return true
	}
	share := o.mass / (c.mass + o.mass)
	if !math.IsInf(l.Every, 1) {
		switch {
		case math.Abs(c.d0-o.d0) <= slack && math.Abs(c.d1-o.d1) <= slack:
			c.d0, c.d1 = c.together(o, share)
		case same(c.d1, o.d0) && min(c.d1-c.d0, o.d1-o.d0) <= slack:
			c.d1 = o.d1
		case same(o.d1, c.d0) && min(c.d1-c.d0, o.d1-o.d0) <= slack:
			c.d0 = o.d0
		default:
			return false
		}
	}
	c.r0, c.r1, c.linked = r0, r1, false
	c.mass += o.mass
	c.since = max(c.since, o.since)
	return true
}

// together is when the holders of two cells renew, of which the second has a share: evenly,
// with the mean and the variance of both. Neighbours of one density stay what they are: to
// draw them together would tear gaps between renewals, that come back every period.
func (c *leaseCell) together(o *leaseCell, share float64) (d0, d1 float64) {
	mean, apart := float64(0.5*(c.d0+c.d1)), float64(0.5*(o.d0+o.d1-c.d0-c.d1))
	was, is := c.d1-c.d0, o.d1-o.d0
	wide := float64(was*was*(1-share)) + float64(is*is*share) + float64(12*share*(1-share)*apart*apart)
	half := float64(0.5 * math.Sqrt(wide))
	mean += float64(share * apart)
	half = min(half, mean-min(c.d0, o.d0), max(c.d1, o.d1)-mean) // nobody before the first or after the last
	return mean - half, mean + half
}

// Copy makes l a copy of o, in l's memory.
func (l *Leases) Copy(o *Leases) {
	cells, spare := append(l.cells[:0], o.cells...), l.spare
	*l = *o
	l.cells, l.spare = cells, spare
}
