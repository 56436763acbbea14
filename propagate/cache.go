package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// memory is what a call has to do with the cache of its need.
type memory struct {
	cache  *mech.Cache
	recall mech.Recall // of one call, in this step
	asks   float64     // calls per request that comes by, those included that the cache spares
	fate   fate

	waiting        float64 // requests of the caller that wait for a fetch that another made
	joining        float64 // likewise, from the next step on
	joined, parted float64 // since the beginning, for the balance
}

// fate is what becomes, in shares, of the requests that ask the cache of a need for
// all that they need of it.
type fate struct {
	passed float64 // at once, without a call
	barred float64 // failed at once
	lost   float64 // had an answer that they failed at once, whether or not they go on
	called float64
	waited float64
	per    float64 // calls of one that calls
	none   float64 // had all answers without a call
}

// fillCaches brings caches to the state in which they begin, and returns the length
// of a step that is short beside what they keep.
func (en *engine) fillCaches(base float64) float64 {
	for i := range en.m.calls {
		e := &en.m.calls[i]
		if e.cache == nil || e.StandsIn {
			continue
		}
		e.asks = e.PerRequest
		if !e.Cache.Cold {
			e.cache.Fill(e.Cache.Asked/e.Cache.Keys, e.stay)
		}
		base = min(base, max(e.cache.Shortest(), en.sc.Horizon.Seconds()/1e6))
	}
	return base
}

// lookUp finds what the cache of a need answers in a step in which so many requests
// come by.
func (en *engine) lookUp(s *server, k int, e *call, into float64) {
	st := &s.Stages[k]
	e.recall = e.cache.Step(en.t, en.h, into*e.asks, e.q, e.stay)
	r := &e.recall
	e.asks = e.PerRequest
	if st.AtLeast > 0 {
		weight := 0.0
		for _, i := range st.Calls {
			weight += probe + en.m.calls[i].q
		}
		e.asks *= min(1, float64(st.AtLeast)*(probe+e.q)/weight)
		e.each = e.asks * r.Call
		return
	}
	n := max(1, e.PerRequest)
	f := fate{none: mech.Power(r.Hit, n), per: 1}
	calls := n * r.Call
	if n > 1 && !e.AtOnce && !e.soft() { // one after another, as long as they succeed
		e.asks = inARow(e.answered(), n)
		calls = e.asks * r.Call
		f.lost = r.Barred * inARow(r.Hit, n)
	} else {
		f.lost = mech.Power(r.Hit+r.Barred, n) - f.none
	}
	e.each = e.asks * r.Call
	if out := r.Call + r.Wait; out > 0 {
		touched := max(0, 1-f.none-f.lost)
		f.called, f.waited = touched*r.Call/out, touched*r.Wait/out
	}
	if f.called > 0 {
		f.per = calls / f.called
	}
	f.passed = f.none
	if en.binding(e) || s.fallsBack(k) {
		f.barred = f.lost
	} else {
		f.passed += f.lost
	}
	e.fate = f
}

// asking is, of the requests that come by a leg, the share that calls or waits for who
// does, and, in a group, the share that its cache answers at once.
func (e *call) asking(st *plan.Stage) (share, known float64) {
	if st.AtLeast > 0 {
		per := float64(st.AtLeast) * e.PerRequest
		r := &e.recall
		return float64(e.asks*(r.Call+r.Wait)) / per, float64(e.asks*(r.Hit+r.Barred)) / per
	}
	return min(1, e.PerRequest) * (e.fate.called + e.fate.waited), 0
}

// inARow is how many of n calls are made one after another, if each is followed by
// the next with a probability.
func inARow(p, n float64) float64 {
	if p >= 1-1e-12 {
		return n
	}
	return (1 - mech.Power(p, n)) / (1 - p)
}

// fallsBack reports whether what fails a leg goes to a fallback.
func (s *server) fallsBack(k int) bool { return k+1 < len(s.Stages) && s.Stages[k+1].Fallback }

// ask brings requests into a leg for one need with a cache: hits pass like requests
// that do not call, those that are known to fail do so at once, and the rest calls or
// waits for who does.
func (en *engine) ask(s *server, k int, e *call, mass float64) {
	st, g, r := &s.Stages[k], &s.legs[k], &e.recall
	asked := float64(mass * e.asks)
	if asked <= 0 {
		if !st.Parallel {
			g.passed += mass
		}
		return
	}
	calls := s.luck.requests.Whole(float64(asked * r.Call))
	via := en.via(e)
	via.fresh.put(calls)
	e.cache.Called(calls)
	e.bin.Hits += float64(asked * r.Hit)
	e.bin.Barred += float64(asked * r.Barred)
	e.bin.Joined += float64(asked * r.Wait)
	waited := 0.0
	if st.AtLeast > 0 {
		e.per = float64(st.AtLeast) * e.PerRequest
		waited = float64(asked*r.Wait) / e.per
		over := asked * (r.Hit + r.Barred) / e.per
		g.success = en.enough(st)
		g.passed += float64(over * g.success)
		g.failed += float64(over * (1 - g.success))
		e.bin.Lost += float64(asked*r.Barred) / e.per
	} else {
		asking := float64(mass * min(1, e.PerRequest))
		e.per = e.fate.per
		waited = float64(asking * e.fate.waited)
		if !st.Parallel {
			g.passed += mass - asking + float64(asking*e.fate.passed)
			g.failed += float64(asking * e.fate.barred)
		}
		e.bin.Lost += float64(asking * e.fate.lost)
	}
	e.joined += waited
	if e.belated() {
		e.joining += waited
	} else {
		e.waiting += waited
	}
	if !via.belated() {
		e.visit(calls)
	}
}

// join lets wait who came too late for the step before.
func (e *call) join() {
	e.waiting += e.joining
	e.joining = 0
}

// part lets requests go that waited for the calls of others, as those calls end.
func (e *call) part(over, under float64) float64 {
	if e.waiting <= 0 {
		return 0
	}
	left := e.waiting
	if under > mech.Tiny {
		left *= over / (over + under)
	}
	e.waiting -= left
	e.parted += left
	return left
}

// barred is the share of the requests that come by a leg and fail at once, for what
// their cache knows.
func (en *engine) barred(s *server, k int) float64 {
	st := &s.Stages[k]
	if st.Parallel || st.AtLeast > 0 {
		return 0
	}
	e := &en.m.calls[st.Calls[0]]
	return min(1, e.PerRequest) * e.fate.barred
}

// answered is the share of the calls of a need that are answered well, those included
// that the cache spares.
func (e *call) answered() float64 {
	if e.cache == nil {
		return e.usual
	}
	r := &e.recall
	return min(1, r.Hit+float64((r.Call+r.Wait)*(e.usual+float64((1-e.usual)*r.Old))))
}

// served is the share of the requests that come by for which all calls of a need end
// well.
func (e *call) served() float64 {
	asking := min(1, e.PerRequest)
	return 1 - asking + float64(asking*mech.Power(e.answered(), max(1, e.PerRequest)))
}

// ending is the share of the requests that call, or wait for who does, for which all
// calls of a need end well.
func (e *call) ending() float64 {
	touched := e.fate.called + e.fate.waited
	if touched <= mech.Tiny {
		return e.q
	}
	if e.PerRequest <= 1 {
		return e.q + float64((1-e.q)*e.recall.Old)
	}
	return max(0, min(1, (mech.Power(e.answered(), e.PerRequest)-e.fate.none)/touched))
}

// unremembered is how far a cache, and those who wait at it, are out of balance.
func (e *call) unremembered() float64 {
	waits := math.Abs(e.joined-e.parted-e.waiting-e.joining) / max(1, e.joined)
	return max(waits, e.cache.Error())
}
