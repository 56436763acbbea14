package out

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
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
	return map[string]Report{
		"blast":   blastOf(t, c, g, graph.Options{}, "audit", "kv-a"),
		"short":   blastOf(t, c, g, graph.Options{For: 30e9}, "audit", "kv-b"),
		"map":     NewMap(c, g),
		"ranking": NewRanking(c, g, damages, graph.Options{}, 3),
		"listing": NewListing(c, g, "kv"),
		"detail":  NewDetail(g, v),
		"check":   NewCheck(c, g, nil),
		"broken":  NewCheck(nil, nil, faults),
		"unnamed": NewCheck(nil, nil, diag.List{}),
	}
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
			var unsupported *UnsupportedError
			switch {
			case errors.As(err, &unsupported):
				if f.Name == "text" || f.Name == "json" || unsupported.Report == "" {
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
			if f.Name == "json" || f.Name == "text" {
				golden(t, filepath.Join("testdata", name+"."+f.Extensions[0]), one.Bytes())
			}
		}
	}
}

func TestFormatsByNameAndExtension(t *testing.T) {
	for file, want := range map[string]string{"a.svg": "svg", "b.JSON": "json", "x/y.mmd": "mermaid", "d.gv": "dot", "e.txt": "text"} {
		if f, ok := FormatOf(file); !ok || f.Name != want {
			t.Errorf("%s is %q", file, f.Name)
		}
	}
	for _, file := range []string{"a", "a.png", "", "svg"} {
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

// TestTextOfUntrustedNames: a name cannot move the cursor, colour the terminal or
// turn the direction of what follows.
func TestTextOfUntrustedNames(t *testing.T) {
	c, g := loadShop(t, "title = \"a\\u001b]0;evil\\u0007\"\n[service.x]\ntitle = \"t\\u202eevil\"\ndescription = \"\\u001b[2J\"\nowner = \"o\\u009b31m\"\nneeds = [\"y\"]\n[service.\"y\\u200f\"]\n[service.y]\n")
	v, _ := g.Node("x")
	for _, r := range []Report{NewMap(c, g), NewDetail(g, v), NewListing(c, g, ""), NewCheck(c, g, nil), blastOf(t, c, g, graph.Options{}, "y")} {
		var b bytes.Buffer
		if err := writeText(&b, r, Options{}); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(b.String(), func(r rune) bool {
			return r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r == 0x200f)
		}); i >= 0 {
			t.Errorf("%T: control character in %q", r, b.String()[max(0, i-20):])
		}
	}
}

// TestNarrowTerminal: no line is wider than the terminal, and the first columns
// survive.
func TestNarrowTerminal(t *testing.T) {
	c, g := loadShop(t, shop)
	for _, width := range []int{20, 40, 60, 80, 120} {
		var b bytes.Buffer
		if err := writeText(&b, blastOf(t, c, g, graph.Options{}, "kv-a"), Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		table := b.String()[strings.Index(b.String(), "OUTCOME"):]
		table = table[:strings.Index(table, "\n\n")]
		for line := range strings.Lines(table) {
			if n := columns(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
		if !strings.Contains(table, "down") {
			t.Errorf("at %d columns the outcomes are gone:\n%s", width, table)
		}
	}
}

func TestWideCharacters(t *testing.T) {
	if got := columns("日本語"); got != 6 {
		t.Errorf("three wide characters take %d columns", got)
	}
	if got := cut("日本語テスト", 7); got != "日本語…" {
		t.Errorf("cut to %q", got)
	}
	if got := cut("abc", 3); got != "abc" {
		t.Errorf("cut to %q", got)
	}
}
