package out

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// facts collects what is stated, in words; what is not stated leaves no trace.
type facts [][2]string

func (f *facts) add(name, value string) {
	if value != "" {
		*f = append(*f, [2]string{name, value})
	}
}

// quantity prints a value with what is known about it: "3m..3h (guess)".
func quantity[T any](v unit.Value[T]) string {
	switch v.Evidence {
	case unit.NotStated:
		return ""
	case unit.Stated:
		return fmt.Sprint(v.V)
	case unit.Documented:
		return fmt.Sprintf("%v (documented: %s)", v.V, v.Source)
	}
	if v.Source != "" {
		return fmt.Sprintf("%v (%s: %s)", v.V, v.Evidence, v.Source)
	}
	return fmt.Sprintf("%v (%s)", v.V, v.Evidence)
}

// named prints "name value" for the parts of a policy that are stated.
func named(parts ...string) string {
	var said []string
	for i := 0; i < len(parts); i += 2 {
		if parts[i+1] != "" {
			said = append(said, parts[i]+" "+parts[i+1])
		}
	}
	return strings.Join(said, ", ")
}

func serviceFacts(s *catalog.Service) [][2]string {
	var f facts
	f.add("kind", s.Kind.String())
	f.add("group", s.Group)
	f.add("owner", s.Owner)
	f.add("tier", quantity(s.Tier))
	if s.Weight != 1 {
		f.add("weight", number(s.Weight))
	}
	if s.FailsAs != catalog.FailsDown {
		f.add("fails as", s.FailsAs.String())
	}
	f.add("load", quantity(s.Load))
	f.add("patience", quantity(s.Patience))
	f.add("capacity", quantity(s.Capacity))
	f.add("concurrency", quantity(s.Concurrency))
	f.add("service time", quantity(s.ServiceTime))
	if r := s.Replicas; r != nil {
		f.add("replicas", named("count", quantity(r.Count), "at least", quantity(r.AtLeast), "zones", strings.Join(r.Zones, " ")))
	}
	if q := s.Queue; q != nil {
		f.add("queue", queueFacts(q))
	}
	if t := s.Throttle; t != nil {
		f.add("throttle", named("rate", quantity(t.Rate), "burst", quantity(t.Burst)))
	}
	if x := s.Shed; x != nil {
		f.add("shed", named("above", quantity(x.Above)))
	}
	f.add("cache", cacheFacts(s.Cache))
	if a := s.Autoscale; a != nil {
		f.add("autoscale", named("target", quantity(a.Target), "every", quantity(a.Every), "delay", quantity(a.Delay), "min", quantity(a.Min), "max", quantity(a.Max), "down after", quantity(a.DownAfter)))
	}
	if o := s.Turnover; o != nil {
		f.add("turnover", named("lifetime", quantity(o.Lifetime), "start", quantity(o.Start), "terminate first", yes(o.TerminateFirst)))
	}
	if r := s.Recovery; r != nil {
		f.add("recovery", named("by", r.By, "after", quantity(r.After), "rate", quantity(r.Rate), "start", quantity(r.Start)))
	}
	if r := s.Deferred; r != nil {
		until := ""
		if r.UntilRecovery {
			until = "recovery"
		}
		f.add("deferred", named("share", quantity(r.Share), "after", quantity(r.After), "until", until, "over", quantity(r.Over)))
	}
	f.add("rehearsed", s.Rehearsed)
	f.add("source", strings.Join(s.Sources, ", "))
	return f
}

func needFacts(e *graph.Need) [][2]string {
	var f facts
	if l := e.Lease; l != nil {
		f.add("ttl", quantity(l.Policy.TTL))
		f.add("count", quantity(l.Policy.Count))
		f.add("lost", l.Policy.Lost)
		f.add("cold", yes(l.Policy.Cold))
		n, r := &l.Policy.Renew, &l.Policy.Regrant
		f.add("renew", named("every", quantity(n.Every), "cost", quantity(n.Cost), "timeout", quantity(n.Timeout)))
		f.add("regrant", named("cost", quantity(r.Cost), "deadline", quantity(r.Deadline), "on timeout", r.OnTimeout, "pace", quantity(r.Pace), "pause", quantity(r.Pause)))
		f.add("regrant again", retryFacts(r.Retry))
		return f
	}
	n := e.Declared
	f.add("ttl", quantity(n.TTL))
	f.add("within", quantity(n.Within))
	f.add("timeout", quantity(n.Timeout))
	f.add("calls", quantity(n.Calls))
	if n.Parallel {
		f.add("parallel", "the calls go out at once")
	}
	f.add("retry", retryFacts(n.Retry))
	f.add("budget", budgetFacts(n.Retry))
	f.add("breaker", breakerFacts(n.Breaker))
	f.add("bulkhead", bulkheadFacts(n.Bulkhead))
	f.add("limit", limitFacts(n.Limit))
	f.add("cache", cacheFacts(n.Cache))
	f.add("clients", quantity(n.Clients))
	f.add("priority", quantity(n.Priority))
	f.add("share", share(n.Share))
	if n.Believes {
		f.add("validates", "no: a wrong answer is believed")
	}
	if n.Shared {
		f.add("shared", "the same one behind every replica")
	}
	return f
}

func queueFacts(q *policy.Queue) string {
	if q.Preset != "" {
		return "preset " + q.Preset
	}
	return named("bound", quantity(q.Bound), "discipline", q.Discipline, "target", quantity(q.Target), "interval", quantity(q.Interval),
		"classes", q.Classes, "deadline", quantity(q.Deadline), "cancel", yes(q.Cancel), "drop expired", yes(q.DropExpired), "margin", quantity(q.Margin),
		"reject cost", quantity(q.RejectCost), "retention", quantity(q.Retention), "visibility", quantity(q.Visibility), "max receives", quantity(q.MaxReceives))
}

// yes prints a switch that is on.
func yes(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

func retryFacts(r *policy.Retry) string {
	switch {
	case r == nil:
		return ""
	case r.Preset != "":
		return "preset " + r.Preset
	}
	return named("attempts", quantity(r.Attempts), "backoff", r.Backoff, "base", quantity(r.Base), "factor", quantity(r.Factor), "cap", quantity(r.Cap), "jitter", quantity(r.Jitter), "deadline", quantity(r.Deadline))
}

// budgetFacts says what pays for retries. It has a line of its own, as its values
// have names that a retry policy has too; a preset of retries includes it.
func budgetFacts(r *policy.Retry) string {
	if r == nil || r.Preset != "" || r.Budget == nil {
		return ""
	}
	b := r.Budget
	if b.Preset != "" {
		return "preset " + b.Preset
	}
	return named("ratio", quantity(b.Ratio), "min rate", quantity(b.MinRate), "cap", quantity(b.Cap),
		"max tokens", quantity(b.MaxTokens), "token ratio", quantity(b.TokenRatio),
		"quota", quantity(b.Quota), "cost", quantity(b.Cost), "timeout cost", quantity(b.TimeoutCost), "refund", quantity(b.Refund),
		"active", quantity(b.Active), "min active", quantity(b.MinActive), "max active", quantity(b.MaxActive))
}

func breakerFacts(b *policy.Breaker) string {
	switch {
	case b == nil:
		return ""
	case b.Preset != "":
		return "preset " + b.Preset
	}
	return named("errors", quantity(b.Errors), "window", quantity(b.Window), "ring", quantity(b.Ring), "in a row", quantity(b.InARow), "calls", quantity(b.Calls), "open for", quantity(b.OpenFor), "probes", quantity(b.Probes))
}

func bulkheadFacts(b *policy.Bulkhead) string {
	switch {
	case b == nil:
		return ""
	case b.Preset != "":
		return "preset " + b.Preset
	}
	return named("concurrent", quantity(b.Concurrent), "max wait", quantity(b.MaxWait))
}

func limitFacts(l *policy.ClientThrottle) string {
	switch {
	case l == nil:
		return ""
	case l.Preset != "":
		return "preset " + l.Preset
	}
	return named("k", quantity(l.K), "window", quantity(l.Window), "rate", quantity(l.Rate), "burst", quantity(l.Burst))
}

func cacheFacts(c *policy.Cache) string {
	if c == nil {
		return ""
	}
	coalesce := yes(c.Coalesce)
	if c.CoalesceStated && !c.Coalesce {
		coalesce = "no"
	}
	return named("ttl", quantity(c.TTL), "negative ttl", quantity(c.NegativeTTL), "stale on error", quantity(c.StaleOnError), "hit ratio", quantity(c.HitRatio),
		"keys", quantity(c.Keys), "pinned", quantity(c.Pinned), "keepalive", quantity(c.Keepalive), "coalesce", coalesce, "cold", yes(c.Cold))
}

// share prints a share of a capacity as a catalog writes it.
func share(v unit.Value[float64]) string {
	return quantity(unit.Value[unit.Ratio]{V: unit.Ratio(v.V), Evidence: v.Evidence, Source: v.Source})
}
