package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

// TestTurnoverRests: when all is well as many serve all the time, in whatever steps.
func TestTurnoverRests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := mech.Turnover{Lifetime: rapid.Float64Range(10, 1e5).Draw(t, "lifetime"), Start: rapid.Float64Range(0, 1000).Draw(t, "start")}
		const n = 100.0
		serving := o.Begin(n)
		if want := n * o.Lifetime / (o.Lifetime + o.Start); !near(serving, want, 1e-12, 0) {
			t.Fatalf("%v serve, not %v", serving, want)
		}
		now, begin := 0.0, serving
		for _, h := range partition(t, rapid.Float64Range(0.1, 5000).Draw(t, "seconds")) {
			end, mean := o.Play(now, h, serving, 1)
			now, serving = now+h, end
			if !near(end, begin, 1e-7, 0) || !near(mean, begin, 1e-7, 0) || !near(end+o.Starting(), n, 1e-9, 0) {
				t.Fatalf("at %v %v serve, %v in the mean, %v start", now, end, mean, o.Starting())
			}
		}
	})
}

// TestTurnoverDecays as exp(-t/L) once what was launched is there, in whatever steps,
// while nothing can be launched.
func TestTurnoverDecays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := mech.Turnover{Lifetime: rapid.Float64Range(1, 1e5).Draw(t, "lifetime")}
		serving := o.Begin(50)
		now, sum := 0.0, 0.0
		for _, h := range partition(t, rapid.Float64Range(0.1, 5000).Draw(t, "seconds")) {
			var mean float64
			serving, mean = o.Play(now, h, serving, 0)
			now, sum = now+h, sum+mean*h
		}
		left := math.Exp(-now / o.Lifetime)
		if !near(serving, 50*left, 1e-9, 1e-9) || !near(sum, 50*o.Lifetime*(1-left), 1e-6, 1e-9) {
			t.Fatalf("%v serve after %v, %v in the sum; not %v and %v", serving, now, sum, 50*left, 50*o.Lifetime*(1-left))
		}
	})
}

// TestTurnoverLosesNobody: who serves, starts or was never launched are all there are.
func TestTurnoverLosesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := mech.Turnover{Lifetime: rapid.Float64Range(1, 1e4).Draw(t, "lifetime"), Start: rapid.Float64Range(0, 100).Draw(t, "start")}
		serving := o.Begin(10)
		now := 0.0
		missing := 0.0
		for _, h := range partition(t, rapid.Float64Range(0.1, 1000).Draw(t, "seconds")) {
			launched := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "launched")
			end, mean := o.Play(now, h, serving, launched)
			lost := mean * h / o.Lifetime * (1 - launched)
			missing += lost
			now, serving = now+h, end
			if total := serving + o.Starting() + missing; !near(total, 10, 1e-7, 0) || serving < 0 || serving > 10+1e-9 {
				t.Fatalf("%v serve, %v start and %v are missing: %v", serving, o.Starting(), missing, total)
			}
		}
	})
}
