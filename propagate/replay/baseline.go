package replay

import (
	"cmp"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// Baseline is a way to have windows without a model.
type Baseline struct {
	Name    string
	Text    string
	Impacts []Impact
}

// Baselines are three of them: all that depends on what the faults strike is down as
// long as the faults last; the same, but until the last action on the service or on what
// it needs; and nothing but what the faults strike. The result of a run tells when
// faults were over and actions took effect.
func Baselines(c *catalog.Catalog, res *propagate.Result, rec *scenario.Record) []Baseline {
	b := &baseline{c: c, res: res, needs: make(map[string][]string)}
	for i := range c.Services {
		s := &c.Services[i]
		for j := range s.Needs {
			if n := &s.Needs[j]; n.To != catalog.ToRepair {
				b.needs[s.ID] = append(b.needs[s.ID], n.Targets...)
			}
		}
	}
	for i := range c.Leases {
		l := &c.Leases[i]
		b.needs[l.Holder] = append(b.needs[l.Holder], l.Keeper)
		if l.Store != "" {
			b.needs[l.Keeper] = append(b.needs[l.Keeper], l.Store)
		}
	}
	units := unitsOf(c, rec)
	all := []Baseline{
		{Name: "reachability", Text: "all that depends on the root fails and recovers with it"},
		{Name: "last-action", Text: "all that depends on the root fails with it, and recovers at the last action on it or on what it needs"},
		{Name: "root-only", Text: "nothing but the root fails"},
	}
	for _, u := range units {
		if from, to, hit := b.reached(u.of); hit {
			all[0].add(u.name, from, to)
			all[1].add(u.name, from, b.lastAction(u.of, from, to))
		}
		if from, to, hit := b.struck(u.of); hit {
			all[2].add(u.name, from, to)
		}
	}
	return all
}

func (b *Baseline) add(service string, from, to float64) {
	if to > from {
		b.Impacts = append(b.Impacts, Impact{Service: service, State: propagate.Down, From: from / 60, To: to / 60})
	}
}

// named is what a record calls a service, and the services of the catalog it is.
type named struct {
	name string
	of   []string
}

// unitsOf are the names that windows have, sorted; see Impacts.
func unitsOf(c *catalog.Catalog, rec *scenario.Record) []named {
	var units []named
	known := make(map[string]bool)
	for i := range rec.Windows {
		if w := &rec.Windows[i]; !known[w.Service] {
			known[w.Service] = true
			units = append(units, named{w.Service, w.Of})
		}
	}
	for i := range c.Services {
		if id := c.Services[i].ID; !known[id] {
			units = append(units, named{id, []string{id}})
		}
	}
	slices.SortFunc(units, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	return units
}

// baseline is what baselines look at.
type baseline struct {
	c     *catalog.Catalog
	res   *propagate.Result
	needs map[string][]string // what each service needs, but for repair
}

// strikes are the services that a fault strikes, and for how long, in seconds.
func (b *baseline) strikes(i int) (service string, from, to float64) {
	f := &b.res.Scenario.Faults[i]
	service = f.Service
	if f.Effect == scenario.Lapse {
		for j := range b.c.Leases {
			if b.c.Leases[j].ID == f.Lease {
				service = b.c.Leases[j].Holder
			}
		}
	}
	to = b.end()
	if i < len(b.res.FaultEnds) {
		to = min(to, b.res.FaultEnds[i])
	}
	return service, f.At.Seconds(), to
}

func (b *baseline) end() float64 { return b.res.Scenario.Horizon.Seconds() }

// span is the time in which faults that fit last, from the first to the last of them.
func (b *baseline) span(fits func(service string) bool) (from, to float64, hit bool) {
	from, to = math.Inf(1), math.Inf(-1)
	for i := range b.res.Scenario.Faults {
		if service, begin, end := b.strikes(i); fits(service) {
			from, to, hit = min(from, begin), max(to, end), true
		}
	}
	return from, to, hit
}

// struck is when one of some services is struck itself.
func (b *baseline) struck(ids []string) (from, to float64, hit bool) {
	return b.span(func(service string) bool { return slices.Contains(ids, service) })
}

// reached is when something is struck that one of some services depends on, or itself.
func (b *baseline) reached(ids []string) (from, to float64, hit bool) {
	seen := make(map[string]bool)
	for todo := slices.Clone(ids); len(todo) > 0; todo = todo[1:] {
		if id := todo[0]; !seen[id] {
			seen[id] = true
			todo = append(todo, b.needs[id]...)
		}
	}
	return b.span(func(service string) bool { return seen[service] })
}

// lastAction is when the last action on one of some services, or on what it needs,
// took effect; the end of the fault where there is none.
func (b *baseline) lastAction(ids []string, from, end float64) float64 {
	near := slices.Clone(ids)
	for _, id := range ids {
		near = append(near, b.needs[id]...)
	}
	last := math.Inf(-1)
	for i := range b.res.Scenario.Actions {
		if i >= len(b.res.Actions) || !(b.res.Actions[i].Done > from) {
			continue
		}
		for j := range b.res.Scenario.Actions[i].Do {
			if slices.ContainsFunc(b.touched(&b.res.Scenario.Actions[i].Do[j]), func(id string) bool { return slices.Contains(near, id) }) {
				last = max(last, b.res.Actions[i].Done)
			}
		}
	}
	if math.IsInf(last, -1) {
		return end
	}
	return last
}

// touched are the services that a deed is done to.
func (b *baseline) touched(x *scenario.Deed) (ids []string) {
	if x.From != "" {
		return []string{x.From}
	}
	ids = append(ids, x.Target)
	for i := range b.res.Scenario.Faults {
		if f := &b.res.Scenario.Faults[i]; f.ID == x.Target {
			service, _, _ := b.strikes(i)
			ids = append(ids, service)
		}
	}
	for i := range b.c.Leases {
		if l := &b.c.Leases[i]; l.ID == x.Target {
			ids = append(ids, l.Keeper, l.Holder)
		}
	}
	for i := range b.c.HealthChecks {
		if h := &b.c.HealthChecks[i]; h.ID == x.Target {
			ids = append(ids, h.By)
			for _, t := range h.Tests {
				ids = append(ids, t.Service)
			}
		}
	}
	return ids
}
