package graph

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

var updateOutcomes = flag.Bool("update", false, "rewrite docs/outcomes.md")

const (
	second = unit.Duration(time.Second)
	minute = unit.Duration(time.Minute)
	hour   = unit.Duration(time.Hour)
)

func stated[T any](v T) unit.Value[T] { return unit.Value[T]{V: v, Evidence: unit.Stated} }

func lasting(d unit.Duration) unit.Value[unit.Range] { return stated(unit.Range{Low: d, High: 2 * d}) }

// service declares a service with needs.
func service(id string, needs ...catalog.Need) catalog.Service {
	return catalog.Service{ID: id, Weight: 1, Needs: needs}
}

// on is a hard need for one service; change makes another need of it.
func on(target string, change ...func(*catalog.Need)) catalog.Need {
	n := catalog.Need{Targets: []string{target}}
	for _, f := range change {
		f(&n)
	}
	return n
}

// atLeast is a hard need for k of some services.
func atLeast(k int, targets []string, change ...func(*catalog.Need)) catalog.Need {
	n := on("", change...)
	n.AtLeast, n.Targets = k, targets
	return n
}

func degrades(n *catalog.Need)     { n.IfLost = catalog.Degrade }
func fallsBack(n *catalog.Need)    { n.IfLost = catalog.Fallback }
func staleForever(n *catalog.Need) { n.IfLost = catalog.Stale }
func async(n *catalog.Need)        { n.Mode = catalog.Async }
func believes(n *catalog.Need)     { n.Believes = true }
func fresh(n *catalog.Need)        { n.Fresh = true }
func some(n *catalog.Need)         { n.Calls = stated(0.5) }

func staleFor(d unit.Duration) func(*catalog.Need) {
	return func(n *catalog.Need) { n.IfLost, n.TTL = catalog.Stale, lasting(d) }
}

func within(d unit.Duration) func(*catalog.Need) {
	return func(n *catalog.Need) { n.Within = stated(d) }
}

func to(p catalog.Purpose) func(*catalog.Need) { return func(n *catalog.Need) { n.To = p } }

func orElse(id string) func(*catalog.Need) {
	return func(n *catalog.Need) { n.IfLost, n.Fallback = catalog.Fallback, id }
}

// compareNeeds orders needs as a catalog does, as far as these tests state them;
// CheckValid tells when that is not far enough.
func compareNeeds(a, b catalog.Need) int {
	flag := func(x, y bool) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) }
	return cmp.Or(
		slices.Compare(a.Targets, b.Targets),
		cmp.Compare(a.To, b.To), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.IfLost, b.IfLost),
		cmp.Compare(a.AtLeast, b.AtLeast), flag(a.Fresh, b.Fresh), flag(a.Believes, b.Believes),
		strings.Compare(a.Fallback, b.Fallback),
		cmp.Compare(a.TTL.Evidence, b.TTL.Evidence), cmp.Compare(a.TTL.V.Low, b.TTL.V.Low),
		cmp.Compare(a.Within.Evidence, b.Within.Evidence), cmp.Compare(a.Within.V, b.Within.V),
	)
}

// sorted brings a catalog into the order that Load gives it, and adds the services
// that are only named.
func sorted(t testing.TB, c *catalog.Catalog) *catalog.Catalog {
	t.Helper()
	known := make(map[string]bool)
	for _, s := range c.Services {
		known[s.ID] = true
	}
	add := func(ids ...string) {
		for _, id := range ids {
			if id != "" && !known[id] {
				known[id] = true
				c.Services = append(c.Services, service(id))
			}
		}
	}
	for _, s := range c.Services {
		slices.SortStableFunc(s.Needs, compareNeeds)
		for _, n := range s.Needs {
			add(n.Targets...)
			add(n.Fallback)
		}
	}
	for _, l := range c.Leases {
		add(l.Keeper, l.Holder, l.Store)
	}
	slices.SortFunc(c.Services, func(a, b catalog.Service) int { return strings.Compare(a.ID, b.ID) })
	if err := c.CheckValid(); err != nil {
		t.Fatal(err)
	}
	return c
}

// graphOf builds the graph of some services.
func graphOf(t testing.TB, services ...catalog.Service) *Graph {
	t.Helper()
	return Build(sorted(t, &catalog.Catalog{Services: services}))
}

func (g *Graph) must(id string) Node { return g.mustIndex(id) }

// phrase says what became of a service: its phases, and what held if anything did.
func phrase(b *Blast, id string) string {
	v := b.graph.must(id)
	var words []string
	for _, p := range b.Phases(v) {
		w := p.Outcome.String()
		if p.Outcome == Down && b.Corrupt(v) {
			w = "corrupt"
		}
		if p.Earliest > 0 {
			w += " at " + p.Earliest.String()
		}
		words = append(words, w)
	}
	if words == nil {
		words = []string{"safe"}
	}
	text := strings.Join(words, ", ")
	for _, c := range b.Contained() {
		if c.Need.From == v {
			text += " by " + c.Barrier.String()
		}
	}
	return text
}

// columns are the states a target can be in, as the tables name them: how the root
// fails, and whether it fails as corrupt.
var columns = []struct {
	name    string
	as      State
	corrupt bool
}{{"down", IsDown, false}, {"corrupt", IsDown, true}, {"degraded", IsDegraded, false}, {"delayed", IsDelayed, false}, {"frozen", IsFrozen, false}, {"stale", IsStale, false}}

// cells are the algebra as LANGUAGE.md has it, one line for each kind of need, one
// cell for each state of the target. A root that fails as corrupt shows what a need
// makes of a wrong answer.
var cells = []struct {
	name   string
	need   catalog.Need
	option Options
	want   [6]string // down, corrupt, degraded, delayed, frozen, stale
}{
	{"sync, fail", on("t"), Options{}, [6]string{
		"down", "down", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, fail, believing", on("t", believes), Options{}, [6]string{
		"down", "corrupt", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, fail, by some requests", on("t", some), Options{}, [6]string{
		"degraded", "degraded", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, fail, by some requests, believing", on("t", some, believes), Options{}, [6]string{
		"degraded", "corrupt", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, degrade", on("t", degrades), Options{}, [6]string{
		"degraded", "degraded", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, degrade, believing", on("t", degrades, believes), Options{}, [6]string{
		"degraded", "corrupt", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, fallback", on("t", fallsBack), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, fallback, believing", on("t", fallsBack, believes), Options{}, [6]string{
		"safe by fallback", "corrupt", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, named fallback", on("t", orElse("f")), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, named fallback, believing", on("t", orElse("f"), believes), Options{}, [6]string{
		"safe by fallback", "corrupt", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, stale for a ttl", on("t", staleFor(hour)), Options{}, [6]string{
		"stale, down at 1h", "stale, down at 1h", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, stale for a ttl, believing", on("t", staleFor(hour), believes), Options{}, [6]string{
		"stale, down at 1h", "corrupt", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, stale for a ttl that outlives it", on("t", staleFor(hour)), Options{For: hour}, [6]string{
		"stale by cache", "stale by cache", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, stale for a ttl that does not", on("t", staleFor(hour)), Options{For: hour + 1}, [6]string{
		"stale, down at 1h", "stale, down at 1h", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, stale", on("t", staleForever), Options{}, [6]string{
		"stale by static-stability", "stale by static-stability", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"sync, stale, believing", on("t", staleForever, believes), Options{}, [6]string{
		"stale by static-stability", "corrupt", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"async", on("t", async), Options{}, [6]string{
		"delayed", "delayed", "safe by tolerance", "delayed", "safe by static-stability", "safe by static-stability",
	}},
	{"async, within", on("t", async, within(hour)), Options{}, [6]string{
		"delayed at 1h", "delayed at 1h", "safe by tolerance", "delayed at 1h", "safe by static-stability", "safe by static-stability",
	}},
	{"async, within, that outlives it", on("t", async, within(hour)), Options{For: minute}, [6]string{
		"safe by queue", "safe by queue", "safe by tolerance", "safe by queue", "safe by static-stability", "safe by static-stability",
	}},
	{"async, stale for a ttl", on("t", async, staleFor(hour)), Options{}, [6]string{
		"stale, delayed at 1h", "stale, delayed at 1h", "safe by tolerance", "stale, delayed at 1h", "safe by static-stability", "safe by static-stability",
	}},
	{"async, stale", on("t", async, staleForever), Options{}, [6]string{
		"stale by static-stability", "stale by static-stability", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"async, fallback", on("t", async, fallsBack), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"async, named fallback, believing", on("t", async, orElse("f"), believes), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"to start", on("t", to(catalog.ToStart)), Options{}, [6]string{
		"frozen", "frozen", "safe by tolerance", "safe by tolerance", "frozen", "safe by static-stability",
	}},
	{"to scale", on("t", to(catalog.ToScale)), Options{}, [6]string{
		"frozen", "frozen", "safe by tolerance", "safe by tolerance", "frozen", "safe by static-stability",
	}},
	{"to change", on("t", to(catalog.ToChange)), Options{}, [6]string{
		"frozen", "frozen", "safe by tolerance", "safe by tolerance", "frozen", "safe by static-stability",
	}},
	{"to change, stale for a ttl", on("t", to(catalog.ToChange), staleFor(hour)), Options{}, [6]string{
		"stale, frozen at 1h", "stale, frozen at 1h", "safe by tolerance", "safe by tolerance", "stale, frozen at 1h", "safe by static-stability",
	}},
	{"to change, fallback", on("t", to(catalog.ToChange), fallsBack), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by static-stability",
	}},
	{"to repair", on("t", to(catalog.ToRepair)), Options{}, [6]string{
		"safe by static-stability", "safe by static-stability", "safe by static-stability", "safe by static-stability", "safe by static-stability", "safe by static-stability",
	}},
	{"fresh within", on("t", fresh, within(minute)), Options{}, [6]string{
		"degraded at 1m", "degraded at 1m", "safe by tolerance", "degraded at 1m", "safe by static-stability", "degraded at 1m",
	}},
	{"fresh within, that outlives it", on("t", fresh, within(minute)), Options{For: second}, [6]string{
		"safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by static-stability", "safe by tolerance",
	}},
	{"fresh", on("t", fresh), Options{}, [6]string{
		"degraded", "degraded", "safe by tolerance", "degraded", "safe by static-stability", "degraded",
	}},
	{"2 of 2", atLeast(2, []string{"a", "t"}), Options{}, [6]string{
		"down", "down", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"2 of 2, believing", atLeast(2, []string{"a", "t"}, believes), Options{}, [6]string{
		"down", "down", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"1 of 2", atLeast(1, []string{"a", "t"}), Options{}, [6]string{
		"safe by redundancy", "safe by redundancy", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"2 of 2, degrade", atLeast(2, []string{"a", "t"}, degrades), Options{}, [6]string{
		"degraded", "degraded", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"2 of 2, stale for a ttl", atLeast(2, []string{"a", "t"}, staleFor(hour)), Options{}, [6]string{
		"stale, down at 1h", "stale, down at 1h", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"2 of 2, fallback", atLeast(2, []string{"a", "t"}, fallsBack), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"2 of 2, named fallback", atLeast(2, []string{"a", "t"}, orElse("f")), Options{}, [6]string{
		"safe by fallback", "safe by fallback", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
	{"2 of 2 to scale", atLeast(2, []string{"a", "t"}, to(catalog.ToScale)), Options{}, [6]string{
		"frozen", "frozen", "safe by tolerance", "safe by tolerance", "safe by tolerance", "safe by tolerance",
	}},
}

func TestCells(t *testing.T) {
	for _, row := range cells {
		for i, column := range columns {
			target := service("t")
			if column.corrupt {
				target.FailsAs = catalog.FailsCorrupt
			}
			g := graphOf(t, target, service("user", row.need))
			b := g.Blast([]Root{{g.must("t"), column.as}}, row.option)
			if got := phrase(b, "user"); got != row.want[i] {
				t.Errorf("%s, target %s: got %q, want %q", row.name, column.name, got, row.want[i])
			}
			checkRank(t, g, row.option)
			if column.corrupt { // a root that is said to answer wrongly does so by itself
				g := graphOf(t, service("t"), service("user", row.need))
				b := g.Blast([]Root{{g.must("t"), IsCorrupt}}, row.option)
				if got := phrase(b, "user"); got != row.want[i] {
					t.Errorf("%s, root corrupt: got %q, want %q", row.name, got, row.want[i])
				}
			}
		}
	}
}

// A lease through a store: what is held runs on until the shortest ttl has passed.
func TestLeaseCells(t *testing.T) {
	for _, row := range []struct {
		name   string
		ttl    unit.Value[unit.Range]
		option Options
		want   [6]string
	}{
		{"for ever", lasting(3 * minute), Options{}, [6]string{
			"down at 3m", "down at 3m", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
		}},
		{"longer than the lease", lasting(3 * minute), Options{For: 4 * minute}, [6]string{
			"down at 3m", "down at 3m", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
		}},
		{"outlived", lasting(3 * minute), Options{For: 3 * minute}, [6]string{
			"safe by lease", "safe by lease", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
		}},
		{"not stated", unit.Value[unit.Range]{}, Options{For: 3 * minute}, [6]string{
			"down", "down", "degraded", "degraded", "safe by static-stability", "safe by static-stability",
		}},
	} {
		for _, failed := range []string{"keeper", "store"} {
			for i, column := range columns {
				services := []catalog.Service{service("keeper"), service("store")}
				if column.corrupt {
					services[0].FailsAs, services[1].FailsAs = catalog.FailsCorrupt, catalog.FailsCorrupt
				}
				g := Build(sorted(t, &catalog.Catalog{Services: services, Leases: []catalog.Lease{
					{ID: "l", Keeper: "keeper", Store: "store", Holder: "user", Policy: policy.Lease{TTL: row.ttl}},
				}}))
				b := g.Blast([]Root{{g.must(failed), column.as}}, row.option)
				if got := phrase(b, "user"); got != row.want[i] {
					t.Errorf("%s, %s %s: got %q, want %q", row.name, failed, column.name, got, row.want[i])
				}
				wantAssumed := !row.ttl.IsStated() && column.as == IsDown
				if got := len(b.Assumed()) == 1; got != wantAssumed {
					t.Errorf("%s, %s %s: assumed %v", row.name, failed, column.name, b.Assumed())
				}
			}
		}
	}
}

// The rules by the words of the language, in the order of ruleOf.
var ruleText = [ruleCount]string{
	ruleHard:                  "`sync`, `fail`",
	ruleHardBelieving:         "the same, `validates = false`",
	ruleSoft:                  "`sync`, `degrade`",
	ruleSoftBelieving:         "the same, `validates = false`",
	rulePartial:               "`sync`, `fail`, `calls` below 1",
	rulePartialBelieving:      "the same, `validates = false`",
	ruleFallback:              "`fallback` that is not named",
	ruleFallbackBelieving:     "the same, `sync`, `validates = false`",
	ruleStale:                 "`sync`, `stale` for a `ttl`",
	ruleStaleBelieving:        "the same, `validates = false`",
	ruleStaleForever:          "`stale` without a `ttl`",
	ruleStaleForeverBelieving: "the same, `sync`, `validates = false`",
	ruleAsync:                 "`async`",
	ruleAsyncWithin:           "`async`, `within` a time",
	ruleAsyncStale:            "`async`, `stale` for a `ttl`",
	ruleChange:                "to `start`, `scale` or `change`",
	ruleChangeStale:           "the same, `stale` for a `ttl`",
	ruleRepair:                "to `repair`",
	ruleLease:                 "a lease, of its holder",
	ruleFresh:                 "`fresh`, `within` a time",
}

const outcomesIntro = `# Outcomes

What a need makes of the state of its target. Generated from the table ` + "`rows`" + ` in
graph/outcome.go by ` + "`go test ./graph -run TestOutcomesDocument -update`" + `; do not edit.

The outcomes, worst first: down, degraded, delayed, frozen, stale, safe. A service
can have several impairments at once (a set, not only the worst): who hands work
over through a queue feels that its target is delayed, even when it is degraded
too. Each need adds what its row says for each impairment of its target, and a
service is shown with the worst it has. Corrupt, an answer that is wrong, is shown
as down with that reason.

"then" is after the time that the need states: its ttl, the tolerated age of work
in a queue or of what must be fresh, the shortest ttl of a lease. A failure that
ends before then does not get that far.

A group (` + "`at_least` … `of`" + `) is down when too few of its members are neither down nor
corrupt, whether or not the need validates; nothing milder counts. What follows is
the row of the need, in the column "down".

A need with a named fallback is untouched while its target is neither down nor
corrupt. After that it is a need for the fallback: what a hard need (or an
asynchronous one, or one to change) would make of the state of the fallback. A
fallback that needs what has failed has failed as well, and is no fallback. Who
does not validate believes a corrupt target and does not fall back. Two services
that fall back on each other for the same target are both shown as safe, which is
true of neither; knockon check warns of them.

`

func outcomesDocument() string {
	var text strings.Builder
	text.WriteString(outcomesIntro)
	order := []int{down, corrupt, degraded, delayed, frozen, stale}
	text.WriteString("| the need | down | corrupt | degraded | delayed | frozen | stale |\n|---|---|---|---|---|---|---|\n")
	for i, r := range rows {
		fmt.Fprintf(&text, "| %s", ruleText[i])
		for _, bit := range order {
			fmt.Fprintf(&text, " | %s", cell(r.now[bit], r.later[bit]))
		}
		text.WriteString(" |\n")
	}
	return text.String()
}

func cell(now, later State) string {
	word := func(s State) string {
		if s == IsCorrupt {
			return "corrupt"
		}
		return s.Outcome().String()
	}
	switch {
	case later == 0:
		return word(now)
	case now == 0:
		return "then " + word(later)
	}
	return word(now) + ", then " + word(later)
}

func TestOutcomesDocument(t *testing.T) {
	path := filepath.Join("..", "docs", "outcomes.md")
	want := outcomesDocument()
	if *updateOutcomes {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: run go test ./graph -run TestOutcomesDocument -update", path)
	}
}

func TestStateWords(t *testing.T) {
	for state, want := range map[State]string{
		0: "safe", IsStale: "stale", IsFrozen: "frozen", IsDelayed: "delayed", IsDegraded: "degraded", IsDown: "down", IsCorrupt: "corrupt",
		IsDelayed | IsDegraded: "delayed and degraded",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %b is %q, want %q", state, got, want)
		}
	}
	for o := Stale; o <= Down; o++ {
		if got := State(1 << (o - 1)).Outcome(); got != o {
			t.Errorf("the state of %s alone has outcome %s", o, got)
		}
	}
}
