package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gallery is every picture that README and docs show beside those of the scenarios.
var gallery = map[string][]string{
	"dynamodb-dns":          {"blast", "dynamodb-dns", "-c", "aws-us-east-1"},
	"dynamodb-dns-rings":    {"blast", "dynamodb-dns", "-c", "aws-us-east-1", "--picture", "rings"},
	"aws-us-east-1":         {"render", "-c", "aws-us-east-1"},
	"web-shop-redis":        {"blast", "redis", "-c", "web-shop"},
	"web-shop":              {"render", "-c", "web-shop"},
	"lease-storm-lanes":     {"run", filepath.Join(scenarios, "lease-storm", "scenario.toml"), "--picture", "lanes"},
	"lease-storm-radius":    {"run", filepath.Join(scenarios, "lease-storm", "scenario.toml"), "--picture", "radius"},
	"lease-storm-over-time": {"run", filepath.Join(scenarios, "lease-storm", "scenario.toml"), "--picture", "animation"},
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
		if _, ok := gallery[name]; !ok && name != "scenarios" && name != "overlay" && !slices.Contains(outagePictures, name) {
			t.Errorf("docs/gallery/%s is drawn by nobody", filepath.Base(file))
		}
	}
}

// outagePictures are those of the outage of 20 October 2025, as it is replayed.
var outagePictures = []string{"outage.record", "outage.lanes", "outage.radius", "outage.animation"}

// TestOutageGallery is TestGallery for the outage.
func TestOutageGallery(t *testing.T) {
	dir := t.TempDir()
	args := []string{"replay", "aws-2025-10-20"}
	for _, name := range outagePictures {
		args = append(args, "-o", filepath.Join(dir, name+".svg"))
	}
	if code, _, errs := run(t, "", args...); code != exitFine {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	for _, name := range outagePictures {
		picture, err := os.ReadFile(filepath.Join(dir, name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		sameFile(t, filepath.Join("..", "..", "..", "docs", "gallery", name+".svg"), picture)
	}
}

// TestOverlayGallery is TestGallery for a card of that outage.
func TestOverlayGallery(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "docs", "gallery", "overlay")
	drawn := filepath.Join(t.TempDir(), "outage.card.svg")
	if code, _, errs := run(t, "", "replay", "aws-2025-10-20", "-c", filepath.Join(folder, "parcel-desk.toml"), "-o", drawn); code != exitFine {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	card, err := os.ReadFile(drawn)
	if err != nil {
		t.Fatal(err)
	}
	sameFile(t, filepath.Join(folder, "outage.card.svg"), card)
}
