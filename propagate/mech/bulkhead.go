package mech

// Pool lets requests into a limited number of places: threads, or the calls of a
// bulkhead. Who leaves within a step makes room within the step, and that is not
// known yet: it is expected from the steps before.
//
// # Equation
//
// Little's law: where at most N are inside and each stays for W, N/W pass in a second
// (J. D. C. Little, 1961). What finds no place fails at once and is not sent.
//
// # When it is wrong
//
// Below its limit it stops nobody, where chance would now and then fill it. It has no
// waiting room: max_wait is read and not played.
type Pool struct {
	answered float64 // that left per second in the last step
	leaving  float64 // the same, mean of some steps
	inside   float64 // mean of some steps
}

// memory is how much of a mean of some steps the last one is.
const memory = 0.2

// Idle reports whether nothing was inside yet.
func (p *Pool) Idle() bool { return p.inside <= 0 && p.leaving <= 0 }

// Note takes the end of a step: so many are inside, and so many left per second
// besides those of which it was known.
func (p *Pool) Note(inside, answered float64) {
	if p.Idle() {
		p.inside, p.leaving = inside, answered
	}
	p.answered = answered
	p.inside += float64(memory * (inside - p.inside))
	p.leaving += float64(memory * (answered - p.leaving))
}

// Room is how many can be let in during h seconds where at most limit may be inside:
// inside are there now, and known of them are known to leave.
//
// Where they stay for less than a step, limit of them pass in every stay (Little's
// law). Where they stay for longer, those who leave are followed: as many as in the
// last step, but not more than the mean of some, for pulses do not repeat.
func (p *Pool) Room(limit, inside, known, h float64) float64 {
	if limit <= 0 {
		return known
	}
	if p.leaving > 0 {
		if stay := p.inside / p.leaving; stay < h {
			excess := max(0, inside-limit) / limit
			return known + float64(limit*h/max(stay, 1e-9)*max(0, 1-excess))
		}
	}
	return max(0, known+float64(min(p.answered, p.leaving)*h)+limit-inside)
}

// Places is how many more can be let in during h seconds where at most limit may be
// inside, inside are there now and leaving of them leave within the step.
func Places(limit, inside, leaving, h float64) float64 {
	if leaving > inside {
		return float64(leaving*limit) / max(inside, 1e-12)
	}
	return max(0, leaving+limit-inside)
}
