package propagate

import (
	"math"
	"testing"
)

// A shop in which each service is impaired in its own way when its need is lost.
const impairedShop = `
[service.front]
load     = "100/s"
patience = "10s"
needs    = ["api", { on = "extras", if_lost = "degrade", timeout = "1s" }, { on = "deployer", to = "change" }]
[service.api]
concurrency  = 100
service_time = "100ms"
needs        = []
[service.extras]
concurrency  = 10
service_time = "10ms"
[service.deployer]
concurrency  = 10
service_time = "10ms"
[service.worker]
concurrency  = 100
service_time = "100ms"
[service.feeder]
load  = "500/s"
needs = [{ on = "worker", mode = "async" }]
`

// TestStates: what an impairment is called, from when to when.
func TestStates(t *testing.T) {
	for _, x := range []struct {
		name, scenario, service string
		want                    []Window
	}{
		{
			"an outage of a need is one of its user", `
[[fault]]
service = "api"
at      = "20s"
for     = "10s"
effect  = "down"`, "front",
			[]Window{{From: 20, To: 30, State: Down}},
		},
		{
			"errors in a third of the answers", `
[[fault]]
service = "api"
at      = "20s"
for     = "10s"
effect  = "errors 30%"`, "front",
			[]Window{{From: 20, To: 30, State: Degraded}},
		},
		{
			"errors in few answers are none", `
[[fault]]
service = "api"
at      = "20s"
for     = "10s"
effect  = "errors 0.5%"`, "front", nil,
		},
		{
			"a soft need", `
[[fault]]
service = "extras"
at      = "20s"
for     = "10s"
effect  = "down"`, "front",
			[]Window{{From: 20, To: 30, State: Degraded}},
		},
		{
			"nothing can be changed", `
[[fault]]
service = "deployer"
at      = "20s"
for     = "10s"
effect  = "down"`, "front",
			[]Window{{From: 20, To: 32, State: Frozen}}, // that the deployer is back is believed after a while
		},
		{
			"work that waits", `
[[fault]]
service = "worker"
at      = "20s"
for     = "10s"
effect  = "capacity 10%"`, "worker",
			[]Window{{From: 22, To: 35, State: Delayed}},
		},
		{
			"a throttle of the operators", `
[[action]]
at = "20s"
do = [{ throttle = "api", to = "20/s" }]
[[action]]
at = "30s"
do = [{ unthrottle = "api" }]`, "api",
			[]Window{{From: 20, To: 30, State: Throttled}},
		},
		{
			"wrong answers that are seen", `
[[fault]]
service = "api"
at      = "20s"
for     = "10s"
effect  = "corrupt"`, "front",
			[]Window{{From: 20, To: 30, State: Down}},
		},
		{
			"a fault to the end", `
[[fault]]
service = "api"
at      = "70s"
effect  = "down"`, "api",
			[]Window{{From: 70, To: 80, State: Down, Open: true}},
		},
		{
			"a gap shorter than the eye sees", `
[[fault]]
service = "api"
at      = "20s"
for     = "10s"
effect  = "flapping"
down    = "1s"
up      = "1s"`, "front",
			[]Window{{From: 20, To: 29, State: Down}},
		},
		{"a quiet day", "", "front", nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := played(t, impairedShop, "horizon = \"80s\"\n"+x.scenario, Options{})
			got := r.service(x.service).Windows
			if len(got) != len(x.want) {
				t.Fatalf("%v, not %v", got, x.want)
			}
			for i, w := range x.want {
				// To two observations, as long as one is.
				if g := got[i]; g.State != w.State || g.Open != w.Open || math.Abs(g.From-w.From) > 2.01*0.8 || math.Abs(g.To-w.To) > 2.01*0.8 {
					t.Errorf("%v, not %v", got, x.want)
				}
			}
		})
	}
}

// TestWindows: they come in order, do not overlap, are never empty, and neighbours
// are of different states.
func TestWindows(t *testing.T) {
	w := watch{}
	w.change(Degraded, 5)
	w.change(Down, 5) // worse at once: the first is empty
	w.change(Recovering, 9)
	w.change(Recovering, 11)
	w.change(Healthy, 12)
	w.change(Down, 20)
	got := w.close(30)
	want := []Window{{5, 9, Down, false}, {9, 12, Recovering, false}, {20, 30, Down, true}}
	if len(got) != len(want) {
		t.Fatalf("%v, not %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, not %v", got[i], want[i])
		}
	}
}

// TestBetterTakesTime: one good observation between bad ones is no recovery, and
// where it lasts, the window ends where it began to be better.
func TestBetterTakesTime(t *testing.T) {
	// A third of an observation each: errors on and off.
	r := played(t, impairedShop, `
horizon = "80s"
[[fault]]
service = "api"
at      = "20s"
for     = "4s"
effect  = "errors 100%"
[[fault]]
service = "api"
at      = "25s"
for     = "5s"
effect  = "errors 100%"
`, Options{})
	got := r.service("front").Windows
	if len(got) != 1 || math.Abs(got[0].From-20) > 1 || math.Abs(got[0].To-30) > 1.7 {
		t.Errorf("%v", got)
	}
}
