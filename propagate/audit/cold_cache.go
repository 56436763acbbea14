package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO302",
	Name:     "cold-cache-herd",
	Severity: Warning,
	Summary:  "When its cache is empty, what stands behind it is asked for more than it can do.",
	Looks: `A cache with a stated hit ratio h on a need, where load × calls without it is more than the stated capacity of the target, ` +
		`and nothing keeps the herd down (coalesce). Load must be stated.`,
	Why: "A cache that answers nine of ten requests is part of the capacity. After a restart, a flush or a long outage it is empty, the " +
		"target gets 1 / (1 - h) times its load, and what it answers too late does not fill the cache.",
	Taught: "Slack, 22 February 2022: a roll-out emptied cache nodes one by one, and the database could not carry the misses " +
		"(slack.engineering, Slack's Incident on 2-22-22). Facebook, 23 September 2010, fell by the same loop.",
	FalseAlarm: "The cache is never empty as a whole, and is filled before it takes traffic.",
	Fix:        "Coalesce misses (coalesce = true), warm the cache before it serves, or let the target refuse what it cannot do.",
	Check:      coldCaches,
})

func coldCaches(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			c := cacheOf(p.Graph.Service(v), n)
			if c == nil || !c.HitRatio.IsStated() || c.Coalesce || c.HitRatio.V >= 1 || n.Declared.IsGroup() {
				continue
			}
			t := p.Graph.Targets(n)[0]
			full, knownFull := p.Full(t)
			rate, known := p.Rate(v)
			own, knownOwn := p.Rate(t)
			if !knownFull || !known || !knownOwn {
				if !knownFull {
					p.Lacks(t, "capacity")
				}
				continue
			}
			h := float64(c.HitRatio.V)
			calls := float64(rate * n.Declared.Calls.Or(1))
			cold := own + float64(calls*h) // what the cache keeps away comes too
			if own > full || cold <= full {
				continue
			}
			from, to := p.Graph.ID(v), p.Graph.ID(t)
			p.Report(Finding{
				Subject: from + " -> " + to, Service: from, At: n.Declared.At, Damage: p.Damage(t),
				Message: fmt.Sprintf("with the cache of %s empty, %s is asked %s instead of %s, and can do %s: the misses are %s as many",
					from, to, PerSecond(cold), PerSecond(own), PerSecond(full), Times(closedform.ColdCacheHerd(h))),
				Path: []Step{p.Needs(n, t), p.At(v, "its cache answers %s of the calls", Say(c.HitRatio)), p.At(t, "%s serves %s", to, PerSecond(full))},
			})
		}
	}
}

// cacheOf is the cache through which a need is served; nil without one.
func cacheOf(s *catalog.Service, n *graph.Need) *policy.Cache {
	switch {
	case !waitsFor(n):
		return nil
	case n.Declared.Cache != nil:
		return n.Declared.Cache
	}
	return s.Cache
}
