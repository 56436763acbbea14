package toml

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// FuzzParse checks on any bytes that Parse comes back, that its diagnostics point
// into the file, and that a file without faults has exactly the keys BurntSushi
// finds in it.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, faults := Parse("fuzz.toml", data)
		for _, d := range faults {
			if d.Span.Line < 1 || d.Span.Line > len(doc.starts) || d.Span.Col < 1 || d.Span.Width < 1 {
				t.Errorf("a span outside of the file: %+v", d)
			}
			if col := utf8.RuneCountInString(doc.Line(d.Span.Line)); d.Span.Col > col+1 && col < maxLine {
				t.Errorf("column %d of a line of %d: %s", d.Span.Col, col, d)
			}
			if d.Message == "" || strings.ContainsAny(d.Message, "\n") || len(d.Message) > 2000 {
				t.Errorf("a bad message: %q", d.Message)
			}
		}
		checkTree(t, doc, doc.Root)
		if len(faults) > 0 {
			return
		}
		var v any
		md, err := toml.Decode(string(data), &v)
		if err != nil {
			t.Fatalf("no fault was found, but BurntSushi has one: %v", err)
		}
		want := map[string]bool{}
		for _, key := range md.Keys() {
			for n := range key {
				want[strings.Join(key[:n+1], "\x00")] = true
			}
		}
		got := map[string]bool{}
		collectKeys(got, "", &Value{Kind: TableKind, Table: doc.Root})
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("keys differ, - BurntSushi, + here:\n%s", diff)
		}
	})
}

func collectKeys(keys map[string]bool, path string, v *Value) {
	for _, item := range v.Items {
		collectKeys(keys, path, item)
	}
	if v.Table == nil {
		return
	}
	for _, e := range v.Table.Entries {
		keys[path+e.Key] = true
		collectKeys(keys, path+e.Key+"\x00", e.Value)
	}
}

// checkTree checks what every tree must be, faults or not.
func checkTree(t *testing.T, doc *Document, table *Table) {
	t.Helper()
	seen := map[string]bool{}
	var check func(*Value)
	check = func(v *Value) {
		switch v.Kind {
		case TableKind:
			checkTree(t, doc, v.Table)
		case ArrayKind:
			for _, item := range v.Items {
				check(item)
			}
		case FaultyKind:
		default:
			if v.Scalar == nil {
				t.Errorf("%s: %s without a value", v.At, v.Kind)
			}
		}
	}
	for i, e := range table.Entries {
		if seen[e.Key] {
			t.Errorf("%s: %q is there twice", e.At, e.Key)
		}
		seen[e.Key] = true
		if table.find(e.Key) != i {
			t.Errorf("%s: %q is not found", e.At, e.Key)
		}
		if line := doc.Line(e.At.Line); line == "" || e.At.Col > utf8.RuneCountInString(line) && len(line) < maxLine {
			t.Errorf("%s: %q has no place", e.At, e.Key)
		}
		check(e.Value)
	}
}
