package closedform

import "math"

// ErlangA is M/M/c whose waiting requests give up: Poisson arrivals, exponential
// service times and exponential patience that is counted from arrival. Who gives up
// uses no capacity, as with cancellation or a deadline that is checked before work
// begins. It is exact for small pools, where the fluid is not.
type ErlangA struct {
	Arrivals float64 // 1/s
	Service  float64 // mean, in seconds
	Servers  int
	Patience float64 // mean, in seconds; +Inf makes it Erlang C
}

func (q ErlangA) valid() bool {
	m := q.mmc()
	return m.valid() && positive(q.Patience) && (math.IsInf(q.Patience, 1) || float64(q.Arrivals*q.Patience) <= most)
}

func (q ErlangA) mmc() MMC { return MMC{Arrivals: q.Arrivals, Service: q.Service, Servers: q.Servers} }

// solve gives the probability that all servers are busy and the mean number that
// wait.
//
// With all servers busy the states are a birth-death chain with weights
// w(j) = w(j-1) y/(x+j), y = lambda patience, x = c patience/s. They are summed from
// the largest outwards, until the rest does not matter: no factorial, no overflow.
func (q ErlangA) solve() (busy, waiting float64) {
	m := q.mmc()
	if q.Arrivals == 0 {
		return 0, 0
	}
	if math.IsInf(q.Patience, 1) {
		return m.WaitProbability(), m.MeanQueue()
	}
	b := ErlangB(q.Servers, m.offered())
	y := float64(q.Arrivals * q.Patience)
	x := float64(float64(q.Servers) / q.Service * q.Patience)
	mode := math.Floor(max(0, y-x))
	mass, moment := 1.0, 0.0 // of the weights; the moment is about the mode
	for w, j := 1.0, mode+1; ; j++ {
		ratio := y / (x + j)
		w = float64(w * ratio)
		mass += w
		moment += float64(w * (j - mode))
		if w <= negligible && float64(w*ratio)*(j-mode) <= float64((1-ratio)*(1-ratio))*negligible {
			break
		}
	}
	first := 1.0 // the weight of j = 0, beside which fewer requests than servers weigh 1/B - 1
	for j := mode; j > 0; j-- {
		first = float64(first * ((x + j) / y))
		mass += first
		moment -= float64(first * (mode - j + 1))
		if first < 1e-40 {
			first = 0
			break
		}
	}
	norm := float64(first*(1-b)) + float64(b*mass)
	return b * mass / norm, b * (float64(mode*mass) + moment) / norm
}

// Abandonment is the share of requests that give up.
//
//	Question: what share of requests gives up before its turn?
//	Formula:  MeanQueue / (lambda patience), by the exact birth-death chain
//	Domain:   arrivals >= 0, service > 0, 1 <= servers <= 1e12, patience > 0; arrivals times patience <= 1e12 or patience +Inf
//	Source:   Palm 1957; Garnett, Mandelbaum, Reiman 2002
func (q ErlangA) Abandonment() float64 {
	switch {
	case !q.valid():
		return outside
	case q.Arrivals == 0 || math.IsInf(q.Patience, 1):
		return 0
	}
	_, waiting := q.solve()
	return waiting / (q.Arrivals * q.Patience)
}

// WaitProbability is the share of requests that find all servers busy.
//
//	Question: how likely is a wait when the impatient leave?
//	Formula:  P(at least c present), by the exact birth-death chain
//	Domain:   that of Abandonment
//	Source:   Palm 1957; Garnett, Mandelbaum, Reiman 2002
func (q ErlangA) WaitProbability() float64 {
	if !q.valid() {
		return outside
	}
	busy, _ := q.solve()
	return busy
}

// MeanQueue is the mean number of requests that wait.
//
//	Question: how long is the queue when the impatient leave?
//	Formula:  sum over j of j p_(c+j), p_(c+j) = p_(c+j-1) lambda / (c/s + j/patience)
//	Domain:   that of Abandonment
//	Source:   Palm 1957; Garnett, Mandelbaum, Reiman 2002
func (q ErlangA) MeanQueue() float64 {
	if !q.valid() {
		return outside
	}
	_, waiting := q.solve()
	return waiting
}

// Utilisation is the share of the time that a server is busy.
//
//	Question: how busy are the servers when the impatient leave?
//	Formula:  lambda s (1 - Abandonment) / c, at most 1
//	Domain:   that of Abandonment
//	Source:   Garnett, Mandelbaum, Reiman 2002
func (q ErlangA) Utilisation() float64 {
	if !q.valid() {
		return outside
	}
	busy, waiting := q.solve()
	carried := q.mmc().offered()
	if waiting > 0 && !math.IsInf(q.Patience, 1) {
		carried -= float64(q.Service / q.Patience * waiting)
	}
	// In deep overload the difference has no digits left, but all are busy then.
	return min(1, max(busy, carried/float64(q.Servers)))
}

// FluidAbandonment is the share of requests that give up in the fluid limit: many
// servers, and a load away from capacity.
//
//	Question: what share gives up in a large overloaded pool?
//	Formula:  max(0, 1 - c / (lambda s))
//	Domain:   that of Abandonment
//	Source:   Mandelbaum, Massey, Reiman 1998; Whitt 2006
func (q ErlangA) FluidAbandonment() float64 {
	if !q.valid() {
		return outside
	}
	return max(0, 1-float64(q.Servers)/q.mmc().offered())
}

// FluidQueue is the number of requests that wait in the fluid limit.
//
//	Question: how long is the queue of a large overloaded pool that people leave?
//	Formula:  max(0, (lambda - c/s) patience)
//	Domain:   that of Abandonment
//	Source:   Mandelbaum, Massey, Reiman 1998; Whitt 2006
func (q ErlangA) FluidQueue() float64 {
	if !q.valid() {
		return outside
	}
	over := q.Arrivals - float64(q.Servers)/q.Service
	if over <= 0 {
		return 0
	}
	return over * q.Patience
}
