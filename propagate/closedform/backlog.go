package closedform

import "math"

// Backlog is the number of requests that wait in a fluid queue some time after there
// were so many, while load and capacity are constant.
//
//	Question: how long is the queue after so much time of overload, or of drain?
//	Formula:  max(0, B + (lambda - mu) t)
//	Domain:   waiting B >= 0, load >= 0 and capacity >= 0 in 1/s, t >= 0 in seconds
//	Source:   Newell 1982, ch. 2
func Backlog(waiting, load, capacity, t float64) float64 {
	if !nonNegative(waiting, load, capacity, t) {
		return outside
	}
	return max(0, waiting+float64((load-capacity)*t))
}

// Drain is the time in seconds until a backlog is gone. While waits exceed the
// time-out of those who retry the load counts with all its attempts; with what
// remains after shedding as the load, it is the time to recover by shedding.
//
//	Question: how long does a backlog take to drain, and how long must load be shed?
//	Formula:  B / (mu - alpha lambda); +Inf when that is not positive, 0 without a backlog
//	Domain:   backlog B >= 0, load >= 0 and capacity >= 0 in 1/s, amplification alpha >= 1
//	Source:   Newell 1982, ch. 2; Bronson et al. 2021
func Drain(backlog, load, capacity, amplification float64) float64 {
	if !nonNegative(backlog, load, capacity) || !(amplification >= 1) {
		return outside
	}
	spare := capacity - float64(amplification*load)
	switch {
	case backlog == 0:
		return 0
	case spare <= 0:
		return math.Inf(1)
	}
	return backlog / spare
}

// FIFOWait is the time in seconds that a request waits which arrives behind a queue.
//
//	Question: how long does it take to get through a queue?
//	Formula:  Q / mu; 0 for an empty queue, else +Inf without capacity
//	Domain:   waiting Q >= 0, capacity >= 0 in 1/s and constant
//	Source:   Newell 1982, ch. 2
func FIFOWait(waiting, capacity float64) float64 {
	switch {
	case !nonNegative(waiting, capacity):
		return outside
	case waiting == 0:
		return 0
	case capacity == 0: // of either sign
		return math.Inf(1)
	}
	return waiting / capacity
}

// OutageWait is the time in seconds that a request waits which arrives in an outage
// of a FIFO service, or after it until its backlog is drained.
//
//	Question: how long does a request wait that arrives during or after an outage?
//	Formula:  max(0, D - (1 - lambda/mu) t)
//	Domain:   t >= 0 since the beginning, outage D >= 0, in seconds; load >= 0, capacity > 0, in 1/s
//	Source:   Newell 1982, ch. 2
func OutageWait(t, outage, load, capacity float64) float64 {
	if !nonNegative(t, outage, load) || !positive(capacity) {
		return outside
	}
	return max(0, outage-float64((capacity-load)/capacity*t))
}

// RetainedBacklog is the number of messages in an asynchronous queue at the end of an
// outage of its consumers, which expire at an age.
//
//	Question: how many messages wait when the consumers come back?
//	Formula:  lambda min(D, R)
//	Domain:   load >= 0 in 1/s, outage D >= 0, retention R >= 0 (or +Inf), in seconds
//	Source:   fluid balance
func RetainedBacklog(load, outage, retention float64) float64 {
	if !nonNegative(load, outage, retention) {
		return outside
	}
	return load * min(outage, retention)
}

// ExpiredMessages is the number of messages that expire in an asynchronous queue in
// an outage of its consumers.
//
//	Question: how many messages does an outage of the consumers lose?
//	Formula:  lambda max(0, D - R)
//	Domain:   that of RetainedBacklog
//	Source:   fluid balance
func ExpiredMessages(load, outage, retention float64) float64 {
	if !nonNegative(load, outage, retention) {
		return outside
	}
	if outage <= retention {
		return 0
	}
	return load * (outage - retention)
}

// OldestAge is the age in seconds of the oldest message some time after the consumers
// of an asynchronous queue came back, while its backlog drains.
//
//	Question: how old is the oldest message while a backlog drains?
//	Formula:  max(0, A - (mu/lambda - 1) t)
//	Domain:   age A >= 0 at the return and t >= 0 since then, in seconds; load > 0 and capacity >= 0 in 1/s
//	Source:   Newell 1982, ch. 2
func OldestAge(t, age, load, capacity float64) float64 {
	if !nonNegative(t, age, capacity) || !positive(load) {
		return outside
	}
	return max(0, age-float64((capacity-load)/load*t))
}

// Deliveries is the number of times a message is handed out when it becomes visible
// again before its processing ends.
//
//	Question: how often is work repeated when the visibility time-out is too short?
//	Formula:  ceil(processing / visibility), at least 1
//	Domain:   processing >= 0 and visibility > 0, in seconds
//	Source:   Amazon SQS, visibility timeout
func Deliveries(processing, visibility float64) float64 {
	if !nonNegative(processing) || !positive(visibility) {
		return outside
	}
	return max(1, math.Ceil(processing/visibility))
}

// ScaleOutBacklog is the number of requests that wait when new capacity arrives.
//
//	Question: how much piles up until autoscaling helps?
//	Formula:  max(0, lambda - mu) L
//	Domain:   load >= 0 and capacity >= 0 in 1/s, delay L >= 0 in seconds
//	Source:   Newell 1982, ch. 2
func ScaleOutBacklog(load, capacity, delay float64) float64 {
	if !nonNegative(load, capacity, delay) {
		return outside
	}
	return max(0, load-capacity) * delay
}

// ScaleOutRecovery is the time in seconds from the beginning of an overload until the
// backlog that grew before new capacity came is gone.
//
//	Question: how long does an overload last that autoscaling ends?
//	Formula:  L + (lambda - mu) L / (mu' - lambda)
//	Domain:   that of ScaleOutBacklog; grown capacity mu' >= 0 in 1/s
//	Source:   Newell 1982, ch. 2
func ScaleOutRecovery(load, capacity, delay, grown float64) float64 {
	backlog := ScaleOutBacklog(load, capacity, delay)
	switch {
	case !nonNegative(backlog, grown):
		return outside
	case backlog == 0:
		return 0
	}
	return delay + Drain(backlog, load, grown, 1)
}
