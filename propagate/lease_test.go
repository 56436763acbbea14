package propagate

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/plan"
)

// stormOf is a storm of leases, and the catalog and the scenario that play it.
func stormOf(t *rapid.T) (s closedform.LeaseStorm, ct, st string) {
	s = closedform.LeaseStorm{
		Capacity: float64(rapid.IntRange(20, 200).Draw(t, "servers")),
		Work:     float64(rapid.IntRange(5, 60).Draw(t, "ms")) / 1000,
		Deadline: float64(rapid.IntRange(2, 8).Draw(t, "deadline")),
		Pause:    float64(rapid.SampledFrom([]int{0, 0, 1, 4}).Draw(t, "pause")),
	}
	// Away from the threshold, for what a round leaves over doubles in every round.
	share := rapid.SampledFrom([]float64{0.3, 0.6, 0.8, 0.93, 1.07, 1.4, 3}).Draw(t, "of the threshold")
	s.Holders = math.Round(s.Threshold() * share)
	ct = fmt.Sprintf(`
[service.keeper]
concurrency = %v
service_time = "%vms"
[service.holder]
load = "1/s"
[lease.x]
keeper = "keeper"
holder = "holder"
count = %.0f
cold = true
lost = "nothing"
regrant = { cost = "%vms", deadline = "%vs", pause = "%vs" }
`, s.Capacity, math.Round(s.Work*1000), s.Holders, math.Round(s.Work*1000), s.Deadline, s.Pause)
	st = fmt.Sprintf("horizon = \"%.0fs\"\n[[expect]]\nmeasure = \"time-to-held\"\nof = \"x\"\nshare = \"99.8%%\"\nat_most = \"10000s\"\n", 12*(s.Deadline+s.Pause))
	return s, ct, st
}

// TestLeaseStorms: a storm ends, and when, as the theorem says.
func TestLeaseStorms(t *testing.T) {
	checks(t, 60, func(t *rapid.T) {
		s, ct, st := stormOf(t)
		r := played(t, ct, st, Options{})
		held := r.Leases[0].Bins[len(r.Leases[0].Bins)-1].Held
		at := r.Leases[0].Again[0].At
		if s.Collapses() {
			if math.Abs(held-s.PerDeadline()) > 0.02*s.PerDeadline() {
				t.Fatalf("%v hold one in the long run, not %v\n%s", held, s.PerDeadline(), ct)
			}
			return
		}
		// At the end of a round a few of the last decide whether there is another.
		fewer, more := s, s
		fewer.Holders *= 0.98
		more.Holders *= 1.02
		if low, high := 0.98*fewer.AllValidAt(), 1.02*more.AllValidAt()+5*s.Work; high < r.end()-2 && !(at >= low && at <= high) {
			t.Fatalf("all hold one at %v, not between %v and %v\n%s", at, low, high, ct)
		}
	})
}

// drawLease is a lease of which nothing is certain, and what befalls it.
func drawLease(t *rapid.T) (ct, st string) {
	pick := func(name string, words ...string) string { return rapid.SampledFrom(words).Draw(t, name) }
	ct = fmt.Sprintf(`
[service.clients]
kind = "external"
load = "40/s"
needs = [{ on = "holder", timeout = "2s", retry = { attempts = 2 } }, { on = "keeper", timeout = "1s" }]
[service.holder]
concurrency = 10
service_time = "100ms"
[service.keeper]
concurrency = 20
service_time = "%s"
%s%s
[service.store]
capacity = "2000/s"
[lease.x]
keeper = "keeper"
holder = "holder"
count = 2000
%s
lost = "%s"
cold = %s
%s
regrant = { cost = "%s", deadline = "%s"%s }
`,
		pick("time", "20ms", "50ms"),
		pick("queue", "", "queue = { bound = 300 }\n", "queue = { drop_expired = true }\n", "queue = { discipline = \"lifo\" }\n", "queue = { cancel = true }\n", "throttle = { rate = \"300/s\", burst = 20 }\n"),
		pick("needs", "", "needs = [{ on = \"store\", timeout = \"1s\" }]\n"),
		pick("ttl", "", "ttl = \"30s\"", "ttl = \"20s..60s\"", "ttl = \"10s\""),
		pick("lost", "capacity", "requests", "nothing"), pick("cold", "true", "false"),
		pick("renew", "", `renew = { every = "10s", cost = "2ms" }`, `renew = { every = "3s", timeout = "1s", cost = "5ms" }`),
		pick("cost", "20ms", "50ms", "100ms"), pick("deadline", "2s", "5s"),
		pick("again", "", `, pause = "1s"`, `, pause = "0s..5s"`, `, retry = { backoff = "full-jitter", base = "1s", cap = "20s" }`, `, pace = "100/s"`, `, on_timeout = "drop"`))
	// The shortest time to live must hold a period.
	st = "horizon = \"150s\"\n" + pick("fault", "",
		"[[fault]]\nat = \"20s\"\nlease = \"x\"\neffect = \"lapse 100%\"\n",
		"[[fault]]\nat = \"20s\"\nfor = \"15s\"\nlease = \"x\"\neffect = \"lapse 60%\"\n",
		"[[fault]]\nat = \"20s\"\nfor = \"40s\"\nservice = \"keeper\"\neffect = \"down\"\n",
		"[[fault]]\nat = \"20s\"\nfor = \"40s\"\nservice = \"keeper\"\neffect = \"blackhole\"\n",
		"[[fault]]\nat = \"20s\"\nfor = \"40s\"\nservice = \"keeper\"\neffect = \"errors 50%\"\n") +
		pick("action", "",
			"[[action]]\nat = \"70s\"\ndo = [{ purge = \"keeper\" }, { pace = \"x\", to = \"100/s\" }]\n[[action]]\nat = \"90s\"\ndo = [{ unpace = \"x\" }]\n",
			"[[action]]\nat = \"30s\"\ndo = [{ pause = \"x\" }]\n[[action]]\nat = \"80s\"\ndo = [{ resume = \"x\" }]\n")
	return ct, st
}

// TestNoHolderIsLostOrMade: whatever befalls leases, every holder holds one, asks, waits
// or has given up; and no more are held than there are.
func TestNoHolderIsLostOrMade(t *testing.T) {
	checks(t, 100, func(t *rapid.T) {
		ct, st := drawLease(t)
		r := played(t, ct, st, Options{})
		if !(r.Balance < 1e-8) {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		if fault := r.counts(0.1); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ct, st)
		}
		for i, b := range r.Leases[0].Bins {
			for _, x := range []float64{b.Held, b.Mean, b.Renewals, b.Regrants, b.Lapsed} {
				if !(x >= -1e-6) || math.IsInf(x, 1) {
					t.Fatalf("at %v: %+v\n%s\n%s", r.Times[i], b, ct, st)
				}
			}
			if b.Held > 2000*(1+1e-8) || b.Mean > 2000*(1+1e-8) {
				t.Fatalf("at %v: %+v of 2000\n%s\n%s", r.Times[i], b, ct, st)
			}
		}
	})
}

// TestLeasesAtRest: where nothing happens, leases are renewed, none lapses, steps are
// long, and nobody counts renewals as requests from outside.
func TestLeasesAtRest(t *testing.T) {
	const ct = `
[service.holder]
load = "10/s"
[service.keeper]
[service.store]
[lease.x]
keeper = "keeper"
holder = "holder"
store = "store"
count = 6000
ttl = "30s"
renew = { every = "10s", cost = "5ms" }
regrant = { cost = "50ms" }
`
	r := played(t, ct, "horizon = \"30h\"\n", Options{})
	l := &r.Leases[0]
	for i, b := range l.Bins {
		long := r.Times[i+1] - r.Times[i]
		if b.Held < 6000*(1-1e-9) || b.Lapsed > 0 || b.Regrants > 0 || math.Abs(b.Renewals-600*long) > 1 {
			t.Fatalf("at %v: %+v", r.Times[i], b)
		}
		if math.Abs(r.Outside[i]-10*long) > 1e-6*long {
			t.Fatalf("at %v: %v requests from outside", r.Times[i], r.Outside[i])
		}
	}
	if r.Verdict.Word != "healthy" || r.Steps.Taken > 2000 {
		t.Errorf("%s in %d steps", r.Verdict.Word, r.Steps.Taken)
	}
	// 600/s of a tenth of a request are 60/s, and twice that is assumed of the keeper;
	// its store is called for every one of them.
	for _, s := range r.Services {
		switch s.ID {
		case "keeper":
			if math.Abs(s.Capacity-120) > 1e-6 {
				t.Errorf("%s can do %v/s", s.ID, s.Capacity)
			}
		case "store":
			if math.Abs(s.Nominal-600) > 1e-6 {
				t.Errorf("%s gets %v/s", s.ID, s.Nominal)
			}
		}
	}
}

// TestLeaseStepsAgree: a storm near its threshold is the same storm at half the
// tolerance.
func TestLeaseStepsAgree(t *testing.T) {
	for _, holders := range []int{3700, 3900, 4100} {
		ct := fmt.Sprintf("[service.keeper]\nconcurrency = 20\nservice_time = \"50ms\"\n[service.holder]\nload = \"1/s\"\n[lease.x]\nkeeper = \"keeper\"\nholder = \"holder\"\ncount = %d\ncold = true\nlost = \"nothing\"\nregrant = { cost = \"50ms\", deadline = \"5s\" }\n", holders)
		var last []float64
		for _, tolerance := range []float64{0.1, DefaultTolerance, DefaultTolerance / 2} {
			r := played(t, ct, "horizon = \"60s\"\nresolution = \"5s\"\n", Options{Tolerance: tolerance})
			var now []float64
			for _, b := range r.Leases[0].Bins {
				now = append(now, b.Held)
			}
			for i := range last {
				if math.Abs(now[i]-last[i]) > 0.01*float64(holders) {
					t.Errorf("%d holders: %v hold one at %v at a tolerance of %v, and %v at twice that", holders, now[i], r.Times[i+1], tolerance, last[i])
				}
			}
			last = now
		}
	}
}

// TestWorkOfLeases: what a renewal costs is work of the keeper, in its service time.
func TestWorkOfLeases(t *testing.T) {
	const text = `
[service.holder]
[service.keeper]
service_time = "20ms"
[lease.x]
keeper = "keeper"
holder = "holder"
count = 1000
ttl = "1m"
renew = { cost = "5ms" }
regrant = { cost = "50ms", on_timeout = "drop" }
`
	p, err := plan.New(mustLoad(t, text), mustParse(t, "horizon = \"60s\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	l := &p.Leases[0]
	renew, regrant := &p.Calls[l.Renew], &p.Calls[l.Regrant]
	if renew.Work != 0.25 || regrant.Work != 2.5 || l.Every != 20 || renew.Nominal != 50 || renew.Timeout != 5 || !math.IsInf(regrant.Timeout, 1) || !l.Drop {
		t.Errorf("%+v\n%+v\n%+v", l, renew, regrant)
	}
}

// TestFailuresComeBackAtTheirRate: of holders who are turned away or time out as many ask
// again in a long step as in a short one, where rates are steady.
func TestFailuresComeBackAtTheirRate(t *testing.T) {
	for _, x := range []struct{ name, regrant string }{
		{"after a period, as assumed", `{ cost = "50ms" }`},
		{"after a pause", `{ cost = "50ms", pause = "2s" }`},
		{"at once", `{ cost = "50ms", deadline = "3s", pause = "0s" }`},
	} {
		for _, effect := range []string{"down", "blackhole"} {
			t.Run(x.name+", "+effect, func(t *testing.T) {
				ct := "[service.keeper]\nconcurrency = 20\nservice_time = \"50ms\"\n[service.holder]\nload = \"1/s\"\n[lease.x]\nkeeper = \"keeper\"\nholder = \"holder\"\ncount = 6000\nttl = \"30s..10m\"\nrenew = { every = \"20s\" }\nregrant = " + x.regrant + "\n"
				c, s := mustLoad(t, ct), mustParse(t, "horizon = \"600s\"\n[[fault]]\nat = \"10s\"\nservice = \"keeper\"\neffect = \""+effect+"\"\n")
				en := readied(t, c, s)
				for en.t < 200 {
					en.baseStep()
				}
				l := &en.m.leases[0]
				asks := sum(l.rate)
				for _, times := range []float64{2, 8, 20, 1} {
					en.save()
					en.step(times * en.base)
					if got := sum(l.rate); math.Abs(got-asks) > 0.02*asks+1e-3 {
						t.Errorf("%v ask per second in a step of %v times %v s, and %v in one of that", got, times, en.base, asks)
					}
					en.restore()
				}
			})
		}
	}
}

// TestNoMoreAskThanThereAre: in a storm that never ends every holder asks once in a
// deadline, in steps of any length: nobody is sent ahead who is not there.
func TestNoMoreAskThanThereAre(t *testing.T) {
	const ct = `
[service.keeper]
concurrency  = 20
service_time = "50ms"
[service.holder]
load = "1/s"
[lease.x]
keeper  = "keeper"
holder  = "holder"
count   = 1000000
ttl     = "3m..20m"
renew   = { every = "3m", cost = "1ms" }
regrant = { cost = "50ms", deadline = "10m" }
`
	const st = "horizon = \"8h\"\nresolution = \"2m\"\n[[fault]]\nat = \"10m\"\nfor = \"1h\"\nservice = \"keeper\"\neffect = \"blackhole\"\n"
	for _, tolerance := range []float64{0.1, DefaultTolerance, DefaultTolerance / 2} {
		r := played(t, ct, st, Options{Tolerance: tolerance})
		l, sum := &r.Leases[0], 0.0
		const bins = 5 // of a deadline
		for i, b := range l.Bins {
			sum += b.Regrants
			if i >= bins {
				sum -= l.Bins[i-bins].Regrants
			}
			if sum > 1.1e6 || i > 120 && sum < 0.85e6 {
				t.Fatalf("tolerance %v: %.0f ask in the ten minutes before %v s", tolerance, sum, r.Times[i+1])
			}
		}
	}
}
