package mech

import "math"

// Return is how replicas come back after a fault that took them: not at once. It is of
// faults that leave less capacity, none, or nobody who answers.
//
// # Equation
//
// Replicas that a fault took begin to come back start seconds after it ended, and then rate
// of them a second, or all at once. A restart takes start seconds more. While none of
// them is back after a fault that refused or answered nothing, the service refuses; after
// one that only took the capacity what comes waits. With replicas that come back at a
// rate a queue that has waited for them is Q + λt - rate t²/2 times what one can do.
//
// # When it is wrong
//
// Replicas come back one after another, and here they are a straight line, which is
// half a replica ahead of the mean of those that are put back one by one. A fault that
// ends while others are on their way holds all of them up by its start. They are as fast
// as ever when they serve: caches and connections that are cold are not played.
type Return struct {
	Rate  float64 // replicas per second; +Inf: all at once
	Start float64 // seconds

	Lost  float64 // share, of the replicas that faults leave, that is not back
	From  float64 // when they begin to come back
	share float64 // of the replicas that faults leave
}

// NewReturn is one of which nothing is lost.
func NewReturn(rate, start float64) Return { return Return{Rate: rate, Start: start, share: 1} }

// Struck says at a time what share of the replicas the faults of the moment leave.
func (r *Return) Struck(t, share float64) {
	if share > r.share && (r.Start > 0 || !math.IsInf(r.Rate, 1)) {
		r.Lost = 1 - float64(r.share*(1-r.Lost))/share
		r.From = t + r.Start
	}
	r.share = share
}

// speed is the share that comes back in a second, once it does.
func (r *Return) speed(replicas float64) float64 {
	if n := replicas * r.share; n > 0 {
		return r.Rate / n
	}
	return 0
}

// Due lets come back what comes at once, and reports whether anything did.
func (r *Return) Due(t float64) bool {
	if r.Lost <= 0 || t < r.From-1e-9 {
		return false
	}
	if math.IsInf(r.Rate, 1) || r.Lost < 1e-9 {
		r.Lost = 0
		return true
	}
	return false
}

// Play is h seconds from a time on, of a service with so many replicas when faults leave
// all. It returns the mean share that is lost.
func (r *Return) Play(t, h, replicas float64) (mean float64) {
	if r.Lost <= 0 {
		return 0
	}
	from := min(max(r.From-t, 0), h)
	if from >= h || math.IsInf(r.Rate, 1) {
		return r.Lost
	}
	was, speed := r.Lost, r.speed(replicas)
	took := h - from // until all are back
	if speed > 0 {
		took = min(took, was/speed)
	}
	r.Lost = max(0, was-float64(speed*took))
	return (float64(was*from) + float64(0.5*(was+r.Lost)*took)) / h
}

// Next is when something about it changes.
func (r *Return) Next(t, replicas float64) float64 {
	switch {
	case r.Lost <= 0:
		return math.Inf(1)
	case t < r.From-1e-9:
		return r.From
	}
	if speed := r.speed(replicas); speed > 0 {
		return t + r.Lost/speed
	}
	return math.Inf(1)
}

// HandShare is the share of requests of which more must be answered well, or the
// service counts as failing for one that comes back by hand only.
const HandShare = 0.1

// Hand is a service that does not come back by itself: a poller whose loop has ended, a
// consumer without its connection, a quorum that has to be formed anew.
//
// # Equation
//
// By hand: the service fails while a fault has all of it (down, black-holed, no capacity), and while less
// than a tenth of its requests, of those that were settled in an observation and that no
// throttle refused, were answered well: so too when what it needs is lost, or when it is
// overloaded. When it has failed for after seconds without a break it waits for the hand:
// it is down, refuses what comes and loses what it has, except what a durable queue
// keeps, also when the cause is gone. A restart heals it; one in waves heals the share of
// each wave, which serves when its wave is over. A restart while the cause is still there
// is in vain.
//
// # When it is wrong
//
// Observations last a second, or a step where that is longer, and the moment is off by as
// much where the cause is no fault of its own. Those that began before all of a restart
// was back do not count.
type Hand struct {
	After float64 // seconds

	Waits float64 // share of it that waits for a restart
	Since float64 // seconds; when all of it began to wait
	fails float64 // when it began to fail; +Inf while it does not
}

// NewHand is one that does not wait.
func NewHand(after float64) Hand { return Hand{After: after, fails: math.Inf(1)} }

// Note says whether it fails, and since when. What waits fails no more.
func (m *Hand) Note(since float64, failing bool) {
	switch {
	case !failing || m.Waits > 0:
		m.fails = math.Inf(1)
	case math.IsInf(m.fails, 1):
		m.fails = since
	}
}

// Due makes it wait once it has failed for long enough, and reports whether it does so
// from now on.
func (m *Hand) Due(t float64) bool {
	if t < m.Next()-1e-9 {
		return false
	}
	m.Waits, m.Since, m.fails = 1, t, math.Inf(1)
	return true
}

// Next is when it will wait if nothing changes.
func (m *Hand) Next() float64 { return m.fails + m.After }

// Heal brings a share of it back, and returns how much of that had waited.
func (m *Hand) Heal(share float64) float64 {
	healed := min(share, m.Waits)
	if m.Waits -= healed; m.Waits < 1e-9 {
		m.Waits = 0
	}
	return healed
}
