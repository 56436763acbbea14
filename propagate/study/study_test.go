package study

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

func load(t testing.TB, text string) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: []byte(text)})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return c
}

// brownout takes most of the capacity of a service away for half a minute.
func brownout(service string) *scenario.Scenario {
	return &scenario.Scenario{ID: "brownout", Horizon: 600e9, Faults: []scenario.Fault{
		{At: 60e9, For: 30e9, Service: service, Effect: scenario.Capacity, Amount: 0.2},
	}}
}

func ask(t testing.TB, c *catalog.Catalog, sc *scenario.Scenario, o Options) *Study {
	t.Helper()
	s, err := Ask(t.Context(), c, sc, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// finding is what was found of one quantity by itself; nil where it changes nothing.
func (s *Study) finding(name string) *Finding {
	for i := range s.Singles {
		if s.Quantities[s.Singles[i].Members[0]].String() == name {
			return &s.Singles[i]
		}
	}
	return nil
}

// TestRetriesBeyondCapacity: clients that retry hold a backlog up where the load
// times the attempts is beyond the capacity, and not where it is within (Brooker,
// "Fixing retries with token buckets and circuit breakers", 2022).
func TestRetriesBeyondCapacity(t *testing.T) {
	for _, test := range []struct {
		load       string // of a service that can do 1000/s
		metastable bool
	}{
		{"600/s", true},  // 3 x 600 > 1000
		{"360/s", true},  // 3 x 360 > 1000
		{"300/s", false}, // 3 x 300 < 1000
		{"150/s", false},
	} {
		c := load(t, `
[service.clients]
kind  = "external"
load  = "`+test.load+`"
needs = [{ on = "api", timeout = "1s", calls = 1 }]
[service.api]
concurrency  = 100
service_time = "100ms"
`)
		s := ask(t, c, brownout("api"), Options{})
		if s.Base.Verdict != "recovered" && s.Base.Verdict != "healthy" {
			t.Errorf("%s: without retries it is %s", test.load, s.Base.Verdict)
		}
		if len(s.Quantities) != 1 || s.Quantities[0].String() != "retry of clients -> api" {
			t.Fatalf("assumed: %v", s.Quantities)
		}
		f := s.finding("retry of clients -> api")
		if got := f != nil && f.High.Answer.Verdict == "metastable"; got != test.metastable {
			t.Errorf("%s: metastable with retries: %v, want %v", test.load, got, test.metastable)
		}
		if f != nil && (f.Low.Value != "" || f.Low.Answer != nil) {
			t.Errorf("%s: there is nothing below no retries: %+v", test.load, f.Low)
		}
	}
}

// TestHeadroomHoldsAStorm: with three attempts a call, twice the load is too little
// capacity to get out of a storm, and four times is enough.
func TestHeadroomHoldsAStorm(t *testing.T) {
	c := load(t, `
[service.clients]
kind  = "external"
load  = "600/s"
needs = [{ on = "api", timeout = "1s", calls = 1, retry = { attempts = 3, backoff = "none" } }]
[service.api]
service_time = "100ms"
`)
	s := ask(t, c, brownout("api"), Options{})
	if s.Base.Verdict != "metastable" || len(s.Singles) == 0 {
		t.Fatalf("%+v", s.Base)
	}
	q := s.Quantities[s.Singles[0].Members[0]]
	f := s.Singles[0]
	if q.String() != "capacity of api" || q.Value != "1200/s" || f.High.Value != "2400/s" || f.High.Answer.Verdict != "recovered" {
		t.Errorf("%v = %s comes first: %+v", &q, q.Value, f.High)
	}
	if f.Low.Value != "720/s" || f.Low.Answer.Verdict != "metastable" {
		t.Errorf("with less it is %+v", f.Low)
	}
	if !s.Exhaustive() || s.Alone != len(s.Quantities) || s.Runs > 1+2*len(s.Quantities) {
		t.Errorf("%d of %d alone in %d runs", s.Alone, len(s.Quantities), s.Runs)
	}
}

// TestWhatIsStatedIsNotAsked: a complete catalog has no questions, and takes one
// run.
func TestWhatIsStatedIsNotAsked(t *testing.T) {
	c := load(t, `
[service.clients]
kind  = "external"
load  = "600/s"
needs = [{ on = "api", timeout = "1s", calls = 1, retry = "none" }]
[service.api]
concurrency  = 100
service_time = "100ms"
`)
	if s := ask(t, c, brownout("api"), Options{}); len(s.Quantities) != 0 || s.Runs != 1 || len(s.Singles)+len(s.Families)+len(s.Groups) != 0 || !s.Exhaustive() {
		t.Errorf("%+v", s)
	}
}

// TestAnEndIsMovedIn where the system would not be healthy with nothing wrong: a
// load of 300/s never fitted 150/s, nor did 173/s; 132/s may have.
func TestAnEndIsMovedIn(t *testing.T) {
	c := load(t, `
[service.clients]
kind  = "external"
needs = [{ on = "api", timeout = "1s", calls = 1, retry = { attempts = 3, backoff = "none" } }]
[service.api]
capacity     = "150/s"
service_time = "10ms"
`)
	s := ask(t, c, brownout("api"), Options{})
	f := s.finding("load of clients")
	if f == nil || f.High.Value != "132/s" || f.Low.Value != "33.3/s" {
		t.Fatalf("load: %+v", f)
	}
	for i := range s.Quantities {
		if s.Quantities[i].Key == "timeout" && s.Quantities[i].Service == "clients" {
			t.Error("a stated time-out is asked for")
		}
	}

	c = load(t, `
[service.clients]
kind  = "external"
needs = [{ on = "api", timeout = "1s", calls = 1, retry = "none" }]
[service.api]
capacity     = "101/s"
service_time = "10ms"
`)
	s = ask(t, c, brownout("api"), Options{})
	if s.Faults != 1 {
		t.Errorf("%d ends are not plausible", s.Faults)
	}
	if f := s.finding("load of clients"); f != nil && !strings.Contains(f.High.Fault, "not plausible: ") {
		t.Errorf("%+v", f.High)
	}
}

// TestAnAlternativeIsOneNumber: a group states its time-out once.
func TestAnAlternativeIsOneNumber(t *testing.T) {
	c := load(t, `
[service.clients]
kind  = "external"
load  = "10/s"
needs = [{ at_least = 1, of = ["a", "b"] }]
[service.a]
[service.b]
`)
	s := ask(t, c, brownout("a"), Options{})
	var names []string
	for i := range s.Quantities {
		if q := &s.Quantities[i]; q.Target != "" {
			names = append(names, q.String()+": "+q.TOML+" "+q.At.String())
		}
	}
	want := []string{
		`retry of clients -> 1 of a, b: { at_least = 1, of = ["a", "b"], retry = "none" } shop.toml:5:10`,
		`timeout of clients -> 1 of a, b: { at_least = 1, of = ["a", "b"], timeout = "5s" } shop.toml:5:10`,
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

// row is a catalog of services side by side, each of which one client calls; one of
// them is offered most of what it can do.
func row(n, hot int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "[service.client-%02d]\nkind = \"external\"\nload = \"100/s\"\nneeds = [{ on = \"api-%02d\", timeout = \"1s\", calls = 1 }]\n", i, i)
		capacity := "1000/s"
		if i == hot {
			capacity = "150/s"
		}
		fmt.Fprintf(&b, "[service.api-%02d]\ncapacity = %q\nservice_time = \"50ms\"\n", i, capacity)
	}
	return b.String()
}

// TestScreeningFindsTheOne: a study that may not try every number finds the one that
// matters, as one that tries them all does, in far fewer runs.
func TestScreeningFindsTheOne(t *testing.T) {
	const n = 24
	for _, hot := range []int{0, n - 7} {
		c := load(t, row(n, hot))
		sc := brownout(fmt.Sprintf("api-%02d", hot))
		all, few := ask(t, c, sc, Options{}), ask(t, c, sc, Options{Runs: 25})
		if !all.Exhaustive() || few.Exhaustive() {
			t.Fatalf("all: %d alone of %d; few: %d", all.Alone, len(all.Quantities), few.Alone)
		}
		if len(all.Singles) != 1 || len(few.Singles) != 1 {
			t.Fatalf("hot %d: %d and %d findings", hot, len(all.Singles), len(few.Singles))
		}
		if a, b := all.Singles[0], few.Singles[0]; !reflect.DeepEqual(a, b) || a.High.Answer.Verdict != "metastable" {
			t.Errorf("hot %d:\n%+v\n%+v", hot, a, b)
		}
		if few.Runs > 25 || few.Runs >= all.Runs {
			t.Errorf("hot %d: %d runs, %d for all", hot, few.Runs, all.Runs)
		}
	}
}

// TestRunsAreUsedUp: what there were not enough runs for is said to be left.
func TestRunsAreUsedUp(t *testing.T) {
	c := load(t, row(40, 3))
	s := ask(t, c, brownout("api-03"), Options{Runs: 10})
	if s.Untaken == 0 || len(s.Groups) != s.Untaken || len(s.Singles) != 0 {
		t.Errorf("%d groups, %d of them not taken apart, %d singles in %d runs", len(s.Groups), s.Untaken, len(s.Singles), s.Runs)
	}
}

// dump is all that a study says.
func (s *Study) dump() string {
	var b strings.Builder
	effect := func(e Effect) {
		fmt.Fprintf(&b, " [%s %v %q", e.Value, e.Move, e.Fault)
		if e.Answer != nil {
			fmt.Fprintf(&b, " %v", *e.Answer)
		}
		b.WriteString("]")
	}
	fmt.Fprintf(&b, "%v %d %d %d %d %v\n", s.Base, s.Alone, s.Fixed, s.Faults, s.Runs, s.Partial)
	for i := range s.Quantities {
		q := &s.Quantities[i]
		fmt.Fprintln(&b, q, q.Value, q.TOML, q.At)
	}
	for _, all := range [][]Finding{s.Singles, s.Families, s.Groups} {
		for _, f := range all {
			fmt.Fprint(&b, f.Members)
			effect(f.Low)
			effect(f.High)
			b.WriteString("\n")
		}
		b.WriteString("--\n")
	}
	return b.String()
}

// TestAnyNumberOfProcessors finds the same, whether all is tried or screened.
func TestAnyNumberOfProcessors(t *testing.T) {
	c := load(t, row(9, 5))
	sc := brownout("api-05")
	for _, runs := range []int{0, 8, 12} {
		var first string
		for _, n := range []int{1, 2, 7} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			switch got := ask(t, c, sc, Options{Runs: runs}).dump(); {
			case first == "":
				first = got
			case got != first:
				t.Errorf("%d runs on %d processors:\n%s\non one:\n%s", runs, n, got, first)
			}
		}
	}
}

// TestTheCatalogStaysAsItIs, and the scenario.
func TestTheCatalogStaysAsItIs(t *testing.T) {
	text := row(5, 1) + `
[service.more]
load = "10/s"
needs = [{ on = "api-01", retry = { attempts = 2 } }, { on = "api-02", retry = { backoff = "fixed" } }, { at_least = 1, of = ["api-00", "api-03"] }, { on = "api-04", cache = { negative_ttl = "5s" } }]
replicas  = 4
autoscale = { target = "60%" }
[service.still-more]
load      = "10/s"
needs     = ["api-01"]
turnover  = { lifetime = "8h", terminate_first = true }
deferred  = { share = "50%", until = "recovery" }
`
	c, again := load(t, text), load(t, text)
	sc, same := brownout("api-01"), brownout("api-01")
	s := ask(t, c, sc, Options{})
	if s.Runs < 20 || s.Fixed != 0 {
		t.Errorf("%d runs, %d fixed", s.Runs, s.Fixed)
	}
	if !reflect.DeepEqual(c, again) || !reflect.DeepEqual(sc, same) {
		t.Error("the study changed what it was given")
	}
	var keys []string
	for i := range s.Quantities {
		keys = append(keys, s.Quantities[i].Key)
	}
	for _, key := range Keys {
		if key != "load" && !slices.Contains(keys, key) {
			t.Errorf("no %s is assumed here", key)
		}
	}
}

// TestInterrupted: what was played until then is there, and says so.
func TestInterrupted(t *testing.T) {
	c := load(t, row(20, 5))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s, err := Ask(ctx, c, brownout("api-05"), Options{Progress: func(done, planned int) {
		if done > planned {
			t.Errorf("%d of %d", done, planned)
		}
		if done == 8 {
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) || s == nil || !s.Partial || s.Exhaustive() || s.Runs < 8 || s.Runs > 8+runtime.GOMAXPROCS(0) {
		t.Fatalf("%v, %+v", err, s)
	}
	ctx, stop = context.WithCancel(t.Context())
	stop()
	if s, err := Ask(ctx, c, brownout("api-05"), Options{}); s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", s, err)
	}
}

// TestRequestsWithoutEnd are a fault of the catalog, not of the study.
func TestRequestsWithoutEnd(t *testing.T) {
	c := load(t, "[service.a]\nload = \"1/s\"\nneeds = [{ on = \"b\", calls = 2 }]\n[service.b]\nneeds = [{ on = \"a\", calls = 2 }]\n")
	if s, err := Ask(t.Context(), c, brownout("a"), Options{}); s != nil || err == nil || !strings.Contains(err.Error(), "without end") {
		t.Errorf("%v, %v", s, err)
	}
}

// TestACycleOfUnstatedCalls can be varied: they stay below one a turn.
func TestACycleOfUnstatedCalls(t *testing.T) {
	c := load(t, "[service.a]\nload = \"1/s\"\nneeds = [\"b\"]\n[service.b]\nneeds = [\"a\"]\n")
	s := ask(t, c, brownout("a"), Options{})
	for _, f := range append(slices.Clone(s.Singles), s.Families...) {
		for _, e := range []Effect{f.Low, f.High} {
			if strings.Contains(e.Fault, "without end") {
				t.Errorf("%+v", e)
			}
		}
	}
}

// TestBuiltinCatalogs: every number that they leave open has a range, and what is
// proposed can be written into a catalog as it is.
func TestBuiltinCatalogs(t *testing.T) {
	for _, name := range catalog.Builtins() {
		src, _ := catalog.Builtin(name)
		c, _, err := catalog.Load(src)
		if err != nil {
			t.Fatal(err)
		}
		assumed, err := plan.Assumptions(c, brownout(c.Services[0].ID))
		if err != nil {
			t.Fatal(err)
		}
		all := quantities(c, assumed)
		if len(all) < len(assumed)/2 {
			t.Errorf("%s: %d of %d assumptions", name, len(all), len(assumed))
		}
		var text strings.Builder
		for _, s := range c.Services {
			fmt.Fprintf(&text, "[service.%s]\n", bareKey(s.ID))
		}
		targets := text.String()
		for i := range all {
			q := &all[i]
			if !q.Varied() || !slices.Contains(Keys, q.Key) {
				t.Errorf("%s: %v is not varied", name, q)
			}
			if q.At.IsZero() {
				t.Errorf("%s: %v stands nowhere", name, q)
			}
			snippet := q.TOML
			if q.Target != "" {
				snippet = "[service.the-one-that-asks]\nneeds = [" + q.TOML + "]"
			} else {
				targets := strings.Replace(targets, "[service."+bareKey(q.Service)+"]\n", "", 1)
				snippet = targets + snippet
			}
			if q.Target != "" {
				snippet = targets + snippet
			}
			if _, faults, err := catalog.Load(catalog.Source{Name: "x.toml", Data: []byte(snippet)}); err != nil || faults.HasErrors() {
				t.Errorf("%s: %v: %v %v in %s", name, q, err, faults, q.TOML)
			}
		}
	}
}

// TestWhatIsWrittenIsWhatWasAssumed: a catalog that states the assumed numbers comes
// to the same answer. The numbers are assumed at three digits.
func TestWhatIsWrittenIsWhatWasAssumed(t *testing.T) {
	c := load(t, `
[service.clients]
kind  = "external"
needs = ["front"]
[service.front]
needs = ["api"]
[service.api]
`)
	sc := brownout("api")
	assumed, err := plan.Assumptions(c, sc)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{c: c, quantities: quantities(c, assumed)}
	stated := *c
	stated.Services = slices.Clone(c.Services)
	for i := range p.quantities {
		q := &p.quantities[i]
		s := &stated.Services[q.service]
		s.Needs = slices.Clone(s.Needs)
		of := known{}
		for j := range p.quantities {
			if o := &p.quantities[j]; o.service == q.service && o.need < 0 {
				of[o.Key] = o.Value
			}
		}
		if now, _, _ := q.levels(of); now.set != nil {
			now.set(s)
		}
	}
	one, err := propagate.Run(t.Context(), c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := propagate.Run(t.Context(), &stated, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := answer(c, one), answer(c, two); !reflect.DeepEqual(a, b) {
		t.Errorf("assumed %+v\nstated  %+v", *a, *b)
	}
	if rest, _ := plan.Assumptions(&stated, sc); slices.ContainsFunc(rest, func(a plan.Assumption) bool { return a.Key != "retry" }) {
		t.Errorf("still assumed: %v", rest)
	}
}

// TestMoves: what counts as a change, and which of two is the larger.
func TestMoves(t *testing.T) {
	base := &Answer{Verdict: "recovered", Share: 0.1, Minutes: 100, Recovery: 60, Met: []bool{true, false}}
	with := func(change func(*Answer)) Move {
		a := *base
		a.Met = slices.Clone(a.Met)
		change(&a)
		return a.from(base)
	}
	inf := math.Inf(1)
	order := []Move{ // each larger than the one before
		with(func(*Answer) {}),
		with(func(a *Answer) { a.Recovery = 80 }),
		with(func(a *Answer) { a.Recovery = inf }),
		with(func(a *Answer) { a.Minutes, a.Recovery = 110, 0 }),
		with(func(a *Answer) { a.Share = 0.11 }),
		with(func(a *Answer) { a.Share = 0.05 }),
		with(func(a *Answer) { a.Met[1] = true }),
		with(func(a *Answer) { a.Verdict = "ongoing" }),
		with(func(a *Answer) { a.Verdict = "metastable" }),
	}
	for i := range order {
		if order[i].Moved() != (i > 0) {
			t.Errorf("%d moved: %v", i, order[i].Moved())
		}
		for j := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := order[i].compare(order[j]); got != want {
				t.Errorf("%d against %d is %d", i, j, got)
			}
		}
	}
	for _, same := range []Move{
		with(func(a *Answer) { a.Share = 0.1005 }),
		with(func(a *Answer) { a.Minutes = 101.5 }),
		with(func(a *Answer) { a.Recovery = 63 }),
		with(func(a *Answer) { a.Failed = 1e9 }),
	} {
		if same.Moved() {
			t.Errorf("%+v", same)
		}
	}
	never := &Answer{Recovery: inf}
	if m := (&Answer{Recovery: inf}).from(never); m.Moved() {
		t.Errorf("%+v", m)
	}
	if m := (&Answer{Recovery: 60}).from(never); !math.IsInf(m.Recovery, -1) {
		t.Errorf("%+v", m)
	}
	if m := (&Answer{Recovery: math.NaN()}).from(&Answer{Recovery: math.NaN()}); m.Moved() {
		t.Errorf("%+v", m)
	}
}
