package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Deferred is that requests from outside which failed are made again later: people
// who come back, jobs that are run again. They come again some time after the
// failure, or once the service has recovered.
type Deferred struct {
	Share         unit.Value[unit.Ratio]    // of the failed requests from outside, so many come again
	After         unit.Value[unit.Range]    // from the failure until they come
	UntilRecovery bool                      // or: they wait for the recovery
	Over          unit.Value[unit.Duration] // and come spread over so long
}

// UntilWords are what deferred requests wait for.
var UntilWords = []string{"recovery"}

// DeferredKeys reads `deferred = { share = "60%", after = "5m..15m" }` or
// `deferred = { share = "60%", until = "recovery", over = "10m" }`.
func DeferredKeys(d *toml.Decoder, key string) *Deferred {
	const example = `{ share = "60%", after = "5m..15m" } or { share = "60%", until = "recovery", over = "10m" }`
	t := d.Sub(key, "which requests come again, and when, such as "+example)
	if t == nil {
		return nil
	}
	r := &Deferred{}
	t.Require("share", "write "+example)
	t.Ratio("share", &r.Share)
	t.Range("after", &r.After)
	if _, ok := t.Enum("until", UntilWords); ok {
		r.UntilRecovery = true
	}
	t.Duration("over", &r.Over)
	if oneFamily(t, "deferral", "write one of "+example, family{"after"}, family{"until", "over"}) && !t.Has("after") && !t.Has("until") {
		t.Errorf(t.At(), "write one of "+example, "these requests come again, but not when")
	}
	t.Done()
	return r
}
