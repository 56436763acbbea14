package propagate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// benched is a mechanism as a row of n callers, each with a service that needs a store of
// its own, has it: what it adds to the caller's table, to that of the service, to the need
// between service and store, after the three, and to the scenario.
type benched struct {
	name, caller, service, need, more, scenario string
}

// In each text {} is the number of the row.
var benches = []benched{
	{name: "none"},
	{name: "cache", need: `cache = { keys = 1000, ttl = "10s..30s", negative_ttl = "5s" }`},
	{name: "lease", more: `
[lease.l{}]
keeper  = "store{}"
holder  = "api{}"
count   = 500
ttl     = "30s"
renew   = { every = "10s", cost = "1ms", timeout = "2s" }
regrant = { cost = "2ms", deadline = "5s", pause = "0s..5s" }
`},
	{name: "health check", service: `replicas = 4`, more: `
[health_check.h{}]
by      = "caller{}"
tests   = ["api{}"]
policy  = { interval = "5s", timeout = "2s", out = 2, in = 2 }
on_fail = { remove = "instance", fail_open = "50%" }
`},
	{name: "fleet", service: `
replicas  = { count = 10, at_least = 2 }
autoscale = { target = "60%", every = "15s", delay = "30s", min = 4, max = 30 }
turnover  = { lifetime = "1h", start = "20s" }
recovery  = { rate = "12/min", start = "10s" }
`},
	{name: "deferred demand", caller: `deferred = { share = "50%", after = "5s..15s" }`},
	{name: "operators", scenario: `
[[action]]
after = { observed = "queue of api{} is over 1000000", for = "5s" }
do    = [{ throttle = "api{}", to = "50%" }]
`},
}

// rows is the mechanism n times. In one row of ten the store flaps, in five groups out of
// step, so that rates never rest.
func (x benched) rows(b *testing.B, n int) (*catalog.Catalog, *scenario.Scenario) {
	b.Helper()
	const row = `
[service.caller{}]
kind = "external"
load = "100/s"
CALLER
[[service.caller{}.need]]
on      = "api{}"
timeout = "1s"
retry   = { attempts = 2, backoff = "full-jitter", base = "100ms" }
[service.api{}]
concurrency  = 40
service_time = "10ms"
SERVICE
[[service.api{}.need]]
on      = "store{}"
timeout = "1s"
NEED
[service.store{}]
concurrency  = 10
service_time = "10ms"
MORE
`
	one := strings.NewReplacer("CALLER", x.caller, "SERVICE", x.service, "NEED", x.need, "MORE", x.more).Replace(row)
	var ct, st strings.Builder
	st.WriteString("horizon = \"1h\"\n")
	for i := range n {
		number := fmt.Sprintf("%05d", i)
		ct.WriteString(strings.ReplaceAll(one, "{}", number))
		st.WriteString(strings.ReplaceAll(x.scenario, "{}", number))
		if i%10 == 3 {
			fmt.Fprintf(&st, "\n[[fault]]\nservice = \"store%s\"\neffect = \"flapping\"\nat = \"%dms\"\ndown = \"300ms\"\nup = \"500ms\"\n", number, 500+i/10%5*100)
		}
	}
	c, faults, err := catalog.Load(catalog.Source{Name: "rows.toml", Data: []byte(ct.String())})
	if err != nil || c == nil {
		b.Fatal(err, faults)
	}
	s, faults := scenario.Parse("rows.scenario.toml", []byte(st.String()))
	if s == nil {
		b.Fatal(faults)
	}
	return c, s
}

// stateStep is baseStep with what tests and operators look at after it.
func (en *engine) stateStep() {
	en.timetable.due(en)
	en.manage()
	en.lookAge()
	en.lookFresh()
	en.step(en.base)
	en.before = en.base
	en.t += en.base
	en.checks.look(en)
	en.operators.readSignals(en.t-en.base, en.t)
}

// BenchmarkMechanism is a step of rows in which one mechanism is at work; that of "none"
// is what they cost without one.
func BenchmarkMechanism(b *testing.B) {
	for _, x := range benches {
		for _, n := range []int{100, 1_000, 10_000} {
			b.Run(fmt.Sprintf("%s/rows=%d", strings.ReplaceAll(x.name, " ", "-"), n), func(b *testing.B) {
				c, s := x.rows(b, n)
				en := readied(b, c, s)
				for en.t < 3 { // until rows of masses have grown to what they need
					en.stateStep()
				}
				steps := 0
				for b.Loop() {
					en.stateStep()
					steps++
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps)/float64(n), "ns/row-step")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkChance is one run by chance, and the same without: two cases that are decided
// by chance, and twenty seconds of a larger estate that never rests.
func BenchmarkChance(b *testing.B) {
	type play struct {
		name string
		c    *catalog.Catalog
		s    *scenario.Scenario
	}
	var plays []play
	for _, f := range []caseFile{{"D-11-how-long-a-surge", "chance-2500ms"}, {"D-30-few-servers", "chance-1"}, {"D-30-few-servers", "chance-10"}} {
		c, s := f.open(b)
		plays = append(plays, play{f.String(), c, s})
	}
	for _, n := range []int{30, 300} {
		c := estateOf(n)
		plays = append(plays, play{fmt.Sprintf("estate/services=%d", n), c, tremor(c, 20e9)})
	}
	for _, p := range plays {
		for _, chance := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/chance=%v", p.name, chance), func(b *testing.B) {
				steps, seed := 0, uint64(0)
				for b.Loop() {
					seed++
					r, err := Run(context.Background(), p.c, p.s, Options{Stochastic: chance, Seed: seed})
					if err != nil {
						b.Fatal(err)
					}
					steps += r.Steps.Taken
				}
				b.ReportMetric(float64(steps)/float64(seed), "steps")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(1, steps)), "ns/step")
			})
		}
	}
}
