package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// downward plays the downward half of a step of one service: what arrives, what is
// taken in, what starts, and what it calls.
func (en *engine) downward(v int32) {
	s := &en.m.servers[v]
	if s.instances != nil {
		en.divide(s)
		return
	}
	h := en.h
	if s.fleet != nil {
		en.crew(s)
	}
	waiting := 0.0 // requests, synchronous, before this step
	for k := range s.lanes {
		l := &s.lanes[k]
		l.waiting, l.waitingCount = l.queue.Mass(), l.requests()
		if !l.Async {
			waiting += l.requests()
		}
	}
	for _, i := range s.In {
		if e := &en.m.calls[i]; e.whole == nil {
			en.offer(e)
		}
	}
	en.releases(s)
	room := en.room(s)
	// What can be taken in, and the reason for what cannot.
	// It is counted in work: what counts requests is converted.
	per := 1.0
	if s.mixed {
		per = en.perAttempt(s)
	}
	entry, reason := math.Inf(1), refusedFull
	if s.down {
		entry, reason = 0, refusedDown
	} else {
		if !math.IsInf(s.Bound, 1) {
			entry = max(0, float64((s.Bound-waiting)*per)+room)
		}
		if r := s.intake(h) * per; r < entry {
			entry, reason = r, refusedThrottle
		}
		if !math.IsInf(s.Shed, 1) {
			if r := mech.Shed(math.MaxFloat64, en.muNow(s), s.Shed, h); r < entry {
				entry, reason = r, refusedThrottle
			}
		}
	}
	admitted, rejected := 0.0, 0.0 // requests
	for k := range s.lanes {
		l := &s.lanes[k]
		if l.Async {
			en.enqueue(s, l)
			continue
		}
		most, why := entry, reason
		if l.Priority >= en.orders(v).class {
			most, why = 0, refusedThrottle
		}
		a, r, work := en.admit(s, l, most, why)
		admitted += a
		rejected += r
		entry -= work
	}
	s.rejected = rejected / h
	en.start(s, room, admitted)
}

type refusal uint8

const (
	refusedFull refusal = iota
	refusedDown
	refusedThrottle
)

// perAttempt is the mean work of what is sent to a service in this step, in requests.
func (en *engine) perAttempt(s *server) float64 {
	work, attempts := 0.0, 0.0
	for _, i := range s.In {
		if e := &en.m.calls[i]; !e.Async {
			work += float64(e.sent * e.Work)
			attempts += e.sent
		}
	}
	if attempts > mech.Tiny {
		return work / attempts
	}
	return s.each
}

// admit takes attempts of one lane in, entry at most, which is counted in work. A
// rejection that is retried at once is retried, and may be rejected again, within the
// step: with n attempts the demand is a(1+p+p²…), and the p at which what is let in just
// fits is found by halving; what is let in falls with p, so there is one.
func (en *engine) admit(s *server, l *lane, entry float64, reason refusal) (admitted, rejected, work float64) {
	demand := 0.0
	again := false
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		demand += float64(e.sent * e.Work)
		again = again || len(e.Pauses) > 0 && e.whole == nil
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
					if float64(en.amplified(l, p)*(1-p)) > entry {
						low = p
					} else {
						high = p
					}
				}
			}
		}
	}
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		a, r := en.admitCall(s, e, p, reason)
		admitted += a
		rejected += r
		work += float64(a * e.Work)
	}
	reached := s.luck.service.Of(admitted, 1-s.blackout)
	if l.mixed {
		work *= 1 - s.blackout
	} else {
		work = reached
	}
	l.put(en.t, en.t+en.h, reached, work)
	s.bin.Attempts += admitted + rejected
	return admitted, rejected, work
}

// amplified is the demand of a lane when each attempt is rejected with probability
// p and what may retry at once does.
func (en *engine) amplified(l *lane, p float64) float64 {
	total := 0.0
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		carry := 0.0
		for k, a := range e.attempts {
			x := a + carry
			total += float64(x * e.Work)
			carry = 0
			if k < len(e.Pauses) && en.mayRetry(e, k, false) {
				carry = float64(x*p) * en.within(e, k)
			}
		}
	}
	return total
}

// within is the share of retries after attempt k+1, failed in this step, that begin
// in this step.
func (en *engine) within(e *call, k int) float64 {
	if e.Pauses[k] == (plan.Pause{}) {
		return 1
	}
	return e.lines[k].Within(en.t, en.t+en.h, en.t+en.h)
}

// admitCall is admit for one call, with the probability of a rejection known.
func (en *engine) admitCall(s *server, e *call, p float64, reason refusal) (admitted, rejected float64) {
	if e.whole != nil {
		return en.admitPart(s, e, p, reason)
	}
	allow := 1.0
	if p > 0 && e.budget.Limits() {
		wanted, carry := 0.0, 0.0
		for k, a := range e.attempts {
			x := a + carry
			carry = 0
			if k < len(e.Pauses) && en.mayRetry(e, k, false) {
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
		in := e.luck.gate.Whole(float64(x * (1 - p)))
		out := x - in
		if p >= 1 {
			in, out = 0, x
		}
		e.accepted[k] = in
		admitted += in
		rejected += out
		switch {
		case out <= 0 || e.Lease >= 0:
		case k < len(e.Pauses) && en.mayRetry(e, k, false):
			again := e.luck.retries.Of(out, allow)
			final += e.echo[k].settle(out - again)
			carry = e.luck.retries.Of(again, en.within(e, k))
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
		if e.cache != nil {
			e.cache.Refused(final)
		}
		if e.Lease >= 0 {
			for k := range n {
				e.gone[k] = e.attempts[k] - e.accepted[k]
			}
			en.failLease(e, e.gone, en.t, en.t+en.h, false)
		} else {
			en.over(e, final)
			e.stepLost += rejected - last
		}
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
	if !e.Chore {
		s.bin.Offered += e.attempts[0]
	}
	e.flight.put(en.t, en.t+en.h, e.accepted)
	return admitted, rejected
}

// enqueue takes the attempts of a durable lane in: nothing is refused.
func (en *engine) enqueue(s *server, l *lane) {
	total := 0.0
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		copy(e.accepted, e.attempts)
		e.taken = e.sent
		e.entire().bin.Attempts += e.sent
		s.bin.Offered += e.attempts[0]
		e.flight.put(en.t, en.t+en.h, e.accepted)
		total += e.sent
	}
	l.put(en.t, en.t+en.h, total, total)
	s.bin.Attempts += total
}

// intake is how many throttles let through in h seconds.
func (s *server) intake(h float64) float64 {
	n := math.Inf(1)
	if s.Throttled {
		n = s.bucket.Room(h)
	}
	if s.trickle != nil {
		n = min(n, s.trickle.Room(h))
	}
	return n
}
