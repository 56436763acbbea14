package out

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// Check is what is wrong with a catalog and, if nothing is, what is in it.
type Check struct {
	Faults diag.List

	Valid        bool
	Title        string
	Services     int
	Needs        int
	Groups       int
	Leases       int
	HealthChecks int
	Evidence     [5]int     // quantities by unit.Evidence, the not stated ones not counted
	Cycles       [][]string // services that need each other, each sorted
	Experimental []string   // policies that are read and checked, and used by no engine yet
}

func (*Check) kind() string { return "check" }

// NewCheck describes a catalog; c and g are nil when its faults are errors.
func NewCheck(c *catalog.Catalog, g *graph.Graph, faults diag.List) *Check {
	r := &Check{Faults: faults}
	if c == nil {
		return r
	}
	r.Valid, r.Title = true, c.Title
	r.Services, r.Needs, r.Leases, r.HealthChecks = len(c.Services), g.NeedCount(), len(c.Leases), len(c.HealthChecks)
	groups := make(map[string]bool)
	for i := range c.Services {
		if s := &c.Services[i]; s.Group != "" {
			groups[s.Group] = true
		}
	}
	r.Groups = len(groups)
	r.Evidence, r.Experimental = c.Inventory()
	for _, component := range g.Components(nil) {
		if len(component) < 2 {
			continue
		}
		var ids []string
		for _, v := range component {
			ids = append(ids, g.ID(v))
		}
		r.Cycles = append(r.Cycles, ids)
	}
	slices.SortFunc(r.Cycles, slices.Compare)
	return r
}

func (r *Check) text(b *strings.Builder, o Options) {
	for _, d := range r.Faults {
		b.WriteString(d.String())
	}
	if !r.Valid {
		errs, _ := r.Faults.Count()
		b.WriteString(paint(plural(errs, "error"), red, o) + "\n")
		return
	}
	title := r.Title
	if title == "" {
		title = "the catalog"
	}
	fmt.Fprintf(b, "%s %s is valid: %s, %s, %s\n", paint("✓", green, o), printable(title),
		plural(r.Services, "service"), plural(r.Needs, "need"), plural(r.Groups, "group"))
	if said := evidence(r.Evidence); said != "" {
		fmt.Fprintf(b, "  quantities: %s\n", said)
	}
	if len(r.Experimental) > 0 {
		fmt.Fprintf(b, "  read and checked, not yet used by an engine: %s\n", strings.Join(r.Experimental, ", "))
	}
	for _, c := range r.Cycles {
		text := strings.Join(c, ", ")
		fmt.Fprintf(b, "  need each other: %s\n", printable(cut(text, 300)))
	}
}

func evidence(counts [5]int) string {
	var said []string
	for _, e := range []unit.Evidence{unit.Documented, unit.Fitted, unit.Guess, unit.Stated} {
		if n := counts[e]; n > 0 {
			said = append(said, fmt.Sprintf("%d %s", n, e))
		}
	}
	return strings.Join(said, ", ")
}

type jsonCheck struct {
	Schema       string           `json:"schema"`
	Valid        bool             `json:"valid"`
	Diagnostics  []jsonDiagnostic `json:"diagnostics"`
	Title        string           `json:"title,omitempty"`
	Services     int              `json:"services"`
	Needs        int              `json:"needs"`
	Groups       int              `json:"groups"`
	Leases       int              `json:"leases"`
	HealthChecks int              `json:"health_checks"`
	Evidence     map[string]int   `json:"evidence"`
	Cycles       [][]string       `json:"cycles"`
	Experimental []string         `json:"experimental"`
}

type jsonDiagnostic struct {
	Severity string        `json:"severity"`
	File     string        `json:"file"`
	Line     int           `json:"line,omitempty"`
	Column   int           `json:"column,omitempty"`
	Message  string        `json:"message"`
	Help     string        `json:"help,omitempty"`
	Related  []jsonRelated `json:"related,omitempty"`
}

type jsonRelated struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Note   string `json:"note"`
}

func (r *Check) json() any {
	j := jsonCheck{
		Schema: checkSchema, Valid: r.Valid, Diagnostics: []jsonDiagnostic{}, Title: r.Title,
		Services: r.Services, Needs: r.Needs, Groups: r.Groups, Leases: r.Leases, HealthChecks: r.HealthChecks,
		Evidence: make(map[string]int), Cycles: append([][]string{}, r.Cycles...), Experimental: append([]string{}, r.Experimental...),
	}
	for e := unit.Stated; e <= unit.Guess; e++ {
		j.Evidence[e.String()] = r.Evidence[e]
	}
	for _, d := range r.Faults {
		j.Diagnostics = append(j.Diagnostics, newJSONDiagnostic(d))
	}
	return j
}

func newJSONDiagnostic(d diag.Diagnostic) jsonDiagnostic {
	x := jsonDiagnostic{Severity: d.Severity.String(), File: d.Span.File, Line: d.Span.Line, Column: d.Span.Col, Message: d.Message, Help: d.Help}
	for _, l := range d.Related {
		x.Related = append(x.Related, jsonRelated{l.Span.File, l.Span.Line, l.Span.Col, l.Note})
	}
	return x
}
