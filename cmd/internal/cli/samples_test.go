package cli

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
)

// TestSamplesBecomePictures imports every real file of the collection, checks the
// catalog, asks for a blast radius and draws it: no fault, no panic, a picture.
func TestSamplesBecomePictures(t *testing.T) {
	root, err := filepath.Abs("../../../../shared/samples")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Skip("the collection ../shared/samples is not here")
	}
	drawn := 0
	err = filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(p, ".expected.json") {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		var sample struct{ Sample string }
		if err := json.Unmarshal(data, &sample); err != nil {
			return err
		}
		t.Run(sample.Sample, func(t *testing.T) {
			becomesPicture(t, filepath.Join(root, sample.Sample))
			drawn++
		})
		return nil
	})
	if err != nil || drawn < 25 {
		t.Errorf("%d samples were drawn, %v", drawn, err)
	}
}

func becomesPicture(t *testing.T, file string) {
	imported := filepath.Join(t.TempDir(), "catalog.toml")
	code, _, said := run(t, "", "import", file, "-o", imported)
	if code == exitInput {
		for _, reason := range []string{"is not known by what is in it", "no file of a known format", "there is no service in what was read", "which only Structurizr can read"} {
			if strings.Contains(said, reason) {
				t.Skip(said)
			}
		}
	}
	if code != exitFine {
		t.Fatalf("import: exit %d\n%s", code, said)
	}
	if code, _, said := run(t, "", "check", imported); code != exitFine {
		t.Fatalf("check: exit %d\n%s", code, said)
	}
	text, err := os.ReadFile(imported)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := catalog.Load(catalog.Source{Name: "catalog.toml", Data: text})
	if err != nil {
		t.Fatal(err)
	}
	last := c.Services[len(c.Services)-1].ID
	if code, _, said := run(t, "", "blast", last, "-c", imported); code != exitFine {
		t.Fatalf("blast %s: exit %d\n%s", last, code, said)
	}
	if code, _, said := run(t, "", "audit", "-c", imported); code > exitFindings {
		t.Fatalf("audit: exit %d\n%s", code, said)
	}
	code, picture, said := run(t, "", "render", "-c", imported, "--format", "svg")
	if code != exitFine || !strings.Contains(picture, "</svg>") {
		t.Fatalf("render: exit %d, %.40q\n%s", code, picture, said)
	}
}
