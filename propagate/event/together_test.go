package event

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

const together = `
[service.clients]
kind = "external"
load = "200/s"
needs = [{ on = "api", timeout = "1s", cache = { keys = 300, ttl = "1s..2s" } }]
[service.api]
replicas = { count = 6, zones = ["a", "b"] }
concurrency = 12
service_time = "20ms"
turnover = { lifetime = "30s", start = "2s" }
autoscale = { target = "50%", every = "2s", delay = "3s", min = 4, max = 9, down_after = "5s" }
recovery = { start = "2s" }
[service.balancer]
kind = "gateway"
[service.keeper]
concurrency = 4
[lease.seats]
keeper = "keeper"
holder = "api"
count = 200
ttl = "5s"
renew = { every = "2s", cost = "1ms", timeout = "1s" }
[health_check.api]
by = "balancer"
tests = ["api"]
policy = { interval = "1s", timeout = "300ms", out = 2, in = 2, depth = "deep" }
on_fail = { remove = "instance" }
`

// TestTogether: nothing is lost or made where a service that is split has a fleet and
// leases, and operators restart it, stop its autoscaling and pause its leases. That a
// run ends says so: it is weighed then.
func TestTogether(t *testing.T) {
	c := load(t, together)
	rapid.Check(t, func(t *rapid.T) {
		second := func(name string) unit.Duration { return unit.Duration(rapid.IntRange(1, 25).Draw(t, name)) * 1e9 }
		effects := []scenario.Effect{scenario.Down, scenario.Blackhole, scenario.Capacity, scenario.Errors}
		sc := &scenario.Scenario{Horizon: 30e9, Faults: []scenario.Fault{
			{Service: "api", Effect: rapid.SampledFrom(effects).Draw(t, "effect"), Amount: 0.5, At: second("at"), For: second("for"), Zone: rapid.SampledFrom([]string{"", "a"}).Draw(t, "zone")},
			{Lease: "seats", Effect: scenario.Lapse, Amount: 0.5, At: second("lapse")},
			{Service: "keeper", Effect: scenario.Down, At: second("keeper at"), For: second("keeper for")},
		}}
		for _, d := range []scenario.Deed{
			{Verb: scenario.Restart, Target: "api", Length: 2e9, Waves: rapid.IntRange(1, 3).Draw(t, "waves"), Every: 3e9, Purge: rapid.Bool().Draw(t, "purge")},
			{Verb: scenario.Disable, Target: "api", Autoscale: true},
			{Verb: scenario.SetCapacity, Target: "api", Share: 1.5},
			{Verb: scenario.Pause, Target: "seats"},
			{Verb: scenario.Resume, Target: "seats"},
		} {
			sc.Actions = append(sc.Actions, scenario.Action{At: second(d.Verb.String()), Do: []scenario.Deed{d}})
		}
		r, err := Run(context.Background(), c, sc, Options{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil {
			t.Fatal(err)
		}
		for v := range r.Services {
			for _, b := range r.Services[v].Bins {
				const most = 9 + 1e-9 // replicas
				if b.Replicas < -1e-9 || b.Replicas > most || b.InRotation < -1e-9 || b.InRotation > most || b.Capacity < -1e-9 || b.Capacity > 1.5*most/6 || b.Busy < 0 || b.Busy > 1 {
					t.Fatalf("%s: %+v", r.Services[v].ID, b)
				}
			}
		}
	})
}
