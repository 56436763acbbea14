package policy

import (
	"cmp"
	"math"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Retry is what a caller does with a failed attempt.
type Retry struct {
	Preset   string                    // the preset it was taken from; may be empty
	Attempts unit.Value[int64]         // all attempts, the first included
	Backoff  string                    // one of BackoffWords; "" where not stated
	Base     unit.Value[unit.Duration] // pause before the first retry
	Factor   unit.Value[float64]       // growth of the pause from one retry to the next
	Cap      unit.Value[unit.Duration] // longest pause
	Jitter   unit.Value[unit.Ratio]    // each pause times a number between 1-jitter and 1+jitter
	Deadline unit.Value[unit.Duration] // no attempt begins later than this after the first
	Budget   *RetryBudget              // nil: not stated
}

// BackoffWords are the ways to wait between attempts. The jittered ones are those
// of Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.
var BackoffWords = []string{"none", "fixed", "exponential", "full-jitter", "equal-jitter"}

// RetryKeys reads `retry = "preset"` or `retry = { attempts = 3, … }` from the key
// of a need.
func RetryKeys(d *toml.Decoder, key string) *Retry {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	if name, ok := v.Scalar.(string); ok && v.Kind == toml.StringKind {
		r, ok := preset(d, v, "retry preset", name, RetryPresets, func(p RetryPreset) string { return p.Retry.Preset })
		if !ok {
			return nil
		}
		found := r.Retry
		return &found
	}
	t := d.Sub(key, "a retry policy, by the name of a preset or as a table such as { attempts = 3, backoff = \"full-jitter\" }")
	if t == nil {
		return nil
	}
	r := &Retry{}
	toml.Count(t, "attempts", 1, 1000, &r.Attempts)
	if w, ok := t.Enum("backoff", BackoffWords); ok {
		r.Backoff = w
	}
	t.Duration("base", &r.Base)
	toml.Real(t, "factor", 1, 100, &r.Factor)
	t.Duration("cap", &r.Cap)
	if r.Base.IsStated() && r.Cap.IsStated() && r.Base.V > r.Cap.V {
		t.Errorf(r.Base.At, `the first pause cannot be longer than the longest`, "base %s is longer than cap %s", r.Base.V, r.Cap.V)
	}
	t.Done()
	return r
}

// Compare orders retries by what they say; nil comes first.
func (r *Retry) Compare(o *Retry) int {
	if r == nil || o == nil {
		return compareNil(r == nil, o == nil)
	}
	return cmp.Or(
		strings.Compare(r.Preset, o.Preset),
		compareValues(r.Attempts, o.Attempts),
		strings.Compare(r.Backoff, o.Backoff),
		compareValues(r.Base, o.Base),
		compareValues(r.Factor, o.Factor),
		compareValues(r.Cap, o.Cap),
	)
}

func compareNil(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// RetryPreset is the retry policy of real software, by name.
type RetryPreset struct {
	Retry  Retry
	Source string // where its values were read
}

func documented[T any](v T, source string) unit.Value[T] {
	return unit.Value[T]{V: v, Evidence: unit.Documented, Source: source}
}

func retryPreset(name string, attempts int64, backoff string, base, limit string, factor float64, budget string, source string) RetryPreset {
	r := Retry{Preset: name, Attempts: documented(attempts, source), Backoff: backoff}
	if base != "" {
		r.Base = documented(mustDuration(base), source)
	}
	if limit != "" {
		r.Cap = documented(mustDuration(limit), source)
	}
	if !math.IsNaN(factor) && factor > 0 {
		r.Factor = documented(factor, source)
	}
	if budget != "" {
		b, err := unit.ParseRatio(budget)
		if err != nil {
			panic("policy: " + err.Error())
		}
		r.Budget = &RetryBudget{Ratio: documented(b, source)}
	}
	return RetryPreset{Retry: r, Source: source}
}

func mustDuration(s string) unit.Duration {
	d, err := unit.ParseDuration(s)
	if err != nil {
		panic("policy: " + err.Error())
	}
	return d
}
