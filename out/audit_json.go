package out

import (
	"cmp"
	"time"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate/audit"
)

const auditSchema = "knockon.audit/1"

type jsonAudit struct {
	Schema   string         `json:"schema"`
	Title    string         `json:"title,omitempty"`
	Services int            `json:"services"`
	Rules    []string       `json:"rules"`
	Open     map[string]int `json:"open"`
	States   map[string]int `json:"states"`
	Gone     int            `json:"gone_from_baseline"`
	Findings []jsonFinding  `json:"findings"`
}

type jsonFinding struct {
	Rule        string           `json:"rule"`
	Name        string           `json:"name"`
	Severity    string           `json:"severity"`
	State       string           `json:"state"`
	Subject     string           `json:"subject"`
	Service     string           `json:"service,omitempty"`
	Message     string           `json:"message"`
	At          jsonPlace        `json:"at"`
	Path        []jsonStep       `json:"path"`
	Fix         string           `json:"fix"`
	Damage      float64          `json:"damage"`
	Fingerprint string           `json:"fingerprint"`
	Edits       []jsonEdit       `json:"edits,omitempty"`
	Suppression *jsonSuppression `json:"suppression,omitempty"`
}

type jsonPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column,omitempty"`
}

type jsonStep struct {
	At   jsonPlace `json:"at"`
	Text string    `json:"text"`
}

type jsonEdit struct {
	At   jsonPlace `json:"at"`
	Old  string    `json:"old"`
	New  string    `json:"new"`
	What string    `json:"what"`
}

type jsonSuppression struct {
	At     jsonPlace `json:"at"`
	Reason string    `json:"reason"`
	Owner  string    `json:"owner"`
	Until  string    `json:"until"`
}

func place(s diag.Span) jsonPlace { return jsonPlace{s.File, s.Line, s.Col} }

func (r *Audit) json() any {
	t := r.tally()
	j := jsonAudit{
		Schema: auditSchema, Title: r.Title, Services: r.Services, Gone: r.Gone,
		Open: make(map[string]int), States: make(map[string]int), Rules: []string{},
	}
	for s, n := range t.open {
		j.Open[audit.SeverityWords[s]] = n
	}
	for s, n := range t.state {
		j.States[audit.StateWords[s]] = n
	}
	for _, rule := range r.Rules {
		j.Rules = append(j.Rules, rule.ID)
	}
	j.Findings = findingsJSON(r.Findings)
	return j
}

func findingJSON(f *audit.Finding) jsonFinding {
	x := jsonFinding{
		Rule: f.Rule.ID, Name: f.Rule.Name, Severity: f.Severity.String(), State: f.State.String(), Subject: f.Subject,
		Service: f.Service, Message: f.Message, At: place(f.At), Path: []jsonStep{}, Fix: cmp.Or(f.Fix, f.Rule.Fix),
		Damage: f.Damage, Fingerprint: f.Fingerprint(),
	}
	for _, s := range f.Path {
		x.Path = append(x.Path, jsonStep{place(s.At), s.Text})
	}
	for _, e := range f.Edits {
		x.Edits = append(x.Edits, jsonEdit{place(e.At), e.Old, e.New, e.What})
	}
	if s := f.Suppression; s != nil {
		x.Suppression = &jsonSuppression{place(s.At), s.Reason, s.Owner, s.Until.Format(time.DateOnly)}
	}
	return x
}
