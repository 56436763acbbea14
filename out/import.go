package out

import (
	"fmt"
	"io"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/importers"
	"github.com/knockon/knockon/catalog/unit"
)

// Import is a catalog made of files of other formats.
type Import struct {
	Catalog      []byte     // as TOML
	Services     []string   // those that a file declares, sorted
	Dependencies [][]string // [A, B]: A needs B, between declared services, sorted
	Inferred     [][]string // the same, for what follows from addresses in environments
	Dangling     [][]string // needs for what no file declares
	Entries      []string   // services by which requests enter, where a file says so
	Needs        []ImportedNeed
	Warnings     diag.List
	Merge        *importers.Merge // nil: a catalog of its own
}

// NewMerge describes what an import has added to a catalog.
func NewMerge(d *importers.Draft, m *importers.Merge) *Import {
	r := NewImport(d)
	r.Catalog, r.Merge = m.Text, m
	return r
}

// ImportedNeed is one need with what is known of it.
type ImportedNeed struct {
	From, On string
	Mode     string
	To       string
	IfLost   string
	For      string
	Guess    string
	Calls    *float64 // for each request; nil: not known
	Sources  []string
}

func (*Import) kind() string { return "import" }

// NewImport describes what an import has found.
func NewImport(d *importers.Draft) *Import {
	r := &Import{
		Catalog: d.TOML(), Services: d.Names(), Dependencies: d.Pairs((*importers.Need).Declared),
		Inferred: d.Pairs((*importers.Need).Inferred), Dangling: d.Dangling(), Entries: d.Entries, Warnings: d.Faults,
	}
	for _, n := range d.Needs {
		x := ImportedNeed{
			From: n.From, On: n.On, Mode: n.Mode.String(), To: n.To.String(), IfLost: n.IfLost.String(),
			For: n.For, Guess: n.Guess, Sources: n.Sources(),
		}
		if n.Calls.Evidence != unit.NotStated {
			x.Calls = &n.Calls.V
		}
		r.Needs = append(r.Needs, x)
	}
	return r
}

func imports(r Report) bool {
	_, ok := r.(*Import)
	return ok
}

// writeTOML writes a catalog.
func writeTOML(w io.Writer, r Report, _ Options) error {
	x, ok := r.(*Import)
	if !ok {
		return unsupported("toml", r)
	}
	_, err := w.Write(x.Catalog)
	return err
}

func (r *Import) text(b *strings.Builder, o Options) {
	if r.Merge != nil {
		r.mergeText(b, o)
		return
	}
	fmt.Fprintf(b, "%s %s, %s\n", paint("✓", green, o), plural(len(r.Services), "service"), plural(len(r.Needs), "need"))
	for _, n := range r.Needs {
		how := n.Mode
		if n.To != "serve" {
			how = "to " + n.To
		}
		fmt.Fprintf(b, "  %s needs %s (%s)\n", printable(n.From), printable(n.On), how)
	}
}

// mergeText says what a merge has done, and what the two say of each other.
func (r *Import) mergeText(b *strings.Builder, o Options) {
	m := r.Merge
	fmt.Fprintf(b, "%s added %s and %s; added or wrote anew %s\n", paint("✓", green, o),
		plural(len(m.Services), "service"), plural(len(m.Needs), "need"), plural(len(m.Updated), "value"))
	part := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(b, "%s (%d)\n", paint(title, bold, o), len(lines))
		for i, l := range lines {
			if i == maxMergeLines {
				fmt.Fprintf(b, "  and %d more; --format json has them all\n", len(lines)-i)
				break
			}
			fmt.Fprintf(b, "  %s\n", printable(l))
		}
	}
	part("observed, not declared; now added", arrows(m.Undeclared))
	part("declared, never observed", arrows(m.Unobserved))
	part("contradictions; the catalog stays as it is", m.Contradictions)
	part("the same under two names? Then write below [alias]", m.Suggestions)
}

// maxMergeLines is how much of each part of a merge is printed.
const maxMergeLines = 10

func arrows(pairs [][]string) []string {
	lines := make([]string, len(pairs))
	for i, p := range pairs {
		lines[i] = p[0] + " → " + p[1]
	}
	return lines
}

type jsonImport struct {
	Schema       string             `json:"schema"`
	Services     []string           `json:"services"`
	Dependencies [][]string         `json:"dependencies"`
	Inferred     [][]string         `json:"inferred_env"`
	Dangling     [][]string         `json:"dangling"`
	Entries      []string           `json:"entry_points"`
	Needs        []jsonImportedNeed `json:"needs"`
	Diagnostics  []jsonDiagnostic   `json:"diagnostics"`
	Merge        *jsonMerge         `json:"merge,omitempty"`
}

type jsonMerge struct {
	Services       []string   `json:"services_added"`
	Needs          [][]string `json:"needs_added"`
	Updated        []string   `json:"updated"`
	Unobserved     [][]string `json:"declared_never_observed"`
	Undeclared     [][]string `json:"observed_not_declared"`
	Contradictions []string   `json:"contradictions"`
	Suggestions    []string   `json:"alias_suggestions"`
}

type jsonImportedNeed struct {
	From    string   `json:"from"`
	On      string   `json:"on"`
	Mode    string   `json:"mode"`
	To      string   `json:"to"`
	IfLost  string   `json:"if_lost"`
	For     string   `json:"for,omitempty"`
	Guess   string   `json:"guess,omitempty"`
	Calls   *float64 `json:"calls"`
	Sources []string `json:"sources"`
}

func (r *Import) json() any {
	j := jsonImport{
		Schema: importSchema, Services: append([]string{}, r.Services...), Dependencies: append([][]string{}, r.Dependencies...),
		Inferred: append([][]string{}, r.Inferred...), Dangling: append([][]string{}, r.Dangling...),
		Entries: append([]string{}, r.Entries...), Needs: []jsonImportedNeed{}, Diagnostics: []jsonDiagnostic{},
	}
	for _, n := range r.Needs {
		j.Needs = append(j.Needs, jsonImportedNeed(n))
	}
	for _, d := range r.Warnings {
		j.Diagnostics = append(j.Diagnostics, newJSONDiagnostic(d))
	}
	if m := r.Merge; m != nil {
		j.Merge = &jsonMerge{
			Services: append([]string{}, m.Services...), Needs: append([][]string{}, m.Needs...), Updated: append([]string{}, m.Updated...),
			Unobserved: append([][]string{}, m.Unobserved...), Undeclared: append([][]string{}, m.Undeclared...),
			Contradictions: append([]string{}, m.Contradictions...), Suggestions: append([]string{}, m.Suggestions...),
		}
	}
	return j
}
