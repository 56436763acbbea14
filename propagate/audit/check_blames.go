package audit

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO307",
	Name:     "check-blames-the-target",
	Severity: Warning,
	Summary:  "A health check fails for a reason that is not its target's, and removes the target for it.",
	Looks: `A health check that tests how recent something else is (fresh); or is said to be deep (depth = "deep") while its targets cannot do without something ` +
		`that all their replicas share; or is said to fail while its checker is blind (if_blind = "fail"). A check that stops believing itself (fail_open below 100 %) is let pass.`,
	Why: "Removing a target helps when the target is ill. When what it stands on is late or gone, the next target is no better, and " +
		"one after the other is removed until none is left.",
	Taught: "AWS, 20 October 2025: load balancers tested new nodes before their network state had arrived, failed and passed them by turns, and took " +
		"healthy zones out of DNS (aws.amazon.com/message/101925). AWS Builders' Library, Implementing health checks, warns of deep ones for this reason.",
	FalseAlarm: "What the replicas share can fail for one of them alone (a local agent): then declare it once for each.",
	Fix:        `Test only what the instance itself can do wrong (depth = "shallow"), fail open when most fail, and keep what is in service while the checker is blind (if_blind = "keep").`,
	Check:      blamingChecks,
})

func blamingChecks(p *Pass) {
	for i := range p.Catalog.HealthChecks {
		h := &p.Catalog.HealthChecks[i]
		if open := h.Policy.OnFail.FailOpen; open.IsStated() && open.V < 1 {
			continue
		}
		targets := p.tested(h)
		if len(targets) == 0 {
			continue
		}
		var why []string
		var path []Step
		for _, t := range h.Tests {
			if t.Fresh {
				why = append(why, fmt.Sprintf("when %s is late", t.Service))
				path = append(path, Step{h.At, fmt.Sprintf("%s tests whether %s is recent", h.ID, t.Service)})
			}
		}
		if h.Policy.Depth == "deep" {
			for _, v := range targets {
				if n := p.sharedBehind(v); n != nil {
					t := p.Graph.Targets(n)[0]
					why = append(why, fmt.Sprintf("when %s is lost", p.Graph.ID(t)))
					path = append(path, p.Needs(n, t))
					break
				}
			}
		}
		if h.Policy.IfBlind == "fail" {
			why = append(why, fmt.Sprintf("when its checker %s is down or late", h.By))
			path = append(path, Step{h.At, fmt.Sprintf("%s fails while %s is blind", h.ID, h.By)})
		}
		if len(why) == 0 {
			continue
		}
		f := Finding{
			Subject: "health check " + h.ID, Service: p.Graph.ID(targets[0]), At: h.At, Path: path,
			Message: fmt.Sprintf("%s removes %s %s", h.ID, p.Names(targets), strings.Join(why, ", and ")),
		}
		for _, v := range targets {
			f.Damage = max(f.Damage, p.Damage(v))
		}
		p.Report(f)
	}
}

// sharedBehind is a hard need of a service on something that stands alone behind all its
// replicas; nil without one.
func (p *Pass) sharedBehind(v graph.Node) *graph.Need {
	for n := range p.Graph.Needs(v) {
		if waitsFor(n) && n.Declared.IfLost == catalog.Fail && !n.Declared.IsGroup() {
			return n
		}
	}
	return nil
}
