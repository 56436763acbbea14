package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// answering is a cache in front of something that answers at once, or fails.
type answering struct {
	*mech.Cache
	at    float64
	asked float64 // per second
	well  float64 // share of fetches
	late  bool    // failures are time-outs
	calls float64
}

// play steps to a time in steps of a length, and returns what became of the last
// requests.
func (a *answering) play(until, h float64) (r mech.Recall) {
	for a.at < until-1e-9 {
		h := min(h, until-a.at)
		r = a.Step(a.at, h, a.asked*h, a.well, 0)
		calls := float64(a.asked * h * r.Call)
		a.calls += calls
		a.Called(calls)
		a.Answered(calls * a.well)
		a.Failed(calls * (1 - a.well))
		if !a.late {
			a.Refused(calls * (1 - a.well))
		}
		a.at += h
	}
	return r
}

func near3(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance*max(1e-3, math.Abs(b)) }

// TestCacheAtRest: a full cache stays as full as the closed form says, whatever the
// steps, and an empty one becomes so.
func TestCacheAtRest(t *testing.T) {
	for _, l := range []float64{0.01, 0.1, 1, 10} {
		for _, spread := range []float64{0, 30, 120} {
			for _, coalesce := range []bool{false, true} {
				want := closedform.HitRatio(l, 60)
				full := &answering{Cache: mech.NewCache(1000, 60-spread/2, spread, 0, 0), asked: 1000 * l, well: 1}
				full.Coalesce = coalesce
				full.Fill(l, 0)
				for _, h := range []float64{0.1, 2.5, 50, 1000, 0.1, 0.7} { // some hold many lives of a key
					if r := full.play(full.at+max(100, h), h); !near3(r.Hit, want, 2e-3) || !near3(1-r.Hit, 1-want, 2e-2) {
						t.Errorf("l %v, spread %v, steps of %v: %v hits, want %v", l, spread, h, r.Hit, want)
					}
				}
				empty := &answering{Cache: mech.NewCache(1000, 60-spread/2, spread, 0, 0), asked: 1000 * l, well: 1}
				empty.Coalesce = coalesce
				empty.play(1800, 1)
				empty.calls = 0
				empty.play(3600, 1)
				if miss := empty.calls / (1800 * empty.asked); !near3(miss, 1-want, 2e-2) {
					t.Errorf("l %v, spread %v: %v of the requests miss after half an hour, want %v", l, spread, miss, 1-want)
				}
			}
		}
	}
}

// TestCacheLost: what is behind a cache is lost, and what it still serves is the
// closed form's, whatever the steps.
func TestCacheLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := rapid.Float64Range(1, 100).Draw(t, "ttl")
		l := rapid.Float64Range(0.01, 10).Draw(t, "l") / ttl * 10
		stale := ttl * rapid.Float64Range(0, 5).Draw(t, "stale")
		pinned := rapid.SampledFrom([]float64{0, 0.05, 0.5}).Draw(t, "pinned")
		h := ttl / rapid.Float64Range(4, 300).Draw(t, "steps")
		a := &answering{Cache: mech.NewCache(500, ttl, 0, 0, 0), asked: 500 * l, late: true}
		a.Stale, a.Pinned = stale, pinned
		a.Coalesce = rapid.Bool().Draw(t, "coalesce")
		a.Fill(l, 0)
		at := ttl * rapid.Float64Range(0, 7).Draw(t, "at")
		a.play(at, h)
		r := a.play(at+h, h)
		full := closedform.HitRatio(l, ttl)
		mid := at + h/2
		want := pinned + (1-pinned)*closedform.CacheServed(mid, full, ttl, stale)
		if got := r.Hit + r.Barred + (r.Call+r.Wait)*r.Old; math.Abs(got-want) > 0.02+h/ttl*0.5 {
			t.Fatalf("%v s after: %v served, want %v (%+v)", mid, got, want, r)
		}
		if want := pinned + (1-pinned)*closedform.CacheServed(mid, full, ttl, 0); math.Abs(r.Hit-want) > 1e-9+h/ttl*0.25 {
			t.Fatalf("%v s after: %v hits, want %v", mid, r.Hit, want)
		}
	})
}

// TestOldAnswers: clients that resolve when their answer has had its time leave the
// old one as the closed form says.
func TestOldAnswers(t *testing.T) {
	for _, forever := range []float64{0, 0.05} {
		for _, at := range []float64{0, 15, 30, 59, 61, 100} {
			a := &answering{Cache: mech.NewCache(100, 60, 0, 0, 0), asked: 1e5}
			a.Pinned = forever
			a.Fill(1000, 0)
			a.play(at, 0.1)
			if r, want := a.play(at+0.01, 0.01), closedform.OldAnswer(at+0.005, 60, forever); math.Abs(r.Hit-want) > 1e-3 {
				t.Errorf("%v on the old answer after %v s, want %v", r.Hit, at, want)
			}
		}
	}
}

// TestColdCache: the herd of an empty cache dies down as the closed form says, in one
// step or in many.
func TestColdCache(t *testing.T) {
	for _, h := range []float64{0.01, 1, 50} {
		a := &answering{Cache: mech.NewCache(1000, 60, 0, 0, 0), asked: 100, well: 1}
		if r := a.play(min(h, 0.01), h); !near3(r.Call, 1, 1e-3) {
			t.Errorf("an empty cache lets %v of the requests call", r.Call)
		}
		a = &answering{Cache: mech.NewCache(1000, 60, 0, 0, 0), asked: 100, well: 1}
		a.play(50, h)
		want := 1000 * (1 - math.Exp(-0.1*50)) // the integral of N l e^(-l t)
		if !near3(a.calls, want, 1e-4) {
			t.Errorf("steps of %v: %v calls fill it, want %v", h, a.calls, want)
		}
		if rate := closedform.CacheRefillRate(1000, 0.1, 50); !near3(100*(1-a.calls/1000), rate, 1e-2) {
			t.Errorf("steps of %v: %v/s at the end, want %v", h, 100*(1-a.calls/1000), rate)
		}
	}
}

// TestNegativeAnswers: a failure that came back is remembered for its time, a time-out
// is not; and memories outlive the outage by their time.
func TestNegativeAnswers(t *testing.T) {
	a := &answering{Cache: mech.NewCache(100, 60, 0, 30, 0), asked: 1000}
	a.play(600, 0.1)
	a.calls = 0
	r := a.play(1200, 0.1)
	if want := 100 / (30 + 0.1) * 600; !near3(a.calls, want, 1e-2) {
		t.Errorf("%v fetches in 600 s, want %v: each key once in 30.1 s", a.calls, want)
	}
	if !near3(r.Barred, 30/30.1, 1e-2) || r.Hit != 0 {
		t.Errorf("%+v", r)
	}
	a.well = 1
	last := 0.0
	for a.at < 1231 {
		r = a.play(a.at+0.1, 0.1)
		if r.Hit < last-1e-9 {
			t.Fatalf("%v hits at %v, after %v", r.Hit, a.at, last)
		}
		last = r.Hit
	}
	if r.Barred > 1e-3 || r.Hit < 0.95 {
		t.Errorf("31 s after it is back: %+v", r)
	}
	late := &answering{Cache: mech.NewCache(100, 60, 0, 30, 0), asked: 1000, late: true}
	if r := late.play(600, 0.1); r.Barred > 0 || r.Call < 1 {
		t.Errorf("after time-outs: %+v", r)
	}
	// An old value goes before a remembered failure.
	old := &answering{Cache: mech.NewCache(100, 60, 0, 30, 0), asked: 1000}
	old.Stale = 1e6
	old.Fill(10, 0)
	if r := old.play(600, 0.1); r.Hit < 0.99 || r.Barred > 2e-3 {
		t.Errorf("with old values: %+v", r)
	}
}

// TestCoalesced: with one fetch at a time a key costs one call in a cycle, and who
// comes meanwhile waits; without, all of them call.
func TestCoalesced(t *testing.T) {
	for _, coalesce := range []bool{true, false} {
		c := mech.NewCache(1000, 60, 0, 0, 0)
		c.Coalesce = coalesce
		const l, stay, h = 5.0, 1.0, 0.05
		var on []float64 // the way
		calls, waits := 0.0, 0.0
		for i := range 72000 {
			r := c.Step(float64(i)*h, h, 1000*l*h, 1, stay)
			sent := 1000 * l * h * r.Call
			c.Called(sent)
			on = append(on, sent)
			if n := int(stay / h); i >= n {
				c.Answered(on[i-n])
			}
			if i >= 36000 {
				calls += sent
				waits += 1000 * l * h * r.Wait
			}
		}
		cycle := 1/l + stay + 60
		cycles := 1000 * 36000 * h / cycle
		perCycle, waiting := 1+l*stay, 0.0
		if coalesce {
			perCycle, waiting = 1, l*stay
		}
		if !near3(calls/cycles, perCycle, 0.02) || !near3(waits/cycles, waiting, 0.02) {
			t.Errorf("coalesce %v: %v calls and %v waits in a cycle, want %v and %v", coalesce, calls/cycles, waits/cycles, perCycle, waiting)
		}
	}
}

// TestRecallsAddUp: whatever comes back, shares are shares, they add up to one, and the
// same steps after a copy give the same.
func TestRecallsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(low, high float64, name string) float64 { return rapid.Float64Range(low, high).Draw(t, name) }
		c := mech.NewCache(draw(1, 1e6, "keys"), draw(0, 60, "low"), draw(0.1, 60, "spread"), draw(0, 30, "negative"), draw(0, 30, "more"))
		c.Coalesce, c.Pinned, c.Stale = rapid.Bool().Draw(t, "coalesce"), draw(0, 1, "pinned"), draw(0, 100, "stale")
		if rapid.Bool().Draw(t, "full") {
			c.Fill(draw(0, 100, "rate"), draw(0, 1, "took"))
		}
		at, out := 0.0, 0.0
		copied := new(mech.Cache)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			h := draw(0.01, 20, "h")
			asked := c.Keys * draw(0, 10, "asked") * h
			well, stay := draw(0, 1, "well"), draw(0, 10, "stay")
			if rapid.Bool().Draw(t, "never") {
				stay = math.Inf(1)
			}
			copied.Copy(c)
			again := copied.Step(at, h, asked, well, stay)
			r := c.Step(at, h, asked, well, stay)
			if r != again {
				t.Fatalf("a copy gives %+v, not %+v", again, r)
			}
			for _, x := range []float64{r.Hit, r.Barred, r.Wait, r.Call, r.Old} {
				if !(x >= -1e-12 && x <= 1+1e-12) {
					t.Fatalf("%+v", r)
				}
			}
			if sum := r.Hit + r.Barred + r.Wait + r.Call; math.Abs(sum-1) > 1e-9 {
				t.Fatalf("%+v add up to %v", r, sum)
			}
			calls := asked * r.Call
			c.Called(calls)
			out += calls
			over := out * draw(0, 1, "over")
			out -= over
			good := over * draw(0, 1, "good")
			c.Answered(good)
			c.Failed(over - good)
			c.Refused((over - good) * draw(0, 1, "refused"))
			at += h
		}
		if e := c.Error(); e > 1e-9 {
			t.Fatalf("shares are out by %v", e)
		}
	})
}

// TestCacheAllocatesNothing once it is warm, and keeps few cells at rest.
func TestCacheAllocatesNothing(t *testing.T) {
	a := &answering{Cache: mech.NewCache(1000, 60, 0, 5, 5), asked: 1000, well: 0.7}
	a.Stale = 30
	a.play(1000, 0.1)
	saved := new(mech.Cache)
	saved.Copy(a.Cache)
	if n := testing.AllocsPerRun(1000, func() {
		saved.Copy(a.Cache)
		a.play(a.at+0.1, 0.1)
	}); n > 0 {
		t.Errorf("%v allocations in a step", n)
	}
}

func BenchmarkCache(b *testing.B) {
	for _, name := range []string{"rest", "herd"} {
		b.Run(name, func(b *testing.B) {
			a := &answering{Cache: mech.NewCache(1000, 60, 0, 5, 0), asked: 1000, well: 1}
			if name == "rest" {
				a.Fill(1, 0)
			}
			a.play(200, 0.1)
			for b.Loop() {
				a.play(a.at+0.1, 0.1)
			}
		})
	}
}
