package event

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Leases are played holder by holder: see mech.Leases for what a holder does. Each
// message of one is a call to the keeper without a caller and with one attempt.
//
// Two things are drawn here that means do not have. How long a lease lives is drawn at
// every refresh, and who comes by a lease begins to renew at a phase that is drawn. The
// phases at the start are one to each part of the period, so that renewals are even.

// lease is one kind of leases.
type lease struct {
	*plan.Lease
	index    int32
	first    int32 // of its holders, among all
	every    int64 // nanoseconds; never without
	deadline int64 // of a regrant
	least    int64 // from a rejection until its holder asks again

	held    []int32 // holders of a valid lease, in no order
	ready   ring    // holders who would ask, in order
	in      [phases]int
	paused  bool
	gap     int64 // nanoseconds between two who are let in; 0 lets all, never lets none
	turn    int64 // when the next may be let in
	planned int64 // when an event is planned that lets the next in

	life, jitter, renewal, lot stream

	falls []fall // faults by which leases lapse little by little
	n     leaseCounts
	was   leaseCounts // at the last border
	seen  int64       // regrants, at the last look
	rate  float64     // of them, per second, in the last observation
	level level[int]  // held
}

type leaseCounts struct{ renewals, regrants, lapsed int64 }

// fall is leases that lapse evenly over a time.
type fall struct {
	fault    int32
	from, to int64
	all, out int64 // leases to lapse, and those that have
}

// stand is how it stands with a holder. It is in exactly one.
type stand uint8

const (
	holding stand = iota
	asking        // a regrant is under way
	pausing       // before it asks again
	waiting       // to be let in
	gone          // it has given up
	phases
)

// holder is one of those who hold leases of a kind.
type holder struct {
	lease int32
	place int32  // among those who hold one
	mark  uint32 // changes when it comes by a lease and when it loses it
	tries int32  // regrants sent since it lost its lease
	stand stand
	ends  int64 // of its lease; never without
	look  int64 // when the first event is planned that looks at that
}

// newLease makes the holders of a kind of leases, of which nothing has happened yet.
func (en *engine) newLease(i int32, seed uint64) {
	p := &en.p.Leases[i]
	l := lease{
		Lease: p, index: i, first: int32(len(en.holders)), every: nanos(p.Every), planned: never,
		deadline: en.edges[p.Regrant].timeout,
		life:     newStream(seed, "time to live", p.ID), jitter: newStream(seed, "pause", p.ID),
		renewal: newStream(seed, "renewal", p.ID), lot: newStream(seed, "lapse", p.ID),
	}
	l.least = max(1, nanos(p.After))
	if l.deadline != never {
		// As long as a step of the rate engine, which does not let anybody ask twice in one.
		l.least = max(l.least, int64(propagate.DefaultTolerance*float64(l.deadline)))
	}
	l.gap = gapOf(p.Pace)
	n := int(math.Round(p.Count))
	l.held = make([]int32, 0, n)
	for range n {
		en.holders = append(en.holders, holder{lease: i, stand: waiting, ends: never, look: never})
	}
	l.in[waiting] = n
	for j := range en.sc.Faults {
		if f := &en.sc.Faults[j]; f.Effect == scenario.Lapse && f.Lease == p.ID {
			from, to := span(f)
			l.falls = append(l.falls, fall{fault: int32(j), from: from, to: to, all: -1})
			en.corners = append(en.corners, from)
		}
	}
	en.leases = append(en.leases, l)
}

// gapOf is the time between two of so many a second.
func gapOf(rate float64) int64 {
	switch {
	case math.IsInf(rate, 1):
		return 0
	case rate <= 0:
		return never
	}
	return nanos(1 / rate)
}

// openLeases lets the holders hold their leases, or ask for them.
func (en *engine) openLeases() {
	for i := range en.leases {
		l := &en.leases[i]
		n := int32(math.Round(l.Count))
		for k := range n {
			x := l.first + k
			if l.Cold {
				l.ready.push(x)
				continue
			}
			refreshed := int64(0)
			switch {
			case l.every != never: // one to each part of a period
				next := int64(float64(l.every) * (float64(k) + l.renewal.share()) / float64(n))
				refreshed = next - l.every
				en.hold(l, x, refreshed)
				en.plan(next, renews, x, en.holders[x].mark)
				continue
			case !math.IsInf(l.TTL.Low, 1):
				refreshed = -int64(float64(k) / float64(n) * float64(nanos(l.TTL.Low+float64(0.5*l.TTL.Spread))))
			}
			en.hold(l, x, refreshed)
		}
		en.noteHeld(l)
		en.admit(l)
	}
}

// become moves a holder from how it stands to another.
func (en *engine) become(l *lease, x int32, to stand) {
	h := &en.holders[x]
	l.in[h.stand]--
	l.in[to]++
	h.stand = to
}

// hold lets a holder come by a lease that was asked for at a time.
func (en *engine) hold(l *lease, x int32, asked int64) {
	h := &en.holders[x]
	h.mark++
	h.tries = 0
	h.look = never
	h.place = int32(len(l.held))
	l.held = append(l.held, x)
	l.level.add(1, en.now)
	en.become(l, x, holding)
	en.refresh(l, x, asked)
}

// refresh lets a lease begin its time to live anew at a time.
func (en *engine) refresh(l *lease, x int32, at int64) {
	h := &en.holders[x]
	low := l.TTL.Low
	if math.IsInf(low, 1) {
		return
	}
	if l.TTL.Spread > 0 {
		low += float64(l.TTL.Spread * l.life.share())
	}
	h.ends = max(at+nanos(low), en.now)
	if h.ends < h.look {
		h.look = h.ends
		en.plan(h.ends, lapses, x, h.mark)
	}
}

// lapseLook ends a lease whose time is over.
func (en *engine) lapseLook(e event) {
	h := &en.holders[e.who]
	if h.mark != e.mark || h.look != e.at {
		return
	}
	if h.ends > en.now { // it was renewed
		h.look = h.ends
		en.plan(h.ends, lapses, e.who, h.mark)
		return
	}
	l := &en.leases[h.lease]
	en.lapse(l, e.who)
	en.bereave(l)
	en.admit(l)
}

// lapse takes the lease of a holder away, who is then ready to ask for another.
func (en *engine) lapse(l *lease, x int32) {
	h := &en.holders[x]
	h.mark++
	last := len(l.held) - 1
	l.held[h.place] = l.held[last]
	en.holders[l.held[h.place]].place = h.place
	l.held = l.held[:last]
	l.level.add(-1, en.now)
	l.n.lapsed++
	en.become(l, x, waiting)
	l.ready.push(x)
}

// admit lets those ask who are ready, as far as they are let.
func (en *engine) admit(l *lease) {
	if l.paused || l.gap == never {
		return
	}
	for l.ready.size > 0 {
		if l.gap > 0 && en.now < l.turn {
			if l.planned != l.turn {
				l.planned = l.turn
				en.plan(l.turn, lets, l.index, 0)
			}
			return
		}
		l.turn = en.now + l.gap
		x := l.ready.pop()
		h := &en.holders[x]
		h.tries++
		l.n.regrants++
		en.become(l, x, asking)
		en.message(l.Regrant, x, h.tries)
	}
}

// letIn is the time at which the next may be let in.
func (en *engine) letIn(e event) {
	l := &en.leases[e.who]
	if l.planned == e.at {
		l.planned = never
	}
	en.admit(l)
}

// renew sends the renewal of a holder, and plans the next.
func (en *engine) renew(e event) {
	h := &en.holders[e.who]
	if h.mark != e.mark {
		return
	}
	l := &en.leases[h.lease]
	en.plan(en.now+l.every, renews, e.who, h.mark)
	l.n.renewals++
	en.message(l.Renew, e.who, 1)
}

// message sends a message of a holder to the keeper of its lease.
func (en *engine) message(i, x, attempt int32) {
	e := &en.edges[i]
	e.n.calls++
	e.under++
	ci := en.calls.take()
	c := en.calls.at(ci)
	// attempt counts on. Only the first is an original.
	*c = call{edge: i, parent: none, holder: x, leg: en.holders[x].mark, mark: c.mark + 1, visit: none, first: en.now, attempt: attempt - 1, key: none}
	en.attempt(ci)
}

// decided is that a message of a holder came to an end: at a time-out if late.
func (en *engine) decided(i, x int32, mark uint32, sent int64, ok, late bool) {
	h := &en.holders[x]
	l := &en.leases[h.lease]
	if h.mark != mark { // a renewal of a lease that has lapsed
		return
	}
	switch {
	case i == l.Renew:
		if ok {
			en.refresh(l, x, sent)
		}
	case ok:
		en.hold(l, x, sent)
		if l.every != never {
			en.plan(en.now+int64(float64(l.every)*l.renewal.share()), renews, x, h.mark)
		}
		en.bereave(l)
	case late && l.Drop:
		en.become(l, x, gone)
	default:
		p := l.Pauses[min(int(h.tries), len(l.Pauses))-1]
		wait := nanos(p.Low)
		if p.Spread > 0 {
			wait = nanos(p.Low + float64(p.Spread*l.jitter.share()))
		}
		if !late {
			wait = max(wait, l.least)
		}
		if wait > 0 {
			en.become(l, x, pausing)
			en.plan(en.now+wait, asks, x, h.mark)
			return
		}
		en.become(l, x, waiting)
		l.ready.push(x)
		en.admit(l)
	}
}

// asksAgain ends the pause of a holder.
func (en *engine) asksAgain(e event) {
	h := &en.holders[e.who]
	if h.mark != e.mark || h.stand != pausing {
		return
	}
	l := &en.leases[h.lease]
	en.become(l, e.who, waiting)
	l.ready.push(e.who)
	en.admit(l)
}

// lapseDue lets the leases lapse that a fault takes at the present time, or begins to
// take.
func (en *engine) lapseDue() {
	for i := range en.leases {
		l := &en.leases[i]
		for k := range l.falls {
			f := &l.falls[k]
			if f.all >= 0 || en.now < f.from || en.now >= en.ended[f.fault] {
				continue
			}
			fault := &en.sc.Faults[f.fault]
			f.all = int64(math.Round(fault.Amount * float64(len(l.held))))
			if fault.For > 0 {
				en.noteHeld(l)
				en.nextFall(l, k)
				continue
			}
			for ; f.out < f.all; f.out++ {
				en.lapse(l, l.held[l.lot.below(len(l.held))])
			}
			en.bereave(l)
			en.admit(l)
		}
	}
}

// nextFall plans the next of those that lapse evenly.
func (en *engine) nextFall(l *lease, k int) {
	f := &l.falls[k]
	if f.out < f.all && en.now < en.ended[f.fault] {
		en.plan(f.from+int64(float64(f.to-f.from)*(float64(f.out)+0.5)/float64(f.all)), falls, l.index, uint32(k))
	}
}

// fallOne lets one lease lapse, whichever.
func (en *engine) fallOne(e event) {
	l := &en.leases[e.who]
	f := &l.falls[e.mark]
	if en.now >= en.ended[f.fault] { // operators ended it
		return
	}
	f.out++
	if n := len(l.held); n > 0 {
		en.lapse(l, l.held[l.lot.below(n)])
		en.bereave(l)
	}
	en.nextFall(l, int(e.mark))
	en.admit(l)
}

// bereave notes how many leases are held, and sets what their holder loses by the
// others.
func (en *engine) bereave(l *lease) {
	en.noteHeld(l)
	if l.Lost == plan.LosesNothing {
		return
	}
	s := &en.services[l.Holder]
	manned, lost := 1.0, 0.0
	for i := range en.leases {
		o := &en.leases[i]
		if o.Holder != l.Holder {
			continue
		}
		switch held := min(1, float64(len(o.held))/o.Count); o.Lost {
		case plan.LosesCapacity:
			manned *= held
		case plan.LosesRequests:
			lost = 1 - float64((1-lost)*held)
		}
	}
	s.lost = lost
	if manned != s.manned {
		s.manned = manned
		en.resize(s)
	}
}

func (en *engine) noteHeld(l *lease) {
	en.books.ledger.Hold(seconds(en.now), int(l.index), float64(len(l.held)))
}

// order is a deed of operators on a kind of leases. Nobody is let in before all that
// is done at a time is done.
func (en *engine) order(l *lease, d *scenario.Deed) {
	switch d.Verb {
	case scenario.Pace:
		l.gap = gapOf(float64(d.Rate))
	case scenario.Unpace:
		l.gap = gapOf(l.Pace)
	case scenario.Pause:
		l.paused = true
	case scenario.Resume:
		l.paused = false
	}
	if l.gap != never {
		l.turn = min(l.turn, en.now+l.gap)
	}
}

// weighLeases holds that no holder was lost or made, and that who asks has asked.
func (en *engine) weighLeases() {
	for i := range en.leases {
		l := &en.leases[i]
		var in [phases]int
		for _, h := range en.holders[l.first : int(l.first)+int(math.Round(l.Count))] {
			in[h.stand]++
		}
		if in != l.in || in[holding] != len(l.held) || in[waiting] != l.ready.size || int64(in[asking]) != en.edges[l.Regrant].under {
			panic(fmt.Sprintf("event: of the holders of %s %v stand as they do, %v are counted, %d hold a lease, %d wait and %d ask", l.ID, in, l.in, len(l.held), l.ready.size, en.edges[l.Regrant].under))
		}
	}
}

// closeLeases ends a bin.
func (b *books) closeLeases(en *engine, from int64) {
	for i := range en.leases {
		l := &en.leases[i]
		b.leases[i] = propagate.LeaseBin{
			Mean: l.level.mean(from, en.now), Held: float64(len(l.held)),
			Renewals: float64(l.n.renewals - l.was.renewals), Regrants: float64(l.n.regrants - l.was.regrants), Lapsed: float64(l.n.lapsed - l.was.lapsed),
		}
		l.was = l.n
	}
	b.ledger.CloseLeases(b.leases)
}

// asked reports whether holders wait for a service to grant them leases.
func (en *engine) asked(s *service) bool {
	for i := range en.leases {
		if l := &en.leases[i]; l.Keeper == s.index && float64(l.in[asking]) > 1e-3*l.Count {
			return true
		}
	}
	return false
}

// ring is numbers, first in and first out.
type ring struct {
	of         []int32 // its length is a power of two
	head, size int
}

func (r *ring) push(x int32) {
	if r.size == len(r.of) {
		grown := make([]int32, max(16, 2*len(r.of)))
		for i := range r.size {
			grown[i] = r.of[(r.head+i)&(len(r.of)-1)]
		}
		r.of, r.head = grown, 0
	}
	r.of[(r.head+r.size)&(len(r.of)-1)] = x
	r.size++
}

func (r *ring) pop() int32 {
	x := r.of[r.head]
	r.head = (r.head + 1) & (len(r.of) - 1)
	r.size--
	return x
}
