package toml

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"together":        {"a = 1 # x\nlong = 2\nb = 3 # y\n           # z\ncc = [\n1] # w\n# v\nddd=1", "a    = 1 # x\nlong = 2\nb    = 3 # y\n         # z\ncc = [\n  1,\n] # w\n# v\nddd = 1\n"},
		"spaces":          {"a=1\n  b   =   2 #x\n", "a = 1\nb = 2 #x\n"},
		"keys":            {"a . \"b\" . 'c d'=1\n[ x . \"y\" ]\n[[ z ]]\n", "a.b.'c d' = 1\n\n[x.y]\n[[z]]\n"},
		"blank lines":     {"\n\n# top\n\n\n\na = 1\n# of b\n[b]\nc = 1\n\n\n\nd = 1\n", "# top\n\na = 1\n\n# of b\n[b]\nc = 1\n\nd = 1\n"},
		"tables close by": {"[a]\n[b]\nx = 1\n[c]\n", "[a]\n[b]\nx = 1\n\n[c]\n"},
		"lists":           {"a=[1,2 , 3,]\nb=[\n1,\n2]\nc=[]\nd=[\n]\n", "a = [1, 2, 3]\nb = [\n  1,\n  2,\n]\nc = []\nd = []\n"},
		"comments in lists": {
			"a = [ # first\n 1, # one\n # two\n 2 # 2\n , # after\n # last\n]  # all\n",
			"a = [\n  # first\n  1, # one\n  # two\n  2, # 2\n  # after\n  # last\n] # all\n",
		},
		"long lists": {
			"needs = [\"" + strings.Repeat("x", 60) + "\", { on = \"" + strings.Repeat("y", 40) + "\" }]\n",
			"needs = [\n  \"" + strings.Repeat("x", 60) + "\",\n  { on = \"" + strings.Repeat("y", 40) + "\" },\n]\n",
		},
		"braces":    {"a={b=1,c={d=[1,\n2]}}\n", "a = { b = 1, c = { d = [1, 2] } }\n"},
		"TOML 1.1":  {"a = {\n  b = 1, # one\n  # two\n  c = \"\\e\\x41\",\n}\nt = 07:32\n", "# one\n# two\na = { b = 1, c = \"\\u001B\\u0041\" }\nt = 07:32:00\n"},
		"in a list": {"a = [\n  {\n    b = 1, # one\n  }, # x\n]\n", "a = [\n  # one\n  { b = 1 }, # x\n]\n"},
		"CRLF":      {"a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"},
		"strings":   {"a = '''\n x\n'''\nb = \"\"\"y\\\n  z\"\"\" # c\nd = 'a#b'\n", "a = '''\n x\n'''\nb = \"\"\"y\\\n  z\"\"\" # c\nd = 'a#b'\n"},
		"times":     {"a = 2026-11-22 10:00:00Z\n", "a = 2026-11-22 10:00:00Z\n"},
		"empty":     {"", ""},
		"comment":   {"# x", "# x\n"},
	} {
		got, faults := Format("f", []byte(test.text))
		if len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		checkFormat(t, []byte(test.text))
	}
	if text, faults := Format("f", []byte("a = \n")); text != nil || !faults.HasErrors() {
		t.Errorf("a faulty file becomes %q", text)
	}
}

// checkFormat: what is formatted says the same, has every comment, and stays as it is.
func checkFormat(t *testing.T, text []byte) {
	once, faults := Format("f", text)
	if faults.HasErrors() {
		return
	}
	before, _ := Parse("f", text)
	after, faults := Parse("f", once)
	if faults.HasErrors() {
		t.Fatalf("%q becomes faulty: %v\n%s", text, faults, once)
	}
	if !reflect.DeepEqual(plainTable(before.Root), plainTable(after.Root)) {
		t.Errorf("%q says something else:\n%s", text, once)
	}
	if want, got := comments(string(text)), comments(string(once)); !slices.Equal(want, got) {
		t.Errorf("%q had the comments %q, and has %q:\n%s", text, want, got, once)
	}
	if twice, _ := Format("f", once); !bytes.Equal(once, twice) {
		t.Errorf("%q becomes\n%sand then\n%s", text, once, twice)
	}
}

// comments are the comments of a valid text, sorted.
func comments(text string) []string {
	var all []string
	for at := 0; at < len(text); {
		switch text[at] {
		case '"', '\'':
			at, _ = stringEnd(text, at)
		case '#':
			end := strings.IndexByte(text[at:], '\n')
			if end < 0 {
				end = len(text) - at
			}
			all = append(all, strings.TrimRight(text[at:at+end], " \t\r"))
			at += end
		default:
			at++
		}
	}
	slices.Sort(all)
	return all
}

func plainTable(t *Table) map[string]any {
	m := make(map[string]any)
	for _, e := range t.Entries {
		m[e.Key] = plainValue(e.Value)
	}
	return m
}

func plainValue(v *Value) any {
	switch v.Kind {
	case TableKind:
		return plainTable(v.Table)
	case ArrayKind:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = plainValue(item)
		}
		return list
	case StringKind:
		return strings.ReplaceAll(v.Scalar.(string), "\r\n", "\n")
	case FloatKind:
		if f := v.Scalar.(float64); f != f {
			return "nan"
		}
	}
	return v.Scalar
}

func FuzzFormat(f *testing.F) {
	for _, text := range []string{
		"a = [ # x\n1, # y\n]\n", "a = {\n b = [ # c\n 1 ],\n}\n", "[a]\n[[b.c]] # d\n", "a.\"b c\" = 1e3 # x\n", "x = \"\\e\\x20\" # y\n",
		"a = [[1, 2], [ # c\n 3 ]]\n", "'' = 1\n\"\\t\" = '''\n#'''#\n", "t = [07:32, 2026-11-22 10:00]\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkFormat(t, text) })
}
