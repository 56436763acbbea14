package importers

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite golden files and generated pages")

// TestFixtures imports files of our own, one archive for each case, whose name begins
// with the format that has to be detected. What comes out, and what is warned of,
// stands in the archive too.
func TestFixtures(t *testing.T) {
	names, err := filepath.Glob("testdata/fixtures/*.txtar")
	if err != nil || len(names) < 8 {
		t.Fatalf("%d fixtures, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var files []File
			want := make(map[string]string)
			for _, f := range a.Files {
				if strings.HasPrefix(f.Name, "want.") {
					want[f.Name] = string(f.Data)
					continue
				}
				files = append(files, File{Name: f.Name, Data: f.Data})
			}
			inputs, unknown := Group(files)
			format, _, _ := strings.Cut(filepath.Base(name), "-")
			format = strings.TrimSuffix(format, ".txtar")
			if len(unknown) > 0 || len(inputs) != 1 || inputs[0].Format.Name != format {
				t.Fatalf("detected %d formats, and %d files of none; want %s", len(inputs), len(unknown), format)
			}
			d := Import(inputs, Options{Window: 3600})
			loads(t, d)
			var warned strings.Builder
			for _, x := range d.Faults {
				warned.WriteString(x.String())
			}
			got := map[string]string{"want.toml": string(d.TOML()), "want.txt": warned.String()}
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want.") })
				for _, f := range []string{"want.toml", "want.txt"} {
					a.Files = append(a.Files, txtar.File{Name: f, Data: []byte(got[f])})
				}
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
