package audit

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO110",
	Name:     "same-change-reaches-all",
	Severity: Note,
	Summary:  "Alternatives that are to stand in for each other take their changes from one and the same service.",
	Looks: `A need of at_least k of n with k < n, and one service from which more than n - k of the ` +
		`alternatives take changes (to = "change") or believe whatever it answers (validates = false).`,
	Why: "Redundancy does not protect from a wrong change that reaches all copies at once, and most large " +
		"outages begin with a change.",
	Taught: "Google Cloud, 12 June 2025: one change of quota policy was replicated to all Regions within " +
		"seconds, and Service Control crashed in all of them (status.cloud.google.com, incident ow5i3PPK96RduMcb1SsW).",
	FalseAlarm: "Changes reach the alternatives one after the other, with a pause in which a wrong one shows. " +
		"The catalog cannot say so yet: suppress it with that reason.",
	Fix:   "Roll changes out to one alternative after the other, and stop by itself when the first suffers.",
	Check: sharedChanges,
})

func sharedChanges(p *Pass) {
	seen := make(map[string]bool)
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			members := p.Graph.Targets(n)
			spare := len(members) - n.AtLeast()
			key := fmt.Sprint(n.AtLeast(), members)
			if n.AtLeast() == 0 || spare < 1 || seen[key] {
				continue
			}
			seen[key] = true
			from := make(map[graph.Node][]Step)
			var order []graph.Node
			for _, m := range members {
				last := graph.Node(-1)
				for c := range p.Graph.Needs(m) {
					d := c.Declared
					if d == nil || d.To != catalog.ToChange && !d.Believes || d.IsGroup() {
						continue
					}
					t := p.Graph.Targets(c)[0]
					if t == last { // parallel needs stand together
						continue
					}
					last = t
					if from[t] == nil {
						order = append(order, t)
					}
					from[t] = append(from[t], p.Needs(c, t))
				}
			}
			for _, t := range order {
				if len(from[t]) <= spare {
					continue
				}
				id, by := p.Graph.ID(v), p.Graph.ID(t)
				p.Report(Finding{
					Subject: id + " -> " + strings.Join(p.ids(members), "|") + " by " + by, Service: id, At: n.Declared.At, Path: from[t],
					Damage:  p.Damage(v),
					Message: fmt.Sprintf("%s needs %d of %d (%s), and what %s gets wrong reaches %d of them at once", id, n.AtLeast(), len(members), p.Names(members), by, len(from[t])),
				})
			}
		}
	}
}
