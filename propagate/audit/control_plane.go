package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO104",
	Name:     "data-plane-needs-control-plane",
	Severity: Warning,
	Summary:  "What serves requests cannot go on without what is there to change things.",
	Looks: `A hard, synchronous need to serve on a service of kind "control-plane", by what serves ` +
		`requests: a control plane, a worker or a tool may need it. One finding for each control plane.`,
	Why: "A control plane is more complex than what it controls and changes more often, so it fails more " +
		"often. A data plane that goes on with what it last knew is statically stable: it does not even " +
		"notice.",
	Taught: "AWS, 20 October 2025: running EC2 instances went through the whole event unharmed, because they " +
		"need no control plane; load balancers, which asked a failover system which zones are healthy, " +
		"did not (aws.amazon.com/message/101925).",
	FalseAlarm: "The target is no control plane but answers requests: correct its kind.",
	Fix: "Push its decisions to the data plane beforehand, keep the last ones (if_lost = \"stale\"), and " +
		"let it go on with them for as long as it takes.",
	Check: controlPlanes,
})

func controlPlanes(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		if p.Graph.Service(v).Kind != catalog.KindControl {
			continue
		}
		var users []string
		var f Finding
		for n := range p.Graph.Users(v) {
			user := p.Graph.Service(n.From)
			if !servesRequests(user.Kind) || !hardToServe(n) {
				continue
			}
			if len(users) == 0 {
				f.At = n.Declared.At
			}
			users = append(users, user.ID)
			f.Path = append(f.Path, p.Needs(n, v))
			f.Damage = max(f.Damage, p.Damage(n.From))
		}
		if len(users) == 0 {
			continue
		}
		id := p.Graph.ID(v)
		f.Subject, f.Service = id, users[0]
		f.Message = fmt.Sprintf("%s cannot serve without the control plane %s", List(users), id)
		p.Report(f)
	}
}

// servesRequests reports whether a kind of service is the data plane of something.
func servesRequests(k catalog.Kind) bool {
	switch k {
	case catalog.KindControl, catalog.KindWorker, catalog.KindTool, catalog.KindExternal:
		return false
	}
	return true
}

// hardToServe reports whether a request fails at once when any target of a need is
// lost.
func hardToServe(n *graph.Need) bool {
	d := n.Declared
	return d != nil && d.To == catalog.ToServe && d.Mode == catalog.Sync && d.IfLost == catalog.Fail && !d.Fresh &&
		(!d.IsGroup() || d.AtLeast == len(d.Targets))
}
