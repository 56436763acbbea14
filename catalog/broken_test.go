package catalog

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files and generated pages")

// TestBrokenCatalogs writes docs/broken-catalogs.md: what we say to each of the
// catalogs in testdata/broken. The page is the golden file of this test.
func TestBrokenCatalogs(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# What knockon says to a broken catalog

Every fault of every file is reported in one run, with its place, the line, and
what to write instead; the exit code is 2. This page is written by a test from the
files in ` + "`catalog/testdata/broken`" + `; ` + "`knockon check FILE`" + ` prints the same.
`)
	files, err := filepath.Glob("testdata/broken/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d broken catalogs, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		c, faults, err := Load(Source{FS: os.DirFS("testdata/broken"), Path: name})
		if err != nil || c != nil || !faults.HasErrors() {
			t.Errorf("%s: loaded as %v with error %v and faults %v", name, c, err, faults)
			continue
		}
		title, _, _ := strings.Cut(strings.TrimSuffix(name, ".toml"), "-")
		title = strings.TrimPrefix(strings.TrimSuffix(name, ".toml"), title+"-")
		title = strings.ReplaceAll(title, "-", " ")
		fmt.Fprintf(&page, "\n## %s%s\n\n```toml\n%s```\n\n```text\n", strings.ToUpper(title[:1]), title[1:], data)
		for _, d := range faults {
			if d.Span.Line == 0 || d.Span.Col == 0 || d.Text == "" {
				t.Errorf("%s: a fault without a place: %v", name, d)
			}
			page.WriteString(d.String())
		}
		page.WriteString("```\n")
	}
	const golden = "../docs/broken-catalogs.md"
	if *update {
		if err := os.WriteFile(golden, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if page.String() != string(want) {
		t.Errorf("%s is stale: run go test ./catalog -update and look at the difference", golden)
	}
}
