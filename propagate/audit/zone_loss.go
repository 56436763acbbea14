package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO305",
	Name:     "zone-loss-overloads",
	Severity: Error,
	Summary:  "When one zone is lost, the others cannot carry its load.",
	Looks: `A service in two zones or more whose stated load is more than the capacity of all zones but one: load / ((n − 1) capacity of a zone) ` +
		`above 1; or whose zones but one hold fewer replicas than at_least. Load and capacity, or replicas, must be stated.`,
	Why: "Zones are lost, one at a time, and that is what they are for. A service that is too large for the rest is not redundant: it fails a " +
		"little later, by overload, in all zones.",
	Taught: "AWS, 20 October 2025: zones that failover took out of DNS were missed by those that remained (aws.amazon.com/message/101925). AWS Builders' " +
		"Library, Static stability using Availability Zones: three zones at two thirds each.",
	FalseAlarm: "More capacity is there before the zone is lost, because load is shed or moved to another Region.",
	Fix:        "Keep load below (zones − 1) / zones of the capacity, or shed what is beyond it.",
	Check:      zoneLosses,
})

func zoneLosses(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		if s.Replicas == nil || len(s.Replicas.Zones) < 2 {
			continue
		}
		zones := len(s.Replicas.Zones)
		f := Finding{Service: s.ID, At: s.At, Damage: p.Damage(v)}
		if r := s.Replicas; r.Count.IsStated() && r.AtLeast.IsStated() {
			left := r.Count.V - (r.Count.V+int64(zones)-1)/int64(zones)
			if left < r.AtLeast.V && r.AtLeast.V <= r.Count.V {
				f.Message = fmt.Sprintf("without its largest zone %s has %d of %s replicas left, and needs %s", s.ID, left, SayCount(r.Count), SayCount(r.AtLeast))
				p.Report(f)
				continue
			}
		}
		full, knownFull := p.Full(v)
		load, known := p.Rate(v)
		if !knownFull || !known {
			if !knownFull {
				p.Lacks(v, "capacity")
			}
			continue
		}
		if used := closedform.SurvivorLoad(load, full/float64(zones), zones, 1); load < full && used > 1 {
			f.Message = fmt.Sprintf("%s is asked %s, %s of what its %d zones can do (%s): without one of them, %s of the rest",
				s.ID, PerSecond(load), Percent(load/full), zones, PerSecond(full), Percent(used))
			p.Report(f)
		}
	}
}
