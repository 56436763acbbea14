package closedform

import "math"

// MMCK is a service with Poisson arrivals, exponential service times and a bounded
// queue; who finds it full is refused. The K of the name is Servers + Waiting.
type MMCK struct {
	Arrivals float64 // 1/s
	Service  float64 // mean, in seconds
	Servers  int
	Waiting  int // places to wait; 0 makes it Erlang's loss system
}

func (q MMCK) valid() bool {
	return nonNegative(q.Arrivals) && positive(q.Service) && q.Servers >= 1 && q.Waiting >= 0 &&
		float64(q.Servers) <= most && float64(q.Waiting) <= most
}

// solve gives the probabilities that all servers are busy and that there is no
// place left, and the logarithm of the load of one server.
//
// With all servers busy the number that wait is a truncated geometric distribution,
// whose sums are closed. Above saturation everything is measured from the full
// queue, where the mass is, so that no power overflows.
func (q MMCK) solve() (busy, full, logRho float64) {
	c, offered := float64(q.Servers), float64(q.Arrivals*q.Service)
	places := float64(q.Waiting)
	if offered == 0 {
		return 0, 0, math.Inf(-1)
	}
	b := ErlangB(q.Servers, offered)
	logRho = log1p((offered - c) / c)
	tail := -math.Abs(logRho) // logarithm of the ratio from the heavy end to the light one
	light := exp(places * tail)
	sum := places + 1 // of light^(0..places)
	if tail < 0 {
		sum = expm1((places+1)*tail) / expm1(tail)
	}
	if logRho <= 0 {
		norm := 1 - b + float64(b*sum)
		return b * sum / norm, b * light / norm, logRho
	}
	norm := float64(light*(1-b)) + float64(b*sum)
	return b * sum / norm, b / norm, logRho
}

// Loss is the share of arrivals that find no place and are refused.
//
//	Question: what share of requests does a full queue refuse?
//	Formula:  p_K = p_c rho^W, p_c from ErlangB(c, a), rho = a/c, W = places to wait
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12, 0 <= waiting <= 1e12
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMCK) Loss() float64 {
	if !q.valid() {
		return outside
	}
	_, full, _ := q.solve()
	return full
}

// Throughput is the rate at which requests are served, in 1/s.
//
//	Question: how much is served when a full queue refuses the rest?
//	Formula:  lambda (1 - Loss)
//	Domain:   that of Loss
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMCK) Throughput() float64 {
	if !q.valid() {
		return outside
	}
	busy, full, _ := q.solve()
	capacity := float64(q.Servers) / q.Service
	// In deep overload the difference has no digits left, but all are busy then.
	return min(capacity, max(busy*capacity, q.Arrivals*(1-full)))
}

// MeanQueue is the mean number of requests that wait.
//
//	Question: how full is a bounded queue on average?
//	Formula:  sum over j = 1..W of j p_(c+j)
//	Domain:   that of Loss
//	Source:   Gross, Shortle, Thompson, Harris 2008, ch. 2
func (q MMCK) MeanQueue() float64 {
	if !q.valid() {
		return outside
	}
	busy, _, logRho := q.solve()
	return float64(busy * truncatedGeometricMean(logRho, float64(q.Waiting)))
}

// MeanInSystem is the mean number of requests that wait or are served.
//
//	Question: how many requests are there on average when the queue is bounded?
//	Formula:  MeanQueue + Throughput s
//	Domain:   that of Loss
//	Source:   Little 1961
func (q MMCK) MeanInSystem() float64 { return q.MeanQueue() + float64(q.Throughput()*q.Service) }

// MeanWait is the mean wait of requests that were admitted, in seconds; NaN when
// none arrive.
//
//	Question: how long do admitted requests wait when the queue is bounded?
//	Formula:  MeanQueue / Throughput
//	Domain:   that of Loss, arrivals > 0
//	Source:   Little 1961
func (q MMCK) MeanWait() float64 { return q.MeanQueue() / q.Throughput() }

// truncatedGeometricMean is the mean of j in 0..n weighted by e^(xj).
func truncatedGeometricMean(x, n float64) float64 {
	if math.IsInf(x, -1) || n == 0 {
		return 0
	}
	m := n + 1
	if y := float64(m * x); math.Abs(y) < 0.1 {
		// 1/(e^y - 1) = 1/y - 1/2 + y/12 - y^3/720 + y^5/30240 - …: the poles cancel.
		s, y2 := 1/m, float64(y*y)
		s2 := float64(s * s)
		s4 := float64(s2 * s2)
		series := (1-s2)/12 - y2*(1-s4)/720 + float64(y2*y2)*(1-float64(s4*s2))/30240
		return float64(n/2) + float64(m*y*series)
	}
	return 1/expm1(-x) - m/expm1(-m*x)
}
