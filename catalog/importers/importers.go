// Package importers makes catalogs of what people already have: Compose files,
// Backstage entities, what tracing has seen. One file holds one format; the table
// is in Formats.
//
// A format reads its files into a Draft: services, needs, and for each of them
// where it comes from. The Draft writes the catalog (see write.go) in the language
// of package catalog. What a source cannot know is not stated in it, and what is
// only a guess says so.
//
// Files are untrusted: they are bounded in size, depth and number, aliases of YAML
// are followed on a budget, and no value that may be a secret gets into a message.
package importers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
)

// Limits on what one import reads.
const (
	MaxBytes = 256 << 20 // of one file
	MaxTotal = 1 << 30   // of all files
)

// File is one file at hand. Nothing else is ever opened.
type File struct {
	Name  string // as the user named it, with slashes; messages and sources show it
	Data  []byte
	Found bool // in a folder that was named, rather than named itself
}

// Format is one format that can be imported.
type Format struct {
	Name  string // the word on the command line
	Title string // as its makers call it
	What  string // which files of it, in a few words

	// detects reports whether a file looks like this format. It must be cheap and
	// need not be sure: Detect asks the formats in the order of their table.
	detects func(*sample) bool
	// reads adds what all files of the format say, together: they may name one
	// another.
	reads func(*Draft, []File, Options)
}

// Options of an import. The zero Options are right for most.
type Options struct {
	Reverse bool   // of graphs as drawn: an arrow points from what is needed to what needs it
	From    string // of CSV: the name of the column with the one that needs; guessed where empty
	On      string // of CSV: the name of the column with what is needed
	TierKey string // of Backstage: the annotation or label that holds a tier
	// Window is over how many seconds the calls were counted; 0: not known.
	Window float64
}

// Formats is the table of formats, sorted by name.
func Formats() []Format {
	return []Format{
		backstage,
		compose,
		edgeList,
		dot,
		jaeger,
		otlp,
		servicegraph,
		zipkin,
	}
}

// FormatNamed returns the format of a name.
func FormatNamed(name string) (Format, bool) {
	formats := Formats()
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return formats[i], true
}

// Detect finds the format of a file by what is in it.
func Detect(f File) (Format, bool) {
	s := newSample(f)
	for _, format := range Formats() {
		if format.detects(s) {
			return format, true
		}
	}
	return Format{}, false
}

// Input is the files of one format.
type Input struct {
	Format Format
	Files  []File
}

// Import reads all inputs into one draft. Faults are in it, sorted; those that are
// errors say that a file could not be read as what it was given for.
func Import(inputs []Input, o Options) *Draft {
	d := newDraft()
	for _, in := range inputs {
		for _, f := range in.Files {
			d.from = append(d.from, f.Name+" ("+in.Format.Title+")")
			d.files = append(d.files, f.Name)
		}
		in.Format.reads(d, in.Files, o)
	}
	d.finish()
	return d
}

// Group sorts files into inputs by their format, formats and files in the order in
// which they first appear. Files of no known format are returned apart.
func Group(files []File) (inputs []Input, unknown []File) {
	for _, f := range files {
		format, ok := Detect(f)
		if !ok {
			unknown = append(unknown, f)
			continue
		}
		i := slices.IndexFunc(inputs, func(in Input) bool { return in.Format.Name == format.Name })
		if i < 0 {
			i, inputs = len(inputs), append(inputs, Input{Format: format})
		}
		inputs[i].Files = append(inputs[i].Files, f)
	}
	return inputs, unknown
}

// whole is the place of a file as a whole.
func (f File) whole() diag.Span { return diag.Span{File: f.Name} }

// at is the place of a line of a file.
func (f File) at(line int) diag.Span { return diag.Span{File: f.Name, Line: line} }

// place prints where something stands, for a source.
func place(at diag.Span) string {
	if at.Line > 0 {
		return fmt.Sprintf("%s:%d", at.File, at.Line)
	}
	return at.File
}

// base is the last part of a file's name.
func (f File) base() string { return f.Name[strings.LastIndexByte(f.Name, '/')+1:] }

// folder is a file's name without its last part; "" where it has no other.
func (f File) folder() string { return f.Name[:strings.LastIndexByte(f.Name, '/')+1] }
