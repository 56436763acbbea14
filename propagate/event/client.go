package event

import (
	"math"

	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// What one process of a caller knows and holds back by itself. Policies are of the
// edge, state is of the process.

// budgetPolicy is a retry budget that is kept in a bucket; see policy.RetryBudget. An
// active budget is counted, not kept.
type budgetPolicy struct {
	kind    policy.BudgetKind
	limit   float64 // tokens
	ratio   float64 // tokens per call, or per success
	trickle float64 // tokens per nanosecond
	cost    int32
	late    int32 // after a time-out
	refund  float64
	share   float64 // of the calls under way that may be retries
	floor   float64 // retries under way that always may be
}

type budget struct {
	tokens float64
	at     int64 // up to when the trickle is in them
}

// newBudgetPolicy is a policy for a process that makes so many calls per second when
// all is well: what a share of calls may hold where no cap is stated is ten seconds'
// worth, and one retry at least.
func newBudgetPolicy(p *policy.RetryBudget, nominal float64) budgetPolicy {
	b := budgetPolicy{kind: p.Kind()}
	switch b.kind {
	case policy.RatioBudget:
		b.ratio = float64(p.Ratio.V)
		b.trickle = float64(p.MinRate.Or(0)) * 1e-9
		if p.Cap.IsStated() {
			b.limit = float64(p.Cap.V)
		} else {
			b.limit = max(1, 10*(float64(b.ratio*nominal)+float64(p.MinRate.Or(0))))
		}
	case policy.TokenBudget:
		b.limit = float64(p.MaxTokens.V)
		b.ratio = p.TokenRatio.Or(0.1)
	case policy.QuotaBudget:
		b.limit = float64(p.Quota.V)
		b.cost = int32(p.Cost.Or(5))
		b.late = int32(p.TimeoutCost.Or(int64(b.cost)))
		b.refund = float64(p.Refund.Or(1))
	case policy.ActiveBudget:
		b.share = float64(p.Active.Or(0))
		b.floor = float64(p.MinActive.Or(p.MaxActive.Or(3)))
		if p.MaxActive.IsStated() {
			b.share, b.floor = 0, float64(p.MaxActive.V)
		}
	}
	return b
}

// begun deposits what a call does.
func (p *budgetPolicy) begun(b *budget, now int64) {
	if p.kind == policy.RatioBudget {
		p.flow(b, now)
		b.tokens = min(p.limit, b.tokens+p.ratio)
	}
}

func (p *budgetPolicy) flow(b *budget, now int64) {
	if p.trickle > 0 {
		b.tokens = min(p.limit, b.tokens+float64(p.trickle*float64(now-b.at)))
	}
	b.at = now
}

// succeeded is an attempt that was answered well; price is what it cost.
func (p *budgetPolicy) succeeded(b *budget, first bool, price int32) {
	switch p.kind {
	case policy.TokenBudget:
		b.tokens = min(p.limit, b.tokens+p.ratio)
	case policy.QuotaBudget:
		if back := float64(price); first {
			b.tokens = min(p.limit, b.tokens+p.refund)
		} else {
			b.tokens = min(p.limit, b.tokens+back)
		}
	}
}

func (p *budgetPolicy) failed(b *budget) {
	if p.kind == policy.TokenBudget {
		b.tokens = max(0, b.tokens-1)
	}
}

// allows takes what a retry costs, if it is there.
func (p *budgetPolicy) allows(b *budget, now int64, late bool) (ok bool, price int32) {
	const nearly = 1e-9 // tenths do not add up to one
	switch p.kind {
	case policy.RatioBudget:
		p.flow(b, now)
		if b.tokens < 1-nearly {
			return false, 0
		}
		b.tokens = max(0, b.tokens-1)
	case policy.TokenBudget:
		return b.tokens > p.limit/2, 0
	case policy.QuotaBudget:
		price = p.cost
		if late {
			price = p.late
		}
		if b.tokens < float64(price) {
			return false, 0
		}
		b.tokens -= float64(price)
	}
	return true, price
}

type breakerState uint8

const (
	closed breakerState = iota
	halfOpen
	open
)

// breakerPolicy is a circuit breaker; see policy.Breaker.
type breakerPolicy struct {
	errors  float64 // share of failures that opens it
	inARow  int32
	ring    int32 // the last so many results are looked at; 0: those of a window
	slot    int64 // of the window
	least   int32 // results below which it stays closed
	openFor int64
	probes  int32
}

// windowSlots is into how many parts a window of time is cut: it moves by one of them.
const windowSlots = 20

// breaker is that of one process.
type breaker struct {
	state  breakerState
	turn   uint32 // how often it has turned
	opens  uint32
	since  int64
	sent   int32 // probes
	result int32 // of probes
	total  int32 // results looked at; of inARow, failures in a row
	bad    int32
	at     int32    // in the ring
	ring   []uint64 // a bit for each result: it failed
	slots  []slot
	slot   int64
}

// slot counts what happened in a part of a window.
type slot struct{ total, marked int32 }

func newBreakerPolicy(p *policy.Breaker) breakerPolicy {
	b := breakerPolicy{
		errors:  float64(p.Errors.Or(0.5)),
		inARow:  int32(p.InARow.Or(0)),
		ring:    int32(p.Ring.Or(0)),
		least:   int32(min(p.Calls.Or(0), math.MaxInt32)),
		openFor: int64(p.OpenFor.Or(unit.Duration(30e9))),
		probes:  int32(min(p.Probes.Or(1), math.MaxInt32)),
		slot:    int64(p.Window.Or(unit.Duration(10e9))) / windowSlots,
	}
	if b.ring == 0 && p.Calls.IsStated() && !p.Window.IsStated() {
		b.ring = b.least // counted, not timed
	}
	if b.ring > 0 && b.least == 0 {
		b.least = b.ring
	}
	b.slot = max(1, b.slot)
	return b
}

// admits reports whether a call is let through.
func (p *breakerPolicy) admits(b *breaker, now int64) bool {
	if b.state == open && now >= b.since+p.openFor {
		p.turn(b, halfOpen, now)
	}
	switch b.state {
	case open:
		return false
	case halfOpen:
		if b.sent >= p.probes {
			return false
		}
		b.sent++
	}
	return true
}

// observe takes the result of an attempt that was sent since the breaker turned.
func (p *breakerPolicy) observe(b *breaker, now int64, ok bool) {
	switch {
	case b.state == open:
		return
	case b.state == halfOpen:
		b.result++
		if !ok {
			b.bad++
		}
		if b.result < p.probes {
			return
		}
		if p.trips(b.result, b.bad) {
			p.open(b, now)
		} else {
			p.turn(b, closed, now)
		}
		return
	case p.inARow > 0:
		if ok {
			b.total = 0
		} else if b.total++; b.total >= p.inARow {
			p.open(b, now)
		}
		return
	case p.ring > 0:
		p.inRing(b, ok)
	default:
		p.inWindow(b, now, ok)
	}
	if b.total >= p.least && p.trips(b.total, b.bad) {
		p.open(b, now)
	}
}

func (p *breakerPolicy) trips(total, bad int32) bool {
	return bad > 0 && float64(bad) >= float64(p.errors*float64(total))*(1-1e-9)
}

func (p *breakerPolicy) inRing(b *breaker, ok bool) {
	if b.ring == nil {
		b.ring = make([]uint64, (p.ring+63)/64)
	}
	word, bit := &b.ring[b.at/64], uint64(1)<<(b.at%64)
	if b.total == p.ring {
		if *word&bit != 0 {
			b.bad--
		}
	} else {
		b.total++
	}
	*word &^= bit
	if !ok {
		*word |= bit
		b.bad++
	}
	if b.at++; b.at == p.ring {
		b.at = 0
	}
}

func (p *breakerPolicy) inWindow(b *breaker, now int64, ok bool) {
	if b.slots == nil {
		b.slots = make([]slot, windowSlots)
	}
	at := now / p.slot
	if at-b.slot >= windowSlots {
		clear(b.slots)
		b.total, b.bad, b.slot = 0, 0, at
	}
	for b.slot < at {
		b.slot++
		s := &b.slots[b.slot%windowSlots]
		b.total -= s.total
		b.bad -= s.marked
		*s = slot{}
	}
	s := &b.slots[b.slot%windowSlots]
	s.total++
	b.total++
	if !ok {
		s.marked++
		b.bad++
	}
}

func (p *breakerPolicy) open(b *breaker, now int64) {
	b.opens++
	p.turn(b, open, now)
}

func (p *breakerPolicy) turn(b *breaker, to breakerState, now int64) {
	b.state, b.since = to, now
	b.turn++
	b.sent, b.result, b.total, b.bad, b.at = 0, 0, 0, 0, 0
	clear(b.ring)
	clear(b.slots)
}

// adaptivePolicy is the client-side throttle of Site Reliability Engineering (2016),
// ch. 21.
type adaptivePolicy struct {
	k    float64
	slot int64
}

// window is the requests of one process in the last so many seconds, and how many of
// them were accepted.
type window struct {
	slots              [windowSlots]slot
	at                 int64
	requests, accepted int32
}

// move forgets what is older than the window.
func (p *adaptivePolicy) move(w *window, now int64) *slot {
	at := now / p.slot
	if at-w.at >= windowSlots {
		*w = window{at: at}
	}
	for w.at < at {
		w.at++
		s := &w.slots[w.at%windowSlots]
		w.requests -= s.total
		w.accepted -= s.marked
		*s = slot{}
	}
	return &w.slots[w.at%windowSlots]
}

// refusal is the probability with which the next request is refused in the process.
func (p *adaptivePolicy) refusal(w *window, now int64) float64 {
	p.move(w, now)
	r, a := float64(w.requests), float64(w.accepted)
	return max(0, (r-float64(p.k*a))/(r+1))
}

func (p *adaptivePolicy) held(w *window, now int64) {
	p.move(w, now).total++
	w.requests++
}

func (p *adaptivePolicy) sent(w *window, now int64, accepted bool) {
	s := p.move(w, now)
	s.total++
	w.requests++
	if accepted {
		s.marked++
		w.accepted++
	}
}

// bucket is a token bucket.
type bucket struct {
	rate   float64 // tokens per nanosecond
	limit  float64
	tokens float64
	at     int64
}

// newBucket is a bucket of so many tokens a second. One whose burst is not stated
// counts by the second: it holds what comes in one, and begins without.
func newBucket(rate float64, burst unit.Value[int64]) bucket {
	b := bucket{rate: rate * 1e-9, limit: max(1, rate), tokens: 1}
	if burst.IsStated() {
		b.limit = max(1, float64(burst.V))
		b.tokens = b.limit
	}
	return b
}

// nearly one token is one: what flows in is rounded.
const nearlyOne = 1 - 1e-9

func (b *bucket) flow(now int64) {
	b.tokens = min(b.limit, b.tokens+float64(b.rate*float64(now-b.at)))
	b.at = now
}

// has reports whether there is a token beyond what is kept back.
func (b *bucket) has(now int64, kept float64) bool {
	b.flow(now)
	return b.tokens-kept >= nearlyOne
}

func (b *bucket) take(now int64) bool {
	if !b.has(now, 0) {
		return false
	}
	b.tokens = max(0, b.tokens-1)
	return true
}

// ready is when there will be a token.
func (b *bucket) ready(now int64) int64 {
	b.flow(now)
	if b.tokens >= nearlyOne {
		return now
	}
	if b.rate <= 0 {
		return never
	}
	wait := math.Ceil((1 - b.tokens) / b.rate)
	if wait > 9e18-float64(now) {
		return never
	}
	return now + max(1, int64(wait))
}
