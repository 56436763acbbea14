package scenario

import (
	"os"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
)

// TestDocumentedScenario holds that the example of docs/scenario.md can be played,
// and that the page names every word of the language.
func TestDocumentedScenario(t *testing.T) {
	page, err := os.ReadFile("../../docs/scenario.md")
	if err != nil {
		t.Fatal(err)
	}
	source, ok := catalog.Builtin("web-shop")
	if !ok {
		t.Fatal("no web-shop")
	}
	shop, _, err := catalog.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```toml\n")[1:]
	for i, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		if i > 0 {
			text = "horizon = \"400s\"\n" + text
		}
		s, faults := Parse("scenario.md", []byte(text))
		if len(faults) > 0 {
			t.Fatalf("block %d: %v", i+1, faults)
		}
		if faults = s.Check(shop); i == 0 && len(faults) > 0 {
			t.Error(faults)
		}
	}
	if len(blocks) != 2 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, words := range [][]string{EffectWords, VerbWords, States, Verdicts, AggregateWords[1:], timeKeys, numberKeys} {
		for _, word := range words {
			if !strings.Contains(string(page), word) {
				t.Errorf("docs/scenario.md does not say %q", word)
			}
		}
	}
}
