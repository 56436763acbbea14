package toml

import (
	"fmt"
	"strings"
	"testing"
)

// catalogText is a catalog of n services, each with needs, as people write it.
func catalogText(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[service.s%06d]\nteam = \"payments\"\n", i)
		fmt.Fprintf(&b, "capacity = \"400/s\"\ntimeout = \"250ms\"\n")
		fmt.Fprintf(&b, "needs = [\n  { on = \"s%06d\", retry = \"default\" },\n  \"s%06d\",\n]\n\n", i/2, i/3)
	}
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"100", 100}, {"1k", 1000}, {"10k", 10_000}, {"100k", 100_000}} {
		b.Run(size.name, func(b *testing.B) {
			text := catalogText(size.n)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, faults := Parse("big.toml", text); len(faults) > 0 {
					b.Fatal(faults[0])
				}
			}
		})
	}
}
