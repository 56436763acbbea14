package closedform

// Amplification is the mean number of attempts per original when each attempt fails
// with the same probability, independently of the others.
//
//	Question: how many attempts does one request come to?
//	Formula:  1 + p + … + p^(n-1) = (1-p^n) / (1-p); n for p = 1
//	Domain:   attempts n, the first included, >= 1; 0 <= failing <= 1
//	Source:   geometric series; Brooker 2022
func Amplification(attempts int, failing float64) float64 {
	if attempts < 1 || !isShare(failing) {
		return outside
	}
	return geometric(float64(attempts), failing)
}

// geometric is 1 + p + … + p^(n-1) for whole n >= 1: the sum itself where it is short,
// else its closed form.
func geometric(n, p float64) float64 {
	switch {
	case p == 1:
		return n
	case n <= 64:
		sum := 1.0
		for range int(n) - 1 {
			sum = 1 + float64(p*sum)
		}
		return sum
	case p == 0:
		return 1
	}
	return min(n, max(1, -expm1(n*log(p))/(1-p)))
}

// FinalFailure is the share of requests of which every attempt fails.
//
//	Question: what share of requests fails in spite of retries?
//	Formula:  p^n
//	Domain:   attempts n, the first included, >= 1; 0 <= failing <= 1
//	Source:   independence
func FinalFailure(attempts int, failing float64) float64 {
	if attempts < 1 || !isShare(failing) {
		return outside
	}
	return power(failing, float64(attempts))
}

// NestedAmplification is the mean number of attempts at the bottom of a chain per
// request at its top, when every layer retries at once and an attempt at the bottom
// fails with the same probability. The layers come to one loop of the product of
// their attempts; without layers it is 1.
//
// The 243 of the Builders' Library are five layers of 3 attempts, the 64 of the SRE
// book three layers of 4: one counts attempts, the other retries.
//
//	Question: how many calls reach the bottom when every layer retries?
//	Formula:  (1-p^N) / (1-p), N = product of the attempts of the layers; n^L when all fail alike
//	Domain:   each number of attempts >= 1; 0 <= failing <= 1
//	Source:   AWS Builders' Library, Timeouts, retries and backoff with jitter; Beyer et al. 2016, ch. 22
func NestedAmplification(failing float64, attempts ...int) float64 {
	n := nestedAttempts(attempts)
	if !isShare(failing) || !positive(n) {
		return outside
	}
	return geometric(n, failing)
}

// NestedFailure is the share of requests at the top of a chain that fail although
// every layer retries.
//
//	Question: what share of requests fails when every layer retries?
//	Formula:  p^N, N = product of the attempts of the layers
//	Domain:   each number of attempts >= 1; 0 <= failing <= 1
//	Source:   independence
func NestedFailure(failing float64, attempts ...int) float64 {
	n := nestedAttempts(attempts)
	if !isShare(failing) || !positive(n) {
		return outside
	}
	return power(failing, n)
}

// nestedAttempts is the product of attempts; NaN when one is less than 1.
func nestedAttempts(attempts []int) float64 {
	n := 1.0
	for _, a := range attempts {
		if a < 1 {
			return outside
		}
		n *= float64(a)
	}
	return n
}
