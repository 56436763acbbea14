package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestGalleryOverlay draws the card of the outage of 20 October 2025 for a company in
// docs/overlay, which takes minutes to play.
func TestGalleryOverlay(t *testing.T) {
	if os.Getenv("KNOCKON_LONG") == "" {
		t.Skip("skipped: the outage takes a while to play; KNOCKON_LONG=1 plays it")
	}
	folder := filepath.Join("..", "..", "..", "docs", "overlay")
	code, card, errs := run(t, "", "replay", "aws-2025-10-20", "-c", filepath.Join(folder, "parcel-desk.toml"), "--picture", "card", "--format", "svg")
	if code != exitFine {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	sameFile(t, filepath.Join(folder, "parcel-desk.svg"), []byte(card))
}
