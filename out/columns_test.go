package out

import (
	"fmt"
	"testing"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/gv"
	"github.com/knockon/knockon/out/scene"
)

// TestAChainIsNotAStrip: a picture of a long chain keeps near the shape of a
// screen, and every arrow on the path of the failure still carries it.
func TestAChainIsNotAStrip(t *testing.T) {
	for _, n := range []int{13, 30, 60, 100} {
		b := &Blast{Roots: []int{0}, As: "down"}
		for i := range n {
			b.Services = append(b.Services, Service{ID: fmt.Sprint("s", i), Outcome: graph.Down, Root: i == 0, Distance: i, Cause: i - 1})
			if i > 0 {
				b.Links = append(b.Links, Link{From: i, To: i - 1, Need: i, Carries: true})
			}
		}
		s := blastScene(b)
		if err := gv.Place(s); err != nil {
			t.Fatal(err)
		}
		if ratio := s.Size.Width / (s.Size.Height + pagePitch); ratio > 3 {
			t.Errorf("a chain of %d is %v pixels in %d columns", n, s.Size, s.Columns)
		}
		carries := 0
		for i := range s.Edges {
			if s.Edges[i].Role == scene.Carries {
				carries++
			}
		}
		if carries != n-1 {
			t.Errorf("a chain of %d has %d arrows", n, carries)
		}
	}
}
