package audit

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// TestWellBuilt: on a catalog that does it right, and states its numbers, no rule has
// anything to say, not even that a number is missing. That this is no silence for want of a
// look is what breaking it shows.
func TestWellBuilt(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "well-built", "shop.toml"))
	if err != nil {
		t.Fatal(err)
	}
	in := load(t, fstest.MapFS{"shop.toml": &fstest.MapFile{Data: text}}, "shop")
	r, err := Run(t.Context(), in, Options{Today: today})
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		t.Errorf("%s %s: %s", f.At, f.Rule.ID, f.Message)
	}
	if len(r.Rules) < len(Rules()) || r.Services < 10 {
		t.Errorf("%d rules looked at %d services", len(r.Rules), r.Services)
	}
}
