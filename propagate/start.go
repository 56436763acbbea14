package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
)

// start lets requests begin, room at most, and settles what can be said of them at
// once.
func (en *engine) start(s *server, room, admitted float64) {
	t, h := en.t, en.h
	waiting, arrived := 0.0, 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		waiting += l.waiting
		arrived += l.queue.Mass() - l.waiting
	}
	arrived = max(0, arrived)
	en.order(s, waiting+arrived)
	begins := min(waiting+arrived, room)
	place := s.places()
	end := s.inService
	if s.Leaf {
		begins, end = place.Serve(s.inService, waiting, arrived, h)
		if limit := s.there(s.Capacity) / s.slow * h; begins > limit || s.down {
			if s.down {
				limit = 0
			}
			begins = limit
			stay := place.Time
			end = float64(s.inService*mech.Exp(-h/stay)) + float64(begins/h*stay*(1-mech.Exp(-h/stay)))
		}
		if end < 0 {
			end = 0
		}
	}
	// Shares of the lanes.
	left := begins
	useless := 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		want := max(0, min(l.queue.Mass(), left))
		if s.Weighted || k+1 < len(s.lanes) && s.lanes[k+1].Priority == l.Priority {
			want = min(want, en.fairShare(s, k, left))
		}
		if l.Async { // what a throttle does not let through waits
			want = max(0, min(want, s.intake(h)-admitted))
		}
		got, wasted := en.serveLane(s, l, want)
		if l.Async {
			admitted += got
		}
		left -= got
		useless += wasted
	}
	if s.Throttled {
		s.bucket.Take(admitted, h)
	}
	if s.trickle != nil {
		s.trickle.Take(admitted, h)
	}
	begun := begins - left
	if s.Leaf {
		stay := place.Time
		keep := mech.Exp(-h / stay)
		if left > mech.Tiny { // less began than could: what was waiting was dropped
			end = float64(s.inService*keep) + float64(begun/h*stay*(1-keep))
		}
		finished := max(0, s.inService+begun-end)
		w := float64(s.wasting*keep) + float64(useless/h*stay*(1-keep))
		w = min(w, end)
		s.bin.Wasted += max(0, s.wasting+useless-w)
		s.bin.Finished += finished
		if c := place.Count; !math.IsInf(c, 1) && s.Threads > 0 {
			s.bin.Busy += float64(min(1, finished*stay/h/s.Threads) * h)
		}
		s.inService, s.wasting = end, w
		s.threadsIn = end
	} else {
		keep := mech.Exp(-h / (s.Time * s.slow))
		end := float64(s.inService*keep) + float64(begun/h*(s.Time*s.slow)*(1-keep))
		out := max(0, s.inService+begun-end)
		s.inService = end
		en.foresee(s, out)
		en.enter(s, 0, out)
		for _, i := range s.AsyncOut {
			e := &en.m.calls[i]
			e.fresh.put(float64(out * e.PerRequest))
		}
	}
	if s.Leaf {
		for _, i := range s.AsyncOut {
			e := &en.m.calls[i]
			e.fresh.put(float64(begun * e.PerRequest))
		}
	}
	s.rateStart = begun / h
	mass := 0.0
	for k := range s.lanes {
		mass += s.lanes[k].queue.Mass()
	}
	if mass <= 1e-6*max(1, s.peak) {
		s.idleSince = t + h
		if math.IsNaN(s.emptyAt) {
			s.emptyAt = t + h
			if drain := room/h - arrived/h; drain > 0 {
				s.emptyAt = t + min(h, waiting/drain)
			}
		}
	}
	if mass > s.peak && mass > 1e-6 {
		s.peak, s.emptyAt = mass, math.NaN()
	}
	s.bin.MeanQueue += float64(0.5 * (waiting + mass) * h)
	s.bin.MaxQueue = max(s.bin.MaxQueue, mass)
	s.bin.Queue = mass
	s.bin.Capacity += h * s.capShare / s.slow
	if s.down {
		s.bin.Capacity -= h * s.capShare / s.slow
	}
}

// order turns an adaptive queue to the discipline of the moment: first come first
// served while it is empty now and then, the newest first otherwise (Maurer 2015).
func (en *engine) order(s *server, mass float64) {
	if !s.AdaptiveLIFO {
		return
	}
	newest := mass > mech.Tiny && en.t-s.idleSince > s.Interval
	for k := range s.lanes {
		if !s.lanes[k].Async {
			s.lanes[k].queue.Newest = newest
		}
	}
}

// fairShare is what a lane may start when lanes of one priority share what is left,
// by weight where classes are weighted, by what waits otherwise; what one does not
// use the others may (water-filling).
func (en *engine) fairShare(s *server, k int, left float64) float64 {
	l := &s.lanes[k]
	group := func(o *lane) bool { return o.Async == l.Async && (s.Weighted || o.Priority == l.Priority) }
	level, total := 0.0, 0.0
	for j := k; j < len(s.lanes); j++ {
		if o := &s.lanes[j]; group(o) {
			total += o.queue.Mass()
		}
	}
	if total <= left {
		return l.queue.Mass()
	}
	if !s.Weighted {
		return left * l.queue.Mass() / total
	}
	// Raise the level until the lanes from k on take what is left: those that want
	// less than their share are satisfied first.
	low, high := 0.0, left/max(1e-12, l.Weight)+left
	for range 60 {
		level = 0.5 * (low + high)
		used := 0.0
		for j := k; j < len(s.lanes); j++ {
			if o := &s.lanes[j]; group(o) {
				used += min(o.queue.Mass(), level*o.Weight)
			}
		}
		if used > left {
			high = level
		} else {
			low = level
		}
	}
	return level * l.Weight
}

// serveLane starts so many requests of one lane, drops what has waited too long,
// and settles the fates of what starts. It returns what started and how much of it
// nobody waits for.
func (en *engine) serveLane(s *server, l *lane, want float64) (begun, useless float64) {
	t, h := en.t, en.h
	limit := l.Limit
	fast := false // what is dropped is refused, rather than left to its time-out
	if s.CoDel && !l.Async {
		limit = min(limit, s.Interval)
		if t-s.idleSince > s.Interval {
			limit = min(limit, s.Target)
		}
		fast = true
	}
	share, dropping := 1.0, false
	if !math.IsInf(limit, 1) {
		gone := t + h - limit
		old := l.queue.Before(gone)
		if old > want && old > mech.Tiny {
			// The head is always about to expire: of what reaches that age, this
			// share starts.
			share, dropping = want/old, true
			en.segments = l.queue.Pop(old, en.segments[:0])
			dropped := old - want
			s.bin.Expired += dropped
			if l.Async {
				en.lapse(s, l, gone)
			}
			begun = want
		}
	}
	if !dropping {
		if want <= 0 {
			return 0, 0
		}
		en.segments = l.queue.Pop(want, en.segments[:0])
		for _, g := range en.segments {
			begun += g.Mass
		}
	}
	popped := 0.0
	for _, g := range en.segments {
		popped += g.Mass
	}
	if popped <= 0 {
		return 0, 0
	}
	done, valued := 0.0, 0.0
	for _, g := range en.segments {
		f0 := done / popped
		done += g.Mass
		f1 := done / popped
		// Starts are even over the step; so the wait is known.
		w0, w1 := max(0, t+float64(f0*h)-g.From), max(0, t+float64(f1*h)-g.To)
		if l.queue.Newest {
			w0 = max(0, t+float64(0.5*h)-float64(0.5*(g.From+g.To)))
			if g.From >= t-1e-12 {
				w0 = 0
			}
			w1 = w0
		}
		if s.Leaf {
			s.bin.Latency += float64(g.Mass * share * (float64(0.5*(w0+w1)) + float64(s.Time*s.slow)))
			valued += en.settleLeaf(s, l, g, w0, w1, share, fast)
		} else {
			l.started.Put(g.From, g.To, g.Mass*share)
			if share < 1 {
				en.dropOpen(s, l, g, 1-share, fast)
			}
		}
	}
	return begun, max(0, begun-valued)
}

// dropOpen settles the share of a segment that is dropped, where the rest is not
// settled yet: it is taken out of flight and refused, or counts as timed out, a
// little before it is.
func (en *engine) dropOpen(s *server, l *lane, g mech.Segment, share float64, fast bool) {
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		clear(e.gone)
		e.flight.take(g.From, g.To, share, e.gone)
		if fast {
			en.reject(s, e)
			continue
		}
		total := sum(e.gone)
		e.bin.Timeouts += total
		s.bin.Timeouts += total
		en.fail(e, e.gone, en.t, en.t+en.h, true)
	}
}

// reject fails what stands in e.gone, refused by the target.
func (en *engine) reject(s *server, e *call) {
	total := sum(e.gone)
	if total <= 0 {
		return
	}
	e.bin.Rejected += total
	s.bin.Full += total
	en.fail(e, e.gone, en.t, en.t+en.h, false)
	if e.breaker != nil {
		e.breaker.Observe(en.t+en.h, 0, total)
	}
}

// settleLeaf decides the fate of a segment that starts at a service that waits for
// nobody. It returns the mass that is answered in time.
func (en *engine) settleLeaf(s *server, l *lane, g mech.Segment, w0, w1, share float64, fast bool) float64 {
	valued := 0.0
	stay := s.Time * s.slow
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		served := share
		if fast && share < 1 {
			clear(e.gone)
			e.flight.take(g.From, g.To, 1-share, e.gone)
			en.reject(s, e)
			served = 1
		}
		phi, after := mech.Timely(e.Timeout, w0, w1, stay)
		if phi > 0 {
			e.delay = after
		}
		fails := s.errors
		if s.corrupt && e.validates() {
			fails = 1
		}
		clear(e.gone)
		e.flight.decide(g.From, g.To, phi*served*(1-s.blackout), e.gone)
		for k, m := range e.gone {
			valued += m
			bad := float64(m * fails)
			e.toRefuse[k] += bad
			e.toAnswer[k] += m - bad
		}
	}
	return valued
}

// lapse ends the calls of a durable lane that were kept too long.
func (en *engine) lapse(s *server, l *lane, before float64) {
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		clear(e.gone)
		e.flight.expire(before, e.gone, nil)
		en.over(e, sum(e.gone))
	}
}
