package mech

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestRenew holds the closed form of what is idle and what is fetched to small steps.
func TestRenew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(low, high float64, name string) float64 { return rapid.Float64Range(low, high).Draw(t, name) }
		idle, under := draw(0, 1, "idle"), draw(0, 1, "under")
		rate, pace, lapse, h := draw(0, 5, "rate"), draw(0, 5, "pace"), draw(0, 0.2, "lapse"), draw(0.01, 5, "h")
		if rapid.Bool().Draw(t, "same") {
			pace = rate
		}
		failing := pace * rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "failing")
		gotIdle, gotUnder := renew(idle, under, rate, pace, failing, lapse, h)
		wantIdle, wantUnder := 0.0, 0.0
		const n = 20000
		d := h / n
		for range n { // the midpoint rule
			di, du := lapse-rate*idle+failing*under, rate*idle-pace*under
			mi, mu := idle+d/2*di, under+d/2*du
			wantIdle += d * mi
			wantUnder += d * mu
			idle += d * (lapse - rate*mi + failing*mu)
			under += d * (rate*mi - pace*mu)
		}
		if math.Abs(gotIdle-wantIdle) > 1e-5*(1+wantIdle) || math.Abs(gotUnder-wantUnder) > 1e-5*(1+wantUnder) {
			t.Fatalf("%v and %v, want %v and %v", gotIdle, gotUnder, wantIdle, wantUnder)
		}
	})
}
