package scenario

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// Numbers lists the numbers of a scenario that a parameter of a record may be, sorted by
// Path:
//
//	load "shop".times, .rate, .trough
//	fault "disk".at, .for
//	action "unstick".at, .takes
//	action "unstick" throttle "api".to, .relax
//	action "unstick" pace "droplets".to
//
// A load or fault is named by its id, or else by its service. How they are known stands
// with the parameter: the scenario itself has no place for it.
func Numbers(s *Scenario) []catalog.Number {
	var all []catalog.Number
	seen := make(map[string]int)
	add := func(path string, u catalog.NumberUnit, get func() float64, set func(float64)) {
		if seen[path]++; seen[path] > 1 {
			path += fmt.Sprintf("#%d", seen[path])
		}
		all = append(all, catalog.NewNumber(path, u, get, set))
	}
	length := func(path string, d *unit.Duration) {
		if *d > 0 {
			add(path, catalog.Seconds, d.Seconds, func(f float64) { *d = unit.FromSeconds(min(max(0, f), unit.MaxDuration.Seconds())) })
		}
	}
	real := func(path string, u catalog.NumberUnit, f *float64, most float64) {
		if *f > 0 {
			add(path, u, func() float64 { return *f }, func(v float64) { *f = min(most, max(0, v)) })
		}
	}
	for i := range s.Loads {
		l := &s.Loads[i]
		at := fmt.Sprintf("load %q", cmp.Or(l.ID, l.Service))
		length(at+".at", &l.At)
		length(at+".for", &l.For)
		real(at+".times", catalog.PlainNumber, &l.Times, maxTimes)
		if l.Rate.IsStated() {
			add(at+".rate", catalog.PerSecond, func() float64 { return float64(l.Rate.V) }, func(v float64) { l.Rate.V = unit.Rate(max(0, v)) })
		}
		if l.Daily != nil {
			length(at+".peak", &l.Daily.Peak)
			real(at+".trough", catalog.ShareOfOne, &l.Daily.Trough, 1)
		}
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		at := fmt.Sprintf("fault %q", cmp.Or(f.ID, f.Service, f.Lease))
		length(at+".at", &f.At)
		length(at+".for", &f.For)
	}
	for i := range s.Actions {
		a := &s.Actions[i]
		if a.ID == "" {
			continue
		}
		at := fmt.Sprintf("action %q", a.ID)
		length(at+".at", &a.At)
		length(at+".takes", &a.Takes)
		if a.After != nil {
			length(at+".decide", &a.After.Decide)
		}
		for j := range a.Do {
			x := &a.Do[j]
			deed := fmt.Sprintf("%s %s %q", at, x.Verb, x.Target)
			if x.Rate > 0 {
				add(deed+".to", catalog.PerSecond, func() float64 { return float64(x.Rate) }, func(v float64) { x.Rate = unit.Rate(max(1e-9, v)) })
			}
			if x.Verb == Throttle || x.Verb == SetCapacity {
				real(deed+".to", catalog.ShareOfOne, &x.Share, math.Inf(1))
			}
			length(deed+".relax", &x.Relax)
			length(deed+".takes", &x.Length)
		}
	}
	slices.SortFunc(all, func(a, b catalog.Number) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// Clone is a copy of which the numbers can be set; what is never set is shared.
func (s *Scenario) Clone() *Scenario {
	c := *s
	c.Faults, c.Loads, c.Actions = slices.Clone(s.Faults), slices.Clone(s.Loads), slices.Clone(s.Actions)
	for i := range c.Loads {
		if d := c.Loads[i].Daily; d != nil {
			daily := *d
			c.Loads[i].Daily = &daily
		}
	}
	for i := range c.Actions {
		a := &c.Actions[i]
		a.Do = slices.Clone(a.Do)
		if a.After != nil {
			after := *a.After
			a.After = &after
		}
	}
	return &c
}
