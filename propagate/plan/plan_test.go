package plan

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

func mustLoad(t *testing.T, text string) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "plan.toml", Data: []byte(text)})
	if err != nil || c == nil {
		t.Fatalf("%v %v\n%s", err, faults, text)
	}
	return c
}

func compiled(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := New(mustLoad(t, text), &scenario.Scenario{Horizon: 60e9})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Plan) named(id string) *Service {
	for v := range p.Services {
		if p.Services[v].ID == id {
			return &p.Services[v]
		}
	}
	return nil
}

// TestNominalFlow: what is offered when all is well follows the calls of a request.
func TestNominalFlow(t *testing.T) {
	p := compiled(t, `
[service.front]
load = "100/s"
needs = [
  "cart",
  { on = "prices", calls = 3 },
  { at_least = 2, of = ["kv-a", "kv-b", "kv-c"] },
  { on = "mail", mode = "async", calls = 0.5 },
  { on = "rates", fallback = "old-rates" },
  { on = "deployer", to = "change" },
]
[service.cart]
needs = [{ on = "kv-a", calls = 2 }]
[service.prices]
[service.kv-a]
[service.kv-b]
[service.kv-c]
[service.mail]
needs = ["kv-b"]
[service.rates]
[service.old-rates]
[service.deployer]
`)
	for id, want := range map[string]float64{
		"front": 100, "cart": 100, "prices": 300, "kv-a": 200.0/3 + 200, "kv-b": 200.0/3 + 50,
		"kv-c": 200.0 / 3, "mail": 50, "rates": 100, "old-rates": 0, "deployer": AssumedLoad,
	} {
		if got := p.named(id).Nominal; math.Abs(got-want) > 1e-9*max(1, want) {
			t.Errorf("%s: %v/s when all is well, not %v/s", id, got, want)
		}
	}
}

// TestCycleOfCalls: calls around a cycle add up as a geometric series, those that
// are not stated do not multiply, and those that would are refused.
func TestCycleOfCalls(t *testing.T) {
	const cycle = `
[service.a]
load  = "100/s"
needs = ["b"]
[service.b]
needs = [{ on = "a", calls = CALLS }]
`
	p := compiled(t, strings.Replace(cycle, "CALLS", "0.75", 1))
	// a's calls to b are not stated, and half a call a request: 100 (1 + 3/8 + …)
	if got := p.named("a").Nominal; math.Abs(got-160) > 1e-6 {
		t.Errorf("a is offered %v/s", got)
	}
	stated := strings.Replace(strings.Replace(cycle, `"b"`, `{ on = "b", calls = 1 }`, 1), "CALLS", "0.75", 1)
	if got := compiled(t, stated).named("b").Nominal; math.Abs(got-400) > 1e-6 {
		t.Errorf("b is offered %v/s", got)
	}
	for _, calls := range []string{"1", "1.5"} {
		text := strings.Replace(stated, "0.75", calls, 1)
		if _, err := New(mustLoad(t, text), &scenario.Scenario{Horizon: 60e9}); err == nil || !strings.Contains(err.Error(), "multiply without end") {
			t.Errorf("%s calls around a cycle: %v", calls, err)
		}
	}
}

// TestSizes: servers, capacity and service time follow from one another where one of
// them is not stated; what nothing says is assumed, and said.
func TestSizes(t *testing.T) {
	p := compiled(t, `
[service.clients]
kind = "external"
load = "100/s"
needs = ["both", "threads", "rate", "nothing", "shared-out"]
[service.both]
concurrency = 50
capacity    = "500/s"
[service.threads]
concurrency  = 100
service_time = "100ms"
[service.rate]
capacity     = "400/s"
service_time = "20ms"
[service.nothing]
[service.shared-out]
service_time = "5ms"
queue        = { classes = "weighted" }
`)
	for _, x := range []struct {
		id                  string
		threads, time, full float64
	}{
		{"clients", math.Inf(1), 1e-6, math.Inf(1)},
		{"both", 50, 0.1, 500},
		{"threads", 100, 0.1, 1000},
		{"rate", 8, 0.02, 400},
		{"nothing", AssumedHeadroom * 100 * AssumedServiceTime, AssumedServiceTime, AssumedHeadroom * 100},
		{"shared-out", 1, 0.005, 200},
	} {
		s := p.named(x.id)
		if s.Threads != x.threads && math.Abs(s.Threads-x.threads) > 1e-9 || math.Abs(s.Time-x.time) > 1e-12 || s.Full() != x.full && math.Abs(s.Full()-x.full) > 1e-9 {
			t.Errorf("%s: %v at once for %v s, %v/s; want %+v", x.id, s.Threads, s.Time, s.Full(), x)
		}
	}
	said := func(service, key string) bool {
		return slices.ContainsFunc(p.Assumptions, func(a Assumption) bool { return a.Service == service && a.Key == key })
	}
	if !said("nothing", "capacity") || said("both", "capacity") || said("rate", "capacity") || !said("clients", "timeout") {
		t.Errorf("assumed: %+v", p.Assumptions)
	}
}

// TestLanes: one row of a queue for each priority, what is asynchronous after all of
// them, and what callers do not share out goes to those that state no share.
func TestLanes(t *testing.T) {
	p := compiled(t, `
[service.a]
load  = "10/s"
needs = [{ on = "db", priority = 5, share = "30%" }]
[service.b]
load  = "10/s"
needs = [{ on = "db", priority = 1 }]
[service.c]
load  = "10/s"
needs = [{ on = "db", priority = 1 }]
[service.d]
load  = "10/s"
needs = [{ on = "db", mode = "async" }]
[service.db]
queue = { classes = "weighted" }
`)
	s := p.named("db")
	if len(s.Lanes) != 3 {
		t.Fatalf("%d lanes", len(s.Lanes))
	}
	if a, b, c := &s.Lanes[0], &s.Lanes[1], &s.Lanes[2]; a.Priority != 1 || len(a.Calls) != 2 || b.Priority != 5 || math.Abs(b.Weight-0.3) > 1e-12 || !c.Async || c.Priority <= b.Priority {
		t.Errorf("lanes %+v", s.Lanes)
	}
	total := 0.0
	for k := range s.Lanes {
		for _, i := range s.Lanes[k].Calls {
			if p.Calls[i].Lane != int32(k) {
				t.Errorf("call %d is in lane %d and says %d", i, k, p.Calls[i].Lane)
			}
		}
		total += s.Lanes[k].Weight
	}
	if math.Abs(total-1) > 1e-9 {
		t.Errorf("the shares are %v together", total)
	}
}
