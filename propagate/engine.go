package propagate

import (
	"context"
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/scenario"
)

// engine plays a model. One step of it, of length h, goes
//
//  1. give up: attempts whose time-out falls into the step, or, in a long step, into
//     the first part of it: later ones may still be answered before;
//  2. down, callers before targets: what is due is sent, taken in or rejected, and
//     starts;
//  3. up, targets before callers: what is finished is answered.
//
// Within a step every flow is even. What is shorter than a step is inside it, in
// closed form; what is longer is kept as mass by the time at which it was sent. So
// a step may be of any length while nothing changes, and the engine takes long ones
// then: see step.
type engine struct {
	m    *model
	c    *catalog.Catalog
	sc   *scenario.Scenario
	t, h float64
	// before is the length of the last step that was kept; 0 at the beginning.
	before float64

	tolerance float64
	chance    bool    // flows are drawn; see chance.go
	base      float64 // longest step while rates change of calls that are given up soonest; see call.base
	few       bool    // by chance, and so few requests decide that no step is long
	between   bool    // what fails now does so between two steps, see failAtOnce
	onCredit  bool    // what runs against the order is handed over ahead in this step
	observe   float64 // seconds over which the state of a service is judged

	instant     float64 // seconds in which what happens at once is played, see sharpLeases
	noRetries   []bool  // by target
	timetable   timetable
	checks      healthChecks
	operators   operators
	segments    []mech.Segment
	chances     []float64
	shadow      shadow
	rec         recorder
	steps       Steps
	balance     float64
	fleets      []int32   // services whose instances come and go
	deferring   []int32   // services of which what failed comes again
	frozenBy    [][]int32 // services needed to start, scale or change
	freshNeeds  [][]freshNeed
	queuedNeeds [][]queuedNeed
	deadSince   []float64 // by service, when it was last there; nil where nobody asks
}

type freshNeed struct {
	target int32
	within float64
	fails  bool // without it requests are answered with errors
}

// shadow is the state before a step that may have to be taken again.
type shadow struct {
	calls   []callState
	servers []serverState
	lanes   []laneState
	leases  []leaseState
	before  float64
}

type laneState struct{ queue, count, started mech.Queue }

func newEngine(c *catalog.Catalog, m *model, sc *scenario.Scenario, opt Options) *engine {
	en := &engine{m: m, c: c, sc: sc, tolerance: opt.Tolerance}
	if en.tolerance <= 0 {
		en.tolerance = DefaultTolerance
	}
	en.noRetries = make([]bool, len(m.servers))
	shortest := math.Inf(1)
	for i := range m.calls {
		e := &m.calls[i]
		e.lostSince = math.Inf(1)
		e.each, e.stay = e.PerRequest, m.servers[e.To].Latency
		if !math.IsInf(e.Timeout, 1) {
			shortest = min(shortest, e.Timeout)
		}
	}
	for v := range m.servers {
		m.servers[v].legs = make([]leg, len(m.servers[v].Stages))
		for k := range m.servers[v].legs {
			m.servers[v].legs[k].success = 1
		}
	}
	horizon := sc.Horizon.Seconds()
	en.base = min(en.tolerance*shortest, horizon/500)
	if math.IsInf(shortest, 1) {
		en.base = min(horizon/2000, 1)
	}
	base := en.base
	for i := range m.calls {
		for _, p := range m.calls[i].Pauses {
			if mean := p.Low + float64(0.5*p.Spread); mean > 0 {
				en.base = min(en.base, max(mean/2, base/8))
			}
		}
	}
	en.base = en.fillCaches(en.base)
	if opt.Stochastic {
		en.byChance(opt.Seed)
	}
	en.base = max(en.base, horizon/1e8) // a bound on work, far from what matters
	en.bases(horizon)
	en.observe = min(max(1, en.base), horizon/100)
	en.beginLeases()
	en.timetable = newTimetable(c, m, sc, en)
	en.checks = newHealthChecks(m)
	en.newFleets()
	en.operators = newOperators(m.Plan, sc, en, en.observe)
	en.shadow.init(m)
	en.quiet()
	en.awaitFresh()
	return en
}

// bases finds for every call how long a step may be while its rates change: a share of
// its time-out, or of that of those who wait for its caller, where one is shorter, as the
// base step is of the shortest of all; and not so long that the threads of its caller
// fill unseen. What else a change does to others shows in their own rates.
func (en *engine) bases(horizon float64) {
	m := en.m
	waits := make([]float64, len(m.servers)) // of who waits for a service, seconds
	for v := range waits {
		waits[v] = math.Inf(1)
		if s := &m.servers[v]; s.Threads < math.Inf(1) && !s.Leaf {
			waits[v] = float64(fillShare*s.Threads) / max(float64(en.tolerance*s.Nominal), mech.Tiny)
		}
	}
	for _, v := range m.Order {
		for _, i := range m.servers[v].In {
			e := &m.calls[i]
			if e.Async {
				continue
			}
			waits[v] = min(waits[v], e.Timeout)
			if e.From >= 0 {
				waits[v] = min(waits[v], waits[m.whose(e.From)])
			}
		}
	}
	for i := range m.calls {
		e := &m.calls[i]
		e.base = en.base
		to := &m.servers[e.To]
		e.atTarget = weighty * to.Nominal
		if to.Leaf || math.IsInf(to.Threads, 1) {
			e.atTarget = weighty * min(to.Full(), 100*to.Nominal)
		}
		if to.Throttled {
			e.atTarget = min(e.atTarget, weighty*to.Rate)
		}
		if e.From >= 0 {
			e.atCaller = weighty * m.servers[e.From].Nominal
		}
		if en.few || math.IsInf(e.Timeout, 1) {
			continue
		}
		e.base = float64(en.tolerance * e.Timeout)
		if e.From >= 0 && !e.Async {
			e.base = min(e.base, float64(en.tolerance*waits[m.whose(e.From)]))
		}
		for _, p := range e.Pauses {
			if mean := p.Low + float64(0.5*p.Spread); mean > 0 {
				e.base = min(e.base, mean/2)
			}
		}
		if e.cache != nil {
			e.base = min(e.base, e.cache.Shortest())
		}
		e.base = max(en.base, min(e.base, horizon/500))
	}
}

// moved is how much a rate changed from the step before to one of length h, beyond what
// chance alone makes of it.
func (en *engine) moved(now, then, h float64) float64 {
	d := math.Abs(now - then)
	if en.chance {
		d -= float64(byLuck * math.Sqrt(now/h+then/max(en.before, 1e-9)))
	}
	return max(0, d)
}

// atTarget is the rate beside which changes of what is sent are small: to the target, and
// to a caller that has not got all that it could do with.
func (en *engine) atTarget(e *call) float64 {
	rate := e.atTarget
	if en.m.servers[e.To].easy {
		rate = math.Inf(1)
	}
	if e.From >= 0 && !en.m.servers[e.From].easy {
		rate = min(rate, e.atCaller)
	}
	return rate
}

// weighty is the part of what a service can do, or is asked for, beside which the change
// of one call is judged.
const weighty = 0.25

// fillShare is how much of the threads of a service may fill in a step, at its usual load,
// while its calls change.
const fillShare = 0.1

func (s *shadow) init(m *model) {
	s.calls = make([]callState, len(m.calls))
	s.servers = make([]serverState, len(m.servers))
	for i := range m.calls {
		e := &m.calls[i]
		c := &s.calls[i]
		n := len(e.Pauses) + 1
		c.classes = newClasses(n)
		c.flight.n = n
		c.lines = make([]mech.Line, n-1)
		if e.breaker != nil {
			c.breaker = new(mech.Breaker)
		}
		if e.adaptive != nil {
			c.adaptive = new(mech.Adaptive)
		}
		if e.limit != nil {
			c.limit = new(mech.Bucket)
		}
		if e.cache != nil {
			c.cache = new(mech.Cache)
		}
	}
	for v := range m.servers {
		for range m.servers[v].lanes {
			s.lanes = append(s.lanes, laneState{})
		}
	}
}

// save keeps the state so that a step can be taken again.
func (en *engine) save() {
	s := &en.shadow
	for i := range en.m.calls {
		s.calls[i].copy(&en.m.calls[i].callState)
	}
	k := 0
	for v := range en.m.servers {
		sv := &en.m.servers[v]
		s.servers[v].copy(&sv.serverState)
		for j := range sv.lanes {
			s.lanes[k].queue.Copy(&sv.lanes[j].queue)
			s.lanes[k].count.Copy(&sv.lanes[j].count)
			s.lanes[k].started.Copy(&sv.lanes[j].started)
			k++
		}
	}
	for i := range en.m.leases {
		s.leases[i].copy(&en.m.leases[i].leaseState)
	}
	s.before = en.before
}

// restore goes back to the state that was kept.
func (en *engine) restore() {
	s := &en.shadow
	for i := range en.m.calls {
		en.m.calls[i].callState.copy(&s.calls[i])
	}
	k := 0
	for v := range en.m.servers {
		sv := &en.m.servers[v]
		sv.serverState.copy(&s.servers[v])
		for j := range sv.lanes {
			sv.lanes[j].queue.Copy(&s.lanes[k].queue)
			sv.lanes[j].count.Copy(&s.lanes[k].count)
			sv.lanes[j].started.Copy(&s.lanes[k].started)
			k++
		}
	}
	for i := range en.m.leases {
		en.m.leases[i].leaseState.copy(&s.leases[i])
	}
	en.before = s.before
}

// run plays to the horizon or until the context is cancelled.
func (en *engine) run(ctx context.Context, progress func(float64)) error {
	horizon := en.sc.Horizon.Seconds()
	const eps = 1e-9
	en.rec.begin(en)
	grown := 0.0 // the next step that the controller would like
	wary := 0    // steps for which no longer one is tried than fits, after one was refused
	refused := 0 // long steps refused in a row
	fit := 0.0
	en.steps.Base = en.base
	en.steps.Shortest = math.Inf(1)
	for n := 0; en.t < horizon-eps; n++ {
		if n%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if progress != nil {
				progress(en.t / horizon)
			}
		}
		if en.timetable.due(en) {
			grown = 0
		}
		if en.manage() {
			grown = 0
		}
		if wary > 0 {
			wary--
			grown = min(grown, fit)
		}
		if en.few {
			grown = 0
		}
		h := max(en.base, grown)
		edge := min(en.timetable.next(en.t), en.operators.next(en.t), en.checks.next(en), en.nextOfFleets(), en.sharpLeases(), en.rec.next(en.t), horizon)
		if h > en.base {
			h = min(h, en.horizonOfLines(h))
		}
		h = min(h, edge-en.t)
		if rest := edge - en.t - h; rest > 0 && rest < 0.5*h {
			h = (edge - en.t) / 2 // no slivers
		}
		if h < eps {
			h = edge - en.t
		}
		long := h > en.base*(1+1e-9)
		if long {
			en.save()
		}
		en.lookAge()
		en.lookFresh()
		p := en.step(h)
		if long {
			refused = max(0, refused-1)
		}
		for tries := 0; h > p.fit*(1+1e-9); tries++ {
			en.restore()
			en.steps.Refused++
			fit = p.fit
			if tries == 0 {
				refused = min(refused+2, mostWary)
				wary = 1 << refused
				h = max(fit, h/8)
			} else {
				h = fit
			}
			p = en.step(h)
		}
		turned := false
		for ; long && h > en.granularity()*(1+1e-9) && en.turns(); turned = true {
			en.restore() // when something turns is known to an observation
			en.steps.Refused++
			h = max(en.granularity(), h/2)
			p = en.step(h)
		}
		en.steps.Taken++
		en.steps.Shortest = min(en.steps.Shortest, h)
		en.steps.Longest = max(en.steps.Longest, h)
		if wary > 0 {
			fit = max(fit, h)
		}
		grown = max(h, grown)
		grown = min(max(grown, min(2*grown, p.hold)), p.reset)
		if turned {
			grown = h
		}
		en.before = h
		en.rec.hold(en, h)
		en.t += h
		if edge-en.t < eps {
			en.t = edge
		}
		if en.checks.look(en) {
			grown = 0
		}
		en.operators.readSignals(en.t-h, en.t)
		if en.rec.due(en.t) {
			en.operators.carry(false)
			en.rec.close(en)
			en.operators.carry(true)
		}
	}
	en.rec.finish(en)
	return nil
}

// horizonOfLines shortens a long step to the next time at which something that
// waits comes due at another rate.
func (en *engine) horizonOfLines(h float64) float64 {
	until := en.t + h
	for i := range en.m.calls {
		e := &en.m.calls[i]
		slack := en.tolerance * e.scale()
		for k := range e.lines {
			until = e.lines[k].Next(en.t+e.base, until, e.lineRate[k+1], slack)
		}
		if !math.IsInf(e.Timeout, 1) && e.flight.total > 0 {
			until = e.flight.next(en.t, e.base, until, e.Timeout, e.rateLate, slack, e.unanswered())
		}
		if e.cache != nil {
			few := en.tolerance * max(e.scale(), min(en.atTarget(e), e.atCaller))
			until = e.cache.Next(en.t, e.base, until, few)
			if !e.cache.Even(few) {
				until = min(until, en.t+max(e.base, 2*float64(e.cache.Shortest())))
			}
		}
		if e.breaker != nil {
			if n := e.breaker.Next(); !math.IsInf(n, 1) {
				until = min(until, max(n, en.t+en.base))
			} else if e.breaker.State == mech.HalfOpen || e.breaker.Trips(e.rateGood, e.rateLost, min(until, en.sc.Horizon.Seconds())-en.t) {
				until = min(until, en.t+en.base)
			}
		}
		// Attempts that nobody answers any more run out, where none ran out before.
		if age := e.flight.age(en.t); age > e.age+float64(0.5*en.before) {
			if n := en.t - age + e.Timeout; n > en.t+e.base {
				until = min(until, n)
			}
		}
	}
	for v := range en.m.servers {
		until = min(until, en.t+en.horizonOfQueue(&en.m.servers[v], until-en.t))
	}
	until = en.checks.horizon(en, until)
	until = en.horizonOfLeases(until)
	return max(en.base, until-en.t)
}

// horizonOfQueue shortens a long step to the time at which the age of a queue comes
// near the time-out of those who wait in it, from either side: there a small change
// of the age changes who is answered in time.
func (en *engine) horizonOfQueue(s *server, h float64) float64 {
	for k := range s.lanes {
		l := &s.lanes[k]
		at, ok := l.queue.Oldest()
		age := 0.0
		if ok {
			age = en.t - at
		}
		speed := 0.0
		if en.before > 0 {
			speed = (age - l.age) / en.before
		}
		if math.Abs(speed) < 1e-3 {
			continue
		}
		zone := float64(8*s.Time*s.slow) + en.base
		for _, i := range l.Calls {
			limit := min(en.m.calls[i].Timeout, l.Limit)
			if math.IsInf(limit, 1) {
				continue
			}
			switch away := limit - zone - age; {
			case away > 0 && speed > 0:
				h = min(h, away/speed)
			case away > 0:
			case age > limit && speed < 0:
				h = min(h, (age-limit)/-speed)
			case age > limit:
			default:
				h = min(h, en.base)
			}
		}
	}
	return h
}

// lookAge notes the ages of the queues before a step, for the speed at which they
// change.
func (en *engine) lookAge() {
	for i := range en.m.calls {
		e := &en.m.calls[i]
		e.age = e.flight.age(en.t)
	}
	for v := range en.m.servers {
		s := &en.m.servers[v]
		for k := range s.lanes {
			l := &s.lanes[k]
			l.age = 0
			if at, ok := l.queue.Oldest(); ok {
				l.age = en.t - at
			}
		}
	}
}

// pace is how long steps may be, by how much the rates of calls changed in one against
// the step before, as a share of what is usual for them.
type pace struct {
	fit   float64 // the longest in which none would have changed by more than twice the tolerance
	reset float64 // the next one at most, where some changed by more than the tolerance
	hold  float64 // the next one at most, where some changed by more than a quarter of it, if it is to be longer
}

// mostWary is the greatest power of two of the steps for which long ones are not tried.
const mostWary = 5

// step plays one step.
func (en *engine) step(h float64) pace {
	en.h = h
	en.onCredit = !en.few
	en.ease(h)
	en.openLeases()
	for i := range en.m.calls {
		e := &en.m.calls[i]
		en.giveUp(e, en.t+min(h, en.base)-e.Timeout)
	}
	for _, v := range en.m.Order {
		en.downward(v)
	}
	for i := len(en.m.Order) - 1; i >= 0; i-- {
		en.upward(en.m.Order[i])
	}
	en.closeLeases()
	p := pace{math.Inf(1), math.Inf(1), math.Inf(1)}
	for i := range en.m.calls {
		e := &en.m.calls[i]
		sent, good := e.sent/h, e.stepGood/h
		lost := e.stepLost / h
		scale := max(e.scale(), sent, lost)
		among := max(scale, e.atCaller)
		atTarget := en.atTarget(e)
		if lost == 0 && e.rateLost == 0 { // answers follow what is sent
			among = max(among, atTarget)
		}
		moved := func(now, then float64) float64 { return en.moved(now, then, h) }
		switch change := max(moved(sent, e.rateSent)/max(scale, atTarget), max(moved(good, e.rateGood), moved(lost, e.rateLost))/among); {
		case change > 2*en.tolerance:
			p.fit, p.reset = min(p.fit, e.base), min(p.reset, max(e.base, h/8))
		case change >= en.tolerance:
			p.reset = min(p.reset, max(e.base, h/4))
		case change >= 0.25*en.tolerance:
			p.hold = min(p.hold, e.base)
		}
		e.rateSent, e.rateGood, e.rateLost, e.rateLate = sent, good, lost, e.stepLate/h
		e.stepLost, e.stepLate = 0, 0
		if e.From < 0 {
			e.good.all()
			e.bad.all()
		}
	}
	return p
}
