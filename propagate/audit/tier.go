package audit

import (
	"fmt"
	"strconv"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO107",
	Name:     "tier-inversion",
	Severity: Warning,
	Summary:  "An important service cannot serve without a less important one.",
	Looks: `A hard, synchronous need to serve of a service on one whose tier is worse by at least "gap". One ` +
		`finding for each target.`,
	Why: "A tier decides who is called at night, how changes are reviewed and what is tested. What a tier-0 " +
		"service cannot do without is tier 0, whatever its label: only its care is not.",
	Taught: "Google's production guidelines state it as a rule: a service cannot be more available than what " +
		"it critically depends on (Treynor, Dahlin, Rau, Beyer: The Calculus of Service Availability, ACM Queue 15(2), 2017).",
	FalseAlarm: "The need is not hard in truth: say so with if_lost.",
	Fix:        "Raise the tier of the target and give it the care that goes with it, or make the need soft.",
	Params: []Param{
		{"gap", int64(1), "how many tiers worse the target must be"},
	},
	Check: tierInversions,
})

func tierInversions(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		tier, ok := p.Tier(v)
		if !ok {
			continue
		}
		best := tier
		var users []graph.Node
		var f Finding
		for n := range p.Graph.Users(v) {
			t, ok := p.Tier(n.From)
			if !ok || tier-t < int64(p.Count("gap")) || !hardToServe(n) {
				continue
			}
			best = min(best, t)
			users = append(users, n.From)
			f.Path = append(f.Path, p.Needs(n, v))
			f.Damage = max(f.Damage, p.Damage(n.From))
		}
		if len(users) == 0 {
			continue
		}
		stated := p.Graph.Service(v).Tier
		f.Service, f.At = p.Graph.ID(v), stated.At
		f.Message = fmt.Sprintf("%s has tier %d, and %s of tier %d cannot serve without it", f.Service, tier, p.Names(users), best)
		if len(users) > 1 {
			f.Message = fmt.Sprintf("%s has tier %d, and %s of tier %d or more cannot serve without it", f.Service, tier, p.Names(users), best)
		}
		f.Edits = []Edit{{toml.Edit{At: stated.At, Old: strconv.FormatInt(tier, 10), New: strconv.FormatInt(best, 10)}, fmt.Sprintf("tier %d for %s", best, f.Service)}}
		p.Report(f)
	}
}
