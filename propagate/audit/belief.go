package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO208",
	Name:     "believes-wrong-answers",
	Severity: Warning,
	Summary:  "A wrong answer is taken for a right one: a fallback for silence does not help against it.",
	Looks: `A synchronous need to serve with validates = false on something that is neither a control plane nor a worker ` +
		`(for those see KO308). Needs on one target are one finding.`,
	Why: "Most designs are ready for a target that is gone. One that answers, and answers wrongly, goes past time-outs, retries, " +
		"breakers and fallbacks.",
	Taught: "AWS, 19 October 2025: Support Center failed over as it should, but the account service answered with " +
		"invalid data, which was believed and locked legitimate users out (aws.amazon.com/message/101925).",
	FalseAlarm: "A wrong answer is harmless here, or looks like any other and cannot be told.",
	Fix:        "Check an answer for what it must look like (not empty, not everything, not older than the last), and keep the last good one for when it fails.",
	Check:      believers,
})

func believers(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		if kind := p.Graph.Service(v).Kind; kind == catalog.KindControl || kind == catalog.KindWorker {
			continue
		}
		who, path := p.believersOf(v, waitsFor)
		if len(who) == 0 {
			continue
		}
		id := p.Graph.ID(v)
		p.Report(Finding{
			Service: id, At: path[0].At, Path: path, Damage: p.worstOf(who),
			Message: fmt.Sprintf("what %s answers is believed by %s even when it is wrong", id, p.Names(who)),
		})
	}
}

// believersOf lists those who take wrong answers of a service for right ones, and the needs that say so.
func (p *Pass) believersOf(v graph.Node, counts func(*graph.Need) bool) (who []graph.Node, path []Step) {
	for n := range p.Graph.Users(v) {
		if n.Declared != nil && n.Declared.Believes && counts(n) {
			who = append(who, n.From)
			path = append(path, p.Needs(n, v))
		}
	}
	return who, path
}

// worstOf is the greatest damage of losing any of some services.
func (p *Pass) worstOf(nodes []graph.Node) (damage float64) {
	for _, v := range nodes {
		damage = max(damage, p.Damage(v))
	}
	return damage
}
