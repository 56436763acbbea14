package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// partition cuts a time into steps of changing length.
func partition(t *rapid.T, total float64) []float64 {
	n := rapid.IntRange(20, 400).Draw(t, "steps")
	steps, sum := make([]float64, n), 0.0
	lengths := []float64{1, 1, 1, 3, 0.2}
	offset := rapid.IntRange(0, 4).Draw(t, "first length")
	for i := range steps {
		steps[i] = lengths[(i+offset)%len(lengths)]
		sum += steps[i]
	}
	for i := range steps {
		steps[i] *= total / sum
	}
	return steps
}

// TestRatioBudgetIsABucket: what it lets through of a steady demand is what a token
// bucket does that is full at the beginning, in whatever steps.
func TestRatioBudgetIsABucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := float64(rapid.IntRange(1, 50).Draw(t, "clients"))
		calls := rapid.Float64Range(1, 1000).Draw(t, "calls")
		ratio := rapid.Float64Range(0, 1).Draw(t, "ratio")
		p := &policy.RetryBudget{Ratio: stated(unit.Ratio(ratio))}
		deposits, holds := ratio*calls, 10*ratio*calls
		if rapid.Bool().Draw(t, "has a least rate") {
			p.MinRate = stated(unit.Rate(10))
			deposits += 10 * clients
			holds += 100 * clients
		}
		if rapid.Bool().Draw(t, "has a cap") {
			p.Cap = stated(int64(30))
			holds = 30 * clients
		}
		b := mech.NewBudget(p, clients, calls)
		if !b.Limits() || holds > 0 && b.Full() != 1 {
			t.Fatalf("it limits: %v, and is full to %v", b.Limits(), b.Full())
		}
		wanted := rapid.Float64Range(0, 3).Draw(t, "wanted") * calls
		total := rapid.Float64Range(1, 100).Draw(t, "seconds")
		passed, before, now := 0.0, 0.0, 0.0
		for _, h := range partition(t, total) {
			b.Deposit(calls*h, h, before)
			passed += wanted * h * b.Allow(wanted*h, 0, 0, 0, 0, h)
			now, before = now+h, h
			if want := closedform.BucketAdmitted(deposits, holds, wanted, now); !near(passed, want, 1e-9, 1e-9*holds) {
				t.Fatalf("%v passed by %v, not %v", passed, now, want)
			}
		}
	})
}

// TestTokenBudgetStops when the closed form says, and never below its threshold.
func TestTokenBudgetStops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := float64(rapid.IntRange(1, 50).Draw(t, "clients"))
		tokens := rapid.Int64Range(2, 1000).Draw(t, "tokens")
		ratio := rapid.Float64Range(0, 1).Draw(t, "ratio")
		failing := rapid.Float64Range(0, 1).Draw(t, "failing")
		rate := rapid.Float64Range(1, 1000).Draw(t, "attempts")
		b := mech.NewBudget(&policy.RetryBudget{MaxTokens: stated(tokens), TokenRatio: stated(ratio)}, clients, rate)
		want := closedform.TokenBudgetStop(float64(tokens)*clients, ratio, rate, failing)
		total := min(2*want, 1e4)
		retrying, before, longest := 0.0, 0.0, 0.0
		for _, h := range partition(t, total) {
			b.Deposit(rate*h, h, before)
			b.Answered(rate*h*(1-failing), 0, rate*h*failing)
			retrying += h * b.Allow(1, 0, 0, 0, 0, h)
			before, longest = h, max(longest, h)
		}
		// What a step takes is known in the next.
		if !near(retrying, min(want, total), 1e-9, 3*longest) {
			t.Fatalf("retries go on for %v s, not %v", retrying, min(want, total))
		}
		if failing <= closedform.TokenBudgetThreshold(ratio) && b.Full() < 0.5 {
			t.Fatalf("below the threshold it is full to %v", b.Full())
		}
	})
}

// client is one need whose attempts are answered within a step and retried in the
// next.
type client struct {
	b        mech.Budget
	attempts []float64 // per second, by number
	before   float64
	sent     float64
}

// play goes through a step in which a share of attempts fails; late ones by time-out.
func (c *client) play(h, calls, failing, late float64) {
	c.b.Deposit(calls*h, h, c.before)
	good, bad, wanted := 0.0, 0.0, 0.0
	for k, a := range c.attempts {
		good += a * (1 - failing) * h
		bad += a * failing * h
		if k < len(c.attempts)-1 {
			wanted += a * failing * h
		}
		c.sent += a * h
	}
	c.b.Answered(c.attempts[0]*(1-failing)*h, good-c.attempts[0]*(1-failing)*h, bad)
	allow := c.b.Allow(wanted, wanted*late, 0, 0, 0, h)
	for k := len(c.attempts) - 1; k > 0; k-- {
		c.attempts[k] = c.attempts[k-1] * failing * allow
	}
	c.attempts[0], c.before = calls, h
}

// amplification plays until the bucket is where it stays, and then counts.
func (c *client) amplification(calls, failing float64) float64 {
	for range 20000 {
		c.play(0.1, calls, failing, 0)
	}
	c.sent = 0
	for range 20000 {
		c.play(0.1, calls, failing, 0)
	}
	return c.sent / (calls * 2000)
}

// TestBudgetsInTheLongRun amplify as their closed forms say.
func TestBudgetsInTheLongRun(t *testing.T) {
	const calls = 100
	for _, n := range []int{2, 3, 5} {
		for _, failing := range []float64{0, 0.05, 0.3, 0.7, 1} {
			budgets := []struct {
				name   string
				policy policy.RetryBudget
				want   float64
			}{
				{"ratio", policy.RetryBudget{Ratio: stated(unit.Ratio(0.2))}, closedform.RatioBudgetAmplification(n, failing, 0.2, 0, calls)},
				{"ratio and rate", policy.RetryBudget{Ratio: stated(unit.Ratio(0.1)), MinRate: stated(unit.Rate(10))}, closedform.RatioBudgetAmplification(n, failing, 0.1, 10, calls)},
				{"tokens", policy.RetryBudget{MaxTokens: stated(int64(100)), TokenRatio: stated(0.2)}, closedform.TokenBudgetAmplification(n, failing, 0.2)},
				{"quota", policy.RetryBudget{Quota: stated(int64(500)), Cost: stated(int64(5))}, closedform.QuotaAmplification(n, failing, 5, 1)},
			}
			for _, b := range budgets {
				c := client{b: mech.NewBudget(&b.policy, 1, calls), attempts: make([]float64, n)}
				if got := c.amplification(calls, failing); !near(got, b.want, 0.01, 0) {
					t.Errorf("%s, %d attempts, %v fail: %v attempts a call, not %v", b.name, n, failing, got, b.want)
				}
			}
		}
	}
}

// TestQuotaOfAnOutage: what a full quota pays for when nothing succeeds, and more
// slowly after time-outs.
func TestQuotaOfAnOutage(t *testing.T) {
	p := &policy.RetryBudget{Quota: stated(int64(500)), Cost: stated(int64(5)), TimeoutCost: stated(int64(10))}
	for late, cost := range map[float64]float64{0: 5, 1: 10, 0.5: 7.5} {
		c := client{b: mech.NewBudget(p, 20, 100), attempts: make([]float64, 4)}
		for range 10000 {
			c.play(0.1, 100, 1, late)
		}
		if got, want := c.sent-100*999.9, 20*500/cost; !near(got, want, 1e-6, 0.5) {
			t.Errorf("%v of the failures by time-out: %v retries, not %v", late, got, want)
		}
	}
	if got, want := closedform.QuotaBurst(20, 500, 5), 2000.0; got != want {
		t.Errorf("the closed form says %v", got)
	}
}

// TestActiveBudgetHolds a share of what is under way, or a number: retries last as
// long as calls, and more of them are always wanted.
func TestActiveBudgetHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := float64(rapid.IntRange(1, 20).Draw(t, "clients"))
		least := rapid.Int64Range(0, 30).Draw(t, "least")
		share := rapid.Float64Range(0, 0.8).Draw(t, "share")
		b := mech.NewBudget(&policy.RetryBudget{Active: stated(unit.Ratio(share)), MinActive: stated(least)}, clients, 100)
		first := rapid.Float64Range(1, 1000).Draw(t, "first attempts under way")
		stay := rapid.Float64Range(0.05, 20).Draw(t, "steps that one lasts")
		keep := math.Exp(-1 / stay)
		retries, sent, n := 0.0, 0.0, 0
		leaving := 0.0
		for i := range 4000 {
			wanted := 5 * (first + retries) / stay
			begin := wanted * b.Allow(wanted, 0, retries, first+retries, leaving, 1)
			if i >= 2000 {
				sent, n = sent+begin, n+1
			}
			was := retries
			retries = retries*keep + begin*stay*(1-keep)
			leaving = was + begin - retries
		}
		// By Little's law, retries under way are the rate times the stay.
		want := first * (closedform.ActiveBudgetAmplification(6, 1, share, float64(least)*clients, first) - 1)
		if got := sent / float64(n) * stay; want < 4*first && !near(got, want, 0.02, 1e-6*first) {
			t.Fatalf("%v under way, not %v", got, want)
		}
	})
	fixed := mech.NewBudget(&policy.RetryBudget{MaxActive: stated(int64(3))}, 4, 100)
	if got := fixed.Allow(48, 0, 6, 1000, 0, 1); got != 6.0/48 {
		t.Errorf("with 6 of 12 places taken %v of 48 may go", got)
	}
}

// TestNoBudget lets everything through.
func TestNoBudget(t *testing.T) {
	b := mech.NewBudget(nil, 3, 100)
	if b.Limits() || b.Allow(1e9, 0, 1e9, 1e9, 0, 1) != 1 || !math.IsNaN(b.Full()) {
		t.Error("none limits")
	}
}
