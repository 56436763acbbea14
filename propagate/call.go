package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
)

// callState is what changes of a call. Arrays are by attempt number, the first at 0.
type callState struct {
	fresh    handoff   // calls that begin
	attempts []float64 // sent in this step
	accepted []float64 // of them, taken in
	sent     float64   // sum of attempts
	taken    float64   // sum of accepted

	flight flight
	lines  []mech.Line // retries that wait, by the attempt before
	echo   []echo      // retries that follow an answer within a step, likewise
	classes

	good, bad handoff // calls that are over, for the caller
	age       float64 // of the oldest attempt in flight, before the last step
	held      float64 // under way at the end of the step before
	visits    float64 // requests of the caller in this leg that call
	hint      float64 // calls of a later leg that are expected to begin in this step
	stay      float64 // seconds a call is under way, in the step before (Little)
	per       float64 // calls of a request that calls, to all members of a group together
	each      float64 // calls per request that comes by
	delay     float64 // seconds an answer takes that was decided at the start of service
	q         float64 // share of calls that ended well, when last some ended
	usual     float64 // the same; by chance, lately: see engine.lately
	lostSince float64 // when calls began to fail; +Inf while they do not

	budget   mech.Budget
	breaker  *mech.Breaker
	adaptive *mech.Adaptive
	limit    *mech.Bucket
	bulkhead float64   // calls at once; 0 without
	retried  float64   // retries per second in this step
	inside   mech.Pool // of the bulkhead
	known    float64   // calls that time-outs end in this step
	unheard  float64   // of the answers under way, those to attempts sent before the breaker turned

	memory

	stepGood           float64 // answered well in this step
	stepLost           float64 // attempts that failed in this step
	stepLate           float64 // of them, by their time-out
	rateCalls          float64 // that began, per second, in this step
	rateSent, rateGood float64 // per second, in the step before
	rateLost, rateLate float64
	returning          float64 // of what failed before, per second, in this step
	bin                NeedBin
	begun, ended       float64 // calls since the beginning, for the balance
}

// classes are masses by attempt number.
type classes struct {
	all       []float64 // of which the others are parts
	answering []float64 // decided to be answered well, on the way
	refusing  []float64 // decided to be answered with an error, on the way
	toAnswer  []float64 // decided in this step
	toRefuse  []float64
	gotGood   []float64 // answers that arrived in this step
	gotBad    []float64
	gone      []float64 // given up by time-out in this step
	lineRate  []float64 // retries per second from lines, in the step before
	lateAgain []float64 // retries that will follow the time-outs of this step
	debt      []float64 // retries sent ahead of their failures, see engine.retries
}

func newClasses(n int) classes {
	all := make([]float64, 10*n)
	rest := all
	cut := func() []float64 { r := rest[:n:n]; rest = rest[n:]; return r }
	return classes{all, cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut(), cut()}
}

// copy copies every array of classes.
func (c *classes) copy(o *classes) { copy(c.all, o.all) }

// handoff passes mass from one part of the model to another that is played earlier
// in the step, and so would see it a step late. What it hands over ahead is what is
// expected to come: told beforehand, or else what came in the step before, at its
// rate. The difference from what came since is made good little by little. So a
// steady flow passes at its rate whatever the lengths of the steps, nothing is lost,
// and a loop through a handoff is not excited, as it would be by making good at once.
type handoff struct {
	mass float64 // put, less what was taken
	rate float64 // in the step before
	got  float64 // put since the last take
}

// mend is the share of a difference that is made good in a step, and the greatest
// share of a flow that making good may take away.
const mend = 0.02

func (p *handoff) put(m float64) { p.mass += m; p.got += m }

// all takes what is there. Where more was handed over ahead, by the call that this one
// stands in for, it comes first.
func (p *handoff) all() float64 {
	m := max(0, p.mass)
	p.mass -= m
	p.got = 0
	return m
}

// ahead takes from a handoff what is expected to come in a step. By chance, where few
// requests decide, it passes on what came, a step late.
func (en *engine) ahead(p *handoff, d *mech.Dice) float64 {
	if !en.onCredit {
		return p.all()
	}
	return p.ahead(en.h, en.before, en.base, d)
}

// ahead takes, for a step of length h after one of length before, what is expected.
// A steady flow leaves the mass of one base step behind, whatever h is; more or less
// than that is the difference to make good. With dice it is a whole number.
func (p *handoff) ahead(h, before, base float64, d *mech.Dice) float64 {
	if before > 0 && before < float64(0.2*base) { // a sliver says nothing of a rate
		p.got = 0
		m := max(0, p.mass)
		p.mass -= m
		return m
	}
	if before > 0 {
		p.rate = p.got / before
	}
	p.got = 0
	m := float64(p.rate * h)
	if p.rate > 0 {
		m += max(float64(-mend*m), min(float64(0.2*m), float64(mend*(p.mass-float64(p.rate*base)))))
	} else {
		m = max(0, p.mass)
	}
	if p.mass < 0 { // what was handed over never came
		m = max(0, m+p.mass)
	}
	m = d.Whole(m)
	p.mass -= m
	return m
}

// told takes what was said to come in this step. What was said too much before is made
// good at once, what was said too little within some steps.
func (p *handoff) told(expected float64, d *mech.Dice) float64 {
	m := d.Whole(max(0, expected+min(p.mass, float64(0.2*max(0, p.mass)))))
	if expected <= 0 {
		m = max(0, p.mass)
	}
	p.got = 0
	p.mass -= m
	return m
}

// echo is retries that begin in the step in which the attempt before was answered. Those
// answers are not known when attempts are sent, so they are expected as they came in the
// step before: at that rate, of which the share is handed over ahead that a step of this
// length sees begin. What more came is made good little by little, as by [handoff].
type echo struct {
	mass  float64 // begun, less what was handed over; negative: ahead
	rate  float64 // of the answers that are followed by a retry, per second
	again float64 // likewise, since the rate was taken
	over  float64 // seconds since then
}

func (p *echo) put(again, soon float64) {
	p.mass += soon
	p.again += again
}

// settle takes so many failed attempts that are not to be tried again, and returns how many
// of them have not been: for the others it was done ahead.
func (p *echo) settle(failed float64) float64 {
	done := min(failed, max(0, -p.mass))
	p.mass += done
	return failed - done
}

// echoes takes, for a step, the retries that follow attempt k+1 within it.
func (en *engine) echoes(e *call, k int) float64 {
	p := &e.echo[k]
	p.over += en.before
	if p.over >= float64(0.2*en.base) { // a sliver says nothing of a rate
		p.rate = p.again / p.over
		p.again, p.over = 0, 0
	}
	if p.rate == 0 && p.mass == 0 {
		return 0
	}
	m := p.mass
	if en.onCredit && p.rate > 0 {
		m = float64(p.rate * en.h * en.within(e, k))
		more := min(p.mass, float64(0.2*m), float64(mend*max(0, p.mass)))
		m = e.luck.retries.Whole(max(0, m+more))
	}
	m = max(0, m)
	p.mass -= m
	return m
}

func (s *callState) copy(o *callState) {
	kept := *s
	*s = *o
	s.flight = kept.flight
	s.flight.copy(&o.flight)
	s.lines = kept.lines
	for k := range s.lines {
		s.lines[k].Copy(&o.lines[k])
	}
	s.echo = append(kept.echo[:0], o.echo...)
	s.attempts, s.accepted = append(kept.attempts[:0], o.attempts...), append(kept.accepted[:0], o.accepted...)
	s.classes = kept.classes
	s.classes.copy(&o.classes)
	if o.breaker != nil {
		s.breaker = kept.breaker
		s.breaker.Copy(o.breaker)
	}
	if o.adaptive != nil {
		s.adaptive = kept.adaptive
		*s.adaptive = *o.adaptive
	}
	if o.limit != nil {
		s.limit = kept.limit
		*s.limit = *o.limit
	}
	if o.cache != nil {
		s.cache = kept.cache
		s.cache.Copy(o.cache)
	}
}

// scale is the rate beside which changes of the call's rates are large or small.
func (e *call) scale() float64 {
	return max(0.02*e.Nominal, e.least, e.rateSent, e.rateLost, 1e-6)
}

// unanswered reports whether nearly all attempts run into their time-out: then those
// whose fate is open will, too.
func (e *call) unanswered() bool {
	return e.rateGood+e.rateLost-e.rateLate <= float64(0.01*e.rateLate)
}

// due is how many attempts of one number, sent before a time, are under way.
func (e *call) due(before float64, k int) float64 {
	m := e.flight.before(before, k)
	for _, x := range e.parts {
		m += x.flight.before(before, k)
	}
	return m
}

// visit counts the requests behind calls that begin.
func (e *call) visit(calls float64) {
	if e.per > 0 {
		e.visits += calls / e.per
	}
}

// belated reports whether calls begin after their target was played: they are seen in
// the next step.
func (e *call) belated() bool { return e.Back || e.Leg > 0 }

// under is the calls under way: sent or waiting for a retry.
func (e *call) under() float64 {
	m := e.flight.total
	for k := range e.answering {
		m += e.answering[k] + e.refusing[k]
	}
	for k := range e.lines {
		m += e.lines[k].Mass() - e.debt[k+1]
	}
	for _, x := range e.parts {
		m += x.under()
	}
	for _, x := range e.copies {
		m += x.under()
	}
	return max(0, m)
}

// holding is the calls under way that hold a thread of the caller. Handing over
// takes no time, so what waits to be handed over holds none. A target that is
// played after the caller has not answered in this step yet; what was under way
// before stands for it.
func (e *call) holding() float64 {
	m := e.under()
	if e.Back {
		m = e.held
	} else if e.Leg > 0 {
		m = max(0, m+e.fresh.mass)
	}
	if e.AtOnce && e.PerRequest > 1 {
		m /= e.PerRequest
	}
	return m
}

// Nobody has been answered for so many time-outs, where a call is hopeless, and what
// is sent is kept by so large a part of a time-out then.
const (
	hopelessFor = 16
	hopelessFew = 0.1
)

// hopeless is how finely what is sent is to be kept, in seconds. Where nobody is
// answered, what is sent follows from what ran into its time-out, and that from what
// was sent: a comb with the period of the time-out, that would be played for ever to
// the last tooth. A real one smears, and soon.
func (en *engine) hopeless(e *call) float64 {
	if e.rateGood > float64(0.01*e.rateLost) || en.t-e.lostSince < hopelessFor*e.Timeout || math.IsInf(e.Timeout, 1) {
		return 0
	}
	return hopelessFew * e.Timeout
}

// offer decides what is sent in a step: first attempts and the retries that are
// due, as far as bulkhead, throttle and breaker let them.
func (en *engine) offer(e *call) {
	if e.Lease >= 0 {
		en.offerLease(e)
		return
	}
	h := en.h
	n := len(e.Pauses) + 1
	if cap(e.attempts) < n {
		e.attempts, e.accepted = make([]float64, n), make([]float64, n)
	}
	e.attempts, e.accepted = e.attempts[:n], e.accepted[:n]
	var fresh float64
	switch {
	case e.Chore:
		fresh = e.fresh.all()
	case e.From < 0:
		fresh = e.luck.arrivals.Come(en.load(e.To)*h) + en.comeAgain(e)
	case e.Back:
		fresh = en.ahead(&e.fresh, e.luck.arrivals)
		en.home(e).visit(fresh)
	case e.Leg > 0:
		fresh = en.told(e)
		en.home(e).visit(fresh)
	default:
		fresh = e.fresh.all()
	}
	e.join()
	e.flight.smear = en.hopeless(e)
	e.begun += fresh
	e.bin.Calls += fresh
	e.attempts[0] = fresh
	e.sent = fresh
	for k := 1; k < n; k++ {
		e.attempts[k] = en.retries(e, k)
		e.attempts[k] += en.echoes(e, k-1)
		e.sent += e.attempts[k]
	}
	e.retried = (e.sent - fresh) / h
	e.budget.Deposit(fresh, h, en.before)
	share := 1.0
	e.rateCalls = fresh / h
	if e.barrier != noBarrier {
		en.bar(e)
	}
	if e.bulkhead > 0 && e.sent > 0 {
		room := e.inside.Room(e.bulkhead, e.under(), 0, h)
		if e.inside.Idle() {
			room = e.bulkhead * max(1, h/max(1e-9, en.m.servers[e.To].Latency))
		}
		share *= min(1, room/e.sent)
	}
	if wanted := e.sent * share; e.limit != nil && wanted > 0 {
		share *= e.limit.Take(wanted, h) / wanted
	}
	if e.adaptive != nil && e.sent > 0 {
		share *= e.adaptive.Admit(e.sent*share, h, en.before)
	}
	if e.breaker != nil {
		turned := e.breaker.State
		share *= e.breaker.Admit(en.t, e.sent*share)
		if e.breaker.State != turned {
			e.unheard = e.decided()
		}
		if e.breaker.State != mech.Closed {
			e.bin.Open += h
		}
	}
	if share < 1 {
		stopped := 0.0
		for k := range n {
			x := e.luck.gate.Of(e.attempts[k], 1-share)
			e.attempts[k] -= x
			stopped += x
		}
		e.sent -= stopped
		e.bin.Stopped += stopped
		en.over(e, stopped)
	}
}

// retries is the mass of attempt k+1 that is sent in a step after a pause. In a long
// step some run into their time-out and retry within it; that part is not known yet
// and is expected at the rate of the step before, on credit: while rates are steady,
// any length of step gives the same flows.
func (en *engine) retries(e *call, k int) float64 {
	l := &e.lines[k-1]
	due := l.Take(en.t + en.h)
	expected := 0.0
	if late := e.lateAgain[k-1]; late > 0 {
		e.lateAgain[k-1] = 0
		if en.before >= float64(0.2*en.base) { // a sliver says nothing of a rate
			from := en.t + min(e.Timeout, en.base, en.h) // those before have failed by now
			expected = late / en.before * (en.t + en.h - from) * l.Within(from, en.t+en.h, en.t+en.h)
		}
	}
	expected = e.luck.retries.Whole(expected)
	m := due + expected - e.debt[k]
	if m < 0 {
		e.debt[k] -= due
		m = 0
	} else {
		e.debt[k] = expected
	}
	e.lineRate[k] = m / en.h
	return m
}

// over ends calls that failed for good.
func (en *engine) over(e *call, failed float64) {
	e = e.entire()
	en.home(e).bad.put(failed)
	if e.From < 0 {
		en.withhold(e, failed)
	}
	e.ended += failed
	e.bin.Failed += failed
	if e.cache != nil {
		e.cache.Failed(failed)
	}
}

// fail is what becomes of attempts, by number, that failed evenly in [from, to).
func (en *engine) fail(e *call, failed []float64, from, to float64, late bool) {
	e = e.entire()
	if e.Lease >= 0 {
		en.failLease(e, failed, from, to, late)
		return
	}
	n := len(e.Pauses) + 1
	wanted := 0.0
	total := sum(failed)
	if total <= 0 {
		return
	}
	e.stepLost += total
	for k := range n - 1 {
		if en.mayRetry(e, k, late) {
			wanted += failed[k]
		}
	}
	allow := 1.0
	if e.budget.Limits() {
		e.budget.Answered(0, 0, total)
		lateMass := 0.0
		if late {
			lateMass = wanted
		}
		allow = en.allow(e, wanted, lateMass)
		e.bin.Denied += float64(wanted * (1 - allow))
	}
	final := 0.0
	for k := range n {
		m := failed[k]
		if m <= 0 {
			continue
		}
		if k == n-1 && e.Again > 0 && en.mayRetry(e, k-1, late) {
			again := e.luck.retries.Of(e.luck.retries.Of(m, allow), e.Again)
			en.comeAround(e, k-1, again, from, to, late)
			final += e.echo[k-1].settle(m - again)
			continue
		}
		if k == n-1 || !en.mayRetry(e, k, late) {
			final += m
			continue
		}
		again := e.luck.retries.Of(m, allow)
		en.comeAround(e, k, again, from, to, late)
		final += e.echo[k].settle(m - again)
	}
	if e.cache != nil && !late {
		e.cache.Refused(final)
	}
	en.over(e, final)
}

// failAtOnce fails what stands in e.gone between two steps. It says nothing of the rate at
// which attempts fail in the next one.
func (en *engine) failAtOnce(e *call) {
	en.h, en.between = en.base, true
	en.fail(e, e.gone, en.t, en.t+en.h, false)
	en.between = false
}

// comeAround lets failed attempts k+1 pause before they are tried again.
func (en *engine) comeAround(e *call, k int, again, from, to float64, late bool) {
	if late {
		e.lateAgain[k] += again
	}
	if late || en.between {
		e.lines[k].Put(from, to, again)
		return
	}
	soon := e.luck.retries.Of(again, en.within(e, k))
	e.echo[k].put(again, soon)
	e.lines[k].PutRest(from, to, again, again-soon)
}

func (en *engine) allow(e *call, wanted, late float64) float64 {
	active := e.under()
	retrying := 0.0
	if wanted > 0 {
		retrying = e.retrying()
	}
	// As many retries end as began lately. Those that were given up have ended already.
	leaving := e.retried * en.h
	if late > 0 {
		leaving = 0
	}
	return e.budget.Allow(wanted, late, retrying, active, leaving, en.h)
}

// mayRetry reports whether attempt k+1, failed, is followed by another.
func (en *engine) mayRetry(e *call, k int, late bool) bool {
	if en.noRetries[e.To] || e.Lease >= 0 {
		return false
	}
	if math.IsInf(e.Deadline, 1) {
		return true
	}
	begins := 0.0
	for j := 0; j <= k; j++ {
		begins += e.Pauses[j].Low + float64(0.5*e.Pauses[j].Spread)
		if late {
			begins += e.Timeout
		}
	}
	return begins <= e.Deadline
}

// giveUp lets attempts that have run into their time-out fail: those sent before a
// time, evenly over the times at which they are due.
func (en *engine) giveUp(e *call, before float64) {
	if math.IsInf(e.Timeout, 1) || e.whole != nil {
		return
	}
	clear(e.gone)
	since := 0.0
	if e.breaker != nil {
		since = e.breaker.Since
	}
	first := en.expire(e, before, e.gone)
	for _, x := range e.parts {
		first = min(first, en.expire(x, before, e.gone))
	}
	total := sum(e.gone)
	if total <= 0 {
		return
	}
	s := &en.m.servers[e.To]
	e.bin.Timeouts += total
	s.bin.Timeouts += total
	from, to := max(first+e.Timeout, en.t), min(before+e.Timeout, en.t+en.h)
	if to <= from {
		from, to = en.t, en.t+en.h
	}
	en.fail(e, e.gone, from, to, true)
	if e.breaker != nil && first >= since-1e-9 {
		e.breaker.Observe(en.t+en.h, 0, total)
	}
}

// expire takes what was sent before a time out of flight, adds it to out, and returns
// when the first of it was sent; +Inf where there is nothing.
func (en *engine) expire(e *call, before float64, out []float64) float64 {
	if e.flight.total <= 0 || e.flight.head == len(e.flight.cells) {
		return math.Inf(1)
	}
	first := e.flight.cells[e.flight.head].from
	if first >= before-1e-12 {
		return math.Inf(1)
	}
	var cancel func(from, to, mass float64)
	s := &en.m.servers[e.To]
	if s.Cancel {
		l := &s.lanes[e.Lane]
		cancel = func(from, to, mass float64) { s.bin.Expired += l.remove(from, to, mass, e.Work) }
	}
	was := sum(out)
	e.flight.expire(before, out, cancel)
	late := sum(out) - was
	e.stepLate += late
	if e.whole != nil {
		e.stepLost += late
	}
	return first
}

// deliver brings the answers of a step to the caller.
func (en *engine) deliver(e *call) {
	good, bad, first := 0.0, 0.0, e.gotGood[0]
	for k := range e.gotGood {
		good += e.gotGood[k]
		bad += e.gotBad[k]
	}
	s := &en.m.servers[e.To]
	e.stepGood = good
	if e.bulkhead > 0 {
		en.overfull(e)
		e.inside.Note(e.under(), (good+bad)/en.h)
	}
	if good > 0 {
		en.home(e).good.put(good)
		if e.cache != nil {
			e.cache.Answered(good)
		}
		e.ended += good
		if e.Lease >= 0 {
			en.grant(e, good)
		}
		e.bin.Good += good
		if !e.Chore {
			s.bin.Good += good
		}
		if e.budget.Limits() {
			e.budget.Answered(first, good-first, 0)
		}
	}
	if bad > 0 {
		e.bin.Errors += bad
		s.bin.Errors += bad
		en.fail(e, e.gotBad, en.t, en.t+en.h, false)
	}
	if e.breaker != nil && good+bad > 0 {
		heard := 1.0
		if e.unheard > 0 {
			pool := good + bad + e.decided()
			heard = 1 - min(1, e.unheard/pool)
			e.unheard -= min(e.unheard, (good+bad)*(1-heard))
		}
		e.breaker.Observe(en.t+en.h, good*heard, bad*heard)
	}
	if e.adaptive != nil {
		e.adaptive.Accepted(e.taken)
	}
	clear(e.gotGood)
	clear(e.gotBad)
	e.held = e.under()
}

// overfull stops the calls of a step that found no place behind their bulkhead. Room
// is made for those who leave within the step, as many as left before; when fewer
// left, that was too much.
func (en *engine) overfull(e *call) {
	excess := e.under() - e.bulkhead
	if excess <= 1e-9*e.bulkhead || e.taken <= 0 {
		return
	}
	clear(e.gone)
	share := min(1, excess/e.taken)
	e.flight.take(en.t, en.t+en.h, share, e.gone)
	stopped := sum(e.gone)
	if e.parts == nil {
		en.m.servers[e.To].lanes[e.Lane].remove(en.t, en.t+en.h, stopped, e.Work)
	}
	for _, x := range e.parts {
		clear(x.gone)
		x.flight.take(en.t, en.t+en.h, share, x.gone)
		m := sum(x.gone)
		en.m.servers[x.To].lanes[x.Lane].remove(en.t, en.t+en.h, m, e.Work)
		stopped += m
	}
	e.bin.Stopped += stopped
	en.over(e, stopped)
}

// validates reports whether a caller tells a wrong answer from a right one.
func (e *call) validates() bool { return !e.Believes }

// soft reports whether the caller goes on without an answer.
func (e *call) soft() bool { return e.Loss != catalog.Fail }
