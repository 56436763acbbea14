package audit

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO109",
	Name:     "failover-target-not-ready",
	Severity: Warning,
	Summary:  "What is to take over cannot at once: it is cold, too small, or has to be started by a control plane.",
	Looks: `A service that a need names as its fallback, and that needs a control plane to start, begins ` +
		`with an empty cache (cold = true), or has a stated capacity below what it is asked for when all is well and what it ` +
		`would take over. Loads and capacities that are not stated decide nothing.`,
	Why: "A failover comes when much has failed already. A control plane is then slow or gone, everybody " +
		"else asks it for capacity as well, and a target that has to grow meets the whole load first.",
	Taught: "AWS, 20 October 2025: instances could not be launched for 14 hours; who had to start something " +
		"in order to move could not move (aws.amazon.com/message/101925). AWS Builders' Library, Static " +
		"stability using Availability Zones.",
	FalseAlarm: "The fallback does so little that a part of the load is enough: state calls or capacity.",
	Fix: "Keep the fallback running at the size it needs, and send it a part of the load every day: then " +
		"its caches are warm and it is known to work.",
	Check: unreadyFailovers,
})

func unreadyFailovers(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			fallback, named := n.Fallback()
			if !named {
				continue
			}
			from, to := p.Graph.ID(v), p.Graph.ID(fallback)
			f := Finding{Subject: from + " -> " + to, Service: from, At: n.Declared.At, Damage: p.Damage(v), Path: []Step{p.Needs(n, fallback)}}
			why, steps := p.unready(v, n, fallback)
			if why == "" {
				continue
			}
			f.Message = fmt.Sprintf("%s is to take over from %s for %s, and %s", to, p.Names(p.Graph.Targets(n)), from, why)
			f.Path = append(f.Path, steps...)
			p.Report(f)
		}
	}
}

// unready says why a fallback cannot take over at once; "" when it can or nobody knows.
func (p *Pass) unready(v graph.Node, n *graph.Need, fallback graph.Node) (why string, steps []Step) {
	for m := range p.Graph.Needs(fallback) {
		d := m.Declared
		if d == nil || d.To != catalog.ToStart || d.IfLost != catalog.Fail {
			continue
		}
		for _, t := range p.Graph.Targets(m) {
			if p.Graph.Service(t).Kind == catalog.KindControl {
				return fmt.Sprintf("cannot be started without the control plane %s", p.Graph.ID(t)), []Step{p.Needs(m, t)}
			}
		}
	}
	if c := p.Graph.Service(fallback).Cache; c != nil && c.Cold {
		return "begins with an empty cache", []Step{p.At(fallback, "%s has a cold cache", p.Graph.ID(fallback))}
	}
	full, known := p.Full(fallback)
	if !known {
		p.Lacks(fallback, "capacity")
		return "", nil
	}
	own, ownKnown := p.Rate(fallback)
	asked, askedKnown := p.Rate(v)
	if !ownKnown || !askedKnown {
		p.Lacks(v, "load")
		return "", nil
	}
	total := own + float64(asked*n.Declared.Calls.Or(1))
	if total <= full || math.IsInf(full, 1) {
		return "", nil
	}
	return fmt.Sprintf("would be asked %s, of which it can do %s", PerSecond(total), PerSecond(full)),
		[]Step{p.At(fallback, "%s is asked %s when all is well, and can do %s", p.Graph.ID(fallback), PerSecond(own), PerSecond(full))}
}
