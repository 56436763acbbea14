package closedform

import "math"

// The ways to wait between attempts: those that catalogs can state, and Envoy's.
const (
	NoBackoff   = "none"
	Fixed       = "fixed"
	Exponential = "exponential"
	FullJitter  = "full-jitter"  // uniform in 0..bound
	EqualJitter = "equal-jitter" // uniform in bound/2..bound
	EnvoyJitter = "envoy-jitter" // uniform in 0..base (2^k - 1)
)

// Backoff is a schedule of pauses between attempts, in seconds. A jitter about the
// bound (each pause times a number between 1-j and 1+j) leaves means as they are and
// is left out.
type Backoff struct {
	Kind   string
	Base   float64 // pause before the first retry, before jitter
	Factor float64 // growth from one retry to the next; 0 stands for 2
	Cap    float64 // longest pause before jitter; 0 stands for none
}

func (b Backoff) valid() bool {
	switch b.Kind {
	case NoBackoff, Fixed, Exponential, FullJitter, EqualJitter, EnvoyJitter:
		return nonNegative(b.Base, b.Cap) && (b.Factor == 0 || b.Factor >= 1)
	}
	return false
}

// Bound is the longest that the pause before a retry can be, in seconds.
//
//	Question: how long is the longest pause before retry k?
//	Formula:  min(base factor^(k-1), cap); base when fixed; 0 without backoff; min(base (2^k - 1), cap) for Envoy
//	Domain:   a kind that is known, base >= 0, factor >= 1, cap >= 0, retry >= 1
//	Source:   Brooker 2015; Envoy router filter
func (b Backoff) Bound(retry int) float64 {
	if !b.valid() || retry < 1 {
		return outside
	}
	bound, factor := b.Base, b.Factor
	if factor == 0 {
		factor = 2
	}
	switch {
	case b.Kind == NoBackoff || b.Base == 0:
		return 0
	case b.Kind == EnvoyJitter:
		bound *= math.Ldexp(1, retry) - 1
	case b.Kind != Fixed:
		bound *= power(factor, float64(retry-1))
	}
	if b.Cap > 0 {
		bound = min(bound, b.Cap)
	}
	return bound
}

// Mean is the mean pause before a retry, in seconds.
//
//	Question: how long is the pause before retry k on average?
//	Formula:  Bound; Bound/2 with full jitter and for Envoy; 3/4 Bound with equal jitter
//	Domain:   that of Bound
//	Source:   Brooker 2015
func (b Backoff) Mean(retry int) float64 {
	switch bound := b.Bound(retry); b.Kind {
	case FullJitter, EnvoyJitter:
		return bound / 2
	case EqualJitter:
		return float64(0.75 * bound)
	default:
		return bound
	}
}

// MeanTotal is the mean time in seconds that a request with so many retries spends
// in pauses.
//
//	Question: how long does a schedule of retries take, time-outs apart?
//	Formula:  sum of Mean(k) over k = 1..retries
//	Domain:   that of Bound, 0 <= retries <= 1e6
//	Source:   Brooker 2015
func (b Backoff) MeanTotal(retries int) float64 {
	if !b.valid() || retries < 0 || retries > 1e6 {
		return outside
	}
	total, last := 0.0, -1.0
	for k := 1; k <= retries; k++ {
		pause := b.Mean(k)
		if pause == last || math.IsInf(pause, 1) { // all the rest are alike
			return total + float64(pause*float64(retries-k+1))
		}
		total += pause
		last = pause
	}
	return total
}

// HerdPeak is the highest rate in 1/s at which clients that failed together come
// back, when their pauses are uniform over a spread, counted in bins.
//
//	Question: how high is the wave of clients that return together?
//	Formula:  N / max(spread, bin)
//	Domain:   clients N >= 0; spread >= 0 and bin > 0 in seconds
//	Source:   Brooker 2015
func HerdPeak(clients, spread, bin float64) float64 {
	if !nonNegative(clients, spread) || !positive(bin) {
		return outside
	}
	return clients / max(spread, bin)
}
