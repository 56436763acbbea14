package mech_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

// entry is mass that enters a line evenly.
type entry struct{ from, to, mass float64 }

// drawEntries are masses that enter one after another, with gaps and alike ones.
func drawEntries(t *rapid.T) []entry {
	var all []entry
	at, rate := 0.0, 1.0
	for range rapid.IntRange(1, 40).Draw(t, "entries") {
		at += rapid.SampledFrom([]float64{0, 0, 0, 0.3, 5}).Draw(t, "gap")
		length := rapid.SampledFrom([]float64{0.01, 0.05, 0.5, 3}).Draw(t, "length")
		rate *= rapid.SampledFrom([]float64{1, 1, 0.1, 3}).Draw(t, "change of rate")
		all = append(all, entry{at, at + length, rate * length})
		at += length
	}
	return all
}

func drawLine(t *rapid.T) mech.Line {
	l := mech.Line{Low: rapid.SampledFrom([]float64{0, 0.02, 1, 7}).Draw(t, "low")}
	if rapid.Bool().Draw(t, "even") {
		l.Spread = rapid.SampledFrom([]float64{0.02, 0.5, 10}).Draw(t, "spread")
	}
	return l
}

// left is the share of an entry that is out of a line by a time, by Simpson's rule.
func (e entry) left(low, spread, at float64) float64 {
	if spread == 0 {
		return e.mass * max(0, min(1, (at-low-e.from)/(e.to-e.from)))
	}
	// The mean of a ramp over the entry, cut where it bends.
	cuts := []float64{e.from, e.to}
	for _, bend := range []float64{at - low, at - low - spread} {
		if bend > e.from && bend < e.to {
			cuts = append(cuts, bend)
		}
	}
	slices.Sort(cuts)
	f := func(x float64) float64 { return max(0, min(1, (at-low-x)/spread)) }
	sum := 0.0
	for i := 1; i < len(cuts); i++ { // straight in between: the trapezium is exact
		sum += (f(cuts[i-1]) + f(cuts[i])) / 2 * (cuts[i] - cuts[i-1])
	}
	return e.mass * sum / (e.to - e.from)
}

// TestLineKeepsMassAndTime: what is taken by a time is the convolution of what
// entered with the delay, in whatever steps it is taken; what is not taken is there.
func TestLineKeepsMassAndTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, entries := drawLine(t), drawEntries(t)
		total := 0.0
		for _, e := range entries {
			l.Put(e.from, e.to, e.mass)
			total += e.mass
		}
		if !near(l.Mass(), total, 1e-12, 0) {
			t.Fatalf("%v is in it, and %v was put", l.Mass(), total)
		}
		end := entries[len(entries)-1].to + l.Low + l.Spread
		var marks []float64
		for range rapid.IntRange(1, 30).Draw(t, "takes") {
			marks = append(marks, end*rapid.Float64Range(0, 1).Draw(t, "at"))
		}
		slices.Sort(marks)
		out := 0.0
		for _, at := range append(marks, end+1e-9) {
			m := l.Take(at)
			if m < 0 {
				t.Fatalf("%v is taken", m)
			}
			out += m
			want, blur := 0.0, 0.0
			for _, e := range entries {
				want += e.left(l.Low, l.Spread, at)
				// Entries within a sixteenth of a spread may have been put together.
				if l.Spread > 0 && at > e.from+l.Low-l.Spread/16 && at < e.to+l.Low+l.Spread*17/16 {
					blur += e.mass / 16
				}
			}
			if !near(out, want, 1e-6, max(1e-6*total, blur)) {
				t.Fatalf("%+v: by %v %v are out, not %v", l, at, out, want)
			}
			if !near(out+l.Mass(), total, 1e-9, 0) {
				t.Fatalf("%v out and %v in, of %v", out, l.Mass(), total)
			}
		}
		if l.Mass() > 1e-9*total {
			t.Fatalf("%v is left when all is over", l.Mass())
		}
	})
}

// TestLineInTurns: putting and taking in turns gives what putting first does, for a
// fixed delay exactly, and Copy goes on as its original.
func TestLineInTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, entries := drawLine(t), drawEntries(t)
		turns, all, twin := first, first, mech.Line{}
		for _, e := range entries {
			all.Put(e.from, e.to, e.mass)
		}
		out, total := 0.0, 0.0
		for _, e := range entries {
			turns.Put(e.from, e.to, e.mass)
			total += e.mass
			twin.Copy(&turns)
			m := turns.Take(e.to)
			if again := twin.Take(e.to); again != m || !near(twin.Mass(), turns.Mass(), 1e-12, 0) {
				t.Fatalf("a copy gives %v and keeps %v, its original %v and %v", again, twin.Mass(), m, turns.Mass())
			}
			out += m
		}
		at := entries[len(entries)-1].to
		blur := 1e-6 * total
		if first.Spread > 0 {
			blur = total / 16
		}
		if want := all.Take(at); !near(out, want, 1e-6, blur) {
			t.Fatalf("in turns %v are out, at once %v", out, want)
		}
		if !near(out+turns.Clear(), total, 1e-9, 0) || turns.Mass() != 0 {
			t.Fatalf("%v of %v are gone", total-out, total)
		}
	})
}

// TestLineKnowsItsNextChange: until then, what leaves a fixed delay leaves at the
// rate it did.
func TestLineKnowsItsNextChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, entries := mech.Line{Low: 2}, drawEntries(t)
		for _, e := range entries {
			l.Put(e.from, e.to, e.mass)
		}
		// At the beginning of one entry, with its rate as the present one.
		e := entries[rapid.IntRange(0, len(entries)-1).Draw(t, "entry")]
		now := e.from + l.Low
		l.Take(now)
		rate := e.mass / (e.to - e.from)
		last := entries[len(entries)-1].to + l.Low
		next := l.Next(now+1e-6, last, rate, 0.01*rate)
		if next < now || next > last {
			t.Fatalf("the next change is at %v, not from %v to %v", next, now, last)
		}
		if m := l.Take(next); !near(m, rate*(next-now), 0.011, 1e-5*rate) {
			t.Fatalf("from %v to %v %v leave, not %v", now, next, m, rate*(next-now))
		}
	})
	l := mech.Line{Low: 1, Spread: 1}
	l.Put(0, 1, 1)
	if next := l.Next(0, math.Inf(1), 0, 0); !math.IsInf(next, 1) {
		t.Errorf("what changes little by little changes at %v", next)
	}
}
