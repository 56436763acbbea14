package toml

import (
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog/diag"
)

func at(line, col int) diag.Span { return diag.Span{File: "x.toml", Line: line, Col: col} }

const edited = `# é keeps its place
[service.a] # header
tier  = 2
needs = ["b", { on = "c" }, {}, 'd']

  [[service.a.need]]
  on = "é"; x
`

func textOf(t *testing.T, s string) *Text {
	t.Helper()
	doc, _ := Parse("x.toml", []byte(s))
	return &doc.Text
}

func TestSplice(t *testing.T) {
	x := textOf(t, edited)
	got, err := x.Splice([]Edit{
		{at(7, 13), "x", "# y"}, {at(3, 9), "2", "10"}, {at(3, 9), "2", "10"}, {at(1, 3), "é", "É"}, {at(5, 1), "\n", ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("2", "10", "# é", "# É", "\n\n", "\n", "; x", "; # y").Replace(edited)
	if got != want {
		t.Errorf("got\n%s", got)
	}
	for what, edits := range map[string][]Edit{
		"something else stands there": {{at(3, 9), "3", "4"}},
		"a line that is not there":    {{at(70, 1), "", "x"}},
		"a column that is not there":  {{at(3, 20), "", "x"}},
		"two want the same place":     {{at(3, 9), "2", "3"}, {at(3, 9), "2", "4"}},
		"one within the other":        {{at(3, 1), "tier  = 2", "x"}, {at(3, 9), "2", "4"}},
	} {
		if got, err := x.Splice(edits); err == nil {
			t.Errorf("%s, and yet:\n%s", what, got)
		}
	}
}

func TestSetKey(t *testing.T) {
	for _, c := range []struct {
		at         diag.Span
		old, fresh string
	}{
		{at(2, 2), "# header\n", "# header\nretry = true\n"},
		{at(4, 10), `"b"`, `{ on = "b", retry = true }`},
		{at(4, 15), `{ on = "c" }`, `{ retry = true, on = "c" }`},
		{at(4, 29), `{}`, `{ retry = true}`},
		{at(4, 33), `'d'`, `{ on = 'd', retry = true }`},
		{at(6, 5), "[[service.a.need]]\n", "[[service.a.need]]\n  retry = true\n"},
	} {
		x := textOf(t, edited)
		e, ok := x.SetKey(c.at, "retry", "true")
		if !ok {
			t.Errorf("%s: no edit", c.at)
			continue
		}
		got, err := x.Splice([]Edit{e})
		if want := strings.Replace(edited, c.old, c.fresh, 1); err != nil || got != want {
			t.Errorf("%s: %v\n%s", c.at, err, got)
		}
	}
	if _, ok := textOf(t, edited).SetKey(at(3, 9), "x", "1"); ok {
		t.Error("a number is no table")
	}
}

// FuzzSplice: whatever the place, nothing but the edit changes.
func FuzzSplice(f *testing.F) {
	f.Add(edited, 3, 9, "2", "10")
	f.Add("a\r\nb", 2, 1, "b", "")
	f.Fuzz(func(t *testing.T, text string, line, col int, old, fresh string) {
		doc, _ := Parse("x.toml", []byte(text))
		got, err := doc.Splice([]Edit{{at(line, col), old, fresh}})
		if err != nil {
			return
		}
		if len(got) != len(doc.text)-len(old)+len(fresh) || !strings.Contains(got, fresh) {
			t.Errorf("%q became %q", doc.text, got)
		}
	})
}
