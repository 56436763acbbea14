package closedform

import "math"

// BucketAdmitted is the number of requests that a token bucket, full at the
// beginning, has admitted after some time.
//
//	Question: how much does a rate limit let through?
//	Formula:  min(lambda t, burst + rate t)
//	Domain:   rate >= 0 and offered >= 0 in 1/s, burst >= 0, t >= 0 in seconds
//	Source:   token bucket, RFC 2697
func BucketAdmitted(rate, burst, offered, t float64) float64 {
	if !nonNegative(rate, burst, offered, t) {
		return outside
	}
	return min(offered*t, burst+float64(rate*t))
}

// BucketLasts is the time in seconds until a token bucket, full at the beginning,
// refuses.
//
//	Question: how long does the burst of a rate limit last?
//	Formula:  burst / (lambda - rate); +Inf for lambda <= rate
//	Domain:   rate >= 0 and offered >= 0 in 1/s, burst >= 0
//	Source:   token bucket, RFC 2697
func BucketLasts(rate, burst, offered float64) float64 {
	switch {
	case !nonNegative(rate, burst, offered):
		return outside
	case offered <= rate:
		return math.Inf(1)
	}
	return burst / (offered - rate)
}
