package mech

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestCellsTogether: neighbours of one density renew over the whole of both when they are
// put together, and others with their mean, and never outside of both.
func TestCellsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, long := rapid.Float64Range(0, 1e4).Draw(t, "at"), rapid.Float64Range(0.1, 10).Draw(t, "long")
		c := leaseCell{d0: at, d1: at + long, mass: rapid.Float64Range(1, 100).Draw(t, "mass")}
		more := rapid.Float64Range(0.1, 10).Draw(t, "more")
		o := leaseCell{d0: c.d1, d1: c.d1 + more, mass: c.mass * more / long}
		share := func() float64 { return o.mass / (c.mass + o.mass) }
		if d0, d1 := c.together(&o, share()); math.Abs(d0-c.d0) > 1e-6 || math.Abs(d1-o.d1) > 1e-6 {
			t.Errorf("[%v, %v) and [%v, %v) together are [%v, %v)", c.d0, c.d1, o.d0, o.d1, d0, d1)
		}
		o.mass = rapid.Float64Range(1, 100).Draw(t, "other")
		d0, d1 := c.together(&o, share())
		if d0 < c.d0-1e-9 || d1 > o.d1+1e-9 || d1 <= d0 {
			t.Errorf("[%v, %v) and [%v, %v) together are [%v, %v)", c.d0, c.d1, o.d0, o.d1, d0, d1)
		}
		mean := (c.mass*(c.d0+c.d1) + o.mass*(o.d0+o.d1)) / (c.mass + o.mass) / 2
		if d0 > c.d0+1e-6 && d1 < o.d1-1e-6 && math.Abs(mean-0.5*(d0+d1)) > 1e-6 {
			t.Errorf("the mean is %v, and was %v", 0.5*(d0+d1), mean)
		}
	})
}
