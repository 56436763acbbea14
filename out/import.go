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

func (*Import) report() {}

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

func writeImport(b *strings.Builder, r *Import, o Options) {
	fmt.Fprintf(b, "%s %s, %s\n", paint("✓", green, o), plural(len(r.Services), "service"), plural(len(r.Needs), "need"))
	for _, n := range r.Needs {
		how := n.Mode
		if n.To != "serve" {
			how = "to " + n.To
		}
		fmt.Fprintf(b, "  %s needs %s (%s)\n", printable(n.From), printable(n.On), how)
	}
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

func (r *Import) json() jsonImport {
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
	return j
}
