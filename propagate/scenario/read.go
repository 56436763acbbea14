package scenario

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// Limits on one scenario, beside those of package toml on a file. Names and texts
// have the limits of a catalog.
const (
	maxEntries = 100_000   // faults, loads, points of loads, observers, actions, what these need, deeds and expectations together
	maxBins    = 1_000_000 // of the recorded series
	maxName    = 200
	maxText    = 10_000
	maxFaults  = 1000 // diagnostics listed; more are counted
)

// ReadFile reads the scenario in a file of fsys. Name is what messages call the file;
// the path itself where empty. Every fault of the file is in the list, sorted by
// place; the scenario is nil when one of them is an error. The error is for what
// could not be read at all.
func ReadFile(fsys fs.FS, path, name string) (*Scenario, diag.List, error) {
	if name == "" {
		name = path
	}
	f, err := fsys.Open(path)
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	if info.IsDir() {
		return nil, nil, unreadable(name, errors.New("it is a folder, and a scenario is one file"))
	}
	// One byte more than a file may have: the parser then says that it is too large.
	data, err := io.ReadAll(io.LimitReader(f, toml.MaxBytes+1))
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	s, faults := Parse(name, data)
	return s, faults, nil
}

// unreadable names the file the way the user did, and not the way fs.FS does.
func unreadable(name string, err error) error {
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		err = perr.Err
	}
	return fmt.Errorf("cannot read %s: %w", name, err)
}

// Parse reads a scenario from bytes at hand; see ReadFile.
func Parse(name string, data []byte) (*Scenario, diag.List) {
	doc, faults := toml.Parse(name, data)
	r := &reader{doc: doc, faults: faults, s: &Scenario{File: name, doc: doc}, ids: make(map[string]identified)}
	if doc.Root != nil {
		r.root(doc.Root)
	}
	r.faults = listed(r.faults, 0)
	if r.faults.HasErrors() {
		return nil, r.faults
	}
	return r.s, r.faults
}

// listed sorts diagnostics by place and cuts the list where nobody reads on. Beyond
// those in the list there were more.
func listed(faults diag.List, more int) diag.List {
	faults.Sort()
	if more += len(faults) - maxFaults; len(faults) > maxFaults && more > 0 {
		faults = faults[:maxFaults]
		faults.Errorf(faults[maxFaults-1].Span, "", "%d more faults are not listed", more)
	}
	return faults
}

// reader fills a Scenario from a document.
type reader struct {
	doc     *toml.Document
	faults  diag.List
	s       *Scenario
	top     *toml.Decoder
	ids     map[string]identified // of faults, loads, observers and actions
	spans   []span                // of what may not overlap
	entries int
	crowded bool // there are too many entries, and that has been said
	untimed bool // a fault or load has no known time
	trigger trigger
}

// errorf reports an error anywhere in the file.
func (r *reader) errorf(at diag.Span, help, format string, args ...any) {
	r.top.Errorf(at, help, format, args...)
}

// warnf reports what can be played, but is probably not what was meant.
func (r *reader) warnf(at diag.Span, help, format string, args ...any) {
	if len(r.faults) > maxFaults {
		return
	}
	r.faults.Add(diag.Diagnostic{
		Severity: diag.Warning, Span: at, Message: fmt.Sprintf(format, args...), Help: help, Text: r.doc.Line(at.Line),
	})
}

// room reports whether a scenario may have n entries more.
func (r *reader) room(n int, at diag.Span) bool {
	if r.entries += n; r.entries <= maxEntries {
		return true
	}
	if !r.crowded {
		r.crowded = true
		r.errorf(at, "make several scenarios of it", "a scenario has more than %d entries", maxEntries)
	}
	return false
}

// tables reads a list of tables, unless it is too long.
func (r *reader) tables(d *toml.Decoder, key string) []*toml.Table {
	tables := d.Tables(key)
	if !r.room(len(tables), d.Key(key)) {
		return nil
	}
	return tables
}

// text reads a string that people will read.
func (r *reader) text(d *toml.Decoder, key string, to *string) bool {
	if !d.String(key, to) {
		return false
	}
	if utf8.RuneCountInString(*to) > maxText {
		d.Errorf(d.Key(key), "shorten it", "%s has more than %d characters", key, maxText)
		*to = ""
		return false
	}
	return true
}

// isName checks a name, as a catalog does.
func (r *reader) isName(at diag.Span, what, name string) bool {
	switch {
	case name == "":
		r.errorf(at, "write its name, or leave the key out", "a %s has an empty name", what)
	case utf8.RuneCountInString(name) > maxName:
		r.errorf(at, "shorten it", "the name of a %s has more than %d characters", what, maxName)
	case strings.TrimSpace(name) != name:
		r.errorf(at, fmt.Sprintf("write %q", strings.TrimSpace(name)), "the name of a %s begins or ends with white space", what)
	case strings.ContainsFunc(name, unicode.IsControl):
		r.errorf(at, "leave it out", "the name of a %s has a control character", what)
	default:
		return true
	}
	return false
}

// name reads a key that names something, and the place of its value.
func (r *reader) name(d *toml.Decoder, key, what string, to *string, at *diag.Span) bool {
	var name string
	if !d.String(key, &name) {
		return false
	}
	*at = d.Key(key)
	if v, ok := d.Value(key); ok {
		*at = v.At
	}
	if !r.isName(*at, what, name) {
		return false
	}
	*to = name
	return true
}

// id reads the id of a fault, load, observer or action, which is there once.
func (r *reader) id(d *toml.Decoder, kind idKind, to *string) {
	var at diag.Span
	if !r.name(d, "id", kind.String(), to, &at) {
		return
	}
	if first, taken := r.ids[*to]; taken {
		r.errorf(at, "give it another one", "the id %q is there twice", *to)
		if last := len(r.faults) - 1; r.faults[last].Span == at {
			r.faults[last].Related = []diag.Related{{Span: first.at, Note: "first used here"}}
		}
		return
	}
	r.ids[*to] = identified{kind, at}
}

// plain reads a quantity without its evidence, for which a scenario has no place:
// what is documented about an incident is said in a comment.
func plain[T any](d *toml.Decoder, key string, form toml.Form[T], to *T) bool {
	v, ok := d.Value(key)
	if !ok {
		return false
	}
	if v.Kind == toml.TableKind {
		d.Errorf(v.At, "write "+form.Name+" such as "+form.Example, "%q must be %s, not %s", key, form.Name, v.Kind)
		return false
	}
	q, ok := stated(d, key, form)
	if ok {
		*to = q
	}
	return ok
}

// maxFragment is the column up to which a fault is shown within a value. Counting
// columns costs their number, and files of one line are a way to make that much.
const maxFragment = 2000

// source is the text of the value at a place, "" where it cannot be told.
func (r *reader) source(at diag.Span) string {
	if at.Line == 0 || at.Col+at.Width > maxFragment {
		return ""
	}
	line := r.doc.Line(at.Line)
	from := offset(line, at.Col-1)
	return line[from : from+offset(line[from:], at.Width)]
}

// offset is where the code point with a number stands in a text, or its end.
func offset(text string, n int) int {
	for i := range text {
		if n <= 0 {
			return i
		}
		n--
	}
	return len(text)
}

// within is the place of a word in the string at a place, or that of the string
// where it is not there as it is, such as behind an escape.
func (r *reader) within(at diag.Span, word string, last bool) diag.Span {
	text := r.source(at)
	i := strings.Index(text, word)
	if last {
		i = strings.LastIndex(text, word)
	}
	if i < 0 || word == "" {
		return at
	}
	at.Col += utf8.RuneCountInString(text[:i])
	at.Width = utf8.RuneCountInString(word)
	return at
}

// decimal reads a number of digits with at most one point. It refuses what
// strconv takes and people do not write: signs, exponents, hexadecimals, "inf".
func decimal(text string) (float64, bool) {
	whole, fraction, point := strings.Cut(text, ".")
	digits := func(s string) bool {
		return s != "" && strings.Trim(s, "0123456789") == ""
	}
	if !digits(whole) || point && !digits(fraction) || len(text) > 40 {
		return 0, false
	}
	return parseFloat(text)
}

// stem is the name of a file without its folders and ending.
func stem(name string) string {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	if trimmed := strings.TrimSuffix(base, path.Ext(base)); trimmed != "" {
		base = trimmed
	}
	base = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, base))
	if base == "" || base == "." || base == "/" || utf8.RuneCountInString(base) > maxName {
		return "scenario"
	}
	return base
}
