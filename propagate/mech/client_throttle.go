package mech

// Adaptive is the client-side throttle of Site Reliability Engineering (2016),
// ch. 21: of the requests of the last window, K times what was accepted may be
// sent; the rest is refused in the client. The window forgets exponentially, with
// the same mean age as one of that length cut off sharply.
//
// # Equation
//
// With R requests and A accepts in the window, a request is sent with probability
// 1 - max(0, (R - K·A)/(R + 1)): in overload the target sees K times what it accepts.
// A token bucket sends min(demand, tokens + rate·time).
//
// # When it is wrong
//
// All processes share one window. Right after a jump the forgetting window is quicker
// than a sharp one of the same length, by some seconds for one of two minutes.
type Adaptive struct {
	K, Window         float64
	requests, accepts float64
	rate              float64 // of accepts per second, in the step before
	got               float64 // accepts in this step
}

// Admit is the share of a demand that is sent in a step of h seconds after one of
// length before. Within a step requests and accepts come evenly.
func (a *Adaptive) Admit(demand, h, before float64) float64 {
	if before > 0 {
		keep := Exp(-2 * before / a.Window)
		a.accepts = float64(a.accepts*keep) + float64(a.got*(1-keep)*a.Window/(2*before))
		a.rate = a.got / before
	} else {
		a.rate = demand / h // it starts open
	}
	a.got = 0
	keep := Exp(-2 * h / a.Window)
	a.requests = float64(a.requests*keep) + float64(demand*(1-keep)*a.Window/(2*h))
	// What is accepted in this step counts too, as far as it is known.
	accepts := float64(a.accepts*keep) + float64(a.rate*(1-keep)*a.Window/2)
	return 1 - max(0, (a.requests-float64(a.K*accepts))/(a.requests+1))
}

// Accepted takes what the target did not refuse.
func (a *Adaptive) Accepted(n float64) { a.got += n }
