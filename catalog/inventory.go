package catalog

import (
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// Inventory counts the quantities of the catalog by how they are known (not stated
// ones are not counted) and names, sorted, the policies in it that are read and
// checked but used by no engine yet.
func (c *Catalog) Inventory() (evidence [5]int, experimental []string) {
	count := func(es ...unit.Evidence) {
		for _, e := range es {
			if e != unit.NotStated {
				evidence[e]++
			}
		}
	}
	shared := false
	for i := range c.Services {
		s := &c.Services[i]
		// A tier is a name for importance, not a quantity.
		count(s.Load.Evidence, s.Patience.Evidence, s.Capacity.Evidence, s.Concurrency.Evidence, s.ServiceTime.Evidence)
		if r := s.Replicas; r != nil {
			count(r.Count.Evidence, r.AtLeast.Evidence)
		}
		if q := s.Queue; q != nil && q.Preset == "" {
			count(q.Bound.Evidence, q.Deadline.Evidence, q.Retention.Evidence, q.Margin.Evidence, q.RejectCost.Evidence,
				q.Target.Evidence, q.Interval.Evidence, q.Visibility.Evidence, q.MaxReceives.Evidence)
		}
		if t := s.Throttle; t != nil {
			count(t.Rate.Evidence, t.Burst.Evidence)
		}
		if x := s.Shed; x != nil {
			count(x.Above.Evidence)
		}
		countCache(s.Cache, count)
		countLife(s, count)
		for j := range s.Needs {
			n := &s.Needs[j]
			// A priority is a name for importance, as a tier is.
			count(n.TTL.Evidence, n.Within.Evidence, n.Timeout.Evidence, n.Calls.Evidence, n.Clients.Evidence, n.Share.Evidence)
			shared = shared || n.Shared
			countPolicies(n, count)
		}
	}
	for i := range c.Leases {
		p := &c.Leases[i].Policy
		count(p.Count.Evidence, p.TTL.Evidence, p.Renew.Every.Evidence, p.Renew.Cost.Evidence, p.Renew.Timeout.Evidence,
			p.Regrant.Cost.Evidence, p.Regrant.Deadline.Evidence, p.Regrant.Pace.Evidence, p.Regrant.Pause.Evidence)
		if r := p.Regrant.Retry; r != nil {
			countRetry(r, count)
		}
	}
	for i := range c.HealthChecks {
		h := &c.HealthChecks[i].Policy
		count(h.Interval.Evidence, h.Timeout.Evidence, h.Out.Evidence, h.In.Evidence, h.Cost.Evidence,
			h.OnFail.TTL.Evidence, h.OnFail.MaxRemoved.Evidence, h.OnFail.FailOpen.Evidence, h.OnFail.Rate.Evidence)
		for _, t := range c.HealthChecks[i].Tests {
			count(t.Within.Evidence)
		}
	}
	if shared {
		experimental = append(experimental, "shared")
	}
	return evidence, experimental
}

// countPolicies counts the quantities of a need's policies. A preset counts for
// nothing: its values are the software's, and none that the catalog vouches for.
func countPolicies(n *Need, count func(...unit.Evidence)) {
	if r := n.Retry; r != nil && r.Preset == "" {
		countRetry(r, count)
		if b := r.Budget; b != nil && b.Preset == "" {
			countBudget(b, count)
		}
	}
	if b := n.Breaker; b != nil && b.Preset == "" {
		count(b.Errors.Evidence, b.Window.Evidence, b.Ring.Evidence, b.InARow.Evidence, b.Calls.Evidence, b.OpenFor.Evidence, b.Probes.Evidence)
	}
	if b := n.Bulkhead; b != nil && b.Preset == "" {
		count(b.Concurrent.Evidence, b.MaxWait.Evidence)
	}
	if l := n.Limit; l != nil && l.Preset == "" {
		count(l.K.Evidence, l.Window.Evidence, l.Rate.Evidence, l.Burst.Evidence)
	}
	countCache(n.Cache, count)
}

func countRetry(r *policy.Retry, count func(...unit.Evidence)) {
	count(r.Attempts.Evidence, r.Base.Evidence, r.Factor.Evidence, r.Cap.Evidence, r.Jitter.Evidence, r.Deadline.Evidence)
}

func countCache(k *policy.Cache, count func(...unit.Evidence)) {
	if k != nil {
		count(k.TTL.Evidence, k.NegativeTTL.Evidence, k.StaleOnError.Evidence, k.HitRatio.Evidence,
			k.Keys.Evidence, k.Pinned.Evidence, k.Keepalive.Evidence)
	}
}

// countLife counts what says how a service's instances come and go, and its
// requests come again.
func countLife(s *Service, count func(...unit.Evidence)) {
	if a := s.Autoscale; a != nil {
		count(a.Target.Evidence, a.Every.Evidence, a.Delay.Evidence, a.Min.Evidence, a.Max.Evidence, a.DownAfter.Evidence)
	}
	if o := s.Turnover; o != nil {
		count(o.Lifetime.Evidence, o.Start.Evidence)
	}
	if r := s.Recovery; r != nil {
		count(r.After.Evidence, r.Rate.Evidence, r.Start.Evidence)
	}
	if r := s.Deferred; r != nil {
		count(r.Share.Evidence, r.After.Evidence, r.Over.Evidence)
	}
}

func countBudget(b *policy.RetryBudget, count func(...unit.Evidence)) {
	count(b.Ratio.Evidence, b.MinRate.Evidence, b.Cap.Evidence,
		b.MaxTokens.Evidence, b.TokenRatio.Evidence,
		b.Quota.Evidence, b.Cost.Evidence, b.TimeoutCost.Evidence, b.Refund.Evidence,
		b.Active.Evidence, b.MinActive.Evidence, b.MaxActive.Evidence)
}
