package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
)

// The shares of failed requests at which a service counts as degraded and as down,
// and how long it must be better before it counts as better, in observations.
const (
	degradedShare = 0.01
	downShare     = 0.50
	patience      = 3
)

// watch judges the state of a service from what its callers see.
type watch struct {
	seen                          ServiceBin
	failed                        float64 // of the bin, when last looked at
	since                         float64 // when the observation began
	open                          bool    // an observation is under way
	offered, good, bad, throttled float64
	age                           float64 // of the queue, at the last observation
	share                         float64 // of what failed, at the last observation
	low                           float64 // least share since it began to recover
	state                         State
	raw                           State
	better                        int     // observations since it was as bad as its state
	turn                          float64 // when it began to be better
	from                          float64 // when the state began
	windows                       []Window
}

func (w *watch) copy(o *watch) {
	kept := w.windows
	*w = *o
	w.windows = append(kept[:0], o.windows...)
}

// quiet prepares what the states need of the catalog.
func (en *engine) quiet() {
	n := len(en.m.servers)
	index := make(map[string]int32, n)
	for v := range en.m.servers {
		index[en.m.servers[v].ID] = int32(v)
	}
	en.frozenBy, en.freshNeeds = make([][]int32, n), make([][]freshNeed, n)
	for v := range en.m.servers {
		d := en.m.servers[v].Decl
		for j := range d.Needs {
			need := &d.Needs[j]
			switch {
			case need.IsGroup():
			case need.To == catalog.ToStart, need.To == catalog.ToScale, need.To == catalog.ToChange:
				en.frozenBy[v] = append(en.frozenBy[v], index[need.Targets[0]])
			case need.Fresh:
				within := need.Within.Or(60e9).Seconds()
				en.freshNeeds[v] = append(en.freshNeeds[v], freshNeed{index[need.Targets[0]], within})
			}
		}
	}
}

// note adds a step to the observation of a service.
func (en *engine) note(s *server) {
	w := &s.watch
	failed := 0.0
	for _, i := range s.In {
		failed += en.m.calls[i].bin.Failed
	}
	w.offered += s.bin.Offered - w.seen.Offered
	w.good += s.bin.Good - w.seen.Good
	w.bad += failed - w.failed
	w.throttled += s.bin.Throttled - w.seen.Throttled
	w.seen, w.failed = s.bin, failed
	if !w.open {
		w.since, w.open = en.t, true
	}
	if en.t+en.h-w.since >= en.observe-1e-9 {
		en.judge(s)
		w.open = false
	}
}

// judge ends an observation.
func (en *engine) judge(s *server) {
	w := &s.watch
	raw, age := en.seen(s)
	begin := w.since
	// Getting better with the cause gone is recovering, not failing.
	share := 0.0
	if settled := w.good + w.bad; settled > mech.Tiny {
		share = w.bad / settled
	}
	if raw > Recovering && raw < Down && raw != Exposed && raw != Frozen && raw != Throttled && !s.struck() {
		switch {
		case w.state == Recovering: // it stays that until it is clearly worse again
			if share <= max(1.5*w.low, degradedShare) || age < w.age {
				raw = Recovering
			}
		case w.state >= Degraded && (age < w.age || share < 0.8*w.share):
			raw = Recovering
			w.low = share
		}
	}
	w.low = min(w.low, share)
	w.age, w.share = age, share
	w.raw = raw
	switch {
	case raw > w.state || raw == w.state:
		if raw > w.state {
			w.change(raw, begin)
		}
		w.better = 0
	default:
		if w.better == 0 {
			w.turn = begin
		}
		w.better++
		if w.better >= patience {
			w.change(raw, w.turn)
			w.better = 0
		}
	}
	w.offered, w.good, w.bad, w.throttled = 0, 0, 0, 0
}

// change ends the window of the old state and begins that of the new one.
func (w *watch) change(to State, at float64) {
	if w.state != Healthy && at > w.from {
		w.windows = append(w.windows, Window{From: w.from, To: at, State: w.state})
	}
	w.state, w.from = to, at
}

// struck reports whether a fault or a deed impairs a service now.
func (s *server) struck() bool {
	return s.down || s.blackout > 0 || s.slow > 1 || s.errors > 0 || s.capShare < 1 || s.corrupt
}

// seen is the state that an observation shows, and the age of what waits longest.
func (en *engine) seen(s *server) (State, float64) {
	w := &s.watch
	age := 0.0
	mass := 0.0
	for k := range s.lanes {
		q := &s.lanes[k].queue
		mass += q.Mass()
		if at, ok := q.Oldest(); ok {
			age = max(age, en.t+en.h-at)
		}
	}
	settled := w.good + w.bad
	if settled < float64(1e-3*s.Nominal)*en.observe { // too few to tell
		settled = 0
	}
	state := Healthy
	// What is bad counts as better only when it is clearly better.
	down, degraded := downShare, degradedShare
	if w.state == Down {
		down *= 0.8
	}
	if w.state >= Degraded {
		degraded *= 0.5
	}
	switch {
	case settled > mech.Tiny && w.bad >= down*settled:
		state = Down
		if w.throttled > 0.5*w.bad && !s.down {
			state = Throttled
		}
	case settled > mech.Tiny && w.bad >= degraded*settled:
		state = Degraded
		if w.throttled > 0.5*w.bad {
			state = Throttled
		}
	case s.down || s.blackout >= 1:
		state = Down
	case settled <= mech.Tiny && w.offered > mech.Tiny:
		// Nobody was answered and nobody gave up yet.
		state = w.raw
		if mass > mech.Tiny && age > max(10*s.Time, 1) {
			state = max(state, Delayed)
		}
	case age > max(1, 20*s.Time*s.slow) && mass > 0.01*s.Nominal:
		state = Delayed
	}
	if state < Degraded {
		if s.corrupt && !s.down {
			state = Degraded
		}
		for k := range s.Stages {
			for _, i := range s.Stages[k].Calls {
				e := &en.m.calls[i]
				if e.soft() && e.Loss != catalog.Fallback && e.q < 0.9 && e.rateCalls > 1e-3*e.Nominal {
					state = Degraded
				}
			}
		}
		v := en.rec.index[s.ID]
		for _, f := range en.freshNeeds[v] {
			o := &en.m.servers[f.target]
			if o.watch.state == Down || o.watch.age > f.within {
				state = Degraded
			}
		}
		if state < Frozen {
			for _, u := range en.frozenBy[v] {
				if en.m.servers[u].watch.state == Down || en.m.servers[u].watch.state == Frozen {
					state = Frozen
				}
			}
		}
	}
	return state, age
}

// close ends the windows of a service with the run.
func (w *watch) close(end float64) []Window {
	out := w.windows
	if w.state != Healthy && end > w.from {
		out = append(out, Window{From: w.from, To: end, State: w.state, Open: true})
	}
	// Windows that became empty by hysteresis are gone; neighbours in one state are
	// one.
	merged := out[:0]
	for _, x := range out {
		if n := len(merged); n > 0 && merged[n-1].State == x.State && math.Abs(merged[n-1].To-x.From) < 1e-9 {
			merged[n-1].To, merged[n-1].Open = x.To, x.Open
			continue
		}
		merged = append(merged, x)
	}
	return merged
}
