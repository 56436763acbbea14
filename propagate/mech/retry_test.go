package mech_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// stated is a value that a catalog states.
func stated[T any](v T) unit.Value[T] { return unit.Value[T]{V: v, Evidence: unit.Documented} }

func lasting(seconds float64) unit.Value[unit.Duration] {
	return stated(unit.Duration(seconds * 1e9))
}

// TestPause has the bounds and means of the closed forms, for every backoff.
func TestPause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(policy.BackoffWords).Draw(t, "backoff")
		base := float64(rapid.IntRange(1, 5000).Draw(t, "base in ms")) / 1e3
		r := &policy.Retry{Backoff: kind, Base: lasting(base)}
		want := closedform.Backoff{Kind: kind, Base: base}
		if kind != "envoy-jitter" && rapid.Bool().Draw(t, "grows") {
			want.Factor = rapid.Float64Range(1, 3).Draw(t, "factor")
			r.Factor = stated(want.Factor)
		}
		if kind != "fixed" && rapid.Bool().Draw(t, "is capped") {
			want.Cap = base * float64(rapid.IntRange(1, 100).Draw(t, "cap"))
			r.Cap = lasting(want.Cap)
		}
		jitter := 0.0
		if rapid.Bool().Draw(t, "jitters") {
			jitter = rapid.Float64Range(0, 1).Draw(t, "jitter")
			r.Jitter = stated(unit.Ratio(jitter))
		}
		for k := 1; k <= 11; k++ {
			low, spread := mech.Pause(r, k)
			if low < 0 || spread < 0 || !near(low+spread, want.Bound(k)*(1+jitter), 1e-6, 0) {
				t.Fatalf("%+v: pause %d is %v + %v, its bound %v", want, k, low, spread, want.Bound(k))
			}
			// A jitter of a jitter is not even; its ends are kept, and so not its mean.
			if even := kind == "fixed" || kind == "exponential"; (even || jitter == 0) && !near(low+spread/2, want.Mean(k), 1e-6, 0) {
				t.Fatalf("%+v: pause %d has the mean %v, not %v", want, k, low+spread/2, want.Mean(k))
			}
		}
	})
	if low, spread := mech.Pause(nil, 1); low != 0 || spread != 0 {
		t.Error("a pause of nothing")
	}
	if low, spread := mech.Pause(&policy.Retry{}, 1); low != 0 || spread != mech.AssumedBase {
		t.Error("what is assumed is not full jitter")
	}
}

// TestAmplified agrees with the closed form, and every original ends once.
func TestAmplified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1000).Draw(t, "attempts")
		p := rapid.Float64Range(0, 1).Draw(t, "failing")
		attempts, failed := mech.Amplified(p, 1, n)
		if !near(attempts, closedform.Amplification(n, p), 1e-9, 0) || !near(failed, closedform.FinalFailure(n, p), 1e-9, 1e-15) {
			t.Fatalf("%d attempts, %v of them fail: %v and %v", n, p, attempts, failed)
		}
		allow := rapid.Float64Range(0, 1).Draw(t, "allowed")
		attempts, failed = mech.Amplified(p, allow, n)
		if good := attempts * (1 - p); !near(good+failed, 1, 1e-9, 0) {
			t.Fatalf("%v end well and %v badly", good, failed)
		}
		if attempts > 1+float64(n-1)*p*allow+1e-9 {
			t.Fatalf("%v attempts", attempts)
		}
	})
}
