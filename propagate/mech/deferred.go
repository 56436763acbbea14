package mech

// ReleaseShare is the share of requests that must be answered well again before what
// was deferred until the recovery comes.
const ReleaseShare = 0.9

// Deferred is demand that comes back: people who try again later, jobs that are run
// again, those who stand before the door until it opens. Of the requests from outside
// that failed for good, by an error, a refusal, or no answer within the patience of their
// callers, a share comes again; the others are lost. Retries are something else: they are
// of one call, within seconds.
//
// # Equation
//
// They come after: evenly between the least and the greatest delay from the failure. Or
// until = "recovery": they are kept until nine tenths of the requests that were settled
// were answered well in three observations in a row, and then come evenly over the time
// of over. What comes again is offered as a new request beside the load, and when it
// fails the same share of it comes again: share^k after k failures. What was withheld is
// what came and what still waits (conservation, checked in every bin).
//
// So an outage of D seconds at the load λ brings share λ D back; within over that is
// λ (1 + share D/over), and where it is more than the service can do its recovery topples
// it again (the thundering herd of an outage).
//
// # When it is wrong
//
// Who was refused may go elsewhere, or give up after some times. Who waits for the
// recovery does not know of it: they look, which is load too, and is not played. The
// state of the service is judged by all its requests, not only by those from outside.
type Deferred struct {
	Share         float64
	UntilRecovery bool

	line Line    // on the way
	kept float64 // until the recovery
	well int     // observations in a row
	put  float64 // withheld since the beginning
	came float64
}

// NewDeferred is one with nothing withheld, of which each comes between low and
// low+spread seconds after the failure, or after the recovery.
func NewDeferred(share float64, untilRecovery bool, low, spread float64) Deferred {
	return Deferred{Share: share, UntilRecovery: untilRecovery, line: Line{Low: low, Spread: spread}}
}

// Fail withholds the share of what failed evenly in [from, to).
func (d *Deferred) Fail(from, to, failed float64) {
	m := float64(failed * d.Share)
	d.put += m
	if d.UntilRecovery {
		d.kept += m
		return
	}
	d.line.Put(from, to, m)
}

// Observe says how an observation in [from, to) ended: so much was answered well, and so
// much failed. After a few good ones what was kept is let go.
func (d *Deferred) Observe(from, to, good, failed float64) {
	switch {
	case good+failed <= Tiny:
		return
	case good < ReleaseShare*(good+failed):
		d.well = 0
		return
	}
	if d.well++; d.well < 3 || d.kept <= 0 {
		return
	}
	if d.line.Spread <= 0 { // at once: in the next step
		from = to
	}
	d.line.Put(from, to, d.kept)
	d.kept = 0
}

// Take is what comes again by a time.
func (d *Deferred) Take(until float64) float64 {
	m := d.line.Take(until)
	d.came += m
	return m
}

// Waiting is what is withheld and has not come again.
func (d *Deferred) Waiting() float64 { return d.kept + d.line.Mass() }

// Balance is what was withheld less what came and what waits, as a share.
func (d *Deferred) Balance() float64 { return (d.put - d.came - d.Waiting()) / max(1, d.put) }

// Next is when, after a time and before another, the rate of what comes changes by more
// than a slack; and a long step is no longer than what comes in it takes to come.
func (d *Deferred) Next(after, otherwise, rate, slack float64) float64 {
	if d.line.Mass() <= Tiny {
		return otherwise
	}
	if d.UntilRecovery {
		return otherwise
	}
	otherwise = min(otherwise, after+max(d.line.Low, d.line.Spread/16))
	return d.line.Next(after, otherwise, rate, slack)
}

// Copy makes d a copy of o, in d's memory.
func (d *Deferred) Copy(o *Deferred) {
	line := d.line
	*d = *o
	d.line = line
	d.line.Copy(&o.line)
}
