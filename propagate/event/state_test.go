package event

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

func load(t interface{ Fatal(...any) }, text string) *catalog.Catalog {
	c, faults, err := catalog.Load(catalog.Source{Name: "catalog.toml", Data: []byte(text)})
	if err != nil || c == nil || len(faults) > 0 {
		t.Fatal(err, faults, text)
	}
	return c
}

const remembering = `
[service.clients]
kind = "external"
load = "400/s"
needs = [{ on = "api", timeout = "2s", cache = { keys = 500, ttl = "2s..4s", negative_ttl = "1s", stale_on_error = "3s", coalesce = true } }]
[service.api]
concurrency  = 20
service_time = "20ms"
load = "50/s"
patience = "1s"
deferred = { share = "60%", after = "1s..3s" }
turnover = { lifetime = "20s", start = "2s", terminate_first = true }
replicas = 5
[service.keeper]
concurrency  = 20
service_time = "5ms"
[lease.sessions]
keeper  = "keeper"
holder  = "api"
count   = 2000
ttl     = "5s..9s"
renew   = { every = "2s", cost = "1ms", timeout = "1s" }
regrant = { deadline = "1s", pause = "0s..2s" }
`

// TestWarmStateAllocatesNothing: nor for holders, keys, what comes again and instances.
func TestWarmStateAllocatesNothing(t *testing.T) {
	c := load(t, remembering)
	sc := &scenario.Scenario{Horizon: 1e6 * 1e9, Faults: []scenario.Fault{{Service: "api", Effect: scenario.Errors, Amount: 0.2}, {Service: "keeper", Effect: scenario.Errors, Amount: 0.7}}}
	p, err := plan.New(c, sc)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := propagate.NewLedger(c, p, sc)
	if err != nil {
		t.Fatal(err)
	}
	en := newEngine(p, sc, ledger, 1)
	en.begins()
	some := func() {
		for range 200_000 {
			e := en.next.pop()
			en.now = e.at
			en.happen(e)
		}
	}
	some()
	some()
	if n := testing.AllocsPerRun(3, some); n > 0 {
		t.Errorf("%v allocations in 200,000 events", n)
	}
	en.weigh()
	en.weighLeases()
	en.weighCaches()
	en.weighDeferred()
	l, d := &en.leases[0], en.services[en.leases[0].Holder].again
	if l.n.lapsed == 0 || d.came == 0 || en.edges[0].n.hits == 0 || en.edges[0].n.joined == 0 || en.edges[0].n.barred == 0 {
		t.Errorf("not much was tried: %+v %+v %+v", l.n, d, en.edges[0].n)
	}
}

// TestHolders: whatever strikes a keeper, holders are conserved (which finish asserts),
// no more are held than there are, and what lapsed is held again or asks. The same seed
// gives the same run.
func TestHolders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := func(name string, choices ...string) string { return rapid.SampledFrom(choices).Draw(t, name) }
		c := load(t, fmt.Sprintf(`
[service.keeper]
concurrency  = 5
service_time = "10ms"
%s
[service.hosts]
load = "20/s"
concurrency  = 5
service_time = "50ms"
[lease.sessions]
keeper  = "keeper"
holder  = "hosts"
count   = 400
lost    = %q
cold    = %s
%s
%s
regrant = { deadline = "1s", cost = "20ms"%s%s }
`, one("queue", "", "queue = { bound = 50 }", "queue = { drop_expired = true }", "throttle = { rate = \"100/s\" }"),
			one("lost", "capacity", "requests", "nothing"), one("cold", "false", "true"),
			one("ttl", "", "ttl = \"5s\"", "ttl = \"4s..9s\""), one("renew", "", "renew = { every = \"2s\", cost = \"1ms\" }"),
			one("again", "", ", pause = \"1s\"", ", pause = \"0s..2s\"", ", on_timeout = \"drop\""), one("pace", "", ", pace = \"150/s\"")))
		sc := &scenario.Scenario{Horizon: 40e9}
		second := func(name string) unit.Duration { return unit.Duration(rapid.IntRange(0, 20).Draw(t, name)) * 1e9 }
		sc.Faults = []scenario.Fault{
			{Lease: "sessions", Effect: scenario.Lapse, Amount: rapid.Float64Range(0, 1).Draw(t, "share"), At: second("lapse at"), For: second("lapse for")},
			{Service: "keeper", Effect: rapid.SampledFrom([]scenario.Effect{scenario.Down, scenario.Blackhole, scenario.Capacity, scenario.Errors}).Draw(t, "effect"), Amount: 0.5, At: second("at"), For: second("for") + 1e9},
		}
		pause := second("pause at")
		sc.Actions = []scenario.Action{
			{At: pause, Do: []scenario.Deed{{Verb: scenario.Pause, Target: "sessions"}}},
			{At: pause + second("pause for"), Do: []scenario.Deed{{Verb: scenario.Resume, Target: "sessions"}, {Verb: scenario.Pace, Target: "sessions", Rate: 200}}},
		}
		run := func() *propagate.Result {
			r, err := Run(context.Background(), c, sc, Options{Seed: 7})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r, again := run(), run()
		l := &r.Leases[0]
		before := float64(0)
		for i, b := range l.Bins {
			if b != again.Leases[0].Bins[i] {
				t.Fatalf("bin %d is %+v and %+v", i, b, again.Leases[0].Bins[i])
			}
			// Those who come to hold one were answered: as many as asked at most, or had asked before.
			if b.Held > l.Count || b.Mean > l.Count*(1+1e-9) || b.Held < 0 {
				t.Fatalf("of %v, %+v are held", l.Count, b)
			}
			if i == 0 {
				before = b.Held
				continue
			}
			if gained := b.Held + b.Lapsed - before; gained < 0 || gained > l.Count+b.Regrants {
				t.Fatalf("from %v to %v with %v lapsed", before, b.Held, b.Lapsed)
			}
			before = b.Held
		}
	})
}

// TestRefused: what is not played is an error that says so, and where it stands.
func TestRefused(t *testing.T) {
	c := load(t, "[service.clients]\nkind = \"external\"\nload = \"10/s\"\nneeds = [{ on = \"api\", cache = { keys = 5_000_000, ttl = \"10s\" } }]\n[service.api]\n")
	_, err := Run(context.Background(), c, &scenario.Scenario{Horizon: 1e9}, Options{})
	if !errors.Is(err, ErrNotPlayed) || !strings.Contains(err.Error(), "catalog.toml:") || !strings.Contains(err.Error(), "clients") {
		t.Errorf("a cache of five million keys: %v", err)
	}
	c = load(t, "[service.api]\nload = \"10/s\"\n[service.keeper]\n[lease.session]\nkeeper = \"keeper\"\nholder = \"api\"\ncount = 20_000_000\n")
	if _, err = Run(context.Background(), c, &scenario.Scenario{Horizon: 1e9}, Options{}); !errors.Is(err, ErrNotPlayed) || !strings.Contains(err.Error(), "session") {
		t.Errorf("twenty million holders: %v", err)
	}
}

// TestStatic: with an empty fault list the hit ratio is that of the closed form, from the
// first second on.
func TestStatic(t *testing.T) {
	c := load(t, "[service.clients]\nkind = \"external\"\nload = \"1000/s\"\nneeds = [{ on = \"api\", cache = { keys = 3000, ttl = \"10s..20s\" } }]\n[service.api]\ncapacity = \"5000/s\"\nservice_time = \"1ms\"\n")
	r, err := Run(context.Background(), c, &scenario.Scenario{Horizon: 60e9, Resolution: 5e9}, Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range r.Needs[0].Bins { // l life = 1000/3000 x 15 s = 5
		if h := b.Hits / (b.Hits + b.Calls); math.Abs(h-5.0/6) > 0.02 {
			t.Errorf("bin %d: %v of the calls are hits", i, h)
		}
	}
}
