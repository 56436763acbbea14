package plan

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate/scenario"
	"pgregory.net/rapid"
)

const tested = `
[service.api]
load     = "100/s"
capacity = "300/s"
queue    = { bound = 60 }
REPLICAS
[service.other]
replicas = 5
[service.checker]
service_time = "10ms"
[health_check.api]
by     = "checker"
tests  = ["api", { fresh = "other", within = "30s" }]
policy = { cost = "50ms" }
`

// TestInstances: how many instances are told apart, and what each of them gets.
func TestInstances(t *testing.T) {
	for _, x := range []struct {
		replicas  string
		instances int
		count     float64
	}{
		{"", AssumedReplicas, AssumedReplicas},
		{"replicas = 1", 1, 1},
		{"replicas = 20", 20, 20},
		{"replicas = 25", 20, 25},
		{`replicas = { zones = ["a", "b", "c"] }`, 3, 3},
		{`replicas = { zones = ["a", "b", "c"], count = 50 }`, 21, 50},
		{`replicas = { zones = ["a", "b", "c", "d", "e", "f", "g", "h"], count = 22 }`, 22, 22},
	} {
		p := compiled(t, replaced(x.replicas))
		s := p.named("api")
		if s.Instances != x.instances || s.Replicas != x.count {
			t.Errorf("%q: %d instances of %v replicas, not %d of %v", x.replicas, s.Instances, s.Replicas, x.instances, x.count)
		}
		if o := p.named("other"); o.Instances != 0 {
			t.Errorf("%q: what only has to be fresh is told apart", x.replicas)
		}
		one := s.Instance(0)
		for what, pair := range map[string][2]float64{"capacity": {one.Capacity, s.Capacity}, "threads": {one.Threads, s.Threads}, "bound": {one.Bound, s.Bound}, "replicas": {one.Replicas, s.Replicas}} {
			if math.Abs(pair[0]*float64(s.Instances)-pair[1]) > 1e-9 {
				t.Errorf("%q: all instances together have a %s of %v, not %v", x.replicas, what, pair[0]*float64(s.Instances), pair[1])
			}
		}
		if said := slices.ContainsFunc(p.Assumptions, func(a Assumption) bool { return a.Service == "api" && a.Key == "replicas" }); said != (x.replicas == "") {
			t.Errorf("%q: that replicas are assumed is said: %v", x.replicas, said)
		}
	}
}

func replaced(replicas string) string { return strings.Replace(tested, "REPLICAS", replicas, 1) }

// TestChecks: what is assumed of a check, and that its work is a call that loads
// nobody else.
func TestChecks(t *testing.T) {
	p := compiled(t, replaced("replicas = 4"))
	if len(p.Checks) != 1 {
		t.Fatalf("%d checks", len(p.Checks))
	}
	k := &p.Checks[0]
	if k.Interval != AssumedCheckInterval || k.Timeout != AssumedCheckTimeout || k.Out != AssumedOut || k.In != AssumedIn || k.Shallow || k.Keeps || k.MaxRemoved != 1 || !math.IsInf(k.FailOpen, 1) {
		t.Errorf("%+v", *k)
	}
	if math.Abs(k.Cost-5) > 1e-12 || !p.Calls[k.Chore].Chore || p.Calls[k.Chore].Nominal != 0 || p.Services[k.By].Nominal != AssumedLoad {
		t.Errorf("a change costs %v requests, and the checker has %v/s", k.Cost, p.Services[k.By].Nominal)
	}
	if len(k.Fresh) != 1 || k.Fresh[0].Within != 30 {
		t.Errorf("fresh: %+v", k.Fresh)
	}
}

// TestStruckReplicas: a fault of so many replicas strikes that many, and whole
// instances first.
func TestStruckReplicas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		replicas := rapid.IntRange(1, 90).Draw(t, "replicas")
		s := Service{Replicas: float64(replicas), Zones: 1}
		s.Instances = min(replicas, MostInstances)
		f := scenario.Fault{Count: int64(rapid.IntRange(1, replicas).Draw(t, "count"))}
		total, partly := 0.0, 0
		for i := range s.Instances {
			x := s.Struck(&f, i)
			if x < 0 || x > 1 {
				t.Fatalf("%v of an instance is struck", x)
			}
			if x > 1e-9 && x < 1-1e-9 {
				partly++
			}
			total += x * s.Replicas / float64(s.Instances)
		}
		if math.Abs(total-float64(f.Count)) > 1e-9*s.Replicas || partly > 1 {
			t.Fatalf("%v of %d replicas are struck, not %d, in %d instances partly", total, replicas, f.Count, partly)
		}
	})
}

// TestZoneOfInstances: instances are dealt to the zones in turn, and a fault of one
// strikes those of it and no others.
func TestZoneOfInstances(t *testing.T) {
	s := *compiled(t, replaced(`replicas = { zones = ["a", "b", "c"], count = 8 }`)).named("api")
	struck := 0.0
	for i := range s.Instances {
		x := s.Struck(&scenario.Fault{Zone: "b"}, i)
		if (x == 1) != (s.ZoneOf(i) == 1) {
			t.Errorf("instance %d is in zone %d, and %v of it is struck", i, s.ZoneOf(i), x)
		}
		struck += x
	}
	if struck != 3 {
		t.Errorf("%v of 8 are in the second of 3 zones", struck)
	}
}
