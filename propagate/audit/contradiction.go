package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO401",
	Name:     "contradiction",
	Severity: Warning,
	Summary:  "Two things that the catalog says cannot both be true, or cannot go well together from the first minute.",
	Looks: `A load above the capacity when all is well; a capacity that concurrency and the shortest service time cannot ` +
		`give; a throttle that admits more than the capacity; fewer replicas than zones; ` +
		`the same need declared both hard and soft.`,
	Why: "One of the two numbers is wrong, and what is worked out from either is wrong with it: drills, " +
		"capacity plans, and the findings of this audit.",
	Taught: "Catalogs are written by many and corrected by few. The numbers of a service and of its callers " +
		"are seldom written on the same day.",
	FalseAlarm: "A capacity counts other requests than the load does: state calls, or the capacity in the " +
		"same requests.",
	Fix:   "Find out which of the two is right, with a measurement, and correct the other.",
	Check: contradictions,
})

func contradictions(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		report := func(subject string, at Step, format string, args ...any) {
			p.Report(Finding{
				Subject: s.ID + ": " + subject, Service: s.ID, At: at.At, Path: []Step{at},
				Message: s.ID + " " + fmt.Sprintf(format, args...), Damage: p.Damage(v),
			})
		}
		full, known := p.Full(v)
		if rate, rateKnown := p.Rate(v); known && rateKnown && rate > full*(1+1e-9) {
			report("load", p.fullStep(v, full), "is asked %s when all is well, and can do %s", PerSecond(rate), PerSecond(full))
		}
		if s.Capacity.IsStated() && s.Concurrency.IsStated() && s.ServiceTime.IsStated() && s.ServiceTime.V.Low > 0 {
			if most := float64(s.Concurrency.V) / s.ServiceTime.V.Low.Seconds(); float64(s.Capacity.V) > most*(1+1e-9) {
				report("capacity", Step{s.Capacity.At, "capacity " + Say(s.Capacity)}, "can do %s by its capacity, and no more than %s by %s at once of at least %s each",
					Say(s.Capacity), PerSecond(most), SayCount(s.Concurrency), s.ServiceTime.V.Low)
			}
		}
		if t := s.Throttle; t != nil && t.Rate.IsStated() && known && float64(t.Rate.V) > full*(1+1e-9) {
			report("throttle", Step{t.Rate.At, "throttle at " + Say(t.Rate)}, "lets %s in, and can do %s: the throttle protects it from nothing", Say(t.Rate), PerSecond(full))
		}
		if r := s.Replicas; r != nil && r.Count.IsStated() && len(r.Zones) > int(r.Count.V) {
			report("zones", Step{r.Count.At, "replicas " + SayCount(r.Count)}, "has %s in %d zones: some zone has none", Plural(int(r.Count.V), "replica"), len(r.Zones))
		}
		p.hardAndSoft(v, report)
	}
}

func (p *Pass) fullStep(v graph.Node, full float64) Step {
	s := p.Graph.Service(v)
	at := s.At
	if s.Capacity.IsStated() {
		at = s.Capacity.At
	}
	return Step{at, fmt.Sprintf("%s can do %s", s.ID, PerSecond(full))}
}

// hardAndSoft finds targets that a service declares twice for the same use, and with a
// different answer to their loss.
func (p *Pass) hardAndSoft(v graph.Node, report func(string, Step, string, ...any)) {
	type use struct {
		target  string
		mode    catalog.Mode
		purpose catalog.Purpose
		what    string
	}
	first := make(map[use]*graph.Need)
	for n := range p.Graph.Needs(v) {
		d := n.Declared
		if d == nil || d.IsGroup() || d.Fresh || d.Believes {
			continue
		}
		u := use{d.Targets[0], d.Mode, d.To, d.For}
		before := first[u]
		switch {
		case before == nil:
			first[u] = n
		case (before.Declared.IfLost == catalog.Fail) != (d.IfLost == catalog.Fail):
			soft := d.IfLost
			if soft == catalog.Fail {
				soft = before.Declared.IfLost
			}
			report("needs "+u.target, Step{before.Declared.At, "the first of the two"}, "needs %s twice: without it requests fail, and without it they are answered all the same (%s)", u.target, soft)
		}
	}
}
