package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

func near(a, b, relative, absolute float64) bool {
	return a == b || math.Abs(a-b) <= max(relative*max(math.Abs(a), math.Abs(b)), absolute)
}

// aStep is servers, what they are at, and a step, of all sizes beside one another.
type aStep struct {
	v                     mech.Servers
	x, queue, arrivals, h float64
}

func drawStep(t *rapid.T) aStep {
	size := func(low, high float64, name string) float64 {
		return math.Pow(10, rapid.Float64Range(low, high).Draw(t, name))
	}
	s := aStep{v: mech.Servers{Count: size(-1, 4, "servers"), Time: size(-3, 1, "time")}}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		s.v.Count = math.Inf(1)
	case 1:
		s.v.Count = 0
	}
	count := s.v.Count
	if math.IsInf(count, 1) || count == 0 {
		count = 10
	}
	s.x = count * rapid.SampledFrom([]float64{0, 0.3, 1, 1, 2.5}).Draw(t, "in service")
	s.queue = count * rapid.SampledFrom([]float64{0, 0, 0.2, 3, 100}).Draw(t, "waiting")
	s.h = s.v.Time * size(-3, 3, "step")
	s.arrivals = count / s.v.Time * s.h * rapid.SampledFrom([]float64{0, 0.5, 0.999, 1, 1.5, 10}).Draw(t, "load")
	return s
}

// serve plays the step in n parts.
func (s aStep) serve(n int) (started, inService, integral float64) {
	x, queue := s.x, s.queue
	for range n {
		a := s.arrivals / float64(n)
		begun, next := s.v.Serve(x, queue, a, s.h/float64(n))
		queue += a - begun
		integral += (x + next) / 2 * s.h / float64(n)
		started += begun
		x = next
	}
	return started, x, integral
}

// TestServeInParts: a step is exact, so it is what its parts are, however many.
func TestServeInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStep(t)
		n := rapid.IntRange(2, 50).Draw(t, "parts")
		begun, x, _ := s.serve(1)
		begun2, x2, _ := s.serve(n)
		total := s.queue + s.arrivals
		if !near(begun, begun2, 1e-9, 1e-9*max(total, s.x)) || !near(x, x2, 1e-9, 1e-9*max(total, s.x)) {
			t.Fatalf("%+v: %v started and %v are in service, in %d parts %v and %v", s, begun, x, n, begun2, x2)
		}
	})
}

// TestServeKeepsWhatThereIs: nobody starts who is not there, nothing is negative, no
// more are in service than places, and what leaves is what was there.
func TestServeKeepsWhatThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStep(t)
		begun, x := s.v.Serve(s.x, s.queue, s.arrivals, s.h)
		total := s.queue + s.arrivals
		slack := 1e-9 * max(total, s.x)
		switch {
		case !(begun >= 0) || begun > total+slack:
			t.Fatalf("%+v: %v of %v start", s, begun, total)
		case !(x >= 0) || x > max(s.x, s.v.Count)+slack:
			t.Fatalf("%+v: %v are in service", s, x)
		case s.x+begun-x < -slack:
			t.Fatalf("%+v: %v leave", s, s.x+begun-x)
		case begun > s.v.Room(s.x, s.h)+slack:
			t.Fatalf("%+v: %v start where there is room for %v", s, begun, s.v.Room(s.x, s.h))
		}
		more, _ := s.v.Serve(s.x, s.queue+1, s.arrivals, s.h)
		if more < begun-slack {
			t.Fatalf("%+v: one more waits, and %v start in place of %v", s, more, begun)
		}
	})
}

// TestServeByLittle: time spent in service is what left times the mean time (Little
// 1961, as an integral over the step, exact for a fluid).
func TestServeByLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStep(t)
		s.h = min(s.h, 5*s.v.Time)
		s.arrivals = min(s.arrivals, 5*max(1, s.x))
		begun, x, integral := s.serve(4000)
		if math.IsInf(s.v.Count, 1) { // the trapezium sees the jump in the middle
			integral += s.queue * s.h / 4000 / 2
		} else if s.v.Count > 0 {
			integral += min(s.queue, max(0, s.v.Count-s.x)) * s.h / 4000 / 2
		}
		if left := s.x + begun - x; !near(integral, left*s.v.Time, 1e-3, 1e-3*s.h*max(s.x, s.v.Time)) {
			t.Fatalf("%+v: %v s in service, and %v left after %v s each", s, integral, left, s.v.Time)
		}
	})
}

// TestServeInTheLongRun comes to what queueing theory says of a fluid.
func TestServeInTheLongRun(t *testing.T) {
	v := mech.Servers{Count: 100, Time: 0.1}
	for _, load := range []float64{300, 999, 1500} {
		_, x := v.Serve(0, 0, load*1000, 1000)
		if want := min(100, closedform.ThreadsBusy(load, 0.1)); !near(x, want, 1e-9, 0) {
			t.Errorf("at %v/s %v are busy, not %v", load, x, want)
		}
	}
	begun, _ := v.Serve(100, 50000, 600*100, 100)
	if left := 50000 + 60000 - begun; !near(left, closedform.Backlog(50000, 600, 1000, 100), 1e-9, 0) {
		t.Errorf("%v wait after 100 s", left)
	}
	if begun, _ := v.Serve(100, 50000, 600*200, 200); !near(begun, 1000*closedform.Drain(50000, 600, 1000, 1)+600*75, 1e-9, 0) {
		t.Errorf("%v start in 200 s", begun)
	}
}

// TestTimely integrates the distribution over the waits.
func TestTimely(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := math.Pow(10, rapid.Float64Range(-3, 1).Draw(t, "service"))
		timeout := s * rapid.Float64Range(0.1, 30).Draw(t, "time-out")
		w0 := timeout * rapid.Float64Range(0, 1.5).Draw(t, "first wait")
		w1 := timeout * rapid.Float64Range(0, 1.5).Draw(t, "last wait")
		share, after := mech.Timely(timeout, w0, w1, s)
		const n = 4000
		want, spent := 0.0, 0.0
		for i := range n {
			left := timeout - (w0 + (w1-w0)*(float64(i)+0.5)/n)
			if left > 0 {
				want += closedform.Timely(s, left) / n
				// integral of x f(x) to left
				spent += (s - (s+left)*math.Exp(-left/s)) / n
			}
		}
		if !near(share, want, 1e-4, 4e-4) {
			t.Fatalf("Timely(%v, %v, %v, %v) = %v, not %v", timeout, w0, w1, s, share, want)
		}
		if share < 0 || share > 1 || after < 0 || after > s*(1+1e-12) {
			t.Fatalf("Timely(%v, %v, %v, %v) = %v, %v", timeout, w0, w1, s, share, after)
		}
		// The time is that of the middle of the waits that are not in vain. It is
		// exact for one wait, and never far off, for the mean of min(S, y) is flat.
		if want > 0.01 {
			if !near(after, spent/want, 0.4, 0) {
				t.Fatalf("Timely(%v, %v, %v, %v) takes %v, not %v", timeout, w0, w1, s, after, spent/want)
			}
			if math.Abs(w1-w0) < 0.05*(timeout-max(w0, w1)) && !near(after, spent/want, 1e-3, 0) {
				t.Fatalf("Timely(%v, %v, %v, %v) takes %v, not %v", timeout, w0, w1, s, after, spent/want)
			}
		}
		back, _ := mech.Timely(timeout, w1, w0, s)
		if back != share {
			t.Fatalf("from either end %v and %v are in time", share, back)
		}
	})
	if share, after := mech.Timely(math.Inf(1), 3, 5, 0.2); share != 1 || after != 0.2 {
		t.Errorf("who waits for ever gets %v after %v", share, after)
	}
}
