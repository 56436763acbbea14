package propagate

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/scenario"
)

// The laws of laws_test.go over estates with state: caches, leases, health checks,
// instances that come and go, demand that comes again, and operators.

// drawStateful is an estate with state that is not endless.
func drawStateful(t *rapid.T, m mood, most int, cycles bool) (e estate, catalogText string) {
	e = drawEstate(t, m, most, cycles)
	e.endow(t, m)
	text, ok := e.sized(t, 1)
	if !ok {
		t.Skip("requests multiply without end")
	}
	return e, text
}

// drawEvents is what happens to an estate with state: faults, loads, leases that lapse,
// and operators.
func drawEvents(t *rapid.T, e *estate) string {
	st := drawScenario(t, *e)
	horizon := mustParse(t, st).Horizon.Seconds()
	return st + e.drawTrouble(t, horizon) + drawActions(t, *e, horizon)
}

// TestNoStateIsLostOrMade: with state and operators at work too, the balance holds, of
// requests, holders and what is withheld; counts are numbers that are not negative, and
// no more leases are held, and no more replicas serve, than there are. How far retries may
// run ahead of failures is the matter of TestNothingIsLostOrMade.
func TestNoStateIsLostOrMade(t *testing.T) {
	checks(t, 25, func(t *rapid.T) {
		e, ct := drawStateful(t, wild, 9, true)
		st := drawEvents(t, &e)
		if _, err := compile(mustLoad(t, ct), mustParse(t, st)); err != nil {
			t.Skip("requests multiply without end")
		}
		r := played(t, ct, st, Options{})
		if !(r.Balance < 1e-8) {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		if fault := r.counts(1e6); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ct, st)
		}
		for i := range r.Leases {
			l := &r.Leases[i]
			for j, b := range l.Bins {
				if !(b.Held >= 0 && b.Held <= l.Count*(1+1e-9)) {
					t.Fatalf("%v of %v of %s are held at %v\n%s\n%s", b.Held, l.Count, l.ID, r.Times[j+1], ct, st)
				}
			}
		}
		for i := range r.Services {
			s := &r.Services[i]
			most := s.Replicas
			if a := mustLoad(t, ct).Services[i].Autoscale; a != nil {
				most = max(most, 24) // as drawn
			}
			for j, b := range s.Bins {
				if !(b.Replicas >= 0 && b.Replicas <= most+1e-6) || !(b.InRotation >= 0 && b.InRotation <= most+1e-6) {
					t.Fatalf("%s: of %v replicas %v serve and %v are in rotation at %v\n%s\n%s", s.ID, most, b.Replicas, b.InRotation, r.Times[j], ct, st)
				}
			}
		}
	})
}

// TestStateAtRest: where everybody has more than is needed, and nothing goes wrong, nobody
// is ever impaired, and every lease is held.
func TestStateAtRest(t *testing.T) {
	checks(t, 15, func(t *rapid.T) {
		e := drawEstate(t, calm, 10, true)
		e.endow(t, calm)
		ct := e.roomy(t)
		r := played(t, ct, "horizon = \"200s\"\n", Options{})
		for i := range r.Services {
			if s := &r.Services[i]; len(s.Windows) > 0 {
				t.Fatalf("%s: %v\n%s", s.ID, s.Windows, ct)
			}
		}
		if r.Verdict.Word != "healthy" {
			t.Fatalf("the verdict is %s\n%s", r.Verdict.Word, ct)
		}
		for i := range r.Leases {
			l := &r.Leases[i]
			for j, b := range l.Bins {
				if math.Abs(b.Held-l.Count) > 1e-6*l.Count {
					t.Fatalf("%v of %v of %s are held at %v\n%s", b.Held, l.Count, l.ID, r.Times[j+1], ct)
				}
			}
		}
	})
}

// TestStateHasTheSameBytes: the same input gives the same result.
func TestStateHasTheSameBytes(t *testing.T) {
	checks(t, 4, func(t *rapid.T) {
		e, ct := drawStateful(t, wild, 9, true)
		st := drawEvents(t, &e)
		if _, err := compile(mustLoad(t, ct), mustParse(t, st)); err != nil {
			t.Skip("requests multiply without end")
		}
		first, again := bytesOf(played(t, ct, st, Options{})), bytesOf(played(t, ct, st, Options{}))
		if !bytes.Equal(first, again) {
			t.Fatalf("%s\n%s\n%s", firstDifference(first, again), ct, st)
		}
	})
}

// offState are mechanisms of state that never do anything, and what they are said of. A
// cache that never hits and a health check that finds nothing take other steps, and have
// laws of their own: TestACacheThatNeverHits and TestInstancesAreTheirService.
var offState = []struct {
	of, key, value string
}{
	{"service", "recovery", `"itself"`},
	{"service", "recovery", `{ by = "hand", after = "1000h" }`},
	{"service", "turnover", `{ lifetime = "1h" }`},
	{"service", "autoscale", `{ target = "100%", every = "1h", delay = "1h", min = 6, max = 6 }`},
	{"outside", "deferred", `{ share = "0%", after = "1s" }`},
	{"outside", "deferred", `{ share = "50%", after = "1000h" }`},
	{"catalog", "", "\n[lease.x]\nkeeper = \"s01\"\nholder = \"s02\"\ncount = 1000\nregrant = { cost = \"1s\", deadline = \"1s\" }\n"},
	{"scenario", "", "\n[[action]]\nafter = { observed = \"queue of s01 is over 1000000000\" }\ndo = [{ throttle = \"s01\", to = \"1/s\" }]\n"},
	{"scenario", "", "\n[[observer]]\nid = \"eyes\"\n"},
}

// TestOffStateIsAbsent: a mechanism of state that never does anything changes no bit.
func TestOffStateIsAbsent(t *testing.T) {
	for _, x := range offState {
		t.Run(x.of+" "+x.key+" "+x.value, func(t *testing.T) {
			checks(t, 4, func(t *rapid.T) {
				e := drawEstate(t, calm, 5, false)
				if _, ok := e.sized(t, 1); !ok {
					t.Skip("requests multiply without end")
				}
				st := drawScenario(t, e)
				without, with := e.clone(), e.clone()
				catalogText, scenarioText := "", st
				for i := range e.services {
					a, b := &without.services[i], &with.services[i]
					switch {
					case x.of == "service" && !a.external:
						a.with("replicas", "6")
						b.with("replicas", "6")
						b.with(x.key, x.value)
					case x.of == "outside" && a.load > 0:
						a.patience, b.patience = 1, 1
						b.with(x.key, x.value)
					}
				}
				switch x.of {
				case "catalog":
					catalogText = x.value
				case "scenario":
					scenarioText += x.value
				}
				ct, _ := without.sized(t, 1)
				ct2, _ := with.sized(t, 1)
				one, two := played(t, ct, st, Options{}), played(t, ct2+catalogText, scenarioText, Options{})
				// What is to come again is an entry of its own in the balance, whose rounding differs.
				one.Balance, two.Balance = 0, 0
				if a, b := bytesOf(one), bytesOf(two); !bytes.Equal(a, b) {
					t.Fatalf("%s\n%s\n%s", firstDifference(a, b), ct2+catalogText, scenarioText)
				}
			})
		})
	}
}

// TestACacheThatNeverHits is as good as none, wherever it stands.
func TestACacheThatNeverHits(t *testing.T) {
	checks(t, 6, func(t *rapid.T) {
		e := drawEstate(t, calm, 6, false)
		ct, ok := e.sized(t, 1)
		if !ok {
			t.Skip("requests multiply without end")
		}
		st := drawScenario(t, e)
		with := e.clone()
		for i := range with.services {
			for j := range with.services[i].needs {
				if n := &with.services[i].needs[j]; n.keys["mode"] == "" {
					n.cached = 1e15
					n.keys["cache"] = `ttl = "60s"`
				}
			}
		}
		ct2, _ := with.sized(t, 1)
		want, got := played(t, ct, st, Options{}), played(t, ct2, st, Options{})
		for i := range want.Services {
			s := &want.Services[i]
			var a, b, offered float64
			for j := range s.Bins {
				a, b, offered = a+s.Bins[j].Good, b+got.Services[i].Bins[j].Good, offered+s.Bins[j].Offered
			}
			if math.Abs(a-b) > 0.01*max(100, offered) {
				t.Fatalf("%s answers %v, and %v where caches never hit\n%s\n%s", s.ID, a, b, ct2, st)
			}
		}
	})
}

// moved is by how much a result is not k times another: the greatest difference of what a
// service was asked and answered in the whole run, as a share of what it is offered when
// all is well, and the greatest of when a service was first and last impaired, in seconds.
func moved(one, many *Result, k float64) (share, seconds float64) {
	for i := range one.Services {
		a, b := &one.Services[i], &many.Services[i]
		var asked, good float64
		for j := range a.Bins {
			asked += a.Bins[j].Attempts - b.Bins[j].Attempts/k
			good += a.Bins[j].Good - b.Bins[j].Good/k
		}
		share = max(share, max(math.Abs(asked), math.Abs(good))/max(1, a.Nominal*one.end()))
		m, n := len(a.Windows), len(b.Windows)
		switch {
		case m > 0 && n > 0:
			seconds = max(seconds, math.Abs(a.Windows[0].From-b.Windows[0].From), math.Abs(a.Windows[m-1].To-b.Windows[n-1].To))
		case m > 0:
			seconds = max(seconds, a.Windows[m-1].To-a.Windows[0].From)
		case n > 0:
			seconds = max(seconds, b.Windows[n-1].To-b.Windows[0].From)
		}
	}
	return share, seconds
}

// TestStateScales: k times of everything, holders of leases and keys of caches included,
// is the same in shares, to a hundredth of what is usual in a run, while leases lapse,
// a service errs and a load grows. The factors are powers
// of two, so that rounding is the same too, but for what is too little to be kept. Threads
// and capacities are stated: those that are assumed are rounded. And there is room to
// spare: in a storm rounding grows a thousandfold in seconds, by a load that is a millionth
// more as by a factor, and nobody can ask for the same.
func TestStateScales(t *testing.T) {
	checks(t, 12, func(t *rapid.T) {
		e, _ := drawStateful(t, calm, 7, true)
		for i := range e.services {
			s := &e.services[i]
			s.headroom = max(2, s.headroom)
		}
		ct, _ := e.sized(t, 1)
		s := draw(t, "errs", e.services...)
		st := fmt.Sprintf("horizon = \"60s\"\n[[fault]]\nservice = %q\neffect = \"errors 20%%\"\nat = \"25s\"\nfor = \"4s\"\n", s.id)
		st += "\n[[load]]\nservice = \"s00\"\nat = \"10s\"\nfor = \"20s\"\ntimes = 1.3\n" + e.drawTrouble(t, 60)
		k := draw(t, "times", 2, 8, 1024)
		times, _ := e.sized(t, k)
		if share, _ := moved(played(t, ct, st, Options{}), played(t, times, st, Options{}), float64(k)); share > 0.01 {
			t.Fatalf("times %d: counts are off by %v of what is usual\n%s\n%s", k, share, ct, st)
		}
	})
}

// TestHalfTheToleranceOfState: away from thresholds half the tolerance has the same
// verdict, and moves the time at which a service is first or last impaired by no more than
// two observations, 3 % of the run, or what loads between 5 % less and 5 % more move it.
// Away from thresholds is who has the same verdict at a quarter of the tolerance, with
// these loads, and with faults that last 5 % longer. Most are.
func TestHalfTheToleranceOfState(t *testing.T) {
	drawn, away := 0, 0
	checks(t, 8, func(t *rapid.T) {
		e, ct := drawStateful(t, calm, 7, true)
		st := drawEvents(t, &e)
		if _, err := compile(mustLoad(t, ct), mustParse(t, st)); err != nil {
			t.Skip("requests multiply without end")
		}
		one := played(t, ct, st, Options{})
		drawn++
		fine := played(t, ct, st, Options{Tolerance: DefaultTolerance / 4})
		less, more := e.clone(), e.clone()
		less.more, more.more = -0.05, 0.05
		m, err := compile(mustLoad(t, e.text(nil, 1)), &scenario.Scenario{Horizon: 60e9})
		if err != nil {
			t.Fatal(err)
		}
		low, high := played(t, less.text(m, 1), st, Options{}), played(t, more.text(m, 1), st, Options{})
		longer := mustParse(t, st)
		for i := range longer.Faults {
			longer.Faults[i].For += longer.Faults[i].For / 20
		}
		long, err := Run(context.Background(), mustLoad(t, ct), longer, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Result{fine, low, high, long} {
			if r.Verdict.Word != one.Verdict.Word {
				return
			}
		}
		away++
		half := played(t, ct, st, Options{Tolerance: DefaultTolerance / 2})
		if half.Verdict.Word != one.Verdict.Word {
			t.Fatalf("%s, and %s at half the tolerance\n%s\n%s", one.Verdict.Word, half.Verdict.Word, ct, st)
		}
		_, seconds := moved(one, half, 1)
		_, below := moved(one, low, 1)
		_, above := moved(one, high, 1)
		if may := max(2, 0.03*one.end(), below, above); seconds > may+0.01 {
			t.Fatalf("half the tolerance moves a window by %v s, not at most %v\n%s\n%s", seconds, may, ct, st)
		}
	})
	t.Logf("%d of %d are away from thresholds", away, drawn)
	if 2*away < drawn {
		t.Errorf("%d of %d estates are away from thresholds", away, drawn)
	}
}
