package event

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// When operators see something, decide and act is counted by propagate.Operators, as
// for the rate engine; here is what they look at, and what comes of what they do.

// orders are what operators have ordered of a service.
type orders struct {
	noRetries bool    // its callers make no second attempts
	ordered   float64 // share of the declared capacity
	class     int64   // requests of this priority and less important ones are refused; none is greater than nobody's
}

var noOrders = orders{ordered: 1, class: math.MaxInt64}

// barrier is what operators do to the calls of a need.
type barrier uint8

const (
	noBarrier barrier = iota
	cutOff            // not sent, and failed
	bypassed          // not sent, and answered
)

// world is an engine as operators see it.
type world struct{ en *engine }

func (w world) Do(d *scenario.Deed, r *propagate.ActionResult) { w.en.do(d, r) }
func (w world) Unthrottle(v int32)                             { w.en.unthrottle(v) }
func (w world) Gone(v int32) bool                              { return w.en.services[v].down || w.en.services[v].swallows >= 1 }

func (w world) LeaseLevel(id string, m scenario.Measure) float64 {
	l := w.en.leaseOf(id)
	if l == nil {
		return math.NaN()
	}
	switch m {
	case scenario.Held:
		return float64(len(l.held))
	case scenario.HeldShare:
		return float64(len(l.held)) / l.Count
	case scenario.Regrants:
		return l.rate
	}
	return math.NaN()
}

func (w world) LeaseCount(id string) float64 {
	if l := w.en.leaseOf(id); l != nil {
		return l.Count
	}
	return math.NaN()
}

// leaseOf is the kind of leases of a name; nil: there is none.
func (en *engine) leaseOf(id string) *lease {
	for i := range en.leases {
		if en.leases[i].ID == id {
			return &en.leases[i]
		}
	}
	return nil
}

func (w world) Ages(v int32, _ float64) (age, wait float64) { return w.en.ages(&w.en.services[v]) }

func (w world) Counted(v int32) propagate.ServiceBin {
	en := w.en
	s := &en.services[v]
	n := s.n
	b := propagate.ServiceBin{
		Offered: float64(n.offered), Attempts: float64(n.attempts), Good: float64(n.good), Timeouts: float64(n.timeouts),
		Errors: float64(n.errors), Refused: float64(n.refused), Throttled: float64(n.throttled), Full: float64(n.full),
		Finished: float64(n.finished), Wasted: float64(n.wasted), Expired: float64(n.expired), Latency: n.latency,
		Queue: float64(s.waiting), Capacity: s.share.total(en.now),
		Replicas: s.crews.total(en.now),
	}
	b.InRotation = b.Replicas
	if s.parts != nil {
		b.InRotation = s.turning.total(en.now)
		b.RotationChanges = float64(n.rotated) * s.Replicas / float64(len(s.parts))
	}
	for _, i := range s.In {
		e := &en.edges[i]
		b.Failed += float64(e.n.failed)
		if e.Async {
			b.Dead += float64(e.n.failed)
		}
	}
	switch {
	case !s.Leaf && !math.IsInf(s.Capacity, 1) && !s.Decl.Concurrency.IsStated():
		b.Busy = n.begun / s.Capacity
	case !math.IsInf(s.Threads, 1) && s.Threads > 0:
		b.Busy = s.use(en.now)
	}
	return b
}

// nextAct is when an action goes on by itself.
func (en *engine) nextAct() int64 {
	return max(en.now+1, nanos(min(9e9, en.operators.Next(seconds(en.now)))))
}

// turnsAt makes what faults and operators do be looked at again at a time.
func (en *engine) turnsAt(at int64) {
	if i, is := slices.BinarySearch(en.corners, at); !is && at > en.now {
		en.corners = slices.Insert(en.corners, i, at)
	}
}

// afflict sets what the faults and operators of the present do to a service and to its
// instances.
func (en *engine) afflict(v int32) {
	s := &en.services[v]
	f := en.fateOf(v)
	if s.fleet != nil {
		en.noteFleet(s)
		en.strike(s, s.faultsLeave, s.struckDown)
		f.down = s.struckDown || s.away || s.fleet.gone()
	}
	en.befall(s, f)
	for _, x := range s.parts {
		en.befall(&en.services[x], en.fateOf(x))
	}
	if s.fleet != nil {
		en.manage(s)
	}
}

// overAt is when a fault ends, by itself or by the operators, in seconds.
func (en *engine) overAt(i int) float64 {
	_, to := span(&en.sc.Faults[i])
	if to = min(to, en.ended[i]); to == never {
		return math.MaxFloat64
	}
	return seconds(to)
}

// do is one deed of the operators, and tells the result of its action what it ended.
func (en *engine) do(d *scenario.Deed, r *propagate.ActionResult) {
	switch d.Verb {
	case scenario.Restore, scenario.RollBack:
		en.end(d.Target, r)
		return
	case scenario.Cut, scenario.Bypass, scenario.FailOver, scenario.Mend:
		en.reroute(d)
		return
	case scenario.Pace, scenario.Unpace, scenario.Pause, scenario.Resume:
		if l := en.leaseOf(d.Target); l != nil {
			en.order(l, d)
		}
		return
	case scenario.Disable, scenario.Enable:
		if !d.Autoscale {
			en.disable(d.Target, d.Verb == scenario.Disable, d.PutBack)
			return
		}
	}
	v, ok := en.index[d.Target]
	if !ok {
		return
	}
	s := &en.services[v]
	switch d.Verb {
	case scenario.Drain, scenario.Undrain:
		en.drain(s, d.Zone, d.Verb == scenario.Drain)
	case scenario.Purge:
		en.purge(s)
		for _, x := range s.parts {
			en.purge(&en.services[x])
		}
	case scenario.Throttle:
		en.throttle(s, d)
	case scenario.Unthrottle:
		en.unthrottle(v)
	case scenario.StopRetries:
		s.noRetries = true
	case scenario.LetRetry:
		s.noRetries = false
	case scenario.SetCapacity:
		s.ordered = d.Share
		en.afflict(v)
	case scenario.Restart:
		en.restart(s, d)
	case scenario.Disable, scenario.Enable:
		en.automate(s, d.Verb == scenario.Enable)
	case scenario.Shed:
		s.class = d.Class
	case scenario.Unshed:
		s.class = math.MaxInt64
	case scenario.DropExpired:
		en.dropExpired(s)
		for _, x := range s.parts {
			en.dropExpired(&en.services[x])
		}
	}
}

// end ends a fault that has begun.
func (en *engine) end(id string, r *propagate.ActionResult) {
	for i := range en.sc.Faults {
		f := &en.sc.Faults[i]
		from, to := span(f)
		if f.ID != id || from > en.now || en.now >= min(to, en.ended[i]) {
			continue
		}
		en.ended[i] = en.now
		r.Ended = append(r.Ended, i)
		if v, ok := en.index[f.Service]; ok {
			en.afflict(v)
		}
	}
}

// dropExpired lets what has waited in vain be dropped from now on.
func (en *engine) dropExpired(s *service) {
	for k := range s.lanes {
		s.lanes[k].limit = min(s.lanes[k].limit, nanos(s.lanes[k].Expiry))
	}
	en.pump(s)
}

// throttle admits no more than a rate, which may grow, until a condition is so.
func (en *engine) throttle(s *service, d *scenario.Deed) {
	rate := float64(d.Rate)
	if d.Share > 0 {
		rate = d.Share * s.Full()
	}
	en.unthrottle(s.index)
	en.trickle(s, rate)
	en.operators.Throttled(s.index, d, rate, seconds(en.now))
}

// trickle sets the rate of what operators throttle. It counts by the second, and
// begins without; the instances of a split service have equal shares.
func (en *engine) trickle(s *service, rate float64) {
	n := max(1, float64(len(s.parts)))
	set := func(s *service) {
		if s.trickle == nil {
			s.trickle = &bucket{at: en.now}
		}
		b := s.trickle
		b.flow(en.now)
		b.rate, b.limit = rate/n*1e-9, max(1, rate/n)
	}
	set(s)
	for _, x := range s.parts {
		set(&en.services[x])
	}
}

// unthrottle lifts what operators throttle.
func (en *engine) unthrottle(v int32) {
	en.operators.Unthrottled(v)
	s := &en.services[v]
	s.trickle = nil
	for _, x := range s.parts {
		en.services[x].trickle = nil
		en.pump(&en.services[x])
	}
	en.pump(s)
}

// ease sets throttles that grow to their mean rate in the next two hundredth of the
// time that they take.
func (en *engine) ease() {
	for _, v := range en.operators.Easing() {
		h := max(1e-3, en.operators.RelaxesOver(v)/200)
		en.trickle(&en.services[v], en.operators.Relaxed(v, seconds(en.now), h))
		en.turnsAt(en.now + nanos(h))
	}
}

// reroute cuts, bypasses, fails over or mends a need. What is under way, with its
// retries, stays where it is.
func (en *engine) reroute(d *scenario.Deed) {
	to := en.index[d.To]
	for _, i := range en.services[en.index[d.From]].Out {
		e := &en.edges[i]
		if e.StandsIn || e.To != to {
			continue
		}
		e.barrier, e.route = noBarrier, i
		switch d.Verb {
		case scenario.Cut:
			e.barrier = cutOff
		case scenario.Bypass:
			e.barrier = bypassed
		case scenario.FailOver:
			for _, j := range e.standIns {
				if en.p.Services[en.edges[j].To].ID == d.Instead {
					e.route = j
				}
			}
		}
	}
}

// bar settles an attempt that is not sent.
func (en *engine) bar(e *edge, ci int32) {
	if e.barrier == bypassed {
		en.over(ci, true)
		return
	}
	en.calls.at(ci).late = true // nobody answered
	e.n.stopped++
	en.over(ci, false)
}
