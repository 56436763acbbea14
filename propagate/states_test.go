package propagate

import (
	"math"
	"testing"

	"github.com/knockon/knockon/propagate/scenario"
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

// TestWorkThatWaitsElsewhere: who hands work over is late when it waits there for longer
// than they say it may, and frozen where it was to scale them. 500/s meet a worker of
// 500/s that stands still from 20 s to 30 s and then does 1000/s: what has waited longest
// is 5 s old from 25 s on. At 30 s 5000 wait, of which the oldest came at 20 s; those of
// the time x are reached at 30 s + (x - 20 s)/2, and are 5 s old at 35 s.
func TestWorkThatWaitsElsewhere(t *testing.T) {
	for _, to := range []struct {
		key  string
		want State
	}{{"", Delayed}, {`, to = "scale"`, Frozen}} {
		r := played(t, `
[service.feeder]
load  = "500/s"
needs = [{ on = "worker", mode = "async" }]
[service.front]
load  = "100/s"
needs = [{ on = "worker", mode = "async", calls = 0, within = "5s"`+to.key+` }]
[service.worker]
concurrency  = 100
service_time = "100ms"
`, `
horizon = "80s"
[[fault]]
service = "worker"
at      = "20s"
for     = "10s"
effect  = "capacity 0%"
`, Options{})
		got := r.service("front").Windows
		if len(got) != 1 || got[0].State != to.want || math.Abs(got[0].From-25) > 2 || math.Abs(got[0].To-35) > 2 {
			t.Errorf("%v, not %v from 25 s to 35 s", got, to.want)
		}
	}
}

// TestBelievedAndWrong: a service that answers wrongly without its needs takes those down
// who believe it, though they would go on without an answer; who checks goes on.
func TestBelievedAndWrong(t *testing.T) {
	for _, x := range []struct {
		fails, validates string
		want             float64
	}{{"corrupt", "false", 0}, {"corrupt", "true", 100}, {"down", "false", 100}} {
		r := played(t, `
[service.front]
load  = "100/s"
needs = [{ on = "accounts", if_lost = "fallback", validates = `+x.validates+` }]
[service.accounts]
fails_as = "`+x.fails+`"
needs    = ["store"]
[service.store]
`, `
horizon = "60s"
[[fault]]
service = "store"
at      = "20s"
effect  = "down"
`, Options{})
		if got := r.number(t, scenario.Goodput, "front", 30, 50); math.Abs(got-x.want) > 1e-6 {
			t.Errorf("fails as %s, validates %s: %v are answered rightly, not %v", x.fails, x.validates, got, x.want)
		}
	}
}

// TestForEver: who tries for ever gets there, however long it takes.
func TestForEver(t *testing.T) {
	r := played(t, `
[service.worker]
load         = "10/s"
concurrency  = 100
service_time = "10ms"
needs        = [{ on = "store", timeout = "1s", retry = { attempts = 1000, backoff = "fixed", base = "100ms" } }]
[service.store]
capacity = "1000/s"
`, `
horizon = "10m"
[[fault]]
service = "store"
at      = "10s"
for     = "8m"
effect  = "down"
`, Options{})
	if b := r.sum("worker"); b.Failed > 1e-6 || math.Abs(b.Good-b.Offered) > 2 {
		t.Errorf("of %v %v failed and %v were answered", b.Offered, b.Failed, b.Good)
	}
}

// sum is what a service did in a run, in the counts of requests.
func (r *Result) sum(id string) (b ServiceBin) {
	for _, x := range r.service(id).Bins {
		b.Offered += x.Offered
		b.Good += x.Good
		b.Failed += x.Failed
	}
	return b
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
