package gv

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/knockon/knockon/out/scene"
)

// forest makes a scene of n boxes in frames of three, each with an arrow from an
// earlier column, and as many loose arrows.
func forest(n int) *scene.Scene {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	s := &scene.Scene{}
	frames := make(map[int]int)
	for i := range n {
		node := scene.Node{ID: fmt.Sprint("s", i), Cluster: -1, Size: scene.Size{Width: 150, Height: 40}}
		if i > 0 {
			up := int(float64(i) * random.Float64() * random.Float64())
			node.Column = s.Nodes[up].Column + 1 + random.IntN(2)
			s.Edges = append(s.Edges, scene.Edge{ID: fmt.Sprint("e", i), From: up, To: i})
			s.Edges = append(s.Edges, scene.Edge{ID: fmt.Sprint("l", i), From: i, To: random.IntN(i), Loose: true})
		}
		at, ok := frames[node.Column]
		if !ok || i%3 == 0 {
			at = len(s.Clusters)
			frames[node.Column] = at
			s.Clusters = append(s.Clusters, scene.Cluster{ID: fmt.Sprint("g", at)})
		}
		if i%5 != 0 {
			node.Cluster = at
		}
		s.Columns = max(s.Columns, node.Column+1)
		s.Nodes = append(s.Nodes, node)
	}
	return s
}

func TestPlaceTwice(t *testing.T) {
	one, two := forest(60), forest(60)
	for _, s := range []*scene.Scene{one, two} {
		if err := Place(s); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(one, two) {
		t.Error("the same scene is placed differently the second time")
	}
}

// TestPlaceLaws: boxes do not touch, frames hold their boxes and no others, arrows
// begin and end at the sides of their boxes, and nothing lies outside.
func TestPlaceLaws(t *testing.T) {
	for _, n := range []int{1, 2, 7, 30, 90} {
		s := forest(n)
		if err := Place(s); err != nil {
			t.Fatal(err)
		}
		box := func(v *scene.Node) scene.Box {
			return scene.Box{Left: v.At.X - v.Size.Width/2, Top: v.At.Y - v.Size.Height/2, Width: v.Size.Width, Height: v.Size.Height}
		}
		page := scene.Box{Width: s.Size.Width, Height: s.Size.Height}
		for i := range s.Nodes {
			a := box(&s.Nodes[i])
			if !within(a, page) {
				t.Errorf("%d boxes: %v lies outside of %v", n, a, page)
			}
			for j := range s.Nodes[:i] {
				if overlap(a, box(&s.Nodes[j])) {
					t.Errorf("%d boxes: %d and %d overlap", n, i, j)
				}
			}
			for k := range s.Clusters {
				frame := s.Clusters[k].Box
				if s.Nodes[i].Cluster == k && !within(a, frame) || s.Nodes[i].Cluster != k && overlap(a, frame) {
					t.Errorf("%d boxes: box %d of frame %d and frame %d", n, i, s.Nodes[i].Cluster, k)
				}
			}
		}
		for _, e := range s.Edges {
			for end, v := range map[int]int{0: e.From, len(e.Points) - 1: e.To} {
				p, b := e.Points[end], box(&s.Nodes[v])
				if p.Y != s.Nodes[v].At.Y || (p.X-b.Left)*(p.X-b.Left-b.Width) > 0.1 || (p.X-b.Left)*(p.X-b.Left-b.Width) < -20 {
					t.Errorf("%d boxes: %s has an end at %v, its box is %v", n, e.ID, p, b)
				}
			}
			if e.Own < 0 || e.Own >= len(e.Points) || e.Own%3 != 0 {
				t.Errorf("%d boxes: own part of %s begins at %d of %d", n, e.ID, e.Own, len(e.Points))
			}
		}
	}
}

func within(a, b scene.Box) bool {
	return a.Left >= b.Left && a.Top >= b.Top && a.Left+a.Width <= b.Left+b.Width+0.2 && a.Top+a.Height <= b.Top+b.Height+0.2
}

func overlap(a, b scene.Box) bool {
	return a.Left < b.Left+b.Width && b.Left < a.Left+a.Width && a.Top < b.Top+b.Height && b.Top < a.Top+a.Height
}

// TestPlaceHub: a hub stands level with the middle of its users, and an arrow to
// an only user is straight.
func TestPlaceHub(t *testing.T) {
	s := &scene.Scene{Columns: 3}
	for i := range 7 {
		s.Nodes = append(s.Nodes, scene.Node{Column: min(i, 1), Cluster: -1, Size: scene.Size{Width: 100, Height: 40}})
		if i > 0 {
			s.Edges = append(s.Edges, scene.Edge{From: 0, To: i})
		}
	}
	s.Nodes[6].Column = 2
	s.Edges[5].From = 5
	if err := Place(s); err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := 1; i <= 5; i++ {
		sum += s.Nodes[i].At.Y
	}
	if d := sum/5 - s.Nodes[0].At.Y; d < -1 || d > 1 {
		t.Errorf("the hub is %v above the middle of its users", d)
	}
	if s.Nodes[5].At.Y != s.Nodes[6].At.Y {
		t.Error("an arrow that could be straight is not")
	}
}

func TestPlaceRefuses(t *testing.T) {
	many := &scene.Scene{Columns: 1, Nodes: make([]scene.Node, MaxNodes+1)}
	astray := &scene.Scene{Columns: 1, Nodes: []scene.Node{{Column: 1, Cluster: -1}}}
	flat := &scene.Scene{Columns: 1, Nodes: []scene.Node{{Cluster: -1}, {Cluster: -1}}, Edges: []scene.Edge{{From: 0, To: 1}}}
	for want, s := range map[string]*scene.Scene{"more than": many, "stands nowhere": astray, "must be loose": flat} {
		if err := Place(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if err := Place(&scene.Scene{}); err != nil {
		t.Errorf("an empty scene: %v", err)
	}
}

// TestLostParts: Graphviz can lose edges without saying so; we do say so.
func TestLostParts(t *testing.T) {
	o, err := render([]byte("digraph { n0 -> n1 [id=e0] n1 -> n2 [id=e1] }"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.heights(3); err != nil {
		t.Error(err)
	}
	if err := o.checkEdges(2); err != nil {
		t.Error(err)
	}
	if _, err := o.heights(4); err == nil {
		t.Error("a lost node goes unnoticed")
	}
	if err := o.checkEdges(3); err == nil {
		t.Error("a lost edge goes unnoticed")
	}
	if _, err := render([]byte("digraph { n0 -> ")); err == nil {
		t.Error("a broken request goes unnoticed")
	}
}

// TestPrivateCache runs this test binary anew with other homes. The cache of
// compiled code stands in a folder that only its owner may enter, never in TMPDIR
// and never in a folder that others may write to; TMPDIR is as it was afterwards.
func TestPrivateCache(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder is protected by the user's profile")
	}
	if testing.Short() {
		t.Skip("compiles Graphviz three times")
	}
	for _, home := range []string{"fresh", "shared", "none"} {
		t.Run(home, func(t *testing.T) {
			dir, tmp := t.TempDir(), t.TempDir()
			cache := filepath.Join(dir, "cache")
			if home == "shared" {
				if err := os.MkdirAll(filepath.Join(cache, "knockon"), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(filepath.Join(cache, "knockon"), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			if home == "none" {
				cache = "/dev/null/cache"
			}
			command := exec.Command(os.Args[0], "-test.run=^TestPlaceHub$")
			command.Env = []string{"HOME=" + dir, "XDG_CACHE_HOME=" + cache, "TMPDIR=" + tmp, "KNOCKON_WANT_TMPDIR=" + tmp}
			if runtime.GOOS == "darwin" {
				t.Skip("the cache of a user has no variable of its own")
			}
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("TMPDIR was used: %v", left)
			}
			compiled, _ := filepath.Glob(filepath.Join(cache, "knockon", "go-graphviz", "*"))
			if used := len(compiled) > 0; used != (home == "fresh") {
				t.Errorf("compiled code kept: %v", used)
			}
			if home != "fresh" {
				return
			}
			info, err := os.Stat(filepath.Join(cache, "knockon"))
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of the cache: %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestMain(m *testing.M) {
	if want, ok := os.LookupEnv("KNOCKON_WANT_TMPDIR"); ok && os.TempDir() != want {
		fmt.Println("TMPDIR was not restored:", os.TempDir())
		os.Exit(1)
	}
	m.Run()
}

func BenchmarkPlace(b *testing.B) {
	for _, n := range []int{30, 100, 300, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := forest(n)
			for b.Loop() {
				if err := Place(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
