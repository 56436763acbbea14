package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/graph"
)

var notStated = register(Rule{
	ID:       "KO404",
	Name:     "not-stated",
	Severity: Note,
	Summary:  "Rules could not decide, because the catalog does not state a number they need.",
	Looks: `While the other rules run, each notes the number that it needs and that nobody has stated. There ` +
		`is one finding for all of them: how many they are, and the "most" that hang most on, by the damage of the ` +
		`services and the rules that asked.`,
	Why: "What is not stated is neither right nor wrong: nobody knows. An audit that is silent for want of " +
		"numbers is no clean bill of health.",
	Taught: "The tables of AWS, 20 October 2025, that nobody outside has: lease lengths and numbers of servers decide " +
		"how long such an outage takes, and they are guesses in the built-in catalog.",
	FalseAlarm: "The number cannot be had, and a guess is of no use. Then live with it: this is a note.",
	Fix:        `Write the numbers listed first, as a guess if need be: { guess = "200ms" }. "knockon ask" plays which of them changes an outage most.`,
	Params: []Param{
		{"most", int64(5), "how many numbers are listed"},
	},
})

func init() { notStated.Check = sumUpNotStated }

// lack is a number that rules asked for and that is not stated.
type lack struct {
	subject, key string
	step         Step
	damage       float64
	rules        []string
}

// Lacks notes that the rule cannot decide for want of a number of a service. Nothing is
// found then; KO404 says once for all rules which numbers are missing.
func (p *Pass) Lacks(v graph.Node, key string) {
	p.lacks(p.Graph.ID(v), key, p.At(v, "%s of %s", key, p.Graph.ID(v)), v)
}

// LacksOf is Lacks for a number of a need or a lease.
func (p *Pass) LacksOf(n *graph.Need, key string) {
	subject := p.Graph.ID(n.From) + " -> " + strings.Join(p.ids(p.Graph.Targets(n)), "|")
	at := p.Graph.Service(n.From).At
	switch {
	case n.Lease != nil:
		subject, at = "lease "+n.Lease.ID, n.Lease.At
	case n.Declared != nil:
		at = n.Declared.At
	}
	p.lacks(subject, key, Step{at, key + " of " + subject}, n.From)
}

func (p *Pass) lacks(subject, key string, step Step, v graph.Node) {
	if p.lacking == nil {
		p.lacking = make(map[[2]string]*lack)
	}
	l := p.lacking[[2]string{subject, key}]
	if l == nil {
		l = &lack{subject: subject, key: key, step: step, damage: p.Damage(v)}
		p.lacking[[2]string{subject, key}] = l
	}
	if !slices.Contains(l.rules, p.rule.ID) {
		l.rules = append(l.rules, p.rule.ID)
	}
}

func sumUpNotStated(p *Pass) {
	var all []*lack
	for _, l := range p.lacking {
		all = append(all, l)
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b *lack) int {
		return cmp.Or(
			cmp.Compare(b.damage*float64(len(b.rules)), a.damage*float64(len(a.rules))),
			strings.Compare(a.subject, b.subject), strings.Compare(a.key, b.key))
	})
	f := Finding{Subject: "not-stated"}
	var words []string
	for _, l := range all[:min(len(all), p.Count("most"))] {
		words = append(words, l.key+" of "+l.subject)
		l.step.Text += ", for " + List(l.rules)
		f.Path = append(f.Path, l.step)
	}
	f.Message = fmt.Sprintf("rules asked for %s that are not stated; most hangs on %s", Plural(len(all), "number"), strings.Join(words, ", "))
	if len(all) == 1 {
		f.Message = "rules asked for a number that is not stated: " + words[0]
	}
	p.Report(f)
}
