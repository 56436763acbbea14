package mech

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestTallyIsRunsOfResults: an instance counts as failed from the first run of so many
// failures on, and as well from the first run of so many successes after that.
func TestTallyIsRunsOfResults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out, in := rapid.IntRange(1, 5).Draw(t, "out"), rapid.IntRange(1, 5).Draw(t, "in")
		results := rapid.SliceOfN(rapid.Bool(), 1, 80).Draw(t, "results")
		var tally Tally
		failed := false
		for i, well := range results {
			turned := tally.Note(well, out, in)
			run := 0 // of results alike that end here, since the verdict last turned at most
			for j := i; j >= 0 && results[j] == well; j-- {
				run++
			}
			want := failed
			switch {
			case !failed && !well && run >= out:
				want = true
			case failed && well && run >= in:
				want = false
			}
			if tally.Failed != want || turned != (want != failed) {
				t.Fatalf("after %v (out %d, in %d): failed is %v, turned %v", results[:i+1], out, in, tally.Failed, turned)
			}
			failed = want
		}
	})
}

// TestPhasesAreEven: the tests of n instances are spread evenly over an interval.
func TestPhasesAreEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, interval := rapid.IntRange(1, 40).Draw(t, "n"), rapid.Float64Range(0.1, 100).Draw(t, "interval")
		mean := 0.0
		for i := range n {
			p := Phase(i, n, interval)
			if p <= 0 || p >= interval {
				t.Fatalf("instance %d of %d is tested at %v of %v", i, n, p, interval)
			}
			if i > 0 && math.Abs(p-Phase(i-1, n, interval)-interval/float64(n)) > 1e-9*interval {
				t.Fatalf("instances %d and %d of %d are not as far apart as others", i-1, i, n)
			}
			mean += p / float64(n)
		}
		if math.Abs(mean-interval/2) > 1e-9*interval {
			t.Fatalf("the mean phase is %v of %v", mean, interval)
		}
	})
}

// TestFade: a weight goes straight from where it was, stays within 0 and 1, and gets
// there in time.
func TestFade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		over := rapid.SampledFrom([]float64{0, 1, 60}).Draw(t, "over")
		f := Fade{In: true, From: 1}
		now := 0.0
		for range rapid.IntRange(1, 10).Draw(t, "turns") {
			now += rapid.Float64Range(0.01, 80).Draw(t, "later")
			before := f.Weight(now, over)
			f.Turn(rapid.Bool().Draw(t, "in"), now, over)
			if over > 0 && math.Abs(f.Weight(now, over)-before) > 1e-12 {
				t.Fatalf("the weight jumps from %v to %v", before, f.Weight(now, over))
			}
			half := f.Weight(now+over/2, over)
			goal := 0.0
			if f.In {
				goal = 1
			}
			if end := f.Weight(now+over, over); math.Abs(end-goal) > 1e-9 || half < -1e-12 || half > 1+1e-12 {
				t.Fatalf("%v, then %v, then %v on the way to %v", before, half, end, goal)
			}
			if over > 0 && before != goal && math.Abs(math.Abs(half-before)-math.Min(0.5, math.Abs(goal-before))) > 1e-9 {
				t.Fatalf("%v, and %v half of the time later", before, half)
			}
		}
	})
}

// TestMedian: half of all exponential service times are shorter.
func TestMedian(t *testing.T) {
	if share, _ := Timely(Median(0.2), 0, 0, 0.2); math.Abs(share-0.5) > 1e-9 {
		t.Errorf("%v of the requests are served by then", share)
	}
}
