package scenario

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
)

// TestDocumentedScenario holds that the examples of docs/scenario.md can be played,
// and that the page names every word of the language.
func TestDocumentedScenario(t *testing.T) {
	page, err := os.ReadFile("../../docs/scenario.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```toml\n")[1:]
	for i, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		whole := strings.HasPrefix(text, "scenario")
		if !whole {
			text = "horizon = \"400s\"\n" + text
		}
		s, faults := Parse("scenario.md", []byte(text))
		if len(faults) > 0 {
			t.Fatalf("block %d: %v", i+1, faults)
		}
		if !whole {
			continue
		}
		source, ok := catalog.Builtin(strings.TrimPrefix(s.Catalogs[0], "builtin:"))
		if !ok {
			t.Fatalf("block %d: no catalog %q", i+1, s.Catalogs)
		}
		c, _, err := catalog.Load(source)
		if err != nil {
			t.Fatal(err)
		}
		if faults = s.Check(c); len(faults) > 0 {
			t.Error(faults)
		}
	}
	if len(blocks) != 3 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, words := range [][]string{EffectWords, VerbWords, States, Verdicts, AggregateWords[1:], timeKeys, numberKeys, deedKeys, relationWords, EngineWords, {"seeds", "lease", "count", "needs", "lag", "after", "observed", "done", "by", "decide", "tools", "tries", "fail", "again"}} {
		for _, word := range words {
			said := regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`)
			if !said.MatchString(string(page)) {
				t.Errorf("docs/scenario.md does not say %q", word)
			}
		}
	}
}
