package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gallery is every picture that README and docs show beside those of the scenarios.
var gallery = map[string][]string{
	"dynamodb-dns":           {"blast", "dynamodb-dns", "-c", "aws-us-east-1"},
	"dynamodb-dns-over-time": {"blast", "dynamodb-dns", "-c", "aws-us-east-1", "--picture", "animation"},
	"dynamodb-dns-rings":     {"blast", "dynamodb-dns", "-c", "aws-us-east-1", "--picture", "rings"},
	"aws-us-east-1":          {"render", "-c", "aws-us-east-1"},
	"web-shop-redis":         {"blast", "redis", "-c", "web-shop"},
	"web-shop":               {"render", "-c", "web-shop"},
	"lease-storm-lanes":      {"run", filepath.Join(scenarios, "lease-storm", "scenario.toml"), "--picture", "lanes"},
	"lease-storm-radius":     {"run", filepath.Join(scenarios, "lease-storm", "scenario.toml"), "--picture", "radius"},
	"lease-storm-over-time":  {"run", filepath.Join(scenarios, "lease-storm", "scenario.toml"), "--picture", "animation"},
}

// TestGallery draws the pictures that README and docs show; they are what the
// program draws today, or this test fails. With -update it writes them.
func TestGallery(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "docs", "gallery")
	for name, args := range gallery {
		code, got, errs := run(t, "", append(slices.Clone(args), "--format", "svg")...)
		if code != exitFine {
			t.Fatalf("%s: exit %d\n%s", name, code, errs)
		}
		sameFile(t, filepath.Join(folder, name+".svg"), []byte(got))
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".svg")
		if _, ok := gallery[name]; !ok && name != "scenarios" {
			t.Errorf("docs/gallery/%s is drawn by nobody", filepath.Base(file))
		}
	}
}
