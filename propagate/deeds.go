package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// barrier is what operators do to the calls of a need.
type barrier uint8

const (
	noBarrier barrier = iota
	cutOff            // not sent, and failed
	bypassed          // not sent, and answered
)

// do is one deed of the operators, and tells the result of its action what it ended.
func (en *engine) do(d *scenario.Deed, r *ActionResult) {
	o := &en.operators
	switch d.Verb {
	case scenario.Restore, scenario.RollBack:
		en.end(d.Target, r)
		return
	case scenario.Cut, scenario.Bypass, scenario.FailOver, scenario.Mend:
		en.reroute(d)
		return
	case scenario.Drain, scenario.Undrain:
		en.drain(d.Target, d.Zone, d.Verb == scenario.Drain)
		return
	case scenario.Disable, scenario.Enable:
		off := d.Verb == scenario.Disable
		if !d.Autoscale {
			en.disable(d.Target, off, d.PutBack)
		} else if v, ok := o.index[d.Target]; ok {
			en.automate(&en.m.servers[v], !off)
		}
		return
	case scenario.Pace:
		en.setPace(d.Target, float64(d.Rate))
		return
	case scenario.Unpace:
		en.setPace(d.Target, math.Inf(1))
		return
	case scenario.Pause, scenario.Resume:
		en.pauseLease(d.Target, d.Verb == scenario.Pause)
		return
	}
	v, ok := o.index[d.Target]
	if !ok {
		return
	}
	w, s := &o.orders[v], &en.m.servers[v]
	switch d.Verb {
	case scenario.Purge:
		en.purge(s)
		for _, x := range s.instances {
			en.purge(&en.m.servers[x])
		}
	case scenario.Throttle:
		en.throttle(v, d)
	case scenario.Unthrottle:
		en.unthrottle(v)
	case scenario.StopRetries:
		en.noRetries[v] = true
	case scenario.LetRetry:
		en.noRetries[v] = false
	case scenario.SetCapacity:
		w.share = d.Share
		en.afflictAll(v)
	case scenario.Restart:
		en.restart(v, d)
	case scenario.Shed:
		w.class = d.Class
	case scenario.Unshed:
		w.class = math.MaxInt64
	case scenario.DropExpired:
		s.dropExpired()
		for _, x := range s.instances {
			en.m.servers[x].dropExpired()
		}
	}
}

// end ends a fault that has begun.
func (en *engine) end(id string, r *ActionResult) {
	for i := range en.sc.Faults {
		f := &en.sc.Faults[i]
		if f.ID != id || f.At.Seconds() > en.t+1e-9 || en.t >= en.timetable.over(i)-1e-9 {
			continue
		}
		en.timetable.ended[i] = en.t
		r.Ended = append(r.Ended, i)
		if v, ok := en.operators.index[f.Service]; ok {
			en.afflictAll(v)
		}
	}
}

// dropExpired lets what has waited in vain be dropped from now on.
func (s *server) dropExpired() {
	for k := range s.lanes {
		s.lanes[k].Limit = min(s.lanes[k].Limit, s.lanes[k].Expiry)
	}
}

// purge throws away what waits at a service.
func (en *engine) purge(s *server) {
	for k := range s.lanes {
		l := &s.lanes[k]
		s.bin.Expired += l.clear()
		for _, i := range l.Calls {
			e := &en.m.calls[i]
			if !math.IsInf(e.Timeout, 1) || !s.Leaf {
				continue // they learn of it by time-out
			}
			clear(e.gone)
			e.flight.clear(e.gone)
			en.over(e, sum(e.gone))
		}
	}
}

// throttle admits no more than a rate, which may grow, until a condition is so.
func (en *engine) throttle(v int32, d *scenario.Deed) {
	o := &en.operators
	en.unthrottle(v)
	s := &en.m.servers[v]
	rate := float64(d.Rate)
	if d.Share > 0 {
		rate = d.Share * s.Full()
	}
	s.trickle = &mech.Bucket{Rate: rate}
	o.throttled(&s.Service, v, d, rate, en.t)
}

// throttled notes how a throttle of a service at so many requests per second will end.
func (o *operators) throttled(s *plan.Service, v int32, d *scenario.Deed, rate, t float64) {
	w := &o.orders[v]
	if d.Relax > 0 {
		full := s.Full()
		if math.IsInf(full, 1) { // there is no capacity to grow to
			full = max(rate, s.Nominal)
		}
		w.relaxes = true
		w.relax = mech.Relaxing{At: t, Over: d.Relax.Seconds(), Low: rate, High: full}
		o.easing = append(o.easing, v)
	}
	if g, ok := o.untils[d]; ok {
		w.until = g
		o.lifting = append(o.lifting, v)
	}
}

// unthrottled forgets how a throttle was to end.
func (o *operators) unthrottled(v int32) {
	is := func(u int32) bool { return u == v }
	o.easing, o.lifting = slices.DeleteFunc(o.easing, is), slices.DeleteFunc(o.lifting, is)
	o.orders[v].relaxes, o.orders[v].until = false, -1
}

// unthrottle lifts what operators throttle.
func (en *engine) unthrottle(v int32) {
	en.operators.unthrottled(v)
	en.m.servers[v].trickle = nil
}

// ease sets throttles that grow to their mean rate in a step.
func (en *engine) ease(h float64) {
	for _, v := range en.operators.easing {
		en.m.servers[v].trickle.Rate = en.operators.orders[v].relax.Rate(en.t, h)
	}
}

// reroute cuts, bypasses, fails over or mends a need. What is under way, with its
// retries, stays where it is.
func (en *engine) reroute(d *scenario.Deed) {
	from, to := en.operators.index[d.From], en.operators.index[d.To]
	en.rerouteOf(&en.m.servers[from], to, d)
	for _, v := range en.m.servers[from].instances {
		en.rerouteOf(&en.m.servers[v], to, d)
	}
}

// rerouteOf is reroute for the calls of one server.
func (en *engine) rerouteOf(s *server, to int32, d *scenario.Deed) {
	for _, i := range s.Out {
		e := &en.m.calls[i]
		if e.StandsIn || e.To != to {
			continue
		}
		e.barrier = noBarrier
		route := i
		switch d.Verb {
		case scenario.Cut:
			e.barrier = cutOff
		case scenario.Bypass:
			e.barrier = bypassed
		case scenario.FailOver:
			for _, j := range e.standIns {
				if en.m.servers[en.m.calls[j].To].ID == d.Instead {
					route = j
				}
			}
		}
		if route != e.route { // what is to begin goes along
			was, now := &en.m.calls[e.route], &en.m.calls[route]
			now.fresh, was.fresh = was.fresh, handoff{}
			now.hint, was.hint = was.hint, 0
			e.route = route
		}
	}
}

// via is the call by which a need is served now: itself, or one that stands in.
func (en *engine) via(e *call) *call { return &en.m.calls[e.route] }

// home is the call that one stands in for, or itself. The caller hears of all of them
// there.
func (en *engine) home(e *call) *call { return &en.m.calls[e.home] }

// underAll is the calls under way of a need, with those of what stands in.
func (en *engine) underAll(e *call) float64 {
	m := e.under()
	for _, j := range e.standIns {
		m += en.m.calls[j].under()
	}
	return m
}

// holdingAll is the calls of a need that hold a thread, with those of what stands in.
func (en *engine) holdingAll(e *call) float64 {
	m := e.holding()
	for _, j := range e.standIns {
		m += en.m.calls[j].holding()
	}
	return m
}

// bar settles calls that are not sent.
func (en *engine) bar(e *call) {
	m := e.sent
	clear(e.attempts)
	e.sent = 0
	if m <= 0 {
		return
	}
	if e.barrier == cutOff {
		e.bin.Stopped += m
		en.over(e, m)
		return
	}
	e.ended += m // and no attempt was answered
	en.home(e).good.put(m)
}

// usualLevel asks leaseLevel for the count of a lease.
const usualLevel = scenario.Measure(math.MaxUint8)

// leaseLevel is a measure of a lease at the present.
func (en *engine) leaseLevel(id string, m scenario.Measure) float64 {
	l := en.lease(id)
	if l == nil {
		return math.NaN()
	}
	switch m {
	case usualLevel:
		return l.Count
	case scenario.Held:
		return l.holders.Mass()
	case scenario.HeldShare:
		return l.holders.Mass() / l.Count
	case scenario.Regrants:
		return sum(l.rate)
	}
	return math.NaN()
}
