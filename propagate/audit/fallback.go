package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO108",
	Name:     "fallback-shares-root",
	Severity: Error,
	Summary:  "A fallback is lost together with what it is to replace.",
	Looks: `A need that names a fallback, and one service without which neither the target nor the fallback ` +
		`can do, along hard needs to serve, caches and leases. The nearest are named.`,
	Why: "The fallback helps only where the target fails by itself. When what they share fails, which is " +
		"how large outages begin, it fails too, and nobody has planned for that.",
	Taught: "AWS Builders' Library, Avoiding fallback in distributed systems: a fallback that is seldom used " +
		"and shares what failed made outages of Amazon's web site larger.",
	FalseAlarm: "What they share is independent for each of them: declare it once for each.",
	Fix:        "Fall back to something that needs nothing of it: a default, a file, what was last known.",
	Check:      dependentFallbacks,
})

func dependentFallbacks(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			fallback, named := n.Fallback()
			if !named || n.AtLeast() > 0 {
				continue
			}
			target := p.Graph.Targets(n)[0]
			shared := p.Shared([]graph.Node{target, fallback}, 1)
			if len(shared) == 0 {
				continue
			}
			from, to, other := p.Graph.ID(v), p.Graph.ID(target), p.Graph.ID(fallback)
			f := Finding{
				Subject: from + " -> " + to + "|" + other, Service: from, At: n.Declared.At,
				Message: fmt.Sprintf("%s falls back from %s to %s, and both are lost with %s alone", from, to, other, or(p.ids(shared))),
				Damage:  max(p.Damage(shared[0]), p.Damage(v)),
			}
			for _, m := range []graph.Node{target, fallback} {
				if m == shared[0] {
					f.Path = append(f.Path, p.Needs(n, m))
				}
				f.Path = append(f.Path, p.Path(p.Relies(m), shared[0])...)
			}
			p.Report(f)
		}
	}
}
