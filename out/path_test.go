package out

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/graph"
)

// TestPaths: the path of a report is the path of the graph, also where a service
// owes its worst to an earlier impairment of its cause.
func TestPaths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	detours := 0
	for range 300 {
		var text strings.Builder
		for i := range 12 {
			fmt.Fprintf(&text, "[service.s%02d]\nneeds = [", i)
			for j := range 12 {
				if j == i || random.IntN(5) > 0 {
					continue
				}
				fmt.Fprintf(&text, []string{
					`"s%02d",`, `{on="s%02d",if_lost="degrade"},`, `{on="s%02d",if_lost="stale",ttl="1m"},`,
					`{on="s%02d",mode="async"},`, `{fresh="s%02d",within="30s"},`, `{on="s%02d",to="change"},`,
				}[random.IntN(6)], j)
			}
			text.WriteString("]\n")
		}
		c, g := loadShop(t, text.String())
		b := g.Blast([]graph.Root{{Node: 0, As: graph.IsDown}, {Node: 1, As: graph.IsDelayed}}, graph.Options{})
		r := NewBlast(c, b)
		detours += len(r.detours)
		for v := range graph.Node(g.Len()) {
			var want []int
			for _, step := range b.Path(v) {
				want = append(want, int(step.Node))
			}
			if want == nil {
				continue
			}
			if got, cut := r.path(int(v), 100); !slices.Equal(got, want) || cut {
				t.Fatalf("the path to %d is %v, not %v:\n%s", v, got, want, &text)
			}
			got, cut := r.path(int(v), 1)
			if at := max(0, len(want)-2); !slices.Equal(got, want[at:]) || cut != (at > 0) {
				t.Fatalf("the end of the path %v is %v, %v", want, got, cut)
			}
		}
	}
	if detours == 0 {
		t.Error("no path with a detour was tried")
	}
}

// TestALongChain: what is written of a chain grows with its length, not with the
// square of it.
func TestALongChain(t *testing.T) {
	const n = 20_000
	var text strings.Builder
	text.WriteString("[service.s00000]\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&text, "[service.s%05d]\ntier = 0\nneeds = [\"s%05d\"]\n", i, i-1)
	}
	c, g := loadShop(t, text.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := blastOf(t, c, g, graph.Options{}, "s00000")
	for _, f := range Formats() {
		if !f.Shows(r) {
			continue
		}
		document := written(t, f.Name, r)
		if cut := bytes.Count(document, []byte(`"path_cut": true`)); f.Name == "json" && cut != n-1-pathHops {
			t.Errorf("%d paths are cut", cut)
		}
	}
	runtime.ReadMemStats(&after)
	for i, first := range map[int]string{100: "s00000", n - 1: "s19899"} {
		var j jsonImpact
		if document, err := (lazyImpact{r, i}).MarshalJSON(); err != nil || json.Unmarshal(document, &j) != nil {
			t.Fatal(err)
		}
		if len(j.Path) != 101 || j.Path[0] != first || j.Path[100] != j.ID || j.PathCut != (i > 100) {
			t.Errorf("the path to %d is %v", i, j.Path)
		}
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<30 {
		t.Errorf("a chain of %d services took %d MB", n, took>>20)
	}
}
