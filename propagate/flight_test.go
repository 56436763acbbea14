package propagate

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestFlightCoarsens: what is under way for long is kept in few cells, of which nothing
// is lost, and whose borders are right to two percent of their age.
func TestFlightCoarsens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(t, "attempts")
		f := flight{n: n, merge: 3600}
		type piece struct{ to, mass float64 }
		var sent []piece
		now, total, out := 0.0, 0.0, make([]float64, n)
		for i := range rapid.IntRange(300, 2000).Draw(t, "steps") {
			h := rapid.Float64Range(0.01, 2).Draw(t, "h")
			row := make([]float64, n)
			row[i%n] = h * rapid.Float64Range(1, 9).Draw(t, "rate")
			f.put(now, now+h, row)
			now += h
			total += row[i%n]
			sent = append(sent, piece{now, total})
			if i%5 == 0 {
				f.decide(f.cells[f.head].from, now-50, 0.1, out)
			}
		}
		mass := 0.0
		for i := f.head; i < len(f.cells); i++ {
			c := f.cells[i]
			mass += sum(f.row(i))
			if i > f.head && c.from != f.cells[i-1].to {
				t.Fatalf("cell %d begins at %v, and the one before ends at %v", i, c.from, f.cells[i-1].to)
			}
			if i < f.open && !c.decided {
				t.Fatalf("cell %d is open and stands before the first that is", i)
			}
		}
		if many := len(f.cells) - f.head; many > 1200 {
			t.Errorf("%d cells for %v s", many, now)
		}
		if math.Abs(mass-f.total) > 1e-9*total || math.Abs(f.total+sum(out)-total) > 1e-9*total {
			t.Errorf("%v in cells, %v in all, %v answered, of %v", mass, f.total, sum(out), total)
		}
		// What was sent before a time, by the cells.
		at := rapid.Float64Range(0, now).Draw(t, "at")
		low, high := 0.0, 0.0
		slack := 0.02*(now-at) + 2
		for _, p := range sent {
			if p.to <= at-slack {
				low = p.mass
			}
			if p.to <= at+slack {
				high = p.mass
			}
		}
		high += 18
		lost, gone := make([]float64, n), sum(out)
		f.expire(at, lost, nil)
		if got := sum(lost); got > high || got < low-gone-18 {
			t.Errorf("%v sent before %v, of %v to %v", got, at, low, high)
		}
	})
}
