package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

// TestAutoscaleDesires: the numbers of the documentation of the horizontal pod
// autoscaler: 200m of a target of 100m doubles, 50m halves, and within a tenth nothing
// is done.
func TestAutoscaleDesires(t *testing.T) {
	for _, x := range []struct{ replicas, utilisation, want float64 }{
		{4, 0.6, 4},
		{4, 0.66, 4},
		{4, 0.67, 5},
		{4, 0.54, 4},
		{4, 0.53, 4},
		{4, 1, 7},
		{3, 0.4 * 1.5, 4}, // replicas that are asked for and not there have no utilisation, and are waited for
		{6, 1, 10},
		{60, 1, 12},
		{1, 0.01, 2},
	} {
		a := mech.NewAutoscale(0.6, 2, 12, 0, 4)
		a.Look(15, x.replicas, x.utilisation)
		if a.Want != x.want {
			t.Errorf("%v replicas at %v: %v are asked for, not %v", x.replicas, x.utilisation, a.Want, x.want)
		}
	}
}

// TestAutoscaleWaits: fewer are believed once every look of a time desired fewer, and
// then the most of these.
func TestAutoscaleWaits(t *testing.T) {
	a := mech.NewAutoscale(0.5, 1, 100, 300, 20)
	at := func(time, desired float64) float64 {
		a.Look(time, 20, desired/20*0.5)
		return a.Want
	}
	for _, x := range []struct{ t, desired, want float64 }{
		{0, 4, 20},
		{150, 9, 20},
		{285, 3, 20},
		{290, 20, 20}, // a break
		{300, 4, 20},
		{450, 9, 20},
		{599, 3, 20},
		{600, 3, 9},
	} {
		if got := at(x.t, x.desired); got != x.want {
			t.Errorf("at %v: %v are asked for, not %v", x.t, got, x.want)
		}
	}
}

// TestAutoscaleKeepsItsBounds, and asks for no fewer than are needed for the target.
func TestAutoscaleKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := rapid.Float64Range(0.05, 1).Draw(t, "target")
		low := float64(rapid.IntRange(1, 50).Draw(t, "min"))
		high := low + float64(rapid.IntRange(0, 500).Draw(t, "more"))
		a := mech.NewAutoscale(target, low, high, rapid.Float64Range(0, 100).Draw(t, "down after"), low)
		for k := range rapid.IntRange(1, 30).Draw(t, "looks") {
			replicas := rapid.Float64Range(0, 600).Draw(t, "replicas")
			u := rapid.Float64Range(0, 1).Draw(t, "utilisation")
			before := a.Want
			a.Look(float64(15*k), replicas, u)
			if a.Want < low || a.Want > high {
				t.Fatalf("%v are asked for, of %v to %v", a.Want, low, high)
			}
			if off := math.Abs(u/target - 1); off > mech.ScaleTolerance+1e-9 && a.Want < min(high, replicas*u/target)-1e-5 {
				t.Fatalf("%v are asked for, and %v of %v are busy", a.Want, u, replicas)
			} else if off <= mech.ScaleTolerance && a.Want > max(low, before) {
				t.Fatalf("%v are asked for after %v, at the target", a.Want, before)
			}
		}
	})
}
