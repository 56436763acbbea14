package diag

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestString(t *testing.T) {
	at := func(line, col, width int) Span { return Span{File: "shop.toml", Line: line, Col: col, Width: width} }
	for _, test := range []struct {
		name string
		d    Diagnostic
		want string
	}{
		{"plain", Diagnostic{Span: at(3, 1, 5), Message: `unknown key "titel"`, Help: `did you mean "title"?`, Text: `titel = "x"`}, `
shop.toml:3:1: error: unknown key "titel"; did you mean "title"?
    3 | titel = "x"
      | ^^^^^
`},
		{"warning, related", Diagnostic{
			Severity: Warning, Span: at(3, 5, 1), Message: "m", Text: "a = 1",
			Related: []Related{{Span: at(1, 2, 1), Note: "first defined here"}},
		}, `
shop.toml:3:5: warning: m
    3 | a = 1
      |     ^
    shop.toml:1:2: first defined here
`},
		{"no text", Diagnostic{Span: at(3, 1, 1), Message: "m"}, "\nshop.toml:3:1: error: m\n"},
		{"whole file", Diagnostic{Span: Span{File: "f"}, Message: "m", Text: "x"}, "\nf: error: m\n"},
		{"whole line", Diagnostic{Span: Span{File: "f", Line: 7}, Message: "m"}, "\nf:7: error: m\n"},
		{"tabs", Diagnostic{Span: at(3, 3, 1), Message: "m", Text: "\t\tx = 1"}, `
shop.toml:3:3: error: m
    3 |   x = 1
      |   ^
`},
		{"wide", Diagnostic{Span: at(3, 4, 2), Message: "m", Text: "漢字=値段"}, `
shop.toml:3:4: error: m
    3 | 漢字=値段
      |      ^^^^
`},
		{"combining", Diagnostic{Span: at(3, 4, 1), Message: "m", Text: "e\u0301=x"}, "\nshop.toml:3:4: error: m\n    3 | e\u0301=x\n      |   ^\n"},
		{"behind the end", Diagnostic{Span: at(3, 6, 1), Message: "m", Text: "a = 1"}, `
shop.toml:3:6: error: m
    3 | a = 1
      |      ^
`},
		{"far behind the end", Diagnostic{Span: at(3, 99, 99), Message: "m", Text: "a = 1"}, `
shop.toml:3:99: error: m
    3 | a = 1
      |      ^
`},
		{"too wide", Diagnostic{Span: at(3, 5, 99), Message: "m", Text: "a = 1"}, `
shop.toml:3:5: error: m
    3 | a = 1
      |     ^
`},
		{"no column", Diagnostic{Span: at(3, 0, 0), Message: "m", Text: "a = 1"}, `
shop.toml:3: error: m
    3 | a = 1
      | ^
`},
		{"control and direction", Diagnostic{Span: at(3, 3, 1), Message: "a\x1b[2Jb\u202ec\nd", Text: "\x1b\u202ex\u200b"}, `
shop.toml:3:3: error: a�[2Jb�c d
    3 | ��x�
      |   ^
`},
	} {
		if diff := cmp.Diff(test.want[1:], test.d.String()); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestLongLine(t *testing.T) {
	text := strings.Repeat("a", 500) + "BAD" + strings.Repeat("z", 500)
	d := Diagnostic{Span: Span{File: "f", Line: 1, Col: 501, Width: 3}, Message: "m", Text: text}
	lines := strings.Split(d.String(), "\n")
	line, caret := []rune(lines[1]), lines[2]
	if len(line) > maxText+20 {
		t.Errorf("%d code points are shown", len(line))
	}
	if at := strings.Index(caret, "^^^"); at < 0 || string(line[at:at+3]) != "BAD" {
		t.Errorf("the caret is under something else:\n%s", d)
	}
}

// TestCaret checks on any line that the caret stands under the fault and that
// nothing is printed that a terminal would obey.
func TestCaret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		d := Diagnostic{
			Span:    Span{File: rapid.String().Draw(t, "file"), Line: 1, Col: rapid.IntRange(-1, 300).Draw(t, "col"), Width: rapid.IntRange(-1, 300).Draw(t, "width")},
			Message: rapid.String().Draw(t, "message"),
			Text:    text,
		}
		got := d.String()
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\r\u202e\u2028") {
			t.Errorf("%q", got)
		}
		if lines := strings.Count(got, "\n"); lines != 1 && lines != 3 {
			t.Errorf("%d lines: %q", lines, got)
		}
	})
}

func TestSort(t *testing.T) {
	at := func(file string, line, col, width int) Span {
		return Span{File: file, Line: line, Col: col, Width: width}
	}
	want := List{
		{Span: at("a", 0, 0, 0), Message: "whole file"},
		{Span: at("a", 1, 2, 1), Message: "m"},
		{Span: at("a", 1, 2, 3), Message: "m"},
		{Span: at("a", 1, 2, 1), Message: "n"},
		{Severity: Warning, Span: at("a", 1, 2, 1), Message: "a"},
		{Span: at("a", 2, 1, 1), Message: "m"},
		{Span: at("b", 1, 1, 1), Message: "m"},
	}
	rapid.Check(t, func(t *rapid.T) {
		got := List(rapid.Permutation(slices.Concat(want, want)).Draw(t, "list"))
		got.Sort()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	if errors, warnings := want.Count(); errors != 6 || warnings != 1 || !want.HasErrors() {
		t.Errorf("%d errors, %d warnings", errors, warnings)
	}
	if (List{{Severity: Warning}}).HasErrors() {
		t.Error("a warning is no error")
	}
}

func TestNearest(t *testing.T) {
	words := []string{"title", "timeout", "owner", "tier", "on", "of"}
	for word, want := range map[string]string{
		"titel": "title", "Timeout": "timeout", "time-out": "timeout", "timout": "timeout", "ownr": "owner",
		"no": "on", "x": "", "wholly": "", "tire": "tier", "title": "", "": "", "TITLE": "title",
		strings.Repeat("title", 1000): "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q is nearest to %q, want %q", word, got, want)
		}
	}
	// Of two that are as near, the first in order, however they are listed.
	for _, list := range [][]string{{"cat", "bat"}, {"bat", "cat"}} {
		if got := Nearest("rat", list); got != "bat" {
			t.Errorf("%v: got %q", list, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for _, test := range []struct {
		word string
		from []string
		want string
	}{
		{"hrad", []string{"hard", "soft"}, `did you mean "hard"?`},
		{"maybe", []string{"soft", "hard"}, `use one of "hard", "soft"`},
		{"maybe", []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}, ""},
		{"maybe", nil, ""},
	} {
		if got := DidYouMean(test.word, test.from); got != test.want {
			t.Errorf("%q: got %q, want %q", test.word, got, test.want)
		}
	}
}

func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 0, 12, -1)
		a, b := []rune(word.Draw(t, "a")), []rune(word.Draw(t, "b"))
		var rows distanceRows
		ab := rows.distance(a, b, 100)
		if ba := rows.distance(b, a, 100); ab != ba {
			t.Errorf("%d one way, %d the other", ab, ba)
		}
		if (ab == 0) != slices.Equal(a, b) {
			t.Errorf("distance %d", ab)
		}
		if ab < len(a)-len(b) || ab < len(b)-len(a) || ab > max(len(a), len(b)) {
			t.Errorf("distance %d of lengths %d and %d", ab, len(a), len(b))
		}
		limit := rapid.IntRange(0, 12).Draw(t, "limit")
		if got := rows.distance(a, b, limit); got != min(ab, limit+1) {
			t.Errorf("distance %d with the limit %d, %d without", got, limit, ab)
		}
	})
}
