package mech

import (
	"math"

	"github.com/knockon/knockon/catalog/policy"
)

// Budget is the state of the retry budgets of all client processes of one need,
// taken together: N equal buckets are one bucket N times as large.
//
// # Equation
//
// Amplification in a steady state, at the rate l of calls and the probability p that an
// attempt fails: a share b of calls (and r more a second) gives at most 1 + b + r/l
// (Finagle's RetryBudget); tokens with ratio t stop all retries once p > t/(1+t) (gRPC
// proposal A6); a quota with cost q gives 1 + min(p + p², (1-p)/(q·p)) for three
// attempts (AWS SDKs); a share b of what is under way gives 1 + b/(1-b) (Envoy).
//
// # When it is wrong
//
// All processes have the same luck. Near the threshold of a token bucket one process
// runs dry before another and retries go on a little where here all stop at once: at
// p = 0.1 and a ratio of 0.1 a simulation of single requests retries 2 % of calls.
type Budget struct {
	kind    policy.BudgetKind
	Tokens  float64
	limit   float64 // tokens it holds
	ratio   float64
	trickle float64 // tokens per second
	cost    float64
	late    float64 // cost after a time-out
	refund  float64
	change  float64 // of Tokens in this step so far
	drift   float64 // of Tokens per second, in the step before
	earned  float64 // of change, what answers brought
	income  float64 // the same per second, in the step before
	active  float64 // share
	floor   float64
}

// NewBudget is the budget of a policy for so many client processes, full. The
// nominal rate of calls sets what a ratio budget without a stated cap holds: ten
// seconds' worth, as Finagle's.
func NewBudget(p *policy.RetryBudget, clients, nominal float64) Budget {
	b := Budget{kind: p.Kind()}
	switch b.kind {
	case policy.RatioBudget:
		b.ratio = float64(p.Ratio.V)
		b.trickle = float64(p.MinRate.Or(0)) * clients
		if p.Cap.IsStated() {
			b.limit = float64(p.Cap.V) * clients
		} else {
			b.limit = 10 * (float64(b.ratio*nominal) + b.trickle)
		}
		b.Tokens = b.limit
	case policy.TokenBudget:
		b.limit = float64(p.MaxTokens.V) * clients
		b.ratio = p.TokenRatio.Or(0.1)
		b.Tokens = b.limit
	case policy.QuotaBudget:
		b.limit = float64(p.Quota.V) * clients
		b.cost = float64(p.Cost.Or(5))
		b.late = float64(p.TimeoutCost.Or(int64(b.cost)))
		b.refund = float64(p.Refund.Or(1))
		b.Tokens = b.limit
	case policy.ActiveBudget:
		b.active = float64(p.Active.Or(0))
		b.floor = float64(p.MinActive.Or(p.MaxActive.Or(3))) * clients
		if p.MaxActive.IsStated() {
			b.active = 0
			b.floor = float64(p.MaxActive.V) * clients
		}
	}
	return b
}

// Limits reports whether there is a budget at all.
func (b *Budget) Limits() bool { return b.kind != policy.NoBudget }

// Deposit begins a step of h seconds, after one of length before, with so many
// first attempts. What a bucket gains and loses within a step is netted: it is
// never full or empty for a part of one.
func (b *Budget) Deposit(calls, h, before float64) {
	if b.kind == policy.NoBudget {
		return
	}
	if before > 0 {
		b.drift, b.income = b.change/before, b.earned/before
	}
	b.Tokens = max(0, min(b.limit, b.Tokens+b.change))
	b.change, b.earned = 0, 0
	if b.kind == policy.RatioBudget {
		b.change = float64(b.ratio*calls) + float64(b.trickle*h)
	}
}

// Answered is what answers change: first attempts and retries that were answered
// well, and attempts that failed.
func (b *Budget) Answered(first, retried, failed float64) {
	switch b.kind {
	case policy.TokenBudget:
		b.change += float64(b.ratio*(first+retried)) - failed
	case policy.QuotaBudget:
		earned := float64(b.refund*first) + float64(b.cost*retried)
		b.earned += earned
		b.change += earned
	}
}

// Allow is the share of so many wanted retries, of which so many follow a time-out,
// that the budget lets through in a step of h seconds, and takes what they cost.
// Active retries and requests are those under way, leaving so many retries that end
// within the step.
func (b *Budget) Allow(wanted, late, activeRetries, active, leaving, h float64) float64 {
	if wanted <= 0 {
		return 1
	}
	share := 1.0
	switch b.kind {
	case policy.RatioBudget:
		share = max(0, min(1, (b.Tokens+b.change)/wanted))
		b.change -= float64(wanted * share)
	case policy.TokenBudget:
		// Retries are allowed above half: for the part of the step until the
		// bucket has drifted down to there.
		above := b.Tokens - float64(b.limit/2)
		switch {
		case above <= 0:
			share = 0
		case b.drift < 0:
			share = min(1, above/(-b.drift*h))
		}
	case policy.QuotaBudget:
		price := float64(b.cost*(wanted-late)) + float64(b.late*late)
		// Answers that will bring tokens later in the step are expected as in the one before.
		coming := max(0, float64(b.income*h)-b.earned)
		share = max(0, min(1, (b.Tokens+b.change+coming)/price))
		b.change -= float64(price * share)
	case policy.ActiveBudget:
		limit := max(b.floor, float64(b.active*active))
		share = min(1, Places(limit, activeRetries, leaving, h)/wanted)
	}
	return share
}

// Full is the share of the bucket that is there; NaN without a bucket.
func (b *Budget) Full() float64 {
	if b.limit == 0 {
		return math.NaN()
	}
	return b.Tokens / b.limit
}
