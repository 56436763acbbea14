// Package replay holds a run of an incident against what was recorded of it.
//
// [Impacts] turns a run into windows in which services were impaired, as the rules of
// the score define them, and [Judge] scores such windows against a record: it looks at
// nothing else, so that anybody can compute a score again from the windows alone.
// [Baselines] are windows that anybody could have had without a model, for comparison.
// docs/replay.md has the rules in words.
package replay

import (
	"cmp"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// The rules by which demand that fails becomes a window.
const (
	DownShare   = 0.9 // of its demand fails: it is down
	LeastWindow = 2.0 // minutes; what is shorter is no window
	MergeGap    = 10. // minutes; windows in one state that are closer are one
)

// Thresholds are the shares of demand that fail from which a service is impaired. A
// score is computed at all of them, and the worst counts.
var Thresholds = [...]float64{0.02, 0.05, 0.10}

// Shown is the one of Thresholds that windows are shown at.
const Shown = 0.05

// Impact is a window in which a service was impaired in one way. Times are minutes
// after the start of the scenario.
type Impact struct {
	Service  string
	State    propagate.State // Frozen, Throttled, Delayed, Degraded or Down
	From, To float64
	Open     bool // not over when the run ended
}

// Impacts are the windows of all services at a threshold, by service and time. Several
// services that a record takes together are one, under its name, as large as their
// demand together; each of the others is there by itself. The bins of the run must be
// a minute or less, see Resolution.
func Impacts(c *catalog.Catalog, res *propagate.Result, rec *scenario.Record, threshold float64) []Impact {
	index := make(map[string]int, len(res.Services))
	for i := range res.Services {
		index[res.Services[i].ID] = i
	}
	type unit struct {
		name    string
		members []*propagate.ServiceResult
		limit   float64 // seconds; 0: as the engine sees it
	}
	var units []unit
	grouped := make(map[string]bool)
	if rec != nil {
		for i := range rec.Windows {
			w := &rec.Windows[i]
			at := slices.IndexFunc(units, func(u unit) bool { return u.name == w.Service })
			if at < 0 {
				u := unit{name: w.Service}
				for _, id := range w.Of {
					if v, ok := index[id]; ok {
						u.members = append(u.members, &res.Services[v])
					}
				}
				at = len(units)
				units = append(units, u)
				grouped[w.Service] = true
			}
			if w.Limit > 0 {
				units[at].limit = w.Limit.Seconds()
			}
		}
	}
	for i := range res.Services {
		if s := &res.Services[i]; !grouped[s.ID] {
			units = append(units, unit{name: s.ID, members: []*propagate.ServiceResult{s}})
		}
	}
	slices.SortFunc(units, func(a, b unit) int { return cmp.Compare(a.name, b.name) })
	var all []Impact
	for _, u := range units {
		if u.limit == 0 {
			u.limit = statedLimit(c, u.members)
		}
		d := demand{members: u.members, limit: u.limit}
		all = append(all, windows(u.name, res.Times, d.states(res.Times, threshold))...)
	}
	return all
}

// statedLimit is the age of work from which a service counts as delayed, in seconds: the
// least that a service which needs it recent, or hands work to it, puts up with; 0 where
// nobody says.
func statedLimit(c *catalog.Catalog, members []*propagate.ServiceResult) float64 {
	least := math.Inf(1)
	for i := range c.Services {
		for j := range c.Services[i].Needs {
			n := &c.Services[i].Needs[j]
			if !n.Within.IsStated() {
				continue
			}
			for _, s := range members {
				if slices.Contains(n.Targets, s.ID) {
					least = min(least, n.Within.V.Seconds())
				}
			}
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

// demand is what is asked of one or several services.
type demand struct {
	members []*propagate.ServiceResult
	limit   float64 // seconds of age, from which it is delayed; 0: as the engine sees it
}

// states are the states of every bin; Healthy where it is none that a record knows.
func (d *demand) states(times []float64, threshold float64) []propagate.State {
	if len(d.members) == 0 {
		return nil
	}
	bins := len(d.members[0].Bins)
	states := make([]propagate.State, bins)
	// Of the last bin in which anything was settled: where callers neither hear nor give
	// up, it is as it was.
	failing := propagate.Healthy
	for i := range bins {
		length := times[i+1] - times[i]
		var good, failed, throttled, offered, nominal float64
		down, stopped, delayed, frozen := true, true, false, false
		for _, s := range d.members {
			b := &s.Bins[i]
			good += b.Good
			failed += b.Failed
			throttled += b.Throttled
			offered += b.Offered
			nominal += s.Nominal
			down = down && b.State == propagate.Down
			stopped = stopped && b.Capacity <= 0
			frozen = frozen || b.State == propagate.Frozen
			if d.limit > 0 {
				delayed = delayed || b.Age > d.limit
			} else {
				delayed = delayed || b.State == propagate.Delayed
			}
		}
		// Too little to tell a share from: as in the states of the engine.
		settled := good + failed
		switch told := settled > float64(1e-3*nominal)*length && settled > 0; {
		case told && failed >= float64(threshold*settled):
			failing = propagate.Degraded
			if throttled > 0.5*failed {
				failing = propagate.Throttled
			} else if failed >= float64(DownShare*settled) {
				failing = propagate.Down
			}
		case told:
			failing = propagate.Healthy
		case stopped: // nobody is there to do it, also while work waits
			failing = propagate.Down
		case delayed: // it waits, and nobody gave up: that is no failure
			failing = propagate.Healthy
		case down:
			failing = propagate.Down
		case offered <= float64(1e-3*nominal)*length:
			failing = propagate.Healthy
		}
		switch states[i] = failing; {
		case failing != propagate.Healthy:
		case delayed:
			states[i] = propagate.Delayed
		case frozen:
			states[i] = propagate.Frozen
		}
	}
	return states
}

// windows are the spans of bins in one state. What is impaired for less than
// LeastWindow is well; within a longer impairment, a shorter part is of the state of the
// longer of its neighbours.
func windows(service string, times []float64, states []propagate.State) []Impact {
	var all []Impact
	for i := 0; i < len(states); {
		if states[i] == propagate.Healthy {
			i++
			continue
		}
		j := i
		var run []Impact
		for ; j < len(states) && states[j] != propagate.Healthy; j++ {
			from, to := times[j]/60, times[j+1]/60
			if n := len(run); n > 0 && run[n-1].State == states[j] {
				run[n-1].To = to
				continue
			}
			run = append(run, Impact{Service: service, State: states[j], From: from, To: to})
		}
		i = j
		if run[len(run)-1].To-run[0].From < LeastWindow-1e-9 {
			continue
		}
		run = settle(run)
		run[len(run)-1].Open = j == len(states)
		all = append(all, run...)
	}
	return all
}

// settle gives parts of an impairment that are shorter than LeastWindow to a neighbour,
// the shortest first.
func settle(run []Impact) []Impact {
	for len(run) > 1 {
		least := 0
		for i := range run {
			if run[i].To-run[i].From < run[least].To-run[least].From-1e-9 {
				least = i
			}
		}
		if run[least].To-run[least].From >= LeastWindow-1e-9 {
			break
		}
		into := least - 1
		if least == 0 || least+1 < len(run) && run[least+1].To-run[least+1].From > run[into].To-run[into].From {
			into = least + 1
		}
		run[into].From = min(run[into].From, run[least].From)
		run[into].To = max(run[into].To, run[least].To)
		run = slices.Delete(run, least, least+1)
		for i := 0; i+1 < len(run); { // neighbours that came to be in one state
			if run[i].State == run[i+1].State {
				run[i].To = run[i+1].To
				run = slices.Delete(run, i+1, i+2)
				continue
			}
			i++
		}
	}
	return run
}

// Merge joins windows of one service and state with less than MergeGap between them. The
// result is by service, beginning and end.
func Merge(all []Impact) []Impact {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Impact) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.State, b.State), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	merged := all[:0]
	for _, x := range all {
		if n := len(merged); n > 0 {
			if last := &merged[n-1]; last.Service == x.Service && last.State == x.State && x.From-last.To < MergeGap {
				if x.To > last.To {
					last.To, last.Open = x.To, x.Open
				}
				continue
			}
		}
		merged = append(merged, x)
	}
	slices.SortStableFunc(merged, func(a, b Impact) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return merged
}

// Resolution is the longest bin by which windows can be told to the minute.
const Resolution = 60 * 1e9

// Finer is a scenario whose series are fine enough for windows to be told.
func Finer(sc *scenario.Scenario) *scenario.Scenario {
	if sc.Resolution > 0 && sc.Resolution <= Resolution {
		return sc
	}
	fine := *sc
	fine.Resolution = min(Resolution, sc.Horizon)
	return &fine
}
