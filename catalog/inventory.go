package catalog

import "github.com/knockon/knockon/catalog/unit"

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
	used := make(map[string]bool)
	for i := range c.Services {
		s := &c.Services[i]
		// A tier is a name for importance, not a quantity.
		count(s.Load.Evidence, s.Capacity.Evidence, s.Concurrency.Evidence, s.ServiceTime.Evidence)
		if r := s.Replicas; r != nil {
			used["replicas"] = true
			count(r.Count.Evidence, r.AtLeast.Evidence)
		}
		if q := s.Queue; q != nil {
			used["queue"] = true
			count(q.Bound.Evidence, q.Deadline.Evidence, q.Retention.Evidence)
		}
		if t := s.Throttle; t != nil {
			used["throttle"] = true
			count(t.Rate.Evidence, t.Burst.Evidence)
		}
		if k := s.Cache; k != nil {
			used["cache"] = true
			count(k.TTL.Evidence, k.NegativeTTL.Evidence, k.StaleOnError.Evidence, k.HitRatio.Evidence)
		}
		used["load"] = used["load"] || s.Load.IsStated()
		used["capacity"] = used["capacity"] || s.Capacity.IsStated() || s.Concurrency.IsStated() || s.ServiceTime.IsStated()
		for j := range s.Needs {
			n := &s.Needs[j]
			count(n.TTL.Evidence, n.Within.Evidence, n.Timeout.Evidence, n.Calls.Evidence)
			used["timeout"] = used["timeout"] || n.Timeout.IsStated()
			used["calls"] = used["calls"] || n.Calls.IsStated() || n.Parallel
			used["shared"] = used["shared"] || n.Shared
			if r := n.Retry; r != nil {
				used["retry"] = true
				if r.Preset == "" {
					count(r.Attempts.Evidence, r.Base.Evidence, r.Factor.Evidence, r.Cap.Evidence)
				}
			}
			if b := n.Breaker; b != nil {
				used["breaker"] = true
				if b.Preset == "" {
					count(b.Errors.Evidence, b.Window.Evidence, b.Calls.Evidence, b.OpenFor.Evidence, b.Probes.Evidence)
				}
			}
		}
	}
	for i := range c.Leases {
		p := &c.Leases[i].Policy
		count(p.Count.Evidence, p.TTL.Evidence, p.Renew.Every.Evidence, p.Renew.Cost.Evidence, p.Regrant.Cost.Evidence, p.Regrant.Deadline.Evidence)
		used["regrant"] = used["regrant"] || p.Regrant.Cost.IsStated() || p.Regrant.Deadline.IsStated() || p.Regrant.OnTimeout != ""
		used["renew"] = used["renew"] || p.Renew.Every.IsStated() || p.Renew.Cost.IsStated()
	}
	for i := range c.HealthChecks {
		h := &c.HealthChecks[i].Policy
		used["health_check"] = true
		count(h.Interval.Evidence, h.Timeout.Evidence, h.Out.Evidence, h.In.Evidence, h.OnFail.TTL.Evidence, h.OnFail.MaxRemoved.Evidence, h.OnFail.FailOpen.Evidence)
		for _, t := range c.HealthChecks[i].Tests {
			count(t.Within.Evidence)
		}
	}
	for _, name := range []string{"breaker", "cache", "calls", "capacity", "health_check", "load", "queue", "regrant", "renew", "replicas", "retry", "shared", "throttle", "timeout"} {
		if used[name] {
			experimental = append(experimental, name)
		}
	}
	return evidence, experimental
}
