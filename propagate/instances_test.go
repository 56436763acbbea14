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
