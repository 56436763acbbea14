package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
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
	w.windows = append(mech.Emptied(kept, o.windows), o.windows...)
}

// quiet prepares what the states need of the catalog.
func (en *engine) quiet() { en.frozenBy, en.freshNeeds, en.queuedNeeds = silentNeeds(en.m.Plan) }

// queuedNeed is a service that is handed work, which may wait there for so many
// seconds before those who handed it over feel that: they are late, or, where the work
// is to start, scale or change them, frozen.
type queuedNeed struct {
	target  int32
	within  float64
	freezes bool
}

// feel adds to a sight what waits too long elsewhere.
func (g *Sight) feel(q queuedNeed, target *watch) {
	if target.age <= q.within {
		return
	}
	g.Frozen = g.Frozen || q.freezes
	g.Late = g.Late || !q.freezes
}

// silentNeeds are, of every service, the services without which it cannot start, scale
// or change, those of which it has to know what is recent, and those that it hands work
// to of which it says how long that may wait.
func silentNeeds(p *plan.Plan) (frozenBy [][]int32, fresh [][]freshNeed, queued [][]queuedNeed) {
	n := len(p.Services)
	index := make(map[string]int32, n)
	for v := range p.Services {
		index[p.Services[v].ID] = int32(v)
	}
	frozenBy, fresh, queued = make([][]int32, n), make([][]freshNeed, n), make([][]queuedNeed, n)
	for v := range p.Services {
		d := p.Services[v].Decl
		for j := range d.Needs {
			need := &d.Needs[j]
			changes := need.To == catalog.ToStart || need.To == catalog.ToScale || need.To == catalog.ToChange
			if need.Mode == catalog.Async && need.Within.IsStated() && !need.IsGroup() && need.To != catalog.ToRepair {
				queued[v] = append(queued[v], queuedNeed{index[need.Targets[0]], need.Within.V.Seconds(), changes})
			}
			switch {
			case need.IsGroup():
			case changes:
				frozenBy[v] = append(frozenBy[v], index[need.Targets[0]])
			case need.Fresh:
				fresh[v] = append(fresh[v], freshNeedOf(need, index[need.Targets[0]]))
			}
		}
	}
	return frozenBy, fresh, queued
}

// note adds a step to the observation of a service.
func (en *engine) note(s *server) {
	w := &s.watch
	if s.fleet != nil {
		en.noteFleet(s, s.bin.Busy-w.seen.Busy)
	}
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

// Sight is what one observation of a service shows.
type Sight struct {
	// Counted since the observation before, in requests, as in ServiceBin.
	Offered, Good, Failed, Throttled float64

	Queue   float64 // waiting, at its end
	Age     float64 // seconds; of what waits longest
	Slow    float64 // times its service time
	Down    bool    // it refuses everything
	Dark    bool    // it answers nothing
	Corrupt bool    // its answers are wrong
	Struck  bool    // by any fault or deed
	Without bool    // it goes on without a need that it ought to have
	Frozen  bool    // what it needs to start, scale or change is lost
	Stale   bool    // what it has to know of others is too old
	Late    bool    // what it handed over has waited too long elsewhere
	Exposed bool    // an automatic action that protects it is switched off

	// Alike is how many observations it stands for, where a step was longer than one:
	// that is as much patience. 0 is one.
	Alike int

	// Asked: holders of leases wait for an answer of it.
	Asked bool

	// Chance is by how many standard deviations a share of failures may be above what
	// it is without being noticed: 0 where means are counted and not requests.
	Chance float64
}

// sight is what the observation that ends with this step shows.
func (en *engine) sight(s *server) Sight {
	w := &s.watch
	g := Sight{
		Offered: w.offered, Good: w.good, Failed: w.bad, Throttled: w.throttled,
		Slow: s.slow, Down: s.down, Dark: s.blackout >= 1, Corrupt: s.corrupt, Struck: s.struck(),
		Alike:   int((en.t+en.h-w.since)/en.observe + 1e-9),
		Asked:   en.asked(s),
		Exposed: s.exposed || s.fleet != nil && s.fleet.disabled,
	}
	mass, at := en.queued(s)
	g.Queue = mass
	if !math.IsInf(at, 1) {
		g.Age = max(0, en.t+en.h-at)
	}
	for k := range s.Stages {
		for _, i := range s.Stages[k].Calls {
			e := &en.m.calls[i]
			if e.soft() && e.Loss != catalog.Fallback && e.answered() < 0.9 && (en.via(e).rateCalls > 1e-3*e.Nominal || e.recall.Barred > 0.1) {
				g.Without = true
			}
		}
	}
	v := en.rec.index[s.ID]
	for _, f := range en.freshNeeds[v] {
		g.Stale = g.Stale || en.m.servers[f.target].watch.late(f.within)
	}
	for _, u := range en.frozenBy[v] {
		g.Frozen = g.Frozen || en.m.servers[u].watch.still()
	}
	for _, q := range en.queuedNeeds[v] {
		g.feel(q, &en.m.servers[q.target].watch)
	}
	return g
}

// late reports whether what a service knows is older than that, or not to be had.
func (w *watch) late(within float64) bool { return w.state == Down || w.age > within }

// still reports whether nothing can be started, scaled or changed through a service.
func (w *watch) still() bool { return w.state == Down || w.state == Frozen }

// judge ends an observation.
func (en *engine) judge(s *server) {
	w := &s.watch
	w.judge(&s.Service, en.sight(s), en.t+en.h-w.since)
	en.observed(s)
	w.offered, w.good, w.bad, w.throttled = 0, 0, 0, 0
}

// judge ends an observation of a service that lasted so many seconds.
func (w *watch) judge(s *plan.Service, g Sight, length float64) {
	raw, age := w.shown(s, g, length), g.Age
	begin := w.since
	// Getting better with the cause gone is recovering, not failing.
	share := 0.0
	if settled := g.Good + g.Failed; settled > mech.Tiny {
		share = g.Failed / settled
	}
	younger, fewer := age < w.age, share < 0.8*w.share
	if g.Chance > 0 { // both move by themselves: only what is more than that says something
		less := float64(0.8 * w.share)
		younger = younger && w.age > max(1, 20*s.Time*g.Slow)
		fewer = g.Failed < float64(less*(g.Good+g.Failed))-float64(g.Chance*math.Sqrt(float64(less*(1-less))*(g.Good+g.Failed)))
	}
	if raw > Recovering && raw < Down && raw != Exposed && raw != Frozen && raw != Throttled && !g.Struck {
		switch {
		case w.state == Recovering: // it stays that until it is clearly worse again
			if share <= max(1.5*w.low, degradedShare) || younger {
				raw = Recovering
			}
		case w.state >= Degraded && (younger || fewer):
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
		w.better += max(1, g.Alike)
		if w.better >= patience {
			w.change(raw, w.turn)
			w.better = 0
		}
	}
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

// shown is the state that an observation of so many seconds shows.
func (w *watch) shown(s *plan.Service, g Sight, length float64) State {
	settled := g.Good + g.Failed
	if settled < float64(1e-3*s.Nominal)*length { // too few to tell
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
	down, degraded = g.noticed(down, settled), g.noticed(degraded, settled)
	switch {
	case settled > mech.Tiny && g.Failed >= down:
		state = Down
		if g.Throttled > 0.5*g.Failed && !g.Down {
			state = Throttled
		}
	case settled > mech.Tiny && g.Failed >= degraded:
		state = Degraded
		if g.Throttled > 0.5*g.Failed {
			state = Throttled
		}
	case g.Down || g.Dark:
		state = Down
	case settled <= mech.Tiny && (g.Offered > mech.Tiny || g.Asked):
		// Nobody was answered and nobody gave up yet.
		state = w.raw
		if g.Queue > mech.Tiny && g.Age > max(10*s.Time, 1) {
			state = max(state, Delayed)
		}
	case g.Age > max(1, 20*s.Time*g.Slow) && g.Queue > 0.01*s.Nominal:
		state = Delayed
	}
	if state < Delayed && g.Late {
		state = Delayed
	}
	if state < Degraded {
		if g.Corrupt && !g.Down || g.Without || g.Stale {
			state = Degraded
		}
		if state < Exposed && g.Exposed {
			state = Exposed
		}
		if state < Frozen && g.Frozen {
			state = Frozen
		}
	}
	return state
}

// noticed is the number of failures from which a share of those settled is taken to
// have failed: all of them always are.
func (g *Sight) noticed(share, settled float64) float64 {
	if g.Chance <= 0 {
		return share * settled
	}
	return min(settled, float64(share*settled)+float64(g.Chance*math.Sqrt(float64(share*(1-share))*settled)))
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
