package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGallery draws the pictures that README and docs show; they are what the
// program draws today, or this test fails. With -update it writes them.
func TestGallery(t *testing.T) {
	for name, args := range map[string][]string{
		"dynamodb-dns":   {"blast", "dynamodb-dns", "-c", "aws-us-east-1"},
		"aws-us-east-1":  {"render", "-c", "aws-us-east-1"},
		"web-shop-redis": {"blast", "redis", "-c", "web-shop"},
		"web-shop":       {"render", "-c", "web-shop"},
	} {
		code, got, errs := run(t, "", append(args, "--format", "svg")...)
		if code != exitFine {
			t.Fatalf("%s: exit %d\n%s", name, code, errs)
		}
		file := filepath.Join("..", "..", "..", "docs", "gallery", name+".svg")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal([]byte(got), want) {
			t.Errorf("docs/gallery/%s.svg is not what is drawn now: run make gallery and look at it", name)
		}
	}
}
