package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// fleet is what changes of the instances of a service, where they come and go by
// themselves or are restarted. Replicas are numbers with a fraction.
type fleet struct {
	of       *plan.Fleet
	scale    mech.Autoscale
	serving  float64 // replicas that were launched and have not ended
	launches []launch
	turn     mech.Turnover
	back     mech.Return
	hand     mech.Hand
	waves    []wave
	whole    float64 // when the last of a restart, or of what came back, was back

	disabled bool    // the autoscaling does nothing
	short    bool    // fewer in service than there must be
	left     float64 // share of the replicas that faults leave
	faulted  bool    // they leave none
	refuses  bool    // the last such fault made it refuse
	starves  bool    // too few of its requests are answered well
	since    float64

	look              int64   // looks so far
	busy, there, time float64 // since the last look: busy replica-seconds, replica-seconds, seconds
}

// launch is replicas that serve from a time on.
type launch struct{ at, replicas float64 }

// wave is a share of the replicas that a restart takes away from one time to another.
type wave struct {
	from, to, share float64
	purge, begun    bool
}

// newFleets gives every service that needs it the state of its instances.
func (en *engine) newFleets() {
	restarted := map[string]bool{}
	for i := range en.sc.Actions {
		for j := range en.sc.Actions[i].Do {
			if d := &en.sc.Actions[i].Do[j]; d.Verb == scenario.Restart {
				restarted[d.Target] = true
			}
		}
	}
	for v := range en.m.servers {
		s := &en.m.servers[v]
		s.fleetShare = 1
		if s.of != nil { // an instance has its share of the service
			continue
		}
		of := s.Service.Fleet
		if of == nil && restarted[s.ID] {
			of = &plan.Fleet{Lifetime: math.Inf(1), Rate: math.Inf(1), Every: plan.AssumedLook}
		}
		if of != nil {
			s.fleet = newFleet(of, s.Replicas)
			en.fleets = append(en.fleets, int32(v))
		}
		if d := s.Service.Deferred; d != nil && en.timetable.outside[v] >= 0 {
			again := mech.NewDeferred(d.Share, d.UntilRecovery, d.Low, d.Spread)
			s.again = &again
			en.deferring = append(en.deferring, int32(v))
		}
	}
}

func newFleet(of *plan.Fleet, replicas float64) *fleet {
	f := &fleet{
		of: of, serving: replicas, scale: mech.NewAutoscale(of.Target, of.Min, of.Max, of.DownAfter, replicas),
		back: mech.NewReturn(of.Rate, of.Return), hand: mech.NewHand(of.After), whole: math.Inf(-1), left: 1,
	}
	if !math.IsInf(of.Lifetime, 1) {
		f.turn = mech.Turnover{Lifetime: of.Lifetime, Start: of.Start}
		f.serving = f.turn.Begin(replicas)
	}
	return f
}

func (f *fleet) copy(o *fleet) {
	launches, waves, turn := f.launches, f.waves, f.turn
	*f = *o
	f.launches, f.waves, f.turn = append(launches[:0], o.launches...), append(waves[:0], o.waves...), turn
	f.turn.Copy(&o.turn)
}

// out is the share of the replicas that waits for a restart or is being restarted.
func (f *fleet) out() float64 {
	out := f.hand.Waits
	for i := range f.waves {
		if f.waves[i].begun {
			out += f.waves[i].share
		}
	}
	if out > 1-1e-9 {
		return 1
	}
	return out
}

// gone reports whether, beside its faults, the service refuses what comes.
func (f *fleet) gone() bool {
	if f.short || f.refuses && f.back.Lost > 1-1e-9 {
		return true
	}
	return f.out() >= 1 && (f.hand.Waits > 0 || slices.ContainsFunc(f.waves, func(w wave) bool { return w.begun && w.purge }))
}

// missing is how many replicas are asked for and not launched.
func (f *fleet) missing() float64 {
	n := f.scale.Want - f.serving - f.turn.Starting()
	for i := range f.launches {
		n -= f.launches[i].replicas
	}
	return n
}

// looks reports whether there is anything to look at.
func (f *fleet) looks() bool {
	return f.of.Scales && !f.disabled || !math.IsInf(f.of.Lifetime, 1) && f.missing() > 1e-6*f.scale.Want
}

// nextLook is when it looks next.
func (f *fleet) nextLook() float64 { return float64(f.look+1) * f.of.Every }

// struck tells the fleet of a service what the faults of the moment leave of it, and
// makes the service refuse what comes while the fleet is gone.
func (en *engine) struck(s *server) {
	f := s.fleet
	left := s.capShare
	if s.down {
		left = 0
	}
	f.back.Struck(en.t, left)
	f.left = left
	if f.faulted = left <= 0; f.faulted {
		f.refuses = s.down || s.blackout >= 1
	}
	s.down = s.down || f.gone()
}

// manage makes happen what the fleets do at the present time, and reports whether
// anything did.
func (en *engine) manage() bool {
	happened := false
	for _, v := range en.fleets {
		s := &en.m.servers[v]
		f := s.fleet
		changed := en.restarts(v)
		for len(f.launches) > 0 && f.launches[0].at <= en.t+1e-9 {
			f.serving += f.launches[0].replicas
			f.launches = slices.Delete(f.launches, 0, 1)
			happened = true
		}
		if f.back.Due(en.t) {
			f.whole, changed = en.t, true
		}
		if f.of.ByHand {
			since := en.t
			if !f.faulted {
				since = f.since
			}
			f.hand.Note(since, f.faulted || f.starves)
			if f.hand.Due(en.t) {
				changed = true
				en.rec.waits(v, en.t)
			}
		}
		if f.nextLook() <= en.t+1e-9 {
			happened = en.looked(s) || happened
		}
		if n := f.of.AtLeast; n > 0 {
			left := float64(f.serving * f.left * (1 - f.back.Lost) * (1 - f.out()))
			if short := math.Floor(left+0.5+1e-9) < n; short != f.short {
				f.short, changed = short, true
			}
		}
		if changed {
			en.afflictAll(v)
			happened = true
		}
	}
	return happened
}

// looked is one look at a fleet: the autoscaling decides, and what is missing is
// launched as far as what that needs is there. It reports whether anything was done.
func (en *engine) looked(s *server) bool {
	f := s.fleet
	for f.nextLook() <= en.t+1e-9 {
		f.look++
	}
	busy, there, time := f.busy, f.there, f.time
	f.busy, f.there, f.time = 0, 0, 0
	if f.of.Scales && !f.disabled && there > 0 {
		f.scale.Look(en.t, there/time, busy/there)
	}
	missing := f.missing()
	switch {
	case missing > 1e-6*f.scale.Want:
		if f.of.Scales && f.disabled && math.IsInf(f.of.Lifetime, 1) {
			return false
		}
		if n := missing * f.of.Launchable(en.goodShare); n > 1e-9 {
			f.launches = append(f.launches, launch{en.t + f.of.Delay, n})
			return true
		}
	case missing < -1e-6*f.scale.Want:
		f.remove(-missing)
		return true
	}
	return false
}

// remove takes replicas away, those launched last that do not serve yet first.
func (f *fleet) remove(n float64) {
	for k := len(f.launches) - 1; k >= 0 && n > 0; k-- {
		m := min(n, f.launches[k].replicas)
		f.launches[k].replicas -= m
		n -= m
		if f.launches[k].replicas <= 0 {
			f.launches = f.launches[:k]
		}
	}
	f.serving = max(0, f.serving-n)
}

// goodShare is the share of its requests that a service answers well.
func (en *engine) goodShare(v int32) float64 {
	s := &en.m.servers[v]
	if s.down {
		return 0
	}
	return (1 - s.blackout) * (1 - s.watch.share)
}

// crew moves the replicas of a service through a step, and finds the share of its
// threads and capacity that is there in the mean of it.
func (en *engine) crew(s *server) {
	f := s.fleet
	mean := f.serving
	if !math.IsInf(f.of.Lifetime, 1) {
		f.serving, mean = f.turn.Play(en.t, en.h, f.serving, f.of.Launchable(en.goodShare))
	}
	lost := f.back.Play(en.t, en.h, f.serving)
	s.fleetShare = mean / s.Replicas * (1 - lost) * (1 - f.out())
}

// noteFleet adds a step to what the next look at a fleet sees. Busy is the share of the
// servers that were there, times seconds.
func (en *engine) noteFleet(s *server, busy float64) {
	f := s.fleet
	if s.down || s.blackout >= 1 || s.capShare <= 0 {
		return
	}
	if math.IsInf(s.Threads, 1) {
		if math.IsInf(s.Capacity, 1) {
			return
		}
		if c := s.manned(s.Capacity); c > 0 {
			busy = min(1, s.rateStart/c) * en.h
		}
	}
	n := s.Replicas * s.fleetShare
	f.busy += float64(busy * n)
	f.there += float64(float64(n*min(1, s.capShare)) * en.h)
	f.time += en.h
}

// observed tells the fleet of a service, and what is deferred there, how an observation
// ended.
func (en *engine) observed(s *server) {
	w := &s.watch
	if s.again != nil {
		s.again.Observe(w.since, en.t+en.h, w.good, w.bad)
	}
	f := s.fleet
	if f == nil || !f.of.ByHand {
		return
	}
	settled := w.good + max(0, w.bad-w.throttled)
	switch {
	case f.out() > 0 || f.back.Lost > 0 || w.since < f.whole-1e-9:
		f.starves = false
	case settled <= mech.Tiny || settled < float64(1e-3*s.Nominal)*(en.t+en.h-w.since): // too few to tell
	case w.good >= float64(mech.HandShare*settled):
		f.starves = false
	case !f.starves:
		f.starves, f.since = true, w.since
	}
}

// manned is how much of a number of threads, or of a capacity, the replicas that there
// are have.
func (s *server) manned(x float64) float64 {
	if s.fleetShare <= 0 {
		return 0
	}
	return x * s.fleetShare
}

// working is the number of replicas that serve.
func (s *server) working() float64 {
	if s.down {
		return 0
	}
	return s.manned(s.Replicas) * min(1, s.capShare)
}

// grown is how many replicas there are for each that is declared.
func (s *server) grown() float64 {
	if s.fleet == nil {
		return 1
	}
	return s.fleet.serving / s.Replicas
}

// automate switches the autoscaling of a service off and on. It begins with a new look.
func (en *engine) automate(s *server, on bool) {
	if f := s.fleet; f != nil {
		f.disabled = !on
		f.busy, f.there, f.time = 0, 0, 0
	}
}

// restart takes the replicas of a service away, wave after wave.
func (en *engine) restart(v int32, d *scenario.Deed) {
	f := en.m.servers[v].fleet
	n := max(1, d.Waves)
	for k := range n {
		from := en.t + float64(float64(k)*d.Every.Seconds())
		f.waves = append(f.waves, wave{from: from, to: from + d.Length.Seconds() + f.of.Return, share: 1 / float64(n), purge: d.Purge})
	}
}

// restarts begins and ends the waves of restarts that are due.
func (en *engine) restarts(v int32) (changed bool) {
	s := &en.m.servers[v]
	f := s.fleet
	before := len(f.waves)
	f.waves = slices.DeleteFunc(f.waves, func(w wave) bool { return w.begun && w.to <= en.t+1e-9 })
	if len(f.waves) < before {
		f.whole, changed = en.t, true
		f.starves = false
	}
	for i := range f.waves {
		w := &f.waves[i]
		if w.begun || w.from > en.t+1e-9 {
			continue
		}
		changed = true
		live := 1 - f.out()
		struck := w.share - f.hand.Heal(w.share) // the rest had nothing to lose
		if w.purge && w.share < 1 && struck > 1e-9 && live > 0 && !s.down {
			en.thin(s, min(1, struck/live))
		}
		w.begun = true
		if f.hand.Waits <= 0 {
			en.rec.healed(v, en.t)
		}
	}
	return changed
}

// thin loses a share of what waits at a service, except what a durable queue keeps. What
// is in service is finished.
func (en *engine) thin(s *server, share float64) {
	for k := range s.lanes {
		l := &s.lanes[k]
		at, ok := l.queue.Oldest()
		if l.Async || !ok {
			continue
		}
		s.bin.Expired += l.thin(share)
		for _, i := range l.Calls {
			e := &en.m.calls[i]
			clear(e.gone)
			e.flight.take(at, en.t, share, e.gone)
			total := sum(e.gone)
			e.bin.Errors += total
			s.bin.Refused += total
			en.failAtOnce(e)
		}
	}
}

// nextOfFleets is when something next changes, at the fleets or in what is deferred,
// and how long a step may be while they change little by little: by a hundredth.
func (en *engine) nextOfFleets() float64 {
	next := math.Inf(1)
	for _, v := range en.fleets {
		s := &en.m.servers[v]
		f := s.fleet
		for i := range f.waves {
			if w := &f.waves[i]; w.begun {
				next = min(next, w.to)
			} else {
				next = min(next, w.from)
			}
		}
		if len(f.launches) > 0 {
			next = min(next, f.launches[0].at)
		}
		if f.looks() {
			next = min(next, max(f.nextLook(), en.t))
		}
		next = min(next, f.back.Next(en.t, f.serving))
		if f.back.Lost > 0 && en.t >= f.back.From-1e-9 && f.of.Rate > 0 {
			next = min(next, en.t+max(en.base, 0.01*f.serving/f.of.Rate))
		}
		if f.of.ByHand {
			next = min(next, f.hand.Next())
		}
		if !math.IsInf(f.of.Lifetime, 1) && f.missing() > 1e-6*f.scale.Want {
			next = min(next, en.t+max(en.base, 0.01*f.of.Lifetime))
		}
	}
	for _, v := range en.deferring {
		e := &en.m.calls[en.timetable.outside[v]]
		slack := en.tolerance * e.scale()
		next = min(next, max(en.t+en.base, en.m.servers[v].again.Next(en.t+en.base, next, e.returning, slack)))
	}
	if next <= en.t+1e-9 { // it is due, and was looked at
		next = en.t + en.base
	}
	return next
}

// comeAgain is how many of the requests that failed before come in this step.
func (en *engine) comeAgain(e *call) float64 {
	s := &en.m.servers[e.To]
	if s.again == nil {
		return 0
	}
	m := e.luck.arrivals.Whole(s.again.Take(en.t + en.h))
	s.bin.Deferred += m
	e.returning = m / en.h
	return m
}

// withhold keeps what comes again of the requests from outside that failed for good in
// this step.
func (en *engine) withhold(e *call, failed float64) {
	if s := &en.m.servers[e.To]; s.again != nil {
		s.again.Fail(en.t, en.t+en.h, failed)
	}
}

// waits notes that a service waits for a restart from now on.
func (r *recorder) waits(v int32, t float64) {
	s := &r.result.Services[v]
	s.Hand = append(s.Hand, Span{t, math.Inf(1)})
}

// healed notes that it no longer does.
func (r *recorder) healed(v int32, t float64) {
	s := &r.result.Services[v]
	if n := len(s.Hand); n > 0 && math.IsInf(s.Hand[n-1].To, 1) {
		s.Hand[n-1].To = t
	}
}

// waited is the last time in a span at which a service waited for a restart; nil where
// it did not.
func (s *ServiceResult) waited(from, to float64) *Span {
	for i := len(s.Hand) - 1; i >= 0; i-- {
		if h := &s.Hand[i]; h.From < to && h.To > from {
			return h
		}
	}
	return nil
}

// handCause is that a service waits for a restart, because of the fault that struck it,
// or the need that failed it most before it did.
func (x *explanation) handCause(s *ServiceResult, from, to float64) Cause {
	c := Cause{Kind: HandCause, Fault: -1, Load: -1}
	since := s.waited(from, to).From
	if i := x.fault(s.ID, from, since+1); i >= 0 {
		f := x.faultCause(i)
		f.Service, f.From, f.To, f.State, f.Share = s.ID, from, since, Down, 1
		c.Because = []Cause{f}
		return c
	}
	most := 0.0
	for i := range x.r.Needs {
		n := &x.r.Needs[i]
		lost := 0.0
		if n.Service == s.ID && !n.Async {
			x.bins(from-1, since, func(j int) { lost += n.Bins[j].Lost })
		}
		if lost > most {
			most = lost
			c.Because = []Cause{{Service: s.ID, From: from, To: since, State: Down, Kind: NeedCause, Share: 1, Fault: -1, Load: -1, Target: n.Target, Because: x.target(n.Target, from-1, since)}}
		}
	}
	return c
}

// since is the cause, with the time of its own where it is a wait for a restart.
func (c Cause) since(s *ServiceResult) Cause {
	if c.Kind == HandCause {
		h := s.waited(c.From, c.To)
		c.From, c.To = h.From, h.To
	}
	return c
}
