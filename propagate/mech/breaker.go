package mech

import (
	"math"

	"github.com/knockon/knockon/catalog/policy"
)

// BreakerState is what a breaker does with calls.
type BreakerState uint8

// The states of a breaker.
const (
	Closed BreakerState = iota
	HalfOpen
	Open
)

// Breaker is the breakers of all client processes of one need. They are taken to
// work in step, as one breaker with all their results; real ones smear out a
// little, see docs/validation.md.
//
// # Equation
//
// Closed: counts good and bad results of the window, the ring or the row, and opens
// when bad/(good+bad) reaches the threshold and enough were counted. Open: lets nothing
// through for a fixed time. Half-open: lets m calls a process through, waits for the
// last of them (the m-th harmonic number of their mean time), and closes or opens again
// by the same threshold (M. Nygard, Release It!, 2007).
//
// # When it is wrong
//
// One breaker stands for those of all processes: where a share of calls near the
// threshold fails, real ones open one after another, and here all do or none does. In a
// row means k failures at the mean rate: it never opens below k/(k+1) failing, and a
// real one has bad luck sooner or later.
type Breaker struct {
	State BreakerState
	Since float64 // when it came into its state
	Opens float64 // how often it opened

	threshold float64 // share of failures
	inARow    float64 // or so many failures in a row, in every client
	ring      float64 // results looked at, all clients together; 0: by time
	window    float64 // seconds looked at
	least     float64 // results below which it stays closed
	openFor   float64
	probes    float64 // all clients together
	heard     float64 // share of the probes whose results are waited for
	sent      float64 // probes let through
	results   float64 // of probes
	failures  float64 // of probes

	cells []breakerCell
	head  int
	total float64
	bad   float64
	row   float64 // mean run of failures of a client
	n     float64 // client processes
}

// nearly is how close to a threshold counts as there: masses are rounded.
const nearly = 1 - 1e-9

type breakerCell struct{ at, total, bad float64 }

// NewBreaker is the breaker of a policy for so many client processes, closed.
func NewBreaker(p *policy.Breaker, clients float64) *Breaker {
	b := &Breaker{
		threshold: float64(p.Errors.Or(0.5)),
		ring:      float64(p.Ring.Or(0)) * clients,
		inARow:    float64(p.InARow.Or(0)),
		window:    10,
		least:     float64(p.Calls.Or(0)) * clients,
		openFor:   30,
		probes:    float64(p.Probes.Or(1)) * clients,
		n:         clients,
	}
	// A client waits for the last of its m probes. With exponential answers that
	// takes the m-th harmonic number of their mean, when all but exp(-H) of them
	// are in.
	harmonic := 0.0
	for i := range p.Probes.Or(1) {
		harmonic += 1 / float64(i+1)
		if i > 1000 {
			break
		}
	}
	b.heard = 1 - Exp(-harmonic)
	if p.Window.IsStated() {
		b.window = p.Window.V.Seconds()
	} else if b.ring == 0 && p.Calls.IsStated() {
		b.ring = b.least // counted, not timed
	}
	if b.ring > 0 && b.least == 0 {
		b.least = b.ring
	}
	if p.OpenFor.IsStated() {
		b.openFor = p.OpenFor.V.Seconds()
	}
	return b
}

// Admit is the share of a demand that is let through in a step that begins at a
// time.
func (b *Breaker) Admit(now, demand float64) float64 {
	if b.State == Open && now >= b.Since+b.openFor-1e-9 {
		b.turn(HalfOpen, now)
	}
	switch b.State {
	case Open:
		return 0
	case HalfOpen:
		if demand <= 0 {
			return 1
		}
		share := max(0, min(1, (b.probes-b.sent)/demand))
		b.sent += float64(demand * share)
		return share
	}
	return 1
}

// Observe takes the results of attempts that were sent since the breaker came into
// its state.
func (b *Breaker) Observe(now, good, bad float64) {
	switch b.State {
	case Open:
		return
	case HalfOpen:
		b.results += good + bad
		b.failures += bad
		if b.results >= float64(b.heard*b.probes) {
			if b.failures >= float64(b.threshold*b.results)*nearly {
				b.open(now)
			} else {
				b.turn(Closed, now)
			}
		}
		return
	}
	if good+bad <= 0 {
		return
	}
	if b.inARow > 0 {
		// Failures come evenly among the clients; a success ends a run.
		b.row += bad / b.n
		if good > 0 {
			b.row *= Exp(-good / b.n)
		}
		if b.row >= b.inARow {
			b.open(now)
		}
		return
	}
	b.cells = append(b.cells, breakerCell{now, good + bad, bad})
	b.total += good + bad
	b.bad += bad
	for b.head < len(b.cells) {
		c := &b.cells[b.head]
		if b.ring > 0 {
			over := b.total - b.ring
			if over <= 0 {
				break
			}
			share := min(1, over/c.total)
			b.total -= float64(c.total * share)
			b.bad -= float64(c.bad * share)
			if share < 1 {
				c.total -= float64(c.total * share)
				c.bad -= float64(c.bad * share)
				break
			}
		} else {
			if c.at > now-b.window {
				break
			}
			b.total -= c.total
			b.bad -= c.bad
		}
		b.head++
	}
	if b.head >= 8 && 2*b.head >= len(b.cells) {
		b.cells = b.cells[:copy(b.cells, b.cells[b.head:])]
		b.head = 0
	}
	if b.total >= b.least-Tiny && b.bad >= float64(b.threshold*b.total)*nearly && b.bad > Tiny {
		b.open(now)
	}
}

func (b *Breaker) open(now float64) {
	b.Opens++
	b.turn(Open, now)
}

func (b *Breaker) turn(s BreakerState, now float64) {
	b.State, b.Since = s, now
	b.sent, b.results, b.failures = 0, 0, 0
	b.cells, b.head, b.total, b.bad, b.row = b.cells[:0], 0, 0, 0, 0
}

// Trips reports whether it is closed and may open within h seconds if good and bad
// results go on at these rates.
func (b *Breaker) Trips(good, bad, h float64) bool {
	if b.State != Closed || bad <= 0 {
		return false
	}
	if b.inARow > 0 {
		return true
	}
	return bad >= float64(b.threshold*(good+bad))*nearly && b.total+float64((good+bad)*h) >= float64(b.least*nearly)
}

// Next is when it changes by itself, +Inf if it does not.
func (b *Breaker) Next() float64 {
	if b.State == Open {
		return b.Since + b.openFor
	}
	return math.Inf(1)
}

// Copy makes b a copy of o, in b's memory, with as much room as o has.
func (b *Breaker) Copy(o *Breaker) {
	cells := append(Emptied(b.cells, o.cells), o.cells[o.head:]...)
	*b = *o
	b.cells, b.head = cells, 0
}
