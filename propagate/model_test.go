package propagate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/scenario"
)

func compiled(t *testing.T, text string) *model {
	t.Helper()
	m, err := compile(mustLoad(t, text), &scenario.Scenario{Horizon: 60e9})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *model) named(id string) *server {
	for v := range m.servers {
		if m.servers[v].id == id {
			return &m.servers[v]
		}
	}
	return nil
}

// TestNominalFlow: what is offered when all is well follows the calls of a request.
func TestNominalFlow(t *testing.T) {
	m := compiled(t, `
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
		if got := m.named(id).nominal; math.Abs(got-want) > 1e-9*max(1, want) {
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
	m := compiled(t, strings.Replace(cycle, "CALLS", "0.75", 1))
	// a's calls to b are not stated, and half a call a request: 100 (1 + 3/8 + …)
	if got := m.named("a").nominal; math.Abs(got-160) > 1e-6 {
		t.Errorf("a is offered %v/s", got)
	}
	stated := strings.Replace(strings.Replace(cycle, `"b"`, `{ on = "b", calls = 1 }`, 1), "CALLS", "0.75", 1)
	if got := compiled(t, stated).named("b").nominal; math.Abs(got-400) > 1e-6 {
		t.Errorf("b is offered %v/s", got)
	}
	for _, calls := range []string{"1", "1.5"} {
		text := strings.Replace(stated, "0.75", calls, 1)
		if _, err := compile(mustLoad(t, text), &scenario.Scenario{Horizon: 60e9}); err == nil || !strings.Contains(err.Error(), "multiply without end") {
			t.Errorf("%s calls around a cycle: %v", calls, err)
		}
	}
}

// TestOrder: callers come before what they call, but for calls that close a cycle,
// and those are marked.
func TestOrder(t *testing.T) {
	checks(t, 60, func(t *rapid.T) {
		e := drawEstate(t, calm, 12, true)
		m, err := compile(mustLoad(t, e.text(nil, 1)), &scenario.Scenario{Horizon: 60e9})
		if err != nil {
			t.Skip("requests multiply without end")
		}
		if len(m.order) != len(m.servers) {
			t.Fatalf("%d of %d services are in order", len(m.order), len(m.servers))
		}
		place := make([]int, len(m.servers))
		for i, v := range m.order {
			place[v] = i
		}
		reaches := func(from, to int32) bool {
			seen := make([]bool, len(m.servers))
			for todo := []int32{from}; len(todo) > 0; {
				v := todo[0]
				if todo = todo[1:]; v == to {
					return true
				}
				for _, i := range m.servers[v].out {
					if e := &m.calls[i]; !e.async && !seen[e.to] {
						seen[e.to] = true
						todo = append(todo, e.to)
					}
				}
			}
			return false
		}
		for i := range m.calls {
			c := &m.calls[i]
			if c.from < 0 {
				continue
			}
			if late := place[c.to] <= place[c.from]; late != c.back {
				t.Fatalf("%s -> %s is marked %v", m.servers[c.from].id, m.servers[c.to].id, c.back)
			}
			if c.back && !c.async && !reaches(c.to, c.from) {
				t.Fatalf("%s -> %s goes back, and closes no cycle", m.servers[c.from].id, m.servers[c.to].id)
			}
		}
	})
}

// TestSizes: servers, capacity and service time follow from one another where one of
// them is not stated; what nothing says is assumed, and said.
func TestSizes(t *testing.T) {
	m := compiled(t, `
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
		s := m.named(x.id)
		if s.threads != x.threads && math.Abs(s.threads-x.threads) > 1e-9 || math.Abs(s.time-x.time) > 1e-12 || s.full() != x.full && math.Abs(s.full()-x.full) > 1e-9 {
			t.Errorf("%s: %v at once for %v s, %v/s; want %+v", x.id, s.threads, s.time, s.full(), x)
		}
	}
	said := func(service, key string) bool {
		return slices.ContainsFunc(m.assumptions, func(a Assumption) bool { return a.Service == service && a.Key == key })
	}
	if !said("nothing", "capacity") || said("both", "capacity") || said("rate", "capacity") || !said("clients", "timeout") {
		t.Errorf("assumed: %+v", m.assumptions)
	}
}

// TestLanes: one row of a queue for each priority, what is asynchronous after all of
// them, and what callers do not share out goes to those that state no share.
func TestLanes(t *testing.T) {
	m := compiled(t, `
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
	s := m.named("db")
	if len(s.lanes) != 3 {
		t.Fatalf("%d lanes", len(s.lanes))
	}
	if a, b, c := &s.lanes[0], &s.lanes[1], &s.lanes[2]; a.priority != 1 || len(a.calls) != 2 || b.priority != 5 || math.Abs(b.weight-0.3) > 1e-12 || !c.async || c.priority <= b.priority {
		t.Errorf("lanes %+v", s.lanes)
	}
	total := 0.0
	for k := range s.lanes {
		for _, i := range s.lanes[k].calls {
			if m.calls[i].lane != int32(k) {
				t.Errorf("call %d is in lane %d and says %d", i, k, m.calls[i].lane)
			}
		}
		total += s.lanes[k].weight
	}
	if math.Abs(total-1) > 1e-9 {
		t.Errorf("the shares are %v together", total)
	}
}

// TestSteadyFlowIsNominal: what the engine plays when nothing happens is what the
// model says, in every need, whatever the legs of a request are.
func TestSteadyFlowIsNominal(t *testing.T) {
	checks(t, 25, func(t *rapid.T) {
		ct := drawCalm(t, 12)
		r := played(t, ct, "horizon = \"300s\"\n", Options{})
		for i := range r.Needs {
			n := &r.Needs[i]
			calls, length := 0.0, 0.0
			for j := len(n.Bins) / 3; j < len(n.Bins); j++ {
				calls, length = calls+n.Bins[j].Calls, length+r.Times[j+1]-r.Times[j]
			}
			if got := calls / length; math.Abs(got-n.Nominal) > 2e-3*max(1, r.service(n.Service).Nominal) {
				t.Fatalf("%s -> %s: %v/s, and %v/s when all is well\n%s", n.Service, n.Target, got, n.Nominal, ct)
			}
		}
	})
}
