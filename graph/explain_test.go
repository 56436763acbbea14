package graph

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

// joined reports whether a need of the step is on the node of the step before, or
// falls back on it.
func joined(g *Graph, before, step Step) bool {
	if step.Need == nil || step.Need.From != step.Node {
		return false
	}
	f, named := step.Need.Fallback()
	return slices.Contains(g.Targets(step.Need), before.Node) || named && f == before.Node
}

func TestPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		b := g.Blast(anyRoots(t, g), anyOption(t))
		for v := range Node(g.Len()) {
			path := b.Path(v)
			worst, impaired := b.Worst(v)
			cause, need, caused := b.CausedBy(v)
			if impaired != (b.Outcome(v) != Safe) || (path != nil) != impaired {
				t.Fatalf("%s: %s, worst %v, path %v", g.ID(v), b.Outcome(v), worst, path)
			}
			if !impaired {
				continue
			}
			isRoot := func(r Root) bool { return r.Node == path[0].Node && r.As != 0 }
			last := path[len(path)-1]
			switch {
			case path[0].Need != nil || path[0].Earliest != 0 || !slices.ContainsFunc(b.Roots(), isRoot):
				t.Errorf("%s: starts at %v, not at a root", g.ID(v), path[0])
			case last.Node != v || last.Outcome != b.Outcome(v) || last.Earliest != worst.Earliest:
				t.Errorf("%s: ends at %v, worst %v", g.ID(v), last, worst)
			case len(path) != worst.Distance+1:
				t.Errorf("%s: %d steps over %d hops", g.ID(v), len(path), worst.Distance)
			case caused != (len(path) > 1):
				t.Errorf("%s: caused %v, path %v", g.ID(v), caused, path)
			case caused && (cause != path[len(path)-2].Node || need != last.Need):
				t.Errorf("%s: caused by %s, path %v", g.ID(v), g.ID(cause), path)
			}
			for i := 1; i < len(path); i++ {
				if !joined(g, path[i-1], path[i]) || path[i].Earliest < path[i-1].Earliest {
					t.Errorf("%s: %v does not follow from %v", g.ID(v), path[i], path[i-1])
				}
			}
		}
	})
}

func TestPathThroughAGroup(t *testing.T) {
	g := graphOf(t,
		service("app", atLeast(2, []string{"kv-a", "kv-b", "kv-c"})),
		service("kv-a", on("power")),
		service("kv-b", on("rack")),
		service("rack", on("power")),
	)
	var names []string
	for _, s := range failing(g, "power").Path(g.must("app")) {
		names = append(names, g.ID(s.Node))
	}
	// The member that was lost last is the one that brought it down.
	if want := []string{"power", "rack", "kv-b", "app"}; !slices.Equal(names, want) {
		t.Errorf("path %v, want %v", names, want)
	}
}

func TestContained(t *testing.T) {
	g := graphOf(t, service("user", atLeast(2, []string{"a", "b", "c", "d"}), on("b", fallsBack)))
	b := g.Blast([]Root{{g.must("d"), IsDown}, {g.must("b"), IsDown}, {g.must("c"), IsDegraded}}, Options{})
	var got []string
	for _, c := range b.Contained() {
		var lost []string
		for _, v := range c.Lost {
			lost = append(lost, g.ID(v))
		}
		got = append(got, fmt.Sprint(g.ID(c.Need.From), " ", c.Barrier, " ", lost))
	}
	if want := []string{"user redundancy [b c d]", "user fallback [b]"}; !slices.Equal(got, want) {
		t.Errorf("contained %q, want %q", got, want)
	}
}

func TestRecovery(t *testing.T) {
	repair := to(catalog.ToRepair)
	for _, row := range []struct {
		name string
		need catalog.Need
		lost []string
		want []string
	}{
		{"tools", on("a", repair), []string{"a"}, []string{"a"}},
		{"another root", on("a", repair), []string{"b"}, nil},
		{"as well from elsewhere", on("a", repair, fallsBack), []string{"a"}, nil},
		{"fallback", on("a", repair, orElse("b")), []string{"a"}, nil},
		{"fallback lost as well", on("a", repair, orElse("b")), []string{"a", "b"}, []string{"a"}},
		{"enough left", atLeast(1, []string{"a", "b"}, repair), []string{"a"}, nil},
		{"too few left", atLeast(2, []string{"a", "b", "c"}, repair), []string{"a", "c"}, []string{"a", "c"}},
	} {
		g := graphOf(t, service("user", row.need), service("a"), service("b"), service("c"))
		b := failing(g, row.lost...)
		if b.Outcome(g.must("user")) != Safe {
			t.Errorf("%s: %s", row.name, phrase(b, "user"))
		}
		var got []string
		for _, c := range b.Recovery() {
			for _, v := range c.Lost {
				got = append(got, g.ID(v))
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: recovery depends on %v, want %v", row.name, got, row.want)
		}
	}
	// What is merely degraded can still be worked with.
	g := graphOf(t, service("user", on("a", repair)))
	if got := g.Blast([]Root{{g.must("a"), IsDegraded}}, Options{}).Recovery(); got != nil {
		t.Errorf("recovery depends on what is degraded: %v", got)
	}
}

func TestAssumed(t *testing.T) {
	g := graphOf(t,
		service("known", on("root", fresh, within(minute))),
		service("unknown", on("root", fresh)),
		service("untouched", on("other", fresh)),
	)
	found := failing(g, "root").Assumed()
	if len(found) != 1 || found[0].From != g.must("unknown") {
		t.Errorf("assumed %v", found)
	}
}

// Every need with an impaired target either passed something on or is listed with
// what held; nothing is both unless a delay was outlived.
func TestContainedOrFelt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		b := g.Blast(anyRoots(t, g), anyOption(t))
		held := make(map[*Need]bool)
		for _, c := range b.Contained() {
			held[c.Need] = true
			if len(c.Lost) == 0 {
				t.Errorf("%s: contained without anything lost", g.ID(c.Need.From))
			}
		}
		for _, e := range b.log {
			if n := b.need(e); n != nil && held[n] && !b.outlived[b.graph.via[e.arc]] && !n.rule.isForever() && e.bit() != stale {
				t.Errorf("%s: the need is contained and made it %06b", g.ID(e.node), 1<<e.bit())
			}
		}
		for v := range Node(g.Len()) {
			for n := range g.Needs(v) {
				if !held[n] && b.Outcome(v) == Safe && len(b.impaired(g.Targets(n))) > 0 {
					t.Errorf("%s is safe, and nothing says why", g.ID(v))
				}
			}
		}
	})
}
