package propagate

import (
	"github.com/knockon/knockon/propagate/scenario"
)

// World is an engine outside of this package, as operators see it and act on it.
// Services are by index in the plan, times are seconds.
type World interface {
	Do(d *scenario.Deed, r *ActionResult)
	Unthrottle(service int32)                            // what operators throttle
	Gone(service int32) bool                             // a fault or a restart leaves nobody to answer
	Counted(service int32) ServiceBin                    // since the beginning; Busy and Capacity times seconds, Queue as it is
	Ages(service int32, t float64) (age, wait float64)   // see ServiceBin
	LeaseLevel(lease string, m scenario.Measure) float64 // at the present; not a number where there is none
	LeaseCount(lease string) float64                     // holders
}

// Operators play the actions of a scenario for an engine outside of this package: when
// something is seen, decided, tried and done is counted as in [Run].
type Operators struct {
	operators
	ledger *Ledger
	world  World
}

// Operators are those of the scenario of a run, in a world.
func (l *Ledger) Operators(w World) *Operators {
	o := &Operators{ledger: l, world: w}
	o.operators = newOperators(l.p, l.result.Scenario, o, l.observe)
	return o
}

// Next is the first time after t at which an action goes on by itself.
func (o *Operators) Next(t float64) float64 { return o.next(t) }

// Notice lets what is gone be gone at once. It is due when what strikes services changed.
func (o *Operators) Notice(t float64) { o.notice(t) }

// Look takes note of how everything is at the end of an observation. The ledger has to
// have looked before.
func (o *Operators) Look(from, t float64) { o.readSignals(from, t) }

// Operate lets operators do what is due, and reports whether anything changed.
func (o *Operators) Operate(t float64) bool { return o.operate(t) }

// Throttled notes how a throttle that was set at a time will end: at so many requests
// per second, by this deed.
func (o *Operators) Throttled(service int32, d *scenario.Deed, rate, t float64) {
	o.throttled(&o.ledger.p.Services[service], service, d, rate, t)
}

// Unthrottled forgets how a throttle was to end.
func (o *Operators) Unthrottled(service int32) { o.unthrottled(service) }

// Easing are the services whose throttle grows.
func (o *Operators) Easing() []int32 { return o.easing }

// Relaxed is the mean rate of a throttle that grows, in h seconds from t on.
func (o *Operators) Relaxed(service int32, t, h float64) float64 {
	return o.orders[service].relax.Rate(t, h)
}

// RelaxesOver is how long the throttle of a service takes to grow, in seconds.
func (o *Operators) RelaxesOver(service int32) float64 { return o.orders[service].relax.Over }

// The scene of an engine outside.

func (o *Operators) watched(v int32) *watch               { return &o.ledger.watches[v] }
func (o *Operators) isGone(v int32) bool                  { return o.world.Gone(v) }
func (o *Operators) counted(v int32) ServiceBin           { return o.world.Counted(v) }
func (o *Operators) do(d *scenario.Deed, r *ActionResult) { o.world.Do(d, r) }
func (o *Operators) unthrottle(v int32)                   { o.world.Unthrottle(v) }

func (o *Operators) agesAt(v int32, t float64) (age, wait float64) { return o.world.Ages(v, t) }

func (o *Operators) leaseLevel(id string, m scenario.Measure) float64 {
	if m == usualLevel {
		return o.world.LeaseCount(id)
	}
	return o.world.LeaseLevel(id, m)
}

func (o *Operators) nominal(v int32) float64 {
	return o.ledger.result.nominal(&o.ledger.result.Services[v])
}
