package propagate

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// of is the result of a need.
func (r *Result) of(t testing.TB, service, target string) *NeedResult {
	t.Helper()
	for i := range r.Needs {
		if n := &r.Needs[i]; n.Service == service && n.Target == target {
			return n
		}
	}
	t.Fatalf("there is no %s -> %s", service, target)
	return nil
}

// sumOf adds up what a need did from one time to another.
func (r *Result) sumOf(n *NeedResult, from, to float64) (b NeedBin) {
	for i := range n.Bins {
		if r.Times[i] < from-1e-9 || r.Times[i+1] > to+1e-9 {
			continue
		}
		x := &n.Bins[i]
		b.Calls, b.Hits, b.Barred, b.Joined, b.Lost, b.Failed = b.Calls+x.Calls, b.Hits+x.Hits, b.Barred+x.Barred, b.Joined+x.Joined, b.Lost+x.Lost, b.Failed+x.Failed
	}
	return b
}

// goodShare is the share of what a service was asked between two times that it
// answered well.
func (r *Result) goodShare(id string, from, to float64) float64 {
	s := r.service(id)
	good, offered := 0.0, 0.0
	for i := range s.Bins {
		if r.Times[i] >= from-1e-9 && r.Times[i+1] <= to+1e-9 {
			good, offered = good+s.Bins[i].Good, offered+s.Bins[i].Offered
		}
	}
	return good / offered
}

const uneventful = `scenario = "x"
horizon = "HORIZON"
`

// TestCachesAtRest: with caches of all kinds and in all places, misses are steady from
// the beginning, and as many as the plan says when all is well; and steps are long.
func TestCachesAtRest(t *testing.T) {
	for _, x := range []struct {
		cache string
		busy  float64 // requests for a key during a fetch of 10 ms, of one call per request
	}{
		{`hit_ratio = "90%"`, 0},
		{`hit_ratio = "20%", ttl = "5s..60s"`, 0},
		{`keys = 3000, ttl = "30s", coalesce = true`, 0},
		{`keys = 500, ttl = "10s", negative_ttl = "1m", stale_on_error = "1h"`, 0.008},
		{`keys = 100, ttl = "5s", keepalive = "1m..3m"`, 0.04},
		{`keys = 100, ttl = "1m", keepalive = "10s", pinned = "30%"`, 0.04},
	} {
		cache := x.cache
		text := fmt.Sprintf(`
[service.front]
load = "400/s"
needs = [
  { on = "first", cache = { %[1]s } },
  { on = "second", calls = 3, cache = { %[1]s } },
  { on = "third", calls = 0.4, cache = { %[1]s } },
  { on = "fourth", parallel = true, cache = { %[1]s } },
  { at_least = 1, of = ["kv-a", "kv-b"], cache = { %[1]s } },
]
[service.first]
[service.second]
[service.third]
[service.fourth]
[service.kv-a]
[service.kv-b]
`, cache)
		r := played(t, text, strings.Replace(uneventful, "HORIZON", "2h", 1), Options{})
		for i := range r.Needs {
			n := &r.Needs[i]
			for _, span := range [][2]float64{{10, 70}, {600, 3600}, {7000, 7200}} {
				b := r.sumOf(n, span[0], span[1])
				// The plan takes fetches to take no time; where one takes some, each
				// request for its key meanwhile is a call.
				calls := map[string]float64{"second": 3, "third": 0.4}[n.Target]
				if calls == 0 {
					calls = 1
				}
				want := n.Nominal * (1 + x.busy*calls)
				if rate := b.Calls / (span[1] - span[0]); math.Abs(rate-want) > 0.005*want {
					t.Errorf("%s: %s is called %v/s from %v to %v s, want %v/s", cache, n.Target, rate, span[0], span[1], want)
				}
			}
		}
		if good := r.goodShare("front", 10, 7200); math.Abs(good-1) > 1e-3 {
			t.Errorf("%s: %v are answered well", cache, good)
		}
		if r.Steps.Longest < 1.5 || r.Steps.Taken > 5000 {
			t.Errorf("%s: %+v", cache, r.Steps)
		}
	}
}

// TestCacheThatNeverHits is as good as none.
func TestCacheThatNeverHits(t *testing.T) {
	for _, need := range []string{"", "calls = 3,", "calls = 0.5,", "parallel = true,", `if_lost = "degrade",`, `fallback = "old",`} {
		text := `
[service.front]
load = "100/s"
needs = [{ on = "api", timeout = "500ms", ` + need + ` retry = { attempts = 2, backoff = "none" } CACHE }, "other"]
[service.api]
capacity = "500/s"
service_time = "10ms"
[service.other]
[service.old]
capacity = "1000/s"
`
		sc := strings.Replace(uneventful, "HORIZON", "3m", 1) + `
[[fault]]
at = "30s"
for = "40s"
service = "api"
effect = "errors 50%"
`
		none := played(t, strings.Replace(text, "CACHE", "", 1), sc, Options{})
		never := played(t, strings.Replace(text, "CACHE", `, cache = { keys = 1_000_000_000_000, ttl = "20s" }`, 1), sc, Options{})
		for i := range none.Services {
			a, b := &none.Services[i], &never.Services[i]
			for _, span := range [][2]float64{{5, 30}, {40, 70}, {100, 180}} {
				var x, y ServiceBin
				for j := range a.Bins {
					if none.Times[j] >= span[0] && none.Times[j+1] <= span[1] {
						x.Good, y.Good = x.Good+a.Bins[j].Good, y.Good+b.Bins[j].Good
						x.Attempts, y.Attempts = x.Attempts+a.Bins[j].Attempts, y.Attempts+b.Bins[j].Attempts
					}
				}
				if math.Abs(x.Good-y.Good) > 0.01*(1+x.Good) || math.Abs(x.Attempts-y.Attempts) > 0.01*(1+x.Attempts) {
					t.Errorf("%q, %s from %v: %v of %v without a cache, %v of %v with one that never hits", need, a.ID, span[0], x.Good, x.Attempts, y.Good, y.Attempts)
				}
			}
		}
	}
}

// TestRememberedFailures: what is known to fail fails the request, or sends it to the
// fallback, or does neither where the need is soft; and no call is made for it.
func TestRememberedFailures(t *testing.T) {
	for _, x := range []struct {
		need string
		good float64
	}{
		{"", 0},
		{"parallel = true,", 0},
		{"calls = 2,", 0},
		{"calls = 0.25,", 0.75},
		{`if_lost = "degrade",`, 1},
		{`fallback = "old",`, 1},
	} {
		r := played(t, `
[service.front]
load = "1000/s"
needs = [{ on = "api", `+x.need+` cache = { keys = 100, ttl = "10s", negative_ttl = "5m" } }, "other"]
[service.api]
capacity = "5000/s"
[service.other]
capacity = "5000/s"
[service.old]
capacity = "5000/s"
`, strings.Replace(uneventful, "HORIZON", "5m", 1)+`
[[fault]]
at = "60s"
service = "api"
effect = "down"
`, Options{})
		b := r.sumOf(r.of(t, "front", "api"), 120, 300)
		if b.Calls > 0.001*b.Barred || b.Hits > 1e-6 || b.Barred <= 0 {
			t.Errorf("%q: %+v", x.need, b)
		}
		if good := r.goodShare("front", 120, 300); math.Abs(good-x.good) > 0.005 {
			t.Errorf("%q: %v are answered well, want %v", x.need, good, x.good)
		}
		if x.good < 1 && math.Abs(b.Lost-(1-x.good)*180000) > 0.01*180000 {
			t.Errorf("%q: %v requests are lost for it", x.need, b.Lost)
		}
		if old := r.service("old"); strings.Contains(x.need, "old") && old.Bins[len(old.Bins)-1].Good < 900*(r.Times[len(r.Times)-1]-r.Times[len(r.Times)-2]) {
			t.Errorf("the fallback answers %v in the last bin", old.Bins[len(old.Bins)-1].Good)
		}
	}
}

// TestWaitingHoldsThreads: who waits for the fetch of another holds a thread all the
// same, and no call is made.
func TestWaitingHoldsThreads(t *testing.T) {
	for _, order := range []string{"api", "zoo"} { // first leg, later leg
		r := played(t, fmt.Sprintf(`
[service.front]
load = "1000/s"
concurrency = 10_000
service_time = "1ms"
needs = [{ on = "%[1]s", timeout = "2m", cache = { keys = 10, ttl = "1s", coalesce = true } }, "mid"]
[service.mid]
service_time = "1ms"
[service.%[1]s]
concurrency = 1000
service_time = "4s"
`, order), strings.Replace(uneventful, "HORIZON", "10m", 1), Options{})
		b := r.sumOf(r.of(t, "front", order), 300, 600)
		// A key is asked for after 10 ms, fetched in 4 s, and good for 1 s.
		cycle := 0.01 + 4 + 1
		for _, n := range []struct {
			what      string
			got, want float64
		}{
			{"calls", b.Calls / 300, 10 / cycle},
			{"waits", b.Joined / 300, 1000 * 4 / cycle},
			{"hits", b.Hits / 300, 1000 * 1 / cycle},
		} {
			if math.Abs(n.got-n.want) > 0.03*n.want {
				t.Errorf("%s: %v %s a second, want %v", order, n.got, n.what, n.want)
			}
		}
		// They come at any time of the fetch, and wait for the rest of it: with an
		// exponential fetch that is as long as all of it in the mean.
		busy, time := 0.0, 0.0
		s := r.service("front")
		for i := range s.Bins {
			if r.Times[i] >= 300 {
				busy += s.Bins[i].Busy * (r.Times[i+1] - r.Times[i])
				time += r.Times[i+1] - r.Times[i]
			}
		}
		if want := 1000 * 4 / cycle * 4 / 10000; math.Abs(busy/time-want) > 0.03*want {
			t.Errorf("%s: %v of the threads are busy, want %v", order, busy/time, want)
		}
	}
}

// TestCachesConserve: with drawn caches in drawn places, under drawn faults, nothing
// is lost or made, and counts are numbers.
func TestCachesConserve(t *testing.T) {
	checks(t, 60, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		cache := func(name string) string {
			return pick(name+" cache", "", ", cache = { "+
				pick(name+" size", `hit_ratio = "95%"`, "keys = 50", "keys = 100_000")+
				pick(name+" ttl", "", `, ttl = "1s"`, `, ttl = "0s..20s"`, `, ttl = "10s..3m"`)+
				pick(name+" negative", "", `, negative_ttl = "3s"`, `, negative_ttl = "10s..1m"`)+
				pick(name+" stale", "", `, stale_on_error = "30s"`)+
				pick(name+" pinned", "", `, pinned = "10%"`)+
				pick(name+" keepalive", "", `, keepalive = "2s"`, `, keepalive = "20s..2m"`)+
				pick(name+" coalesce", "", ", coalesce = true")+
				pick(name+" cold", "", ", cold = true")+" }")
		}
		lost := func(name string) string {
			return pick(name+" lost", "", "", `, if_lost = "degrade"`, `, if_lost = "stale", ttl = "20s"`, `, fallback = "spare"`)
		}
		retry := func(name string) string {
			return pick(name+" retry", "", `, retry = { attempts = 3, backoff = "none" }`, `, retry = { attempts = 2, base = "200ms" }`)
		}
		text := `
[service.front]
load = "300/s"
needs = [
  { on = "a", timeout = "1s", calls = ` + pick("calls", "1", "0.3", "2", "3.5") + retry("a") + lost("a") + cache("a") + ` },
  { on = "b", timeout = "1s"` + pick("parallel", "", ", parallel = true") + retry("b") + cache("b") + ` },
  { at_least = ` + pick("quorum", "1", "2") + `, of = ["c-1", "c-2", "c-3"]` + cache("c") + ` },
]
[service.a]
needs = [{ on = "d", timeout = "500ms"` + lost("d") + cache("d") + ` }]
[service.b]
capacity = "` + pick("capacity", "2000/s", "200/s", "60/s") + `"
service_time = "20ms"
queue = { bound = ` + pick("bound", "20", "5000") + ` }
needs = [{ on = "front", calls = 0.1` + cache("back") + ` }]
[service.c-1]
[service.c-2]
[service.c-3]
[service.d]
service_time = "50ms"
[service.spare]
`
		sc := strings.Replace(uneventful, "HORIZON", "3m", 1) + fmt.Sprintf(`
[[fault]]
at = "40s"
for = "%s"
service = "%s"
effect = "%s"
[[load]]
at = "100s"
for = "20s"
service = "front"
rate = "%s"
`, pick("for", "1s", "25s", "50s"), pick("victim", "a", "b", "c-1", "d"), pick("effect", "down", "errors 60%", "blackhole", "slow 30x"), pick("surge", "900/s", "0/s"))
		r := played(t, text, sc, Options{})
		if !(r.Balance < 1e-9) {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, text, sc)
		}
		if fault := r.counts(0.1); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, text, sc)
		}
	})
}
