package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO106",
	Name:     "cross-region-need",
	Severity: Error,
	Summary:  "What stands in one Region cannot serve without something that stands in another, or only once for all.",
	Looks: `A hard, synchronous need to serve from a service of one Region on a service of another or of none. The Region ` +
		`of a service is the part of its group that is the code of one (us-east-1, europe-west1), that ` +
		`has the word Region in it, or that "regions" lists. Where no group names a Region nothing is ` +
		`found. One finding for each target.`,
	Why: "Regions are there to fail one at a time. A need that crosses them carries the failure of one into " +
		"all, and a service that exists once fails for the world.",
	Taught: "AWS, 20 October 2025: IAM users could not log in to Redshift in any Region, because their " +
		"groups were looked up in us-east-1 (aws.amazon.com/message/101925).",
	FalseAlarm: "The target is made of independent parts in all Regions (anycast DNS): declare a part for " +
		"each, or a soft need.",
	Fix: "Ask a copy in the same Region, or go on with what was last known (if_lost = \"stale\").",
	Params: []Param{
		{"regions", []string{}, "parts of group names that are Regions, beside those that look like one"},
	},
	Check: crossRegionNeeds,
})

// regionName is the code of a Region of a public cloud, or a name with the word in it.
var regionName = regexp.MustCompile(`(?i)^[a-z]{2,}(-[a-z]+)*-?(north|south|east|west|central)+\d+[a-z]?$|^[a-z]{2}(-[a-z]+)*-(north|south|east|west|central)+-\d$|\bregions?\b`)

// region is the part of a group that names a Region; "" without one.
func region(group string, also []string) string {
	for part := range strings.SplitSeq(group, "/") {
		if slices.Contains(also, part) || regionName.MatchString(part) {
			return part
		}
	}
	return ""
}

func crossRegionNeeds(p *Pass) {
	also := p.Words("regions")
	regions := make([]string, p.Graph.Len())
	for v := range graph.Node(p.Graph.Len()) {
		regions[v] = region(p.Graph.Service(v).Group, also)
	}
	for v := range graph.Node(p.Graph.Len()) {
		var users []graph.Node
		var f Finding
		for n := range p.Graph.Users(v) {
			if regions[n.From] == "" || regions[n.From] == regions[v] || !hardToServe(n) {
				continue
			}
			if len(users) == 0 {
				f.At = n.Declared.At
			}
			users = append(users, n.From)
			f.Path = append(f.Path, p.Needs(n, v))
			f.Damage += p.Graph.Service(n.From).Weight
		}
		if len(users) == 0 {
			continue
		}
		where := "in no Region"
		if regions[v] != "" {
			where = "in " + regions[v]
		}
		f.Subject, f.Service = p.Graph.ID(v), p.Graph.ID(users[0])
		f.Message = fmt.Sprintf("%s in %s cannot serve without %s, which stands %s", p.Names(users), regions[users[0]], f.Subject, where)
		f.Damage = max(f.Damage, p.Damage(v))
		p.Report(f)
	}
}
