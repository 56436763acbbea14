package closedform

import "math"

// most is the number of servers up to which the sums below are kept short: they
// take some multiple of the square root of it.
const most = 1e12

// negligible is the share of a sum at which the rest of it is left out.
const negligible = 0x1p-60

// ErlangB is the share of arrivals that find all servers busy and are lost, when
// there is no place to wait. It depends on the mean service time only, whatever its
// distribution.
//
// It is computed as the reciprocal of a sum of positive terms, which is the
// recursion B(k) = aB(k-1)/(k + aB(k-1)) unrolled from the top and cut off where the
// rest does not matter: about the square root of servers many terms. Less than the
// smallest float is 0.
//
//	Question: what share of arrivals is refused without a place to wait?
//	Formula:  1/B = sum over k = 0..c of c(c-1)…(c-k+1) / a^k
//	Domain:   0 <= servers <= 1e12; offered, in Erlang (arrival rate times mean service time), >= 0
//	Source:   Erlang 1917; Jagerman 1974; Gross, Shortle, Thompson, Harris 2008, ch. 2
func ErlangB(servers int, offered float64) float64 {
	c := float64(servers)
	if !nonNegative(c, offered) || c > most {
		return outside
	}
	if offered == 0 && servers > 0 {
		return 0
	}
	sum, term := 1.0, 1.0
	for k := 0; k < servers; k++ {
		ratio := (c - float64(k)) / offered
		term = float64(term * ratio)
		sum += term
		if math.IsInf(sum, 1) || ratio < 1 && float64(term*ratio) <= float64(sum*(1-ratio))*negligible {
			break
		}
	}
	return 1 / sum
}

// ErlangC is the share of arrivals that must wait in M/M/c. When at least as much is
// offered as can be served, all do.
//
//	Question: how likely is it that a request must wait for a server?
//	Formula:  C = B / (1 - (a/c)(1-B)), B = ErlangB(c, a); 1 for a >= c
//	Domain:   1 <= servers <= 1e12; offered, in Erlang, >= 0
//	Source:   Erlang 1917; Gross, Shortle, Thompson, Harris 2008, ch. 2
func ErlangC(servers int, offered float64) float64 {
	c := float64(servers)
	switch {
	case servers < 1 || c > most || !nonNegative(offered):
		return outside
	case offered >= c:
		return 1
	}
	b := ErlangB(servers, offered)
	// (c-a)/c and not 1 - a/c: near saturation the difference is what matters.
	return b / ((c-offered)/c + float64(offered/c*b))
}

// MMC is a service with Poisson arrivals, exponential service times, one FIFO queue
// without a bound, and servers that are all alike. One server makes it M/M/1.
type MMC struct {
	Arrivals float64 // 1/s
	Service  float64 // mean, in seconds
	Servers  int
}

func (q MMC) valid() bool {
	return nonNegative(q.Arrivals) && positive(q.Service) && q.Servers >= 1 && float64(q.Servers) <= most
}

// offered is the load in Erlang.
func (q MMC) offered() float64 { return float64(q.Arrivals * q.Service) }

// rest is the capacity that is left over, in servers; negative when there is none.
func (q MMC) rest() float64 { return float64(q.Servers) - q.offered() }

// Utilisation is the share of the time that a server is busy.
//
//	Question: how busy are the servers?
//	Formula:  min(1, lambda s / c)
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 1
func (q MMC) Utilisation() float64 {
	if !q.valid() {
		return outside
	}
	return min(1, q.offered()/float64(q.Servers))
}

// WaitProbability is the share of requests that do not begin at once.
//
//	Question: how likely is it that a request must wait, at this arrival rate?
//	Formula:  C = ErlangC(c, lambda s)
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMC) WaitProbability() float64 {
	if !q.valid() {
		return outside
	}
	return ErlangC(q.Servers, q.offered())
}

// MeanWait is the mean time from arrival to the beginning of service, in seconds.
//
//	Question: how long do requests wait on average?
//	Formula:  C s / (c - a), a = lambda s; +Inf for a >= c
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMC) MeanWait() float64 {
	switch {
	case !q.valid():
		return outside
	case q.rest() <= 0:
		return math.Inf(1)
	}
	return q.WaitProbability() * q.Service / q.rest()
}

// MeanQueue is the mean number of requests that wait.
//
//	Question: how many requests wait on average?
//	Formula:  lambda W, W = MeanWait
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12
//	Source:   Little 1961
func (q MMC) MeanQueue() float64 { return q.Arrivals * q.MeanWait() }

// MeanResponse is the mean time from arrival to completion, in seconds.
//
//	Question: how long do requests take on average?
//	Formula:  W + s
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMC) MeanResponse() float64 { return q.MeanWait() + q.Service }

// MeanInSystem is the mean number of requests that wait or are served.
//
//	Question: how many requests are there on average?
//	Formula:  lambda (W + s)
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12
//	Source:   Little 1961
func (q MMC) MeanInSystem() float64 { return q.Arrivals * q.MeanResponse() }

// WaitTail is the share of requests that wait longer than t seconds.
//
//	Question: how likely is a wait of more than t?
//	Formula:  C e^(-(c-a)t/s); 1 for a >= c
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12, t >= 0
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMC) WaitTail(t float64) float64 {
	switch {
	case !q.valid() || !nonNegative(t):
		return outside
	case q.rest() <= 0:
		return 1
	}
	return q.WaitProbability() * exp(-q.rest()/q.Service*t)
}

// WaitQuantile is the time in seconds that a share of the requests does not wait
// longer than.
//
//	Question: what is a percentile of the wait, such as the 99th?
//	Formula:  max(0, s/(c-a) ln(C/(1-share))); +Inf for a >= c
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12, 0 <= share <= 1
//	Source:   inverse of WaitTail
func (q MMC) WaitQuantile(share float64) float64 {
	switch {
	case !q.valid() || !isShare(share):
		return outside
	case q.rest() <= 0:
		return math.Inf(1)
	}
	c := q.WaitProbability()
	if c <= 1-share {
		return 0
	}
	return q.Service / q.rest() * log(c/(1-share))
}

// ResponseTail is the share of requests that take longer than t seconds, waiting
// included: the probability that a response is too late for a time-out of t.
//
//	Question: how likely is it that a response is later than the time-out?
//	Formula:  (1-C) e^(-mu t) + C (theta e^(-mu t) - mu e^(-theta t)) / (theta - mu), mu = 1/s, theta = (c-a)/s; 1 for a >= c
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12, t >= 0
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMC) ResponseTail(t float64) float64 {
	switch {
	case !q.valid() || !nonNegative(t):
		return outside
	case q.rest() <= 0:
		return 1
	}
	mu, theta := 1/q.Service, q.rest()/q.Service
	// The formula rearranged, so that nothing cancels where theta is near mu:
	// e^(-mu t) + C mu (e^(-mu t) - e^(-theta t)) / (theta - mu).
	late := exp(-mu*t) + float64(q.WaitProbability()*float64(mu*differenceOfDecays(mu, theta, t)))
	return min(1, late)
}

// differenceOfDecays is (e^(-at) - e^(-bt)) / (b - a), also where a is near b.
func differenceOfDecays(a, b, t float64) float64 {
	if math.IsInf(t, 1) {
		return 0
	}
	slow, gap := min(a, b), math.Abs(a-b)
	if float64(gap*t) < 1e-300 {
		return t * exp(-slow*t)
	}
	return exp(-slow*t) * -expm1(-gap*t) / gap
}
