package closedform

import "math"

// MeanDetection is the mean time in seconds from the death of a target until a
// health check takes it out. The phase of the checks is uniform.
//
//	Question: how long until a dead instance is taken out, on average?
//	Formula:  (f - 1/2) I + t_o
//	Domain:   interval I >= 0 and timeout t_o >= 0 in seconds, failures in a row f >= 1
//	Source:   (f-1) I + U(0,I) + t_o
func MeanDetection(interval, timeout float64, failures int) float64 {
	if !nonNegative(interval, timeout) || failures < 1 {
		return outside
	}
	return float64((float64(failures)-0.5)*interval) + timeout
}

// MaxDetection is the longest time in seconds from the death of a target until a
// health check takes it out.
//
//	Question: how long until a dead instance is taken out, at worst?
//	Formula:  f I + t_o
//	Domain:   that of MeanDetection
//	Source:   (f-1) I + U(0,I) + t_o
func MaxDetection(interval, timeout float64, failures int) float64 {
	if !nonNegative(interval, timeout) || failures < 1 {
		return outside
	}
	return float64(float64(failures)*interval) + timeout
}

// ChecksToEject is the mean number of checks until so many in a row have failed, when
// each fails with the same probability: how long a live but slow instance stays in.
//
//	Question: how many checks until a slow instance is taken out by chance?
//	Formula:  (1 - q^f) / (q^f (1-q)); f for q = 1, +Inf for q = 0
//	Domain:   0 <= failing q <= 1, failures in a row f >= 1
//	Source:   Feller 1968, ch. XIII (success runs)
func ChecksToEject(failing float64, failures int) float64 {
	switch {
	case !isShare(failing) || failures < 1:
		return outside
	case failing == 0:
		return math.Inf(1)
	}
	return geometric(float64(failures), failing) / power(failing, float64(failures))
}

// EjectionRate is the rate in 1/s at which instances that fail a share of their
// checks are taken out, each.
//
//	Question: how fast do deep health checks take out instances that are only slow?
//	Formula:  1 / (I ChecksToEject)
//	Domain:   that of ChecksToEject, interval I > 0 in seconds
//	Source:   renewal
func EjectionRate(failing float64, failures int, interval float64) float64 {
	if !positive(interval) {
		return outside
	}
	return 1 / (interval * ChecksToEject(failing, failures))
}
