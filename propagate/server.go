package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
)

// serverState is what changes of a service.
type serverState struct {
	// What faults and operators do to it now.
	down     bool
	blackout float64 // share of what comes that is never answered
	slow     float64 // times the service time
	errors   float64 // share of answers
	capShare float64 // of servers and capacity
	corrupt  bool
	trickle  *mech.Bucket // an operator's throttle

	throttled bool
	bucket    mech.Bucket

	inService float64 // own work
	wasting   float64 // of it, nobody waits for
	legs      []leg
	rejected  float64 // per second, in the step before
	finishing float64 // per second, in the step before
	known     float64 // threads that time-outs set free in this step
	pool      mech.Pool
	settled   float64 // share of requests that end well, when last some ended
	idleSince float64 // when its queue was last empty
	peak      float64 // greatest length of its queue
	emptyAt   float64 // when it was empty again; NaN while it is not
	threadsIn float64 // requests that hold a thread, at the end of the step

	rateStart, rateGood float64
	bin                 ServiceBin
	watch               watch
}

// leg is the state of a stage: requests in it and what it lets through.
type leg struct {
	in      float64
	passed  float64 // for the next stage
	failed  float64 // for a fallback, if the next stage is one
	success float64 // share that passed, when last some did
}

func (s *serverState) copy(o *serverState) {
	kept := *s
	*s = *o
	s.legs = append(kept.legs[:0], o.legs...)
	s.watch = kept.watch
	s.watch.copy(&o.watch)
	if o.trickle != nil {
		b := *o.trickle
		s.trickle = &b
	}
}

// places are the servers of a service as they are now.
func (s *server) places() mech.Servers {
	c := s.there(s.threads)
	if s.rejection > 0 && !math.IsInf(c, 1) {
		c = max(0, c-float64(s.rejection*float64(s.rejected*s.time)))
	}
	return mech.Servers{Count: c, Time: s.time * s.slow}
}

// there is how much of a number of threads, or of a capacity, is there now.
func (s *server) there(x float64) float64 {
	if s.capShare <= 0 {
		return 0
	}
	return x * s.capShare
}

// full is the declared capacity of a service, per second.
func (s *server) full() float64 {
	if s.leaf && !math.IsInf(s.threads, 1) {
		return min(s.capacity, s.threads/s.time)
	}
	return s.capacity
}

// room is how many could start in this step.
func (en *engine) room(s *server) float64 {
	h := en.h
	rate := s.there(s.capacity) / s.slow
	if s.down {
		return 0
	}
	if s.leaf {
		return min(s.places().Room(s.inService, h), rate*h)
	}
	n := s.there(s.threads)
	if math.IsInf(n, 1) {
		return rate * h
	}
	// Who leaves within the step makes room within the step. That is known of calls
	// that have run into their time-outs; of answers it is expected.
	if s.pool.Idle() {
		return min(rate*h, n*max(1, h/max(1e-9, s.latency)))
	}
	return min(rate*h, s.pool.Room(n, s.threadsIn, s.known, h))
}

// releases finds what time-outs set free in this step.
func (en *engine) releases(s *server) {
	s.known = 0
	for k := range s.stages {
		for _, i := range s.stages[k].calls {
			if e := &en.m.calls[i]; !e.back && e.per > 0 {
				e.known = max(0, e.good.mass+e.bad.mass)
				s.known += e.known / e.per
			}
		}
	}
}

// downward plays the downward half of a step of one service: what arrives, what is
// taken in, what starts, and what it calls.
func (en *engine) downward(v int32) {
	s := &en.m.servers[v]
	t, h := en.t, en.h
	waiting := 0.0 // synchronous, before this step
	for k := range s.lanes {
		l := &s.lanes[k]
		l.waiting, l.arrived = l.queue.Mass(), 0
		if !l.async {
			waiting += l.waiting
		}
	}
	for _, i := range s.in {
		e := &en.m.calls[i]
		en.offer(e)
	}
	en.releases(s)
	room := en.room(s)
	// What can be taken in, and the reason for what cannot.
	entry, reason := math.Inf(1), refusedFull
	if s.down {
		entry, reason = 0, refusedDown
	} else {
		if !math.IsInf(s.bound, 1) {
			entry = max(0, s.bound-waiting+room)
		}
		if s.throttled {
			if r := s.bucket.Room(h); r < entry {
				entry, reason = r, refusedThrottle
			}
		}
		if s.trickle != nil {
			if r := s.trickle.Room(h); r < entry {
				entry, reason = r, refusedThrottle
			}
		}
		if !math.IsInf(s.shed, 1) {
			if r := mech.Shed(math.MaxFloat64, en.muNow(s), s.shed, h); r < entry {
				entry, reason = r, refusedThrottle
			}
		}
	}
	admitted, rejected := 0.0, 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		if l.async {
			l.arrived = en.enqueue(s, l)
			continue
		}
		a, r := en.admit(s, l, entry, reason)
		l.arrived = a
		admitted += a
		rejected += r
		entry -= a
	}
	if s.throttled {
		s.bucket.Take(admitted, h)
	}
	if s.trickle != nil {
		s.trickle.Take(admitted, h)
	}
	s.rejected = rejected / h
	en.start(v, s, room)
	_ = t
}

type refusal uint8

const (
	refusedFull refusal = iota
	refusedDown
	refusedThrottle
)

// muNow is the capacity of a service as it is now, per second.
func (en *engine) muNow(s *server) float64 {
	return s.there(s.full()) / s.slow
}

// admit takes attempts of one lane in, entry at most. A rejection that is retried
// at once is retried, and may be rejected again, within the step: with n attempts
// the demand is a(1+p+p²…), and the p at which what is let in just fits is found by
// halving; what is let in falls with p, so there is one.
func (en *engine) admit(s *server, l *lane, entry float64, reason refusal) (admitted, rejected float64) {
	demand := 0.0
	again := false
	for _, i := range l.calls {
		e := &en.m.calls[i]
		demand += e.sent
		again = again || len(e.pauses) > 0
	}
	p := 0.0
	if demand > entry {
		p = 1
		if entry > 0 {
			p = 1 - entry/demand
			if again {
				low, high := p, 1.0
				for range 48 {
					p = float64(0.5 * (low + high))
					if float64(en.amplified(l, p, 1)*(1-p)) > entry {
						low = p
					} else {
						high = p
					}
				}
			}
		}
	}
	for _, i := range l.calls {
		e := &en.m.calls[i]
		a, r := en.admitCall(s, e, p, reason)
		admitted += a
		rejected += r
	}
	l.queue.Put(en.t, en.t+en.h, admitted*(1-s.blackout))
	s.bin.Attempts += admitted + rejected
	return admitted, rejected
}

// amplified is the demand of a lane when each attempt is rejected with probability
// p and what may retry at once does.
func (en *engine) amplified(l *lane, p, allow float64) float64 {
	total := 0.0
	for _, i := range l.calls {
		e := &en.m.calls[i]
		carry := 0.0
		for k, a := range e.attempts {
			x := a + carry
			total += x
			carry = 0
			if k < len(e.pauses) && en.mayRetry(e, k, false) {
				carry = float64(x*p*allow) * en.within(e, k)
			}
		}
	}
	return total
}

// within is the share of retries after attempt k+1, failed in this step, that begin
// in this step.
func (en *engine) within(e *call, k int) float64 {
	if e.pauses[k] == (pause{}) {
		return 1
	}
	return e.lines[k].Within(en.t, en.t+en.h, en.t+en.h)
}

// admitCall is admit for one call, with the probability of a rejection known.
func (en *engine) admitCall(s *server, e *call, p float64, reason refusal) (admitted, rejected float64) {
	allow := 1.0
	if p > 0 && e.budget.Limits() {
		wanted, carry := 0.0, 0.0
		for k, a := range e.attempts {
			x := a + carry
			carry = 0
			if k < len(e.pauses) && en.mayRetry(e, k, false) {
				wanted += float64(x * p)
				carry = float64(x*p) * en.within(e, k)
			}
		}
		allow = en.allow(e, wanted, 0)
		e.bin.Denied += float64(wanted * (1 - allow))
	}
	n := len(e.attempts)
	last := 0.0 // of the attempts that are told apart
	final, carry := 0.0, 0.0
	e.sent = 0
	for k := range n {
		x := e.attempts[k] + carry
		carry = 0
		e.attempts[k] = x
		e.sent += x
		in := float64(x * (1 - p))
		out := x - in
		if p >= 1 {
			in, out = 0, x
		}
		e.accepted[k] = in
		admitted += in
		rejected += out
		switch {
		case out <= 0:
		case k < len(e.pauses) && en.mayRetry(e, k, false):
			again := float64(out * allow)
			final += out - again
			carry = float64(again * en.within(e, k))
			e.lines[k].PutRest(en.t, en.t+en.h, again, again-carry)
		case k == n-1:
			last = out
		default:
			final += out
		}
	}
	e.taken = admitted
	e.bin.Attempts += e.sent
	if rejected > 0 {
		e.bin.Rejected += rejected
		switch reason {
		case refusedDown:
			s.bin.Refused += rejected
		case refusedThrottle:
			s.bin.Throttled += rejected
		default:
			s.bin.Full += rejected
		}
		en.over(e, final)
		e.stepLost += rejected - last
		if e.budget.Limits() {
			e.budget.Answered(0, 0, rejected-last)
		}
		if last > 0 {
			clear(e.gone)
			e.gone[n-1] = last
			en.fail(e, e.gone, en.t, en.t+en.h, false)
		}
		if e.breaker != nil {
			e.breaker.Observe(en.t+en.h, 0, rejected)
		}
	}
	s.bin.Offered += e.attempts[0]
	e.flight.put(en.t, en.t+en.h, e.accepted)
	return admitted, rejected
}

// enqueue takes the attempts of a durable lane in: nothing is refused.
func (en *engine) enqueue(s *server, l *lane) float64 {
	total := 0.0
	for _, i := range l.calls {
		e := &en.m.calls[i]
		copy(e.accepted, e.attempts)
		e.taken = e.sent
		e.bin.Attempts += e.sent
		s.bin.Offered += e.attempts[0]
		e.flight.put(en.t, en.t+en.h, e.accepted)
		total += e.sent
	}
	l.queue.Put(en.t, en.t+en.h, total)
	s.bin.Attempts += total
	return total
}

// start lets requests begin, room at most, and settles what can be said of them at
// once.
func (en *engine) start(v int32, s *server, room float64) {
	t, h := en.t, en.h
	waiting, arrived, asleep := 0.0, 0.0, 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		waiting += l.waiting
		arrived += l.queue.Mass() - l.waiting
	}
	_ = asleep
	arrived = max(0, arrived)
	en.order(s, waiting+arrived)
	begins := min(waiting+arrived, room)
	place := s.places()
	end := s.inService
	if s.leaf {
		begins, end = place.Serve(s.inService, waiting, arrived, h)
		if limit := s.there(s.capacity) / s.slow * h; begins > limit || s.down {
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
		want := min(l.queue.Mass(), left)
		if s.weighted || k+1 < len(s.lanes) && s.lanes[k+1].priority == l.priority {
			want = min(want, en.fairShare(s, k, left))
		}
		got, wasted := en.serveLane(v, s, l, want)
		left -= got
		useless += wasted
	}
	begun := begins - left
	if s.leaf {
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
		if c := place.Count; !math.IsInf(c, 1) && s.threads > 0 {
			s.bin.Busy += float64(min(1, finished*stay/h/s.threads) * h)
		}
		s.inService, s.wasting = end, w
		s.threadsIn = end
		s.finishing = finished / h
	} else {
		keep := mech.Exp(-h / (s.time * s.slow))
		end := float64(s.inService*keep) + float64(begun/h*(s.time*s.slow)*(1-keep))
		out := max(0, s.inService+begun-end)
		s.inService = end
		en.enter(s, 0, out)
		for _, i := range s.asyncOut {
			e := &en.m.calls[i]
			e.fresh.put(float64(out * e.calls))
		}
	}
	if s.leaf {
		for _, i := range s.asyncOut {
			e := &en.m.calls[i]
			e.fresh.put(float64(begun * e.calls))
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
	if !s.adaptive {
		return
	}
	newest := mass > mech.Tiny && en.t-s.idleSince > s.interval
	for k := range s.lanes {
		if !s.lanes[k].async {
			s.lanes[k].queue.Newest = newest
		}
	}
}

// fairShare is what a lane may start when lanes of one priority share what is left,
// by weight where classes are weighted, by what waits otherwise; what one does not
// use the others may (water-filling).
func (en *engine) fairShare(s *server, k int, left float64) float64 {
	l := &s.lanes[k]
	group := func(o *lane) bool { return o.async == l.async && (s.weighted || o.priority == l.priority) }
	level, total := 0.0, 0.0
	for j := k; j < len(s.lanes); j++ {
		if o := &s.lanes[j]; group(o) {
			total += o.queue.Mass()
		}
	}
	if total <= left {
		return l.queue.Mass()
	}
	if !s.weighted {
		return left * l.queue.Mass() / total
	}
	// Raise the level until the lanes from k on take what is left: those that want
	// less than their share are satisfied first.
	low, high := 0.0, left/max(1e-12, l.weight)+left
	for range 60 {
		level = 0.5 * (low + high)
		used := 0.0
		for j := k; j < len(s.lanes); j++ {
			if o := &s.lanes[j]; group(o) {
				used += min(o.queue.Mass(), level*o.weight)
			}
		}
		if used > left {
			high = level
		} else {
			low = level
		}
	}
	return level * l.weight
}

// serveLane starts so many requests of one lane, drops what has waited too long,
// and settles the fates of what starts. It returns what started and how much of it
// nobody waits for.
func (en *engine) serveLane(v int32, s *server, l *lane, want float64) (begun, useless float64) {
	t, h := en.t, en.h
	limit := l.limit
	fast := false // what is dropped is refused, rather than left to its time-out
	if s.codel && !l.async {
		limit = min(limit, s.interval)
		if t-s.idleSince > s.interval {
			limit = min(limit, s.target)
		}
		fast = true
	}
	share := 1.0
	if !math.IsInf(limit, 1) {
		gone := t + h - limit
		old := l.queue.Before(gone)
		if old > want {
			// The head is always about to expire: of what reaches that age, this
			// share starts.
			share = want / old
			en.segments = l.queue.Pop(old, en.segments[:0])
			dropped := old - want
			s.bin.Expired += dropped
			if l.async {
				en.lapse(s, l, gone)
			}
			begun = want
		} else if s.codel || l.async && old > 0 || old > 0 {
			en.segments = l.queue.Pop(want, en.segments[:0])
			begun = want
		}
	}
	if begun == 0 {
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
		if s.leaf {
			s.bin.Latency += float64(g.Mass * share * (float64(0.5*(w0+w1)) + float64(s.time*s.slow)))
			valued += en.settleLeaf(s, l, g, w0, w1, share, fast)
		} else {
			l.started.Put(g.From, g.To, g.Mass*share)
			if share < 1 || fast {
				en.dropOpen(s, l, g, 1-share, fast)
			}
		}
	}
	return begun, max(0, begun-valued)
}

// dropOpen settles the share of a segment that is dropped, where the rest is not
// settled yet: it is taken out of flight and fails at once, or is left to time out.
func (en *engine) dropOpen(s *server, l *lane, g mech.Segment, share float64, fast bool) {
	if share <= 0 || !fast {
		return
	}
	for _, i := range l.calls {
		e := &en.m.calls[i]
		clear(e.gone)
		e.flight.take(g.From, g.To, share, e.gone)
		en.reject(s, e)
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
	stay := s.time * s.slow
	for _, i := range l.calls {
		e := &en.m.calls[i]
		if fast && share < 1 {
			clear(e.gone)
			e.flight.take(g.From, g.To, 1-share, e.gone)
			en.reject(s, e)
			share = 1
		}
		phi, after := mech.Timely(e.timeout, w0, w1, stay)
		if phi > 0 {
			e.delay = after
		}
		fails := s.errors
		if s.corrupt && e.validates() {
			fails = 1
		}
		clear(e.gone)
		e.flight.decide(g.From, g.To, phi*share*(1-s.blackout), e.gone)
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
	for _, i := range l.calls {
		e := &en.m.calls[i]
		clear(e.gone)
		e.flight.expire(before, e.gone, nil)
		en.over(e, sum(e.gone))
	}
}

// probe is the weight of an alternative that does not answer beside one that does:
// so many requests find out that it is back.
const probe = 0.001

// enter brings requests into a leg: every call of it is made as often as the
// catalog says, one after another as long as they succeed.
func (en *engine) enter(s *server, k int, mass float64) {
	if k >= len(s.stages) || mass <= 0 {
		return
	}
	st, g := &s.stages[k], &s.legs[k]
	g.in += mass
	weight := 0.0
	if st.group > 0 {
		for _, i := range st.calls {
			weight += probe + en.m.calls[i].q
		}
	}
	for _, i := range st.calls {
		e := &en.m.calls[i]
		per := e.calls
		if per > 1 && !e.atOnce && e.loss == catalog.Fail && e.q < 1 {
			per = (1 - mech.Power(e.q, e.calls)) / (1 - e.q)
		}
		if st.group > 0 {
			per *= min(1, float64(st.group)*(probe+e.q)/weight)
		}
		e.fresh.put(float64(mass * per))
		e.per = per
		switch {
		case st.group > 0:
			e.per *= float64(st.group)
		case e.calls < 1:
			e.per = 1
			e.skipped += float64(mass * (1 - e.calls))
		}
		if !e.belated() {
			e.visit(mass * per)
		}
	}
}

// upward plays the upward half of a step of one service: what its own calls
// brought, what is finished, and the answers to its callers.
func (en *engine) upward(v int32) {
	s := &en.m.servers[v]
	t, h := en.t, en.h
	if !s.leaf {
		en.legs(s)
		en.finish(s)
	}
	for _, i := range s.in {
		e := &en.m.calls[i]
		if s.leaf {
			keep, turn := 0.0, 1.0
			if e.delay > 0 {
				keep = mech.Exp(-h / e.delay)
				turn = 1 - float64(e.delay/h*(1-keep))
			}
			for k := range e.answering {
				if x := e.answering[k] + e.toAnswer[k]; x > 0 {
					out := float64(e.answering[k]*(1-keep)) + float64(e.toAnswer[k]*turn)
					e.gotGood[k] += out
					e.answering[k] = max(0, x-out)
					e.toAnswer[k] = 0
				}
				if x := e.refusing[k] + e.toRefuse[k]; x > 0 {
					out := float64(e.refusing[k]*(1-keep)) + float64(e.toRefuse[k]*turn)
					e.gotBad[k] += out
					e.refusing[k] = max(0, x-out)
					e.toRefuse[k] = 0
				}
			}
		}
		if h > en.base || h > e.timeout {
			en.giveUp(e, t+h-e.timeout)
		}
		en.deliver(e)
	}
	en.note(s)
}

// legs settles what the calls of a step brought and lets requests into the next.
func (en *engine) legs(s *server) {
	for k := range s.stages {
		st, g := &s.stages[k], &s.legs[k]
		rest, pass, done := 0.0, 1.0, 0.0
		for _, i := range st.calls {
			e := &en.m.calls[i]
			var good, bad float64
			if e.back {
				good, bad = e.good.ahead(en.h, en.before, en.base), e.bad.ahead(en.h, en.before, en.base)
			} else {
				good, bad = e.good.all(), e.bad.all()
			}
			over := good + bad
			if over > mech.Tiny {
				e.q = good / over
			}
			en.watchLoss(e)
			left := e.visits
			if under := e.holding(); under > mech.Tiny {
				left = e.visits * (over / (over + under))
			}
			e.visits = max(0, e.visits-left)
			rest = max(rest, e.visits)
			sigma := en.ends(e)
			e.bin.Lost += float64(left * (1 - sigma))
			if e.calls < 1 { // the rest of the requests does not call at all
				sigma = 1 - e.calls + float64(e.calls*sigma)
				left += e.skipped
				e.skipped = 0
			}
			done += left
			if !e.soft() || e.loss == catalog.Stale && en.t-e.lostSince >= e.stale {
				pass *= sigma
			}
			if e.loss == catalog.Fallback && k+1 < len(s.stages) && s.stages[k+1].fallback {
				pass = sigma
			}
		}
		if st.parallel { // the last of them counts
			done = max(0, g.in-rest)
		}
		if st.group > 0 {
			pass = en.quorum(st)
			if en.m.calls[st.calls[0]].soft() {
				pass = 1
			}
		}
		g.in = max(0, g.in-done)
		if done > mech.Tiny {
			g.success = pass
		}
		g.passed += float64(done * pass)
		g.failed += float64(done * (1 - pass))
	}
	// What passed one leg enters the next.
	for k := 1; k < len(s.stages); k++ {
		g := &s.legs[k-1]
		passed, failed := g.passed, g.failed
		g.passed, g.failed = 0, 0
		if s.stages[k].fallback {
			en.enter(s, k, failed)
			// Who needed no fallback goes on past it.
			if k+1 < len(s.stages) {
				en.enter(s, k+1, passed)
			}
			continue
		}
		en.enter(s, k, passed)
	}
	last := &s.legs[len(s.legs)-1]
	last.passed, last.failed = 0, 0
}

// ends is the share of a request's calls of one need that let it go on: all of
// them must succeed.
func (en *engine) ends(e *call) float64 {
	if e.calls <= 1 {
		return e.q
	}
	return mech.Power(e.q, e.calls)
}

// quorum is the probability that enough of a group's members answer.
func (en *engine) quorum(st *stage) float64 {
	en.chances = append(en.chances[:0], 1)
	for _, i := range st.calls {
		q := en.m.calls[i].q
		en.chances = append(en.chances, 0)
		for j := len(en.chances) - 1; j >= 0; j-- {
			p := float64(en.chances[j] * (1 - q))
			if j > 0 {
				p += float64(en.chances[j-1] * q)
			}
			en.chances[j] = p
		}
	}
	p := 0.0
	for j := st.group; j < len(en.chances); j++ {
		p += en.chances[j]
	}
	return min(1, p)
}

// watchLoss notes since when calls fail, for needs that live on what is stale.
func (en *engine) watchLoss(e *call) {
	switch {
	case e.q >= 0.5:
		e.lostSince = math.Inf(1)
	case math.IsInf(e.lostSince, 1):
		e.lostSince = en.t
	}
}

// finish completes requests of a service with needs: threads are held by what is
// in service and in its legs, and what they no longer hold is finished, in order
// of start.
func (en *engine) finish(s *server) {
	h := en.h
	held := s.inService
	for k := range s.stages {
		st := &s.stages[k]
		if st.parallel {
			held += s.legs[k].in
			continue
		}
		for _, i := range st.calls {
			x := en.m.calls[i].holding()
			if st.group > 0 {
				x /= float64(st.group)
			}
			held += x
		}
	}
	begun := 0.0
	for k := range s.lanes {
		begun += s.lanes[k].started.Mass()
	}
	done := max(0, begun-held)
	s.finishing = done / h
	s.pool.Note(held, max(0, done-s.known)/h)
	if n := s.threads; !math.IsInf(n, 1) && n > 0 {
		busy := 0.5 * (s.threadsIn + held) / n
		if !math.IsInf(s.capacity, 1) {
			busy = max(busy, s.rateStart/s.capacity)
		}
		s.bin.Busy += float64(min(1, busy) * h)
	}
	s.threadsIn = held
	s.bin.Finished += done
	if done <= 0 {
		return
	}
	success := 1.0
	for k := range s.legs {
		st := &s.stages[k]
		switch {
		case k+1 < len(s.stages) && s.stages[k+1].fallback:
			// The fallback has the last word on what failed here.
			success *= s.legs[k].success + float64((1-s.legs[k].success)*s.legs[k+1].success)
		case st.fallback:
		default:
			success *= s.legs[k].success
		}
	}
	success *= 1 - s.errors
	s.settled = success
	valued := 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		valued += en.answer(s, l, done*(l.started.Mass()/begun), success)
	}
	s.bin.Wasted += max(0, done-valued)
}

// answer finishes so many requests of one lane, of which a share ended well, and
// returns how many of them somebody still waited for.
func (en *engine) answer(s *server, l *lane, done, success float64) float64 {
	t, h := en.t, en.h
	en.segments = l.started.Pop(done, en.segments[:0])
	popped, at, valued := 0.0, 0.0, 0.0
	for _, g := range en.segments {
		popped += g.Mass
	}
	if popped <= 0 {
		return 0
	}
	for _, g := range en.segments {
		f0 := at / popped
		at += g.Mass
		f1 := at / popped
		age0, age1 := max(0, t+float64(f0*h)-g.From), max(0, t+float64(f1*h)-g.To)
		s.bin.Latency += float64(g.Mass * 0.5 * (age0 + age1))
		low, high := min(age0, age1), max(age0, age1)
		for _, i := range l.calls {
			e := &en.m.calls[i]
			theta := 1.0
			switch {
			case low >= e.timeout:
				theta = 0
			case high > e.timeout:
				theta = (e.timeout - low) / (high - low)
			}
			well := success
			if s.corrupt && e.validates() {
				well = 0
			}
			clear(e.gone)
			e.flight.decide(g.From, g.To, theta*(1-s.blackout), e.gone)
			for j, m := range e.gone {
				valued += m
				ok := float64(m * well)
				e.gotGood[j] += ok
				e.gotBad[j] += m - ok
			}
		}
	}
	return valued
}
