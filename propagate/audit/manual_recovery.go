package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO314",
	Name:     "manual-recovery",
	Severity: Warning,
	Summary:  "What has failed stays down until somebody restarts it, even when its cause is gone.",
	Looks:    `A service with recovery = "hand" of tier "tier" or better, or without which a service of such a tier that calls it cannot do.`,
	Why: "An outage of minutes then takes as long as somebody needs to see it, to find this service among all that are down, and to get at it " +
		"with tools that may be down as well.",
	Taught: "AWS, 20 October 2025: the poller of SQS queues for Lambda did not come back with DynamoDB at 02:25 and was restored by hand at 04:40; " +
		"its backlog was gone at 06:00 (aws.amazon.com/message/101925).",
	FalseAlarm: "Coming back by itself would do harm: state is to be looked at first.",
	Fix:        "Let it try again by itself, with a pause, for as long as it takes, and say when it has been trying for long.",
	Params:     []Param{{"tier", int64(1), "services of this tier or better count"}},
	Check:      manualRecoveries,
})

func manualRecoveries(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		if s.Recovery == nil || s.Recovery.By != "hand" {
			continue
		}
		f := Finding{Service: s.ID, At: s.At, Damage: p.Damage(v), Message: fmt.Sprintf("%s stays down until somebody restarts it", s.ID)}
		if a := s.Recovery.After; a.IsStated() {
			f.Message = fmt.Sprintf("%s stays down until somebody restarts it once it has been down for %s", s.ID, Say(a))
		}
		if tier, ok := p.Tier(v); !ok || tier > int64(p.Count("tier")) {
			user, ok := p.importantUser(v)
			if !ok {
				continue
			}
			f.Message += fmt.Sprintf(", and %s with it", p.Graph.ID(user))
			f.Path = p.Path(p.Relies(user), v)
		}
		if r := p.Relies(v); len(r.Nodes) > 0 && f.Path == nil {
			f.Path = p.Path(r, r.Nodes[0]) // what it fails with
		}
		p.Report(f)
	}
}

// importantUser is a service of an important tier that cannot do without another: the first by ID.
func (p *Pass) importantUser(v graph.Node) (graph.Node, bool) {
	for n := range p.Graph.Users(v) {
		if tier, ok := p.Tier(n.From); ok && tier <= int64(p.Count("tier")) && p.Relies(n.From).On(v) {
			return n.From, true
		}
	}
	return 0, false
}
