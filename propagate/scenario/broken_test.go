package scenario

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files and generated pages")

// TestBrokenScenarios holds what we say to each of the scenarios in
// testdata/broken, all at once, against the text beside it.
func TestBrokenScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d broken scenarios, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		s, faults, err := ReadFile(os.DirFS("testdata/broken"), name, "")
		if err != nil || s != nil || !faults.HasErrors() {
			t.Errorf("%s: read as %v with error %v and faults %v", name, s, err, faults)
			continue
		}
		var text strings.Builder
		for _, d := range faults {
			if d.Span.Line == 0 || d.Span.Col == 0 || d.Text == "" {
				t.Errorf("%s: a fault without a place: %v", name, d)
			}
			if d.Help == "" && !strings.Contains(d.Message, "must hold tables") {
				t.Errorf("%s: a fault without help: %v", name, d)
			}
			text.WriteString(d.String())
		}
		golden(t, strings.TrimSuffix(file, ".toml")+".txt", text.String())
	}
}

// golden compares a text with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is stale: run go test ./propagate/scenario -update and look at the difference\n%s", file, diff)
	}
}
