package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// TestPoolByLittle: in overload it lets in what its places can do, and where there is
// less, all of it; in steps much shorter and much longer than a stay.
func TestPoolByLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Float64Range(1, 1000).Draw(t, "places")
		stay := rapid.Float64Range(0.01, 10).Draw(t, "stay")
		h := stay * math.Pow(10, rapid.Float64Range(-2, 2).Draw(t, "step"))
		most := closedform.ThreadThroughput(limit, stay)
		load := most * rapid.SampledFrom([]float64{0.2, 0.9, 1.2, 10}).Draw(t, "load")
		var p mech.Pool
		inside, passed, n := 0.0, 0.0, 0
		steps := int(30*stay/h) + 400
		for i := range steps {
			in := load * h
			if p.Idle() {
				in = min(in, limit)
			} else {
				in = min(in, p.Room(limit, inside, 0, h))
			}
			keep := mech.Exp(-h / stay)
			next := inside*keep + in/h*stay*(1-keep)
			out := inside + in - next
			inside = next
			p.Note(inside, out/h)
			if inside > limit*1.02 && i > steps/2 {
				t.Fatalf("%v are inside, of %v places", inside, limit)
			}
			if i > steps/2 {
				passed, n = passed+in, n+1
			}
		}
		if got, want := passed/(float64(n)*h), min(load, most); !near(got, want, 0.02, 0) {
			t.Fatalf("%v pass per second, not %v (steps of %v)", got, want, h)
		}
	})
}

// TestPlaces: what leaves makes room, and no more are let in than that.
func TestPlaces(t *testing.T) {
	for _, x := range []struct{ limit, inside, leaving, want float64 }{
		{10, 0, 0, 10},
		{10, 10, 0, 0},
		{10, 10, 3, 3},
		{10, 12, 0, 0},
		{10, 12, 3, 1},
		{10, 5, 50, 100}, // ten times through, ten places
	} {
		if got := mech.Places(x.limit, x.inside, x.leaving, 1); got != x.want {
			t.Errorf("%+v: room for %v", x, got)
		}
	}
}
