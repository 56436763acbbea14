package toml

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSlips gives each slip a good line before and a table behind. It must lead to
// one message, and the table must be read.
func TestSlips(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		// Words that are no values.
		{`timeout = 5s`, `11+2: 5s is not TOML; write "5s"`},
		{`timeout = 10 ms # c`, `11+5: 10 ms is not TOML; write "10 ms"`},
		{`a = 20%`, `5+3: 20% is not TOML; write "20%"`},
		{`a = 400/s`, `5+5: 400/s is not TOML; write "400/s"`},
		{`a = 3m..3h`, `5+6: 3m..3h is not TOML; write "3m..3h"`},
		{`a = checkout`, `5+8: checkout is not TOML; write "checkout"`},
		{`a = our checkout # c`, `5+12: our checkout is not TOML; write "our checkout"`},
		{`a = [x, "y"]`, `6+1: x is not TOML; write "x"`},
		{`a = { b = 5s }`, `11+2: 5s is not TOML; write "5s"`},
		{`a = True`, `5+4: True is not TOML; write true`},
		{`a = off`, `5+3: off is not TOML; write false`},
		{`a = null`, `5+4: TOML has no null; leave the key out`},
		{`a = .5`, `5+2: .5 is not TOML; write 0.5`},
		{`a = 007`, `5+3: 007 is not TOML; write 7 or "007"`},
		{`a = 1,000`, `5+5: 1,000 is not TOML; write 1000`},
		{`a = 10.0.0.1`, `5+8: 10.0.0.1 is not TOML; write "10.0.0.1"`},
		{`a = https://x.example/`, `5+18: https://x.example/ is not TOML; write "https://x.example/"`},
		{`a = 2025-13-01`, `5+10: 2025-13-01 is not a date or time; write a date as 2025-10-20 or 2025-10-20T06:49:00Z`},
		{`a = 1e999`, `5+5: 1e999 is too large for a number`},
		{`a =`, `1+3: there is no value behind =; write a = …`},
		{`a = # none`, `1+3: there is no value behind =; write a = …`},
		{`a == 1`, `4+1: a second = behind the key; remove it`},

		// Strings.
		{`a = "abc`, `5+4: this string is never closed; add " at its end`},
		{`a = 'abc  `, `5+4: this string is never closed; add ' at its end`},
		{"a = \"one\ntwo\"", `5+4: a string in " ends with its line; use """ for a string of several lines`},
		{`a = """abc`, `5+3: this string is never closed; add """ at its end`},
		{`a = “abc”`, `5+1: “ is not a quote in TOML; write "abc"`},
		{`a = 'it's'`, `9+2: the string has ended at the ' before; put the string into double quotes`},
		{`a = "say "hi""`, `11+4: the string has ended at the " before; write \" for a quote inside of a string`},
		{`a = "C:\Users\x"`, `8+2: \U means nothing in a string; write 'C:\Users\x', or \\ for each backslash`},
		{`a = "\ud800"`, `6+6: \ud800 is not a character`},
		{"a = \"\x01\"", `6+1: the control character U+0001 is not allowed; remove it`},

		// Keys.
		{`a: 1`, `2+1: a key is followed by = in TOML, not by a colon; write a = 1`},
		{`name : checkout`, `6+1: a key is followed by = in TOML, not by a colon; write name = "checkout"`},
		{`a = { b: 1 }`, `8+1: a key is followed by = in TOML, not by a colon; write key = value`},
		{`key value`, `5+5: there is no = behind the key key; write key = "value"`},
		{`key`, `1+3: key has no value; write key = …`},
		{`my key = 1`, `1+6: a key with blanks needs quotes; write "my key" = …`},
		{`größe = 1`, `1+5: größe needs quotes, for its 'ö'; write "größe"`},
		{`a.b. = 1`, `5+1: a part of this key is empty`},
		{`= 1`, `1+1: there is no key before =`},
		{`“a” = 1`, `1+1: “ is not a quote in TOML; use straight quotes: "`},
		{`a = {b}`, `6+1: b has no value; write b = …`},
		{`a = [b = 1]`, `6+1: a list holds no keys; write { b = … }`},
		{`- item`, `1+1: lists are not written with dashes; write key = ["…", "…"]`},
		{`// note`, `1+7: this is not a comment in TOML; begin it with #`},
		{`}`, `1+1: "}" belongs to nothing`},

		// Headers.
		{`[open`, `1+5: this header is never closed; write [open]`},
		{`[[open]`, `1+7: this header opens with two brackets and closes with one; write [[open]]`},
		{`[]`, `1+2: a header needs a name; write [name]`},
		{`[a/b]`, `2+3: a/b needs quotes, for its '/'; write "a/b"`},
		{`[a b]`, `4+1: a key with blanks needs quotes`},
		{`[a] b = 1`, `5+5: only a comment may stand behind a header; put it on a line of its own`},

		// Lists, tables in braces, and ends of lines.
		{`a = ["x" "y"]`, `10+1: a comma is missing between two items of a list; put "," before it`},
		{`a = { b = 1 c = 2 }`, `13+1: a comma is missing between two keys of a table; put "," before it`},
		{`a = [1,,2]`, `8+1: nothing stands before this comma; remove it`},
		{`a = [1, 2`, `5+1: this list is never closed; add "]" at its end`},
		{"a = [\n  1,\n  2,", `5+1: this list is never closed; add "]" at its end`},
		{"a = [\n  1,\n  2,\nb = [3]", `5+1: this list is never closed; add "]" at its end`},
		{`a = { b = 1`, `5+1: this table is never closed; add "}" at its end`},
		{"a = {\n  b = 1,\n  c = 2", `5+1: this table is never closed; add "}" at its end`},
		{"a =\n  [\"x\"]", `1+3: there is no value behind =; put the value on the same line`},
		{`a = 1 b = 2`, `7+5: a second key on the same line; give it a line of its own`},
		{`a = "x";`, `8+1: a line does not end with ';' in TOML; remove it`},
		{`a = "x",`, `8+1: a line does not end with ',' in TOML; remove it`},
		{"a = \"\"\"open\n[z1]\na = \"\"\"text\"\"\"", `5+3: this string is never closed; add """ at its end`},
	} {
		doc, faults := Parse("x.toml", []byte("ok = 1\n"+test.line+"\n[z]\nzz = 1\n"))
		var got []string
		for _, f := range faults {
			help := ""
			if f.Help != "" {
				help = "; " + f.Help
			}
			got = append(got, fmt.Sprintf("%d+%d: %s%s", f.Span.Col, f.Span.Width, f.Message, help))
			if f.Text != doc.Line(f.Span.Line) || f.Span.Line != 2 {
				t.Errorf("%q: line %d with the text %q", test.line, f.Span.Line, f.Text)
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%q: %s", test.line, diff)
		}
		z, ok := doc.Root.Get("z")
		if !ok || len(z.Value.Table.Entries) != 1 {
			t.Errorf("%q: the table behind is lost", test.line)
		}
		if e, ok := doc.Root.Get("ok"); !ok || e.Value.Scalar != int64(1) {
			t.Errorf("%q: the line before is lost", test.line)
		}
	}
}

// TestFaultInsideOfManyLines is about faults in values of several lines that are
// complete: what follows the value must not be taken for a part of it.
func TestFaultInsideOfManyLines(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"a = [\n  \"x\"\n  \"y\"\n]\n", `3:3 a comma is missing between two items of a list`},
		{"a = [\n  { on = \"x\" },\n  { on = y },\n]\n", `3:10 y is not TOML`},
		{"a = {\n  b = 1,\n  c = 5s,\n  d = 2\n}\n", `3:7 5s is not TOML`},
		{"a = {\n  b = 1\n  c = 2\n}\n", `3:3 a comma is missing between two keys of a table`},
		{"a = \"\"\"\n[x]\nb = 1 \\q\n\"\"\"\n", `3:7 \q means nothing in a string`},
		{"a = [ # not closed: ]\n  \"]\", '[',\n  x\n]\n", `3:3 x is not TOML`},
	} {
		doc, faults := Parse("x.toml", []byte(test.text+"last = 1\n"))
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprintf("%d:%d %s", f.Span.Line, f.Span.Col, f.Message))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%q: %s", test.text, diff)
		}
		if len(doc.Root.Entries) != 2 {
			t.Errorf("%q: %d keys at the end, want 2", test.text, len(doc.Root.Entries))
		}
	}
}

// TestAllAtOnce is a file with many faults.
func TestAllAtOnce(t *testing.T) {
	doc, faults := Parse("x.toml", []byte(`a = 5s
b: 1
c = "open
[t
d = 1
[u]
e = [1,
f = 1
f = 2
g = 99999999999999999999
`))
	var got []int
	for _, f := range faults {
		got = append(got, f.Span.Line)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 7, 9, 10}, got); diff != "" {
		t.Errorf("lines with faults: %s\n%v", diff, faults)
	}
	u, _ := doc.Root.Get("u")
	if e, ok := u.Value.Table.Get("f"); !ok || e.Value.Scalar != int64(1) {
		t.Error("a good value between faults is lost")
	}
}
