package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO308",
	Name:     "unfenced-automation",
	Severity: Error,
	Summary:  "What automation writes is served as it is: nothing stops it from publishing nothing, or deleting what is live.",
	Looks: `A service of kind "control-plane" or "worker" whose answers are believed even when they are wrong (validates = false) by what ` +
		`serves requests, synchronously or when something changes. Writers that are believed by the same are one finding.`,
	Why: "Automation acts everywhere within seconds and does not wonder at an empty list. What reads its output is the last place where " +
		"an empty, old or absurd one can be refused.",
	Taught: "AWS, 19 October 2025: a late DNS Enactor put an old plan over a newer one, a clean-up deleted that plan as out of date, and the record of DynamoDB " +
		"was left empty; no check stood between (aws.amazon.com/message/101925).",
	FalseAlarm: "The check stands with the writer, in a process that does not share its fault: declare the need with validates = true.",
	Fix: "Refuse what is empty or much smaller than before, compare generations before an overwrite and before a deletion, keep the last good version, " +
		"and limit how much may change at once.",
	Check: unfencedAutomation,
})

func unfencedAutomation(p *Pass) {
	type group struct {
		writers, readers []graph.Node
		path             []Step
	}
	var groups []*group
	for v := range graph.Node(p.Graph.Len()) {
		if kind := p.Graph.Service(v).Kind; kind != catalog.KindControl && kind != catalog.KindWorker {
			continue
		}
		readers, path := p.believersOf(v, func(n *graph.Need) bool {
			to := n.Declared.To
			return !n.Declared.Fresh && (to == catalog.ToServe || to == catalog.ToChange)
		})
		if len(readers) == 0 {
			continue
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return slices.Equal(g.readers, readers) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{readers: readers})
		}
		groups[i].writers = append(groups[i].writers, v)
		groups[i].path = append(groups[i].path, path...)
	}
	for _, g := range groups {
		writes := "writes"
		if len(g.writers) > 1 {
			writes = "write"
		}
		p.Report(Finding{
			Subject: strings.Join(p.ids(g.readers), "|") + " by " + strings.Join(p.ids(g.writers), "|"),
			Service: p.Graph.ID(g.readers[0]), At: g.path[0].At, Path: g.path, Damage: p.worstOf(g.readers),
			Message: fmt.Sprintf("whatever %s %s reaches %s, right or wrong: an empty result too", p.Names(g.writers), writes, p.Names(g.readers)),
		})
	}
}
