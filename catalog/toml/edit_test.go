package toml

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAddKeys: however a table is written, keys can be added to it, and the rest of
// the text stays.
func TestAddKeys(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"header":       {"[a.b] # x\n\n[c]\n", "[a.b] # x\nk = 1\nl = 2\n\n[c]\n"},
		"below keys":   {"[a.b]\nx = [\n 1, # one\n] # x\n# of c\n[c]\n", "[a.b]\nx = [\n 1, # one\n] # x\nk = 1\nl = 2\n# of c\n[c]\n"},
		"below dots":   {"[a.b]\nx.y = '''\n'''\n[a.b.z]\nq = 1\n", "[a.b]\nx.y = '''\n'''\nk = 1\nl = 2\n[a.b.z]\nq = 1\n"},
		"braces":       {"a = { b = { x = 1 } } # c\n", "a = { b = { x = 1, k = 1, l = 2 } } # c\n"},
		"empty braces": {"a.b = {}\n", "a.b = { k = 1, l = 2 }\n"},
		"dots":         {"a.b.x = 1 # c\na.c = 2\n", "a.b.x = 1 # c\na.b.k = 1\na.b.l = 2\na.c = 2\n"},
		"more dots":    {"[a]\n  b.x.y = 1\nb.z = [\n]\nc = 2\n", "[a]\n  b.x.y = 1\nb.z = [\n]\n  b.k = 1\n  b.l = 2\nc = 2\n"},
		"implied":      {"[a.b.c]\nx = 1\n", "[a.b.c]\nx = 1\n\n[a.b]\nk = 1\nl = 2\n"},
		"Windows":      {"[a.b]\r\nx = 1\r\n", "[a.b]\r\nx = 1\r\nk = 1\r\nl = 2\r\n"},
	} {
		doc, faults := Parse("f", []byte(test.text))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		a, _ := doc.Root.Get("a")
		b, ok := a.Value.Table.Get("b")
		if !ok {
			t.Fatal(name)
		}
		edits := doc.Edit()
		edits.AddKeys(b.Value.Table, "a.b", "k = 1", "l = 2")
		if diff := cmp.Diff(test.want, string(edits.Bytes())); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if _, faults := Parse("f", edits.Bytes()); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
	}
}

// TestAddItems: however a list is written.
func TestAddItems(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"one line":       {"a = [1, 2] # c\n", "a = [\n  1,\n  2,\n  8,\n  9,\n] # c\n"},
		"empty":          {"a = []\n", "a = [\n  8,\n  9,\n]\n"},
		"several lines":  {"a = [\n    1, # one\n    2 # two\n    # last\n] # c\n", "a = [\n    1, # one\n    2, # two\n    # last\n    8,\n    9,\n] # c\n"},
		"bracket behind": {"a = [\n  1,\n  2]\n", "a = [\n  1,\n  2,\n  8,\n  9,\n]\n"},
		"only comments":  {"a = [\n  # none\n]\n", "a = [\n  # none\n  8,\n  9,\n]\n"},
	} {
		doc, faults := Parse("f", []byte(test.text))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		a, _ := doc.Root.Get("a")
		edits := doc.Edit()
		edits.AddItems(a.Value, false, "8", "9")
		if diff := cmp.Diff(test.want, string(edits.Bytes())); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if _, faults := Parse("f", edits.Bytes()); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
