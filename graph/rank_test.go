package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

// oneByOne is Rank by definition.
func oneByOne(g *Graph, option Options) []Damage {
	var ranking []Damage
	for v := range Node(g.Len()) {
		ranking = append(ranking, Damage{v, g.Blast([]Root{{v, IsDown}}, option).Summary()})
	}
	// Stable, so that what is equal stays in the order of IDs.
	slices.SortStableFunc(ranking, func(a, b Damage) int {
		tallyOf := func(d Damage) *tally {
			t := g.Blast([]Root{{d.Root, IsDown}}, option).tally()
			return &t
		}
		return tallyOf(b).compare(tallyOf(a))
	})
	return ranking
}

func checkRank(t rapid.TB, g *Graph, option Options) {
	t.Helper()
	got, err := g.Rank(context.Background(), option, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := oneByOne(g, option)
	if option.For == 0 {
		checkExposure(t, g)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("place %d: got %s %v, want %s %v", i, g.ID(got[i].Root), got[i].Summary, g.ID(want[i].Root), want[i].Summary)
		}
	}
}

func checkExposure(t rapid.TB, g *Graph) {
	t.Helper()
	_, got, err := g.RankAndExposure(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]int, g.Len())
	for root := range Node(g.Len()) {
		b := g.Blast([]Root{{root, IsDown}}, Options{})
		for v := range want {
			if b.Outcome(Node(v)) == Down {
				want[v]++
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("exposure: got %v, want %v", got, want)
	}
}

func TestRankIsOneBlastEach(t *testing.T) {
	usual := leastKnot
	defer func() { leastKnot = usual }()
	rapid.Check(t, func(t *rapid.T) {
		// Also where the knot is one service, so that what it implies is of every kind.
		leastKnot = rapid.SampledFrom([]int32{1, 2, usual}).Draw(t, "least knot")
		checkRank(t, Build(anyCatalog(t)), anyOption(t))
	})
}

// More roots than lanes, and cycles larger than a word.
func TestRankOfManyServices(t *testing.T) {
	for _, back := range []float64{0, 0.02} {
		c := generate(1500, back, 7)
		checkRank(t, Build(c), Options{})
		checkRank(t, Build(mix(c, 7)), Options{})
	}
}

// Digits of counters, carries and all: groups of every size, lost to every degree.
func TestRankOfGroups(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 70} {
		var members []string
		services := []catalog.Service{service("all")}
		for i := range n {
			members = append(members, fmt.Sprintf("m%02d", i))
			// Root i takes the first i+1 members with it.
			services = append(services, service(members[i], on(fmt.Sprintf("root%02d", i))))
			for j := range i {
				services[1+j].Needs = append(services[1+j].Needs, on(fmt.Sprintf("root%02d", i)))
			}
		}
		for k := 1; k <= n; k++ {
			services = append(services, service(fmt.Sprintf("user%02d", k), atLeast(k, members)))
		}
		checkRank(t, graphOf(t, services...), Options{})
	}
}

// The number of processors does not show.
func TestRankOnOneProcessor(t *testing.T) {
	g := Build(mix(generate(2000, 0.02, 3), 3))
	want, err := g.Rank(t.Context(), Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	got, err := g.Rank(t.Context(), Options{}, nil)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("not the same on one processor; %v", err)
	}
}

func TestRankOrder(t *testing.T) {
	// a: 3 hit, two of them degraded; b: 3 hit, all down; z: weighs more than either.
	z := service("z")
	z.Weight = 10
	g := graphOf(t, service("a1", on("a", degrades)), service("a2", on("a", degrades)),
		service("b1", on("b")), service("b2", on("b")), z)
	ranking, err := g.Rank(context.Background(), Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range ranking {
		ids = append(ids, g.ID(d.Root))
	}
	if got := strings.Join(ids, " "); got != "z b a a1 a2 b1 b2" {
		t.Errorf("order %s", got)
	}
	count, weight := ranking[1].Impacted()
	if count != 3 || weight != 3 || ranking[1].Count[Down] != 3 || ranking[1].Count[Safe] != 4 || ranking[1].Weight[Safe] != 13 {
		t.Errorf("b: %v", ranking[1])
	}
}

func TestRankProgress(t *testing.T) {
	for _, option := range []Options{{}, {For: minute}} {
		g := Build(generate(1500, 0, 1))
		last := 0
		if _, err := g.Rank(context.Background(), option, func(done, total int) {
			if done <= last || done > total || total != g.Len() {
				t.Errorf("%d of %d after %d", done, total, last)
			}
			last = done
		}); err != nil {
			t.Fatal(err)
		}
		if last != g.Len() {
			t.Errorf("ended at %d of %d", last, g.Len())
		}
	}
}

func TestRankCancelled(t *testing.T) {
	for _, option := range []Options{{}, {For: minute}} {
		g := Build(generate(3000, 0, 1))
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		ranking, err := g.Rank(ctx, option, func(done, total int) {
			calls++
			cancel()
		})
		if !errors.Is(err, context.Canceled) || len(ranking) == 0 || len(ranking) == g.Len() || calls > 64 {
			t.Errorf("after %d batches: %v, %d services", calls, err, len(ranking))
		}
		for _, d := range ranking[:min(10, len(ranking))] { // what there is, is right
			if want := g.Blast([]Root{{d.Root, IsDown}}, option).Summary(); d.Summary != want {
				t.Errorf("%s: %v, want %v", g.ID(d.Root), d.Summary, want)
			}
		}
	}
}

func TestRankOfNothing(t *testing.T) {
	ranking, err := Build(&catalog.Catalog{}).Rank(context.Background(), Options{}, nil)
	if err != nil || len(ranking) != 0 {
		t.Errorf("%v, %v", ranking, err)
	}
}

// Sums of weights are what one would write on paper, not 0.30000000000000004.
func TestWeights(t *testing.T) {
	weighing := func(weights ...float64) *Graph {
		c := &catalog.Catalog{}
		for i, w := range weights {
			s := service(string(rune('a' + i)))
			s.Weight = w
			if i > 0 {
				s.Needs = []catalog.Need{on("a")}
			}
			c.Services = append(c.Services, s)
		}
		return Build(c)
	}
	for _, row := range []struct {
		weights []float64
		sum     float64
		perUnit float64
	}{
		{[]float64{1, 2, 3}, 6, 1},
		{[]float64{0, 0}, 0, 1},
		{[]float64{0.1, 0.2}, 0.3, 10},
		{[]float64{0.1, 0.25, 1e6}, 1000000.35, 100},
		{[]float64{1e12, 0.5}, 1e12 + 0.5, 10},
		{[]float64{1.0 / 3, 2.0 / 3}, 1, math.Ldexp(1, 52-1)},
		{[]float64{0.001234567, 5}, 5.001234567, 1e9},
	} {
		g := weighing(row.weights...)
		s := failing(g, "a").Summary()
		if s.Weight[Down] != row.sum || g.perUnit != row.perUnit {
			t.Errorf("%v: sum %v, %v to one", row.weights, s.Weight[Down], g.perUnit)
		}
		if s.Weight[Safe] != 0 || s.Count[Safe] != 0 {
			t.Errorf("%v: safe %v", row.weights, s)
		}
	}
}

// What the sweep keeps of lost services rests on this: whatever a need makes of a target
// that is impaired and not lost, it makes at least as much of one that is lost, where
// lost is more than anything milder.
func TestLossIsWorst(t *testing.T) {
	for r := range rule(ruleCount) {
		for _, lost := range []int{down, corrupt} {
			for _, mild := range []int{stale, frozen, delayed, degraded} {
				if less, more := felt[r][mild], felt[r][lost]; less&^more != 0 && more&isLost == 0 {
					t.Errorf("rule %d makes %v of a %s target and %v of a %s one", r, less, StateWords[mild], more, StateWords[lost])
				}
			}
		}
	}
}

// Every root of large graphs, of every kind of need, on its own and in the sweep.
func TestRankOfTenThousandServices(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped with -short: twenty thousand searches")
	}
	for _, g := range []*Graph{
		Build(generate(10_000, 0, 11)), Build(generate(10_000, 0.02, 11)),
		Build(mix(generate(10_000, 0, 11), 11)), Build(mix(generate(10_000, 0.02, 11), 11)),
	} {
		ranking, exposure, err := g.RankAndExposure(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]int, g.Len())
		summaries := make([]Summary, g.Len())
		s := newSearch(g, Options{})
		for v := range Node(g.Len()) {
			s.roots = append(s.roots[:0], Root{v, IsDown})
			s.run()
			tally := s.tally()
			summaries[v] = g.summary(&tally)
			for _, e := range s.log {
				if State(1<<e.bit())&isLost != 0 && e.wave&wasLost == 0 {
					want[e.node]++
				}
			}
			s.reset()
		}
		for _, d := range ranking {
			if d.Summary != summaries[d.Root] {
				t.Fatalf("%s: got %v, want %v", g.ID(d.Root), d.Summary, summaries[d.Root])
			}
		}
		for v, n := range exposure {
			if n != want[v] {
				t.Fatalf("%s falls with %d services, not %d", g.ID(Node(v)), want[v], n)
			}
		}
	}
}
