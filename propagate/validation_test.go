package propagate

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate/scenario"
)

var update = flag.Bool("update", false, "rewrite generated pages")

// docs is the folder of the documents.
var docs = filepath.Join("..", "docs")

// groups are the reference cases by the letter that their names begin with.
var groups = []struct{ letter, title, text string }{
	{"F", "Flows", "Queues and drains, by Newell's cumulative curves. Right answers are closed forms of the deterministic model."},
	{"R", "Retries", "Amplification, budgets, throttles and backoff. Right answers are closed forms."},
	{"C", "Capacity", "What survivors and threads can do. Right answers are closed forms."},
	{"D", "Dynamics", "Storms and what is done about them. Right answers, with few exceptions, are means of 30 or more runs of a simulation of single requests, written by somebody else, with random arrivals and service times; the tolerances hold its confidence interval."},
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
		fmt.Fprintf(&summary, "| [%s](#%s) | %d | %d | %d | %d | %.0f |\n", g.title, strings.ToLower(g.title), n.scenarios, n.expects, n.met, n.steps, n.fixed)
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
			text := sentence(&o.Expect)
			if strings.ContainsAny(text+o.Got, "|\n") {
				t.Errorf("%s: what stands in a table can hold no bar: %s", f, text)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", id, name, text, strings.TrimPrefix(margin(&o.Expect), " ± "), o.Got, met)
			name = ""
		}
	}
	return b.String(), n
}

type group = struct{ letter, title, text string }
