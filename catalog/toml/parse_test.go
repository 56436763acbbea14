package toml

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/knockon/knockon/catalog/diag"
	"pgregory.net/rapid"
)

// render shows a table with all places, one key a line.
func render(b *strings.Builder, indent, name string, v *Value) {
	at := fmt.Sprintf("%d:%d+%d", v.At.Line, v.At.Col, v.At.Width)
	switch v.Kind {
	case TableKind:
		fmt.Fprintf(b, "%s%s {} %s\n", indent, name, at)
		for _, e := range v.Table.Entries {
			render(b, indent+"  ", fmt.Sprintf("%d:%d %s", e.At.Line, e.At.Col, e.Key), e.Value)
		}
	case ArrayKind:
		fmt.Fprintf(b, "%s%s [] %s\n", indent, name, at)
		for _, item := range v.Items {
			render(b, indent+"  ", "-", item)
		}
	default:
		fmt.Fprintf(b, "%s%s %s %v %s\n", indent, name, v.Kind, v.Scalar, at)
	}
}

func TestPlaces(t *testing.T) {
	const text = `title = "shop" # c
[service.checkout]
needs = [ "ü", ["b", [] ], {x = 1, y.z = 2},
  3 ]
when = 2025-10-20T06:49:00
[[service.checkout.note]]
[[service.checkout.note]]
  [service.checkout.note."a b"]
  text = """
two
lines"""
`
	const want = `root {} 1:1+0
  1:1 title a string shop 1:9+6
  2:2 service {} 2:2+7
    2:10 checkout {} 2:2+16
      3:1 needs [] 3:9+36
        - a string ü 3:11+3
        - [] 3:16+10
          - a string b 3:17+3
          - [] 3:22+2
        - {} 3:28+16
          3:29 x an integer 1 3:33+1
          3:36 y {} 3:36+1
            3:38 z an integer 2 3:42+1
        - an integer 3 4:3+1
      5:1 when a date 2025-10-20 06:49:00 +0000 UTC 5:8+19
      6:20 note [] 6:3+21
        - {} 6:3+21
        - {} 7:3+21
          8:26 a b {} 8:4+27
            9:3 text a string two
lines 9:10+3
`
	for name, text := range map[string]string{
		"plain":                  text,
		"with a byte order mark": "\ufeff" + text,
		"no line feed at end":    strings.TrimSuffix(text, "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			doc, faults := Parse("shop.toml", []byte(text))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			var b strings.Builder
			render(&b, "", "root", &Value{Kind: TableKind, At: doc.Root.At, Table: doc.Root})
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("Windows line endings", func(t *testing.T) {
		doc, faults := Parse("shop.toml", []byte(strings.ReplaceAll(text, "\n", "\r\n")))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if got := doc.Line(2); got != "[service.checkout]" {
			t.Errorf("line 2 is %q", got)
		}
	})
}

func TestLine(t *testing.T) {
	doc, _ := Parse("x.toml", []byte("a = 1\n\nb = '"+strings.Repeat("ü", maxLine)+"'\nc = 3"))
	for n, want := range map[int]string{0: "", 1: "a = 1", 2: "", 4: "c = 3", 5: "", 6: "", 99: "", -1: ""} {
		if got := doc.Line(n); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
	}
	if long := doc.Line(3); len(long) > maxLine || !strings.HasSuffix(long, "üü") {
		t.Errorf("a long line is cut to %d bytes, ending %q", len(long), long[len(long)-4:])
	}
}

func TestDuplicates(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"a = 1\na = 2", `2:1 key "a" is defined twice (1:1)`},
		{"a = 1\n'a' = 2", `2:1 key "a" is defined twice (1:1)`},
		{"[a]\n[b]\n[a]", `3:2 table [a] is defined twice (1:2)`},
		{"[a.b]\n[a]\n[a.b]", `3:2 table [a.b] is defined twice (1:2)`},
		{"[a]\nb = 1\n[a.b]", `3:4 a.b is already an integer (2:1)`},
		{"[[a]]\n[a]", `2:2 a is already a list of tables (1:3)`},
		{"[a]\n[[a]]", `2:3 a is already a table (1:2)`},
		{"a = [{}]\n[[a]]", `2:3 a is already a list (1:1)`},
		{"a = {}\n[a.b]", `2:2 a is already a table (1:1)`},
		{"a.b = 1\n[a]", `2:2 a is already a table (1:1)`},
		{"a.b = 1\na = 1", `2:1 key "a" is defined twice (1:1)`},
		{"a = 1\na.b = 1", `2:1 "a" is already an integer (1:1)`},
		{"[a.b]\nx = 1\n[a]\nb.y = 1", `4:1 "b" is already a table (1:4)`},
		{"t = { x = 1, y = { z = 1, z = 2 }, x = 3 }", `1:27 key "z" is defined twice (1:20); 1:36 key "x" is defined twice (1:7)`},
		{"[a]\nx = 1\n[a]\nx = 2\ny = 1\n[b]\nz = 1", `3:2 table [a] is defined twice (1:2)`},
		{"[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\n[[a]]\n[a.b]", ""},
		{"[a.b]\n[a]\n[a.c]\nd.e = 1\nd.f = 2\n[a.c.d.g]", ""},
	} {
		_, faults := Parse("x.toml", []byte(test.text))
		var got []string
		for _, f := range faults {
			got = append(got, fmt.Sprintf("%d:%d %s (%d:%d)", f.Span.Line, f.Span.Col, f.Message, f.Related[0].Span.Line, f.Related[0].Span.Col))
		}
		if diff := cmp.Diff(test.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%q: %s", test.text, diff)
		}
	}
}

func TestFaultyKeysAreKept(t *testing.T) {
	doc, faults := Parse("x.toml", []byte("[t]\nbad = 5s\nbig = 99999999999999999999\ngood = 1\n[open\nlost = 1\n[u]\nx = 1\n"))
	if len(faults) != 3 {
		t.Fatal(faults)
	}
	table, _ := doc.Root.Get("t")
	var got []string
	for _, e := range table.Value.Table.Entries {
		got = append(got, e.Key+": "+e.Value.Kind.String())
	}
	if diff := cmp.Diff([]string{"bad: a fault", "big: a fault", "good: an integer"}, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := doc.Root.Get("u"); !ok {
		t.Error("what follows a faulty header is lost")
	}
}

// TestRefused is about files in which only BurntSushi finds the fault.
func TestRefused(t *testing.T) {
	doc, faults := Parse("x.toml", []byte("a = 1\nb = 2023-10-01T1:32:00Z\n[c]\nd = 2\ne = 2023-10-01T2:32:00Z\n"))
	if len(faults) != 2 || faults[0].Span.Line != 2 || faults[1].Span.Line != 5 || faults[1].Span.Col != 5 {
		t.Errorf("got %v", faults)
	}
	if e, ok := doc.Root.Get("a"); !ok || e.Value.Scalar != int64(1) {
		t.Error("the good values are lost")
	}
}

// TestHostile feeds what would make a careless reader use all time or memory.
func TestHostile(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const n = 20_000
	r := strings.Repeat
	for _, test := range []struct {
		name, text, want string // want is in the first message; "" for a good file
		faults           int
	}{
		{"brackets", "x = " + r("[", 1<<20), "nested more than", 1},
		{"too many brackets", "x = " + r("[", 10<<20), "more than 2097152 keys", 1},
		{"brackets in a header", r("[", 1<<20), "never closed", 1},
		{"braces", "x = " + r("{a=", 1<<20), "nested more than", 1},
		{"dots", r("a.", 1<<19) + "a = 1", "a key with 524289 parts", 1},
		{"dots in a header", "[" + r("a.", 1<<19) + "a]", "a key with 524289 parts", 1},
		{"keys", many(n, "k%d=1\n"), "", 0},
		{"keys in one line", "x = {" + many(n, "k%d='ü',") + "}", "", 0},
		{"the same key", r("a=1\n", n), `key "a" is defined twice`, MaxFaults},
		{"the same table", r("[a]\n", 2*n), "table [a] is defined twice", MaxFaults},
		{"list of tables", r("[[x]]\n[x.y]\n", n), "", 0},
		{"lists of tables", many(n, "[[x%d]]\n"), "", 0},
		{"a long string", `x = "` + r("a", 8<<20) + `"`, "", 0},
		{"a long string without end", `x = "` + r("a", 8<<20), "never closed", 1},
		{"lines without end", `x = """` + r("\\n\n", 1<<20), "never closed", 1},
		{"strings without end", r("x = \"\n", n), "never closed", maxRecovery + 1},
		{"lists without end", r("x = [\n", n), "never closed", maxRecovery + 1},
		{"long paths", "[" + r("a", 100_000) + "]\n" + many(n, "k%d=1\n"), "too long and too many", 1},
		{"deep paths", many(n, r("a.", 30)+"k%d=1\n"), "too long and too many", 1},
		{"carriage returns", r("a=1\r", n), "does not end a line", 1},
		{"lone surrogates", r("x = \"\\ud800\"\n", n), "not a character", maxRecovery + 1},
		{"no text", r("\x00\x01", n), "NUL", 1},
		{"UTF-16", "\xff\xfea\x00", "UTF-16", 1},
		{"Latin-1", r("# \xfc\n", n), "not UTF-8", MaxFaults},
		{"too large", r("\n", MaxBytes+1), "larger than 64 MiB", 1},
		{"digits", "x = " + r("9", 4<<20), "too large", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, faults := Parse("x.toml", []byte(test.text))
			runtime.ReadMemStats(&after)
			if len(faults) != test.faults {
				t.Errorf("%d faults, want %d", len(faults), test.faults)
			}
			if len(faults) > 0 && !strings.Contains(faults[0].Message, test.want) {
				t.Errorf("got %q, want %q", faults[0].Message, test.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 512<<20 {
				t.Errorf("%d MiB allocated for a file of %d KiB", used>>20, len(test.text)>>10)
			}
			if len(faults) == MaxFaults && !strings.Contains(faults[MaxFaults-1].Message, "more faults are not listed") {
				t.Errorf("the last message is %q", faults[MaxFaults-1].Message)
			}
		})
	}
}

// TestRoundTrip writes any strings as keys and values and reads them again.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(rapid.String(), rapid.String(), 0, 20).Draw(t, "table")
		var b strings.Builder
		for key, value := range want {
			fmt.Fprintf(&b, "%s = %s\n", basic(key), basic(value))
		}
		doc, faults := Parse("x.toml", []byte(b.String()))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		got := map[string]string{}
		for _, e := range doc.Root.Entries {
			got[e.Key] = e.Value.Scalar.(string)
			if line := []rune(doc.Line(e.Value.At.Line)); string(line[e.Value.At.Col-1:][:e.Value.At.Width]) != basic(got[e.Key]) {
				t.Errorf("%s does not hold %q", e.Value.At, got[e.Key])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// basic writes a string in double quotes, escaping only what must be.
func basic(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			b.WriteString(`\u00` + string(strconv.AppendInt(nil, int64(r>>4), 16)) + string(strconv.AppendInt(nil, int64(r&15), 16)))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// TestSpansInOrder checks the shortcut of the locator against counting.
func TestSpansInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("aü\U0001F600\n"))).Draw(t, "text") + "\n"
		doc := &Text{text: text, starts: lineStarts(text)}
		l := locator{doc: doc, line: 1}
		offsets := []int{}
		for i := range text {
			offsets = append(offsets, i)
		}
		for range 20 {
			at := rapid.SampledFrom(offsets).Draw(t, "at")
			before := text[:at]
			want := diag.Span{
				Line:  strings.Count(before, "\n") + 1,
				Col:   len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1,
				Width: 1,
			}
			if got := l.span(at, at); got != want {
				t.Fatalf("offset %d of %q: %+v, want %+v", at, text, got, want)
			}
		}
	})
}
