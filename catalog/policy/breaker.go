package policy

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Breaker stops a caller from calling a target that keeps failing. It opens by the
// share of failures among the calls of the last Window or the last Ring results,
// or after so many failures InARow.
type Breaker struct {
	Preset  string                    // the preset it was taken from; may be empty
	Errors  unit.Value[unit.Ratio]    // share of failures that opens it; 50 % where not stated
	Window  unit.Value[unit.Duration] // time over which failures are counted; 10 s where neither it, Ring nor Calls is stated
	Ring    unit.Value[int64]         // or: the last so many results are counted
	InARow  unit.Value[int64]         // or: it opens after so many failures in a row
	Calls   unit.Value[int64]         // calls in the window below which it stays closed; 0 where not stated, a ring is full
	OpenFor unit.Value[unit.Duration] // how long it stays open; 30 s where not stated
	Probes  unit.Value[int64]         // calls let through to find out whether the target is back; 1 where not stated
}

// BreakerPreset is the breaker of real software, by name.
type BreakerPreset struct {
	Breaker Breaker
	Source  string
}

// BreakerPresets are sorted by name.
var BreakerPresets = []BreakerPreset{
	breakerPreset("gobreaker", breakerValues{inARow: 6, openFor: "60s", probes: 1}, "sony/gobreaker v2.4.0 gobreaker.go"),
	breakerPreset("hystrix-breaker", breakerValues{errors: "50%", window: "10s", calls: 20, openFor: "5s", probes: 1}, "Hystrix HystrixCommandProperties"),
	breakerPreset("polly-v8-breaker", breakerValues{errors: "10%", window: "30s", calls: 100, openFor: "5s", probes: 1}, "Polly CircuitBreakerStrategyOptions"),
	breakerPreset("resilience4j-breaker", breakerValues{errors: "50%", ring: 100, calls: 100, openFor: "60s", probes: 10}, "resilience4j CircuitBreakerConfig"),
}

// breakerValues are what the documentation of a breaker says; 0 and "" are not
// stated.
type breakerValues struct {
	errors, window              string
	ring, inARow, calls, probes int64
	openFor                     string
}

func breakerPreset(name string, v breakerValues, source string) BreakerPreset {
	return BreakerPreset{Breaker{
		Preset:  name,
		Errors:  documentedRatio(v.errors, source),
		Window:  documentedDuration(v.window, source),
		Ring:    documentedCount(v.ring, source),
		InARow:  documentedCount(v.inARow, source),
		Calls:   documentedCount(v.calls, source),
		OpenFor: documentedDuration(v.openFor, source),
		Probes:  documentedCount(v.probes, source),
	}, source}
}

// BreakerKeys reads `breaker = "preset"` or `breaker = { errors = "50%", … }`.
func BreakerKeys(d *toml.Decoder, key string) *Breaker {
	if p, isName := preset(d, key, "breaker preset", BreakerPresets, func(p *BreakerPreset) string { return p.Breaker.Preset }); isName {
		if p == nil {
			return nil
		}
		found := p.Breaker
		return &found
	}
	t := d.Sub(key, `a breaker, by the name of a preset or as a table such as { errors = "50%", window = "10s", open_for = "30s" }`)
	if t == nil {
		return nil
	}
	b := &Breaker{}
	t.Ratio("errors", &b.Errors)
	t.Duration("window", &b.Window)
	toml.Count(t, "ring", 1, 1e6, &b.Ring)
	toml.Count(t, "in_a_row", 1, 1e6, &b.InARow)
	toml.Count(t, "calls", 1, 1e9, &b.Calls)
	t.Duration("open_for", &b.OpenFor)
	toml.Count(t, "probes", 1, 1e9, &b.Probes)
	b.check(t)
	t.Done()
	return b
}

// check refuses breakers that open in two ways, at once or never.
func (b *Breaker) check(t *toml.Decoder) {
	if b.InARow.IsStated() {
		for _, key := range []string{"errors", "window", "ring", "calls"} {
			if t.Has(key) {
				t.Errorf(t.Key(key), `write { in_a_row = 5, … } or { errors = "50%", window = "10s", … }`, "%q counts a share of failures, and in_a_row failures one after another", key)
				return
			}
		}
	}
	switch {
	case b.Window.IsStated() && b.Ring.IsStated():
		t.Errorf(b.Ring.At, "keep one of them", "failures are counted over a window of %s or over a ring of %d results, not both", b.Window.V, b.Ring.V)
	case b.Ring.IsStated() && b.Calls.IsStated() && b.Calls.V > b.Ring.V:
		t.Errorf(b.Calls.At, fmt.Sprintf("write at most %d", b.Ring.V), "a ring of %d results never holds %d calls", b.Ring.V, b.Calls.V)
	}
	if b.Errors.IsStated() && b.Errors.V == 0 {
		t.Errorf(b.Errors.At, `write a share such as "50%"`, "a breaker that opens at 0%% is always open")
	}
}

// Compare orders breakers by what they say; nil comes first.
func (b *Breaker) Compare(o *Breaker) int {
	if b == nil || o == nil {
		return compareNil(b == nil, o == nil)
	}
	return cmp.Or(
		strings.Compare(b.Preset, o.Preset),
		compareValues(b.Errors, o.Errors),
		compareValues(b.Window, o.Window),
		compareValues(b.Ring, o.Ring),
		compareValues(b.InARow, o.InARow),
		compareValues(b.Calls, o.Calls),
		compareValues(b.OpenFor, o.OpenFor),
		compareValues(b.Probes, o.Probes),
	)
}
