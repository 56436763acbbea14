package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// lease is one kind of leases as this engine plays it.
type lease struct {
	plan.Lease
	leaseState
	lapses []int32 // faults of the scenario
	before float64 // held before this step
	ending bool    // all who do not hold one were being answered already
}

// leaseState is what changes of a kind of leases. Arrays are by number of the attempt
// to come by a lease anew, the first at 0.
type leaseState struct {
	holders  mech.Leases
	messages mech.Queue  // renewals sent and not decided
	granted  mech.Queue  // regrants that are about to be answered well, by when they were sent
	ready    []float64   // holders who ask as soon as they are let
	debt     []float64   // of them, those who asked ahead of their failures, as in engine.retries
	rate     []float64   // asks per second, in the step before
	failed   []comeback  // of those who failed in this step, who ask again, by the attempt that failed
	pauses   []mech.Line // holders who pause, likewise
	rejected []mech.Line // holders who would ask again in the instant in which they were rejected
	gone     float64     // holders who have given up
	pace     float64     // let in per second
	paused   bool
	falling  float64 // leases that lapse by a fault, per second
	sharp    bool    // many are ready at this instant
	sharpAt  float64 // when many asked at one instant, the last time
	bin      LeaseBin
}

// comeback is holders whose attempt has failed, by when they ask again: in one step,
// and per second in the step before.
type comeback struct {
	late, refused, atOnce       float64 // after a time-out, after an error, after an error that calls for no pause
	lately, refusing, atOncePer float64
}

func (s *leaseState) copy(o *leaseState) {
	kept := *s
	*s = *o
	s.holders = kept.holders
	s.holders.Copy(&o.holders)
	s.messages, s.granted = kept.messages, kept.granted
	s.messages.Copy(&o.messages)
	s.granted.Copy(&o.granted)
	s.ready = append(kept.ready[:0], o.ready...)
	s.debt, s.rate = append(kept.debt[:0], o.debt...), append(kept.rate[:0], o.rate...)
	s.failed = append(kept.failed[:0], o.failed...)
	s.pauses, s.rejected = kept.pauses, kept.rejected
	for k := range s.pauses {
		s.pauses[k].Copy(&o.pauses[k])
		s.rejected[k].Copy(&o.rejected[k])
	}
}

// beginLeases makes the state of all leases at the start of a run.
func (en *engine) beginLeases() {
	m := en.m
	en.instant = max(1e-6, 1e-9*en.sc.Horizon.Seconds())
	m.leases = make([]lease, len(m.Leases))
	en.shadow.leases = make([]leaseState, len(m.Leases))
	for i := range m.leases {
		l := &m.leases[i]
		l.Lease = m.Leases[i]
		// Who asks anew does so a deadline later, and again: what is finer than a step
		// that is right for the deadline would be played for ever.
		again, renewal := &m.calls[l.Regrant], &m.calls[l.Renew]
		renewal.least = 0.5 * renewal.Nominal
		again.least = 0.05 * l.Count / max(en.base, min(again.Timeout, l.Every, en.sc.Horizon.Seconds()))
		if !math.IsInf(again.Timeout, 1) {
			again.coarsen(0.5 * en.tolerance * again.Timeout)
		}
		l.holders = mech.Leases{Every: l.Every, Low: l.TTL.Low, Spread: l.TTL.Spread}
		n := len(l.Pauses)
		l.ready, l.debt, l.rate = make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
		l.failed, l.pauses, l.rejected = make([]comeback, n), make([]mech.Line, n), make([]mech.Line, n)
		en.shadow.leases[i].pauses, en.shadow.leases[i].rejected = make([]mech.Line, n), make([]mech.Line, n)
		for k, p := range l.Pauses {
			l.pauses[k] = mech.Line{Low: p.Low, Spread: p.Spread}
			l.rejected[k] = mech.Line{Low: max(en.base, l.After)}
		}
		l.pace, l.sharpAt = l.Pace, math.Inf(-1)
		if l.Cold {
			l.ready[0], l.sharp = l.Count, true
		} else {
			l.holders.Begin(l.Count)
		}
		for j := range en.sc.Faults {
			if f := &en.sc.Faults[j]; f.Effect == scenario.Lapse && f.Lease == l.ID {
				l.lapses = append(l.lapses, int32(j))
			}
		}
	}
	for v := range m.servers {
		m.servers[v].leaseShare = 1
	}
	en.bereave()
}

// lapseDue lets the leases lapse that a fault takes at the present time.
func (en *engine) lapseDue() {
	for i := range en.m.leases {
		l := &en.m.leases[i]
		l.falling = 0
		for _, j := range l.lapses {
			f := &en.sc.Faults[j]
			at, long := f.At.Seconds(), f.For.Seconds()
			switch {
			case en.t < at-1e-9 || long > 0 && en.t >= en.timetable.over(int(j))-1e-9:
			case long <= 0:
				if math.Abs(en.t-at) < 1e-9 {
					l.let(l.holders.Lose(f.Amount * l.holders.Mass()))
					l.sharp = true
				}
			default: // evenly, of those who hold one when it begins
				share := f.Amount
				if done := float64(f.Amount * ((en.t - at) / long)); done < 1 {
					share = (f.Amount - done) / (1 - done)
				}
				l.falling += float64(share*l.holders.Mass()) / (at + long - en.t)
			}
		}
	}
}

// let makes holders ready to ask for the first time.
func (l *lease) let(lapsed float64) {
	l.ready[0] += lapsed
	l.bin.Lapsed += lapsed
}

// setPace lets so many holders a second ask for a lease; +Inf lets all.
func (en *engine) setPace(id string, rate float64) {
	if l := en.lease(id); l != nil {
		if math.IsInf(rate, 1) { // to what the catalog says
			rate = l.Pace
		}
		l.pace, l.sharp = rate, true
	}
}

// pauseLease keeps holders from asking for a lease, or lets them again.
func (en *engine) pauseLease(id string, paused bool) {
	if l := en.lease(id); l != nil {
		l.paused, l.sharp = paused, true
	}
}

func (en *engine) lease(id string) *lease {
	for i := range en.m.leases {
		if en.m.leases[i].ID == id {
			return &en.m.leases[i]
		}
	}
	return nil
}

// offerLease decides which renewals, or which regrants, are sent in a step.
func (en *engine) offerLease(e *call) {
	l := &en.m.leases[e.Lease]
	n := len(e.Pauses) + 1
	if cap(e.attempts) < n {
		e.attempts, e.accepted = make([]float64, n), make([]float64, n)
	}
	e.attempts, e.accepted = e.attempts[:n], e.accepted[:n]
	if en.isRenewal(e) {
		l.messages.Drop(en.t - e.Timeout - en.base)
		e.sent = e.luck.arrivals.Whole(l.holders.Due(en.t, en.h))
		e.attempts[0] = e.sent
		l.messages.Put(en.t, en.t+en.h, e.sent)
		l.holders.Undecided = en.t
		if at, ok := l.messages.Oldest(); ok {
			l.holders.Undecided = at
		}
		l.bin.Renewals += e.sent
	} else {
		until := en.t + en.h
		for k := range l.pauses {
			l.ready[k+1] += l.pauses[k].Take(until) + l.rejected[k].Take(until)
			en.askAhead(l, e, k+1)
		}
		want := sum(l.ready)
		let := want
		switch {
		case l.paused:
			let = 0
		case !math.IsInf(l.pace, 1):
			let = min(want, l.pace*en.h)
		}
		share := 0.0
		if want > 0 {
			share = let / want
		}
		e.sent = 0
		for k := range n {
			x := float64(l.ready[k] * share)
			if share == 1 {
				x = l.ready[k]
			}
			if en.chance {
				x = min(e.luck.arrivals.Down(l.ready[k]), e.luck.arrivals.Whole(x))
			}
			e.attempts[k] = x
			l.ready[k] -= x
			l.rate[k] = x / en.h
			e.sent += x
		}
		l.bin.Regrants += e.sent
		l.sharp = false
		if en.h < 2*en.instant && e.sent > few*l.Count {
			l.sharpAt = en.t
		}
	}
	e.begun += e.sent
	e.bin.Calls += e.attempts[0]
	e.rateCalls = e.attempts[0] / en.h
	e.retried = 0
}

// askAhead makes those ready who, within a long step, will have failed and ask again: on
// credit, at the rate at which they failed in the step before. So while rates are steady
// any length of step gives the same flows.
//
// Who will run into a time-out in the step is under way already: no more than those can.
// Where nobody is answered it is all of them, at whatever rate.
func (en *engine) askAhead(l *lease, e *call, k int) {
	if l.debt[k] == 0 && en.h <= en.base {
		return
	}
	expected := 0.0
	if !l.paused && math.IsInf(l.pace, 1) && en.before >= float64(0.2*en.base) {
		f, p := &l.failed[k-1], &l.pauses[k-1]
		rest := en.h - p.Low - float64(0.5*p.Spread)
		late := float64(f.lately * max(0, rest-en.base))
		if rest < e.Timeout && (late > 0 || e.unanswered()) {
			due := e.due(en.t+rest-e.Timeout, k-1)
			if k == len(l.pauses) {
				due += e.due(en.t+rest-e.Timeout, k)
			}
			if late > due || e.unanswered() {
				late = due
			}
		}
		expected = late + float64(f.refusing*max(0, rest)) + float64(f.atOncePer*max(0, en.h-l.rejected[k-1].Low))
	}
	if m := l.ready[k] + expected - l.debt[k]; m >= 0 {
		l.ready[k], l.debt[k] = m, expected
		return
	}
	l.debt[k] -= l.ready[k]
	l.ready[k] = 0
}

func (en *engine) isRenewal(e *call) bool {
	return &en.m.calls[en.m.leases[e.Lease].Renew] == e.entire()
}

// failLease is what becomes of renewals and regrants that failed, by number: who
// renewed waits for the next time, who asked asks again.
func (en *engine) failLease(e *call, failed []float64, from, to float64, late bool) {
	total := sum(failed)
	if total <= 0 {
		return
	}
	e.stepLost += total
	e.ended += total
	e.bin.Failed += total
	if en.isRenewal(e) {
		return
	}
	l := &en.m.leases[e.Lease]
	for k, m := range failed {
		if m <= 0 {
			continue
		}
		if late && l.Drop {
			l.gone += m
			continue
		}
		k = min(k, len(l.pauses)-1)
		p, f := &l.pauses[k], &l.failed[k]
		mean := p.Low + float64(0.5*p.Spread)
		switch {
		case late:
			f.late += m
		case mean < max(en.base, l.After):
			f.atOnce += m
			l.rejected[k].Put(from, to, m)
			continue
		default:
			f.refused += m
		}
		if late && mean <= 0 {
			l.ready[k+1] += m
			continue
		}
		p.Put(from, to, m)
	}
}

// decideLease notes that of what was sent in [from, to) so many will be answered well.
func (en *engine) decideLease(e *call, from, to, good float64) {
	l := &en.m.leases[e.Lease]
	if !en.isRenewal(e) {
		l.granted.Put(from, to, good)
		return
	}
	var sent float64
	if e.whole == nil {
		sent = l.messages.Remove(from, to, math.Inf(1))
	} else { // an instance decides of its share; of those left, this is of the next ones
		sent = l.messages.Before(to) - l.messages.Before(from)
		l.messages.Remove(from, to, good)
	}
	if sent > mech.Tiny && good > 0 {
		l.holders.Renewed(from, to, min(1, good/sent))
	}
}

// grant lets the regrants that were answered in a step hold a lease.
func (en *engine) grant(e *call, good float64) {
	if en.isRenewal(e) {
		return
	}
	l := &en.m.leases[e.Lease]
	// What a fault took while it was about to be answered is not granted.
	if more := l.granted.Mass() - good - e.promised(); more > mech.Tiny {
		en.segments = l.granted.Pop(more, en.segments[:0])
	}
	en.segments = l.granted.Pop(good, en.segments[:0])
	for _, g := range en.segments {
		m := min(g.Mass, good)
		l.holders.Grant(g.From, g.To, m, en.t+en.h)
		good -= m
	}
	l.holders.Grant(en.t, en.t+en.h, good, en.t+en.h)
}

// openLeases prepares a step: leases lapse whose time is over, or that a fault takes.
func (en *engine) openLeases() {
	for i := range en.m.leases {
		l := &en.m.leases[i]
		e := &en.m.calls[l.Regrant]
		l.before = l.holders.Mass()
		for k := range l.failed {
			f := &l.failed[k]
			f.late, f.refused, f.atOnce = 0, 0, 0
		}
		// Who lapses evenly within the step asks evenly within it.
		if !en.renewing(l, en.t) && !en.calm(l, en.t) {
			l.let(l.holders.Expire(en.t, en.t+en.h))
		}
		if l.falling > 0 {
			l.let(l.holders.Lose(l.falling * en.h))
		}
		left := l.Count - l.before - l.gone
		l.ending = left > 0 && e.promised() > 0.99*left
	}
}

// closeLeases ends a step.
func (en *engine) closeLeases() {
	for i := range en.m.leases {
		l := &en.m.leases[i]
		l.bin.Mean += float64(0.5 * (l.before + l.holders.Mass()) * en.h)
		for k := range l.failed {
			f := &l.failed[k]
			f.lately, f.refusing, f.atOncePer = f.late/en.h, f.refused/en.h, f.atOnce/en.h
		}
	}
	en.bereave()
}

// prompt reports whether every renewal is answered about as soon as it can be, so that no
// lease lapses whose time to live is longer than a period.
func (en *engine) prompt(l *lease, now float64) bool {
	e := &en.m.calls[l.Renew]
	return l.TTL.Low >= l.Every && e.rateLost == 0 && e.stepLost == 0 && e.oldest(now) <= max(en.h, 2*(en.base+en.m.servers[l.Keeper].Latency))
}

// calm reports whether that is so, and holders renew at even phases.
func (en *engine) calm(l *lease, now float64) bool { return en.prompt(l, now) && l.holders.Settled() }

// renewing reports whether that is so, at whatever phases.
func (en *engine) renewing(l *lease, now float64) bool {
	return en.prompt(l, now) && !math.IsInf(l.Every, 1) && l.holders.Renewing()
}

// bereave sets what the holders lose.
func (en *engine) bereave() {
	if len(en.m.leases) == 0 {
		return
	}
	for i := range en.m.leases {
		s := &en.m.servers[en.m.leases[i].Holder]
		s.leaseShare, s.leaseErrors = 1, 0
	}
	for i := range en.m.leases {
		l := &en.m.leases[i]
		s := &en.m.servers[l.Holder]
		held := max(0, min(1, l.holders.Mass()/l.Count))
		if held > 1-1e-9 {
			held = 1
		}
		switch l.Lost {
		case plan.LosesCapacity:
			s.leaseShare *= held
		case plan.LosesRequests:
			s.leaseErrors = 1 - float64((1-s.leaseErrors)*held)
		}
	}
}

// few is the share of all holders that need not be played together when they do
// something at one instant.
const few = 1e-3

// sharpLeases is when the next step ends that must not be crossed because many
// holders do something at one instant: then, or, where that is now, an instant later,
// so that they do it together.
func (en *engine) sharpLeases() float64 {
	next := forever
	for i := range en.m.leases {
		l := &en.m.leases[i]
		density := few * l.Count / en.instant
		if l.sharp && !l.paused && math.IsInf(l.pace, 1) && sum(l.ready) > few*l.Count {
			return en.t + en.instant
		}
		from, since := en.t-2*en.instant, en.t-l.sharpAt
		e := &en.m.calls[l.Regrant]
		at := math.Inf(1)
		if since <= e.Timeout+en.base {
			at = e.sharp(from-e.Timeout, density) + e.Timeout
		}
		if since <= e.Timeout+l.TTL.Low+en.base {
			at = min(at, l.holders.Sharp(from, density))
		}
		for k := range l.pauses {
			at = min(at, l.pauses[k].Sharp(from, density), l.rejected[k].Sharp(from, density))
		}
		if at <= en.t+float64(0.5*en.instant) {
			return en.t + en.instant
		}
		next = min(next, at)
	}
	return next
}

// sharp is when the first was sent, from one time on, of attempts that were sent at so
// many per second or more and are still under way; +Inf without.
func (f *flight) sharp(from, density float64) float64 {
	for i := f.head; i < len(f.cells); i++ {
		c := &f.cells[i]
		if c.from >= from && sum(f.row(i)) >= float64(density*(c.to-c.from)) && c.to-c.from > 1e-10 {
			return c.from
		}
	}
	return math.Inf(1)
}

// sharp is flight.sharp of all that is under way, at whatever instance: one has its share.
func (e *call) sharp(from, density float64) float64 {
	at := e.flight.sharp(from, density)
	for _, x := range e.parts {
		at = min(at, x.flight.sharp(from, density/float64(len(e.parts))))
	}
	return at
}

// coarsen keeps what is sent no finer than that, in seconds.
func (e *call) coarsen(length float64) {
	e.flight.coarse = length
	for _, x := range e.parts {
		x.flight.coarse = length
	}
}

// horizonOfLeases shortens a long step to what is right for the leases.
func (en *engine) horizonOfLeases(until float64) float64 {
	for i := range en.m.leases {
		l := &en.m.leases[i]
		if wait := sum(l.ready); wait > few*l.Count && !l.paused && l.pace > 0 && !math.IsInf(l.pace, 1) {
			until = min(until, en.t+max(en.base, wait/l.pace)) // nobody waits to be let in any more
		}
		switch {
		case en.calm(l, en.t):
		case en.renewing(l, en.t): // not at even phases
			until = min(until, en.t+max(en.base, l.Every/4))
		default:
			until = min(until, en.t+max(en.base, min(l.Every, l.TTL.Low+l.TTL.Spread)/8), l.holders.Next(en.t+en.base))
		}
	}
	return until
}

// weighLeases checks that no holder was lost or made.
func (en *engine) weighLeases() {
	for i := range en.m.leases {
		l := &en.m.leases[i]
		m := l.holders.Mass() + sum(l.ready) - sum(l.debt) + l.gone
		for k := range l.pauses {
			m += l.pauses[k].Mass() + l.rejected[k].Mass()
		}
		m += en.m.calls[l.Regrant].settling()
		en.balance = max(en.balance, math.Abs(m-l.Count)/l.Count)
	}
}

// asked reports whether holders wait for a service to grant them leases.
func (en *engine) asked(s *server) bool {
	for _, i := range s.In {
		e := &en.m.calls[i]
		if e.Lease >= 0 && !en.isRenewal(e) && e.settling() > 1e-3*en.m.leases[e.Lease].Count {
			return true
		}
	}
	return false
}
