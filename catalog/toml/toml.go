// Package toml is the one strict reader of knockon's TOML files.
//
// Parse turns bytes into tables in which every key and value knows where it
// stands. BurntSushi/toml decodes and is the judge of what is TOML;
// pelletier/go-toml's low-level parser tells positions, which BurntSushi keeps to
// itself. A Decoder then reads one table key by key and complains about all that
// was not asked for, with the word that was probably meant.
//
// The files are untrusted: see the limits below.
package toml

import (
	"github.com/knockon/knockon/catalog/diag"
)

// Limits on one file. A catalog of 100,000 services, with a million keys in 14 MB,
// stays below them.
const (
	MaxBytes    = 64 << 20 // size of a file
	MaxDepth    = 32       // nesting of tables and arrays, parts of a dotted key
	MaxKeys     = 2 << 20  // keys and list items in a file; reading one takes up to 1.2 kB
	MaxFaults   = 1000     // diagnostics kept for a file
	maxRecovery = 50       // syntax errors after which the rest of a file is not read
)

// Kind is the type of a value.
type Kind uint8

// The kinds of TOML values. Dates and times are one kind.
const (
	StringKind Kind = iota
	IntegerKind
	FloatKind
	BoolKind
	TimeKind
	ArrayKind
	TableKind
	// FaultyKind is a value that Parse has complained about. Its key is kept, so
	// that nobody complains a second time that it is missing.
	FaultyKind
)

// String names the kind as an error message does: "a string", "a table".
func (k Kind) String() string {
	return [...]string{"a string", "an integer", "a number", "true or false", "a date", "a list", "a table", "a fault"}[k]
}

// Value is one TOML value and its place.
type Value struct {
	Kind   Kind
	At     diag.Span // the value itself; the key or header where it has no place of its own
	Scalar any       // string, int64, float64, bool or time.Time (in UTC)
	Items  []*Value  // of an array, in order
	Table  *Table    // of a table

	grows bool // an array of [[tables]], to which another header may add
}

// Entry is a key with its value.
type Entry struct {
	Key   string
	At    diag.Span // the key where it is first written
	Value *Value
}

// Table is a TOML table: entries in the order of the file.
type Table struct {
	At      diag.Span // the header or key that opens it
	Entries []Entry
	index   map[string]int // of Entries, once there are many
	origin  origin
}

// origin is what opened a table; it decides what may be added later.
type origin uint8

const (
	implied  origin = iota // [a.b] implies a
	headed                 // [a] or [[a]]
	dotted                 // a.b = 1 makes a
	enclosed               // a = { … }
)

// fewEntries is the size up to which a table is searched from end to end: most
// tables are that small, and a map for each would cost more than it saves.
const fewEntries = 12

// Get returns the entry of a key.
func (t *Table) Get(key string) (Entry, bool) {
	if i := t.find(key); i >= 0 {
		return t.Entries[i], true
	}
	return Entry{}, false
}

// IsInline reports whether the table stands in braces, on one line.
func (t *Table) IsInline() bool { return t.origin == enclosed }

func (t *Table) find(key string) int {
	if t.index != nil {
		if i, ok := t.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range t.Entries {
		if t.Entries[i].Key == key {
			return i
		}
	}
	return -1
}

func (t *Table) add(e Entry) {
	t.Entries = append(t.Entries, e)
	n := len(t.Entries)
	switch {
	case t.index != nil:
		t.index[e.Key] = n - 1
	case n > fewEntries:
		t.index = make(map[string]int, 2*n)
		for i := range t.Entries {
			t.index[t.Entries[i].Key] = i
		}
	}
}

// Document is a parsed file.
type Document struct {
	Text
	Root   *Table
	faults int // diagnostics about the file so far, see MaxFaults
}

// Text is the text of a file, by lines.
type Text struct {
	File string
	text string // without a byte order mark, and with a line feed at its end
	// starts[i] is the offset of line i+1.
	starts []int
}
