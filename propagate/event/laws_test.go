package event_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/event"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// checks plays a law on so many drawn estates, the same ones every time, and on forty
// times as many new ones where the long tests are asked for.
func checks(t *testing.T, n int, law func(t *rapid.T)) {
	t.Helper()
	set := func(name, value string) {
		f := flag.Lookup(name)
		if old := f.Value.String(); old == f.DefValue {
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Value.Set(old) })
		}
	}
	if long() {
		n *= 40
	} else {
		set("rapid.seed", "20251020")
	}
	set("rapid.checks", fmt.Sprint(n))
	rapid.Check(t, law)
}

// draw chooses; the first choice is the plain one.
func draw[T any](t *rapid.T, name string, choices ...T) T {
	return rapid.SampledFrom(choices).Draw(t, name)
}

func name(i int) string { return fmt.Sprintf("s%02d", i) }

// drawEstate draws some services in a row, each of which needs some of those after it,
// and sometimes one before: with room to spare everywhere, or with too little of anything.
func drawEstate(t *rapid.T, calm bool, most int) string {
	n := rapid.IntRange(2, most).Draw(t, "services")
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n[service.%s]\n", name(i))
		if i == 0 || !calm && draw(t, "has a load", false, false, true) {
			fmt.Fprintf(&b, "load = \"%d/s\"\n", draw(t, "load", 50, 10, 200))
		}
		ms := draw(t, "service time", 10, 2, 100)
		fmt.Fprintf(&b, "service_time = \"%dms\"\n", ms)
		headroom := 4.0
		if !calm {
			headroom = draw(t, "headroom", 2, 1.2, 0.8)
			if draw(t, "throttled", false, false, true) {
				fmt.Fprintf(&b, "throttle = { rate = \"%d/s\", burst = %d }\n", draw(t, "rate", 100, 20), draw(t, "burst", 50, 1))
			}
			if draw(t, "sheds", false, false, true) {
				b.WriteString("shed = { above = \"90%\" }\n")
			}
		}
		queue := []string{draw(t, "discipline", `discipline = "fifo"`, `discipline = "lifo"`, `discipline = "adaptive-lifo"`, `discipline = "codel"`)}
		if calm {
			queue = nil
		} else {
			for _, key := range []string{
				draw(t, "bound", "", "", "bound = 20", "bound = 0"), draw(t, "expires", "", "", "drop_expired = true", "cancel = true", `deadline = "1s"`),
				draw(t, "rejections cost", "", `reject_cost = "20%"`), draw(t, "classes", "", "", `classes = "strict"`, `classes = "weighted"`),
				draw(t, "durable", "", "", `retention = "8s"`, `visibility = "2s", max_receives = 3`),
			} {
				if key != "" {
					queue = append(queue, key)
				}
			}
			fmt.Fprintf(&b, "queue = { %s }\n", strings.Join(queue, ", "))
		}
		fmt.Fprintf(&b, "#size %d %g %d\n", i, headroom, ms)
		for range rapid.IntRange(0, 3).Draw(t, "needs") {
			if i+1 < n {
				b.WriteString(drawNeed(t, calm, i, n))
			}
		}
		if !calm && i > 1 && draw(t, "calls back", false, false, false, true) {
			fmt.Fprintf(&b, "\n[[service.%s.need]]\non = %q\ncalls = 0.1\ntimeout = \"2s\"\n", name(i), name(i-1))
		}
	}
	return sized(t, b.String())
}

func drawNeed(t *rapid.T, calm bool, i, n int) string {
	var b strings.Builder
	to := rapid.IntRange(i+1, n-1).Draw(t, "target")
	fmt.Fprintf(&b, "\n[[service.%s.need]]\n", name(i))
	mode := draw(t, "kind", "", "", "", "group", "async", "fallback", "soft", "parallel")
	if mode == "group" && to+1 < n && !calm { // the rate engine holds threads for them too long
		fmt.Fprintf(&b, "at_least = %d\nof = [%q, %q]\n", draw(t, "at least", 1, 2), name(to), name(to+1))
	} else {
		fmt.Fprintf(&b, "on = %q\n", name(to))
	}
	switch {
	case mode == "async":
		b.WriteString("mode = \"async\"\n")
		return b.String()
	case mode == "fallback" && to+1 < n:
		fmt.Fprintf(&b, "fallback = %q\n", name(to+1))
	case mode == "soft":
		b.WriteString(draw(t, "if lost", "if_lost = \"degrade\"\n", "if_lost = \"stale\"\nttl = \"3s\"\n"))
	case mode == "parallel":
		b.WriteString("parallel = true\n")
	}
	fmt.Fprintf(&b, "calls = %g\n", draw(t, "calls", 1, 0.3, 2))
	if calm {
		b.WriteString("timeout = \"30s\"\n")
		return b.String()
	}
	fmt.Fprintf(&b, "timeout = %q\nclients = %d\npriority = %d\n", draw(t, "timeout", "1s", "200ms", "5s"), draw(t, "clients", 1, 7), draw(t, "priority", 0, 1))
	if draw(t, "retries", true, true, false) {
		fmt.Fprintf(&b, "retry = { attempts = %d, %s%s }\n", draw(t, "attempts", 3, 2, 15),
			draw(t, "backoff", `backoff = "none"`, `backoff = "fixed", base = "300ms"`, `backoff = "full-jitter", base = "50ms"`),
			draw(t, "budget", "", `, budget = "20%"`, `, budget = { max_tokens = 20, token_ratio = 0.1 }`, `, budget = { quota = 100, cost = 5, timeout_cost = 10 }`, `, budget = { active = "20%", min_active = 2 }`, `, budget = { max_active = 3 }`, `, deadline = "2s"`))
	}
	b.WriteString(draw(t, "breaker", "", "",
		"breaker = { errors = \"50%\", window = \"4s\", calls = 10, open_for = \"2s\", probes = 2 }\n",
		"breaker = { errors = \"30%\", ring = 70, calls = 20, open_for = \"3s\", probes = 1 }\n",
		"breaker = { in_a_row = 4, open_for = \"1s\", probes = 1 }\n"))
	b.WriteString(draw(t, "bulkhead", "", "", "bulkhead = { concurrent = 3 }\n"))
	b.WriteString(draw(t, "limit", "", "", "", "limit = { k = 2, window = \"4s\" }\n", "limit = { rate = \"20/s\", burst = 5 }\n"))
	return b.String()
}

// sized gives every service the threads and the capacity for what it is offered.
func sized(t rapid.TB, text string) string {
	p, err := plan.New(load(t, text), &scenario.Scenario{Horizon: 60e9})
	if err != nil {
		t.Skip("requests multiply without end")
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		var i, ms int
		var headroom float64
		if n, _ := fmt.Sscanf(line, "#size %d %g %d", &i, &headroom, &ms); n == 3 {
			s := &p.Services[i]
			fmt.Fprintf(&b, "concurrency = %d\n", int(math.Ceil(4+headroom*s.Nominal*s.Latency)))
			if len(s.Stages) > 0 {
				fmt.Fprintf(&b, "capacity = \"%.0f/s\"\n", math.Ceil(4+headroom*s.Nominal))
			}
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

func drawScenario(t *rapid.T, catalogText string) string {
	services := strings.Count(catalogText, "\n[service.")
	var b strings.Builder
	b.WriteString("horizon = \"20s\"\n")
	for i := range min(services, rapid.IntRange(0, 3).Draw(t, "faults")) {
		effect := draw(t, "effect", "down", "blackhole", "slow ×8", "slow ×1000", "errors 30%", "capacity 50%", "capacity 0%", "corrupt", "flapping")
		fmt.Fprintf(&b, "\n[[fault]]\nservice = %q\neffect = %q\nat = \"%ds\"\nfor = \"%ds\"\n", name(services-1-i), effect, draw(t, "at", 5, 0, 12), draw(t, "for", 3, 1, 7))
		if effect == "flapping" {
			b.WriteString("up = \"500ms\"\ndown = \"700ms\"\n")
		}
	}
	if draw(t, "surge", true, false) {
		fmt.Fprintf(&b, "\n[[load]]\nservice = %q\nat = \"8s\"\nfor = \"4s\"\ntimes = 4\nramp = \"%s\"\n", name(0), draw(t, "ramp", "0s", "1s"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "actions") {
		deed := draw(t, "deed", `{ purge = %q }`, `{ throttle = %q, to = "20%%" }`, `{ stop_retries = %q }`, `{ set_capacity = %q, to = "150%%" }`, `{ restart = %q, takes = "2s" }`)
		fmt.Fprintf(&b, "\n[[action]]\nat = \"%ds\"\ndo = [%s]\n", draw(t, "when", 10, 6, 15), fmt.Sprintf(deed, name(rapid.IntRange(0, services-1).Draw(t, "operated"))))
	}
	return b.String()
}

// TestNothingIsLostOrMade: every run weighs itself, to the request; and what is counted
// fits together.
func TestNothingIsLostOrMade(t *testing.T) {
	checks(t, 60, func(t *rapid.T) {
		ct := drawEstate(t, false, 9)
		st := drawScenario(t, ct)
		defer func() {
			if p := recover(); p != nil && strings.HasPrefix(fmt.Sprint(p), "event:") {
				t.Fatalf("%v\n%s\n%s", p, ct, st)
			}
		}()
		r := play(t, ct, st, rapid.Uint64().Draw(t, "seed"))
		if fault := counts(r); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ct, st)
		}
	})
}

// counts says what is wrong with the numbers of a result; nothing if they can be.
func counts(r *propagate.Result) string {
	for i := range r.Services {
		s := &r.Services[i]
		var b propagate.ServiceBin
		for j, x := range s.Bins {
			for _, v := range []float64{x.Offered, x.Attempts, x.Finished, x.Wasted, x.Expired, x.Latency, x.Queue, x.MeanQueue, x.Age, x.Busy, x.Capacity} {
				if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
					return fmt.Sprintf("%s at %v: %+v", s.ID, r.Times[j], x)
				}
			}
			if x.Busy > 1 || x.MeanQueue > x.MaxQueue+1e-9 || x.Queue > x.MaxQueue || (x.Queue > 0) != (x.Age > 0) && x.Queue == 0 {
				return fmt.Sprintf("%s at %v: %+v", s.ID, r.Times[j], x)
			}
			b.Offered += x.Offered
			b.Attempts += x.Attempts
			b.Good += x.Good
			b.Errors += x.Errors
			b.Finished += x.Finished
			b.Wasted += x.Wasted
			b.Refused += x.Refused
			b.Throttled += x.Throttled
			b.Full += x.Full
			b.Expired += x.Expired
		}
		taken := b.Attempts - b.Throttled - b.Full - b.Refused
		switch {
		case b.Offered > b.Attempts:
			return fmt.Sprintf("%s: %v originals in %v attempts", s.ID, b.Offered, b.Attempts)
		case b.Wasted > b.Finished || b.Good > b.Finished:
			return fmt.Sprintf("%s: %+v", s.ID, b)
		case b.Finished+b.Expired > b.Attempts:
			return fmt.Sprintf("%s: %v taken in, %+v", s.ID, taken, b)
		}
	}
	for i := range r.Needs {
		n := &r.Needs[i]
		var b propagate.NeedBin
		for _, x := range n.Bins {
			b.Calls += x.Calls
			b.Attempts += x.Attempts
			b.Good += x.Good
			b.Timeouts += x.Timeouts
			b.Rejected += x.Rejected
			b.Errors += x.Errors
			b.Stopped += x.Stopped
			b.Failed += x.Failed
			b.Lost += x.Lost
			if x.Open < 0 || x.Open > 1 {
				return fmt.Sprintf("%s -> %s: %+v", n.Service, n.Target, x)
			}
		}
		last := n.Bins[len(n.Bins)-1].InFlight
		where := n.Service + " -> " + n.Target
		switch over := b.Good + b.Timeouts + b.Rejected + b.Errors; {
		case b.Calls != b.Good+b.Failed+last:
			return fmt.Sprintf("%s: of %v calls %v ended well, %v failed and %v are under way", where, b.Calls, b.Good, b.Failed, last)
		case over > b.Attempts || !n.Async && over+last < b.Attempts: // what a durable queue forgets, nobody is told of
			return fmt.Sprintf("%s: of %v attempts %v are over and at most %v under way", where, b.Attempts, over, last)
		case b.Attempts+b.Stopped < b.Calls:
			return fmt.Sprintf("%s: %v calls, and %v attempts", where, b.Calls, b.Attempts)
		}
	}
	return ""
}

// bytesOf is what a result says of the services with a prefix, and of their needs.
func bytesOf(r *propagate.Result, prefix string) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, r.Times)
	for i := range r.Services {
		if s := &r.Services[i]; strings.HasPrefix(s.ID, prefix) {
			fmt.Fprintf(&b, "%+v\n", *s)
		}
	}
	for i := range r.Needs {
		if n := &r.Needs[i]; strings.HasPrefix(n.Service, prefix) {
			fmt.Fprintf(&b, "%+v\n", *n)
		}
	}
	return b.Bytes()
}

// TestSeeds: a seed is a run, to the byte, and another seed another one.
func TestSeeds(t *testing.T) {
	checks(t, 20, func(t *rapid.T) {
		ct := drawEstate(t, false, 6)
		st := drawScenario(t, ct)
		seed := rapid.Uint64().Draw(t, "seed")
		one := bytesOf(play(t, ct, st, seed), "")
		if !bytes.Equal(one, bytesOf(play(t, ct, st, seed), "")) {
			t.Fatalf("the same seed, and another run\n%s\n%s", ct, st)
		}
		if bytes.Equal(one, bytesOf(play(t, ct, st, seed+1), "")) {
			t.Fatalf("another seed, and the same run\n%s\n%s", ct, st)
		}
	})
}

// TestStreamsAreApart: a service that nobody else has to do with changes nothing for
// the others.
func TestStreamsAreApart(t *testing.T) {
	checks(t, 20, func(t *rapid.T) {
		ct := drawEstate(t, false, 6)
		st := drawScenario(t, ct)
		const stranger = "\n[service.%s]\nload = \"300/s\"\nconcurrency = 5\nservice_time = \"20ms\"\nqueue = { bound = 50 }\n"
		for _, id := range []string{"a-stranger", "z-stranger"} {
			a, b := play(t, ct, st, 7), play(t, ct+fmt.Sprintf(stranger, id), st, 7)
			if !bytes.Equal(bytesOf(a, "s"), bytesOf(b, "s")) {
				t.Fatalf("%s changes others\n%s\n%s", id, ct, st)
			}
		}
	})
}

// TestOffIsAbsent: a mechanism that never does anything changes nothing.
func TestOffIsAbsent(t *testing.T) {
	const catalogText = `
[service.clients]
kind = "external"
load = "100/s"
[[service.clients.need]]
on      = "api"
timeout = "1s"
clients = 5
retry   = { attempts = 3, backoff = "full-jitter", base = "100ms"%s }
%s
[service.api]
concurrency  = 3
service_time = "25ms"
%s
[[service.api.need]]
on      = "db"
timeout = "500ms"
[service.db]
concurrency  = 10
service_time = "20ms"
`
	const st = "horizon = \"60s\"\n[[fault]]\nservice = \"db\"\nat = \"20s\"\nfor = \"5s\"\neffect = \"slow ×8\"\n"
	without := bytesOf(play(t, fmt.Sprintf(catalogText, "", "", ""), st, 3), "")
	for _, x := range [][3]string{
		{`, budget = { ratio = "100%", min_rate = "1000000000/s", cap = 1000000000 }`},
		{`, budget = { max_tokens = 1000000000, token_ratio = 1 }`},
		{`, budget = { quota = 1000000000, cost = 1 }`},
		{`, budget = { active = "100%", min_active = 1000000000 }`},
		{`, budget = { max_active = 1000000000 }`},
		{`, deadline = "1h"`},
		{"", `breaker = { errors = "100%", ring = 1000000, calls = 1000000, open_for = "1s", probes = 1 }`},
		{"", `breaker = { in_a_row = 1000000, open_for = "1s", probes = 1 }`},
		{"", "bulkhead = { concurrent = 1000000000 }"},
		{"", `limit = { rate = "1000000000/s", burst = 1000000000 }`},
		{"", "priority = 3"},
		{"", "", `throttle = { rate = "1000000000/s", burst = 1000000000 }`},
		{"", "", "queue = { bound = 1000000000 }"},
		{"", "", `queue = { deadline = "1h" }`},
		{"", "", `queue = { reject_cost = "50%" }`},
		{"", "", `queue = { classes = "weighted" }`},
		{"", "", `capacity = "1000000000/s"`},
	} {
		with := play(t, fmt.Sprintf(catalogText, x[0], x[1], x[2]), st, 3)
		if b := bytesOf(with, ""); !sameBut(without, b) {
			t.Errorf("%v changes something", x)
		}
	}
}

// sameBut compares without what services are said to be capable of.
func sameBut(a, b []byte) bool {
	cut := func(text []byte) string {
		var out strings.Builder
		for line := range strings.Lines(string(text)) {
			head, rest, _ := strings.Cut(line, " Capacity:")
			if strings.HasPrefix(line, "{ID:") {
				// The last is that of the service, the others are of its bins.
				i := strings.LastIndex(line, " Capacity:")
				head, rest = line[:i], line[i+len(" Capacity:"):]
				_, rest, _ = strings.Cut(rest, " ")
			}
			out.WriteString(head + rest)
		}
		return out.String()
	}
	return cut(a) == cut(b)
}

// TestCalmAsTheRateEngine: with room to spare, a request makes as many others as in the
// means of the rate engine, and all are answered.
func TestCalmAsTheRateEngine(t *testing.T) {
	checks(t, 15, func(t *rapid.T) {
		ct := drawEstate(t, true, 7)
		const st = "horizon = \"200s\"\n"
		rate, err := propagate.Run(context.Background(), load(t, ct), parse(t, st), propagate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := play(t, ct, st, 5)
		outside, mean := after(r, name(0)).Offered, after(rate, name(0)).Offered
		for i := range r.Services {
			a, b := after(r, r.Services[i].ID), after(rate, r.Services[i].ID)
			// Whether one of 10/s calls with a chance of 0.3 adds 3 % of chance.
			if got, want := a.Good/outside, b.Good/mean; math.Abs(got-want) > 0.15*want+0.01 {
				t.Fatalf("%s answers %v a request, and in the mean %v\n%s", r.Services[i].ID, got, want, ct)
			}
			if a.Failed > 0 {
				t.Fatalf("%s: %v fail\n%s", r.Services[i].ID, a.Failed, ct)
			}
		}
		if r.Verdict.Word != "healthy" {
			t.Fatalf("the verdict is %s: %+v\n%s", r.Verdict.Word, r.Verdict.Services, ct)
		}
	})
}

// TestCancelled gives what there is.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c, s := caseFile{"D-01-retry-storm", "storm"}.open(t)
	r, err := event.Run(ctx, c, s, event.Options{Progress: func(done float64) {
		if done > 0.1 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || r == nil || !r.Partial || len(r.Outside) == 0 || len(r.Outside) > 300 {
		t.Fatalf("%v, %+v", err, r)
	}
}
