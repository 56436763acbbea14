package event

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

func stated[T any](v T) unit.Value[T] { return unit.Value[T]{V: v, Evidence: unit.Documented} }

// TestHeap gives events back in order of time, and of those at one time in the order in
// which they came.
func TestHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h heap
		var there []event
		for i := range rapid.IntRange(1, 300).Draw(t, "events") {
			if len(there) > 0 && rapid.IntRange(0, 2).Draw(t, "pop") == 0 {
				slices.SortFunc(there, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
				if got := h.pop(); got != there[0] {
					t.Fatalf("%+v, not %+v", got, there[0])
				}
				there = there[1:]
				continue
			}
			e := event{at: rapid.Int64Range(0, 20).Draw(t, "at"), rank: uint64(i)<<kindBits | 3, who: int32(i)}
			h.push(e)
			there = append(there, e)
		}
		if len(h.events) != len(there) {
			t.Fatalf("%d left of %d", len(h.events), len(there))
		}
	})
}

// TestRow is first in, first out.
func TestRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r row
		in, out := int32(0), int32(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if r.size > 0 && rapid.Bool().Draw(t, "drop") {
				if r.first().who != out {
					t.Fatalf("%d, not %d", r.first().who, out)
				}
				r.drop()
				out++
			} else {
				r.push(event{who: in})
				in++
			}
			if r.size != int(in-out) {
				t.Fatalf("%d of %d", r.size, in-out)
			}
		}
	})
}

// TestStreams have the moments that they should, and the same numbers for ever: a seed
// that somebody has written down is the same run in the next version.
func TestStreams(t *testing.T) {
	a, b := newStream(1, "service time", "api"), newStream(1, "service time", "apj")
	if x, y := a.pcg.Uint64(), b.pcg.Uint64(); x == y || x != 0xec5e5e974f88ba0b {
		t.Errorf("%#x and %#x", x, y)
	}
	if h := fnv(fnvBasis, "foobar"); h != 0x85944171f73967e8 { // of the authors' test vectors
		t.Errorf("FNV-1a is %#x", h)
	}
	const n = 1_000_000
	mean, square, whole := 0.0, 0.0, 0
	seen := make([]int, 7)
	for range n {
		x := a.exponential()
		mean += x / n
		square += x * x / n
		seen[a.below(7)]++
		whole += a.whole(2.3)
	}
	if math.Abs(mean-1) > 0.005 || math.Abs(square-2) > 0.03 || math.Abs(float64(whole)/n-2.3) > 0.003 {
		t.Errorf("mean %v, mean square %v, mean whole %v", mean, square, float64(whole)/n)
	}
	for i, k := range seen {
		if math.Abs(float64(k)-n/7.0) > 5*math.Sqrt(n/7.0) {
			t.Errorf("%d comes %d times", i, k)
		}
	}
	if a.happens(0) || !a.happens(1) {
		t.Error("what is certain is not")
	}
}

// results feeds a breaker and returns after how many results it opened; 0: never.
func results(p *breakerPolicy, b *breaker, step int64, ok ...bool) int {
	now := b.since
	for i, x := range ok {
		now += step
		p.observe(b, now, x)
		if b.state == open {
			return i + 1
		}
	}
	return 0
}

// TestBreaker counts a ring, a window and a row of results, and its probes.
func TestBreaker(t *testing.T) {
	good, bad := slices.Repeat([]bool{true}, 100), slices.Repeat([]bool{false}, 100)
	ring := newBreakerPolicy(&policy.Breaker{Errors: stated(unit.Ratio(0.5)), Ring: stated(int64(10)), OpenFor: stated(unit.Duration(5e9)), Probes: stated(int64(3))})
	var b breaker
	if n := results(&ring, &b, 1, append(slices.Clone(good[:30]), bad...)...); n != 35 {
		t.Errorf("a ring of 10 opens at result %d", n)
	}
	if ring.admits(&b, b.since+5e9-1) || b.state != open {
		t.Error("it lets calls through too early")
	}
	now := b.since + 5e9
	for i := range 5 {
		if ring.admits(&b, now) != (i < 3) {
			t.Errorf("probe %d", i)
		}
	}
	ring.observe(&b, now, true)
	ring.observe(&b, now, false)
	ring.observe(&b, now, true)
	if b.state != closed || b.total != 0 {
		t.Errorf("after its probes it is %+v", b)
	}
	if n := results(&ring, &b, 1, bad...); n != 10 || b.opens != 2 {
		t.Errorf("closed, it forgets: it opens at result %d, for the %d. time", n, b.opens)
	}

	window := newBreakerPolicy(&policy.Breaker{Errors: stated(unit.Ratio(0.5)), Window: stated(unit.Duration(10e9)), Calls: stated(int64(20))})
	b = breaker{}
	if n := results(&window, &b, 1e8, append(slices.Clone(good), bad...)...); n < 145 || n > 152 {
		t.Errorf("ten seconds of ten results a second open it at result %d", n)
	}
	b = breaker{}
	if n := results(&window, &b, 1e9, bad...); n != 0 {
		t.Errorf("ten results in the window open it, at result %d", n)
	}

	row := newBreakerPolicy(&policy.Breaker{InARow: stated(int64(6))})
	b = breaker{}
	if n := results(&row, &b, 1, append(append(slices.Clone(bad[:5]), true), bad...)...); n != 12 {
		t.Errorf("six in a row open it at result %d", n)
	}
}

// TestBudgets pays and refunds.
func TestBudgets(t *testing.T) {
	p := newBudgetPolicy(&policy.RetryBudget{Quota: stated(int64(20)), Cost: stated(int64(5)), TimeoutCost: stated(int64(10))}, 100)
	b := budget{tokens: p.limit}
	if ok, price := p.allows(&b, 0, true); !ok || price != 10 {
		t.Error("the first time-out", ok, price)
	}
	p.allows(&b, 0, false)
	p.allows(&b, 0, false)
	if ok, _ := p.allows(&b, 0, false); ok || b.tokens != 0 {
		t.Error("the quota is spent", b)
	}
	p.succeeded(&b, false, 10)
	p.succeeded(&b, true, 0)
	if b.tokens != 11 {
		t.Error("refunds", b)
	}
	p = newBudgetPolicy(&policy.RetryBudget{Ratio: stated(unit.Ratio(0.1)), Cap: stated(int64(2))}, 100)
	b = budget{}
	allowed := 0
	for range 1000 {
		p.begun(&b, 0)
		if ok, _ := p.allows(&b, 0, false); ok {
			allowed++
		}
	}
	if allowed != 100 {
		t.Errorf("%d retries of 1000 calls at 10 %%", allowed)
	}
	p = newBudgetPolicy(&policy.RetryBudget{MaxTokens: stated(int64(10)), TokenRatio: stated(0.5)}, 100)
	b = budget{tokens: 10}
	for range 5 {
		p.failed(&b)
	}
	if ok, _ := p.allows(&b, 0, false); ok {
		t.Error("half full, it lets retries through")
	}
	p.succeeded(&b, true, 0)
	if ok, _ := p.allows(&b, 0, false); !ok {
		t.Error("more than half full, it lets none through")
	}
}

// TestBuckets pass what they should of a steady demand, and say when the next may.
func TestBuckets(t *testing.T) {
	b := newBucket(100, stated(int64(50)))
	passed := 0
	for i := range 3000 {
		if b.take(int64(i) * 1e6) {
			passed++
		}
	}
	if passed < 349 || passed > 350 {
		t.Errorf("%d passed of 1000/s in 3 s", passed)
	}
	at := b.ready(2999e6)
	if at <= 2999e6 || at > 2999e6+1e7 || b.take(at-1) || !b.take(at) {
		t.Errorf("the next token is not there at %d", at)
	}
	none := bucket{limit: 1}
	if none.ready(5) != never {
		t.Error("nothing comes of nothing")
	}
}

// TestWindow forgets.
func TestWindow(t *testing.T) {
	p := adaptivePolicy{k: 2, slot: 1e9}
	var w window
	for i := range int64(300) {
		p.sent(&w, i*1e8, i%4 == 0)
	}
	// Of 200 in the last 20 s, 50 were accepted.
	if got := p.refusal(&w, 299e8); math.Abs(got-0.5) > 0.03 {
		t.Errorf("%v are refused", got)
	}
	if got := p.refusal(&w, 299e8+25e9); got != 0 {
		t.Errorf("a window later %v are refused", got)
	}
}

// TestWarmAllocatesNothing: once queues are as long as they get, nothing is allocated.
func TestWarmAllocatesNothing(t *testing.T) {
	c, faults, err := catalog.Load(catalog.Source{Name: "warm.toml", Data: []byte(`
[service.clients]
kind = "external"
load = "1000/s"
needs = [{ on = "api", timeout = "300ms", clients = 5, retry = { attempts = 3, backoff = "full-jitter", base = "20ms", budget = "20%" }, breaker = { errors = "90%", ring = 50, open_for = "1s" } }]
[service.api]
concurrency  = 60
service_time = "20ms"
queue        = { bound = 100 }
needs        = [{ on = "db", timeout = "60ms" }]
[service.db]
concurrency  = 25
service_time = "20ms"
`)})
	if err != nil || c == nil {
		t.Fatal(err, faults)
	}
	sc := &scenario.Scenario{Horizon: 1e6 * 1e9}
	p, err := plan.New(c, sc)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := propagate.NewLedger(c, p, sc)
	if err != nil {
		t.Fatal(err)
	}
	en := newEngine(p, sc, ledger, 1)
	en.begins()
	some := func() {
		for range 100_000 {
			e := en.next.pop()
			en.now = e.at
			en.happen(e)
		}
	}
	some()
	some()
	if n := testing.AllocsPerRun(3, some); n > 0 {
		t.Errorf("%v allocations in 100,000 events", n)
	}
	en.weigh()
	for v := range en.services {
		if s := &en.services[v]; s.ID == "db" && s.n.timeouts == 0 || s.ID == "api" && s.n.attempts == s.n.offered {
			t.Errorf("of %s nothing went wrong, and so not much was tried: %+v", s.ID, s.n)
		}
	}
}
