package mech

import "math"

// Sight is how an observer comes to see something: late, and not while blind. So a
// fault that takes the monitoring along hides itself, and what began and ended
// meanwhile is never seen.
//
// # Equation
//
// A count begins when it is so and the observer sees, s = max(so since, sees since), and
// ends when one of both does. At s + for it counts, whatever comes after; it is seen at
// s + for + lag, unless the observer is blind at any time before: then a new count begins
// when it sees again. From there all is addition: the decision is made decide later; an
// attempt begins when the tools are there, and lasts takes; each that fails is followed
// by another after again. With n attempts that fail and tools that are there,
//
//	effect = s + for + lag + decide + n (takes + again) + takes.
//
// States count from where the watch of a service lets their window begin, numbers from
// the observation that shows them, levels from where a straight line passes the bound.
//
// # When it is wrong
//
// People do not look all the time, take longer at night and in the second hour, and hear
// of much from their customers: all times are given and none is drawn. A tool counts
// when an attempt begins, not while it lasts. In the first moments, three times the
// longest healthy answer, nothing is under a bound. What is known late is dated right,
// but acted on when it is known: up to an observation, or a base step where that is
// longer, after it began, and three observations after something is well again.
type Sight struct {
	For, Lag float64 // seconds

	counts, sent bool
	since        float64 // when the count began
}

// instant is the length of time, in seconds, below which two moments are one.
const instant = 1e-9

// Look is what the observer knows at a time: whether it is so and since when, and
// whether the observer sees and since when. It returns when that was seen first, and
// whether it was.
func (s *Sight) Look(now float64, so bool, since float64, sees bool, clear float64) (at float64, seen bool) {
	switch {
	case !sees:
		s.counts, s.sent = false, false
		return math.NaN(), false
	case s.sent:
	case !so:
		s.counts = false
		return math.NaN(), false
	default:
		s.counts, s.since = true, max(since, clear)
	}
	if now < s.since+s.For-instant {
		return math.NaN(), false
	}
	s.sent = true
	at = s.since + s.For + s.Lag
	return at, now >= at-instant
}

// Next is when Look has to be asked again where nothing turns before; +Inf where only
// a turn can change anything.
func (s *Sight) Next() float64 {
	switch {
	case s.sent:
		return s.since + s.For + s.Lag
	case s.counts:
		return s.since + s.For
	}
	return math.Inf(1)
}

// Relaxing is a throttle that is let go evenly: it admits Low per second at the time
// At and High per second Over seconds later, and is then gone. What is admitted up to a
// time is a parabola, so that a backlog of retries or of launches comes back little by
// little rather than at once.
type Relaxing struct {
	At, Over  float64 // seconds
	Low, High float64 // per second
}

// Rate is what is admitted per second, in the mean of h seconds from a time on: exact
// while the step does not cross either end.
func (r *Relaxing) Rate(t, h float64) float64 {
	part := (t + float64(0.5*h) - r.At) / r.Over
	return r.Low + float64((r.High-r.Low)*max(0, min(1, part)))
}

// Gone is whether the throttle is gone at a time.
func (r *Relaxing) Gone(t float64) bool { return t >= r.At+r.Over-instant }
