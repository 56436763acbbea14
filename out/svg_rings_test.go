package out

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/knockon/knockon/graph"
)

func TestRings(t *testing.T) {
	c, g := loadShop(t, shop)
	for name, r := range map[string]Report{"run": fixedReport(t), "blast": blastOf(t, c, g, graph.Options{}, "audit", "kv-a")} {
		svg, err := svgOf(r, Rings)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name+".rings.svg"), svg)
		if _, err := svgText(svg); err != nil {
			t.Error(err)
		}
	}
	svg, err := svgOf(untrusted(), Rings)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svgText(svg); err != nil {
		t.Error(err)
	}
}

var (
	dots  = regexp.MustCompile(`<circle id="[^"]*" class="dot[^"]*" data-outcome="[^"]*" cx="([^"]*)" cy="([^"]*)" r="([^"]*)">`)
	names = regexp.MustCompile(`<text class="halo-text" x="([^"]*)" y="([^"]*)">([^<]*)</text>`)
)

// TestRingsOfAThousand: every service has its dot, further out the further it is; no
// name lies on another, and it is said how many there are without one.
func TestRingsOfAThousand(t *testing.T) {
	var text strings.Builder
	text.WriteString("[service.root]\n")
	for i := range 999 {
		needs := "root"
		if i > 60 {
			needs = fmt.Sprintf("s%d", i%60)
		}
		fmt.Fprintf(&text, "[service.s%d]\ngroup = \"g%d\"\nneeds = [%q]\n", i, i%9, needs)
	}
	c, g := loadShop(t, text.String())
	svg, err := svgOf(blastOf(t, c, g, graph.Options{}, "root"), Rings)
	if err != nil {
		t.Fatal(err)
	}
	number := func(b []byte) float64 { v, _ := strconv.ParseFloat(string(b), 64); return v }
	all := dots.FindAllSubmatch(svg, -1)
	if len(all) != 1000 {
		t.Errorf("%d dots", len(all))
	}
	rings := make(map[float64]int)
	for _, m := range all {
		rings[math.Round(math.Hypot(number(m[1])-ringsCenter, number(m[2])-ringsCenter))]++
	}
	if len(rings) != 3 || rings[0] != 1 || rings[ringsRadius] != 938 {
		t.Errorf("rings of %v", rings)
	}
	written := names.FindAllSubmatch(svg, -1)
	for i, a := range written {
		for _, b := range written[:i] {
			ax, bx := number(a[1]), number(b[1])
			if math.Abs(number(a[2])-number(b[2])) < 11 && ax < bx+ringStyle.width(string(b[3])) && bx < ax+ringStyle.width(string(a[3])) {
				t.Errorf("%s lies on %s", a[3], b[3])
			}
		}
	}
	if want := fmt.Sprintf("%d dots without their names", 1000-len(written)); !strings.Contains(string(svg), want) || len(written) < 60 {
		t.Errorf("%d names, and it does not say %q", len(written), want)
	}
}
