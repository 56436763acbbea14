package plan

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/scenario"
)

// What is assumed of a need, and of a retry that leaves it open.
const (
	AssumedCalls    = 1.0 // per request
	AssumedAttempts = 3   // the first included
	AssumedBackoff  = "full-jitter"
	AssumedBase     = mech.AssumedBase // seconds before the first retry
)

// Assumptions is every number that a run of a scenario takes for granted: those a
// Result lists, and those that no result lists because every catalog has them, such
// as one call per request. They stand by service, need and key. An error is a fault
// of the catalog.
func Assumptions(c *catalog.Catalog, sc *scenario.Scenario) ([]Assumption, error) {
	p, err := New(c, sc)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(p.Assumptions)
	place := func(a, b Assumption) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Need, b.Need), cmp.Compare(a.Key, b.Key))
	}
	said := len(all)
	for i := range c.Services {
		s := &c.Services[i]
		for j := range s.Needs {
			for _, a := range tacit(s, &s.Needs[j]) {
				if _, known := slices.BinarySearchFunc(all[:said], a, place); !known {
					all = append(all, a)
				}
			}
		}
	}
	slices.SortStableFunc(all, place)
	return slices.CompactFunc(all, func(a, b Assumption) bool { return a == b }), nil
}

// tacit is what is assumed of a need without a word. What is external makes a call
// for each request: its load is said in calls.
func tacit(s *catalog.Service, n *catalog.Need) (all []Assumption) {
	if n.To != catalog.ToServe || n.Fresh {
		return nil
	}
	for _, target := range n.Targets {
		add := func(key, value, why string) {
			all = append(all, Assumption{s.ID, target, key, value, why})
		}
		if !n.Calls.IsStated() && s.Kind != catalog.KindExternal {
			add("calls", strconv.FormatFloat(AssumedCalls, 'f', -1, 64), "not stated: one a request")
		}
		r := n.Retry
		if r == nil {
			continue
		}
		if !r.Attempts.IsStated() {
			add("retry.attempts", strconv.Itoa(AssumedAttempts), "not stated")
		}
		if !r.Base.IsStated() && r.Backoff != "none" && r.Attempts.Or(AssumedAttempts) > 1 {
			add("retry.base", unit.FromSeconds(AssumedBase).String(), "not stated")
		}
	}
	return all
}
