package propagate

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawChecks are health checks of some services of an estate.
func drawChecks(t *rapid.T, e estate) string {
	var ids []string
	for _, s := range e.services {
		ids = append(ids, s.id)
	}
	var b strings.Builder
	for i := range rapid.IntRange(1, 2).Draw(t, "checks") {
		tested := rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 1, min(3, len(ids)), rapid.ID[string]).Draw(t, "tested")
		fmt.Fprintf(&b, "\n[health_check.check-%d]\nby = %q\ntests = [%q", i, rapid.SampledFrom(ids).Draw(t, "by"), tested[0])
		for _, id := range tested[1:] {
			fmt.Fprintf(&b, ", %q", id)
		}
		fmt.Fprintf(&b, "]\npolicy = { interval = %q, timeout = %q, out = %d, in = %d, depth = %q, if_blind = %q, cost = %q }\n",
			rapid.SampledFrom([]string{"2s", "5s", "10s"}).Draw(t, "interval"), rapid.SampledFrom([]string{"500ms", "2s"}).Draw(t, "timeout"),
			rapid.IntRange(1, 3).Draw(t, "out"), rapid.IntRange(1, 3).Draw(t, "in"),
			rapid.SampledFrom([]string{"deep", "shallow"}).Draw(t, "depth"), rapid.SampledFrom([]string{"fail", "keep"}).Draw(t, "if_blind"),
			rapid.SampledFrom([]string{"1ms", "100ms"}).Draw(t, "cost"))
		fmt.Fprintf(&b, "on_fail = { remove = %q, via = %q, max_removed = %q, fail_open = %q }\n",
			rapid.SampledFrom([]string{"instance", "zone", "region"}).Draw(t, "remove"), rapid.SampledFrom([]string{"load-balancer", "dns", "restart"}).Draw(t, "via"),
			rapid.SampledFrom([]string{"40%", "100%"}).Draw(t, "max_removed"), rapid.SampledFrom([]string{"50%", "100%"}).Draw(t, "fail_open"))
	}
	return b.String()
}

// TestNothingIsLostBetweenInstances: the balance holds, and counts are counts, where
// services are played instance by instance, whatever takes them out of rotation.
func TestNothingIsLostBetweenInstances(t *testing.T) {
	checks(t, 30, func(t *rapid.T) {
		e, ct, st := drawRun(t, wild, 8, true)
		ct += drawChecks(t, e)
		r := played(t, ct, st, Options{})
		if !(r.Balance < 1e-9) {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		if fault := r.counts(0.1); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ct, st)
		}
		for i := range r.Services {
			s := &r.Services[i]
			for j := range s.Bins {
				if b := &s.Bins[j]; b.InRotation > s.Replicas+1e-9 || b.Replicas > s.Replicas+1e-9 {
					t.Fatalf("%s: of %v replicas %v serve and %v are in rotation\n%s\n%s", s.ID, s.Replicas, b.Replicas, b.InRotation, ct, st)
				}
			}
		}
	})
}

// TestInstancesAreTheirService: while nothing happens, a service does the same whether
// or not its instances are told apart.
func TestInstancesAreTheirService(t *testing.T) {
	checks(t, 20, func(t *rapid.T) {
		ct := drawCalm(t, 8)
		var tested []string
		for line := range strings.Lines(ct) {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), "[service."); ok {
				tested = append(tested, fmt.Sprintf("%q", strings.TrimSuffix(id, "]")))
			}
		}
		apart := ct + "\n[service.checker]\nload = \"1/s\"\n[health_check.all]\nby = \"checker\"\ntests = [" + strings.Join(tested, ", ") + "]\npolicy = { depth = \"shallow\" }\n"
		const minutes = "horizon = \"300s\"\n"
		want, got := played(t, ct, minutes, Options{}), played(t, apart, minutes, Options{})
		for i := range want.Services {
			s := &want.Services[i]
			o := got.service(s.ID)
			var a, b float64
			for j := len(s.Bins) / 3; j < len(s.Bins); j++ {
				a += s.Bins[j].Good
			}
			for j := len(o.Bins) / 3; j < len(o.Bins); j++ {
				b += o.Bins[j].Good
			}
			if math.Abs(a-b) > 5e-3*max(100, a) {
				t.Fatalf("%s answers %v, and %v where its instances are told apart\n%s", s.ID, a, b, apart)
			}
		}
	})
}

// apart tells the instances of a service apart, by a health check that finds nothing.
func apart(service string) string {
	return fmt.Sprintf("[service.checker]\nload = \"1/s\"\n[health_check.x]\nby = \"checker\"\ntests = [%q]\npolicy = { depth = \"shallow\" }\n", service)
}

// TestInstancesKeepLeases: a keeper grants and renews as much whether or not its instances
// are told apart: every renewal refreshes its lease, and nobody is lost who asks anew.
func TestInstancesKeepLeases(t *testing.T) {
	const ct = `
[service.front]
load = "100/s"
needs = [{ on = "keeper", timeout = "2s" }]
[service.keeper]
service_time = "2ms"
concurrency = 60
capacity = "800/s"
replicas = 4
needs = [{ on = "store", timeout = "1s" }]
[service.store]
service_time = "50ms"
concurrency = 600
[lease.x]
keeper = "keeper"
holder = "front"
count = 800
lost = "nothing"
ttl = "20s..40s"
renew = { every = "10s", cost = "1ms", timeout = "5s" }
regrant = { cost = "2ms", deadline = "5s", pause = "0s..3s" }
`
	for _, x := range []struct{ name, fault string }{
		{"calm", ""},
		{"lost", "[[fault]]\nat = \"60s\"\nfor = \"20s\"\nservice = \"keeper\"\neffect = \"blackhole\"\n"},
		{"lapsed", "[[fault]]\nat = \"60s\"\nlease = \"x\"\neffect = \"lapse 60%\"\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			st := "horizon = \"200s\"\n" + x.fault
			want, got := played(t, ct, st, Options{}), played(t, ct+apart("keeper"), st, Options{})
			for j, b := range want.Leases[0].Bins {
				if held := got.Leases[0].Bins[j].Held; math.Abs(held-b.Held) > 0.02*800 || x.fault == "" && held < 800*(1-1e-9) {
					t.Errorf("%v hold a lease at %v, and %v where instances are told apart", b.Held, want.Times[j+1], held)
				}
			}
		})
	}
}

// TestInstancesShareACache: the keys of a cache are those of all instances of the caller
// together, what it does is counted, and an error that it knows impairs the caller.
func TestInstancesShareACache(t *testing.T) {
	const ct = `
[service.front]
load = "1000/s"
service_time = "10ms"
replicas = 4
[[service.front.need]]
on = "store"
timeout = "1s"
if_lost = "degrade"
cache = { keys = 500, ttl = "5s..15s", negative_ttl = "3s", coalesce = true }
[service.store]
service_time = "10ms"
capacity = "200/s"
`
	st := "horizon = \"120s\"\n[[fault]]\nat = \"60s\"\nfor = \"30s\"\nservice = \"store\"\neffect = \"errors 100%\"\n"
	want, got := played(t, ct, st, Options{}), played(t, ct+apart("front"), st, Options{})
	sum := func(r *Result) (b NeedBin) {
		for j := range r.Needs[0].Bins {
			x := &r.Needs[0].Bins[j]
			b.Calls, b.Hits, b.Barred, b.Joined = b.Calls+x.Calls, b.Hits+x.Hits, b.Barred+x.Barred, b.Joined+x.Joined
		}
		return b
	}
	a, b := sum(want), sum(got)
	for _, x := range []struct {
		name      string
		want, got float64
	}{{"calls", a.Calls, b.Calls}, {"hits", a.Hits, b.Hits}, {"barred", a.Barred, b.Barred}, {"joined", a.Joined, b.Joined}} {
		if math.Abs(x.want-x.got) > 0.01*x.want {
			t.Errorf("%s: %v, and %v where instances are told apart", x.name, x.want, x.got)
		}
	}
	w, v := want.service("front").Windows, got.service("front").Windows
	if len(w) != 1 || len(v) != 1 || v[0].State != Degraded || math.Abs(v[0].From-w[0].From)+math.Abs(v[0].To-w[0].To) > 2 {
		t.Errorf("%v, and %v where instances are told apart", w, v)
	}
}
