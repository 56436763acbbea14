package closedform

import "math"

// RetryingClient is a service of the kind M/M/c whose callers give up on an attempt
// after Timeout and send another at once, up to Attempts in all. What they gave up
// on is served all the same. Its stationary states are the solutions of
// p = P(response later than the time-out | lambda (1 + p + … + p^(n-1))), attempts
// being taken as a Poisson stream; the least is the healthy one.
//
// Chance can still carry a small service from the healthy state to the collapsed
// one, which this does not tell.
type RetryingClient struct {
	Service  MMC // its arrivals are originals, without retries
	Timeout  float64
	Attempts int // the first included
}

func (r RetryingClient) valid() bool {
	return r.Service.valid() && nonNegative(r.Timeout) && r.Attempts >= 1
}

// originals is the rate of originals that comes to a rate of attempts, and the
// share of the attempts that are late at that rate.
func (r RetryingClient) originals(attempts float64) (rate, late float64) {
	q := r.Service
	q.Arrivals = attempts
	late = q.ResponseTail(r.Timeout)
	return attempts / Amplification(r.Attempts, late), late
}

// fold gives the largest rate of originals with a healthy state, and the rate of
// attempts there.
func (r RetryingClient) fold() (originals, attempts float64) {
	capacity := float64(r.Service.Servers) / r.Service.Service
	if r.Attempts == 1 {
		return capacity, capacity
	}
	// The most originals are at one rate of attempts between none and capacity: a
	// scan finds about where, the golden section the rest.
	const scan = 64
	best, most := 0, 0.0
	for i := 1; i < scan; i++ {
		if rate, _ := r.originals(capacity * float64(i) / scan); rate > most {
			best, most = i, rate
		}
	}
	low, high := float64(capacity*float64(best-1)/scan), float64(capacity*float64(best+1)/scan)
	const golden = 0.6180339887498949
	left, right := high-float64(golden*(high-low)), low+float64(golden*(high-low))
	atLeft, _ := r.originals(left)
	atRight, _ := r.originals(right)
	for range 80 {
		if atLeft > atRight {
			high, right, atRight = right, left, atLeft
			left = high - float64(golden*(high-low))
			atLeft, _ = r.originals(left)
		} else {
			low, left, atLeft = left, right, atRight
			right = low + float64(golden*(high-low))
			atRight, _ = r.originals(right)
		}
	}
	return max(atLeft, atRight, capacity/float64(r.Attempts)), (low + high) / 2
}

// Lateness is the share of attempts that are late in the healthy state. Beyond the
// fold there is none, and every attempt is late.
//
//	Question: what share of attempts times out by chance, retries counted?
//	Formula:  least p = ResponseTail(T) at lambda (1 + p + … + p^(n-1)); 1 beyond the fold
//	Domain:   that of MMC, time-out >= 0, attempts >= 1
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2; fixed point as in Cohen 1957
func (r RetryingClient) Lateness() float64 {
	if !r.valid() {
		return outside
	}
	rate := r.Service.Arrivals
	fold, high := r.fold()
	if rate >= fold {
		return 1
	}
	low := rate // at least one attempt each
	high = max(low, high)
	for range 200 {
		middle := low + float64((high-low)/2)
		if middle == low || middle == high {
			break
		}
		if got, _ := r.originals(middle); got < rate {
			low = middle
		} else {
			high = middle
		}
	}
	_, late := r.originals(low)
	return late
}

// Amplification is the number of attempts per original in the healthy state; beyond
// the fold it is that of the collapsed one.
//
//	Question: how many attempts does an original come to in normal operation?
//	Formula:  1 + p + … + p^(n-1), p = Lateness
//	Domain:   that of Lateness
//	Source:   as Lateness
func (r RetryingClient) Amplification() float64 { return Amplification(r.Attempts, r.Lateness()) }

// Fold is the largest rate of originals, in 1/s, at which there is a healthy state.
//
//	Question: at which load do retries alone tip the service over?
//	Formula:  largest a / (1 + p(a) + … + p(a)^(n-1)) over attempts a below c/s
//	Domain:   that of Lateness; arrivals do not matter
//	Source:   as Lateness
func (r RetryingClient) Fold() float64 {
	if !r.valid() {
		return outside
	}
	originals, _ := r.fold()
	return originals
}

// CollapseFrom is the load in 1/s above which a service that has once fallen behind
// stays so: every attempt is late, all are made, and they are more than it can do.
// Between it and the capacity lies the vulnerable range, in which the same load can
// also be served well.
//
//	Question: from which load on can the failure outlast its cause?
//	Formula:  mu / alpha, alpha = attempts per original when all fail: n, 1 + b with a ratio budget, 1 with a token or quota budget
//	Domain:   capacity >= 0, amplification >= 1
//	Source:   Bronson et al. 2021; Alvaro et al. 2025
func CollapseFrom(capacity, amplification float64) float64 {
	if !nonNegative(capacity) || !(amplification >= 1) {
		return outside
	}
	return capacity / amplification
}

// Headroom is how many times the load could grow before a failure could outlast its
// cause. Below 1 the service is vulnerable; +Inf without load.
//
//	Question: can it be metastable, and how far is it from that?
//	Formula:  mu / (lambda alpha)
//	Domain:   load >= 0, capacity >= 0, amplification >= 1
//	Source:   Bronson et al. 2021
func Headroom(load, capacity, amplification float64) float64 {
	from := CollapseFrom(capacity, amplification)
	switch {
	case !nonNegative(load) || math.IsNaN(from):
		return outside
	case load == 0:
		return math.Inf(1)
	}
	return from / load
}

// CollapseTime is the mean time in seconds after which chance alone carries an empty
// service into the collapsed state; +Inf where there is none. The state is the
// number of requests in the service, a birth-death chain whose births grow with the
// share of arrivals that will be late. It lets their retries come at once rather
// than after the time-out, and so is too short: by a factor of about two where there
// are one or two servers.
//
//	Question: how long until a few servers and retrying callers collapse without a cause?
//	Formula:  mean passage time from 0 to N of births lambda (1 + p_n + … + p_n^(k-1)), deaths min(n, c)/s, p_n = P(Erlang(n-c+1, c/s) + Exp(1/s) > T), N the first with p_n almost 1
//	Domain:   that of Lateness; 0 for arrivals of the capacity or more, +Inf for c T/s > 1e4 or N > 1e5
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2; Alvaro et al. 2025
func (r RetryingClient) CollapseTime() float64 {
	q := r.Service
	if !r.valid() {
		return outside
	}
	capacity := float64(q.Servers) / q.Service
	if q.Arrivals >= capacity {
		return 0
	}
	if float64(q.Arrivals*float64(r.Attempts)) <= capacity || float64(capacity*r.Timeout) > 1e4 {
		return math.Inf(1)
	}
	passage, total := 0.0, 0.0 // from n to n+1, and from 0
	tail := r.overdue()
	for n := 0; ; n++ {
		late := tail(n)
		if late > 1-1e-6 {
			return total
		}
		birth := q.Arrivals * Amplification(r.Attempts, late)
		death := float64(min(n, q.Servers)) / q.Service
		passage = 1/birth + float64(death/birth*passage)
		total += passage
		if total > 1e15 || n > 1e5 { // thirty million years, or a very deep queue
			return math.Inf(1)
		}

	}
}

// overdue gives, for n = 0, 1, 2, … in this order, the probability that an arrival
// that finds n in the service is late.
func (r RetryingClient) overdue() func(n int) float64 {
	q := r.Service
	rate := float64(float64(q.Servers) / q.Service * r.Timeout) // departures within the time-out
	rest := rate - float64(r.Timeout/q.Service)
	own := exp(-r.Timeout / q.Service)
	term, sum := exp(-rate), 0.0 // Poisson(k; rate), and the sum below k
	k := 0
	return func(n int) float64 {
		if n < q.Servers {
			return own
		}
		for ; k < n-q.Servers+1; k++ {
			sum += term
			term *= rate / float64(k+1)
		}
		// Between the last departure before it and its own end: Poisson(k; rate)
		// times the sum over j of rest^j k!/(k+j)!.
		series, part := 0.0, 1.0
		for j := 1; part > 1e-17*series && j < 1e6; j++ {
			series += part
			part *= rest / float64(k+j)
		}
		return min(1, sum+float64(term*series))
	}
}
