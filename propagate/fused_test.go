package propagate

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// TestNoFusedMultiplyAdd: the same scenario gives the same bytes on every machine. A
// compiler may fuse a product and a sum, and then rounds once instead of twice; on
// arm64 it does so unless the product is converted. So the code made for arm64 is
// searched for fused instructions.
func TestNoFusedMultiplyAdd(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for arm64")
	}
	cmd := exec.Command("go", "build", "-gcflags=-S", ".", "./mech", "./closedform")
	cmd.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	listing, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("cannot compile for arm64 here: %v\n%s", err, bytes.TrimSpace(listing[:min(len(listing), 2000)]))
	}
	if len(listing) == 0 {
		t.Fatal("the compiler listed nothing")
	}
	fused := regexp.MustCompile(`\(([^()]*\.go:\d+)\)\tFN?M(ADD|SUB)[SD]`)
	for _, m := range fused.FindAllSubmatch(listing, -1) {
		t.Errorf("%s: write float64(a*b)+c", m[1])
	}
}
