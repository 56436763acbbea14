package mech

// Adaptive is the client-side throttle of Site Reliability Engineering (2016),
// ch. 21: of the requests of the last window, K times what was accepted may be
// sent; the rest is refused in the client. The window forgets exponentially, with
// the same mean age as one of that length cut off sharply.
type Adaptive struct {
	K, Window         float64
	requests, accepts float64
}

// Admit is the share of a demand that is sent.
func (a *Adaptive) Admit(demand, h float64) float64 {
	keep := Exp(-2 * h / a.Window)
	a.requests = float64(a.requests*keep) + demand
	a.accepts *= keep
	return 1 - max(0, (a.requests-float64(a.K*a.accepts))/(a.requests+1))
}

// Accepted takes what the target did not refuse.
func (a *Adaptive) Accepted(n float64) { a.accepts += n }
