package audit

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO402",
	Name:     "dead-entry",
	Severity: Note,
	Summary:  "An entry of the catalog is connected to nothing, or is used by nothing.",
	Looks: `A service that needs nothing, that nothing needs, tests or holds a lease of, and that has no load; a ` +
		`reference that nothing cites; retries that are configured and of which there are none ` +
		`(attempts = 1).`,
	Why: "A service that stands alone has usually lost its needs, not its users: the next outage goes " +
		"through an edge that nobody has written down.",
	Taught: "AWS, 20 October 2025: hidden dependencies on us-east-1 showed only when it failed " +
		"(aws.amazon.com/message/101925).",
	FalseAlarm: "It has just been added, and its needs will follow.",
	Fix:        "Write down its needs and who needs it, or remove it.",
	Check:      deadEntries,
})

func deadEntries(p *Pass) {
	tied := make(map[string]bool) // by leases and health checks
	for i := range p.Catalog.Leases {
		l := &p.Catalog.Leases[i]
		tied[l.Keeper], tied[l.Holder], tied[l.Store] = true, true, true
	}
	for i := range p.Catalog.HealthChecks {
		h := &p.Catalog.HealthChecks[i]
		tied[h.By] = true
		for _, t := range h.Tests {
			tied[t.Service] = true
		}
	}
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		alone := !tied[s.ID] && !s.Load.IsStated() && len(s.Needs) == 0
		for range p.Graph.Users(v) {
			alone = false
			break
		}
		if alone {
			p.Report(Finding{Service: s.ID, At: s.At, Message: s.ID + " needs nothing, and nothing needs it", Damage: s.Weight})
		}
		for j := range s.Needs {
			n := &s.Needs[j]
			if r := n.Retry; r != nil && r.Preset == "" && r.Attempts.IsStated() && r.Attempts.V == 1 && (r.Budget != nil || r.Base.IsStated() || r.Backoff != "") {
				p.Report(deadRetry(s, n))
			}
		}
	}
	for i := range p.Catalog.References {
		r := &p.Catalog.References[i]
		if len(p.Texts) > 0 && !p.cited(r.ID) {
			p.Report(Finding{Subject: "reference " + r.ID, At: r.At, Message: fmt.Sprintf("nothing cites the reference %s", r.ID), Fix: "Cite it where it belongs, or remove it."})
		}
	}
}

// cited reports whether a file has the name of a reference as a string. Who extends a
// catalog puts a prefix before its names.
func (p *Pass) cited(id string) bool {
	id = id[strings.LastIndexByte(id, ':')+1:]
	for i := range p.Texts {
		if p.Texts[i].Contains(`"`+id+`"`) || p.Texts[i].Contains("'"+id+"'") {
			return true
		}
	}
	return false
}

func deadRetry(s *catalog.Service, n *catalog.Need) Finding {
	target := List(n.Targets)
	return Finding{
		Subject: s.ID + " -> " + target + ": retry", Service: s.ID, At: n.Retry.Attempts.At,
		Message: fmt.Sprintf("%s configures retries of calls to %s and makes none: attempts counts the first", s.ID, target),
		Fix:     "Write attempts = 2 for one retry, or leave retry out.",
	}
}
