package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO315",
	Name:     "replacement-shares-the-failure",
	Severity: Warning,
	Summary:  "What takes capacity away also takes away the way to replace it.",
	Looks: `A service that cannot do without some other (hard needs to serve, caches, leases), which its path to new capacity (a hard need to ` +
		`scale) cannot do without either. The nearest is named, once for all who share it; those who are lost with it are counted.`,
	Why: "Capacity is lost to the same cause that keeps it from being replaced. Nothing comes back by itself until the cause is gone, and then all want " +
		"capacity at once.",
	Taught: "AWS, 20 October 2025: DynamoDB's absence failed services and, with the leases of EC2's servers, every launch that was to replace what had " +
		"failed (aws.amazon.com/message/101925).",
	FalseAlarm: "It keeps enough capacity in reserve not to need a launch (static stability): make the need to scale degrade.",
	Fix:        "Keep capacity ready for the loss of a zone, so that recovery needs no launch; or give launches a path of their own.",
	Check:      sharedReplacement,
})

func sharedReplacement(p *Pass) {
	type shared struct {
		users []graph.Node
		need  *graph.Need
	}
	by := make(map[graph.Node]*shared)
	var order []graph.Node
	for v := range graph.Node(p.Graph.Len()) {
		n := p.launchedBy(v)
		if n == nil || n.Declared.To != catalog.ToScale {
			continue
		}
		t := p.Graph.Targets(n)[0]
		own, path := p.Relies(v), p.Relies(t)
		for _, x := range own.Nodes {
			if x != t && path.On(x) {
				if by[x] == nil {
					by[x] = &shared{need: n}
					order = append(order, x)
				}
				by[x].users = append(by[x].users, v)
				break
			}
		}
	}
	for _, x := range order {
		s := by[x]
		id, v := p.Graph.ID(x), s.users[0]
		t := p.Graph.Targets(s.need)[0]
		message := fmt.Sprintf("%s fails with %s, and so does %s, which is to give it new capacity", p.Graph.ID(v), id, p.Graph.ID(t))
		if len(s.users) > 1 {
			message = fmt.Sprintf("%s fail with %s, and so does %s, which is to give them new capacity", p.Names(s.users), id, p.Graph.ID(t))
		}
		p.Report(Finding{
			Subject: id + " behind " + p.Graph.ID(t), Service: p.Graph.ID(v), At: s.need.Declared.At, Damage: p.Damage(x), Message: message,
			Path: append(append(p.Path(p.Relies(v), x), p.Needs(s.need, t)), p.Path(p.Relies(t), x)...),
		})
	}
}
