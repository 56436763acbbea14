package closedform

import "math"

// HitRatio is the share of requests for one key that a cache with a time to live
// answers, when they are Poisson and the entry ages from its fetch.
//
//	Question: what share of requests does a cache answer?
//	Formula:  l TTL / (1 + l TTL)
//	Domain:   rate l >= 0 in 1/s per key, ttl >= 0 in seconds
//	Source:   Jung, Berger, Balakrishnan 2003
func HitRatio(rate, ttl float64) float64 {
	if !nonNegative(rate, ttl) {
		return outside
	}
	n := float64(rate * ttl)
	if math.IsInf(n, 1) {
		return 1
	}
	return n / (1 + n)
}

// CacheServed is the share of requests that a stationary cache still answers some
// time after what is behind it was lost. Entries may be used beyond their time to
// live for a further time, as with stale-on-error.
//
//	Question: how long does a cache carry an outage of what is behind it?
//	Formula:  h for t <= stale, then h (1 - (t - stale)/TTL), 0 for t >= stale + TTL
//	Domain:   t >= 0, 0 <= hit ratio h <= 1, ttl >= 0, stale >= 0, in seconds
//	Source:   uniform ages of valid entries; Jung, Berger, Balakrishnan 2003
func CacheServed(t, hitRatio, ttl, stale float64) float64 {
	switch {
	case !nonNegative(t, ttl, stale) || !isShare(hitRatio):
		return outside
	case t <= stale:
		return hitRatio
	case t-stale >= ttl:
		return 0
	}
	return hitRatio * (1 - (t-stale)/ttl)
}

// ColdCacheHerd is how many times the usual number of requests reaches what is
// behind a cache when the cache is empty.
//
//	Question: what does a cold cache do to what is behind it?
//	Formula:  1 / (1 - h); +Inf for h = 1
//	Domain:   0 <= hit ratio h <= 1
//	Source:   all requests miss instead of 1 - h
func ColdCacheHerd(hitRatio float64) float64 {
	if !isShare(hitRatio) {
		return outside
	}
	return 1 / (1 - hitRatio)
}

// CacheRefillRate is the rate in 1/s at which an empty cache fetches some time after
// it began to fill, while nothing expires yet.
//
//	Question: how fast does the herd of a cold cache die down?
//	Formula:  N l e^(-l t)
//	Domain:   keys N >= 0, rate l >= 0 in 1/s per key, t >= 0 and below the time to live, in seconds
//	Source:   first arrivals of Poisson streams
func CacheRefillRate(keys, rate, t float64) float64 {
	if !nonNegative(keys, rate, t) {
		return outside
	}
	return keys * rate * exp(-rate*t)
}
