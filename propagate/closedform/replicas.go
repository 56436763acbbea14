package closedform

import "math"

// MaxUtilisation is how busy instances may be so that the rest can carry the load
// when some are lost.
//
//	Question: how busy may a fleet be that shall survive the loss of k?
//	Formula:  (n - k) / n
//	Domain:   instances n >= 1, 0 <= lost k <= n
//	Source:   even redistribution
func MaxUtilisation(instances, lost int) float64 {
	if instances < 1 || lost < 0 || lost > instances {
		return outside
	}
	return float64(instances-lost) / float64(instances)
}

// SurvivorLoad is the demand on the instances that are left, as a multiple of their
// capacity. Above 1 they fall behind too.
//
//	Question: can the instances that are left carry the load?
//	Formula:  lambda / ((n-k) mu_1); +Inf when none is left
//	Domain:   load >= 0 and capacity mu_1 of one > 0, in 1/s; instances n >= 1, 0 <= lost k <= n
//	Source:   even redistribution
func SurvivorLoad(load, capacity float64, instances, lost int) float64 {
	switch {
	case !nonNegative(load) || !positive(capacity) || instances < 1 || lost < 0 || lost > instances:
		return outside
	case load == 0:
		return 0
	case instances == lost:
		return math.Inf(1)
	}
	return load / float64(float64(instances-lost)*capacity)
}

// SurvivorGoodput is the rate in 1/s that instances which are left serve in time, in
// the long run, with a FIFO queue each, no retries and no cancellation: all of the
// load, or nothing once they fall behind.
//
//	Question: how much goodput is left when the dead are taken out of rotation?
//	Formula:  lambda for SurvivorLoad <= 1, else 0
//	Domain:   that of SurvivorLoad
//	Source:   Newell 1982, ch. 2 (a wait that grows passes every time-out)
func SurvivorGoodput(load, capacity float64, instances, lost int) float64 {
	switch demand := SurvivorLoad(load, capacity, instances, lost); {
	case math.IsNaN(demand):
		return outside
	case demand > 1:
		return 0
	}
	return load
}

// FailOpenGoodput is the rate in 1/s that instances which are left serve in time when
// the dead stay in rotation and get their share, which is lost.
//
//	Question: how much goodput is left when a fleet fails open?
//	Formula:  lambda (n-k) / n for lambda/n <= mu_1, else 0
//	Domain:   that of SurvivorLoad
//	Source:   even distribution
func FailOpenGoodput(load, capacity float64, instances, lost int) float64 {
	share := MaxUtilisation(instances, lost)
	if math.IsNaN(share) {
		return outside
	}
	return share * SurvivorGoodput(load, capacity, instances, 0)
}
