package policy

import (
	"cmp"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// MaxAttempts is the most a retry policy can say, and means for ever. Presets of
// software that goes on until a time has passed say it, and their Deadline ends it.
const MaxAttempts = 1000

// Retry is what a caller does with a failed attempt.
type Retry struct {
	Preset   string                    // the preset it was taken from; may be empty
	Attempts unit.Value[int64]         // all attempts, the first included; 3 where not stated
	Backoff  string                    // one of BackoffWords; full-jitter where not stated
	Base     unit.Value[unit.Duration] // pause before the first retry; 100 ms where not stated
	Factor   unit.Value[float64]       // growth of the pause from one retry to the next; 2 where not stated
	Cap      unit.Value[unit.Duration] // longest pause; no limit where not stated
	Jitter   unit.Value[unit.Ratio]    // each pause times a number between 1-jitter and 1+jitter; 0 where not stated
	Deadline unit.Value[unit.Duration] // no attempt begins later than this after the first; no limit where not stated
	Budget   *RetryBudget              // see [retry budget](retry-budget.md); none where not stated
}

// BackoffWords are the ways to wait between attempts. With
//
//	u(k) = min(Base Factor^(k-1), Cap),   Factor 2 where not stated,
//
// the pause between attempts k and k+1, the first attempt being 1, is
//
//	none          0
//	fixed         Base
//	exponential   u(k)
//	full-jitter   uniform from 0 to u(k)
//	equal-jitter  uniform from u(k)/2 to u(k)
//	envoy-jitter  uniform from 0 to min(Base (2^k - 1), Cap)
//
// and Jitter j multiplies it by a number uniform from 1-j to 1+j, after Cap, as
// gRPC does. Full and equal jitter are those of Brooker, "Exponential Backoff And
// Jitter", AWS Architecture Blog 2015; the last is that of Envoy's router filter.
var BackoffWords = []string{"none", "fixed", "exponential", "full-jitter", "equal-jitter", "envoy-jitter"}

// RetryKeys reads `retry = "preset"` or `retry = { attempts = 3, … }` from the key
// of a need.
func RetryKeys(d *toml.Decoder, key string) *Retry {
	if p, isName := preset(d, key, "retry preset", RetryPresets, func(p *RetryPreset) string { return p.Retry.Preset }); isName {
		if p == nil {
			return nil
		}
		found := p.Retry
		return &found
	}
	t := d.Sub(key, `a retry policy, by the name of a preset or as a table such as { attempts = 3, backoff = "full-jitter", base = "100ms" }`)
	if t == nil {
		return nil
	}
	r := &Retry{}
	toml.Count(t, "attempts", 1, MaxAttempts, &r.Attempts)
	r.pauses(t)
	t.Duration("deadline", &r.Deadline)
	r.Budget = RetryBudgetKeys(t, "budget")
	r.check(t)
	t.Done()
	return r
}

// pauses reads how long to wait between attempts.
func (r *Retry) pauses(t *toml.Decoder) {
	if w, ok := t.Enum("backoff", BackoffWords); ok {
		r.Backoff = w
	}
	t.Duration("base", &r.Base)
	toml.Real(t, "factor", 1, 100, &r.Factor)
	t.Duration("cap", &r.Cap)
	t.Ratio("jitter", &r.Jitter)
}

// check refuses pauses that say two things at once.
func (r *Retry) check(t *toml.Decoder) {
	if r.Backoff == "none" {
		for _, key := range []string{"base", "factor", "cap", "jitter"} {
			if t.Has(key) {
				t.Errorf(t.Key(key), `leave it out, or write another backoff such as "full-jitter"`, `%q belongs to a pause, and backoff = "none" has none`, key)
				return
			}
		}
	}
	if r.Factor.IsStated() && (r.Backoff == "fixed" || r.Backoff == "envoy-jitter") {
		help := `write backoff = "exponential", or leave factor out`
		if r.Backoff == "envoy-jitter" {
			help = "leave factor out; these pauses double"
		}
		t.Errorf(r.Factor.At, help, "a factor has no part in backoff = %q", r.Backoff)
	}
	if r.Base.IsStated() && r.Cap.IsStated() && r.Base.V > r.Cap.V {
		t.Errorf(r.Base.At, `the first pause cannot be longer than the longest`, "base %s is longer than cap %s", r.Base.V, r.Cap.V)
	}
	plain := r.Backoff == "fixed" || r.Backoff == "exponential"
	if plain && !r.Jitter.IsStated() && r.Base.IsStated() && r.Deadline.IsStated() && r.Base.V > r.Deadline.V {
		t.Errorf(r.Deadline.At, "write a longer deadline, or attempts = 1", "the first retry begins after %s, later than the deadline %s", r.Base.V, r.Deadline.V)
	}
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
		compareValues(r.Jitter, o.Jitter),
		compareValues(r.Deadline, o.Deadline),
		r.Budget.Compare(o.Budget),
	)
}
