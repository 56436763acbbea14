package catalog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
)

// BenchmarkLoad reads a folder in which every team owns a file of a hundred
// services with four needs each.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fsys, size := folder(n)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				c, faults, err := Load(Source{FS: fsys, Path: "."})
				if err != nil || len(faults) > 0 || len(c.Services) != n {
					b.Fatal(err, faults)
				}
			}
		})
	}
}

func folder(n int) (fstest.MapFS, int) {
	const perFile = 100
	fsys := make(fstest.MapFS)
	r := rand.New(rand.NewPCG(1, 2))
	size := 0
	for first := 0; first < n; first += perFile {
		var text strings.Builder
		for i := first; i < min(first+perFile, n); i++ {
			fmt.Fprintf(&text, "[service.s%06d]\ntitle = \"Service %d\"\ngroup = \"g%d\"\ntier = %d\nneeds = [", i, i, i%50, i%4)
			for k := range 4 {
				if to := r.IntN(n); to != i {
					fmt.Fprintf(&text, `{ on = "s%06d", timeout = "%dms" }, `, to, 100*(k+1))
				}
			}
			text.WriteString("]\n\n")
		}
		fsys[fmt.Sprintf("team-%05d.toml", first/perFile)] = &fstest.MapFile{Data: []byte(text.String())}
		size += text.Len()
	}
	return fsys, size
}
