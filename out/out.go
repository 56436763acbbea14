// Package out is everything that leaves the program: the report, which is the
// last place that looks at the model, and the formats a report is written in, one
// file each.
//
// The same report gives the same bytes, whatever the machine. Every format escapes
// what it is given: names and titles come from untrusted catalogs. Start with
// report.go; the table of formats is below.
package out

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is one way to write a report.
type Format struct {
	Name       string
	Extensions []string // of files, without the dot; the first is the usual one
	What       string   // for help texts, a few words
	shows      func(r Report) bool
	write      func(w io.Writer, r Report, o Options) error
}

// Shows reports whether a format can show a report of this kind; its contents do
// not matter, and it may be nil.
func (f Format) Shows(r Report) bool { return f.shows(r) }

func anything(Report) bool { return true }

func graphs(r Report) bool {
	switch r.(type) {
	case *Map, *Blast:
		return true
	}
	return false
}

func catalogs(r Report) bool {
	_, ok := r.(*Map)
	return ok
}

func audits(r Report) bool {
	_, ok := r.(*Audit)
	return ok
}

func prose(r Report) bool {
	switch r.(type) {
	case *Audit, *Rule, *Diff:
		return true
	}
	return false
}

func runs(r Report) bool {
	switch r.(type) {
	case *Run, *Ensemble, *Replay:
		return true
	}
	return false
}

func pages(r Report) bool {
	switch r.(type) {
	case *Blast, *Run, *Replay:
		return true
	}
	return false
}

// tables are what a spreadsheet can load.
func tables(r Report) bool {
	switch r.(type) {
	case *Map, *SinglePoints, *CutSets, *Importance:
		return true
	}
	return runs(r)
}

func graphsAndRuns(r Report) bool { return graphs(r) || runs(r) }

// Options of the formats. The zero Options are right for files and pipes.
type Options struct {
	Width   int     // columns of a terminal; 0 for no limit
	Color   bool    // text only
	Picture Picture // of formats that are one
	Live    bool    // a page asks its server whether it has become old
}

// Formats is the table of formats, sorted by name.
func Formats() []Format {
	return []Format{
		{"backstage", []string{"yaml", "yml"}, "entities of Backstage", catalogs, writeBackstage},
		{"csv", []string{"csv"}, "tables for spreadsheets", tables, writeCSV},
		{"d2", []string{"d2"}, "a diagram of D2", catalogs, writeD2},
		{"dot", []string{"dot", "gv"}, "Graphviz source", graphs, writeDOT},
		{"github", []string{"annotations"}, "annotations of GitHub Actions", audits, writeAnnotations},
		{"graphml", []string{"graphml"}, "for libraries of graphs", catalogs, writeGraphML},
		{"html", []string{"html", "htm"}, "a page to look at and attach", pages, writeHTML},
		{"json", []string{"json"}, "for programs", anything, writeJSON},
		{"junit", []string{"xml"}, "test reports of CI", audits, writeJUnit},
		{"markdown", []string{"md"}, "for a pull request", prose, writeMarkdown},
		{"mermaid", []string{"mmd", "mermaid"}, "for Markdown pages", graphs, writeMermaid},
		{"png", []string{"png"}, "a picture for chats and tickets", graphsAndRuns, writePNG},
		{"sarif", []string{"sarif"}, "code scanning", audits, writeSARIF},
		{"structurizr", nil, "a workspace of Structurizr, in JSON", catalogs, writeStructurizr},
		{"svg", []string{"svg"}, "a picture", graphsAndRuns, writeSVG},
		{"text", []string{"txt"}, "for terminals", anything, writeText},
		{"toml", []string{"toml"}, "a catalog", imports, writeTOML},
	}
}

// FormatNamed returns the format of a name.
func FormatNamed(name string) (Format, bool) {
	i := slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return Formats()[i], true
}

// FormatOf returns the format of a file by its extension.
func FormatOf(file string) (Format, bool) {
	dot := strings.LastIndexByte(file, '.')
	extension := strings.ToLower(file[dot+1:])
	for _, f := range Formats() {
		if dot >= 0 && slices.Contains(f.Extensions, extension) {
			return f, true
		}
	}
	return Format{}, false
}

// Write writes a report. It returns an error when the format cannot show
// this kind of report (see Shows), and otherwise only errors of w.
func (f Format) Write(w io.Writer, r Report, o Options) error { return f.write(w, r, o) }

// unsupportedError says that a format cannot show a kind of report.
type unsupportedError struct{ Format, Report string }

func (e *unsupportedError) Error() string {
	return fmt.Sprintf("a %s cannot be written as %s; use text or json", e.Report, e.Format)
}

func unsupported(format string, r Report) error {
	return &unsupportedError{format, r.kind()}
}
