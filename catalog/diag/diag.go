// Package diag describes what is wrong with a file a person wrote: where it
// stands, what it says, and what to write instead.
//
// A diagnostic is data, never an error value: errors mean that a tool could not
// do its work, diagnostics mean that it could and found something. They are
// collected, so that a reader sees all faults of a catalog in one run.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a diagnostic matters.
type Severity uint8

// Severities, worst first.
const (
	Error   Severity = iota // the file cannot be used
	Warning                 // usable, but probably not what was meant
)

// String is the word printed before a message.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Span is a stretch of one line of one file. Line and Col count from 1, Col and
// Width in code points as editors and SARIF count them. The zero Line means the
// file as a whole.
type Span struct {
	File  string
	Line  int
	Col   int
	Width int
}

// IsZero reports whether the span points nowhere.
func (s Span) IsZero() bool { return s == Span{} }

// String prints file:line:col, the form every editor and terminal links.
func (s Span) String() string {
	switch {
	case s.Line == 0:
		return s.File
	case s.Col == 0:
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Col)
}

// Compare orders spans by file, line and column.
func (s Span) Compare(t Span) int {
	return cmp.Or(
		strings.Compare(s.File, t.File),
		cmp.Compare(s.Line, t.Line),
		cmp.Compare(s.Col, t.Col),
	)
}

// Related is a second place a diagnostic speaks of, such as the first of two
// definitions.
type Related struct {
	Span Span
	Note string
}

// Diagnostic is one fault of one file.
type Diagnostic struct {
	Severity Severity
	Span     Span
	Message  string    // what is wrong, one line, lower case, no full stop
	Help     string    // what to write instead; may be empty
	Text     string    // the source line, for the caret; may be empty
	Related  []Related // other places, in the order they should be read
}

// List is a collection of diagnostics. The zero List is empty and ready to use.
type List []Diagnostic

// Add appends d.
func (l *List) Add(d Diagnostic) { *l = append(*l, d) }

// Errorf appends an error at s.
func (l *List) Errorf(s Span, help, format string, args ...any) {
	l.Add(Diagnostic{Span: s, Message: fmt.Sprintf(format, args...), Help: help})
}

// HasErrors reports whether any diagnostic is an Error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Count returns the number of errors and of warnings.
func (l List) Count() (errors, warnings int) {
	for _, d := range l {
		if d.Severity == Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

// Sort orders the list by place, then severity, then message, and drops exact
// repetitions.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		return cmp.Or(
			a.Span.Compare(b.Span),
			cmp.Compare(a.Severity, b.Severity),
			strings.Compare(a.Message, b.Message),
			cmp.Compare(a.Span.Width, b.Span.Width),
		)
	})
	*l = slices.CompactFunc(*l, func(a, b Diagnostic) bool {
		return a.Span == b.Span && a.Severity == b.Severity && a.Message == b.Message
	})
}

// String prints the diagnostic the way a terminal shows it: one line that a
// machine can read, then the source line with a caret under the fault.
//
//	shop.toml:3:1: error: unknown key "titel"; did you mean "title"?
//	    3 | titel = "x"
//	      | ^^^^^
func (d Diagnostic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", Printable(d.Span.String()), d.Severity, Printable(d.Message))
	if d.Help != "" {
		fmt.Fprintf(&b, "; %s", Printable(d.Help))
	}
	b.WriteByte('\n')
	d.caret(&b)
	for _, r := range d.Related {
		fmt.Fprintf(&b, "    %s: %s\n", Printable(r.Span.String()), Printable(r.Note))
	}
	return b.String()
}

// maxText is the number of code points of a source line that are shown.
const maxText = 100

func (d Diagnostic) caret(b *strings.Builder) {
	if d.Text == "" || d.Span.Line == 0 {
		return
	}
	line := []rune(Printable(d.Text))
	start := min(max(d.Span.Col-1, 0), len(line))
	width := max(d.Span.Width, 1)
	// A long line is shown as the window around its fault.
	from := 0
	if start > maxText*3/4 {
		from = start - maxText/2
	}
	to := min(len(line), from+maxText)
	prefix, suffix := "", ""
	if from > 0 {
		prefix = "…"
	}
	if to < len(line) {
		suffix = "…"
	}
	number := fmt.Sprintf("%5d", d.Span.Line)
	fmt.Fprintf(b, "%s | %s%s%s\n", number, prefix, string(line[from:to]), suffix)
	pad := Columns(prefix + string(line[from:start]))
	carets := max(1, Columns(string(line[start:min(to, start+width)])))
	fmt.Fprintf(b, "%s | %s%s\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", pad), strings.Repeat("^", carets))
}
