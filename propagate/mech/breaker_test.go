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

// until plays steps of results at a rate until the breaker is in a state, and
// returns when; +Inf if it never comes there.
func until(b *mech.Breaker, state mech.BreakerState, from, h, rate, failing, limit float64) float64 {
	for n := 0; ; n++ {
		now := from + float64(n)*h
		share := b.Admit(now, rate*h)
		if b.State == state {
			return now
		}
		if now > from+limit {
			return math.Inf(1)
		}
		b.Observe(now+h, share*rate*h*(1-failing), share*rate*h*failing)
	}
}

// TestBreakerCounts: it opens when as many results are in as it looks at and enough
// of them are failures, lets nothing through for so long, then its probes, and
// closes or opens by them.
func TestBreakerCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := float64(rapid.IntRange(1, 30).Draw(t, "clients"))
		ring := rapid.Int64Range(5, 200).Draw(t, "ring")
		errors := rapid.Float64Range(0.05, 1).Draw(t, "errors")
		probes := rapid.Int64Range(1, 20).Draw(t, "probes")
		openFor := rapid.Float64Range(1, 100).Draw(t, "open for")
		b := mech.NewBreaker(&policy.Breaker{
			Errors: stated(unit.Ratio(errors)), Ring: stated(ring), Calls: stated(ring),
			OpenFor: lasting(openFor), Probes: stated(probes),
		}, clients)
		rate := rapid.Float64Range(1, 1000).Draw(t, "results")
		h := 0.01 * float64(ring) * clients / rate
		failing := rapid.Float64Range(0, 1).Draw(t, "failing")
		opened := until(b, mech.Open, 0, h, rate, failing, 20*100*h)
		if failing < errors-1e-9 {
			if !math.IsInf(opened, 1) {
				t.Fatalf("%v fail and it opens", failing)
			}
			if !b.Trips(rate*(1-errors)*0.99, rate*errors, 1e6) || b.Trips(rate*(1-failing), rate*failing, 1e6) {
				t.Fatal("what trips it is not known ahead")
			}
			opened = until(b, mech.Open, 2000*h, h, rate, 1, 200*h)
			// All in the ring were as before: the share of new ones that it takes.
			if want := 2000*h + (errors-failing)/(1-failing)*100*h; opened < want-2*h || opened > want+3*h {
				t.Fatalf("it opens at %v, not %v", opened, want)
			}
		} else if failing > errors+1e-9 && !near(opened, 100*h, 0, 2*h) {
			t.Fatalf("it opens at %v, not %v", opened, 100*h)
		}
		if b.State != mech.Open {
			return
		}
		since := b.Since
		if b.Opens != 1 || !near(b.Next(), since+openFor, 1e-6, 1e-6) {
			t.Fatalf("open the %v. time until %v", b.Opens, b.Next())
		}
		if share := b.Admit(since+openFor/2, 100); share != 0 {
			t.Fatalf("open, it lets %v through", share)
		}
		b.Observe(since+openFor/2, 0, 1e6) // of what was under way
		var twin mech.Breaker
		twin.Copy(b)
		at := since + openFor + 1e-6
		sent := 0.0
		for range 100 {
			sent += b.Admit(at, rate*h) * rate * h
		}
		if want := float64(probes) * clients; b.State != mech.HalfOpen || sent > want+1e-9 || 100*rate*h > want && !near(sent, want, 1e-9, 0) {
			t.Fatalf("half open, it lets %v probes through, not %v", sent, want)
		}
		b.Observe(at, sent, 0)
		if sent >= float64(probes)*clients-1e-6 && b.State != mech.Closed {
			t.Fatalf("all probes are well, and it is %v", b.State)
		}
		twin.Admit(at, 1e9)
		twin.Observe(at, 0, float64(probes)*clients)
		if twin.State != mech.Open || twin.Opens != 2 {
			t.Fatalf("all probes fail, and it is %v", twin.State)
		}
	})
}

// TestBreakerByTime forgets what is older than its window.
func TestBreakerByTime(t *testing.T) {
	b := mech.NewBreaker(&policy.Breaker{Errors: stated(unit.Ratio(0.5)), Window: lasting(10), Calls: stated(int64(20))}, 1)
	if at := until(b, mech.Open, 0, 0.1, 10, 0, 100); !math.IsInf(at, 1) {
		t.Fatalf("opens at %v with no failure", at)
	}
	// Ten seconds of successes are in the window: half of it has to fail.
	if at := until(b, mech.Open, 100.2, 0.1, 10, 1, 100); !near(at, 105.2, 0, 0.25) {
		t.Errorf("opens at %v, not at 105.2 s", at)
	}
	few := mech.NewBreaker(&policy.Breaker{Errors: stated(unit.Ratio(0.5)), Window: lasting(10), Calls: stated(int64(20))}, 1)
	if at := until(few, mech.Open, 0, 0.1, 1.9, 1, 1000); !math.IsInf(at, 1) {
		t.Errorf("19 results in the window open it at %v", at)
	}
}

// TestBreakerInARow: where all fail, the run is as long as the number of results of
// a client; where some succeed, runs are no longer than they are on average.
func TestBreakerInARow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clients := float64(rapid.IntRange(1, 30).Draw(t, "clients"))
		row := rapid.Int64Range(1, 20).Draw(t, "in a row")
		b := mech.NewBreaker(&policy.Breaker{InARow: stated(row)}, clients)
		const rate = 100
		h := 0.01 * float64(row) * clients / rate
		want := closedform.ChecksToEject(1, int(row)) * clients / rate
		if at := until(b, mech.Open, 0, h, rate, 1, 1e6*h); !near(at, want, 0, 2*h) {
			t.Fatalf("opens at %v, not %v", at, want)
		}
		steady := mech.NewBreaker(&policy.Breaker{InARow: stated(row)}, clients)
		if at := until(steady, mech.Open, 0, h, rate, 0, 1000*h); !math.IsInf(at, 1) {
			t.Fatalf("no failure opens it at %v", at)
		}
	})
}
