package out

import (
	"fmt"
	"strings"
	"testing"

	"github.com/knockon/knockon/graph"
)

// TestFoldingLeavesAPicture: whatever is said of groups and tiers, a large catalog
// is neither wallpaper nor one box.
func TestFoldingLeavesAPicture(t *testing.T) {
	for _, c := range []struct {
		name  string
		group func(i int) string
	}{
		{"no groups", func(int) string { return "" }},
		{"one group", func(int) string { return "all" }},
		{"ten groups", func(i int) string { return fmt.Sprintf("g%d", i%10) }},
		{"sixty flat groups", func(i int) string { return fmt.Sprintf("g%d", i%60) }},
		{"nested groups", func(i int) string { return fmt.Sprintf("g%d/h%d", i%8, i%64) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			for i := range 500 {
				fmt.Fprintf(&b, "[service.s%d]\n", i)
				if group := c.group(i); group != "" {
					fmt.Fprintf(&b, "group = %q\n", group)
				}
				if i > 0 {
					fmt.Fprintf(&b, "needs = [\"s%d\", { on = \"s%d\", if_lost = \"degrade\" }]\n", i/3, i/7)
				}
			}
			catalog, g := loadShop(t, b.String())
			blast := len(blastScene(blastOf(t, catalog, g, graph.Options{}, "s0")).Nodes)
			if blast < 8 || blast > foldAbove {
				t.Errorf("the blast radius has %d boxes", blast)
			}
			if whole := len(mapScene(NewMap(catalog, g)).Nodes); whole < 8 || whole > foldAbove {
				t.Errorf("the catalog has %d boxes", whole)
			}
		})
	}
}
