package out

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog/diag"
)

// TestTimeline: no line is wider than the terminal, signs differ without colour, and
// every service that was impaired has a row.
func TestTimeline(t *testing.T) {
	r := replayed(t)
	draw := func(o Options) string {
		var b strings.Builder
		o.Picture = Swimlanes
		if err := writeText(&b, r, o); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	golden(t, filepath.Join("testdata", "run.timeline.txt"), []byte(draw(Options{Width: 80})))
	for _, width := range []int{0, 24, 30, 40, 60, 80, 200} {
		text := draw(Options{Width: width})
		for line := range strings.Lines(text) {
			if n := diag.Columns(strings.TrimRight(line, "\n")); width > 0 && n > width {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
		for _, part := range []string{"Checkout", "ledger", "█", "▒", "▼"} {
			if !strings.Contains(text, part) {
				t.Errorf("at %d columns %q is not there:\n%s", width, part, text)
			}
		}
		if strings.Contains(text, "\x1b") {
			t.Errorf("at %d columns there is colour that nobody asked for", width)
		}
	}
	if text := draw(Options{Width: 80, Color: true}); !strings.Contains(text, "\x1b[") {
		t.Error("there is no colour")
	}
	seen := make(map[rune]bool)
	for _, sign := range stateSigns {
		if sign == 0 || seen[sign] {
			t.Errorf("two states have the sign %q", sign)
		}
		seen[sign] = true
	}
}
