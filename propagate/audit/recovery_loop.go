package audit

import (
	"fmt"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO105",
	Name:     "repair-needs-what-it-repairs",
	Severity: Error,
	Summary:  "What is needed to heal a service is lost together with it.",
	Looks: `A need with to = "repair" whose target (or a tool that it uses) cannot do without the very service ` +
		`that it is to heal, along hard needs to serve, caches and leases. One finding for each target.`,
	Why: "The outage takes away the means to end it. It then lasts as long as it takes to find another way " +
		"in, which nobody has rehearsed.",
	Taught: "AWS, 20 October 2025: internal tools needed DynamoDB, and had to be repaired before DynamoDB " +
		"could be (aws.amazon.com/message/101925). Facebook, 4 October 2021: out-of-band access needed the network " +
		"that was down (engineering.fb.com).",
	FalseAlarm: "There is a way in that does not take this tool, and it is rehearsed: declare it as the " +
		"fallback of the need.",
	Fix: "Keep a way to heal that needs nothing of what it heals: static credentials, addresses instead of " +
		"names, copies of run books, tools in another Region. Use it once a month.",
	Check: repairLoops,
})

func repairLoops(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		var healed []graph.Node
		var needs []*graph.Need
		r := p.Relies(v)
		for n := range p.Graph.Users(v) {
			if d := n.Declared; d == nil || d.To != catalog.ToRepair || d.IfLost != catalog.Fail || !r.On(n.From) {
				continue
			}
			healed = append(healed, n.From)
			needs = append(needs, n)
		}
		if len(healed) == 0 {
			continue
		}
		// The farthest shows best how the loop closes.
		last := len(healed) - 1
		for i := range healed {
			if r.place(healed[i]) > r.place(healed[last]) {
				last = i
			}
		}
		id := p.Graph.ID(v)
		slices.Sort(healed)
		healed = slices.Compact(healed)
		f := Finding{
			Subject: id, Service: id, At: needs[last].Declared.At,
			Message: fmt.Sprintf("%s is needed to repair %s, and is lost with it", id, p.Names(healed)),
			Path:    append([]Step{p.Needs(needs[last], v)}, p.Path(r, needs[last].From)...),
		}
		if len(healed) > 1 {
			f.Message = fmt.Sprintf("%s is needed to repair %s, and is lost with each of them", id, p.Names(healed))
		}
		for _, h := range healed {
			f.Damage = max(f.Damage, p.Damage(h))
		}
		p.Report(f)
	}
}
