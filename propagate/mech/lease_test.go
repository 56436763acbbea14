package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

// outage plays leases of which no renewal is answered, in steps of a length, and
// returns how many are held at a time.
func outage(l mech.Leases, count, until, step float64) float64 {
	l.Begin(count)
	for t := 0.0; t < until-1e-9; {
		h := min(step, until-t)
		l.Due(t, h)
		l.Expire(t, t+h)
		t += h
	}
	return l.Mass()
}

// TestLeasesLapse: with nothing answered, all are valid until TTL - Every, and then
// (TTL - t)/Every of them, whatever the length of the steps; a spread of the time to
// live is one more even delay.
func TestLeasesLapse(t *testing.T) {
	for _, step := range []float64{0.25, 1, 7.3, 19} {
		for _, c := range []struct{ at, want float64 }{{39, 1}, {45, 0.75}, {50, 0.5}, {55, 0.25}, {60, 0}} {
			if got := outage(mech.Leases{Every: 20, Low: 60}, 1000, c.at, step); math.Abs(got-1000*c.want) > 1e-6 {
				t.Errorf("steps of %v: %v are held at %v, not %v", step, got, c.at, 1000*c.want)
			}
		}
		// 60 s to 90 s, renewed up to 10 s before: at 66 s 11/30 have lapsed.
		if got := outage(mech.Leases{Every: 10, Low: 60, Spread: 30}, 6000, 66, min(step, 1)); math.Abs(got-3800) > 1 {
			t.Errorf("steps of %v: %v are held at 66 s, not 3800", step, got)
		}
	}
}

// TestLeasesWithAllRenewed: while every renewal is answered nothing lapses, renewals
// come at count/every, and a step may hold many periods.
func TestLeasesWithAllRenewed(t *testing.T) {
	l := mech.Leases{Every: 10, Low: 30}
	l.Begin(6000)
	now := 0.0
	for _, h := range []float64{0.25, 0.25, 1, 3, 10, 500, 0.1, 40, 0.25, 0.25} {
		if !l.Settled() {
			t.Fatalf("at %v they are not settled", now)
		}
		l.Undecided = now
		if due := l.Due(now, h); math.Abs(due-600*h) > 1e-6*600*h {
			t.Errorf("%v renew in [%v, %v), not %v", due, now, now+h, 600*h)
		}
		l.Renewed(now, now+h, 1)
		now += h
		if out := l.Expire(now-h, now); out != 0 || math.Abs(l.Mass()-6000) > 1e-6 {
			t.Fatalf("at %v %v lapsed, and %v are held", now, out, l.Mass())
		}
	}
	// And what comes then begins with the last renewal.
	before := l.Mass()
	for end := now + 19.9; now < end; now += 0.1 {
		l.Due(now, 0.1)
		l.Expire(now, now+0.1)
	}
	if l.Mass() != before {
		t.Errorf("%v lapsed before 20 s", before-l.Mass())
	}
}

// TestLeasesNewlyGranted: who comes to hold a lease renews at any phase, and lapses a
// time to live after the request that was granted, unless it has.
func TestLeasesNewlyGranted(t *testing.T) {
	l := mech.Leases{Every: 10, Low: 30}
	l.Begin(0)
	l.Grant(0, 1e-6, 1000, 4)
	for now := 4.0; now < 6; now += 0.5 {
		if due := l.Due(now, 0.5); math.Abs(due-50) > 1e-6 {
			t.Fatalf("%v renew in half a second, not 50", due)
		}
		// What others sent before is not theirs.
		l.Renewed(now-4, now-3.5, 1)
	}
	l.Renewed(4, 6, 0.5)
	for now := 6.0; now < 31; now += 0.5 {
		l.Due(now, 0.5)
		l.Expire(now, now+0.5)
	}
	// Of the 200 who renewed half was answered.
	if math.Abs(l.Mass()-100) > 1e-6 {
		t.Errorf("%v are held at 31 s, not 100", l.Mass())
	}
	if at := l.Next(31); at < 34-1e-6 || at > 34+1e-6 {
		t.Errorf("the next lapse at %v, not 34 s", at)
	}
}

// TestLeasesKeepTheirHolders: whatever happens, those who hold a lease are those who
// did and came by one, less those who lapsed.
func TestLeasesKeepTheirHolders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := mech.Leases{
			Every: rapid.Float64Range(1, 30).Draw(t, "every"),
			Low:   rapid.Float64Range(1, 100).Draw(t, "low"), Spread: rapid.SampledFrom([]float64{0, 3, 50}).Draw(t, "spread"),
		}
		want := rapid.Float64Range(0, 1e6).Draw(t, "count")
		l.Begin(want)
		now := rapid.SampledFrom([]float64{0, 1e5}).Draw(t, "start")
		if now > 0 {
			l.Begin(0)
			l.Grant(now-1, now, want, now)
		}
		var sent []float64 // borders of what was sent and not decided
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			h := min(rapid.SampledFrom([]float64{1e-6, 0.05, 0.25, 1}).Draw(t, "h"), l.Every)
			due := l.Due(now, h)
			if !(due >= 0) || due > l.Mass()*(1+1e-9)+1e-9 {
				t.Fatalf("%v of %v renew", due, l.Mass())
			}
			sent = append(sent, now)
			if len(sent) > 1 && rapid.Bool().Draw(t, "decide") {
				l.Renewed(sent[0], sent[1], rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(t, "share"))
				sent = sent[1:]
			}
			l.Undecided = sent[0]
			if x := rapid.SampledFrom([]float64{0, 0, 10, 500}).Draw(t, "granted"); x > 0 {
				l.Grant(now-rapid.Float64Range(0, 3).Draw(t, "ago"), now, x, now+h)
				want += x
			}
			if rapid.IntRange(0, 50).Draw(t, "lose") == 0 {
				want -= l.Lose(l.Mass() / 3)
			}
			want -= l.Expire(now, now+h)
			now += h
			if got := l.Mass(); !(math.Abs(got-want) <= 1e-9*max(1, want)) && math.Abs(got-want) > 1e-6 {
				t.Fatalf("%v hold a lease, not %v", got, want)
			}
		}
		// With nothing answered from here on, all lapse.
		end := now + l.Low + l.Spread + l.Every + 4
		for ; now < end; now += 0.5 {
			l.Due(now, 0.5)
			l.Expire(now, now+0.5)
		}
		if l.Mass() > 1e-6 {
			t.Fatalf("%v hold a lease that is over", l.Mass())
		}
	})
}

// TestLeasesCopy: a copy goes its own way.
func TestLeasesCopy(t *testing.T) {
	var l, o mech.Leases
	l = mech.Leases{Every: 10, Low: 30}
	l.Begin(100)
	o.Copy(&l)
	l.Lose(50)
	l.Due(0, 1)
	if o.Mass() != 100 || !o.Settled() || o.Due(0, 1) != 10 {
		t.Error("the copy changed with what it was made of")
	}
}

// TestRenewing: holders renew, at whatever phases, for as long as they are answered, and
// are known not to when a share of them is not.
func TestRenewing(t *testing.T) {
	l := mech.Leases{Every: 180, Low: 180, Spread: 3600}
	now := 0.0
	for range 100 { // they come at rates that differ
		l.Grant(now, now+1, 100+50*math.Sin(now), now+1)
		now++
	}
	if l.Renewing() {
		t.Error("who was granted a lease has not renewed it yet, and may lapse before")
	}
	step := func(h, share float64) {
		l.Undecided = now
		l.Due(now, h)
		l.Renewed(now, now+h, share)
		now += h
		l.Undecided = now
	}
	for range 400 {
		step(1, 1)
	}
	if !l.Renewing() {
		t.Error("every renewal was answered for two periods")
	}
	for range 90 {
		step(1, 0.9)
	}
	if l.Renewing() {
		t.Error("a tenth of the renewals of half a period was not answered")
	}
}

// TestPhasesStayApart: however many cells there are, they are put together so that
// renewals stay as even as they were. Holders came by their leases at even times in a
// period, in more cells than are told apart, and half of all renewals are answered.
func TestPhasesStayApart(t *testing.T) {
	l := mech.Leases{Every: 180, Low: 1e6}
	const step = 0.25
	now := 0.0
	for ; now < 180; now += step {
		l.Grant(now, now+step, 100*step, now+step)
	}
	for now < 3600 {
		l.Undecided = now
		due := 0.0
		for range 80 { // 20 s
			due += l.Due(now, step)
			l.Renewed(now, now+step, 0.5)
			now += step
		}
		if now > 720 && math.Abs(due-2000) > 700 {
			t.Errorf("in the 20 s to %v %v renew, and 2000 if all is even", now, due)
		}
	}
}
