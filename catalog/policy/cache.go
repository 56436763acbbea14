package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Cache is what a service remembers of its targets' answers.
type Cache struct {
	TTL          unit.Value[unit.Range]    // how long an answer is good
	NegativeTTL  unit.Value[unit.Range]    // how long "there is none" is believed (RFC 2308)
	StaleOnError unit.Value[unit.Duration] // how long an expired answer serves when no new one can be had
	HitRatio     unit.Value[unit.Ratio]
}

// CacheKeys reads `cache = { ttl = "60s", … }`.
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
	t.Done()
	return c
}
