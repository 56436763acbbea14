package graph

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// down fails one service and returns the blast radius.
func failing(g *Graph, ids ...string) *Blast {
	var roots []Root
	for _, id := range ids {
		roots = append(roots, Root{g.must(id), IsDown})
	}
	return g.Blast(roots, Options{})
}

func TestAsksTheRightWorst(t *testing.T) {
	// An asynchronous need does not feel a degraded target and does feel a delayed
	// one. The target is both, and shown as degraded; what it hands on is delay.
	g := graphOf(t,
		service("reports", on("orders", async)),
		service("orders", on("payments", degrades), on("queue", async)),
	)
	b := failing(g, "payments", "queue")
	if got := b.State(g.must("orders")); got != IsDegraded|IsDelayed {
		t.Errorf("orders: state %06b", got)
	}
	if got := phrase(b, "orders"); got != "degraded" {
		t.Errorf("orders: %s", got)
	}
	if got := phrase(b, "reports"); got != "delayed" {
		t.Errorf("reports: %s", got)
	}
}

func TestFailsAsCorrupt(t *testing.T) {
	// account-metadata answers wrongly without its database; who validates is down,
	// who believes is wrong as well, and hands that on.
	metadata := service("metadata", on("dynamodb"))
	metadata.FailsAs = catalog.FailsCorrupt
	g := graphOf(t, metadata,
		service("validating", on("metadata")),
		service("believing", on("metadata", believes)),
		service("user", on("believing", believes)),
		service("group", atLeast(1, []string{"dynamodb", "metadata"}, believes)),
	)
	b := failing(g, "dynamodb")
	for id, want := range map[string]string{
		"dynamodb": "down", "metadata": "corrupt", "validating": "down", "believing": "corrupt", "user": "corrupt",
		"group": "down", // an answer that nobody can use is not one of k
	} {
		if got := phrase(b, id); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}

func TestFallbackOnTheSameFixedPoint(t *testing.T) {
	g := graphOf(t,
		service("independent", on("primary", orElse("other"))),
		service("shared", on("primary", orElse("replica"))),
		service("replica", on("primary")), // a fallback that needs the root is none
		service("weaker", on("primary", orElse("cached"))),
		service("cached", on("primary", degrades)),
		service("late", on("primary", orElse("lapsing"))),
		service("lapsing", on("primary", staleFor(hour))),
		service("group", atLeast(2, []string{"primary", "x", "y"}, orElse("replica"))),
		service("tight", atLeast(3, []string{"primary", "x", "y"}, orElse("replica"))),
	)
	b := failing(g, "primary")
	for id, want := range map[string]string{
		"independent": "safe by fallback",
		"shared":      "down",
		"weaker":      "degraded",
		"late":        "down at 1h",
		"group":       "safe by redundancy",
		"tight":       "down",
	} {
		if got := phrase(b, id); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
	// Losing only the fallback costs nothing, and is not reported as contained.
	if got := phrase(failing(g, "other"), "independent"); got != "safe" {
		t.Errorf("without its fallback: %s", got)
	}
}

func TestGroupFallsWhenTooFewRemain(t *testing.T) {
	const n = 5
	var members []string
	for i := range n {
		members = append(members, strconv.Itoa(i))
	}
	for k := 1; k <= n; k++ {
		g := graphOf(t, service("user", atLeast(k, members)))
		for set := range 1 << n {
			var lost []string
			for i, m := range members {
				if set&(1<<i) != 0 {
					lost = append(lost, m)
				}
			}
			b := failing(g, lost...)
			fell := b.Outcome(g.must("user")) == Down
			if want := n-len(lost) < k; fell != want {
				t.Errorf("%d of %d without %v: fell %v", k, n, lost, fell)
			}
			if p, ok := b.Worst(g.must("user")); ok && p.Distance != 1 {
				t.Errorf("%d of %d without %v: %d hops", k, n, lost, p.Distance)
			}
		}
	}
}

func TestEarliestAndDistance(t *testing.T) {
	// chain: root <- a <- b; cache: stale at once, down when both ttls have run out.
	g := Build(sorted(t, &catalog.Catalog{
		Services: []catalog.Service{
			service("a", on("root")),
			service("b", on("a"), on("c")),
			service("c", on("root", staleFor(hour))),
			service("d", on("c", staleFor(2*hour))),
			service("near", on("b"), on("root", staleFor(minute))),
		},
		Leases: []catalog.Lease{{ID: "l", Holder: "holder", Keeper: "keeper", Store: "d", Policy: policy.Lease{TTL: lasting(3 * minute)}}},
	}))
	b := failing(g, "root")
	for id, want := range map[string][]Phase{
		"root":   {{Down, 0, 0}},
		"a":      {{Down, 0, 1}},
		"b":      {{Down, 0, 2}},
		"c":      {{Stale, 0, 1}, {Down, hour, 1}},
		"d":      {{Stale, hour, 2}, {Down, 3 * hour, 2}},
		"holder": {{Down, 3*hour + 3*minute, 3}},
		"near":   {{Down, 0, 3}}, // at once by the longer way, not later by the shorter
		"keeper": nil,
	} {
		v := g.must(id)
		if got := b.Phases(v); !slices.Equal(got, want) {
			t.Errorf("%s: phases %v, want %v", id, got, want)
		}
		worst, ok := b.Worst(v)
		if ok != (want != nil) || ok && worst != want[len(want)-1] {
			t.Errorf("%s: worst %v, %v", id, worst, ok)
		}
	}
	if all := b.AllPhases(); !slices.Equal(all[g.must("d")], b.Phases(g.must("d"))) {
		t.Errorf("all phases: %v", all)
	}
	if got := b.Size(); got != 7 {
		t.Errorf("size %d", got)
	}
}

// An outage of a given length is contained by what outlives it, and only then.
func TestLengthOfTheOutage(t *testing.T) {
	cat := &catalog.Catalog{
		Services: []catalog.Service{
			service("cache", on("root", staleFor(hour))),
			service("behind", on("cache", staleFor(hour))),
			service("queue", on("root", async, within(hour))),
			service("both", on("root"), on("root", staleFor(hour))),
			service("slow", on("root", staleFor(50*minute))),
		},
		Leases: []catalog.Lease{
			{ID: "l", Holder: "holder", Keeper: "root", Store: "slow", Policy: policy.Lease{TTL: lasting(30 * minute)}},
		},
	}
	g := Build(sorted(t, cat))
	for _, row := range []struct {
		lasts unit.Duration
		want  map[string]string
	}{
		{10 * minute, map[string]string{
			"cache": "stale by cache", "behind": "safe by static-stability", "queue": "safe by queue", "holder": "safe by lease",
			"both": "down by cache",
		}}, // down by one need, held by the other
		{hour, map[string]string{
			"cache": "stale by cache", "queue": "safe by queue",
			// The lease lapsed with the keeper; that it would have outlived the
			// store, lost later, is no containment.
			"holder": "down at 30m",
		}},
		{hour + minute, map[string]string{
			"cache": "stale, down at 1h", "behind": "stale at 1h by cache", "queue": "delayed at 1h",
		}},
		{0, map[string]string{
			"cache": "stale, down at 1h", "behind": "stale at 1h, down at 2h", "queue": "delayed at 1h",
		}},
	} {
		b := g.Blast([]Root{{g.must("root"), IsDown}}, Options{For: row.lasts})
		if b.For() != row.lasts {
			t.Errorf("for %s", b.For())
		}
		for id, want := range row.want {
			if got := phrase(b, id); got != want {
				t.Errorf("for %s, %s: got %q, want %q", row.lasts, id, got, want)
			}
		}
	}
}

// Delays that add up to more than a Duration holds end at its largest value.
func TestNoTimeRunsBackwards(t *testing.T) {
	services := []catalog.Service{service("00")}
	for i := 1; i < 60; i++ {
		services = append(services, service(strconv.Itoa(100+i), on(services[i-1].ID, staleFor(unit.MaxDuration))))
	}
	g := graphOf(t, services...)
	b := failing(g, "00")
	var last unit.Duration
	for v := range g.Len() {
		p, ok := b.Worst(Node(v))
		if !ok || p.Outcome != Down || p.Earliest < last {
			t.Errorf("%s: %v after %s", g.ID(Node(v)), p, last)
		}
		last = p.Earliest
	}
	if last != math.MaxInt64 {
		t.Errorf("the last is down at %s", last)
	}
}

func TestRoots(t *testing.T) {
	g := graphOf(t, service("a", on("b")), service("c"))
	b := g.Blast([]Root{{2, IsDown}, {1, IsFrozen}, {1, IsDelayed}, {2, IsDown}, {0, 0}}, Options{})
	if want := []Root{{0, 0}, {1, IsDelayed}, {1, IsFrozen}, {2, IsDown}}; !slices.Equal(b.Roots(), want) {
		t.Errorf("roots %v, want %v", b.Roots(), want)
	}
	if got := b.State(1); got != IsDelayed|IsFrozen {
		t.Errorf("state %06b", got)
	}
	if b.Graph() != g {
		t.Error("another graph")
	}
}

func TestBuildPanicsOnUnknownNames(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Build(&catalog.Catalog{Services: []catalog.Service{service("a", on("b"))}})
}

// worseOrEqual reports whether everything in a happens in b, no later.
func worseOrEqual(a, b map[string]moments) bool {
	for id := range a {
		for bit := range impairments {
			if a[id][bit].before(b[id][bit]) {
				return false
			}
		}
	}
	return true
}

func TestMoreNeedsNeverHelp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCatalog(t)
		g := Build(c)
		roots, option := anyRoots(t, g), anyOption(t)
		before := momentsOf(g.Blast(roots, option))

		from := rapid.IntRange(0, g.Len()-1).Draw(t, "from")
		target := rapid.IntRange(0, g.Len()-2).Draw(t, "target")
		if target >= from {
			target++
		}
		s := &c.Services[from]
		s.Needs = append(slices.Clone(s.Needs), on(c.Services[target].ID))
		slices.SortStableFunc(s.Needs, compareNeeds)
		if after := momentsOf(Build(c).Blast(roots, option)); !worseOrEqual(before, after) {
			t.Errorf("before %v\nafter %v", before, after)
		}
	})
}

func TestMoreRootsNeverHelp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		roots, option := anyRoots(t, g), anyOption(t)
		before := g.Blast(roots, option)
		after := g.Blast(append(slices.Clone(roots), anyRoots(t, g)...), option)
		if !worseOrEqual(momentsOf(before), momentsOf(after)) {
			t.Errorf("before %v\nafter %v", momentsOf(before), momentsOf(after))
		}
	})
}

func TestLongerNeverHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		roots, short, more := anyRoots(t, g), anyTime(t, "short"), anyTime(t, "more")
		long := short + more
		if short == 0 {
			short, long = more, 0 // zero is as long as it lasts
		}
		before, after := g.Blast(roots, Options{For: short}), g.Blast(roots, Options{For: long})
		if !worseOrEqual(momentsOf(before), momentsOf(after)) {
			t.Errorf("before %v\nafter %v", momentsOf(before), momentsOf(after))
		}
	})
}

// Names and orders carry no meaning: services renamed at random, and needs that
// stand in another order, come to the same.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCatalog(t)
		g := Build(c)
		roots, option := anyRoots(t, g), anyOption(t)

		name := make(map[string]string)
		for i, id := range rapid.Permutation(c.IDs()).Draw(t, "names") {
			name[c.Services[i].ID] = id
		}
		renamed := &catalog.Catalog{Services: make([]catalog.Service, len(c.Services))}
		for i, s := range c.Services {
			to := &renamed.Services[slices.Index(c.IDs(), name[c.Services[i].ID])]
			*to = s
			to.ID, to.Needs = name[s.ID], nil
			if len(s.Needs) > 0 {
				to.Needs = rapid.Permutation(s.Needs).Draw(t, "needs")
			}
			for j := range to.Needs {
				n := &to.Needs[j]
				n.Targets = slices.Clone(n.Targets)
				for k, id := range n.Targets {
					n.Targets[k] = name[id]
				}
				slices.Sort(n.Targets)
				n.Fallback = name[n.Fallback]
			}
		}
		for _, l := range c.Leases {
			l.Holder, l.Keeper, l.Store = name[l.Holder], name[l.Keeper], name[l.Store]
			renamed.Leases = append([]catalog.Lease{l}, renamed.Leases...)
		}
		h := Build(renamed)
		var renamedRoots []Root
		for _, r := range roots {
			renamedRoots = append(renamedRoots, Root{h.must(name[g.ID(r.Node)]), r.As})
		}
		before, after := g.Blast(roots, option), h.Blast(renamedRoots, option)
		was, is := momentsOf(before), momentsOf(after)
		for id := range was {
			if was[id] != is[name[id]] {
				t.Errorf("%s: %v, as %s: %v", id, was[id], name[id], is[name[id]])
			}
		}
		if before.Summary() != after.Summary() {
			t.Errorf("summary %v, then %v", before.Summary(), after.Summary())
		}
		if len(before.Contained()) != len(after.Contained()) || len(before.Recovery()) != len(after.Recovery()) {
			t.Errorf("contained %v, then %v", before.Contained(), after.Contained())
		}
	})
}

// A search that is used again starts from nothing.
func TestReset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(anyCatalog(t))
		option := anyOption(t)
		s := newSearch(g, option)
		for range 3 {
			s.roots = g.Blast(anyRoots(t, g), option).roots
			s.run()
			want := g.Blast(s.roots, option)
			if !slices.Equal(s.log, want.log) || !slices.Equal(s.waves, want.waves) || !slices.Equal(s.state, want.state) {
				t.Errorf("used again: %v, %v\nnew: %v, %v", s.log, s.waves, want.log, want.waves)
			}
			s.reset()
		}
	})
}
