package propagate

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// checks plays a law on so many drawn estates, and on forty times as many where the
// long tests are asked for.
func checks(t *testing.T, n int, law func(t *rapid.T)) {
	t.Helper()
	if asked := os.Getenv("KNOCKON_LONG") != "" || strings.Contains(flag.Lookup("test.run").Value.String(), "Long"); asked {
		n *= 40
	}
	if f := flag.Lookup("rapid.seed"); n <= 100 && f.Value.String() == f.DefValue {
		// The ordinary tests draw the same every time; the long ones draw anew.
		if err := f.Value.Set("20251019"); err != nil {
			t.Fatal(err)
		}
		defer f.Value.Set(f.DefValue)
	}
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		old := f.Value.String()
		if err := f.Value.Set(fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
		defer f.Value.Set(old)
	}
	rapid.Check(t, law)
}

// drawRun is an estate that is not endless, and something that happens to it.
func drawRun(t *rapid.T, m mood, most int, cycles bool) (e estate, catalogText, scenarioText string) {
	e = drawEstate(t, m, most, cycles)
	text, ok := e.sized(t, 1)
	if !ok {
		t.Skip("requests multiply without end")
	}
	return e, text, drawScenario(t, e)
}

// TestNothingIsLostOrMade: the balance holds, counts are numbers that are not
// negative, and what callers count is what targets count.
func TestNothingIsLostOrMade(t *testing.T) {
	checks(t, 40, func(t *rapid.T) {
		_, ct, st := drawRun(t, wild, 12, true)
		r := played(t, ct, st, Options{})
		if !(r.Balance < 1e-9) {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		if fault := r.counts(0.01); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ct, st)
		}
	})
}

// counts says what is wrong with the numbers of a result; nothing if they can be.
// Retries may be sent ahead of the failures before them, for a share of the calls, and
// for what their caller is usually asked in a base step, of each attempt.
func (r *Result) counts(ahead float64) string {
	numbers := func(where string, bin any) string {
		v := reflect.ValueOf(bin)
		for i := range v.NumField() {
			if v.Field(i).Kind() != reflect.Float64 {
				continue
			}
			name, x := v.Type().Field(i).Name, v.Field(i).Float()
			switch {
			case math.IsNaN(x) || x < -1e-9:
				return fmt.Sprintf("%s: %s is %v", where, name, x)
			case math.IsInf(x, 1) && name != "Wait":
				return fmt.Sprintf("%s: %s is infinite", where, name)
			case (name == "Busy" || name == "Open") && x > 1+1e-9:
				return fmt.Sprintf("%s: %s is %v", where, name, x)
			}
		}
		return ""
	}
	for i := range r.Services {
		s := &r.Services[i]
		var finished, wasted, good, attempts float64
		for j := range s.Bins {
			b := &s.Bins[j]
			where := fmt.Sprintf("%s at %v", s.ID, r.Times[j])
			if fault := numbers(where, *b); fault != "" {
				return fault
			}
			finished, wasted = finished+b.Finished, wasted+b.Wasted
			good, attempts = good+b.Good, attempts+b.Attempts
			slack := 1e-8 * max(1, attempts)
			switch {
			case wasted > finished+slack:
				return fmt.Sprintf("%s: %v of %v finished were wasted", where, wasted, finished)
			case good > attempts+slack:
				return fmt.Sprintf("%s: %v of %v attempts ended well", where, good, attempts)
			}
			var calls, sent float64
			for k := range r.Needs {
				if n := &r.Needs[k]; n.Target == s.ID {
					calls, sent = calls+n.Bins[j].Calls, sent+n.Bins[j].Attempts
				}
			}
			// What comes from outside is not among the needs.
			if sent > b.Attempts+1e-9*max(1, b.Attempts) {
				return fmt.Sprintf("%s: its callers send %v, and %v arrive", where, sent, b.Attempts)
			}
		}
	}
	asked := map[string]float64{}
	for i := range r.Services {
		asked[r.Services[i].ID] = r.Services[i].Nominal
	}
	for i := range r.Needs {
		n := &r.Needs[i]
		var begun, failed, sent, over float64
		for j := range n.Bins {
			b := &n.Bins[j]
			where := fmt.Sprintf("%s -> %s at %v", n.Service, n.Target, r.Times[j])
			if fault := numbers(where, *b); fault != "" {
				return fault
			}
			begun, failed = begun+b.Calls, failed+b.Failed
			sent, over = sent+b.Attempts, over+b.Good+b.Timeouts+b.Rejected+b.Errors
			switch {
			case failed > (1+ahead)*begun+1e-6+min(DefaultTolerance*n.Timeout, r.end()/500)*float64(1+n.Retries)*max(n.Nominal, asked[n.Service]):
				return fmt.Sprintf("%s: %v of %v calls failed", where, failed, begun)
			case over > sent+1e-9*max(1, sent):
				return fmt.Sprintf("%s: %v of %v attempts are over", where, over, sent)
			}
		}
	}
	return ""
}

// drawCalm is an estate with room to spare.
func drawCalm(t *rapid.T, most int) string {
	e := drawEstate(t, calm, most, true)
	return e.roomy(t)
}

// roomy is a calm estate as text, with room to spare also for what cycles add: the
// latencies that its time-outs and threads follow know little of those.
func (e estate) roomy(t *rapid.T) string {
	text, ok := e.sized(t, 1)
	if !ok {
		t.Skip("requests multiply without end")
	}
	straight := e.clone()
	for i := range straight.services {
		s := &straight.services[i]
		s.needs = slices.DeleteFunc(s.needs, func(n drawnNeed) bool { return n.targets[0] <= s.id })
	}
	minute := &scenario.Scenario{Horizon: 60e9}
	with, err := compile(mustLoad(t, e.text(nil, 1)), minute)
	if err != nil {
		t.Fatal(err)
	}
	without, err := compile(mustLoad(t, straight.text(nil, 1)), minute)
	if err != nil {
		t.Fatal(err)
	}
	for v := range without.servers {
		if with.servers[v].Nominal > 1.3*without.servers[v].Nominal {
			t.Skip("cycles add too much")
		}
	}
	return text
}

// TestWithRoomToSpareNothingHappens: where everybody has more than is needed, and
// nothing goes wrong, nobody is ever impaired.
func TestWithRoomToSpareNothingHappens(t *testing.T) {
	checks(t, 40, func(t *rapid.T) {
		ct := drawCalm(t, 12)
		const st = "horizon = \"120s\"\n"
		r := played(t, ct, st, Options{})
		for i := range r.Services {
			if s := &r.Services[i]; len(s.Windows) > 0 {
				t.Fatalf("%s: %v\n%s", s.ID, s.Windows, ct)
			}
		}
		if r.Verdict.Word != "healthy" {
			t.Fatalf("the verdict is %s\n%s", r.Verdict.Word, ct)
		}
		// And as much flows as when all is well: in the mean, and nearly in each
		// second. One estate of some hundred rings by 4 % around it, one of a thousand by 7 %.
		for i := range r.Needs {
			n := &r.Needs[i]
			if n.Nominal == 0 {
				continue // of a fallback: the odd call that takes too long
			}
			const last = 20 // seconds
			mean := 0.0
			for j := len(n.Bins) - last; j < len(n.Bins); j++ {
				calls := n.Bins[j].Calls / (r.Times[j+1] - r.Times[j])
				mean += calls / last
				if math.Abs(calls-n.Nominal) > 0.08*n.Nominal {
					t.Fatalf("%s -> %s: %.6g calls a second at %v, and %.6g when all is well\n%s", n.Service, n.Target, calls, r.Times[j], n.Nominal, ct)
				}
			}
			if math.Abs(mean-n.Nominal) > 0.005*n.Nominal {
				t.Fatalf("%s -> %s: %.6g calls a second in the end, and %.6g when all is well\n%s", n.Service, n.Target, mean, n.Nominal, ct)
			}
		}
	})
}

// off are mechanisms that never do anything, and what they are keys of. A throttle of the SRE book is never off: where nothing is accepted it refuses.
var off = []struct {
	service, key, value string
}{
	{"need", "retry", "{ attempts = 1 }"},
	{"need", "retry", `"none"`},
	{"need", "breaker", `{ errors = "100%", ring = 1000000, calls = 1000000, open_for = "1s", probes = 1 }`},
	{"need", "bulkhead", "{ concurrent = 1000000000 }"},
	{"need", "limit", `{ rate = "1000000000/s", burst = 1000000000 }`},
	{"need", "priority", "0"},
	{"service", "throttle", `{ rate = "1000000000/s", burst = 1000000000 }`},
	{"service", "bound", "bound = 1000000000000"},
	{"service", "discipline", `discipline = "fifo"`},
	{"service", "deadline", `deadline = "1000d"`},
	{"service", "margin", `drop_expired = true, margin = "0s"`},
}

// TestOffIsAbsent: a mechanism that never does anything changes no bit.
func TestOffIsAbsent(t *testing.T) {
	for _, x := range off {
		t.Run(x.key+" "+x.value, func(t *testing.T) {
			checks(t, 4, func(t *rapid.T) {
				e, _, st := drawRun(t, calm, 5, false)
				without, with := e.clone(), e.clone()
				for i := range e.services {
					a, b := &without.services[i], &with.services[i]
					if x.service == "service" && i > 0 {
						a.with(x.key, "")
						b.with(x.key, x.value)
						if x.key == "margin" {
							a.with(x.key, "drop_expired = true")
						}
					}
					for j := range e.services[i].needs {
						if x.service == "need" && a.needs[j].keys["mode"] == "" {
							a.needs[j].with(x.key, "")
							b.needs[j].with(x.key, x.value)
						}
					}
				}
				ct, _ := without.sized(t, 1)
				ct2, _ := with.sized(t, 1)
				one, two := played(t, ct, st, Options{}), played(t, ct2, st, Options{})
				if a, b := bytesOf(one), bytesOf(two); !bytes.Equal(a, b) {
					t.Fatalf("%s\n%s\n%s", firstDifference(a, b), ct2, st)
				}
			})
		})
	}
}

// TestABudgetThatNeverBinds is none.
func TestABudgetThatNeverBinds(t *testing.T) {
	for _, budget := range []string{
		`{ ratio = "100%", min_rate = "1000000000/s", cap = 1000000000 }`,
		`{ max_tokens = 1000000000, token_ratio = 1 }`,
		`{ quota = 1000000000, cost = 1 }`,
		`{ active = "100%", min_active = 1000000000 }`,
		`{ max_active = 1000000000 }`,
	} {
		t.Run(budget, func(t *testing.T) {
			checks(t, 4, func(t *rapid.T) {
				e, _, st := drawRun(t, calm, 5, false)
				without, with := e.clone(), e.clone()
				for i := range e.services {
					for j := range e.services[i].needs {
						n := &without.services[i].needs[j]
						if n.keys["mode"] == "" {
							n.with("retry", `{ attempts = 3, backoff = "none" }`)
							with.services[i].needs[j].with("retry", `{ attempts = 3, backoff = "none", budget = `+budget+" }")
						}
					}
				}
				ct, _ := without.sized(t, 1)
				ct2, _ := with.sized(t, 1)
				if a, b := bytesOf(played(t, ct, st, Options{})), bytesOf(played(t, ct2, st, Options{})); !bytes.Equal(a, b) {
					t.Fatalf("%s\n%s\n%s", firstDifference(a, b), ct2, st)
				}
			})
		})
	}
}

// clone copies all that with writes.
func (e estate) clone() estate {
	out := e
	out.services = append([]drawnService(nil), e.services...)
	for i := range out.services {
		s := &out.services[i]
		s.keys = cloned(s.keys)
		s.needs = append([]drawnNeed(nil), s.needs...)
		for j := range s.needs {
			s.needs[j].keys = cloned(s.needs[j].keys)
		}
	}
	return out
}

func cloned(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// with sets a key in place of what was drawn for it; queues are of one piece.
func (s *drawnService) with(key, value string) {
	switch key {
	case "throttle":
		s.throttle = 0
		s.keys["throttle"] = value
	case "bound", "discipline", "deadline", "margin":
		s.bound = 0
		s.keys["queue"] = value
	default:
		s.keys[key] = value
	}
}

func (n *drawnNeed) with(key, value string) {
	if key == "bulkhead" {
		n.bulkhead = 0
	}
	n.keys[key] = value
}

// firstDifference shows where two texts part.
func firstDifference(a, b []byte) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	from := max(0, i-200)
	return fmt.Sprintf("…%s\nand\n…%s", a[from:min(len(a), i+100)], b[from:min(len(b), i+100)])
}

// TestScale: k times of everything is the same in shares and in times. The factors
// are powers of two, so that rounding is the same too.
func TestScale(t *testing.T) {
	checks(t, 30, func(t *rapid.T) {
		load := draw(t, "load", 20, 60, 90, 130)
		servers := draw(t, "servers", 5, 10, 20)
		bound := draw(t, "bound", 0, 20, 300)
		attempts := draw(t, "attempts", 1, 3)
		budget := draw(t, "budget", "", "ratio", "quota")
		backoff := draw(t, "backoff", "none", "full-jitter")
		throttle := draw(t, "throttle", 0, 70)
		fault := draw(t, "fault", "slow ×5", "capacity 20%", "down", "errors 40%", "blackhole")
		text := func(k int) string {
			retry := fmt.Sprintf("attempts = %d, backoff = %q", attempts, backoff)
			switch budget {
			case "ratio":
				retry += fmt.Sprintf(", budget = { ratio = \"20%%\", cap = %d }", 10*k)
			case "quota":
				retry += fmt.Sprintf(", budget = { quota = %d, cost = 5 }", 100*k)
			}
			api := ""
			if bound > 0 {
				api += fmt.Sprintf("queue = { bound = %d }\n", bound*k)
			}
			if throttle > 0 {
				api += fmt.Sprintf("throttle = { rate = \"%d/s\", burst = %d }\n", throttle*k, 10*k)
			}
			return fmt.Sprintf(`
[service.clients]
kind = "external"
load = "%d/s"
[[service.clients.need]]
on = "api"
timeout = "1s"
retry = { %s }
[service.api]
concurrency = %d
service_time = "20ms"
%s
[[service.api.need]]
on = "db"
timeout = "500ms"
[service.db]
concurrency = %d
service_time = "50ms"
`, load*k, retry, 4*servers*k, api, servers*k)
		}
		st := fmt.Sprintf("horizon = \"60s\"\n[[fault]]\nat = \"15s\"\nfor = \"8s\"\nservice = \"db\"\neffect = %q\n", fault)
		k := draw(t, "times", 2, 8, 1024)
		one, two := played(t, text(1), st, Options{}), played(t, text(k), st, Options{})
		if fault := scales(one, two, float64(k)); fault != "" {
			t.Fatalf("times %d: %s\n%s\n%s", k, fault, text(1), st)
		}
	})
}

// scales says in what a result is not that of k times as much.
func scales(one, many *Result, k float64) string {
	shares := func(where string, a, b any, per float64) string {
		x, y := reflect.ValueOf(a), reflect.ValueOf(b)
		for i := range x.NumField() {
			name := x.Type().Field(i).Name
			if x.Field(i).Kind() != reflect.Float64 {
				continue
			}
			p, q := x.Field(i).Float(), y.Field(i).Float()
			switch name {
			case "Age", "Wait", "Busy", "Capacity", "Open", "Replicas", "InRotation", "RotationChanges":
			default:
				p, q = p/per, q/per/k
			}
			if p != q && !(math.Abs(p-q) <= 1e-6*max(1, math.Abs(p))) {
				return fmt.Sprintf("%s: %s is %v, and with more %v", where, name, p, q)
			}
		}
		return ""
	}
	for i := range one.Services {
		a, b := &one.Services[i], &many.Services[i]
		if len(a.Windows) != len(b.Windows) {
			return fmt.Sprintf("%s: %v and %v", a.ID, a.Windows, b.Windows)
		}
		for j, w := range a.Windows {
			if v := b.Windows[j]; v.State != w.State || math.Abs(v.From-w.From)+math.Abs(v.To-w.To) > 1e-6 {
				return fmt.Sprintf("%s: %v and %v", a.ID, a.Windows, b.Windows)
			}
		}
		for j := range a.Bins {
			length := one.Times[j+1] - one.Times[j]
			if fault := shares(fmt.Sprintf("%s at %v", a.ID, one.Times[j]), a.Bins[j], b.Bins[j], max(1e-3, a.Nominal)*length); fault != "" {
				return fault
			}
		}
	}
	for i := range one.Needs {
		a, b := &one.Needs[i], &many.Needs[i]
		for j := range a.Bins {
			length := one.Times[j+1] - one.Times[j]
			if fault := shares(fmt.Sprintf("%s -> %s at %v", a.Service, a.Target, one.Times[j]), a.Bins[j], b.Bins[j], max(1e-3, a.Nominal)*length); fault != "" {
				return fault
			}
		}
	}
	return ""
}

// TestSameBytes: the same input gives the same result, on any number of processors.
func TestSameBytes(t *testing.T) {
	checks(t, 15, func(t *rapid.T) {
		_, ct, st := drawRun(t, wild, 12, true)
		first := bytesOf(played(t, ct, st, Options{}))
		for _, n := range []int{1, 8} {
			old := runtime.GOMAXPROCS(n)
			again := bytesOf(played(t, ct, st, Options{}))
			runtime.GOMAXPROCS(old)
			if !bytes.Equal(first, again) {
				t.Fatalf("%s\n%s\n%s", firstDifference(first, again), ct, st)
			}
		}
	})
}

// regimes are runs whose regimes are far from any threshold: an outage that drains, a
// storm that stays, one that a budget prevents, a breaker that opens and closes, and
// a queue with a bound.
var regimes = []struct{ name, catalog, scenario string }{
	{"an outage that drains", `
[service.clients]
kind  = "external"
load  = "500/s"
needs = [{ on = "api", timeout = "60s" }]
[service.api]
concurrency  = 100
service_time = "100ms"
`, outageOf("api", "20s", "down")},
	{"a storm that stays", `
[service.clients]
kind  = "external"
load  = "600/s"
needs = [{ on = "api", timeout = "1s", retry = { attempts = 3, backoff = "none" } }]
[service.api]
concurrency  = 100
service_time = "100ms"
`, outageOf("api", "10s", "blackhole")},
	{"a storm that a budget prevents", `
[service.clients]
kind  = "external"
load  = "600/s"
needs = [{ on = "api", timeout = "1s", retry = { attempts = 3, backoff = "none", budget = { ratio = "10%", cap = 100 } } }]
[service.api]
concurrency  = 100
service_time = "100ms"
queue        = { bound = 200 }
`, outageOf("api", "10s", "blackhole")},
	{"a breaker", `
[service.clients]
kind  = "external"
load  = "500/s"
needs = [{ on = "api", timeout = "1s", clients = 10, breaker = { errors = "50%", window = "10s", calls = 20, open_for = "5s", probes = 5 } }]
[service.api]
concurrency  = 100
service_time = "100ms"
`, outageOf("api", "30s", "down")},
	{"a chain", `
[service.front]
load     = "200/s"
patience = "5s"
needs    = [{ on = "shop", timeout = "2s" }]
[service.shop]
concurrency = 400
capacity    = "600/s"
needs       = [{ on = "db", timeout = "1s", retry = { attempts = 2, backoff = "full-jitter", base = "100ms" } }, { on = "cache", timeout = "100ms", if_lost = "degrade" }]
[service.db]
concurrency  = 40
service_time = "50ms"
[service.cache]
concurrency  = 10
service_time = "1ms"
`, outageOf("db", "15s", "slow ×40")},
}

func outageOf(service, length, effect string) string {
	return fmt.Sprintf("horizon = \"200s\"\n[[fault]]\nservice = %q\nat = \"40s\"\nfor = %q\neffect = %q\n", service, length, effect)
}

// TestHalfTheTolerance moves no window by more than two observations or 3 % of its
// length, and adds none.
func TestHalfTheTolerance(t *testing.T) {
	for _, x := range regimes {
		t.Run(x.name, func(t *testing.T) {
			one := played(t, x.catalog, x.scenario, Options{})
			two := played(t, x.catalog, x.scenario, Options{Tolerance: DefaultTolerance / 2})
			if two.Steps.Taken < one.Steps.Taken {
				t.Errorf("%d steps, and %d at half the tolerance", one.Steps.Taken, two.Steps.Taken)
			}
			for i := range one.Services {
				a, b := &one.Services[i], &two.Services[i]
				if len(a.Windows) != len(b.Windows) {
					t.Errorf("%s: %v, and %v at half the tolerance", a.ID, a.Windows, b.Windows)
					continue
				}
				for j, w := range a.Windows {
					v := b.Windows[j]
					if slack := max(2.01, 0.03*(w.To-w.From)); v.State != w.State || v.Open != w.Open || math.Abs(v.From-w.From) > slack || math.Abs(v.To-w.To) > slack {
						t.Errorf("%s: %v, and %v at half the tolerance", a.ID, a.Windows, b.Windows)
					}
				}
			}
			if one.Verdict.Word != two.Verdict.Word {
				t.Errorf("%s, and %s at half the tolerance", one.Verdict.Word, two.Verdict.Word)
			}
		})
	}
}

// drawExtremes is a catalog of numbers that nobody would write, next to one another.
func drawExtremes(t *rapid.T) (catalogText, scenarioText string) {
	var b strings.Builder
	n := rapid.IntRange(1, 5).Draw(t, "services")
	for i := range n {
		fmt.Fprintf(&b, "\n[service.s%d]\n", i)
		key := func(name string, choices ...string) {
			if value := draw(t, name, append([]string{""}, choices...)...); value != "" {
				fmt.Fprintf(&b, "%s = %s\n", name, value)
			}
		}
		key("kind", `"external"`, `"application"`)
		key("load", `"0/s"`, `"100/s"`, `"0.000001/s"`, `"1000000000/s"`)
		key("capacity", `"0/s"`, `"1/s"`, `"1000000/s"`)
		key("concurrency", "1", "1000000")
		key("service_time", `"0s"`, `"1us"`, `"1ms"`, `"100h"`)
		key("patience", `"1ms"`, `"1h"`)
		key("queue", `{ bound = 0 }`, `{ bound = 1, cancel = true }`, `{ deadline = "1ms" }`, `{ drop_expired = true, margin = "1h" }`,
			`{ discipline = "codel" }`, `{ discipline = "adaptive-lifo", interval = "1ms" }`, `{ reject_cost = "100%", bound = 0 }`,
			`{ retention = "1s" }`, `{ max_receives = 1, visibility = "1ms" }`)
		key("throttle", `{ rate = "0/s" }`, `{ rate = "1/s", burst = 1000000 }`)
		key("shed", `{ above = "1%" }`)
		key("replicas", "1000", `{ count = 3, zones = ["a", "b", "c"] }`)
		for j := range n {
			if j == i || draw(t, "needs it", false, false, true) == false && j != i+1 {
				continue
			}
			fmt.Fprintf(&b, "\n[[service.s%d.need]]\non = \"s%d\"\n", i, j)
			if draw(t, "mode", "sync", "sync", "async") == "async" {
				fmt.Fprintf(&b, "mode = \"async\"\n")
				key("calls", "0.000001", "1000000")
				continue
			}
			key("timeout", `"1ms"`, `"1h"`, `"1us"`, `"0s"`)
			key("calls", "0.000001", "1000000", "0")
			key("if_lost", `"degrade"`, `"stale"`, `"fallback"`)
			key("retry", `{ attempts = 1000, backoff = "none" }`, `{ attempts = 1000, base = "1h" }`, `{ attempts = 20, backoff = "fixed", base = "1us" }`,
				`{ attempts = 3, deadline = "1us" }`, `{ attempts = 5, budget = { ratio = "0%", cap = 1 } }`, `{ attempts = 5, budget = { max_tokens = 1, token_ratio = 0 } }`,
				`{ attempts = 5, budget = { quota = 1, cost = 1000 } }`, `{ attempts = 5, budget = { active = "100%" } }`, `{ attempts = 5, budget = { max_active = 0 } }`)
			key("breaker", `{ errors = "0%", ring = 1, open_for = "1us" }`, `{ in_a_row = 1, open_for = "1h" }`, `{ errors = "100%", window = "1ms", calls = 1, probes = 1000000 }`)
			key("bulkhead", "{ concurrent = 1 }")
			key("limit", `{ k = 1, window = "1us" }`, `{ rate = "0/s", burst = 1 }`, `{ k = 1000000 }`)
			key("clients", "1", "1000000")
			key("priority", "9")
		}
	}
	horizon := draw(t, "horizon", "60s", "1s", "30d", "1ms")
	var s strings.Builder
	fmt.Fprintf(&s, "horizon = %q\n", horizon)
	if horizon != "1ms" {
		for i := range n {
			if effect := draw(t, "effect", "", "down", "blackhole", "slow ×1000000", "errors 100%", "capacity 0%", "flapping"); effect != "" {
				fmt.Fprintf(&s, "[[fault]]\nservice = \"s%d\"\neffect = %q\nat = %q\n", i, effect, draw(t, "at", "500ms", "0s"))
				if effect == "flapping" {
					fmt.Fprintf(&s, "down = %q\nup = %q\n", draw(t, "down", "100ms", "1ms"), draw(t, "up", "100ms", "1h"))
				} else if draw(t, "ends", true, false) {
					fmt.Fprintf(&s, "for = %q\n", draw(t, "for", "400ms", "1us"))
				}
			}
		}
	}
	return b.String(), s.String()
}

// TestNoCatalogIsTooMuch: what loads is played or refused, never with a panic, and a
// run that would take long is cancelled at once when it is told to.
func TestNoCatalogIsTooMuch(t *testing.T) {
	const patience = 200 * time.Millisecond
	checks(t, 40, func(t *rapid.T) {
		ct, st := drawExtremes(t)
		c, _, err := catalog.Load(catalog.Source{Name: "drawn.toml", Data: []byte(ct)})
		s, _ := scenario.Parse("drawn.scenario.toml", []byte(st))
		if err != nil {
			t.Fatal(err)
		}
		if c == nil || s == nil || s.Check(c).HasErrors() {
			t.Skip("refused when it is read")
		}
		defer func() {
			if p := recover(); p != nil {
				t.Fatalf("panic: %v\n%s\n%s", p, ct, st)
			}
		}()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		began := time.Now()
		r, err := Run(ctx, c, s, Options{})
		took := time.Since(began)
		switch {
		case took > patience+2*time.Second:
			t.Fatalf("it takes %v, and was cancelled after %v\n%s\n%s", took, patience, ct, st)
		case errors.Is(err, context.DeadlineExceeded):
			if r == nil || !r.Partial {
				t.Fatalf("cancelled, and the result does not say so\n%s\n%s", ct, st)
			}
		case err == nil:
			if fault := r.counts(1); fault != "" {
				t.Fatalf("%s\n%s\n%s", fault, ct, st)
			}
		}
	})
}
