package mech

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// flips is something that is so or not, second by second.
func flips(t *rapid.T, name string, n int) []bool {
	out := make([]bool, 0, n)
	for is := rapid.Bool().Draw(t, name+" at first"); len(out) < n; is = !is {
		for range rapid.IntRange(1, 12).Draw(t, name) {
			out = append(out, is)
		}
	}
	return out[:n]
}

// since is when what is so in second i began to be as it is.
func since(a []bool, i int) float64 {
	j := i
	for j > 0 && a[j-1] == a[i] {
		j--
	}
	return float64(j)
}

// TestSightIsWhatTheWordsSay compares with the sentence itself: seen is the first time
// t at which it was so, and the observer saw, for all of For, and saw for all of Lag
// after it.
func TestSightIsWhatTheWordsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 80
		so, dark := flips(t, "so", n), flips(t, "dark", n)
		length, lag := rapid.IntRange(0, 15).Draw(t, "for"), rapid.IntRange(0, 10).Draw(t, "lag")

		// A count begins where both begin to hold, ends where one does not any more, and
		// is sent off once; while it is on its way nothing else counts.
		want := math.NaN()
		for begin := 0; begin < n && math.IsNaN(want); begin++ {
			ok := begin == 0 || dark[begin-1] || !so[begin-1] // else it is no beginning
			for i := begin; ok && i <= begin+length; i++ {
				ok = i < n && so[i] && !dark[i]
			}
			for i := begin + length; ok && i <= begin+length+lag; i++ {
				ok = i < n && !dark[i]
			}
			if ok {
				want = float64(begin + length + lag)
			}
		}

		s := Sight{For: float64(length), Lag: float64(lag)}
		got := math.NaN()
		for i := 0; i < n; i++ {
			if at, seen := s.Look(float64(i), so[i], since(so, i), !dark[i], since(dark, i)); seen {
				got = at
				break
			}
			if s.Next() <= float64(i) {
				t.Fatalf("at %d it waits for %g, which is over", i, s.Next())
			}
		}
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("seen at %g, want %g", got, want)
		}
	})
}

// TestSightAtAnyStep asks only when something turns or is due, as the engine does.
func TestSightAtAnyStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 80
		so, dark := flips(t, "so", n), flips(t, "dark", n)
		every := Sight{For: float64(rapid.IntRange(0, 15).Draw(t, "for")), Lag: float64(rapid.IntRange(0, 10).Draw(t, "lag"))}
		some := every
		seldom := math.NaN()
		often := math.NaN()
		for i := range n {
			at, seen := every.Look(float64(i), so[i], since(so, i), !dark[i], since(dark, i))
			if seen && math.IsNaN(often) {
				often = at
			}
			if turned := i == 0 || so[i] != so[i-1] || dark[i] != dark[i-1]; turned || float64(i) >= some.Next() {
				if at, seen := some.Look(float64(i), so[i], since(so, i), !dark[i], since(dark, i)); seen && math.IsNaN(seldom) {
					seldom = at
				}
			}
		}
		if often != seldom && !(math.IsNaN(often) && math.IsNaN(seldom)) {
			t.Fatalf("seen at %g when asked all the time, at %g when asked at times", often, seldom)
		}
	})
}

// TestRelaxing: what is admitted does not depend on the steps, and is the parabola.
func TestRelaxing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Relaxing{
			At: rapid.Float64Range(0, 100).Draw(t, "at"), Over: rapid.Float64Range(1, 1000).Draw(t, "over"),
			Low: rapid.Float64Range(0, 100).Draw(t, "low"), High: rapid.Float64Range(0, 1000).Draw(t, "high"),
		}
		steps := rapid.IntRange(1, 50).Draw(t, "steps")
		part := rapid.Float64Range(0.1, 1).Draw(t, "part")
		h := r.Over * part / float64(steps)
		sum := 0.0
		for i := range steps {
			sum += r.Rate(r.At+float64(i)*h, h) * h
		}
		x := r.Over * part
		want := r.Low*x + (r.High-r.Low)*x*x/(2*r.Over)
		if math.Abs(sum-want) > 1e-9*max(1, want) {
			t.Fatalf("admitted %g, want %g", sum, want)
		}
		if r.Gone(r.At+0.999*r.Over) || !r.Gone(r.At+r.Over) {
			t.Fatal("it is gone at the end and not before")
		}
	})
}
