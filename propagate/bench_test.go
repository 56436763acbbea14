package propagate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

func documentedAs[T any](v T) unit.Value[T] { return unit.Value[T]{V: v, Evidence: unit.Documented} }

// estateOf is an acyclic catalog of n services in 8 layers. Each but those of the
// last layer needs 4 of the layers below, each of them in a quarter of its requests,
// so that no layer carries more than a few times another; calls go out at once, are
// tried twice, and are given up after a second.
func estateOf(n int) *catalog.Catalog {
	const layers, needs = 8, 4
	random := rand.New(rand.NewPCG(1, uint64(n)))
	c := &catalog.Catalog{Services: make([]catalog.Service, n)}
	id := func(i int) string { return fmt.Sprintf("s%05d", i) }
	layer := 0
	for i := range n {
		for i >= (layer+1)*n/layers {
			layer++
		}
		first := (layer + 1) * n / layers // of the next one
		s := catalog.Service{ID: id(i), Weight: 1, ServiceTime: documentedAs(unit.Range{Low: 10e6, High: 10e6})}
		if layer == 0 {
			s.Load = documentedAs(unit.Rate(100))
		}
		var targets []string
		for len(targets) < min(needs, n-first) {
			if t := id(first + random.IntN(n-first)); !slices.Contains(targets, t) {
				targets = append(targets, t)
			}
		}
		slices.Sort(targets)
		for _, t := range targets {
			s.Needs = append(s.Needs, catalog.Need{
				Targets: []string{t}, Calls: documentedAs(0.25), Timeout: documentedAs(unit.Duration(1e9)), Parallel: true,
				Retry: &policy.Retry{Attempts: documentedAs(int64(2)), Backoff: "full-jitter", Base: documentedAs(unit.Duration(100e6))},
			})
		}
		c.Services[i] = s
	}
	if err := c.CheckValid(); err != nil {
		panic(err)
	}
	return c
}

// tremor makes one service of ten flap, in five groups out of step, so that rates
// never rest and no step is long.
func tremor(c *catalog.Catalog, horizon unit.Duration) *scenario.Scenario {
	s := &scenario.Scenario{ID: "tremor", Horizon: horizon}
	for i := 3; i < len(c.Services); i += 10 {
		s.Faults = append(s.Faults, scenario.Fault{
			Service: c.Services[i].ID, Effect: scenario.Flapping, At: unit.Duration(5e8 + i/10%5*1e8), Down: 300e6, Up: 500e6,
		})
	}
	return s
}

// readied is the engine at the beginning of a run, without a record.
func readied(t testing.TB, c *catalog.Catalog, s *scenario.Scenario) *engine {
	t.Helper()
	m, err := compile(c, s)
	if err != nil {
		t.Fatal(err)
	}
	en := newEngine(c, m, s, Options{})
	en.rec.index = make(map[string]int32, len(m.servers))
	for v := range m.servers {
		en.rec.index[m.servers[v].ID] = int32(v)
	}
	return en
}

// baseStep plays a step of the base length.
func (en *engine) baseStep() {
	en.timetable.due(en)
	en.lookAge()
	en.step(en.base)
	en.before = en.base
	en.t += en.base
}

// BenchmarkStep is one step of the engine while rates move everywhere: the time a
// service and a need take, and what a step allocates once all is warm.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{30, 1_000, 10_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			c := estateOf(n)
			en := readied(b, c, tremor(c, 3600e9))
			needs := 0
			for i := range en.m.calls {
				if en.m.calls[i].From >= 0 {
					needs++
				}
			}
			for en.t < 5 { // until rows have grown to what they need
				en.baseStep()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			steps := 0
			for b.Loop() {
				en.baseStep()
				steps++
			}
			runtime.ReadMemStats(&after)
			perStep := float64(b.Elapsed().Nanoseconds()) / float64(steps)
			b.ReportMetric(perStep/float64(n), "ns/service-step")
			b.ReportMetric(perStep/float64(needs), "ns/need-step")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(steps), "allocs/step")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRun plays twenty seconds of such an estate, with the recording and with steps
// of its own choice.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{30, 1_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			c := estateOf(n)
			s := tremor(c, 20e9)
			var steps Steps
			for b.Loop() {
				r, err := Run(context.Background(), c, s, Options{})
				if err != nil {
					b.Fatal(err)
				}
				steps = r.Steps
			}
			b.ReportMetric(float64(steps.Taken), "steps")
			b.ReportMetric(float64(steps.Refused), "refused")
		})
	}
}

// awsOutage is three hours without the DNS of DynamoDB in a day and a quarter of the
// built-in catalog, where every call that is waited for times out after a second.
func awsOutage(b *testing.B) (*catalog.Catalog, *scenario.Scenario) {
	b.Helper()
	source, ok := catalog.Builtin("aws-us-east-1")
	if !ok {
		b.Fatal("no such catalog")
	}
	c, faults, err := catalog.Load(source)
	if err != nil || c == nil {
		b.Fatal(faults, err)
	}
	for i := range c.Services {
		for j := range c.Services[i].Needs {
			c.Services[i].Needs[j].Timeout = documentedAs(unit.Duration(1e9))
		}
	}
	return c, &scenario.Scenario{
		ID: "dns", Horizon: 30 * 3600e9,
		Faults: []scenario.Fault{{Service: "dynamodb-dns", At: 3600e9, For: 3 * 3600e9, Effect: scenario.Down}},
	}
}

// awsRemedied is the outage of October 2025, 2 h 37 min without that name, and what
// operators may do about its leases: restart their keeper, and let holders ask at a pace.
func awsRemedied(b *testing.B) *scenario.Scenario {
	b.Helper()
	s, faults := scenario.Parse("remedied.toml", []byte(`
horizon = "30h"
[[fault]]
service = "dynamodb-dns"
at      = "1h"
for     = "2h37m"
effect  = "down"
[[action]]
at = "5h26m"
do = [{ pace = "droplets", to = "600/s" }, { restart = "dwfm", takes = "2m", purge = true }]
`))
	if s == nil {
		b.Fatal(faults)
	}
	return s
}

// BenchmarkAWS plays thirty hours of the built-in catalog in which every call that is
// waited for times out after a second: calm, with the outage and without leases, with
// them, and with remedies. It says how far windows and goodput are from those at half and
// at a tenth of the tolerance.
func BenchmarkAWS(b *testing.B) {
	c, outage := awsOutage(b)
	noLeases := *c
	noLeases.Leases = nil
	calm := *outage
	calm.Faults = nil
	for _, x := range []struct {
		name string
		c    *catalog.Catalog
		s    *scenario.Scenario
		fine []float64 // parts of the tolerance to compare with
	}{
		{"calm", c, &calm, nil},
		{"outage-without-leases", &noLeases, outage, []float64{0.5, 0.1}},
		{"outage-with-leases", c, outage, nil}, // a storm that never ends, and near thresholds
		{"remedied", c, awsRemedied(b), []float64{0.5, 0.1}},
	} {
		b.Run(x.name, func(b *testing.B) {
			play := func(tolerance float64) *Result {
				r, err := Run(context.Background(), x.c, x.s, Options{Tolerance: tolerance})
				if err != nil {
					b.Fatal(err)
				}
				return r
			}
			var r *Result
			for b.Loop() {
				r = play(DefaultTolerance)
			}
			b.ReportMetric(float64(r.Steps.Taken), "steps")
			b.ReportMetric(float64(r.Steps.Refused), "refused")
			for _, part := range x.fine {
				fine := play(part * DefaultTolerance)
				moved, differs := distance(r, fine)
				b.ReportMetric(moved, fmt.Sprintf("s-moved/%v", part))
				b.ReportMetric(float64(otherwise(r, fine)), fmt.Sprintf("otherwise/%v", part))
				b.ReportMetric(100*differs, fmt.Sprintf("%%goodput/%v", part))
			}
		})
	}
}

// distance is how far apart the times are, in seconds and at the most, between which
// services are impaired in both of two results; and the greatest difference of the
// requests of a service that were answered well in the whole run, as a share of what
// it was offered.
func distance(a, b *Result) (moved, differs float64) {
	for i := range a.Services {
		s, o := &a.Services[i], &b.Services[i]
		if m, n := len(s.Windows), len(o.Windows); m > 0 && n > 0 {
			moved = max(moved, math.Abs(s.Windows[0].From-o.Windows[0].From), math.Abs(s.Windows[m-1].To-o.Windows[n-1].To))
		}
		good, other, offered := 0.0, 0.0, 0.0
		for j := range s.Bins {
			good += s.Bins[j].Good
			offered += s.Bins[j].Offered
		}
		for j := range o.Bins {
			other += o.Bins[j].Good
		}
		if offered > 0 {
			differs = max(differs, math.Abs(good-other)/offered)
		}
	}
	return moved, differs
}

// otherwise is how many services do not have the same states in the same order in two
// results.
func otherwise(a, b *Result) (services int) {
	for i := range a.Services {
		if !slices.EqualFunc(a.Services[i].Windows, b.Services[i].Windows, func(v, w Window) bool { return v.State == w.State }) {
			services++
		}
	}
	return services
}
