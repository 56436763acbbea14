package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

// TestReturnAtARate: k replicas are back k/rate seconds after the start, in whatever
// steps, and the mean of a step is that of the line.
func TestReturnAtARate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 30.0
		rate := rapid.Float64Range(0.001, 10).Draw(t, "rate")
		left := rapid.Float64Range(0, 0.9).Draw(t, "left")
		start := rapid.Float64Range(0, 100).Draw(t, "start")
		r := mech.NewReturn(rate, start)
		r.Struck(50, left)
		if r.Lost != 0 {
			t.Fatalf("%v is lost that the fault has not taken", r.Lost)
		}
		r.Struck(100, 1)
		now, sum := 100.0, 0.0
		there := func(t float64) float64 { return min(n, n*left+rate*max(0, t-100-start)) }
		for _, h := range partition(t, rapid.Float64Range(0.1, 500).Draw(t, "seconds")) {
			r.Due(now)
			sum += n * h * (1 - r.Play(now, h, n))
			now += h
			if got := n * (1 - r.Lost); !near(got, there(now), 1e-9, 1e-7) {
				t.Fatalf("%v are there at %v, not %v", got, now, there(now))
			}
		}
		full := (n - n*left) / rate
		area := 0.0 // below there, from 100 to now
		up := min(max(0, now-100-start), full)
		area = n*left*(now-100-up) + (n*left+rate*up/2)*up + (n-n*left)*max(0, now-100-start-full)
		if !near(sum, area, 1e-7, 1e-6) {
			t.Fatalf("%v replica-seconds, not %v", sum, area)
		}
	})
}

// TestReturnAtOnce: without a rate or a start nothing is ever lost, and with a start all
// is back at once then.
func TestReturnAtOnce(t *testing.T) {
	r := mech.NewReturn(math.Inf(1), 0)
	r.Struck(1, 0)
	r.Struck(2, 1)
	if r.Lost != 0 || r.Due(2) {
		t.Error("it takes time: ", r.Lost)
	}
	r = mech.NewReturn(math.Inf(1), 30)
	r.Struck(1, 0)
	r.Struck(2, 0.5)
	if r.Lost != 1 || r.Next(2, 10) != 32 || r.Due(31) || r.Play(2, 30, 10) != 1 || !r.Due(32) || r.Lost != 0 {
		t.Errorf("%+v", r)
	}
	r.Struck(40, 1) // the other half
	if r.Lost != 0.5 || !r.Due(70) || r.Lost != 0 {
		t.Errorf("%+v", r)
	}
}

// TestHand: it waits once it has failed for long enough without a break, and until all
// of it was restarted.
func TestHand(t *testing.T) {
	m := mech.NewHand(30)
	m.Note(10, true)
	m.Note(35, false)
	m.Note(50, true)
	m.Note(60, true)
	if m.Next() != 80 || m.Due(79) || !m.Due(80) || m.Waits != 1 || m.Since != 80 {
		t.Fatalf("%+v", m)
	}
	m.Note(90, true)
	if m.Due(1e6) {
		t.Error("what waits begins to wait")
	}
	healed := 0.0
	for range 5 {
		healed += m.Heal(0.2)
	}
	if m.Waits != 0 || !near(healed, 1, 1e-12, 0) || m.Heal(1) != 0 {
		t.Errorf("%+v, healed %v", m, healed)
	}
}
