package mech_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

// TestDeferredComesAgain: the share of what failed comes between the least and the
// greatest delay, all of it, and nothing else.
func TestDeferredComesAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		low, spread := rapid.Float64Range(0, 100).Draw(t, "low"), rapid.Float64Range(0, 100).Draw(t, "spread")
		d := mech.NewDeferred(share, false, low, spread)
		failed, came, now := 0.0, 0.0, 0.0
		for _, h := range partition(t, rapid.Float64Range(0.1, 300).Draw(t, "seconds")) {
			m := d.Take(now + h)
			came += m
			if now+h < low && m > 0 {
				t.Fatalf("%v come again at %v, before %v", m, now+h, low)
			}
			x := rapid.Float64Range(0, 100).Draw(t, "fail")
			d.Fail(now, now+h, x)
			failed, now = failed+x, now+h
			if !near(came+d.Waiting(), share*failed, 1e-9, 1e-9) || d.Balance() > 1e-9 || d.Balance() < -1e-9 {
				t.Fatalf("%v came and %v wait, of %v", came, d.Waiting(), share*failed)
			}
		}
		if came += d.Take(now + low + spread + 1); !near(came, share*failed, 1e-9, 1e-9) || d.Waiting() > 1e-9 {
			t.Fatalf("%v of %v came again", came, share*failed)
		}
	})
}

// TestDeferredUntilRecovery: nothing comes before the third good observation in a row,
// and then evenly.
func TestDeferredUntilRecovery(t *testing.T) {
	d := mech.NewDeferred(0.5, true, 0, 100)
	d.Fail(0, 10, 1000)
	now := 10.0
	for _, good := range []float64{0, 95, 95, 80, 95, 90} {
		d.Observe(now, now+1, good, 100-good)
		if now++; d.Take(now) != 0 {
			t.Fatal("some came before the recovery, at ", now)
		}
	}
	d.Observe(now, now+1, 0, 0) // nobody was answered: it says nothing
	d.Observe(now+1, now+2, 100, 0)
	now += 2
	before := d.Take(now)
	for k := 1; k <= 10; k++ {
		if m := d.Take(now + 9*float64(k)); k > 1 && !near(m, 45, 1e-9, 0) {
			t.Errorf("%v came in 9 s", m)
		}
	}
	if d.Take(now + 101); d.Waiting() > 1e-9 || before > 5 {
		t.Errorf("%v wait, %v came at once", d.Waiting(), before)
	}
}
