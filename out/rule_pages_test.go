package out

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate/audit"
)

// TestRulePages generates docs/rules from the rules, and holds it against them. A page
// of a rule that is no more must go.
func TestRulePages(t *testing.T) {
	dir := filepath.Join("..", "docs", "rules")
	var index strings.Builder
	index.WriteString(`# Rules of the audit

Generated from the code by ` + "`go test ./out -run TestRulePages -update`" + `; do not edit.
[audit.md](../audit.md) says how to work with findings.

`)
	groups := []struct{ first, title string }{
		{"KO1", "Structure"}, {"KO2", "Time-outs and retries"}, {"KO3", "State and recovery"}, {"KO4", "The catalog itself"},
	}
	pages := map[string]bool{"README.md": true}
	for _, g := range groups {
		if !slices.ContainsFunc(audit.Rules(), func(r *audit.Rule) bool { return strings.HasPrefix(r.ID, g.first) }) {
			continue
		}
		fmt.Fprintf(&index, "## %s\n\n| rule | severity | what is wrong |\n|---|---|---|\n", g.title)
		for _, r := range audit.Rules() {
			if !strings.HasPrefix(r.ID, g.first) {
				continue
			}
			page := r.ID + ".md"
			pages[page] = true
			fmt.Fprintf(&index, "| [%s](%s) %s | %s | %s |\n", r.ID, page, r.Name, r.Severity, escapeMarkdown(r.Summary))
			golden(t, filepath.Join(dir, page), written(t, "markdown", &Rule{r}))
		}
		index.WriteString("\n")
	}
	golden(t, filepath.Join(dir, "README.md"), []byte(strings.TrimRight(index.String(), "\n")+"\n"))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !pages[e.Name()] {
			t.Errorf("%s is the page of no rule", e.Name())
		}
	}
}
