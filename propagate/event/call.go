package event

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// edge is one need, or load from outside, as this engine plays it.
type edge struct {
	*plan.Call
	name     string
	barrier        // what operators do to it
	home     int32 // the edge that it stands in for, or itself
	route    int32 // the edge that stands in for it now, or itself
	standIns []int32
	timeout  int64 // of an attempt, nanoseconds; never without
	deadline int64 // after the first attempt
	stale    int64 // how long an answer is good for
	attempts int32 // at most
	due      row   // time-outs of attempts, in order
	fallback uint8 // of the stage that stands in for it, among those of its service

	memory *memory // nil without

	number  stream // how many calls a request makes
	process stream // which process of the caller makes one
	jitter  stream // of pauses
	local   stream // what a client throttle lets through

	processes int // clients, of which each has its own of what follows
	budget    budgetPolicy
	budgets   []budget // nil without, and so of the others
	breaker   breakerPolicy
	breakers  []breaker
	buckets   []bucket // client throttles by rate
	adaptive  adaptivePolicy
	windows   []window
	bulkhead  int32
	inside    []int32 // calls under way, by process, of a bulkhead
	active    []active

	under    int64   // calls under way
	good     float64 // share of calls that ended well lately
	lastGood int64   // when one last did
	n        callCounts
	shut     level[int] // breakers that are not closed
}

// active is what an active budget counts in one process.
type active struct{ calls, retries int32 }

// begin makes the edge of a call of the plan. Names tell calls of the same two services
// apart by their order, which does not change with other services.
func (e *edge) begin(p *plan.Plan, i int32, seed uint64, seen map[string]int) {
	c := &p.Calls[i]
	e.Call = c
	to := p.Services[c.To].ID
	from := ""
	if c.From >= 0 {
		from = p.Services[c.From].ID
	}
	pair := from + " -> " + to
	e.name = pair
	if n := seen[pair]; n > 0 {
		e.name = fmt.Sprintf("%s #%d", pair, n+1)
	}
	seen[pair]++
	e.home, e.route = i, i
	if c.Lease >= 0 {
		l := &p.Leases[c.Lease]
		if e.name = "renewals of " + l.ID; l.Regrant == i {
			e.name = "regrants of " + l.ID
		}
	}
	e.number = newStream(seed, "calls per request", e.name)
	e.process = newStream(seed, "client", e.name)
	e.jitter = newStream(seed, "pause", e.name)
	e.local = newStream(seed, "client throttle", e.name)

	e.timeout, e.deadline, e.stale = nanos(c.Timeout), nanos(c.Deadline), nanos(c.Stale)
	e.attempts = int32(len(c.Pauses) + 1)
	if c.Lease >= 0 {
		e.attempts = 1 // its holder asks again, see decided
	}
	e.good = 1
	e.processes = int(max(1, min(1<<20, math.Round(c.Clients))))
	n := c.Need
	if n == nil {
		return
	}
	// Attempts beyond those that the plan tells apart are made all the same.
	if q := p.Services[c.To].Decl.Queue; c.Async && q != nil && q.MaxReceives.IsStated() {
		e.attempts = int32(q.MaxReceives.V)
	} else if n.Retry != nil {
		e.attempts = int32(n.Retry.Attempts.Or(plan.AssumedAttempts))
	}
	var budgeted *policy.RetryBudget
	if n.Retry != nil {
		budgeted = n.Retry.Budget
	}
	e.budget = newBudgetPolicy(budgeted, c.Nominal/c.Clients)
	if e.budget.kind == policy.ActiveBudget {
		e.active = make([]active, e.processes)
	} else if e.budget.kind != policy.NoBudget {
		e.budgets = make([]budget, e.processes)
		for k := range e.budgets {
			e.budgets[k].tokens = e.budget.limit
		}
	}
	if n.Breaker != nil {
		e.breaker = newBreakerPolicy(n.Breaker)
		e.breakers = make([]breaker, e.processes)
	}
	if b := n.Bulkhead; b != nil && b.Concurrent.IsStated() {
		e.bulkhead = int32(min(b.Concurrent.V, math.MaxInt32))
		e.inside = make([]int32, e.processes)
	}
	switch l := n.Limit; {
	case l == nil:
	case l.K.IsStated():
		e.adaptive = adaptivePolicy{k: l.K.V, slot: nanos(max(0.1, l.Window.Or(unit.Duration(120e9)).Seconds())) / windowSlots}
		e.windows = make([]window, e.processes)
	case l.Rate.IsStated():
		e.buckets = make([]bucket, e.processes)
		for k := range e.buckets {
			e.buckets[k] = newBucket(float64(l.Rate.V), l.Burst)
		}
	}
}

// dealt reports whether it matters which process makes a call.
func (e *edge) dealt() bool {
	return e.processes > 1 && (e.budgets != nil || e.breakers != nil || e.inside != nil || e.windows != nil || e.buckets != nil || e.active != nil)
}

// soft reports whether the caller goes on without an answer.
func (e *edge) soft() bool { return e.Loss != catalog.Fail }

// enough reports whether a request goes on after a call of it failed.
func (e *edge) enough(now int64) bool {
	switch e.Loss {
	case catalog.Fail, catalog.Fallback:
		return false
	case catalog.Stale:
		return e.stale == never || now-e.lastGood < e.stale
	}
	return true
}

// pause is how long to wait before the next attempt after so many.
func (e *edge) pause(attempt int32) int64 {
	if e.Async && len(e.Pauses) > 0 && int(attempt) > len(e.Pauses) {
		attempt = int32(len(e.Pauses)) // of a visibility, all are alike
	}
	var low, spread float64
	if k := int(attempt) - 1; k < len(e.Pauses) {
		low, spread = e.Pauses[k].Low, e.Pauses[k].Spread
	} else {
		low, spread = mech.Pause(e.Need.Retry, int(attempt))
	}
	if spread > 0 {
		low += float64(spread * e.jitter.share())
	}
	return nanos(low)
}

// call is a call of one request for one need, with all its attempts. It outlives its
// caller, if that dies, by no more than the attempt under way.
type call struct {
	edge    int32  // none: nobody is in this place
	parent  int32  // the visit that makes it; none: the outside, or handed over
	leg     uint32 // the mark of the parent when it made it
	mark    uint32 // changes with every attempt, and with who is in this place
	visit   int32  // of the attempt under way, at the target; none: nobody will answer
	process int32  // of the caller
	holder  int32  // of a lease, who sends this message
	key     int32  // that it fetches for a cache; none without
	attempt int32  // number of the last
	price   int32  // of the last, of a quota
	turn    uint32 // of the breaker, when the last was sent
	sent    bool   // an attempt is under way
	again   bool   // it counts as an active retry
	late    bool   // its last attempt was not answered: it ran into its time-out, or was not sent
	first   int64  // when it began
}

// begin makes a call. When it returns, the call may be over and its caller as well.
func (en *engine) begin(i, parent int32, leg uint32, key int32) {
	i = en.edges[i].route
	e := &en.edges[i]
	e.n.calls++
	e.under++
	ci := en.calls.take()
	c := en.calls.at(ci)
	*c = call{edge: i, parent: parent, leg: leg, mark: c.mark + 1, visit: none, first: en.now, key: key}
	if e.dealt() {
		c.process = en.processOf(e, parent)
	}
	if e.budgets != nil {
		e.budget.begun(&e.budgets[c.process], en.now)
	}
	if e.active != nil {
		e.active[c.process].calls++
	}
	if e.inside != nil {
		if e.inside[c.process] >= e.bulkhead {
			e.inside[c.process]++ // over takes it off
			e.n.stopped++
			c.late = true // nobody answered
			en.over(ci, false)
			return
		}
		e.inside[c.process]++
	}
	en.attempt(ci)
}

// attempt sends attempts until one is under way, a pause begins or the call is over.
func (en *engine) attempt(ci int32) {
	c := en.calls.at(ci)
	e := &en.edges[c.edge]
	s := &en.services[e.To]
	for {
		c.attempt++
		c.mark++
		if e.barrier != noBarrier {
			en.bar(e, ci)
			return
		}
		if !en.lets(e, c) {
			e.n.stopped++
			c.late = true
			en.over(ci, false)
			return
		}
		e.n.attempts++
		s.n.attempts++
		if c.attempt == 1 && !e.Chore {
			s.n.offered++
		}
		if c.attempt > 1 && e.active != nil && !c.again {
			c.again = true
			e.active[c.process].retries++
		}
		why := isDown
		to := en.goesTo(s, e)
		if to != nil {
			why = en.refuses(to, e)
		} else {
			to = s
		}
		if e.windows != nil {
			e.adaptive.sent(&e.windows[c.process], en.now, why == welcome)
		}
		if why == welcome {
			c.sent = true
			if e.timeout != never {
				d := event{at: en.now + e.timeout, rank: en.rank(gives), who: ci, mark: c.mark}
				if e.due.size == 0 {
					en.next.push(event{at: d.at, rank: d.rank, who: c.edge})
				}
				e.due.push(d)
			}
			en.accept(to, e, ci)
			return
		}
		e.n.rejected++
		en.refused(to, why)
		en.heard(e, c, false)
		if !en.again(ci, false) {
			return
		}
	}
}

// lets asks what stands between a call and its target in the client process.
func (en *engine) lets(e *edge, c *call) bool {
	if e.buckets != nil && !e.buckets[c.process].take(en.now) {
		return false
	}
	if e.windows != nil && e.local.happens(e.adaptive.refusal(&e.windows[c.process], en.now)) {
		e.adaptive.held(&e.windows[c.process], en.now)
		return false
	}
	if e.breakers != nil {
		b := &e.breakers[c.process]
		was := b.state
		ok := e.breaker.admits(b, en.now)
		c.turn = b.turn
		en.turned(e, was, b.state)
		return ok
	}
	return true
}

// turned counts breakers that are not closed.
func (en *engine) turned(e *edge, from, to breakerState) {
	switch {
	case from == closed && to != closed:
		e.shut.add(1, en.now)
	case from != closed && to == closed:
		e.shut.add(-1, en.now)
	}
}

// heard is the result of an attempt, for what the client process remembers.
func (en *engine) heard(e *edge, c *call, ok bool) {
	if e.breakers != nil {
		b := &e.breakers[c.process]
		if b.turn == c.turn { // what was sent before it turned does not count
			was := b.state
			e.breaker.observe(b, en.now, ok)
			en.turned(e, was, b.state)
		}
	}
	if e.budgets != nil {
		if ok {
			e.budget.succeeded(&e.budgets[c.process], c.attempt == 1, c.price)
		} else {
			e.budget.failed(&e.budgets[c.process])
		}
	}
}

// again decides what follows an attempt that failed, late if by time-out. It reports
// whether the next attempt is to be made at once; if not, it waits or the call is over.
func (en *engine) again(ci int32, late bool) bool {
	c := en.calls.at(ci)
	e := &en.edges[c.edge]
	c.sent, c.visit = false, none
	c.late = late
	c.mark++
	if c.again {
		c.again = false
		e.active[c.process].retries--
	}
	if c.attempt >= e.attempts || en.services[e.To].noRetries || c.parent != none && !en.waits(c) {
		en.over(ci, false)
		return false
	}
	wait := e.pause(c.attempt)
	if e.deadline != never && en.now+wait-c.first > e.deadline {
		en.over(ci, false)
		return false
	}
	allowed := true
	switch {
	case e.budgets != nil:
		allowed, c.price = e.budget.allows(&e.budgets[c.process], en.now, late)
	case e.active != nil:
		a := &e.active[c.process]
		if allowed = float64(a.retries+1) <= max(e.budget.floor, float64(e.budget.share*float64(a.calls))); allowed {
			c.again = true // also while it waits
			a.retries++
		}
	}
	if !allowed {
		e.n.denied++
		en.over(ci, false)
		return false
	}
	if wait <= 0 {
		return true
	}
	en.plan(en.now+wait, pauses, ci, c.mark)
	return false
}

// waits reports whether the request that made a call still needs it.
func (en *engine) waits(c *call) bool {
	v := en.visits.at(c.parent)
	return v.mark == c.leg && v.service >= 0
}

// giveUp takes the time-outs of an edge that are due.
func (en *engine) giveUp(i int32) {
	e := &en.edges[i]
	first := e.due.first()
	e.due.drop()
	for e.due.size > 0 {
		d := e.due.first()
		if c := en.calls.at(d.who); c.mark == d.mark && c.sent {
			en.next.push(event{at: d.at, rank: d.rank, who: i})
			break
		}
		e.due.drop()
	}
	ci := first.who
	c := en.calls.at(ci)
	if c.mark != first.mark || !c.sent {
		return
	}
	s := &en.services[e.To]
	e.n.timeouts++
	s.n.timeouts++
	if vi := c.visit; vi != none {
		v := en.visits.at(vi)
		v.call = none
		if s.Cancel && v.phase == queued {
			s.n.expired++
			at := &en.services[v.service]
			en.unqueue(at, vi)
			en.leave(at, vi)
		}
	}
	en.heard(e, c, false)
	if en.again(ci, true) {
		en.attempt(ci)
	}
}

// answered brings an answer to a call whose attempt is under way.
func (en *engine) answered(ci int32, ok bool) {
	c := en.calls.at(ci)
	e := &en.edges[c.edge]
	s := &en.services[e.To]
	if ok {
		e.n.good++
		s.n.good++
		en.heard(e, c, true)
		en.over(ci, true)
		return
	}
	e.n.errors++
	s.n.errors++
	en.failed(ci)
}

// failed lets the attempt under way fail with an answer.
func (en *engine) failed(ci int32) {
	c := en.calls.at(ci)
	en.heard(&en.edges[c.edge], c, false)
	if en.again(ci, false) {
		en.attempt(ci)
	}
}

// over ends a call and tells its caller.
func (en *engine) over(ci int32, ok bool) {
	c := en.calls.at(ci)
	i, parent, leg := c.edge, c.parent, c.leg
	e := &en.edges[i]
	e.n.ended++
	e.under--
	if !ok {
		e.n.failed++
		if parent == none {
			en.withhold(&en.services[e.To], i)
		}
	}
	const memory = 1.0 / 16 // of calls, for the choice among alternatives
	need := &en.edges[e.home]
	if ok {
		need.lastGood = en.now
		need.good += float64(memory * (1 - need.good))
	} else {
		need.good -= float64(memory * need.good)
	}
	if e.inside != nil {
		e.inside[c.process]--
	}
	if e.active != nil {
		e.active[c.process].calls--
		if c.again {
			e.active[c.process].retries--
		}
	}
	needed := parent != none && en.waits(c)
	holder, key, sent, late := c.holder, c.key, c.first, c.late
	c.edge, c.sent, c.visit = none, false, none
	c.mark++
	en.calls.leave(ci)
	if e.Lease >= 0 {
		en.decided(i, holder, leg, sent, ok, late)
	}
	if key != none {
		en.fetched(need.home, key, parent, leg, ok, !late)
	} else if needed {
		en.settled(parent, leg, need.home, ok)
	}
}

// opened is how often the breaker of one client opened, on average.
func (e *edge) opened() float64 {
	if e.breakers == nil {
		return math.NaN()
	}
	n := 0
	for k := range e.breakers {
		n += int(e.breakers[k].opens)
	}
	return float64(n) / float64(len(e.breakers))
}
