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
		`that it is to heal, along hard needs to serve, caches and leases; or, as a warning, whose target fails with something that the service ` +
		`cannot do without either. One finding for each target.`,
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
		// Healed are those that v cannot do without, related those that fail with
		// something that v cannot do without.
		var healed, related, causes []graph.Node
		var loop, shared *graph.Need
		r := p.Relies(v)
		for n := range p.Graph.Users(v) {
			if d := n.Declared; d == nil || d.To != catalog.ToRepair || d.IfLost != catalog.Fail {
				continue
			}
			if r.On(n.From) {
				// The farthest shows best how the loop closes.
				if loop == nil || r.place(n.From) > r.place(loop.From) {
					loop = n
				}
				healed = append(healed, n.From)
			} else if cause, ok := p.common(r, n.From); ok {
				if shared == nil {
					shared = n
				}
				related, causes = append(related, n.From), append(causes, cause)
			}
		}
		healed, related = unique(healed), unique(related)
		id := p.Graph.ID(v)
		f := Finding{Subject: id, Service: id}
		switch {
		case loop != nil:
			f.At = loop.Declared.At
			f.Path = append([]Step{p.Needs(loop, v)}, p.Path(r, loop.From)...)
			f.Message = fmt.Sprintf("%s is needed to repair %s, and is lost with %s", id, p.Names(healed), it(len(healed)))
			if n := len(related); n > 0 {
				f.Message += fmt.Sprintf("; so it is with %s, as all of these need %s", p.Names(related), p.Names(unique(causes)))
			}
		case shared != nil:
			// Nothing closes a loop, but one failure takes both.
			f.Severity, f.At = Warning, shared.Declared.At
			f.Path = append([]Step{p.Needs(shared, v)}, p.Path(r, causes[0])...)
			f.Path = append(f.Path, p.Path(p.Relies(shared.From), causes[0])...)
			f.Message = fmt.Sprintf("%s is needed to repair %s, and the loss of %s takes both", id, p.Names(related), or(p.ids(unique(causes))))
		default:
			continue
		}
		for _, h := range append(healed, related...) {
			f.Damage = max(f.Damage, p.Damage(h))
		}
		p.Report(f)
	}
}

// common is the nearest service without which neither of two can do.
func (f *Facts) common(r *Reliance, v graph.Node) (graph.Node, bool) {
	for _, t := range f.Relies(v).Nodes {
		if r.On(t) {
			return t, true
		}
	}
	return 0, false
}

func unique(nodes []graph.Node) []graph.Node {
	nodes = slices.Clone(nodes)
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

func it(n int) string {
	if n == 1 {
		return "it"
	}
	return "each of them"
}
