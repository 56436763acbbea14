package mech

import (
	"github.com/knockon/knockon/catalog/policy"
)

// MaxAttempts is how many attempts of one call are told apart; later ones behave
// like the last.
const MaxAttempts = 12

// AssumedBase is the first pause, in seconds, of a backoff that names none.
const AssumedBase = 0.1

// Pause is the distribution of the pause after the k-th attempt (1, 2, …) of a
// retry policy: even between low and low+spread seconds. The kinds are those of
// policy.BackoffWords.
//
// # Equation
//
// The pause after attempt k lies in [0, min(cap, base·factor^(k-1))] with full jitter,
// in the upper half of that with equal jitter, and at its end without. Where attempts
// fail independently with probability p, n of them are (1-p^n)/(1-p) attempts a call,
// and p^n of the calls fail (M. Brooker, "Fixing retries with token buckets and circuit
// breakers", 2022). Layers multiply: n^L attempts at the bottom of L of them (AWS
// Builders' Library, "Timeouts, retries and backoff with jitter").
//
// # When it is wrong
//
// Pauses of equal clients are spread as a mean: one client's second attempt does not
// depend on how long its first pause was. Attempts beyond the twelfth behave like the
// twelfth. Jitter of a jittered pause is taken as even between its ends.
func Pause(r *policy.Retry, k int) (low, spread float64) {
	if r == nil || r.Backoff == "none" {
		return 0, 0
	}
	base := AssumedBase
	if r.Base.IsStated() {
		base = r.Base.V.Seconds()
	}
	factor := r.Factor.Or(2)
	limit := 1e18
	if r.Cap.IsStated() {
		limit = r.Cap.V.Seconds()
	}
	upper := min(base*Power(factor, float64(k-1)), limit)
	switch r.Backoff {
	case "fixed":
		low, spread = base, 0
	case "exponential":
		low, spread = upper, 0
	case "equal-jitter":
		low, spread = upper/2, upper/2
	case "envoy-jitter":
		low, spread = 0, min(base*(Power(2, float64(k))-1), limit)
	default: // full jitter, which is also what is assumed
		low, spread = 0, upper
	}
	if j := float64(r.Jitter.Or(0)); j > 0 {
		// The product of two spreads is not even; its ends are kept.
		low, spread = float64(low*(1-j)), float64((low+spread)*(1+j))-float64(low*(1-j))
	}
	return low, spread
}

// Amplified is how many attempts one first attempt becomes, and which share of
// those calls fails for good, when attempts follow one another at once, each fails
// with probability p, n are made at most and a retry is allowed with probability
// allow: 1 + ap + (ap)^2 + … (Brooker 2022, for allow = 1).
func Amplified(p, allow float64, n int) (attempts, failed float64) {
	reach := 1.0
	for range n {
		attempts += reach
		reach *= float64(p * allow)
	}
	// Failed: after each attempt that failed, denied or the last.
	reach = 1.0
	for k := 1; k <= n; k++ {
		f := float64(reach * p)
		if k == n {
			failed += f
		} else {
			failed += float64(f * (1 - allow))
		}
		reach = float64(f * allow)
	}
	return attempts, failed
}
