package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

func massOf(segments []mech.Segment) float64 {
	sum := 0.0
	for _, s := range segments {
		sum += s.Mass
	}
	return sum
}

func filled(entries []entry) (q mech.Queue, total float64) {
	for _, e := range entries {
		q.Put(e.from, e.to, e.mass)
		total += e.mass
	}
	return q, total
}

// TestQueueKeepsMass through whatever is done to it, in any order.
func TestQueueKeepsMass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q, twin mech.Queue
		q.Newest = rapid.Bool().Draw(t, "newest first")
		in, out, now := 0.0, 0.0, 0.0
		for range rapid.IntRange(1, 60).Draw(t, "deeds") {
			switch rapid.IntRange(0, 6).Draw(t, "deed") {
			case 0, 1, 2:
				h := rapid.SampledFrom([]float64{0.05, 1, 30}).Draw(t, "length")
				m := rapid.Float64Range(0, 100).Draw(t, "arrive")
				q.Put(now, now+h, m)
				in += m
				now += h
			case 3:
				want := rapid.Float64Range(0, 150).Draw(t, "pop")
				had := q.Mass()
				m := massOf(q.Pop(want, nil))
				if !near(m, min(want, had), 1e-9, 2*mech.Tiny) {
					t.Fatalf("%v of %v popped, %v wanted", m, had, want)
				}
				out += m
			case 4:
				at := now * rapid.Float64Range(0, 1.1).Draw(t, "before")
				before := q.Before(at)
				m := q.Drop(at)
				if !near(m, before, 1e-9, 1e-9) || q.Before(at) > 1e-9 {
					t.Fatalf("%v dropped, %v were before %v and %v are", m, before, at, q.Before(at))
				}
				out += m
			case 5:
				from := now * rapid.Float64Range(0, 1).Draw(t, "from")
				had := q.Mass()
				want := rapid.Float64Range(0, 50).Draw(t, "remove")
				m := q.Remove(from, from+rapid.Float64Range(0, 30).Draw(t, "length"), want)
				if m < 0 || m > want+2*mech.Tiny || m > had+2*mech.Tiny {
					t.Fatalf("%v of %v removed, %v wanted", m, had, want)
				}
				out += m
			case 6:
				twin.Copy(&q)
				q.Copy(&twin)
			}
			if !near(q.Mass(), in-out, 1e-9, 1e-8*max(1, in)) || q.Mass() < 0 {
				t.Fatalf("%v wait, of %v put and %v taken", q.Mass(), in, out)
			}
			if all := q.Before(math.Inf(1)); !near(all, q.Mass(), 1e-9, 1e-8*max(1, in)) {
				t.Fatalf("%v wait, and %v of them arrived ever", q.Mass(), all)
			}
		}
		out += massOf(q.Pop(math.Inf(1), nil))
		if !near(in, out, 1e-9, 1e-8*max(1, in)) || q.Mass() != 0 {
			t.Fatalf("%v went in and %v came out", in, out)
		}
	})
}

// TestQueueOrder: the oldest or the newest first, each when it arrived.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		q, total := filled(entries)
		q.Newest = rapid.Bool().Draw(t, "newest first")
		end := entries[len(entries)-1].to
		edge := 0.0
		if q.Newest {
			edge = end
		}
		for q.Mass() > 0 {
			for _, s := range q.Pop(total*rapid.Float64Range(0.05, 0.5).Draw(t, "share"), nil) {
				if s.To < s.From || s.From < -1e-9 || s.To > end+1e-9 {
					t.Fatalf("popped %+v", s)
				}
				if q.Newest && s.To > edge+1e-9 || !q.Newest && s.From < edge-1e-9 {
					t.Fatalf("popped %+v after %v", s, edge)
				}
				if edge = s.To; q.Newest {
					edge = s.From
				}
			}
			if at, ok := q.Oldest(); ok && !q.Newest && !near(at, edge, 1e-9, 1e-9) && at < edge {
				t.Fatalf("the oldest is from %v, and all before %v are gone", at, edge)
			}
		}
	})
}

// TestQueueCountsByTime: Before is what was put before.
func TestQueueCountsByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		q, total := filled(entries)
		at := rapid.Float64Range(-1, 60).Draw(t, "at")
		want := 0.0
		for _, e := range entries {
			want += e.left(0, 0, at)
		}
		if got := q.Before(at); !near(got, want, 1e-9, 1e-8*total) {
			t.Fatalf("%v before %v, not %v", got, at, want)
		}
	})
}

// TestCoarseQueue: thousands of arrivals at changing rates keep few cells, all of
// their mass, and the age of any part of it to two percent.
func TestCoarseQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q mech.Queue
		var entries []entry
		now, total := 0.0, 0.0
		h := rapid.SampledFrom([]float64{0.05, 1}).Draw(t, "step")
		seed := rapid.IntRange(1, 1000).Draw(t, "seed")
		for i := range rapid.IntRange(300, 6000).Draw(t, "steps") {
			m := 1 + float64(i*seed%17)
			q.Put(now, now+h, m)
			entries = append(entries, entry{now, now + h, m})
			total += m
			now += h
		}
		if !near(q.Mass(), total, 1e-9, 0) {
			t.Fatalf("%v wait, and %v arrived", q.Mass(), total)
		}
		popped := 0.0
		for popped < 0.95*total {
			share := total * rapid.Float64Range(0.01, 0.3).Draw(t, "share")
			popped += massOf(q.Pop(share, nil))
			at, ok := q.Oldest()
			if !ok {
				break
			}
			sum, want := 0.0, 0.0
			for _, e := range entries {
				if sum += e.mass; sum > popped {
					want = e.to - (sum-popped)/e.mass*(e.to-e.from)
					break
				}
			}
			if !near(now-at, now-want, 0.02, 2*h) {
				t.Fatalf("the oldest of %v has waited %v, not %v", q.Mass(), now-at, now-want)
			}
		}
	})
}

// TestQueueRemovesWhatItIsTold: work that is cancelled in parts is gone as it would
// be at once, and what is left is as old as it was.
func TestQueueRemovesWhatItIsTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q mech.Queue
		q.Put(0, 10, 100) // one cell
		if rapid.Bool().Draw(t, "another") {
			q.Put(10, 20, 700)
		}
		parts := rapid.IntRange(1, 8).Draw(t, "parts")
		removed := 0.0
		for i := range parts {
			from, to := 10*float64(i)/float64(parts), 10*float64(i+1)/float64(parts)
			removed += q.Remove(from, to, 100/float64(parts))
		}
		if !near(removed, 100, 1e-9, 0) {
			t.Fatalf("in %d parts %v of 100 are removed", parts, removed)
		}
		if at, ok := q.Oldest(); ok && at < 10 {
			t.Fatalf("all that came before 10 is gone, and the oldest is from %v", at)
		}
	})
}
