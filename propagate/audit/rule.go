package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/unit"
)

// Severity says how much a finding matters, in the words of SARIF.
type Severity uint8

// Severities, worst first.
const (
	Error   Severity = iota // an outage waiting for its trigger
	Warning                 // makes an outage larger or longer
	Note                    // worth knowing
)

// SeverityWords are the severities as people and formats write them, by value.
var SeverityWords = []string{"error", "warning", "note"}

func (s Severity) String() string { return SeverityWords[s] }

// Rule is one thing the audit looks for: data, and one function. It stands in a file
// of its own, which registers it; help texts, pages, SARIF and the command line are
// made from it.
type Rule struct {
	ID       string   // KO1xx structure, KO2xx time-outs and retries, KO3xx state and recovery, KO4xx the catalog itself
	Name     string   // in words with hyphens
	Severity Severity // where the configuration says nothing else

	Summary    string // what is wrong, in one sentence
	Looks      string // the exact condition, as one would check it by hand
	Why        string // why it matters
	Taught     string // the incident that taught it, with its source
	FalseAlarm string // when a finding is none
	Fix        string // what to do
	Params     []Param

	Check func(*Pass)
}

// Param is a number or a list of words of a rule that a configuration can set.
type Param struct {
	Key     string
	Default any // int64, float64, unit.Duration, unit.Ratio or []string
	What    string
}

// String prints the default as a configuration writes it.
func (p Param) String() string {
	switch v := p.Default.(type) {
	case unit.Duration, unit.Ratio:
		return fmt.Sprintf("%q", v)
	case []string:
		quoted := make([]string, len(v))
		for i, w := range v {
			quoted[i] = fmt.Sprintf("%q", w)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return fmt.Sprint(p.Default)
}

// registry holds the rules that come with knockon, in the order in which Go
// initialises files; Rules sorts them.
var registry []*Rule

// register adds a rule. Each rule's file calls it once, so that to add a rule is to
// add a file.
func register(r Rule) *Rule {
	registry = append(registry, &r)
	return &r
}

// Rules returns the rules that come with knockon, sorted by ID.
func Rules() []*Rule {
	rules := slices.Clone(registry)
	slices.SortFunc(rules, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

// RuleNamed returns the rule with an ID or a name, in any case of letters.
func RuleNamed(word string) (*Rule, bool) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r *Rule) bool {
		return strings.EqualFold(r.ID, word) || strings.EqualFold(r.Name, word)
	})
	if i < 0 {
		return nil, false
	}
	return rules[i], true
}
