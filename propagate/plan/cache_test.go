package plan

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

// TestMissesAreTheLoad: behind a cache the load when all is well is what misses, and
// so is what is assumed from it; calls stay what a person wrote.
func TestMissesAreTheLoad(t *testing.T) {
	p := compiled(t, `
[service.front]
load = "1000/s"
cache = { hit_ratio = "80%", ttl = "30s" }
needs = [
  "shared",
  { on = "own", calls = 2, cache = { keys = 6000, ttl = "60s" } },
  { on = "pinned", cache = { keys = 1000, ttl = "9s", pinned = "50%" } },
  { on = "kept", cache = { keys = 1000, ttl = "1s", keepalive = "9s" } },
  { at_least = 1, of = ["kv-a", "kv-b"], cache = { keys = 1000, ttl = "9s" } },
  { on = "log", mode = "async" },
  { on = "rates", fallback = "old-rates" },
]
[service.shared]
needs = ["behind"]
[service.own]
[service.pinned]
[service.kept]
[service.kv-a]
[service.kv-b]
[service.log]
[service.rates]
[service.old-rates]
[service.behind]
`)
	for id, want := range map[string]float64{
		"shared": 200, "behind": 200, "rates": 200,
		"own":    2000.0 / 21, // 20 requests for a key in its 60 s
		"pinned": 50, "kept": 100,
		"kv-a": 50, "kv-b": 50,
		"log": 1000, "old-rates": 0,
	} {
		if got := p.named(id).Nominal; math.Abs(got-want) > 1e-9*max(1, want) {
			t.Errorf("%s: %v/s when all is well, not %v/s", id, got, want)
		}
	}
	if s := p.named("own"); s.Full() != AssumedHeadroom*s.Nominal {
		t.Errorf("own can do %v/s", s.Full())
	}
	for i := range p.Calls {
		e := &p.Calls[i]
		if e.Cache == nil {
			if to := p.Services[e.To].ID; e.From >= 0 && !slices.Contains([]string{"log", "old-rates", "behind"}, to) {
				t.Errorf("%s has no cache", to)
			}
			continue
		}
		switch p.Services[e.To].ID {
		case "own":
			if e.PerRequest != 2 || e.Cache.Asked != 2000 || e.Cache.Keys != 6000 {
				t.Errorf("%+v %+v", e, e.Cache)
			}
		case "shared": // N = D TTL (1-h)/h
			if math.Abs(e.Cache.Keys-7500) > 1e-6 {
				t.Errorf("%v keys", e.Cache.Keys)
			}
		case "kv-a":
			if e.Cache.Keys != 500 {
				t.Errorf("a member of two has %v keys", e.Cache.Keys)
			}
		}
	}
}

// TestAssumedCaches: what a cache does not state is assumed, and said once.
func TestAssumedCaches(t *testing.T) {
	p := compiled(t, `
[service.front]
load = "1000/s"
cache = { negative_ttl = "5s" }
needs = ["a", "b", { on = "c", cache = { keys = 10 } }, { on = "d", cache = { ttl = "1m", hit_ratio = "50%" } }]
[service.a]
[service.b]
[service.c]
[service.d]
`)
	var said []string
	for _, a := range p.Assumptions {
		if a.Key == "cache.ttl" || a.Key == "cache.hit_ratio" {
			said = append(said, a.Service+" "+a.Need+" "+a.Key+" "+a.Value)
		}
	}
	if want := []string{"front  cache.hit_ratio 90%", "front  cache.ttl 1m", "front c cache.ttl 1m"}; !slices.Equal(said, want) {
		t.Errorf("assumed: %q, want %q", said, want)
	}
	if got := p.named("a").Nominal; math.Abs(got-100) > 1e-9 {
		t.Errorf("a is asked %v/s", got)
	}
}

// TestHitRatioIsMet: the keys that are worked out from a ratio give it back, whatever
// the connections.
func TestHitRatioIsMet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(low, high float64, name string) float64 { return rapid.Float64Range(low, high).Draw(t, name) }
		c := &Cache{
			TTL:       Lasting{draw(0, 100, "ttl"), draw(0.01, 100, "more")},
			keepalive: Lasting{draw(0, 200, "connection"), draw(0, 200, "longer")},
			Pinned:    draw(0, 0.9, "pinned"),
			ratio:     draw(0.01, 0.999, "ratio"),
		}
		asked := draw(0.01, 1e5, "asked")
		made := c.healthy(asked)
		again := *c
		again.ratio = 0 // from the keys
		if got := again.healthy(asked); math.Abs(got-made) > 1e-6*made || math.Abs(made-(1-c.Pinned)*(1-c.ratio)) > 1e-12 {
			t.Fatalf("%v of the calls are made by the ratio, %v by the keys: %+v", made, got, c)
		}
		if c.Life.Mean() < c.TTL.Mean()-1e-9 {
			t.Fatalf("a connection shortens the life: %+v", c)
		}
	})
}

// TestNoCacheWhereThereAreNoAnswers: what is asynchronous has none.
func TestNoCacheWhereThereAreNoAnswers(t *testing.T) {
	s := &Service{Decl: &catalog.Service{}}
	p := &Plan{}
	if c := p.newCache(s, &catalog.Need{Targets: []string{"a"}}, "a"); c != nil || len(p.Assumptions) > 0 {
		t.Errorf("%+v %v", c, p.Assumptions)
	}
}
