package toml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog/diag"
)

// Edit replaces Old by New at a place of a file. Old is what stands there, so that an
// edit never changes what it was not made for; where it is empty New is put in.
type Edit struct {
	At  diag.Span // where Old begins; its width does not matter
	Old string
	New string
}

// Splice makes edits and returns the new text; everything else stays as it is,
// comments and layout included. The same edit twice is one. It fails when something
// else stands where an edit belongs, or when two edits want the same place.
func (t *Text) Splice(edits []Edit) (string, error) {
	type splice struct {
		from, to int
		edit     Edit
	}
	splices := make([]splice, 0, len(edits))
	for _, e := range edits {
		from, ok := t.offset(e.At)
		if !ok || !strings.HasPrefix(t.text[from:], e.Old) {
			return "", fmt.Errorf("%s: there is no %q here to be edited", e.At, e.Old)
		}
		splices = append(splices, splice{from, from + len(e.Old), e})
	}
	slices.SortStableFunc(splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), strings.Compare(a.edit.New, b.edit.New))
	})
	splices = slices.CompactFunc(splices, func(a, b splice) bool { return a.from == b.from && a.to == b.to && a.edit.New == b.edit.New })
	var b strings.Builder
	done := 0
	for i, s := range splices {
		if i > 0 && (s.from < done || s.from == splices[i-1].from) {
			return "", fmt.Errorf("%s: two edits want this place", s.edit.At)
		}
		b.WriteString(t.text[done:s.from])
		b.WriteString(s.edit.New)
		done = s.to
	}
	b.WriteString(t.text[done:])
	return b.String(), nil
}

// offset is where a place begins.
func (t *Text) offset(s diag.Span) (int, bool) {
	if s.Line < 1 || s.Line > len(t.starts) || s.Col < 1 {
		return 0, false
	}
	at, end := t.starts[s.Line-1], t.lineEnd(s.Line)
	for range s.Col - 1 {
		if at >= end {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(t.text[at:])
		at += size
	}
	return at, true
}

// SetKey is the edit that gives a table a key that it does not have. The place is that
// of a table in braces, of a header, or of a string in a list of needs, which becomes a
// table with the key on. It returns false where none of these stands there.
func (t *Text) SetKey(at diag.Span, key, value string) (Edit, bool) {
	from, ok := t.offset(at)
	if !ok {
		return Edit{}, false
	}
	line := strings.TrimLeft(t.Line(at.Line), " \t")
	switch c := t.text[from]; {
	case c == '{':
		separator := ","
		if strings.HasPrefix(strings.TrimLeft(t.text[from+1:], " \t"), "}") {
			separator = ""
		}
		return Edit{at, "{", "{ " + key + " = " + value + separator}, true
	case strings.HasPrefix(line, "["):
		if at.Line >= len(t.starts) {
			return Edit{}, false
		}
		indent := t.Line(at.Line)[:len(t.Line(at.Line))-len(line)]
		next := diag.Span{File: at.File, Line: at.Line + 1, Col: 1}
		return Edit{next, "", indent + key + " = " + value + t.newline()}, true
	case c == '"' || c == '\'':
		end := t.quoted(from)
		old := t.text[from:end]
		return Edit{at, old, "{ on = " + old + ", " + key + " = " + value + " }"}, true
	}
	return Edit{}, false
}

// newline is how the lines of the file end.
func (t *Text) newline() string {
	if end := t.lineEnd(1); len(t.text) > end && t.text[end] == '\r' {
		return "\r\n"
	}
	return "\n"
}
