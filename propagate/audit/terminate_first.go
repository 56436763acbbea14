package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO309",
	Name:     "terminate-before-replacement",
	Severity: Warning,
	Summary:  "Instances are ended before their replacements are there.",
	Looks: `A service whose turnover has terminate_first, or one that a health check restarts or removes by instance while what launches new ` +
		`ones (a hard need to scale or to start) cannot do without what the check itself needs.`,
	Why: "As long as launches work nobody sees the difference. On the day they do not, the service shrinks by its own hand until it is gone.",
	Taught: "AWS, 20 October 2025: hosts of Lambda were ended when they failed health checks, and could not be replaced, because instances could not be " +
		"launched (aws.amazon.com/message/101925).",
	FalseAlarm: "Instances hold something of which there may be only one at a time.",
	Fix:        "Launch first and end after, and stop ending instances while launches fail.",
	Check:      terminations,
})

func terminations(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		if s.Turnover == nil || !s.Turnover.TerminateFirst {
			continue
		}
		f := Finding{Service: s.ID, At: s.At, Damage: p.Damage(v), Message: fmt.Sprintf("%s ends an instance before its replacement is there", s.ID)}
		if n := p.launchedBy(v); n != nil {
			t := p.Graph.Targets(n)[0]
			f.Message += fmt.Sprintf(", and shrinks for as long as %s is lost", p.Graph.ID(t))
			f.Path = append(f.Path, p.Needs(n, t))
		}
		if l := s.Turnover.Lifetime; l.IsStated() {
			f.Message += fmt.Sprintf(": to nothing within some %s", Say(l))
		}
		p.Report(f)
	}
	for i := range p.Catalog.HealthChecks {
		h := &p.Catalog.HealthChecks[i]
		if w := h.Policy.OnFail.Remove; w != "instance" {
			continue
		}
		by, ok := p.Graph.Node(h.By)
		if !ok {
			continue
		}
		for _, v := range p.tested(h) {
			n := p.launchedBy(v)
			if n == nil {
				continue
			}
			t := p.Graph.Targets(n)[0]
			common, ok := p.bothRelyOn(by, t)
			if !ok {
				continue
			}
			p.Report(Finding{
				Subject: "health check " + h.ID + " of " + p.Graph.ID(v), Service: p.Graph.ID(v), At: h.At, Damage: p.Damage(v),
				Message: fmt.Sprintf("%s ends instances of %s when %s is in trouble, and %s cannot replace them then", h.ID, p.Graph.ID(v), p.Graph.ID(common), p.Graph.ID(t)),
				Path:    append(append([]Step{{h.At, fmt.Sprintf("%s tests %s and ends what fails", h.By, p.Graph.ID(v))}}, p.Path(p.dependsOn(by), common)...), append([]Step{p.Needs(n, t)}, p.Path(p.dependsOn(t), common)...)...),
			})
		}
	}
}

// launchedBy is the hard need without which a service gets no new instances; nil without one.
func (p *Pass) launchedBy(v graph.Node) *graph.Need {
	for n := range p.Graph.Needs(v) {
		if d := n.Declared; d != nil && (d.To == catalog.ToScale || d.To == catalog.ToStart) && d.IfLost == catalog.Fail && !d.IsGroup() {
			return n
		}
	}
	return nil
}

// dependsOn is what a service cannot do without for long, or cannot do without in a recent state: a checker that is
// late is as wrong as one that is gone.
func (p *Pass) dependsOn(v graph.Node) *Reliance {
	return p.reach(v, func(n *graph.Need) bool {
		return cannotDoWithout(n) || n.Declared != nil && n.Declared.Fresh || handsOver(n)
	})
}

// bothRelyOn is what two services both depend on, nearest to the first; one of the two itself counts.
func (p *Pass) bothRelyOn(a, b graph.Node) (graph.Node, bool) {
	ra, rb := p.dependsOn(a), p.dependsOn(b)
	if ra.On(b) {
		return b, true
	}
	for _, v := range ra.Nodes {
		if rb.On(v) {
			return v, true
		}
	}
	return 0, false
}
