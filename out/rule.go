package out

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/propagate/audit"
)

// Rule explains one rule of the audit: a report.
type Rule struct{ *audit.Rule }

func (*Rule) kind() string { return "rule" }

// section is a part of the explanation of a rule.
type section struct{ title, text string }

func (r *Rule) sections() []section {
	all := []section{
		{"What is looked for", r.Looks},
		{"Why it matters", r.Why},
		{"What taught it", r.Taught},
		{"When it is a false alarm", r.FalseAlarm},
		{"What to do", r.Fix},
	}
	return slices.DeleteFunc(all, func(s section) bool { return s.text == "" }) // as in a user's own rule
}

func (r *Rule) text(b *strings.Builder, o Options) {
	paragraph(b, fmt.Sprintf("%s %s (%s)", r.ID, r.Name, r.Severity), bold, o)
	paragraph(b, r.Summary, "", o)
	for _, s := range r.sections() {
		b.WriteString("\n")
		paragraph(b, s.title, dim, o)
		paragraph(b, s.text, "", o)
	}
	if len(r.Params) > 0 {
		b.WriteString("\n")
		paragraph(b, "Parameters, in [rule."+r.ID+"] of "+audit.ConfigFile, dim, o)
		for _, p := range r.Params {
			paragraph(b, fmt.Sprintf("%s = %s: %s", p.Key, p, p.What), "", o)
		}
	}
	b.WriteString("\n")
	paragraph(b, "To live with it for a time, on the line or above it", dim, o)
	paragraph(b, r.allow(), "", o)
}

// allow is a suppression of the rule to copy.
func (r *Rule) allow() string {
	return fmt.Sprintf("# %s %s reason=… owner=… until=2027-06-30", audit.Marker, r.ID)
}

type jsonRule struct {
	Schema     string      `json:"schema,omitempty"`
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Severity   string      `json:"severity"`
	Summary    string      `json:"summary"`
	Looks      string      `json:"looks"`
	Why        string      `json:"why"`
	Taught     string      `json:"taught"`
	FalseAlarm string      `json:"false_alarm"`
	Fix        string      `json:"fix"`
	Params     []jsonParam `json:"params"`
}

type jsonParam struct {
	Key     string `json:"key"`
	Default string `json:"default"` // as a configuration writes it
	What    string `json:"what"`
}

func (r *Rule) json() any { return r.document() }

func (r *Rule) document() jsonRule {
	j := jsonRule{
		Schema: "knockon.rule/1", ID: r.ID, Name: r.Name, Severity: r.Severity.String(), Summary: r.Summary,
		Looks: r.Looks, Why: r.Why, Taught: r.Taught, FalseAlarm: r.FalseAlarm, Fix: r.Fix, Params: []jsonParam{},
	}
	for _, p := range r.Params {
		j.Params = append(j.Params, jsonParam{p.Key, p.String(), p.What})
	}
	return j
}

// RuleList is all rules of the audit in a line each: a report.
type RuleList struct{ Rules []*audit.Rule }

func (*RuleList) kind() string { return "list of rules" }

func (r *RuleList) text(b *strings.Builder, o Options) {
	t := table{head: []string{"RULE", "SEVERITY", "NAME", "WHAT IS WRONG"}, right: make([]bool, 4), prose: true}
	for _, x := range r.Rules {
		t.row(cell{x.ID, bold}, cell{x.Severity.String(), severityStyles[x.Severity]}, cell{text: x.Name}, cell{text: x.Summary})
	}
	t.write(b, o)
}

type jsonRuleList struct {
	Schema string     `json:"schema"`
	Rules  []jsonRule `json:"rules"`
}

func (r *RuleList) json() any {
	j := jsonRuleList{Schema: "knockon.rules/1", Rules: []jsonRule{}}
	for _, x := range r.Rules {
		rule := (&Rule{x}).document()
		rule.Schema = ""
		j.Rules = append(j.Rules, rule)
	}
	return j
}
