package closedform

import "math"

// The budgets are stationary means of one bucket: what is left when the tokens that
// it began with are spent. QuotaBurst says how much comes before.

// RatioBudgetAmplification is the mean number of attempts per original when retries
// are limited to a share of the originals and a rate besides, as in Finagle.
//
//	Question: how many attempts does a ratio budget let through?
//	Formula:  min(alpha, 1 + b + r0/lambda), alpha = Amplification(n, p)
//	Domain:   attempts >= 1; 0 <= failing <= 1; ratio >= 0; minRate >= 0 and arrivals > 0, both in 1/s and of one bucket
//	Source:   Finagle, RetryBudget.scala
func RatioBudgetAmplification(attempts int, failing, ratio, minRate, arrivals float64) float64 {
	alpha := Amplification(attempts, failing)
	if math.IsNaN(alpha) || !nonNegative(ratio, minRate) || !positive(arrivals) {
		return outside
	}
	return min(alpha, 1+ratio+minRate/arrivals)
}

// TokenBudgetThreshold is the share of attempts that fail above which retries stop
// altogether, as in gRPC: a failure takes a token, a success gives tokenRatio back,
// and retries stop while the bucket is at most half full.
//
//	Question: at which error rate does gRPC stop retrying?
//	Formula:  rho / (1 + rho)
//	Domain:   token ratio rho >= 0
//	Source:   gRPC proposal A6
func TokenBudgetThreshold(tokenRatio float64) float64 {
	if !nonNegative(tokenRatio) || math.IsInf(tokenRatio, 1) {
		return outside
	}
	return tokenRatio / (1 + tokenRatio)
}

// TokenBudgetAmplification is the mean number of attempts per original under a gRPC
// throttle. Just above the threshold the bucket is a random walk that still lets a
// few retries through.
//
//	Question: how many attempts does a gRPC retry throttle let through?
//	Formula:  1 for p > rho/(1+rho), else Amplification(n, p)
//	Domain:   attempts >= 1; 0 <= failing <= 1; token ratio rho >= 0
//	Source:   gRPC proposal A6
func TokenBudgetAmplification(attempts int, failing, tokenRatio float64) float64 {
	alpha, threshold := Amplification(attempts, failing), TokenBudgetThreshold(tokenRatio)
	switch {
	case math.IsNaN(alpha) || math.IsNaN(threshold):
		return outside
	case failing > threshold:
		return 1
	}
	return alpha
}

// TokenBudgetStop is the time in seconds from the beginning of failures, with a full
// bucket, to the end of retries.
//
//	Question: how long does a gRPC retry throttle go on letting retries through?
//	Formula:  (M/2) / (a (p - rho (1-p))); +Inf for p <= rho/(1+rho)
//	Domain:   maxTokens M >= 0; token ratio rho >= 0; attempts per second a >= 0; 0 <= failing p <= 1
//	Source:   gRPC proposal A6
func TokenBudgetStop(maxTokens, tokenRatio, attemptRate, failing float64) float64 {
	if !nonNegative(maxTokens, tokenRatio, attemptRate) || !isShare(failing) {
		return outside
	}
	drift := attemptRate * (failing - float64(tokenRatio*(1-failing)))
	if drift <= 0 {
		return math.Inf(1)
	}
	return maxTokens / 2 / drift
}

// QuotaAmplification is the mean number of attempts per original under the retry
// quota of the AWS SDKs: a retry costs tokens, gets them back when it succeeds, and
// a first attempt that succeeds gives some besides.
//
//	Question: how many attempts does the AWS retry quota let through?
//	Formula:  min(alpha, 1 + f (1-p) / (q p)), alpha = Amplification(n, p)
//	Domain:   attempts >= 1; 0 <= failing p <= 1; cost q of a retry > 0; refund f of a first attempt >= 0
//	Source:   botocore retries/standard.py, quota.py; AWS SDKs reference, retry behaviour
func QuotaAmplification(attempts int, failing, cost, refund float64) float64 {
	alpha := Amplification(attempts, failing)
	switch {
	case math.IsNaN(alpha) || !positive(cost) || !nonNegative(refund):
		return outside
	case failing == 0:
		return alpha
	}
	return min(alpha, 1+float64(refund*(1-failing))/float64(cost*failing))
}

// QuotaThreshold is the share of attempts that fail from which on the AWS retry
// quota binds; 1 when it never does.
//
//	Question: at which error rate does the AWS retry quota bind?
//	Formula:  p + … + p^(n-1) = f (1-p) / (q p)
//	Domain:   attempts >= 1; cost q of a retry > 0; refund f of a first attempt >= 0
//	Source:   as QuotaAmplification
func QuotaThreshold(attempts int, cost, refund float64) float64 {
	if attempts < 1 || !positive(cost) || !nonNegative(refund) {
		return outside
	}
	if attempts == 1 {
		return 1
	}
	low, high := 0.0, 1.0 // the left side grows with p, the right side falls
	for range 100 {
		p := float64((low + high) / 2)
		// Both sides times p, and without the leading 1 of the series.
		if wanted := float64(p * p * geometric(float64(attempts-1), p)); float64(wanted*cost) < float64(refund*(1-p)) {
			low = p
		} else {
			high = p
		}
	}
	return high
}

// QuotaBurst is the number of retries that clients with full buckets send before a
// quota binds.
//
//	Question: how many retries come before the quota binds?
//	Formula:  N floor(tokens / q)
//	Domain:   clients N >= 0, each with a bucket of its own; tokens >= 0; cost q > 0
//	Source:   as QuotaAmplification
func QuotaBurst(clients, tokens, cost float64) float64 {
	if !nonNegative(clients, tokens) || !positive(cost) {
		return outside
	}
	return clients * math.Floor(tokens/cost)
}

// ActiveBudgetAmplification is the mean number of attempts per original when the
// retries at one time are limited to a share of the requests at one time, retries
// included, but not to fewer than a number, as in Envoy. A share of 0 leaves the
// number alone, which is Envoy's max_retries. Retries are taken to last as long as
// first attempts.
//
//	Question: how many attempts does an Envoy retry budget let through?
//	Formula:  min(alpha, 1 + max(b/(1-b), m / (lambda L))), alpha = Amplification(n, p)
//	Domain:   attempts >= 1; 0 <= failing <= 1; share 0 <= b <= 1; number m >= 0; first attempts at one time lambda L >= 0
//	Source:   Envoy, circuit_breaker.proto
func ActiveBudgetAmplification(attempts int, failing, share, minActive, active float64) float64 {
	alpha := Amplification(attempts, failing)
	switch {
	case math.IsNaN(alpha) || !isShare(share) || !nonNegative(minActive, active):
		return outside
	case share == 1 || active == 0 && minActive > 0:
		return alpha
	}
	limit := share / (1 - share)
	if active > 0 {
		limit = max(limit, minActive/active)
	}
	return min(alpha, 1+limit)
}
