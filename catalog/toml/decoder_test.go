package toml

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// decode reads a text with a function and returns the complaints, one a line.
func decode(t *testing.T, text string, read func(*Decoder)) string {
	t.Helper()
	doc, faults := Parse("x.toml", []byte(text))
	if len(faults) > 0 {
		t.Fatalf("%q: %v", text, faults)
	}
	var list diag.List
	read(doc.Decoder(doc.Root, "[t]", &list))
	var got []string
	for _, f := range list {
		line := fmt.Sprintf("%d:%d %s", f.Span.Line, f.Span.Col, f.Message)
		if f.Help != "" {
			line += "; " + f.Help
		}
		if f.Text != doc.Line(f.Span.Line) {
			t.Errorf("%q: the text is %q", text, f.Text)
		}
		got = append(got, line)
	}
	return strings.Join(got, "\n")
}

func TestUnknownKeys(t *testing.T) {
	got := decode(t, "titel = 'x'\nTimeout = '3s'\nwholly_else = 1\ntimeout = '3s'\n", func(d *Decoder) {
		var s string
		for _, key := range []string{"title", "timeout", "owner", "tier", "needs", "notes", "region", "zone", "capacity"} {
			d.String(key, &s)
		}
		d.Done()
	})
	want := `1:1 unknown key "titel" in [t]; did you mean "title"?
2:1 unknown key "Timeout" in [t]; did you mean "timeout"?
3:1 unknown key "wholly_else" in [t]`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecoder(t *testing.T) {
	var (
		s    string
		b    bool
		n    int64
		f    float64
		list []string
	)
	get := func(method string) func(*Decoder) {
		return func(d *Decoder) {
			switch method {
			case "String":
				d.String("k", &s)
			case "Bool":
				d.Bool("k", &b)
			case "Int":
				d.Int("k", 1, 10, &n)
			case "Least":
				d.Int("k", 0, math.MaxInt64, &n)
			case "Number":
				d.Number("k", 0, 1, &f)
			case "Strings":
				d.Strings("k", &list)
			case "Enum":
				d.Enum("k", []string{"hard", "soft"})
			case "Table":
				d.Table("k")
			case "Tables":
				d.Tables("k")
			case "Map":
				d.Map("k")
			case "Require":
				d.Require("k", `write k = "…"`)
			case "Sub":
				if d := d.Sub("k", "how, such as { a = 1 }"); d != nil {
					d.Int("a", 1, 1, &n)
					d.Done()
				}
			}
		}
	}
	for _, test := range []struct{ method, text, want string }{
		{"String", `k = "x"`, ""},
		{"String", ``, ""},
		{"String", `k = 5`, `1:5 "k" must be a string, not an integer; write k = "5"`},
		{"String", `k = true`, `1:5 "k" must be a string, not true or false; write k = "true"`},
		{"String", `k = ["x"]`, `1:5 "k" must be a string, not a list`},
		{"Bool", `k = true`, ""},
		{"Bool", `k = "Yes"`, `1:5 "k" must be true or false, not a string; write k = true, without quotes`},
		{"Bool", `k = 1`, `1:5 "k" must be true or false, not an integer`},
		{"Int", `k = 10`, ""},
		{"Int", `k = 11`, `1:5 11 is out of range for "k"; write a number from 1 to 10`},
		{"Int", `k = "3"`, `1:5 "k" must be an integer, not a string; write k = 3, without quotes`},
		{"Int", `k = 3.0`, `1:5 "k" must be an integer, not a number; write k = 3`},
		{"Int", `k = 3.5`, `1:5 "k" must be an integer, not a number`},
		{"Least", `k = -1`, `1:5 -1 is out of range for "k"; write 0 or more`},
		{"Number", `k = 1`, ""},
		{"Number", `k = 0.5`, ""},
		{"Number", `k = nan`, `1:5 NaN is out of range for "k"; write a number from 0 to 1`},
		{"Number", `k = -0.5`, `1:5 -0.5 is out of range for "k"; write a number from 0 to 1`},
		{"Number", `k = "0.5"`, `1:5 "k" must be a number, not a string; write k = 0.5, without quotes`},
		{"Strings", `k = "x"`, ""},
		{"Strings", `k = ["x", "y"]`, ""},
		{"Strings", `k = []`, ""},
		{"Strings", `k = ["x", 1, {}]`, "1:11 \"k\" must hold strings, not an integer; write \"1\"\n1:14 \"k\" must hold strings, not a table"},
		{"Strings", `k = 1`, `1:5 "k" must be a string or a list of strings, not an integer; write k = ["1"]`},
		{"Enum", `k = "soft"`, ""},
		{"Enum", `k = "Hard"`, `1:5 unknown k "Hard" in [t]; did you mean "hard"?`},
		{"Enum", `k = "maybe"`, `1:5 unknown k "maybe" in [t]; use one of "hard", "soft"`},
		{"Table", `k = {}`, ""},
		{"Table", `[[k]]`, `1:3 "k" must be a table, not a list; write a header with single brackets, and only once`},
		{"Tables", `k = [{}, {}]`, ""},
		{"Tables", `[k]`, `1:2 "k" must be a list of tables, not a table; write the header with double brackets`},
		{"Tables", `k = {}`, `1:5 "k" must be a list of tables, not a table; put it in square brackets: [{ … }]`},
		{"Tables", `k = [{}, 1]`, `1:10 "k" must hold tables, not an integer`},
		{"Map", `[k.a]`, ""},
		{"Map", `[[k]]`, `1:3 "k" must be a table of tables, not a list; write [k.NAME], with the name in the header`},
		{"Map", "[k]\na = 1", `2:1 [k] holds tables; "a" is an integer; write [k.NAME] and put the keys below it`},
		{"Map", "[[k.a]]", `1:5 "a" is defined as a list of tables; write the header with single brackets`},
		{"Require", `j = 1`, `1:1 [t] needs the key "k"; write k = "…"`},
		{"Sub", `k = { a = 1 }`, ``},
		{"Sub", `k = { b = 1 }`, `1:7 unknown key "b" in k of [t]; use one of "a"`},
		{"Sub", `k = 1`, `1:5 "k" must be a table, not an integer; say how, such as { a = 1 }`},
	} {
		if diff := cmp.Diff(test.want, decode(t, test.text, get(test.method))); diff != "" {
			t.Errorf("%s of %s: %s", test.method, test.text, diff)
		}
	}
}

// TestFaultyValues checks that nobody complains about a value twice.
func TestFaultyValues(t *testing.T) {
	doc, faults := Parse("x.toml", []byte("k = 5s\nl = [[1\n"))
	if len(faults) != 2 {
		t.Fatal(faults)
	}
	var list diag.List
	d := doc.Decoder(doc.Root, "[t]", &list)
	var s string
	var v unit.Value[unit.Duration]
	if d.String("k", &s) || d.Duration("k", &v) || d.Tables("k") != nil || d.Table("k") != nil || d.Map("k") != nil {
		t.Error("a faulty value was read")
	}
	if !d.Has("k") || !d.Has("l") || !d.Require("k", "") {
		t.Error("a faulty value is not there")
	}
	d.Done()
	if len(list) > 0 {
		t.Error(list)
	}
}

func TestQuantities(t *testing.T) {
	var (
		duration unit.Value[unit.Duration]
		span     unit.Value[unit.Range]
		rate     unit.Value[unit.Rate]
		ratio    unit.Value[unit.Ratio]
		count    unit.Value[int64]
		real     unit.Value[float64]
	)
	read := func(d *Decoder) {
		d.Duration("duration", &duration)
		d.Range("range", &span)
		d.Rate("rate", &rate)
		d.Ratio("ratio", &ratio)
		Count(d, "count", 1, 100, &count)
		Real(d, "real", 0, 9, &real)
		d.Done()
	}
	const claims = `write { documented = …, source = … }, { fitted = … } or { guess = … }`
	for _, test := range []struct{ text, want string }{
		{"duration = '3m'\nrange = '3m..3h'\nrate = '400/s'\nratio = '20%'\ncount = 3\nreal = 1.5", ""},
		{`duration = 5`, `1:12 5 has no unit; write "5s" or "5ms"`},
		{`duration = 0.5`, `1:12 0.5 has no unit; write "0.5s" or "0.5ms"`},
		{`duration = -5`, `1:12 -5 has no unit; write a duration such as "250ms", "5s" or "1h30m"`},
		{`duration = "5"`, `1:12 "5" has no unit; write "5s" or "5ms"`},
		{`duration = "soon"`, `1:12 "soon" is not a duration; write a duration such as "250ms", "5s" or "1h30m"`},
		{`duration = true`, `1:12 "duration" must be a duration, not true or false; write a duration such as "250ms", "5s" or "1h30m"`},
		{`range = 3`, `1:9 3 has no unit; write "3s" or "3ms"`},
		{`rate = 400`, `1:8 400 has no unit; write "400/s"`},
		{`ratio = 0.2`, `1:9 0.2 has no unit; write "20%"`},
		{`ratio = 0.07`, `1:9 0.07 has no unit; write "7%"`},
		{`ratio = 20`, `1:9 20 has no unit; write "20%"`},
		{`ratio = 1`, `1:9 1 has no unit; write "100%" or "1%"`},
		{`ratio = 200`, `1:9 200 has no unit; write a percentage such as "20%" or "0.1%"`},
		{`count = "3"`, `1:9 "count" must be an integer, not a string; write count = 3, without quotes`},
		{`count = 101`, `1:9 101 is out of range for "count"; write a number from 1 to 100`},
		{`real = "x"`, `1:8 "real" must be a number, not a string`},
		{`duration = { documented = "3m", source = "s" }`, ""},
		{`duration = { fitted = "3m" }`, ""},
		{`count = { guess = 3, source = "s" }`, ""},
		{`duration = { documented = "3m" }`, `1:12 "duration" is documented, but not where; add source = "…"`},
		{`duration = { guess = 3 }`, `1:22 3 has no unit; write "3s" or "3ms"`},
		{`duration = { guess = "3m", fitted = "4m" }`, `1:14 "duration" is known in two ways; keep one of them`},
		{`duration = { source = "s" }`, `1:12 "duration" has no value; ` + claims},
		{`duration = {}`, `1:12 "duration" has no value; ` + claims},
		{`duration = { gess = "3m" }`, `1:14 unknown key "gess" in duration of [t]; did you mean "guess"?`},
		{`duration = { guess = "3m", note = 1 }`, `1:28 unknown key "note" in duration of [t]; use one of "documented", "fitted", "guess", "source"`},
		{`duration = { guess = "3m", source = 1 }`, `1:37 "source" must be a string, not an integer; write source = "1"`},
	} {
		if diff := cmp.Diff(test.want, decode(t, test.text, read)); diff != "" {
			t.Errorf("%s: %s", test.text, diff)
		}
	}

	duration = unit.Value[unit.Duration]{}
	decode(t, "duration = { documented = '3m', source = 's' }", read)
	want := unit.Value[unit.Duration]{
		V: unit.Duration(180e9), Evidence: unit.Documented, Source: "s",
		At: diag.Span{File: "x.toml", Line: 1, Col: 27, Width: 4},
	}
	if duration != want {
		t.Errorf("got %+v, want %+v", duration, want)
	}
	decode(t, "duration = 7", read)
	if duration != want {
		t.Errorf("a fault has changed the target to %+v", duration)
	}
}

func TestFaultsAreCapped(t *testing.T) {
	var text strings.Builder
	for i := range 2 * MaxFaults {
		fmt.Fprintf(&text, "k%d = 1\n", i)
	}
	doc, _ := Parse("x.toml", []byte(text.String()))
	var list diag.List
	doc.Decoder(doc.Root, "[t]", &list).Done()
	if len(list) != MaxFaults || list[MaxFaults-1].Message != "more faults are not listed" {
		t.Errorf("%d faults, the last %q", len(list), list[len(list)-1].Message)
	}
}
