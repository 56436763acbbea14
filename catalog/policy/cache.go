package policy

import (
	"cmp"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Cache is what the callers of one need remember of its answers. On a service it
// stands for every synchronous need to serve that has none of its own.
//
// How often it answers is said by Keys, from which the engine works it out for
// every load, or by HitRatio; never by both.
type Cache struct {
	TTL          unit.Value[unit.Range]    // how long an answer is good
	NegativeTTL  unit.Value[unit.Range]    // how long an error that came back is remembered (RFC 2308)
	StaleOnError unit.Value[unit.Duration] // how long an expired answer serves when no new one can be had (RFC 5861)
	HitRatio     unit.Value[unit.Ratio]    // at healthy load
	Keys         unit.Value[int64]         // entries, equally popular, over all clients
	Pinned       unit.Value[unit.Ratio]    // share of clients that have asked and never ask again
	Keepalive    unit.Value[unit.Range]    // how long a connection lives; who holds one does not need the answer

	Coalesce       bool // one fetch for a key at a time; false where not stated
	CoalesceStated bool
	Cold           bool // empty at the start of a scenario
}

// CacheKeys reads `cache = { ttl = "60s", … }` of a service or a need.
func CacheKeys(d *toml.Decoder, key string) *Cache {
	t := d.Sub(key, `a cache such as { ttl = "60s", stale_on_error = "1h" }`)
	if t == nil {
		return nil
	}
	c := &Cache{}
	t.Range("ttl", &c.TTL)
	t.Range("negative_ttl", &c.NegativeTTL)
	t.Duration("stale_on_error", &c.StaleOnError)
	t.Ratio("hit_ratio", &c.HitRatio)
	toml.Count(t, "keys", 1, 1e15, &c.Keys)
	t.Ratio("pinned", &c.Pinned)
	t.Range("keepalive", &c.Keepalive)
	c.CoalesceStated = t.Bool("coalesce", &c.Coalesce)
	t.Bool("cold", &c.Cold)
	if c.Keys.IsStated() && c.HitRatio.IsStated() {
		t.Errorf(t.Key("hit_ratio"), "keep one of them", "how often it answers follows from keys, and hit_ratio says it again")
	}
	t.Done()
	return c
}

// Compare orders caches by what they say; nil comes first.
func (c *Cache) Compare(o *Cache) int {
	if c == nil || o == nil {
		return compareNil(c == nil, o == nil)
	}
	return cmp.Or(
		compareRanges(c.TTL, o.TTL),
		compareRanges(c.NegativeTTL, o.NegativeTTL),
		compareValues(c.StaleOnError, o.StaleOnError),
		compareValues(c.HitRatio, o.HitRatio),
		compareValues(c.Keys, o.Keys),
		compareValues(c.Pinned, o.Pinned),
		compareRanges(c.Keepalive, o.Keepalive),
		compareFlags(c.Coalesce, o.Coalesce),
		compareFlags(c.CoalesceStated, o.CoalesceStated),
		compareFlags(c.Cold, o.Cold),
	)
}
