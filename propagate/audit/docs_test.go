package audit

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog/toml"
)

// TestDocumentedConfigurations: what docs/audit.md shows is a configuration, or a piece
// of a catalog with a suppression that holds.
func TestDocumentedConfigurations(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	configurations, suppressed := 0, 0
	for _, block := range regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(block[1], "# "+Marker) {
			doc, _ := toml.Parse("x.toml", []byte(block[1]))
			for _, s := range suppressions([]toml.Text{doc.Text}) {
				suppressed++
				if len(s.Faults) > 0 {
					t.Errorf("%s\ndoes not hold: %q", block[1], s.Faults)
				}
			}
			continue
		}
		configurations++
		if _, faults := ParseConfig("audit.md", []byte(block[1])); len(faults) > 0 {
			t.Errorf("%s\n%v", block[1], faults)
		}
	}
	if configurations < 3 || suppressed != 1 {
		t.Errorf("%d configurations and %d suppressions were read", configurations, suppressed)
	}
}
