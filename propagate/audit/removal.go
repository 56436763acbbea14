package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO306",
	Name:     "unbounded-removal",
	Severity: Error,
	Summary:  "A health check may take more out of service than the rest can carry.",
	Looks: `A health check whose on_fail has neither max_removed below 100 % nor fail_open below 100 % nor a rate; ` +
		`or whose max_removed leaves a target less capacity than its load, both stated, of which the load from outside is enough.`,
	Why: "A check that is wrong is wrong about all at once: then it removes what is healthy. And one that is right adds load to those that are " +
		"left until they fail it too.",
	Taught: "AWS, 20 October 2025: health checks of Network Load Balancers failed on healthy nodes and took zones out of DNS, until failover was " +
		"switched off at 09:36; a limit on how much one may remove was announced afterwards (aws.amazon.com/message/101925).",
	FalseAlarm: "What is removed is replaced at once from a pool that is large enough.",
	Fix:        "Limit what may be out at once (max_removed), how fast (rate), and stop believing a check by which most fail (fail_open).",
	Check:      removals,
})

func removals(p *Pass) {
	for i := range p.Catalog.HealthChecks {
		h := &p.Catalog.HealthChecks[i]
		a := h.Policy.OnFail
		removed := 1.0
		if a.MaxRemoved.IsStated() {
			removed = float64(a.MaxRemoved.V)
		}
		if a.FailOpen.IsStated() {
			removed = min(removed, float64(a.FailOpen.V))
		}
		if a == (policy.OnFail{}) || a.Rate.IsStated() {
			continue
		}
		for _, v := range p.tested(h) {
			id := p.Graph.ID(v)
			f := Finding{
				Subject: "health check " + h.ID + " of " + id, Service: id, At: h.At, Damage: p.Damage(v),
				Path: []Step{{h.At, fmt.Sprintf("%s tests %s and removes %s", h.By, id, removes(a))}},
			}
			full, knownFull := p.Full(v)
			load, known := p.RateAtLeast(v)
			switch left := full * (1 - removed); {
			case removed >= 1:
				f.Message = fmt.Sprintf("nothing limits what %s takes out of %s: all of it at once, when the check is wrong", h.ID, id)
			case knownFull && known && load < full && load > left:
				f.Message = fmt.Sprintf("%s may take out %s of %s, which leaves %s for a load of %s or more", h.ID, evidence(Percent(removed), a.MaxRemoved.Evidence), id, evidence(PerSecond(left), p.Graph.Service(v).Capacity.Evidence), evidence(PerSecond(load), p.Graph.Service(v).Load.Evidence))
			default:
				continue
			}
			p.Report(f)
		}
	}
}

// tested lists what a health check takes out of service when it fails.
func (p *Pass) tested(h *catalog.HealthCheck) (nodes []graph.Node) {
	for _, t := range h.Tests {
		if v, ok := p.Graph.Node(t.Service); ok && !t.Fresh {
			nodes = append(nodes, v)
		}
	}
	return nodes
}

// removes says what a failed check takes out, and how.
func removes(a policy.OnFail) string {
	what, via := a.Remove, a.Via
	if what == "" {
		what = "instance"
	}
	if via == "" {
		via = "load-balancer"
	}
	return map[string]string{"instance": "the instance", "zone": "the zone", "region": "the Region"}[what] +
		map[string]string{"load-balancer": " from the load balancer", "dns": " from DNS", "restart": " by a restart"}[via]
}
