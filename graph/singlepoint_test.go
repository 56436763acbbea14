package graph

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Single points of one service are its minimal cut sets of one member.
func TestSinglePointsAreCutSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		target := Node(rapid.IntRange(0, g.Len()-1).Draw(t, "target"))
		points, exposure, err := g.SinglePoints(t.Context(), func(v Node) bool { return v == target }, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{g.ID(target)}
		for _, p := range points {
			if p.Loses != 1 {
				t.Fatalf("%s loses %d of one", g.ID(p.Root), p.Loses)
			}
			got = append(got, g.ID(p.Root))
		}
		slices.Sort(got)
		ft, err := g.FaultTree(t.Context(), target, TreeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, s := range ft.CutSets(1) {
			want = append(want, ft.Causes()[s[0]].Name)
		}
		if !slices.Equal(got, want) || exposure[target] != len(want) {
			t.Fatalf("%s: single points %v, exposed to %d; cut sets %v", g.ID(target), got, exposure[target], want)
		}
	})
}
