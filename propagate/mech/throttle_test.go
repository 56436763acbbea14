package mech_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// TestBucket admits of a steady demand what the closed form says, in whatever steps.
func TestBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0, 1000).Draw(t, "rate")
		burst := rapid.Float64Range(0, 1000).Draw(t, "burst")
		offered := rapid.Float64Range(0, 3000).Draw(t, "offered")
		b := mech.Bucket{Rate: rate, Burst: burst, Tokens: burst}
		passed, now := 0.0, 0.0
		for _, h := range partition(t, rapid.Float64Range(0.1, 100).Draw(t, "seconds")) {
			room := b.Room(h)
			m := b.Take(offered*h, h)
			if m > room || b.Tokens < -1e-9 || b.Tokens > burst {
				t.Fatalf("%v of %v pass, and %v tokens are left", m, room, b.Tokens)
			}
			passed, now = passed+m, now+h
			if want := closedform.BucketAdmitted(rate, burst, offered, now); !near(passed, want, 1e-9, 1e-9*burst) {
				t.Fatalf("%v passed by %v, not %v", passed, now, want)
			}
		}
		if lasts := closedform.BucketLasts(rate, burst, offered); lasts > now*1.001 && !near(passed, offered*now, 1e-9, 0) {
			t.Fatalf("%v refused by %v, and the burst lasts %v", offered*now-passed, now, lasts)
		}
	})
}

func TestShed(t *testing.T) {
	if got := mech.Shed(500, 1000, 0.9, 0.1); got != 90 {
		t.Errorf("%v of 500 are let in", got)
	}
	if got := mech.Shed(50, 1000, 0.9, 0.1); got != 50 {
		t.Errorf("%v of 50 are let in", got)
	}
}
