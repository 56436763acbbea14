package mech

import "math"

// Servers are the places in which requests are served, c at once, for a mean time
// s each, exponentially distributed.
type Servers struct {
	Count float64 // may be +Inf
	Time  float64 // seconds, > 0
}

// Serve plays h seconds: x requests are in service and queue ones wait at the
// beginning, arrivals more come in evenly. It returns how many start, and how many
// are in service at the end. It is the exact solution of dx/dt = starts - x/s with
// starts limited by the free places: Newell's fluid queue in front, an M/M/c at
// fluid scale behind, whichever of its phases (filling, full, draining, relaxing)
// the step goes through.
func (v Servers) Serve(x, queue, arrivals, h float64) (started, inService float64) {
	a := arrivals / h
	if math.IsInf(v.Count, 1) {
		target := float64(a * v.Time)
		// The queue starts at once and decays as what is in service does.
		return queue + arrivals, target + float64((x+queue-target)*Exp(-h/v.Time))
	}
	left := h
	if x > v.Count { // capacity was cut: nothing starts until x has fallen
		wait := math.Inf(1)
		if v.Count > 0 {
			wait = v.Time * Log(x/v.Count)
		}
		if wait >= left {
			return 0, x * Exp(-left/v.Time)
		}
		queue += float64(a * wait)
		left -= wait
		x = v.Count
	}
	if v.Count <= 0 {
		return 0, x * Exp(-left/v.Time)
	}
	rate := v.Count / v.Time
	fill := min(queue, v.Count-x)
	started, x, queue = fill, x+fill, queue-fill
	if queue > 0 {
		empty := math.Inf(1)
		if rate > a {
			empty = queue / (rate - a)
		}
		if empty >= left {
			return started + float64(rate*left), v.Count
		}
		started += float64(rate * empty)
		left -= empty
		x = v.Count
	}
	target := float64(a * v.Time)
	full := math.Inf(1)
	if target > v.Count {
		full = v.Time * Log((target-x)/(target-v.Count))
	}
	if full >= left {
		return started + float64(a*left), target + float64((x-target)*Exp(-left/v.Time))
	}
	return started + float64(a*full) + float64(rate*(left-full)), v.Count
}

// Room is how many could start in h seconds were there enough of them.
func (v Servers) Room(x, h float64) float64 {
	if math.IsInf(v.Count, 1) {
		return v.Count
	}
	s, _ := v.Serve(x, math.MaxFloat64/4, 0, h)
	return s
}

// Timely is the share of requests that are served within what is left of their
// callers' time-outs when their waits go evenly from w0 to w1 seconds, and the mean
// time in service of those that are. The service time is exponential of mean s.
//
// The share is the mean of F(T-w) = 1 - exp(-(T-w)/s) over the waits below T.
func Timely(timeout, w0, w1, s float64) (share, after float64) {
	if math.IsInf(timeout, 1) {
		return 1, s
	}
	if w0 > w1 {
		w0, w1 = w1, w0
	}
	if w0 >= timeout {
		return 0, 0
	}
	upper := min(w1, timeout)
	span := w1 - w0
	y0, y1 := timeout-w0, timeout-upper // what is left: y0 >= y1 >= 0
	if span < float64(1e-6*timeout) {
		y := 0.5 * (y0 + y1)
		return 1 - Exp(-y/s), conditional(y, s)
	}
	// integral of 1-exp(-y/s) over y in [y1, y0]
	share = ((y0 - y1) - float64(s*(Exp(-y1/s)-Exp(-y0/s)))) / span
	return max(0, min(1, share)), conditional(0.5*(y0+y1), s)
}

// conditional is E[S | S <= y] for exponential S of mean s.
func conditional(y, s float64) float64 {
	z := y / s
	switch {
	case z > 40:
		return s
	case z < 1e-4:
		return y / 2
	}
	e := Exp(-z)
	return s - float64(y*e)/(1-e)
}
