package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO301",
	Name:     "lease-storm",
	Severity: Error,
	Summary:  "More leases can be lost at once than their keeper can ever grant again by itself.",
	Looks: `A lease whose count is more than twice what the keeper can grant in one deadline (and more with a pause before the ` +
		`next attempt): M > K (2 + pause/deadline), K = workers × deadline / cost of a regrant. Nothing paces the regrants, and what ` +
		`missed its deadline is asked for again. Count, cost and deadline must be stated, and the keeper's concurrency, or its ` +
		`capacity and service time, which come to as many workers.`,
	Why: "All who lost a lease ask at once. Those who are not served in time ask again, behind their own stale requests. Above the " +
		"threshold what is left over doubles from round to round, and the keeper works without making progress, for ever.",
	Taught: "AWS, 20 October 2025: DynamoDB was back at 02:25, but the leases of EC2's servers could not be made anew before their " +
		"requests timed out; nothing moved until operators held requests back and restarted hosts at 04:14 (aws.amazon.com/message/101925).",
	FalseAlarm: "Leases are never lost together: their store cannot be gone for as long as they last.",
	Fix:        "Pace the regrants (regrant = { pace = … }) a little below what the keeper can do, drop requests whose deadline has passed, and let leases last longer.",
	Check:      leaseStorms,
})

// storm is what a lease comes to when all of it is lost at once; ok is false where
// the catalog does not say enough.
func (p *Pass) storm(l *catalog.Lease, keeper graph.Node) (s closedform.LeaseStorm, ok bool) {
	r := l.Policy.Regrant
	servers, known := p.servers(keeper)
	if !l.Policy.Count.IsStated() || !r.Cost.IsStated() || !r.Deadline.IsStated() || !known {
		return s, false
	}
	s = closedform.LeaseStorm{
		Holders: float64(l.Policy.Count.V), Capacity: servers,
		Work: r.Cost.V.Seconds(), Deadline: r.Deadline.V.Seconds(),
	}
	if r.Pause.IsStated() {
		s.Pause = (r.Pause.V.Low.Seconds() + r.Pause.V.High.Seconds()) / 2
	}
	return s, s.Work > 0 && s.Deadline > 0
}

// servers is how much work a service does at once, in server-seconds per second: its
// concurrency, or what its capacity of requests of a stated service time comes to.
func (p *Pass) servers(v graph.Node) (float64, bool) {
	s := p.Graph.Service(v)
	if s.Capacity.IsStated() && s.ServiceTime.IsStated() {
		mean := (s.ServiceTime.V.Low.Seconds() + s.ServiceTime.V.High.Seconds()) / 2
		work := float64(s.Capacity.V) * mean
		if s.Concurrency.IsStated() {
			work = min(work, float64(s.Concurrency.V))
		}
		return work, true
	}
	return float64(s.Concurrency.V), s.Concurrency.IsStated()
}

func leaseStorms(p *Pass) {
	for i := range p.Catalog.Leases {
		l := &p.Catalog.Leases[i]
		keeper, _ := p.Graph.Node(l.Keeper)
		holder, _ := p.Graph.Node(l.Holder)
		r := l.Policy.Regrant
		if r.Pace.IsStated() || r.OnTimeout == "drop" || l.Policy.Lost == "nothing" {
			continue
		}
		if q := p.Graph.Service(keeper).Queue; q != nil && (q.Cancel || q.DropExpired) {
			continue
		}
		s, ok := p.storm(l, keeper)
		if !ok {
			if l.Policy.Count.IsStated() && r.Cost.IsStated() && r.Deadline.IsStated() {
				p.Lacks(keeper, "concurrency")
			}
			continue
		}
		if !s.Collapses() {
			continue
		}
		p.Report(Finding{
			Subject: "lease " + l.ID, Service: l.Keeper, At: l.At, Damage: p.Damage(holder),
			Message: fmt.Sprintf("%s can grant %s of %s lost leases of %s in one deadline of %s, and catches up by itself with %s at most: it has %s",
				l.Keeper, Amount(s.PerDeadline()), Amount(s.Holders), l.ID, Say(r.Deadline), Amount(s.Threshold()), SayCount(l.Policy.Count)),
			Path: []Step{
				{l.At, fmt.Sprintf("a lease made anew costs %s, and is asked for again after %s", Say(r.Cost), Say(r.Deadline))},
				p.At(keeper, "%s works on %s at once", l.Keeper, Amount(s.Capacity)),
				p.At(holder, "%s goes without", l.Holder),
			},
			Fix: fmt.Sprintf("Pace regrants at no more than %s: all are back after %s. Drop requests whose deadline has passed.",
				PerSecond(s.SafePace()), Seconds(s.PacedRecovery(s.SafePace()))),
		})
	}
}
