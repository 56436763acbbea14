package closedform

import "math"

// VisitUtilisation is how busy a service is that every request of the system calls a
// number of times, directly or not; above 1 it is overloaded.
//
//	Question: how busy does a load at the top make a service below?
//	Formula:  lambda V / mu, V = sum over paths of the product of calls per request
//	Domain:   load >= 0 in 1/s, visits V >= 0, capacity > 0 in 1/s
//	Source:   forced flow law, Denning and Buzen 1978
func VisitUtilisation(load, visits, capacity float64) float64 {
	if !nonNegative(load, visits) || !positive(capacity) {
		return outside
	}
	return load * visits / capacity
}

// SustainableLoad is the largest load in 1/s at the top that no service below is too
// small for. Visits and capacities are of the services in the same order.
//
//	Question: how much load can the system carry, and which service is the bottleneck?
//	Formula:  min over services of mu / V
//	Domain:   as many visits as capacities, all >= 0; +Inf without visits
//	Source:   bottleneck analysis, Denning and Buzen 1978
func SustainableLoad(visits, capacities []float64) float64 {
	if len(visits) != len(capacities) || !nonNegative(visits...) || !nonNegative(capacities...) {
		return outside
	}
	most := math.Inf(1)
	for i, v := range visits {
		if v > 0 {
			most = min(most, capacities[i]/v)
		}
	}
	return most
}
