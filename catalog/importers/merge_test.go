package importers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

const written = `# my shop
title = "Shop"   # the title

[alias]
checkoutservice = "checkout"

[service.checkout]   # who pays
owner = "team-pay"
tier = { documented = 3, source = "deps.json: an older day" }
needs = ["payments", "cart"] # both

[service.payments]
needs = [
  # the bank
  { on = "bank", timeout = "2s" }  # slow
]

[service.cart]
[service.bank]

[service.legacy]
needs = ["bank"]

[[service.cart.need]]
on = "bank"
calls = 7   # by hand
`

func load(t testing.TB, text []byte) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: text})
	if err != nil || len(faults) > 0 {
		t.Fatalf("%v %v\n%s", err, faults, text)
	}
	return c
}

func mergeInto(t testing.TB, text []byte, files ...File) *Merge {
	t.Helper()
	inputs, unknown := Group(files)
	if len(unknown) > 0 {
		t.Fatal("a file of no format")
	}
	m, faults := Import(inputs, Options{}).Into("shop.toml", text, load(t, text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return m
}

func TestInto(t *testing.T) {
	deps := File{Name: "deps.json", Data: []byte(`[
		{"parent":"front","child":"checkoutservice","callCount":10},
		{"parent":"checkoutservice","child":"cart","callCount":20},
		{"parent":"cart","child":"bank","callCount":5},
		{"parent":"payments","child":"ledger","callCount":5},
		{"parent":"bank","child":"legacyservice","callCount":5}]`)}
	m := mergeInto(t, []byte(written), deps)
	want := `# my shop
title = "Shop"   # the title

[alias]
checkoutservice = "checkout"

[service.checkout]   # who pays
owner = "team-pay"
tier = { documented = 3, source = "deps.json: an older day" }
needs = [
  "payments",
  { on = "cart", calls = { documented = 2, source = "deps.json: 20 calls, 10 requests" }, source = "deps.json: 20 calls" },
] # both

[service.payments]
needs = [
  # the bank
  { on = "bank", timeout = "2s" },  # slow
  { on = "ledger", source = "deps.json: 5 calls" },
]

[service.cart]
[service.bank]
needs = [
  { on = "legacyservice", calls = { documented = 1, source = "deps.json: 5 calls, 5 requests" }, source = "deps.json: 5 calls" },
]

[service.legacy]
needs = ["bank"]

[[service.cart.need]]
on = "bank"
calls = 7   # by hand

[service.front]
source = "deps.json"
needs = [
  { on = "checkout", source = "deps.json: 10 calls" },
]

[service.ledger]
source = "deps.json"

[service.legacyservice]
source = "deps.json"
`
	// What has nothing new in it is not laid out anew.
	want = strings.Replace(want, `[
  "payments",
  { on = "cart", calls = { documented = 2, source = "deps.json: 20 calls, 10 requests" }, source = "deps.json: 20 calls" },
]`, `["payments", { on = "cart", calls = { documented = 2, source = "deps.json: 20 calls, 10 requests" }, source = "deps.json: 20 calls" }]`, 1)
	if diff := cmp.Diff(want, string(m.Text)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, x := range []struct {
		what      string
		got, want any
	}{
		{"services", m.Services, []string{"front", "ledger", "legacyservice"}},
		{"unobserved", m.Unobserved, [][]string{{"checkout", "payments"}, {"payments", "bank"}}},
		{"contradictions", m.Contradictions, []string{`calls of "cart" to "bank": the catalog says 7 for each request, deps.json: 5 calls, 20 requests, which is 0.25`}},
		{"suggestions", m.Suggestions, []string{`legacyservice = "legacy"`}},
	} {
		if diff := cmp.Diff(x.want, x.got); diff != "" {
			t.Errorf("%s: -want +got\n%s", x.what, diff)
		}
	}
	// A newer count of the same file takes the place of the older.
	deps.Data = bytes.Replace(deps.Data, []byte("20}"), []byte("40}"), 1)
	again := mergeInto(t, m.Text, deps)
	if !bytes.Contains(again.Text, []byte(`calls = { documented = 4, source = "deps.json: 40 calls, 10 requests" }`)) {
		t.Errorf("the newer count is not there:\n%s", again.Text)
	}
}

// TestIntoKeepsWhatIsWritten: whatever is merged, the result loads, no comment and no
// need is lost, and merging once more changes nothing.
func TestIntoKeepsWhatIsWritten(t *testing.T) {
	ids := []string{"a", "b", "c-1", "d e", "f"}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(ids)
		var b strings.Builder
		comments := 0
		note := func() string {
			comments++
			return fmt.Sprintf("# note %d.", comments)
		}
		known := make(map[string]bool)
		var had [][]string
		for _, name := range rapid.SliceOfDistinct(id, func(s string) string { return s }).Draw(t, "services") {
			known[name] = true
		}
		for _, name := range ids {
			if !known[name] {
				continue
			}
			fmt.Fprintf(&b, "%s\n[service.%q] %s\n", note(), name, note())
			if rapid.Bool().Draw(t, "tier") {
				fmt.Fprintf(&b, "tier = 1 %s\n", note())
			}
			var needs []string
			for _, on := range rapid.SliceOfDistinct(id, func(s string) string { return s }).Draw(t, "needs") {
				if !known[on] || on == name {
					continue
				}
				had = append(had, []string{name, on})
				needs = append(needs, rapid.SampledFrom([]string{
					fmt.Sprintf("%q", on), fmt.Sprintf("{ on = %q, timeout = '1s' }", on), fmt.Sprintf("{on=%q, calls = 3}", on),
				}).Draw(t, "form"))
			}
			switch rapid.IntRange(0, 3).Draw(t, "layout") {
			case 0:
				fmt.Fprintf(&b, "needs = [%s] %s\n", strings.Join(needs, ","), note())
			case 1:
				fmt.Fprintf(&b, "needs = [ %s\n", note())
				for _, n := range needs {
					fmt.Fprintf(&b, "\t%s , %s\n", n, note())
				}
				b.WriteString("  ]\n")
			case 2:
				fmt.Fprintf(&b, "needs = [\n  %s ]\n", strings.Join(needs, ",\n  "))
			default:
				had = slices.DeleteFunc(had, func(p []string) bool { return p[0] == name })
			}
		}
		if len(known) == 0 {
			return
		}
		var rows strings.Builder
		rows.WriteString("from,to,calls\n")
		for range rapid.IntRange(1, 6).Draw(t, "rows") {
			fmt.Fprintf(&rows, "%s,%s,%d\n", id.Draw(t, "from"), id.Draw(t, "to"), rapid.IntRange(1, 99).Draw(t, "calls"))
		}
		file := File{Name: "calls.csv", Data: []byte(rows.String())}
		inputs, _ := Group([]File{file})
		merge := func(text []byte) []byte {
			c, faults, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: text})
			if err != nil || len(faults) > 0 {
				t.Fatalf("%v %v\n%s", err, faults, text)
			}
			for _, pair := range had {
				if s := c.Service(pair[0]); s == nil || !slices.ContainsFunc(s.Needs, func(n catalog.Need) bool { return n.Targets[0] == pair[1] }) {
					t.Fatalf("the need %v is lost:\n%s", pair, text)
				}
			}
			m, faults := Import(inputs, Options{}).Into("shop.toml", text, c)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			return m.Text
		}
		once := merge([]byte(b.String()))
		for i := 1; i <= comments; i++ {
			if n := bytes.Count(once, fmt.Appendf(nil, "# note %d.", i)); n != 1 {
				t.Fatalf("note %d stands there %d times:\n%s", i, n, once)
			}
		}
		if twice := merge(once); !bytes.Equal(once, twice) {
			t.Fatalf("merging again is no longer the same:\n%s\n%s", once, twice)
		}
	})
}
