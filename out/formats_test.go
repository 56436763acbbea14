package out

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/importers"
	"github.com/knockon/knockon/graph"
)

const shop = `
title = "Shop"

[service.checkout]
title  = "Checkout"
group  = "front"
owner  = "team-checkout"
tier   = 0
weight = 5
needs  = [
  { on = "payments", for = "the money" },
  { on = "rates", if_lost = "stale", ttl = "10m" },
  { at_least = 2, of = ["kv-a", "kv-b", "kv-c"] },
  { on = "mail", mode = "async" },
  { on = "deploys", to = "repair" },
]

[service.payments]
group = "back"
tier  = 1
needs = ["kv-a", { on = "audit", fallback = "audit-copy" }, { on = "deploys", to = "change" }]

[service.rates]
group = "back"
needs = [{ fresh = "audit", within = "1m" }]

[service.kv-a]
[service.kv-b]
[service.kv-c]
[service.audit]
[service.audit-copy]
[service.deploys]
[service.mail]
fails_as = "corrupt"
needs    = ["audit"]

[lease.sessions]
keeper = "kv-b"
holder = "rates"
`

func loadShop(t testing.TB, text string) (*catalog.Catalog, *graph.Graph) {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: []byte(text)})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return c, graph.Build(c)
}

func blastOf(t testing.TB, c *catalog.Catalog, g *graph.Graph, option graph.Options, ids ...string) *Blast {
	t.Helper()
	var roots []graph.Root
	for _, id := range ids {
		v, ok := g.Node(id)
		if !ok {
			t.Fatalf("no service %q", id)
		}
		roots = append(roots, graph.Root{Node: v, As: graph.IsDown})
	}
	return NewBlast(c, g.Blast(roots, option))
}

// reports are one of each kind.
func reports(t testing.TB) map[string]Report {
	c, g := loadShop(t, shop)
	damages, err := g.Rank(t.Context(), graph.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := g.Node("checkout")
	_, faults, _ := catalog.Load(catalog.Source{Name: "bad.toml", Data: []byte("titel = 1\n[service.a]\nneeds=[\"b\"]\n")})
	tree, err := g.FaultTree(t.Context(), v, graph.TreeOptions{
		Common: []graph.CommonCause{{Name: "common cause of kv-b, kv-c", Services: nodes(t, g, "kv-b", "kv-c")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	guess := 0.001
	chances := Chances{Of: make([]float64, len(tree.Causes())), Assumed: &guess}
	for i := range chances.Of {
		chances.Of[i] = guess
	}
	points := func(asked func(graph.Node) bool, of string) *SinglePoints {
		points, exposure, err := g.SinglePoints(t.Context(), asked, nil)
		if err != nil {
			t.Fatal(err)
		}
		return NewSinglePoints(c, g, points, exposure, asked, of, 0)
	}
	return map[string]Report{
		"spof":       points(func(v graph.Node) bool { return g.Service(v).Tier.IsStated() }, ""),
		"spof-of":    points(func(w graph.Node) bool { return w == v }, "checkout"),
		"cutsets":    NewCutSets(c, tree, []string{"kv-a"}, chances, 2, 3),
		"counted":    NewCutSets(c, tree, nil, Chances{}, -1, 0),
		"importance": NewImportance(c, tree, nil, chances, 0),

		"blast":   blastOf(t, c, g, graph.Options{}, "audit", "kv-a"),
		"short":   blastOf(t, c, g, graph.Options{For: 30e9}, "audit", "kv-b"),
		"map":     NewMap(c, g),
		"ranking": NewRanking(c, g, damages, graph.Options{}, 3),
		"overview": &Overview{
			From: "shop.toml", Ranking: NewRanking(c, g, damages, graph.Options{}, 3), Needs: g.NeedCount(),
			Audit: fixedAudit(few), Next: [][2]string{{"knockon audit", "all findings"}},
		},
		"listing": NewListing(c, g, "kv"),
		"detail":  NewDetail(g, v),
		"check":   NewCheck(c, g, nil),
		"broken":  NewCheck(nil, nil, faults),
		"unnamed": NewCheck(nil, nil, diag.List{}),
		"run":     fixedReport(t),
		"why":     fixedWhy(t, "clients", -1),
		"import":  fixedImport(),
		"presets": NewPresets("envoy"),
		"replay":  fixedReplay(t),
	}
}

// fixedImport is what comes of one small file.
func fixedImport() *Import {
	file := importers.File{Name: "compose.yaml", Data: []byte(`
services:
  web:
    image: nginx
    depends_on: [api, nothing]
  api:
    environment: { DB: "postgres://user:secret@db/x", OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4317" }
    deploy: { replicas: 3 }
  db: { image: "postgres:16" }
  collector: {}
`)}
	inputs, _ := importers.Group([]importers.File{file})
	return NewImport(importers.Import(inputs, importers.Options{}))
}

func nodes(t testing.TB, g *graph.Graph, ids ...string) (all []graph.Node) {
	t.Helper()
	for _, id := range ids {
		v, ok := g.Node(id)
		if !ok {
			t.Fatalf("no service %s", id)
		}
		all = append(all, v)
	}
	return all
}

// TestEveryReportInEveryFormat: each is written or refused by name, twice to the
// same bytes; text and JSON are never refused and are golden.
func TestEveryReportInEveryFormat(t *testing.T) {
	for name, r := range reports(t) {
		for _, f := range Formats() {
			var one, two bytes.Buffer
			err := f.Write(&one, r, Options{})
			if again := f.Write(&two, r, Options{}); (err == nil) != (again == nil) || !bytes.Equal(one.Bytes(), two.Bytes()) {
				t.Errorf("%s as %s: two runs differ", name, f.Name)
			}
			var unsupported *unsupportedError
			switch {
			case errors.As(err, &unsupported):
				if f.Shows(r) || unsupported.Report == "" {
					t.Errorf("%s as %s is refused: %v", name, f.Name, err)
				}
				continue
			case err != nil:
				t.Errorf("%s as %s: %v", name, f.Name, err)
				continue
			}
			if f.Name == "json" && !json.Valid(one.Bytes()) {
				t.Errorf("%s: not JSON", name)
			}
			if f.Name == "json" || f.Name == "text" || f.Name == "toml" {
				golden(t, filepath.Join("testdata", name+"."+f.Extensions[0]), one.Bytes())
			}
		}
	}
}

func TestFormatsByNameAndExtension(t *testing.T) {
	for file, want := range map[string]string{"a.svg": "svg", "b.JSON": "json", "x/y.mmd": "mermaid", "d.gv": "dot", "e.txt": "text", "f.csv": "csv", "g.png": "png", "h.html": "html", "i.htm": "html"} {
		if f, ok := FormatOf(file); !ok || f.Name != want {
			t.Errorf("%s is %q", file, f.Name)
		}
	}
	for _, file := range []string{"a", "a.bmp", "", "svg"} {
		if f, ok := FormatOf(file); ok {
			t.Errorf("%q is taken for %s", file, f.Name)
		}
	}
	seen := make(map[string]bool)
	for _, f := range Formats() {
		for _, e := range f.Extensions {
			if seen[e] {
				t.Errorf("two formats end in .%s", e)
			}
			seen[e] = true
		}
	}
}

// TestTextOfUntrustedNames: a name cannot move the cursor, colour the terminal,
// hide or turn the direction of what follows, in text or in JSON.
func TestTextOfUntrustedNames(t *testing.T) {
	c, g := loadShop(t, `
title = "a\u001b]0;evil\u0007"
[service.x]
title = "t\u202eevil"
description = "\u001b[2J\u061c"
owner = "o\u009b31m\U000E0061"
needs = [{ on = "y", for = "\u200b" }]
[service."y\u200f"]
group = "\ufeff"
[service.y]
`)
	v, _ := g.Node("x")
	for _, r := range []Report{NewMap(c, g), NewDetail(g, v), NewListing(c, g, ""), NewCheck(c, g, nil), blastOf(t, c, g, graph.Options{}, "y")} {
		for _, format := range []string{"text", "json"} {
			text := string(written(t, format, r))
			if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && diag.IsHidden(r) }); i >= 0 {
				t.Errorf("%T as %s: %q", r, format, text[max(0, i-20):])
			}
		}
	}
	var back struct{ Owner string }
	if err := json.Unmarshal(written(t, "json", NewDetail(g, v)), &back); err != nil || back.Owner != g.Service(v).Owner {
		t.Errorf("JSON says %q, %v", back.Owner, err)
	}
}

// TestNarrowTerminal: no line is wider than the terminal, every row names its
// service, and at 80 columns every word of the reasons can be read.
func TestNarrowTerminal(t *testing.T) {
	c, g := loadShop(t, shop)
	damages, err := g.Rank(t.Context(), graph.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blast := blastOf(t, c, g, graph.Options{}, "kv-a")
	kinds := reports(t)
	for _, r := range []Report{blast, NewMap(c, g), NewListing(c, g, ""), NewRanking(c, g, damages, graph.Options{}, 0), kinds["spof"], kinds["spof-of"], kinds["cutsets"], kinds["importance"]} {
		for _, width := range []int{20, 30, 40, 50, 60, 80, 120} {
			var b bytes.Buffer
			if err := writeText(&b, r, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := diag.Columns(strings.TrimRight(line, "\n")); n > width {
					t.Errorf("%T: at %d columns a line has %d: %s", r, width, n, line)
				}
			}
			if width >= 40 && !strings.Contains(b.String(), "checkout") {
				t.Errorf("%T: at %d columns no service is named:\n%s", r, width, b.String())
			}
			if r != Report(blast) || width < 80 {
				continue
			}
			words := strings.Join(strings.Fields(b.String()), " ")
			for i := range blast.Services {
				for word := range strings.FieldsSeq(blast.Services[i].Because) {
					if !strings.Contains(words, word) {
						t.Errorf("at %d columns %q is gone:\n%s", width, word, b.String())
					}
				}
			}
		}
	}
}

func TestTableOnANarrowTerminal(t *testing.T) {
	text := table{
		head:  []string{"OUTCOME", "EARLIEST", "SERVICE", "BECAUSE"},
		right: make([]bool, 4), key: 2, prose: true,
		rows: [][]cell{{{text: "down"}, {text: "at once"}, {text: "checkout"}, {text: "needs payments: it is down (the money)"}}},
	}
	for width, want := range map[int]string{
		80: "OUTCOME  EARLIEST  SERVICE   BECAUSE\ndown     at once   checkout  needs payments: it is down (the money)\n",
		60: "OUTCOME  EARLIEST  SERVICE   BECAUSE\ndown     at once   checkout  needs payments: it is down (the\n                             money)\n",
		45: "OUTCOME  SERVICE   BECAUSE\ndown     checkout  needs payments: it is down\n                   (the money)\n",
		40: "OUTCOME  EARLIEST  SERVICE   BECAUSE\ndown     at once   checkout  needs paym…\n",
		35: "OUTCOME  EARLIEST  SERVICE\ndown     at once   checkout\n",
		20: "OUTCOME  SERVICE\ndown     checkout\n",
		10: "SERVICE\ncheckout\n",
		5:  "SERV…\nchec…\n",
	} {
		var b strings.Builder
		text.write(&b, Options{Width: width})
		if b.String() != want {
			t.Errorf("at %d columns:\n%s", width, b.String())
		}
	}
}

func TestWrapText(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		want  []string
	}{
		{"one two three", 0, []string{"one two three"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"a verylongword b", 5, []string{"a", "veryl", "ongwo", "rd b"}},
		{"日本語テスト", 5, []string{"日本", "語テ", "スト"}},
		{"日本", 2, []string{"日", "本"}},
		{"", 5, []string{""}},
	} {
		if got := wrapText(test.text, test.limit); !slices.Equal(got, test.want) {
			t.Errorf("%q in %d columns is %q", test.text, test.limit, got)
		}
	}
	if got := cut("日本語テスト", 7); got != "日本語…" {
		t.Errorf("cut to %q", got)
	}
	if got := cut("abc", 3); got != "abc" {
		t.Errorf("cut to %q", got)
	}
}

func TestAWordThatNothingHas(t *testing.T) {
	c, g := loadShop(t, shop)
	if got := string(written(t, "text", NewListing(c, g, "zzzz"))); got != "no service has \"zzzz\" in its name, title, group or owner\n" {
		t.Errorf("%q", got)
	}
}

func TestAnInterruptedRanking(t *testing.T) {
	c, g := loadShop(t, shop)
	damages, err := g.Rank(t.Context(), graph.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRanking(c, g, damages[:3], graph.Options{}, 0)
	if text := string(written(t, "text", r)); !strings.HasPrefix(text, "3 of 10 services, interrupted: by what their loss impacts\n") {
		t.Error(text)
	}
	var j struct {
		Services, Ranked int
		Complete         bool
	}
	if err := json.Unmarshal(written(t, "json", r), &j); err != nil || j.Services != g.Len() || j.Ranked != 3 || j.Complete {
		t.Errorf("%+v, %v", j, err)
	}
}
