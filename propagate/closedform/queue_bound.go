package closedform

import "math"

// Timely is the share of requests whose service, begun now, ends within the time
// that is left to them, for exponential service times.
//
//	Question: what share of requests still makes it when so much time is left?
//	Formula:  F_S(g) = 1 - e^(-g/s); 0 for g <= 0
//	Domain:   service > 0 in seconds; any time left
//	Source:   exponential distribution
func Timely(service, left float64) float64 {
	switch {
	case !positive(service) || math.IsNaN(left):
		return outside
	case left <= 0:
		return 0
	}
	return -expm1(-left / service)
}

// QueueBound is the largest bound of a FIFO queue, in requests, that keeps goodput
// up in overload: who is admitted last has one mean service time left.
//
//	Question: how long may a queue be?
//	Formula:  mu (T - s), at least 0
//	Domain:   capacity >= 0 in 1/s, timeout >= 0 and service >= 0 in seconds
//	Source:   FIFO wait K/mu; Maurer 2015
func QueueBound(capacity, timeout, service float64) float64 {
	if !nonNegative(capacity, timeout, service) {
		return outside
	}
	return capacity * max(0, timeout-service)
}

// BoundedQueueGoodput is the rate in 1/s of timely responses of a FIFO service in
// lasting overload whose queue has a bound: all that are served have waited K/mu.
//
//	Question: how much goodput does a bounded queue leave in overload?
//	Formula:  mu F_S(T - K/mu)
//	Domain:   capacity > 0 in 1/s, bound >= 0, timeout >= 0, service > 0
//	Source:   Newell 1982, ch. 2
func BoundedQueueGoodput(capacity, bound, timeout, service float64) float64 {
	if !positive(capacity) || !nonNegative(bound, timeout) {
		return outside
	}
	return capacity * Timely(service, timeout-bound/capacity)
}

// DeadlineMarginGoodput is the rate in 1/s of timely responses in lasting overload
// when requests are dropped at the head of the queue unless a margin is left of
// their time. Without a margin the head answers late and the goodput is nothing;
// two service times are a good choice.
//
//	Question: how much goodput does dropping expired requests leave in overload?
//	Formula:  mu F_S(g)
//	Domain:   capacity >= 0 in 1/s, margin g >= 0 and service > 0 in seconds; the time-out exceeds the margin
//	Source:   Whitt 2006 (deterministic patience)
func DeadlineMarginGoodput(capacity, margin, service float64) float64 {
	if !nonNegative(capacity, margin) {
		return outside
	}
	return capacity * Timely(service, margin)
}

// LIFOGoodput is the rate in 1/s of timely responses when the newest request is
// served first, without retries: below capacity all, in overload those whose service
// is short enough.
//
//	Question: how much goodput does serving the newest first leave in overload?
//	Formula:  min(lambda, mu) F_S(T)
//	Domain:   load >= 0 and capacity >= 0 in 1/s, timeout >= 0, service > 0
//	Source:   Maurer 2015
func LIFOGoodput(load, capacity, timeout, service float64) float64 {
	if !nonNegative(load, capacity, timeout) {
		return outside
	}
	return min(load, capacity) * Timely(service, timeout)
}

// GraceBeforeLate is the time in seconds from the beginning of an overload, with an
// empty queue, until requests arrive that will wait longer than their time-out.
//
//	Question: how long does an unbounded FIFO queue hide an overload?
//	Formula:  T / (lambda/mu - 1); +Inf for lambda <= mu
//	Domain:   load >= 0, capacity > 0 in 1/s, timeout >= 0
//	Source:   Newell 1982, ch. 2
func GraceBeforeLate(load, capacity, timeout float64) float64 {
	switch {
	case !nonNegative(load, timeout) || !positive(capacity):
		return outside
	case load <= capacity:
		return math.Inf(1)
	}
	return timeout / ((load - capacity) / capacity)
}

// CostlyRejectionGoodput is the rate in 1/s that is served when a rejection costs a
// share of what serving costs.
//
//	Question: how much is served when refusing costs work too?
//	Formula:  lambda for lambda <= mu, else (mu - eps lambda) / (1 - eps), at least 0
//	Domain:   load >= 0 and capacity >= 0 in 1/s, 0 <= cost eps <= 1
//	Source:   work balance g + eps (lambda - g) = mu
func CostlyRejectionGoodput(load, capacity, cost float64) float64 {
	switch {
	case !nonNegative(load, capacity) || !isShare(cost):
		return outside
	case load <= capacity:
		return load
	}
	left := capacity - float64(cost*load)
	if left <= 0 {
		return 0
	}
	return min(capacity, left/(1-cost))
}

// CostlyRejectionCollapse is the load in 1/s at which all capacity goes into
// rejections.
//
//	Question: at which load is a service busy with refusing only?
//	Formula:  mu / eps; +Inf for eps = 0
//	Domain:   capacity > 0 in 1/s, 0 <= cost eps <= 1
//	Source:   work balance, as CostlyRejectionGoodput
func CostlyRejectionCollapse(capacity, cost float64) float64 {
	switch {
	case !positive(capacity) || !isShare(cost):
		return outside
	case cost == 0: // of either sign
		return math.Inf(1)
	}
	return capacity / cost
}
