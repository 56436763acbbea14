package propagate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// decide finds how the run and every service that was impaired ended.
func (r *Result) decide() {
	end, ended := r.triggerEnd()
	trigger := math.Inf(1)
	if ended {
		trigger = end.Seconds()
	}
	r.Verdict = Verdict{Word: "healthy", TriggerEnd: trigger}
	for i := range r.Services {
		s := &r.Services[i]
		// Who is merely exposed still works.
		impaired := slices.DeleteFunc(slices.Clone(s.Windows), func(w Window) bool { return w.State == Exposed })
		if len(impaired) == 0 {
			continue
		}
		r.Verdict.Services = append(r.Verdict.Services, r.ending(s, impaired, trigger))
	}
	slices.SortStableFunc(r.Verdict.Services, func(a, b ServiceVerdict) int {
		return cmp.Or(
			cmp.Compare(severity(b.Word), severity(a.Word)),
			cmp.Compare(b.Worst, a.Worst),
			cmp.Compare(math.Round(10*b.Attempts), math.Round(10*a.Attempts)),
			cmp.Compare(unit.Rough(b.Lost), unit.Rough(a.Lost)), // what people see as one is one
			cmp.Compare(a.From, b.From),
			cmp.Compare(a.ID, b.ID),
		)
	})
	if len(r.Verdict.Services) > 0 {
		r.Verdict.Word = r.Verdict.Services[0].Word
	}
}

// triggerEnd is when the last fault, or change of what is offered, was over in this
// run, and false when one lasts to the horizon.
func (r *Result) triggerEnd() (end unit.Duration, ok bool) {
	ends := r.Scenario.FaultEnds()
	for i, t := range r.FaultEnds {
		ends[i] = scenario.Lasting
		if !math.IsInf(t, 1) {
			ends[i] = unit.FromSeconds(t)
		}
	}
	return r.Scenario.TriggerEndOf(ends)
}

// faultEnd is when a fault of the scenario was over, in seconds.
func (r *Result) faultEnd(i int) float64 {
	if i < len(r.FaultEnds) {
		return r.FaultEnds[i]
	}
	f := &r.Scenario.Faults[i]
	return until(f.At.Seconds(), f.For.Seconds())
}

func severity(word string) int {
	return slices.Index([]string{"healthy", "recovered", "ongoing", "degraded", "metastable"}, word)
}

// ending is how one service ends. It is metastable when the trigger is gone, what it
// is offered would fit its capacity, and it fails all the same and gets no better.
func (r *Result) ending(s *ServiceResult, impaired []Window, trigger float64) ServiceVerdict {
	v := ServiceVerdict{ID: s.ID, From: impaired[0].From, Recovery: math.NaN()}
	for _, w := range impaired {
		v.Worst = max(v.Worst, w.State)
		v.To = w.To
	}
	for i := range s.Bins {
		v.Lost += s.Bins[i].Failed
	}
	last := impaired[len(impaired)-1]
	if !last.Open {
		v.Word = "recovered"
		if !math.IsInf(trigger, 1) {
			v.Recovery = max(0, v.To-trigger)
		}
		return v
	}
	if math.IsInf(trigger, 1) {
		v.Word = "ongoing"
		return v
	}
	if n := len(s.Hand); n > 0 && s.Hand[n-1].To >= r.end()-1e-9 && !r.Partial {
		v.Word = "metastable"
		v.Evidence = fmt.Sprintf("%s has waited for a restart since %s, and does not come back without one", s.ID, unit.FromSeconds(s.Hand[n-1].From))
		return v
	}
	if last.State == Recovering || last.State == Frozen {
		v.Word = "ongoing"
		return v
	}
	// The tail: the last third of the time since the trigger was gone.
	now := r.end()
	from := now - float64((now-trigger)/3)
	mid := float64(0.5 * (from + now))
	old, recent := r.tail(s, from, mid), r.tail(s, mid, now)
	if recent.offered > 0 {
		v.Attempts = recent.attempts / recent.offered
	}
	switch {
	case recent.time <= 0 || old.time <= 0:
		v.Word = "ongoing"
	case r.drains(s.ID, from, mid, now):
		v.Word = "ongoing"
	case recent.failed <= 0.9*old.failed && !r.withheld(s.ID, from, mid, now):
		v.Word = "ongoing"
	case last.State >= Degraded && !r.overloaded(s.ID, mid, now):
		v.Word = "metastable"
		v.Evidence = r.evidence(s, recent)
	default:
		v.Word = "degraded"
	}
	return v
}

// overloaded reports whether a service, or one that it needs and that fails it, is
// offered more than it could do when well: then its failure is no wonder.
func (r *Result) overloaded(id string, from, to float64) bool {
	return r.anyBehind(id, from, to, func(s *ServiceResult) bool {
		return r.tail(s, from, to).offered > 1.0001*s.Capacity
	})
}

// drains reports whether what waits, at a service or at one that it needs and that
// fails it, gets younger or less.
func (r *Result) drains(id string, from, mid, to float64) bool {
	return r.anyBehind(id, from, to, func(s *ServiceResult) bool {
		old, recent := r.tail(s, from, mid), r.tail(s, mid, to)
		if old.changes > 0 && recent.changes > 0 {
			return false // it flaps: what is less now will be more again
		}
		return old.age > 0.1 && recent.age < old.age-float64(0.005*(mid-from)) ||
			old.queue > 1 && recent.queue < float64(0.99*old.queue)
	})
}

// anyBehind reports whether something holds for a service or for one behind it: one
// that it needs and that fails it in a span, directly or not.
func (r *Result) anyBehind(id string, from, to float64, holds func(*ServiceResult) bool) bool {
	seen := map[string]bool{id: true}
	for todo := []string{id}; len(todo) > 0; todo = todo[1:] {
		s := r.service(todo[0])
		if holds(s) {
			return true
		}
		for i := range r.Needs {
			n := &r.Needs[i]
			if n.Service != s.ID || seen[n.Target] {
				continue
			}
			lost, calls := 0.0, 0.0
			for j := range n.Bins {
				if r.Times[j] >= from-1e-9 && r.Times[j+1] <= to+1e-9 {
					lost += n.Bins[j].Lost
					calls += n.Bins[j].Calls
				}
			}
			if lost > float64(0.01*calls) {
				seen[n.Target] = true
				todo = append(todo, n.Target)
			}
		}
	}
	return false
}

// tail is what a service did in a span, per second.
type tail struct {
	time, offered, attempts, good, failed, age, queue, busy float64
	changes                                                 float64 // of the rotation, not per second
}

func (r *Result) tail(s *ServiceResult, from, to float64) (t tail) {
	for i := range s.Bins {
		if r.Times[i] < from-1e-9 || r.Times[i+1] > to+1e-9 {
			continue
		}
		b, h := &s.Bins[i], r.Times[i+1]-r.Times[i]
		t.time += h
		t.offered += b.Offered
		t.attempts += b.Attempts
		t.good += b.Good
		t.failed += b.Failed
		t.age += float64(b.Age * h)
		t.queue += float64(b.Queue * h)
		t.busy += float64(b.Busy * h)
		t.changes += b.RotationChanges
	}
	if t.time > 0 {
		t.offered /= t.time
		t.attempts /= t.time
		t.good /= t.time
		t.failed /= t.time
		t.age /= t.time
		t.queue /= t.time
		t.busy /= t.time
	}
	return t
}

func (r *Result) evidence(s *ServiceResult, t tail) string {
	rate := func(x float64) string { return unit.Rate(unit.Rough(x)).String() }
	limit := s.Capacity
	text := fmt.Sprintf("%s is offered %s", s.ID, rate(t.offered))
	if !math.IsInf(limit, 1) {
		text += fmt.Sprintf(" and could do %s", rate(limit))
	}
	text += fmt.Sprintf(", but answers %s in time", rate(t.good))
	if t.attempts > 1.05*t.offered {
		text += fmt.Sprintf(": its callers send %s, %.2g attempts a request", rate(t.attempts), t.attempts/t.offered)
	}
	if t.age > 1 {
		text += fmt.Sprintf("; the oldest of %.0f waiting has waited %s", unit.Rough(t.queue), unit.FromSeconds(unit.Rough(t.age)))
	}
	return text
}

var _ = scenario.Verdicts
