package policy

import (
	"cmp"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Bulkhead limits the calls of one need that are under way at once in one client
// process, so that one slow target cannot hold every thread.
type Bulkhead struct {
	Preset     string                    // the preset it was taken from; may be empty
	Concurrent unit.Value[int64]         // calls under way at once, of one client process
	MaxWait    unit.Value[unit.Duration] // how long a call waits for a place; 0 where not stated
}

// BulkheadPreset is the bulkhead of real software, by name.
type BulkheadPreset struct {
	Bulkhead Bulkhead
	Source   string
}

// BulkheadPresets are sorted by name. Envoy calls its own circuit breakers, but
// they open at a number of requests and not at a share of failures.
var BulkheadPresets = []BulkheadPreset{
	bulkheadPreset("envoy-circuit-breakers", 1024, "", "Envoy circuit_breaker.proto"),
	bulkheadPreset("hystrix-thread-pool", 10, "0s", "Hystrix HystrixThreadPoolProperties"),
	bulkheadPreset("resilience4j-bulkhead", 25, "0s", "resilience4j BulkheadConfig"),
}

func bulkheadPreset(name string, concurrent int64, maxWait, source string) BulkheadPreset {
	return BulkheadPreset{Bulkhead{
		Preset:     name,
		Concurrent: documented(concurrent, source),
		MaxWait:    documentedDuration(maxWait, source),
	}, source}
}

// BulkheadKeys reads `bulkhead = "preset"` or `bulkhead = { concurrent = 25, … }`.
func BulkheadKeys(d *toml.Decoder, key string) *Bulkhead {
	if p, isName := preset(d, key, "bulkhead preset", BulkheadPresets, func(p *BulkheadPreset) string { return p.Bulkhead.Preset }); isName {
		if p == nil {
			return nil
		}
		found := p.Bulkhead
		return &found
	}
	t := d.Sub(key, `a bulkhead, by the name of a preset or as a table such as { concurrent = 25, max_wait = "100ms" }`)
	if t == nil {
		return nil
	}
	b := &Bulkhead{}
	toml.Count(t, "concurrent", 1, 1e9, &b.Concurrent)
	t.Duration("max_wait", &b.MaxWait)
	oneFamily(t, "bulkhead", "add concurrent = 25", family{"concurrent", "max_wait"})
	t.Done()
	return b
}

// Compare orders bulkheads by what they say; nil comes first.
func (b *Bulkhead) Compare(o *Bulkhead) int {
	if b == nil || o == nil {
		return compareNil(b == nil, o == nil)
	}
	return cmp.Or(
		strings.Compare(b.Preset, o.Preset),
		compareValues(b.Concurrent, o.Concurrent),
		compareValues(b.MaxWait, o.MaxWait),
	)
}
