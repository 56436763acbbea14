package mech_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// sent is how much of a steady load a throttle sends in the end to a target that
// accepts a share of it, up to a capacity, in steps of h seconds.
func sent(a mech.Adaptive, load, accepts, capacity, h float64) float64 {
	before, rate := 0.0, 0.0
	n := int(30*a.Window/h) + 1000
	for range n {
		rate = load * a.Admit(load*h, h, before)
		a.Accepted(min(accepts*rate, capacity) * h)
		before = h
	}
	return rate
}

// TestAdaptiveSettles where the closed forms say, in steps of any length.
func TestAdaptiveSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := mech.Adaptive{K: rapid.Float64Range(1.3, 4).Draw(t, "K"), Window: rapid.Float64Range(1, 120).Draw(t, "window")}
		load := rapid.Float64Range(100, 5000).Draw(t, "load")
		h := a.Window * rapid.Float64Range(0.001, 0.5).Draw(t, "step")
		capacity := load * rapid.Float64Range(0.1, 2).Draw(t, "capacity")
		// Requests in a window that forgets: rate times half of it.
		window := load * a.Window / 2
		if got, want := sent(a, load, 1, capacity, h), closedform.ClientThrottleSent(load, capacity, a.K); !near(got, want, 0.02+5*a.K/window, 0) {
			t.Fatalf("%+v: of %v/s %v are sent to a capacity of %v, not %v", a, load, got, capacity, want)
		}
		// A target that accepts a share of what it sees.
		accepts := rapid.Float64Range(0, 1).Draw(t, "accepts")
		if near(a.K*accepts, 1, 0.2, 0) {
			return
		}
		want := closedform.ClientThrottleShare(accepts, a.K, window)
		if got := sent(a, load, accepts, load, h) / load; !near(got, want, 0.05, 2e-3) {
			t.Fatalf("%+v: where %v are accepted, %v of %v/s are sent, not %v", a, accepts, got, load, want)
		}
	})
}

// TestAdaptiveStartsOpen: a client that has sent nothing yet refuses nothing, and one
// whose target accepts all never does.
func TestAdaptiveStartsOpen(t *testing.T) {
	for _, h := range []float64{0.001, 0.05, 0.5, 60} {
		a := mech.Adaptive{K: 2, Window: 120}
		before := 0.0
		for i := range 20 {
			share := a.Admit(600*h, h, before)
			if share < 1 {
				t.Fatalf("in step %d of %v s a share of %v is sent", i, h, share)
			}
			a.Accepted(600 * h * share)
			before = h
		}
	}
}
