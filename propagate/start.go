package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
)

// start lets requests begin, room at most, and settles what can be said of them at
// once.
func (en *engine) start(s *server, room, admitted float64) {
	t, h := en.t, en.h
	waiting, arrived, requests := 0.0, 0.0, 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		waiting += l.waiting
		requests += l.waitingCount
		arrived += l.queue.Mass() - l.waiting
	}
	arrived = max(0, arrived)
	en.order(s, waiting+arrived)
	begins := min(waiting+arrived, s.luck.service.Whole(room))
	place := s.places()
	end := s.inService
	switch {
	case s.Leaf && en.chance:
		begins, end = en.begin(s, place, waiting, arrived)
	case s.Leaf:
		begins, end = place.Serve(s.inService, waiting, arrived, h)
		if limit := s.there(s.Capacity) / s.slow * h; begins > limit || s.down {
			if s.down {
				limit = 0
			}
			begins = limit
			end = en.remaining(s, begins, place.Time)
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
			want = min(want, s.luck.service.Whole(en.fairShare(s, k, left)))
		}
		if l.Async { // what a throttle does not let through waits
			want = max(0, min(want, s.luck.service.Whole(s.intake(h)-admitted)))
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
	count := begun // requests
	if s.mixed {
		count = 0
		for k := range s.lanes {
			count += s.lanes[k].begun
		}
		if count > mech.Tiny {
			s.each = begun / count
		}
	}
	if s.Leaf {
		stay := place.Time
		keep := mech.Exp(-h / stay)
		if left > mech.Tiny { // less began than could: what was waiting was dropped
			end = en.remaining(s, begun, stay)
		}
		finished := max(0, s.inService+begun-end)
		w := float64(s.wasting*keep) + float64(useless/h*stay*(1-keep))
		w = min(w, end)
		wasted := max(0, s.wasting+useless-w)
		if s.mixed {
			share := 0.0
			if all := s.inService + begun; all > mech.Tiny {
				share = (s.inCount + count) / all
			}
			s.inCount = max(0, s.inCount+count-float64(finished*share))
			s.bin.Wasted += float64(wasted * share)
			s.bin.Finished += float64(finished * share)
		} else {
			s.bin.Wasted += wasted
			s.bin.Finished += finished
		}
		if c := place.Count; !math.IsInf(c, 1) && s.manned(s.Threads) > 0 {
			busy := finished * stay / h
			if en.chance {
				busy = 0.5 * (s.inService + end)
			}
			s.bin.Busy += float64(min(1, busy/(s.manned(s.Threads)*max(1, s.capShare))) * h)
		}
		s.inService, s.wasting = end, w
		s.threadsIn = end
	} else {
		stay := s.Time * s.slow
		if s.mixed {
			stay *= s.each
		}
		end := en.remaining(s, count, stay)
		out := max(0, s.inService+count-end)
		if en.chance { // what begins is part of a request where it is counted as work
			out = min(s.luck.requests.Whole(out), s.luck.requests.Down(s.inService+count))
			end = max(0, s.inService+count-out)
		}
		s.inService = end
		en.foresee(s, out)
		en.enter(s, 0, out)
		for _, i := range s.AsyncOut {
			e := &en.m.calls[i]
			en.via(e).fresh.put(s.luck.requests.Whole(float64(out * e.PerRequest)))
		}
	}
	if s.Leaf {
		for _, i := range s.AsyncOut {
			e := &en.m.calls[i]
			en.via(e).fresh.put(s.luck.requests.Whole(float64(count * e.PerRequest)))
		}
	}
	s.rateStart = begun / h
	mass, left := 0.0, 0.0
	for k := range s.lanes {
		mass += s.lanes[k].queue.Mass()
		left += s.lanes[k].requests()
	}
	was := s.roomy
	s.roomy = s.down || s.rejected == 0 && mass <= mech.Tiny && begun <= float64(amplePart*room)
	s.easy = was && s.roomy
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
	s.bin.MeanQueue += float64(0.5 * (requests + left) * h)
	s.bin.MaxQueue = max(s.bin.MaxQueue, left)
	s.bin.Queue = left
	s.bin.Replicas += float64(h * s.working())
	s.bin.Capacity += h * s.there(1) / s.slow
	if s.down {
		s.bin.Capacity -= h * s.there(1) / s.slow
	}
}

// amplePart is the part of what could begin in a step up to which a service does whatever
// it is asked, so that what is asked makes no difference to how it answers.
const amplePart = 0.8

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
	l.begun = 0
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
		old := s.luck.service.Whole(l.queue.Before(gone))
		if old > want && old > mech.Tiny {
			// The head is always about to expire: of what reaches that age, this
			// share starts.
			share, dropping = want/old, true
			en.segments = l.queue.Pop(old, en.segments[:0])
			dropped := old - want
			if !l.mixed {
				s.bin.Expired += dropped
			}
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
		requests := g.Mass
		if l.mixed {
			requests = l.count.Remove(g.From, g.To, math.Inf(1))
			if dropping {
				s.bin.Expired += float64(requests * (1 - share))
			}
		}
		l.begun += float64(requests * share)
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
			if l.mixed {
				s.bin.Latency += float64(share * (float64(requests*0.5*(w0+w1)) + float64(g.Mass*s.Time*s.slow)))
			} else {
				s.bin.Latency += float64(g.Mass * share * (float64(0.5*(w0+w1)) + float64(s.Time*s.slow)))
			}
			valued += en.settleLeaf(s, l, g, w0, w1, share, fast)
		} else {
			l.started.Put(g.From, g.To, requests*share)
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
		e.entire().bin.Timeouts += total
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
	o := e.entire()
	o.bin.Rejected += total
	s.bin.Full += total
	en.fail(o, e.gone, en.t, en.t+en.h, false)
	if o.breaker != nil {
		o.breaker.Observe(en.t+en.h, 0, total)
	}
}

// settleLeaf decides the fate of a segment that starts at a service that waits for
// nobody. It returns the mass that is answered in time.
func (en *engine) settleLeaf(s *server, l *lane, g mech.Segment, w0, w1, share float64, fast bool) float64 {
	valued := 0.0
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		stay := s.Time * s.slow * e.Work
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
		fails := s.failing()
		if s.corrupt && e.validates() {
			fails = 1
		}
		clear(e.gone)
		e.flight.decide(g.From, g.To, phi*served*(1-s.blackout), e.gone)
		good := 0.0
		for k, m := range e.gone {
			valued += float64(m * e.Work)
			bad := e.luck.fate.Of(m, fails)
			e.toRefuse[k] += bad
			e.toAnswer[k] += m - bad
			good += m - bad
		}
		if e.Lease >= 0 {
			en.decideLease(e, g.From, g.To, good)
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
