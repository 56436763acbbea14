package policy

import (
	"cmp"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Breaker stops a caller from calling a target that keeps failing.
type Breaker struct {
	Preset  string                    // the preset it was taken from; may be empty
	Errors  unit.Value[unit.Ratio]    // share of failures that opens it
	Window  unit.Value[unit.Duration] // time over which failures are counted
	Ring    unit.Value[int64]         // or: the last so many results are counted
	InARow  unit.Value[int64]         // or: it opens after so many failures in a row
	Calls   unit.Value[int64]         // calls in the window below which it stays closed
	OpenFor unit.Value[unit.Duration] // how long it stays open
	Probes  unit.Value[int64]         // calls let through to find out whether the target is back
}

// BreakerPreset is the breaker of real software, by name.
type BreakerPreset struct {
	Breaker Breaker
	Source  string
}

// BreakerPresets are sorted by name.
var BreakerPresets = []BreakerPreset{
	breakerPreset("hystrix-breaker", "50%", "10s", 20, "5s", 1, "Hystrix configuration"),
	breakerPreset("polly-v8-breaker", "10%", "30s", 100, "5s", 1, "Polly CircuitBreakerStrategyOptions"),
	breakerPreset("resilience4j-breaker", "50%", "", 100, "60s", 10, "resilience4j CircuitBreakerConfig"),
}

func breakerPreset(name, errors, window string, calls int64, openFor string, probes int64, source string) BreakerPreset {
	share, err := unit.ParseRatio(errors)
	if err != nil {
		panic("policy: " + err.Error())
	}
	b := Breaker{
		Preset:  name,
		Errors:  documented(share, source),
		Calls:   documented(calls, source),
		OpenFor: documented(mustDuration(openFor), source),
		Probes:  documented(probes, source),
	}
	if window != "" {
		b.Window = documented(mustDuration(window), source)
	}
	return BreakerPreset{b, source}
}

// BreakerKeys reads `breaker = "preset"` or `breaker = { errors = "50%", … }`.
func BreakerKeys(d *toml.Decoder, key string) *Breaker {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	if name, ok := v.Scalar.(string); ok && v.Kind == toml.StringKind {
		p, ok := preset(d, v, "breaker preset", name, BreakerPresets, func(p BreakerPreset) string { return p.Breaker.Preset })
		if !ok {
			return nil
		}
		return &p.Breaker
	}
	t := d.Sub(key, `a breaker, by the name of a preset or as a table such as { errors = "50%", window = "10s", open_for = "30s" }`)
	if t == nil {
		return nil
	}
	b := &Breaker{}
	t.Ratio("errors", &b.Errors)
	t.Duration("window", &b.Window)
	toml.Count(t, "calls", 1, 1e9, &b.Calls)
	t.Duration("open_for", &b.OpenFor)
	toml.Count(t, "probes", 1, 1e9, &b.Probes)
	t.Done()
	return b
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
		compareValues(b.Calls, o.Calls),
		compareValues(b.OpenFor, o.OpenFor),
		compareValues(b.Probes, o.Probes),
	)
}
