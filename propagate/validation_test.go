package propagate

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite generated pages")

// docs is the folder of the documents.
var docs = filepath.Join("..", "docs")

// group is the reference cases whose names begin with one letter.
type group struct{ letter, title, text string }

var groups = []group{
	{"F", "Flows", "Queues and drains, by Newell's cumulative curves. Right answers are closed forms of the deterministic model."},
	{"R", "Retries", "Amplification, budgets, throttles and backoff. Right answers are closed forms."},
	{"C", "Capacity", "What survivors and threads can do. Right answers are closed forms."},
	{"K", "Caches and leases", "What is remembered or held for a time: while it is fetched, when it runs out and when it is lost. Right answers are closed forms."},
	{"D", "Dynamics", "Storms and what is done about them. Most right answers are means of 30 runs of an independent simulation of single requests, which arrive and are served at random; the tolerances hold its confidence interval. The others are arithmetic, written in the catalog of the case."},
	{"T", "Features", "Cases of our own, for what the others do not touch. Right answers are arithmetic, written beside the expectation."},
}

// TestValidation keeps the tables of docs/validation.md what the reference cases come
// to.
func TestValidation(t *testing.T) {
	var summary strings.Builder
	summary.WriteString("| group | scenarios | expectations | met | steps | steps of base length |\n|---|--:|--:|--:|--:|--:|\n")
	path := filepath.Join(docs, "validation.md")
	page := readPage(t, path)
	all := cases(t)
	for _, g := range groups {
		table, n := g.table(t, all)
		all = slices.DeleteFunc(all, func(f caseFile) bool { return strings.HasPrefix(f.folder, g.letter+"-") })
		page = fill(t, page, "group "+g.letter, g.text+"\n\n"+table)
		fmt.Fprintf(&summary, "| [%s](#%s) | %d | %d | %d | %d | %.0f |\n", g.title, strings.ReplaceAll(strings.ToLower(g.title), " ", "-"), n.scenarios, n.expects, n.met, n.steps, n.fixed)
	}
	for _, f := range all {
		t.Errorf("%s stands in no group", f)
	}
	page = fill(t, page, "summary", summary.String())
	samePage(t, path, page)
}

// tally is what came of the scenarios of a group.
type tally struct {
	scenarios, expects, met, steps int
	fixed                          float64 // steps, had all been of base length
}

// table plays the scenarios of a group and lists every expectation.
func (g group) table(t *testing.T, all []caseFile) (string, tally) {
	t.Helper()
	var b strings.Builder
	var n tally
	b.WriteString("| case | scenario | expected | ± | found | |\n|---|---|---|--:|--:|---|\n")
	folder := ""
	for _, f := range all {
		if !strings.HasPrefix(f.folder, g.letter+"-") {
			continue
		}
		c, s := f.open(t)
		r, err := Run(context.Background(), c, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		n.scenarios++
		n.steps += r.Steps.Taken + r.Steps.Refused
		n.fixed += math.Ceil(s.Horizon.Seconds() / r.Steps.Base)
		name := f.name
		for i := range r.Expects {
			o := &r.Expects[i]
			n.expects++
			met := "**not met**"
			if o.Met {
				met = "met"
				n.met++
			}
			id := ""
			if f.folder != folder {
				id, folder = f.id(), f.folder
			}
			text := o.Expect.Text
			if strings.ContainsAny(text+o.Got, "|\n") {
				t.Errorf("%s: what stands in a table can hold no bar: %s", f, text)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", id, name, text, strings.TrimPrefix(margin(&o.Expect), " ± "), o.Got, met)
			name = ""
		}
	}
	return b.String(), n
}

// readPage reads a document.
func readPage(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// fill replaces what stands in a page between the two marks of a name.
func fill(t *testing.T, page, name, text string) string {
	t.Helper()
	begin, end := "<!-- "+name+": generated -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("there is no %s%s in the page", begin, end)
	}
	return before + begin + "\n" + strings.TrimSpace(text) + "\n\n" + end + after
}

// samePage compares a document with what it should be, or writes it with -update.
func samePage(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := readPage(t, path); got != want {
		t.Errorf("%s is not what the code makes now: run go test ./propagate -run '^%s$' -update and look at the difference", filepath.Base(path), t.Name())
	}
}
