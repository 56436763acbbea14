package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// leg is the state of a stage: requests in it and what it lets through.
type leg struct {
	in      float64 // of a stage with several calls at once
	passed  float64 // for the next stage
	failed  float64 // for a fallback, if the next stage is one
	success float64 // share that passed of those that called, when last some did
}

// probe is the weight of an alternative that does not answer beside one that does:
// so many requests find out that it is back.
const probe = 0.001

// enter brings requests into a leg: every call of it is made as often as the
// catalog says, one after another as long as they succeed.
func (en *engine) enter(s *server, k int, mass float64) {
	if k >= len(s.Stages) || mass <= 0 {
		return
	}
	st, g := &s.Stages[k], &s.legs[k]
	if st.Parallel {
		g.in += mass
	}
	weight := 0.0
	if st.AtLeast > 0 {
		for _, i := range st.Calls {
			weight += probe + en.m.calls[i].usual
		}
	}
	for n, i := range st.Calls {
		e := &en.m.calls[i]
		if e.cache != nil {
			en.ask(s, k, e, mass)
			continue
		}
		per := e.PerRequest
		if per > 1 && !e.AtOnce && e.Loss == catalog.Fail && e.usual < 1 {
			per = (1 - mech.Power(e.usual, e.PerRequest)) / (1 - e.usual)
		}
		if st.AtLeast > 0 {
			per *= min(1, float64(st.AtLeast)*(probe+e.usual)/weight)
		}
		via := en.via(e)
		calls := float64(mass * per)
		if en.chance {
			calls = en.choose(s, st, n, mass, per, weight)
		}
		via.fresh.put(calls)
		e.per, e.each = per, per
		switch {
		case st.AtLeast > 0:
			e.per = float64(st.AtLeast) * e.PerRequest
		case e.PerRequest < 1:
			e.per = 1
			if !st.Parallel { // the rest of the requests goes on at once
				g.passed += s.luck.others(mass, calls, e.PerRequest)
			}
		}
		if !via.belated() {
			e.visit(calls)
		}
	}
}

// foresee says how many calls of the later legs of a service will begin in a step in
// which so many requests enter the first: of what is then under way in a leg, the
// share is over that is when calls stay as long, and passes that did, as in the step
// before.
func (en *engine) foresee(s *server, entering float64) {
	into := entering
	direct := 0.0 // past a fallback, to the leg after it
	for k := range s.Stages {
		st, g := &s.Stages[k], &s.legs[k]
		over, last := 0.0, 0.0
		for _, i := range st.Calls {
			e := &en.m.calls[i]
			if e.cache != nil {
				en.lookUp(s, k, e, into)
			}
			if k > 0 {
				en.via(e).hint = into * e.each
			}
			// Requests that are in a call, and how many of them leave it: as legs
			// will find it, so that nothing is left to make good where flows are
			// steady. What is left is held to hold threads.
			share := min(1, e.PerRequest)
			switch {
			case e.cache != nil:
				var known float64
				share, known = e.asking(st)
				over += float64(into * known)
			case e.per > 0:
				share = e.each / e.per
			}
			inside := float64(into*share) + e.visits + e.waiting
			if e.Back { // what begins in this step has begun, and was counted
				inside = e.visits + e.waiting
			}
			left := float64(inside * (en.h / (en.h + e.stay)))
			over += left
			last = max(last, inside-left)
		}
		skipped := float64(into * (1 - en.calling(st)))
		barred := float64(into * en.barred(s, k))
		if st.Parallel { // the last of them counts
			over = max(0, g.in+into-last)
		}
		passed, failed := float64(over*g.success), float64(over*(1-g.success))+barred
		if k+1 < len(s.Stages) && s.Stages[k+1].Fallback {
			into, direct = failed, passed+skipped
			continue
		}
		into, direct = passed+skipped+direct, 0
	}
}

// upward plays the upward half of a step of one service: what its own calls
// brought, what is finished, and the answers to its callers.
func (en *engine) upward(v int32) {
	s := &en.m.servers[v]
	if s.instances != nil {
		en.gather(s)
		return
	}
	t, h := en.t, en.h
	if !s.Leaf {
		en.legs(s)
		en.finish(s)
	}
	for _, i := range s.In {
		e := &en.m.calls[i]
		if s.Leaf {
			keep, turn := 0.0, 1.0
			if e.delay > 0 {
				keep = mech.Exp(-h / e.delay)
				turn = 1 - float64(e.delay/h*(1-keep))
			}
			for k := range e.answering {
				if x := e.answering[k] + e.toAnswer[k]; x > 0 {
					out := e.luck.answers.Of(e.answering[k], 1-keep) + e.luck.answers.Of(e.toAnswer[k], turn)
					e.gotGood[k] += out
					e.answering[k] = max(0, x-out)
					e.toAnswer[k] = 0
				}
				if x := e.refusing[k] + e.toRefuse[k]; x > 0 {
					out := e.luck.answers.Of(e.refusing[k], 1-keep) + e.luck.answers.Of(e.toRefuse[k], turn)
					e.gotBad[k] += out
					e.refusing[k] = max(0, x-out)
					e.toRefuse[k] = 0
				}
			}
		}
		if e.whole != nil {
			continue // its caller hears of all parts together
		}
		if h > en.base || h > e.Timeout {
			en.giveUp(e, t+h-e.Timeout)
		}
		en.deliver(e)
	}
	if s.of == nil {
		en.note(s)
	}
}

// legs settles what the calls of a step brought and lets requests into the next.
func (en *engine) legs(s *server) {
	for k := range s.Stages {
		st, g := &s.Stages[k], &s.legs[k]
		rest, pass, done := 0.0, 1.0, 0.0
		for _, i := range st.Calls {
			e := &en.m.calls[i]
			var good, bad float64
			if e.Back {
				good, bad = en.ahead(&e.good, e.luck.answers), en.ahead(&e.bad, e.luck.answers)
			} else {
				good, bad = e.good.all(), e.bad.all()
			}
			over := good + bad
			if over > mech.Tiny {
				e.q = good / over
			}
			e.usual = en.lately(e, over)
			en.watchLoss(e)
			left := e.visits
			under := en.underAll(e)
			if e.Back {
				under = e.held
			}
			if under > mech.Tiny {
				left = e.visits * (over / (over + under))
			}
			switch {
			case over > mech.Tiny:
				e.stay = under / over * en.h
			case under > mech.Tiny:
				e.stay = math.Inf(1) // nobody is answered
			}
			e.visits = max(0, e.visits-left)
			left += e.part(over, under)
			rest = max(rest, e.visits+e.waiting)
			sigma := en.ends(e)
			e.bin.Lost += float64(left * (1 - sigma))
			if e.cache != nil && st.Parallel {
				sigma = e.served()
			} else if e.PerRequest < 1 && st.Parallel { // the rest of the requests does not call
				sigma = 1 - e.PerRequest + float64(e.PerRequest*sigma)
			}
			done += left
			if en.binding(e) {
				pass *= sigma
			}
			if e.Loss == catalog.Fallback && k+1 < len(s.Stages) && s.Stages[k+1].Fallback {
				pass = sigma
			}
		}
		if st.Parallel { // the last of them counts
			done = max(0, g.in-rest)
			g.in -= done
		}
		if st.AtLeast > 0 {
			pass = en.enough(st)
		}
		if done > mech.Tiny {
			g.success = pass
		}
		g.passed += float64(done * pass)
		g.failed += float64(done * (1 - pass))
	}
	// What passed one leg enters the next.
	for k := 1; k < len(s.Stages); k++ {
		g := &s.legs[k-1]
		passed, failed := s.luck.requests.Whole(g.passed), s.luck.requests.Whole(g.failed)
		g.passed, g.failed = 0, 0
		if s.Stages[k].Fallback {
			en.enter(s, k, failed)
			// Who needed no fallback goes on past it.
			if k+1 < len(s.Stages) {
				en.enter(s, k+1, passed)
			}
			continue
		}
		en.enter(s, k, passed)
	}
	last := &s.legs[len(s.legs)-1]
	last.passed, last.failed = 0, 0
}

// calling is the share of the requests in a leg that call at all.
func (en *engine) calling(st *plan.Stage) float64 {
	if st.Parallel || st.AtLeast > 0 {
		return 1
	}
	e := &en.m.calls[st.Calls[0]]
	if e.cache != nil {
		return min(1, e.PerRequest) * (1 - e.fate.passed)
	}
	return min(1, e.PerRequest)
}

// binding reports whether a request fails when its calls of a need do.
func (en *engine) binding(e *call) bool {
	return !e.soft() || e.Loss == catalog.Stale && en.t-e.lostSince >= e.Stale
}

// enough is the share of the requests to a group that enough of its members answer.
func (en *engine) enough(st *plan.Stage) float64 {
	first := &en.m.calls[st.Calls[0]]
	if first.soft() {
		return 1
	}
	return 1 - float64(min(1, first.PerRequest)*(1-en.quorum(st)))
}

// passing is the share of the requests that come by a leg and pass it.
func (en *engine) passing(s *server, k int) float64 {
	barred := en.barred(s, k)
	return 1 - float64((en.calling(&s.Stages[k])-barred)*(1-s.legs[k].success)) - barred
}

// ends is the share of a request's calls of one need that let it go on: all of
// them must succeed.
func (en *engine) ends(e *call) float64 {
	if e.cache != nil {
		return e.ending()
	}
	if e.PerRequest <= 1 {
		return e.q
	}
	return mech.Power(e.q, e.PerRequest)
}

// quorum is the probability that enough of a group's members answer.
func (en *engine) quorum(st *plan.Stage) float64 {
	en.chances = append(en.chances[:0], 1)
	for _, i := range st.Calls {
		q := en.m.calls[i].answered()
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
	for j := st.AtLeast; j < len(en.chances); j++ {
		p += en.chances[j]
	}
	return min(1, p)
}

// watchLoss notes since when calls fail, for needs that live on what is stale.
func (en *engine) watchLoss(e *call) {
	switch {
	case e.usual >= 0.5:
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
	for k := range s.Stages {
		st := &s.Stages[k]
		if st.Parallel {
			held += s.legs[k].in
			continue
		}
		for _, i := range st.Calls {
			x := en.holdingAll(&en.m.calls[i])
			if st.AtLeast > 0 {
				x /= float64(st.AtLeast)
			}
			held += x + en.m.calls[i].waiting
		}
	}
	begun := 0.0
	for k := range s.lanes {
		begun += s.lanes[k].started.Mass()
	}
	done := s.luck.requests.Down(max(0, begun-held))
	if h > en.instant {
		s.pool.Note(held, max(0, done-s.known)/h)
	}
	if n := s.manned(s.Threads); !math.IsInf(n, 1) && n > 0 {
		busy := 0.5 * (s.threadsIn + held) / n
		if s.Capacity > 0 && !math.IsInf(s.Capacity, 1) {
			busy = max(busy, s.rateStart/s.manned(s.Capacity))
		}
		busy /= max(1, s.capShare)
		s.bin.Busy += float64(min(1, busy) * h)
	}
	s.threadsIn = held
	s.bin.Finished += done
	if done <= 0 {
		return
	}
	success := 1.0
	for k := range s.legs {
		st := &s.Stages[k]
		switch {
		case k+1 < len(s.Stages) && s.Stages[k+1].Fallback:
			// The fallback has the last word on what failed here.
			p := en.passing(s, k)
			success *= p + float64((1-p)*en.passing(s, k+1))
		case st.Fallback:
		default:
			success *= en.passing(s, k)
		}
	}
	success *= 1 - s.failing()
	s.success = success
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
		for _, i := range l.Calls {
			e := &en.m.calls[i]
			theta := 1.0
			switch {
			case low >= e.Timeout:
				theta = 0
			case high > e.Timeout:
				theta = (e.Timeout - low) / (high - low)
			}
			well := success
			if s.corrupt && e.validates() {
				well = 0
			}
			clear(e.gone)
			e.flight.decide(g.From, g.To, theta*(1-s.blackout), e.gone)
			good := 0.0
			for j, m := range e.gone {
				valued += m
				ok := e.luck.fate.Whole(float64(m * well))
				e.gotGood[j] += ok
				e.gotBad[j] += m - ok
				good += ok
			}
			if e.Lease >= 0 {
				en.decideLease(e, g.From, g.To, good)
			}
		}
	}
	return valued
}
