package study

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate/plan"
)

// Quantity is one number that a catalog could state and does not.
type Quantity struct {
	Service string
	Target  string // of a need, in words: "payments", "2 of kv-a, kv-b, kv-c"; empty for a number of the service
	Key     string // as a catalog writes it
	Value   string // that is assumed, as a catalog writes it
	Why     string // from what it was derived
	TOML    string // what to write in order to state it; lines end with "\n" but for the last
	At      diag.Span

	service   int
	need      int // in canonical order; -1 for a number of the service
	low, high end // nil: nothing to try there
}

// Varied reports whether there is a range to try.
func (q *Quantity) Varied() bool { return q.low != nil || q.high != nil }

func (q *Quantity) String() string {
	if q.Target == "" {
		return q.Key + " of " + q.Service
	}
	return q.Key + " of " + q.Service + " -> " + q.Target
}

// tested reports whether a health check tests a service.
func tested(c *catalog.Catalog, service string) bool {
	return slices.ContainsFunc(c.HealthChecks, func(h catalog.HealthCheck) bool {
		return slices.ContainsFunc(h.Tests, func(t catalog.Tested) bool { return t.Service == service && !t.Fresh })
	})
}

// quantities are what is assumed, one for each place of the catalog where it could
// be stated: a group of alternatives states its time-out once for all its members.
func quantities(c *catalog.Catalog, assumed []plan.Assumption) []Quantity {
	type place struct {
		service, need int
		key           string
	}
	seen := make(map[place]bool)
	service := make(map[string]int, len(c.Services))
	for i := range c.Services {
		service[c.Services[i].ID] = i
	}
	numbers := make([]known, len(c.Services))
	for _, a := range assumed {
		if v := service[a.Service]; a.Need == "" {
			if numbers[v] == nil {
				numbers[v] = make(known)
			}
			numbers[v][a.Key] = a.Value
		}
	}
	var all []Quantity
	add := func(a *plan.Assumption, v, j int) {
		p := place{v, j, a.Key}
		if seen[p] {
			return
		}
		seen[p] = true
		q := Quantity{Service: a.Service, Key: a.Key, Value: a.Value, Why: a.Why, At: c.Services[v].At, service: v, need: j}
		if j >= 0 {
			n := &c.Services[v].Needs[j]
			q.Target, q.At = targetText(n), n.At
		}
		var stated *level
		stated, q.low, q.high = q.levels(numbers[v])
		line := q.Key + " = " + strconv.Quote(q.Value)
		if stated != nil {
			line = stated.line
			q.low, q.high = unless(q.low, stated), unless(q.high, stated)
		}
		q.TOML = q.snippet(c, line)
		all = append(all, q)
	}
	for i := range assumed {
		a := &assumed[i]
		if a.Key == "replicas" && tested(c, a.Service) || strings.HasPrefix(a.Key, "health_check.") {
			continue // how many are tested, and how, is a decision and not a measurement
		}
		if strings.HasPrefix(a.Key, "lease.") {
			continue // it is not stated in a service
		}
		v := service[a.Service]
		if a.Need == "" {
			add(a, v, -1)
			continue
		}
		for j := range c.Services[v].Needs {
			if open(&c.Services[v].Needs[j], a) {
				add(a, v, j)
			}
		}
	}
	return all
}

// unless is an end, or nil where it is what is assumed already.
func unless(e end, assumed *level) end {
	if e == nil || e(1).text == assumed.text {
		return nil
	}
	return e
}

// open reports whether a need is the one, or one of those, of which something is
// assumed.
func open(n *catalog.Need, a *plan.Assumption) bool {
	if n.To != catalog.ToServe || n.Fresh || !slices.Contains(n.Targets, a.Need) && n.Fallback != a.Need {
		return false
	}
	switch a.Key {
	case "timeout":
		return n.Mode == catalog.Sync && !n.Timeout.IsStated()
	case "retry":
		return n.Mode == catalog.Sync && n.Retry == nil
	case "retry.attempts":
		return n.Retry != nil && !n.Retry.Attempts.IsStated()
	case "retry.base":
		return n.Retry != nil && !n.Retry.Base.IsStated()
	case "retry.backoff":
		return n.Retry != nil && n.Retry.Backoff == ""
	case "cache.hit_ratio":
		return n.Cache != nil && !n.Cache.HitRatio.IsStated() && !n.Cache.Keys.IsStated()
	case "cache.ttl":
		return n.Cache != nil && !n.Cache.TTL.IsStated()
	case "calls":
		return !n.Calls.IsStated() && slices.Contains(n.Targets, a.Need)
	}
	return true
}

func targetText(n *catalog.Need) string {
	if n.IsGroup() {
		return fmt.Sprintf("%d of %s", n.AtLeast, strings.Join(n.Targets, ", "))
	}
	return n.Targets[0]
}

// snippet is what a catalog says in order to state it: the table of a service with
// the line, or the need with its key.
func (q *Quantity) snippet(c *catalog.Catalog, line string) string {
	if q.need < 0 {
		return "[service." + bareKey(q.Service) + "]\n" + line
	}
	n := &c.Services[q.service].Needs[q.need]
	if n.IsGroup() {
		names := make([]string, len(n.Targets))
		for i, t := range n.Targets {
			names[i] = quoted(t)
		}
		return fmt.Sprintf("{ at_least = %d, of = [%s], %s }", n.AtLeast, strings.Join(names, ", "), line)
	}
	return "{ on = " + quoted(n.Targets[0]) + ", " + line + " }"
}

var bare = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func bareKey(id string) string {
	if bare.MatchString(id) {
		return id
	}
	return quoted(id)
}

// quoted is a basic string of TOML, with nothing in it that a terminal obeys.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case diag.IsHidden(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
