package event_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/event"
	"github.com/knockon/knockon/propagate/scenario"
)

func load(t rapid.TB, text string) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "drawn.toml", Data: []byte(text)})
	if err != nil || c == nil {
		t.Fatalf("%v %v\n%s", err, faults, text)
	}
	return c
}

func parse(t rapid.TB, text string) *scenario.Scenario {
	t.Helper()
	s, faults := scenario.Parse("drawn.scenario.toml", []byte(text))
	if s == nil {
		t.Fatalf("%v\n%s", faults, text)
	}
	return s
}

func play(t rapid.TB, catalogText, scenarioText string, seed uint64) *propagate.Result {
	t.Helper()
	r, err := event.Run(context.Background(), load(t, catalogText), parse(t, scenarioText), event.Options{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// numbers are sums over the run of one service, after the first tenth, and the time.
type numbers struct {
	propagate.ServiceBin
	time float64
}

func after(r *propagate.Result, service string) (n numbers) {
	end := r.Times[len(r.Times)-1]
	for i := range r.Services {
		if r.Services[i].ID != service {
			continue
		}
		for j, b := range r.Services[i].Bins {
			h := r.Times[j+1] - r.Times[j]
			if r.Times[j] < end/10 {
				continue
			}
			n.time += h
			n.Offered += b.Offered
			n.Attempts += b.Attempts
			n.Good += b.Good
			n.Failed += b.Failed
			n.Full += b.Full
			n.Finished += b.Finished
			n.Latency += b.Latency
			n.MeanQueue += b.MeanQueue * h
			n.Busy += b.Busy * h
		}
	}
	n.MeanQueue /= n.time
	n.Busy /= n.time
	return n
}

// is holds that numbers have a mean: within four standard errors, which are to be no
// more than a share of it.
func is(t *testing.T, what string, got []float64, want, share float64) {
	t.Helper()
	mean, half := interval(got)
	sem := half / student[min(len(got), len(student))-1]
	if sem > share*want {
		t.Errorf("%s: the standard error %.3g is more than %g of %.5g: too few runs", what, sem, share, want)
	}
	if math.Abs(mean-want) > 4*sem+1e-9 {
		t.Errorf("%s: %.5g ± %.2g, not %.5g", what, mean, sem, want)
	}
}

// TestWaits: one server and ten, below saturation, as Erlang says: this is
// what a model of means does not have.
func TestWaits(t *testing.T) {
	for _, x := range []struct {
		q       closedform.MMC
		horizon int
		patient float64 // seconds
	}{
		{closedform.MMC{Arrivals: 80, Service: 0.01, Servers: 1}, 2000, 0.25},
		{closedform.MMC{Arrivals: 85, Service: 0.1, Servers: 10}, 4000, 0.5},
	} {
		catalogText := fmt.Sprintf("[service.api]\nload = \"%g/s\"\nconcurrency = %d\nservice_time = \"%gms\"\npatience = \"%gms\"\n",
			x.q.Arrivals, x.q.Servers, 1000*x.q.Service, 1000*x.patient)
		var queue, response, busy, late []float64
		for seed := range uint64(8) {
			n := after(play(t, catalogText, fmt.Sprintf("horizon = \"%ds\"\n", x.horizon), seed), "api")
			queue = append(queue, n.MeanQueue)
			response = append(response, n.Latency/n.Finished)
			busy = append(busy, n.Busy)
			late = append(late, n.Failed/n.Offered)
		}
		name := fmt.Sprintf("%d servers", x.q.Servers)
		is(t, name+": queue", queue, x.q.MeanQueue(), 0.05)
		is(t, name+": response", response, x.q.MeanResponse(), 0.05)
		is(t, name+": utilisation", busy, x.q.Utilisation(), 0.01)
		is(t, name+": late", late, x.q.ResponseTail(x.patient), 0.25)
	}
}

// TestLoss: a queue that is full, or none at all.
func TestLoss(t *testing.T) {
	for _, x := range []struct {
		load    float64
		servers int
		ms      float64
		bound   int
		want    float64
	}{
		{80, 10, 100, 0, closedform.ErlangB(10, 8)},
		{900, 100, 100, 0, closedform.ErlangB(100, 90)},
		{80, 1, 10, 9, closedform.MMCK{Arrivals: 80, Service: 0.01, Servers: 1, Waiting: 9}.Loss()},
		{150, 1, 10, 9, closedform.MMCK{Arrivals: 150, Service: 0.01, Servers: 1, Waiting: 9}.Loss()},
	} {
		catalogText := fmt.Sprintf("[service.api]\nload = \"%g/s\"\nconcurrency = %d\nservice_time = \"%gms\"\nqueue = { bound = %d }\n", x.load, x.servers, x.ms, x.bound)
		var refused []float64
		for seed := range uint64(8) {
			n := after(play(t, catalogText, "horizon = \"600s\"\n", seed), "api")
			refused = append(refused, n.Full/n.Attempts)
		}
		is(t, fmt.Sprintf("%+v", x), refused, x.want, 0.05)
	}
}

// TestRetriesOfChance: time-outs of a healthy service that has busy moments, and what
// their retries add.
func TestRetriesOfChance(t *testing.T) {
	const text = `
[service.clients]
kind = "external"
load = "70/s"
needs = [{ on = "api", timeout = "600ms", retry = { attempts = 3, backoff = "none" } }]
[service.api]
concurrency = 10
service_time = "100ms"
`
	var more []float64
	for seed := range uint64(10) {
		n := after(play(t, text, "horizon = \"2000s\"\n", seed), "api")
		more = append(more, n.Attempts/n.Offered-1)
	}
	r := closedform.RetryingClient{Service: closedform.MMC{Arrivals: 70, Service: 0.1, Servers: 10}, Timeout: 0.6, Attempts: 3}
	p := r.Lateness()
	// It takes attempts to come at random, and retries come when it is busy: 0.00277
	// against 0.00282 in the simulation of the reference.
	mean, half := interval(more)
	if want := p + p*p; math.Abs(mean-want) > half+0.05*want {
		t.Errorf("%.5f ± %.5f retries a request, not %.5f", mean, half, want)
	}
}

// TestAttempts is R-01: a share of failures, and so many attempts.
func TestAttempts(t *testing.T) {
	for _, n := range []int{2, 3, 5} {
		for _, p := range []float64{0.1, 0.5, 1} {
			catalogText := fmt.Sprintf(`
[service.clients]
kind = "external"
load = "200/s"
needs = [{ on = "api", timeout = "10s", retry = { attempts = %d, backoff = "none" } }]
[service.api]
kind = "external"
service_time = "1ms"
`, n)
			st := fmt.Sprintf("horizon = \"100s\"\n[[fault]]\nat = \"0s\"\nservice = \"api\"\neffect = \"errors %g%%\"\n", 100*p)
			var attempts, failed []float64
			for seed := range uint64(6) {
				x := after(play(t, catalogText, st, seed), "api")
				attempts = append(attempts, x.Attempts/x.Offered)
				failed = append(failed, x.Failed/x.Offered)
			}
			name := fmt.Sprintf("%d attempts, %g fail", n, p)
			is(t, name+": attempts", attempts, closedform.Amplification(n, p), 0.01)
			if want := closedform.FinalFailure(n, p); want > 1e-3 {
				is(t, name+": failed", failed, want, 0.2)
			}
		}
	}
}

// TestLongCollapseByChance is D-30: at 60 % of capacity and with three attempts, one
// server always collapses within two hours, two often, three hardly ever and five
// never.
func TestLongCollapseByChance(t *testing.T) {
	if !long() {
		t.Skip("skipped: go test -run Long, or KNOCKON_LONG=1, plays the long cases")
	}
	for _, x := range []struct {
		servers, runs int
		want          float64
	}{{1, 20, 1}, {2, 60, 0.65}, {3, 40, 0.02}, {5, 20, 0}, {10, 10, 0}} {
		catalogText := fmt.Sprintf(`
[service.clients]
kind = "external"
load = "%d/s"
needs = [{ on = "api", timeout = "1s", retry = { attempts = 3, backoff = "none" } }]
[service.api]
concurrency = %d
service_time = "100ms"
`, 6*x.servers, x.servers)
		collapsed, when := 0, 0.0
		for seed := range uint64(x.runs) {
			r := play(t, catalogText, "horizon = \"7200s\"\n", seed+100)
			for i := range r.Services {
				if s := &r.Services[i]; s.ID == "api" && s.Bins[len(s.Bins)-1].Good == 0 {
					collapsed++
					j := len(s.Bins) - 1
					for j > 0 && s.Bins[j].Good == 0 {
						j--
					}
					when += r.Times[j]
				}
			}
		}
		share := float64(collapsed) / float64(x.runs)
		t.Logf("%d servers: %d of %d collapse, after %.0f s in the mean", x.servers, collapsed, x.runs, when/math.Max(1, float64(collapsed)))
		if math.Abs(share-x.want) > 0.15 {
			t.Errorf("%d servers: %d of %d collapse, and not %g of them", x.servers, collapsed, x.runs, x.want)
		}
	}
}

// TestArrivalsFollowTheLoad: as many come as the integral of the rate says, over steps,
// straight lines, ramps and the day.
func TestArrivalsFollowTheLoad(t *testing.T) {
	const catalogText = "[service.api]\nload = \"200/s\"\nkind = \"external\"\n"
	for _, x := range []struct {
		scenario string
		want     map[int]float64 // in the minute
	}{
		{
			"horizon = \"4m\"\n[[load]]\nservice = \"api\"\nat = \"60s\"\nfor = \"120s\"\ntimes = 3\nramp = \"60s\"\n",
			map[int]float64{0: 12000, 1: 24000, 2: 24000, 3: 12000},
		},
		{
			"horizon = \"4m\"\n[[load]]\nservice = \"api\"\npoints = [[\"0s\", \"0/s\"], [\"60s\", \"600/s\"], [\"120s\", \"0/s\"]]\nshape = \"linear\"\n",
			map[int]float64{0: 18000, 1: 18000, 2: 0, 3: 0},
		},
		{
			"horizon = \"4m\"\n[[load]]\nservice = \"api\"\npoints = [[\"0s\", \"100/s\"], [\"120s\", \"300/s\"]]\n[[load]]\nservice = \"api\"\nat = \"180s\"\ntimes = 2\n",
			map[int]float64{0: 6000, 1: 6000, 2: 18000, 3: 36000},
		},
		{"horizon = \"4m\"\n[[load]]\nservice = \"api\"\ndaily = { peak = \"12h\", trough = \"25%\" }\n", // 0s is midnight
			map[int]float64{0: 3000, 3: 3000}},
	} {
		r := play(t, catalogText, x.scenario, 11)
		got := make(map[int]float64)
		for i := range r.Outside {
			got[int(r.Times[i]/60)] += r.Outside[i]
		}
		for minute, want := range x.want {
			if math.Abs(got[minute]-want) > 5*math.Sqrt(want) {
				t.Errorf("%.0f came in minute %d, not %.0f\n%s", got[minute], minute, want, x.scenario)
			}
		}
	}
}
