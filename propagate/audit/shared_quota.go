package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO313",
	Name:     "shared-quota",
	Severity: Warning,
	Summary:  "Important and unimportant callers draw on one quota, and none of them is put first.",
	Looks: `A service with a stated throttle that is called, synchronously and to serve, by services whose stated tiers differ by at least "gap", where ` +
		`no need states a priority or a share.`,
	Why: "The quota does not know who is important. A batch job, or the retries of one, can use it up, and what is refused then is the request of a customer.",
	Taught: "Google Cloud, 2 June 2019: bulk and latency-sensitive traffic shared what was left of the network until priorities told them apart " +
		"(status.cloud.google.com, incident 19009).",
	FalseAlarm: "The quota is counted for each caller by itself.",
	Fix:        "Give each caller a quota of its own, or needs a priority, so that the least important is refused first.",
	Params:     []Param{{"gap", int64(1), "tiers between the callers"}},
	Check:      sharedQuotas,
})

func sharedQuotas(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		if s.Throttle == nil || !s.Throttle.Rate.IsStated() {
			continue
		}
		var first, last *graph.Need
		var best, worst int64
		told := false
		for n := range p.Graph.Users(v) {
			tier, ok := p.Tier(n.From)
			if !waitsFor(n) || !ok {
				continue
			}
			told = told || n.Declared.Priority.IsStated() || n.Declared.Share.IsStated()
			if first == nil || tier < best {
				first, best = n, tier
			}
			if last == nil || tier > worst {
				last, worst = n, tier
			}
		}
		if first == nil || told || worst-best < int64(p.Count("gap")) {
			continue
		}
		p.Report(Finding{
			Service: s.ID, At: s.At, Damage: p.Damage(first.From),
			Message: fmt.Sprintf("%s admits %s from %s (tier %d) and %s (tier %d) alike", s.ID, Say(s.Throttle.Rate), p.Graph.ID(first.From), best, p.Graph.ID(last.From), worst),
			Path:    []Step{p.Needs(first, v), p.Needs(last, v)},
		})
	}
}
