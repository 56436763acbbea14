package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO103",
	Name:     "redundancy-not-independent",
	Severity: Error,
	Summary:  "Alternatives that are to stand in for each other are lost together.",
	Looks: `A need of at_least k of n with k < n, and one service without which more than n - k of the ` +
		`alternatives cannot do (along hard needs to serve, however many). The services nearest to the ` +
		`alternatives are named.`,
	Why: "Redundancy protects from faults of the alternatives themselves and from nothing that they have " +
		"in common. What they share decides how available the group is, however many there are of them.",
	Taught: "AWS, 19 October 2025: three independent DNS Enactors in three zones, and one shared store of " +
		"plans: when the current plan was deleted none of the three could go on " +
		"(aws.amazon.com/message/101925).",
	FalseAlarm: "What they share is itself independent for each of them (a zonal service declared as one): " +
		"declare it once for each zone.",
	Fix:   "Give each alternative its own, or make the need on what they share soft (if_lost = \"stale\" with what was last known).",
	Check: dependentRedundancy,
})

func dependentRedundancy(p *Pass) {
	seen := make(map[string]bool) // groups with the same members are one finding
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			members := p.Graph.Targets(n)
			spare := len(members) - n.AtLeast()
			if n.Lease != nil || n.AtLeast() == 0 || spare < 1 {
				continue
			}
			key := fmt.Sprint(n.AtLeast(), members)
			if seen[key] {
				continue
			}
			seen[key] = true
			shared := p.Shared(members, spare)
			if len(shared) == 0 {
				continue
			}
			f := Finding{
				Subject: p.Graph.ID(v) + " -> " + strings.Join(p.ids(members), "|"),
				Service: p.Graph.ID(v), At: n.Declared.At,
				Message: fmt.Sprintf("%s needs %d of %d (%s), and more of them than the %d it can spare are lost with %s alone",
					p.Graph.ID(v), n.AtLeast(), len(members), p.Names(members), spare, or(p.ids(shared))),
			}
			if spare+1 == len(members) {
				f.Message = fmt.Sprintf("%s needs %d of %d (%s), and all of them are lost with %s alone",
					p.Graph.ID(v), n.AtLeast(), len(members), p.Names(members), or(p.ids(shared)))
			}
			for _, m := range members {
				if r := p.Relies(m); r.On(shared[0]) {
					f.Path = append(f.Path, p.Path(r, shared[0])...)
				}
			}
			for _, s := range shared {
				f.Damage = max(f.Damage, p.Damage(s))
			}
			p.Report(f)
		}
	}
}

// mostShared bounds how many common services are looked at: the comparison of each with
// each is for the few that are the nearest.
const mostShared = 32

// Shared returns the services without which more than spare of some services cannot
// do. Those that only others of them lead to are left out.
func (f *Facts) Shared(members []graph.Node, spare int) []graph.Node {
	if f.count == nil {
		f.count = make([]int32, f.Graph.Len())
	}
	var shared, touched []graph.Node
	touch := func(v graph.Node) {
		if f.count[v]++; f.count[v] == 1 {
			touched = append(touched, v)
		} else if int(f.count[v]) == spare+1 {
			shared = append(shared, v)
		}
	}
	for _, m := range members {
		touch(m) // a member may itself be what another cannot do without
		for _, t := range f.Relies(m).Nodes {
			touch(t)
		}
	}
	for _, v := range touched {
		f.count[v] = 0
	}
	if len(shared) > mostShared {
		shared = shared[:mostShared] // the nearest
	}
	slices.Sort(shared)
	// Of a chain only the nearest: what another shared service cannot do without is
	// no news.
	return slices.DeleteFunc(slices.Clone(shared), func(v graph.Node) bool {
		return slices.ContainsFunc(shared, func(u graph.Node) bool {
			// In a cycle, the first by name stands for all.
			return u != v && f.Relies(u).On(v) && (u < v || !f.Relies(v).On(u))
		})
	})
}

// or joins words of which each is enough.
func or(words []string) string {
	if len(words) == 2 {
		return words[0] + " or " + words[1]
	}
	return strings.Replace(List(words), " and ", " or ", 1)
}
