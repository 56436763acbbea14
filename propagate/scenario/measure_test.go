package scenario

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const measuresIntro = `# Measures

What a scenario can expect of numbers: the words after ` + "`measure`" + ` in
[scenarios](scenario.md#numbers), which also tells how they are counted. Generated
from the table ` + "`Measures`" + ` in propagate/scenario/measure.go by
` + "`go test ./propagate/scenario -update`" + `; do not edit.

"of" says whose number it is: a service's (` + "`of = \"api\"`" + `), a need's
(` + "`of = \"shop -> api\"`" + `: the calls of shop to api), either, or a lease's
(` + "`of = \"droplets\"`" + `). "total" says whether ` + "`as = \"total\"`" + ` makes sense: it is
then a number without a unit. Where "over time" is no, there is one number for the
whole run, and ` + "`at`, `during` and `as`" + ` are refused.

An original is one request of a client with all its attempts. An attempt is one call
that was sent: those that are refused are counted, those that a breaker stopped are
not.

| measure | of | written as | over time | total | |
|---|---|---|---|---|---|
`

func measuresDocument() string {
	var text strings.Builder
	text.WriteString(measuresIntro)
	yes := map[bool]string{true: "yes", false: "no"}
	for m, info := range Measures {
		of := "service"
		switch {
		case info.Lease:
			of = "lease"
		case info.Service && info.Need:
			of = "service, need"
		case info.Need:
			of = "need"
		}
		written := strings.ReplaceAll(formOf(Measure(m), Auto).example, `"`, "")
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s | %s |\n", info.Word, of, written, yes[info.Aggregate], yes[info.Aggregate && info.Unit == PerSecond], info.Text)
	}
	return text.String()
}

func TestMeasuresDocument(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "measures.md"), measuresDocument())
}

func TestMeasures(t *testing.T) {
	seen := make(map[string]bool)
	for m, info := range Measures {
		if info.Word == "" || info.Text == "" || seen[info.Word] || !info.Service && !info.Need && !info.Lease || info.Lease && (info.Service || info.Need) || strings.Contains(info.Text, "|") {
			t.Errorf("measure %d: %+v", m, info)
		}
		seen[info.Word] = true
	}
	if len(Measures) != int(HitShare)+1 || Measure(0).String() != "goodput" {
		t.Errorf("%d measures", len(Measures))
	}
}
