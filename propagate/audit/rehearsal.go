package audit

import (
	"fmt"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO316",
	Name:     "recovery-not-rehearsed",
	Severity: Warning,
	Summary:  "Bringing it back after all of it was lost has not been rehearsed, or not for long.",
	Looks: `A service with rehearsed = "never", or with a day that is further back than "every". Of a service that keeps at least "leases" leases ` +
		`or is brought back by hand, tier "tier" or better, and that does not say, the day is asked for.`,
	Why: "Coming back from nothing is another thing than a restart of one instance: everything asks at once, caches are cold, and limits bind that never " +
		"did. What nobody has done before is then worked out at night.",
	Taught: "AWS, 20 October 2025: there was no established procedure to recover DWFM from the state it was in, and several attempts from 02:25 on had no effect " +
		"until 04:14 (aws.amazon.com/message/101925).",
	FalseAlarm: "It is rehearsed as a part of something larger: write that day here too.",
	Fix:        "Lose all of it on purpose, at scale and in daylight, and write down what was needed to bring it back.",
	Params: []Param{
		{"every", seconds(365 * 86400), "how often it should be done"},
		{"leases", int64(10_000), "so many are a recovery of their own"},
		{"tier", int64(1), "services of this tier or better are asked"},
	},
	Check: rehearsals,
})

func rehearsals(p *Pass) {
	large := make(map[string]bool)
	for i := range p.Catalog.Leases {
		l := &p.Catalog.Leases[i]
		large[l.Keeper] = large[l.Keeper] || l.Policy.Count.IsStated() && l.Policy.Count.V >= int64(p.Count("leases"))
	}
	for v := range graph.Node(p.Graph.Len()) {
		s := p.Graph.Service(v)
		f := Finding{Service: s.ID, At: s.At, Damage: p.Damage(v)}
		switch day, err := time.Parse(time.DateOnly, s.Rehearsed); {
		case s.Rehearsed == catalog.NeverRehearsed:
			f.Message = fmt.Sprintf("nobody has ever brought %s back after all of it was lost", s.ID)
		case err == nil && !p.today.IsZero() && p.today.Sub(day) > time.Duration(p.Duration("every")):
			f.Message = fmt.Sprintf("%s was last brought back after all of it was lost on %s, %d days ago", s.ID, s.Rehearsed, int(p.today.Sub(day).Hours()/24))
		default:
			tier, ok := p.Tier(v)
			byHand := s.Recovery != nil && s.Recovery.By == "hand"
			if s.Rehearsed == "" && (large[s.ID] || byHand) && ok && tier <= int64(p.Count("tier")) {
				p.Lacks(v, "rehearsed")
			}
			continue
		}
		p.Report(f)
	}
}
