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
	h := en.h
	waiting := 0.0 // synchronous, before this step
	for k := range s.lanes {
		l := &s.lanes[k]
		l.waiting = l.queue.Mass()
		if !l.Async {
			waiting += l.waiting
		}
	}
	for _, i := range s.In {
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
		if !math.IsInf(s.Bound, 1) {
			entry = max(0, s.Bound-waiting+room)
		}
		if r := s.intake(h); r < entry {
			entry, reason = r, refusedThrottle
		}
		if !math.IsInf(s.Shed, 1) {
			if r := mech.Shed(math.MaxFloat64, en.muNow(s), s.Shed, h); r < entry {
				entry, reason = r, refusedThrottle
			}
		}
	}
	admitted, rejected := 0.0, 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		if l.Async {
			en.enqueue(s, l)
			continue
		}
		a, r := en.admit(s, l, entry, reason)
		admitted += a
		rejected += r
		entry -= a
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

// admit takes attempts of one lane in, entry at most. A rejection that is retried
// at once is retried, and may be rejected again, within the step: with n attempts
// the demand is a(1+p+p²…), and the p at which what is let in just fits is found by
// halving; what is let in falls with p, so there is one.
func (en *engine) admit(s *server, l *lane, entry float64, reason refusal) (admitted, rejected float64) {
	demand := 0.0
	again := false
	for _, i := range l.Calls {
		e := &en.m.calls[i]
		demand += e.sent
		again = again || len(e.Pauses) > 0
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
	}
	l.queue.Put(en.t, en.t+en.h, admitted*(1-s.blackout))
	s.bin.Attempts += admitted + rejected
	return admitted, rejected
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
			total += x
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
		case k < len(e.Pauses) && en.mayRetry(e, k, false):
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
func (en *engine) enqueue(s *server, l *lane) {
	total := 0.0
	for _, i := range l.Calls {
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
