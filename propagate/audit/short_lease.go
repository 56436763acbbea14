package audit

import (
	"fmt"
)

var _ = register(Rule{
	ID:       "KO310",
	Name:     "lease-shorter-than-outage",
	Severity: Warning,
	Summary:  "Leases or credentials run out within a plausible outage of what renews them, and what holds them fails after it.",
	Looks: `A lease whose shortest time to live is below "outage" and whose longest is above "session" (what is as short as a session is meant to be lost), whose holder loses ` +
		`capacity or requests with it. The time to live must be stated.`,
	Why: "While they are valid nobody notices the outage. When they run out the holder fails too, often when the cause is gone already, and has to be made " +
		"anew one by one.",
	Taught: "AWS, 20 October 2025: credentials of Redshift nodes ran out during the outage; the last clusters were back a day later, at 04:05 " +
		"(aws.amazon.com/message/101925).",
	FalseAlarm: "A new one can be had without the keeper, or from another one.",
	Fix:        "Let them last longer than the longest outage of their keeper plus its repair, and renew at half of that.",
	Params: []Param{
		{"outage", seconds(4 * 3600), "of the keeper, with its repair"},
		{"session", seconds(300), "what lasts no longer is meant to be lost"},
	},
	Check: shortLeases,
})

func shortLeases(p *Pass) {
	for i := range p.Catalog.Leases {
		l := &p.Catalog.Leases[i]
		ttl := l.Policy.TTL
		if !ttl.IsStated() || ttl.V.Low >= p.Duration("outage") || ttl.V.High <= p.Duration("session") || l.Policy.Lost == "nothing" {
			continue
		}
		holder, _ := p.Graph.Node(l.Holder)
		keeper, _ := p.Graph.Node(l.Keeper)
		if p.Graph.Service(holder).Weight == 0 {
			continue
		}
		path := []Step{{l.At, fmt.Sprintf("leases last %s and are renewed by %s", Say(ttl), l.Keeper)}}
		behind := l.Keeper
		if store, ok := p.Graph.Node(l.Store); ok && l.Store != "" {
			behind = l.Store
			path = append(path, p.At(store, "%s must be there to renew them", l.Store))
		} else if r := p.Relies(keeper); len(r.Nodes) > 0 {
			behind = p.Graph.ID(r.Nodes[0])
			path = append(path, p.Path(r, r.Nodes[0])...)
		}
		p.Report(Finding{
			Subject: "lease " + l.ID, Service: l.Holder, At: l.At, Damage: p.Damage(holder), Path: path,
			Message: fmt.Sprintf("leases %s of %s begin to run out %s after %s is lost, which may take %s to repair", l.ID, l.Holder, ttl.V.Low, behind, p.Duration("outage")),
		})
	}
}
