package propagate

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// estate is a catalog that is drawn at random, written as a team would write it: what
// a law finds can be read, and played again by the command line.
type estate struct {
	services []drawnService
	least    float64 // threads of a service
	spare    float64 // threads beside those that are held when all is well; cycles hold more
	shortest float64 // seconds, of a time-out: what is shorter takes longer to play
	leases   []drawnLease
	checks   string  // health checks, as text
	more     float64 // load beyond what is drawn, as a share of it
}

type drawnService struct {
	id       string
	external bool
	load     float64 // per second; 0: not stated
	time     float64 // seconds
	patience float64 // seconds; 0: not stated
	needs    []drawnNeed
	keys     map[string]string // further keys, by name

	// Of what is needed when all is well; 0 where it is not stated.
	headroom, throttle, bound float64
}

type drawnNeed struct {
	targets  []string
	atLeast  int     // 0: a single target
	timeout  float64 // times the latency of the target
	calls    float64
	clients  int
	bulkhead float64 // of what is needed when all is well; 0: none
	cached   int     // keys of its cache; 0: none
	keys     map[string]string
}

func decimals(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func rateOf(x float64) string { return strconv.Quote(decimals(x) + "/s") }

func secondsOf(x float64) string { return fmt.Sprintf(`"%dus"`, max(1, int64(x*1e6+0.5))) }

// text is the estate with k times the load and k times of all that bears it: threads,
// capacity, buckets, bounds, clients, holders of leases and keys of caches.
func (e estate) text(m *model, k int) string {
	var b strings.Builder
	line := func(key, value string) { fmt.Fprintf(&b, "%s = %s\n", key, value) }
	keys := func(of map[string]string) {
		names := make([]string, 0, len(of))
		for name := range of {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if of[name] != "" {
				line(name, of[name])
			}
		}
	}
	f := float64(k)
	// Round numbers, so that they scale exactly.
	whole := func(x float64) string { return strconv.FormatFloat(max(1, float64(int64(x+0.5)))*f, 'f', -1, 64) }
	for i, s := range e.services {
		fmt.Fprintf(&b, "\n[service.%s]\n", s.id)
		if s.external {
			line("kind", `"external"`)
		}
		if s.load > 0 {
			line("load", rateOf(s.load*f*(1+e.more)))
		}
		line("service_time", secondsOf(s.time))
		if s.patience > 0 {
			line("patience", secondsOf(s.patience))
		}
		if m != nil {
			v := &m.servers[i]
			if s.headroom > 0 {
				line("concurrency", whole(max(e.least, e.spare*s.headroom*v.Nominal*v.Latency)))
				line("capacity", strconv.Quote(whole(s.headroom*v.Nominal)+"/s"))
			}
			if s.throttle > 0 {
				line("throttle", fmt.Sprintf(`{ rate = "%s/s", burst = %s }`, whole(s.throttle*v.Nominal), whole(v.Nominal)))
			}
			queue := s.keys["queue"]
			if s.bound > 0 {
				queue = join(queue, "bound = "+whole(s.bound*v.Nominal))
			}
			if queue != "" {
				line("queue", "{ "+queue+" }")
			}
		}
		rest := cloned(s.keys)
		delete(rest, "queue")
		keys(rest)
		for _, n := range s.needs {
			fmt.Fprintf(&b, "\n[[service.%s.need]]\n", s.id)
			if n.atLeast > 0 {
				line("at_least", strconv.Itoa(n.atLeast))
				line("of", `["`+strings.Join(n.targets, `", "`)+`"]`)
			} else {
				line("on", strconv.Quote(n.targets[0]))
			}
			line("calls", decimals(n.calls)) // in a cycle less is assumed than elsewhere
			if n.clients > 0 {
				line("clients", strconv.Itoa(n.clients*k))
			}
			if m != nil {
				latency, rate := 0.0, 0.0
				for v := range m.servers {
					if slices.Contains(n.targets, m.servers[v].ID) {
						latency, rate = max(latency, m.servers[v].Latency), max(rate, m.servers[v].Nominal)
					}
				}
				if n.timeout > 0 && n.keys["mode"] == "" {
					line("timeout", secondsOf(max(e.shortest, n.timeout*latency)))
				}
				if n.bulkhead > 0 {
					line("bulkhead", fmt.Sprintf("{ concurrent = %d }", max(1, int(e.spare*n.bulkhead*rate*latency/float64(max(1, n.clients))+2))))
				}
			}
			cache := n.keys["cache"]
			if n.cached > 0 {
				cache = join(fmt.Sprintf("keys = %d", n.cached*k), cache)
			}
			if cache != "" {
				line("cache", "{ "+cache+" }")
			}
			rest := cloned(n.keys)
			delete(rest, "cache")
			keys(rest)
		}
	}
	for i, l := range e.leases {
		l.write(&b, i, m, f)
	}
	b.WriteString(e.checks)
	return b.String()
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

// sized is the estate as text, with capacities for what it is offered when all is
// well; ok is false where requests would multiply without end.
func (e estate) sized(t rapid.TB, k int) (text string, ok bool) {
	plain := mustLoad(t, e.text(nil, 1))
	m, err := compile(plain, &scenario.Scenario{Horizon: 60e9})
	if err != nil {
		return "", false
	}
	return e.text(m, k), true
}

func mustLoad(t rapid.TB, text string) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "drawn.toml", Data: []byte(text)})
	if err != nil || c == nil {
		t.Fatalf("%v %v\n%s", err, faults, text)
	}
	return c
}

func mustParse(t rapid.TB, text string) *scenario.Scenario {
	t.Helper()
	s, faults := scenario.Parse("drawn.scenario.toml", []byte(text))
	if s == nil {
		t.Fatalf("%v\n%s", faults, text)
	}
	return s
}

// played runs texts and fails with them where they do not run.
func played(t rapid.TB, catalogText, scenarioText string, opt Options) *Result {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("panic: %v\n%s\n%s", p, catalogText, scenarioText)
		}
	}()
	// A few services for a few minutes: who takes this long is stuck.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := Run(ctx, mustLoad(t, catalogText), mustParse(t, scenarioText), opt)
	if err != nil {
		t.Fatalf("%v: %+v\n%s\n%s", err, r.Steps, catalogText, scenarioText)
	}
	return r
}

// bytesOf is what a result says, without what was assumed and what the scenario is.
func bytesOf(r *Result) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, r.Times, r.Outside, r.Verdict, r.Steps, r.Balance)
	for i := range r.Services {
		fmt.Fprintf(&b, "%+v\n", r.Services[i])
	}
	for i := range r.Needs {
		n := r.Needs[i]
		n.Index, n.Retries = 0, 0
		fmt.Fprintf(&b, "%+v\n", n)
	}
	return b.Bytes()
}

// draw chooses; the first choice is the plain one.
func draw[T any](t *rapid.T, name string, choices ...T) T {
	return rapid.SampledFrom(choices).Draw(t, name)
}

// mood is how wild an estate is.
type mood uint8

const (
	calm mood = iota // with room to spare everywhere: nothing happens by itself
	wild             // with too little of anything, here and there
)

// drawEstate draws 3 services or more in a row, each of which needs some of those after
// it, and now and then, less than once a request, one before it.
func drawEstate(t *rapid.T, m mood, most int, cycles bool) estate {
	n := rapid.IntRange(3, most).Draw(t, "services")
	e := estate{services: make([]drawnService, n), least: 2, spare: 1, shortest: 0.25}
	if m == calm {
		e.least, e.spare, e.shortest = 50, 8, 1
	}
	reached := make([]bool, n)
	id := func(i int) string { return fmt.Sprintf("s%02d", i) }
	for i := range n {
		s := &e.services[i]
		*s = drawnService{id: id(i), time: draw(t, "service time", 0.01, 0.002, 0.1), keys: map[string]string{}}
		if i == 0 || !reached[i] || draw(t, "has a load", false, false, false, true) {
			s.load = draw(t, "load", 100.0, 20, 1000)
			if i == 0 {
				s.external = draw(t, "external", true, false)
				s.time = 0.001
			}
			if !s.external {
				s.headroom = 2
			}
			if m == wild {
				s.patience = draw(t, "patience", 0.0, 1, 20)
			}
		}
		if i > 0 {
			s.headroom = draw(t, "headroom", 2.0, 1.5, 4)
			if m == wild {
				s.headroom = draw(t, "headroom", 2.0, 1.2, 0.9, 0)
			}
			s.drawQueue(t, m)
			if draw(t, "throttled", false, false, true) {
				s.throttle = draw(t, "throttle", 2.0, 1.5)
				if m == wild {
					s.throttle = draw(t, "throttle", 1.1, 0.8)
				}
			}
			if m == wild && draw(t, "sheds", false, false, false, true) {
				s.keys["shed"] = `{ above = "90%" }`
			}
		}
		free := make([]string, 0, n)
		for j := i + 1; j < n; j++ {
			free = append(free, id(j))
		}
		for range rapid.IntRange(min(1, len(free)), 3).Draw(t, "needs") {
			if len(free) == 0 {
				break
			}
			var need drawnNeed
			need, free = drawNeed(t, m, free, i == 0)
			for j := range n {
				reached[j] = reached[j] || slices.Contains(need.targets, id(j))
			}
			s.needs = append(s.needs, need)
		}
		if cycles && i > 1 && draw(t, "calls back", false, false, false, true) {
			back := drawnNeed{targets: []string{id(rapid.IntRange(1, i-1).Draw(t, "back to"))}, timeout: 20, calls: 0.1, clients: 1, keys: map[string]string{}}
			if draw(t, "softly", false, true) {
				back.keys["if_lost"] = `"degrade"`
			}
			s.needs = append(s.needs, back)
		}
	}
	return e
}

func (s *drawnService) drawQueue(t *rapid.T, m mood) {
	if m == wild {
		s.bound = draw(t, "bound", 0.0, 0, 0.1, 1, 10)
	} else {
		s.bound = draw(t, "bound", 0.0, 1, 10)
	}
	queue := draw(t, "discipline", "", `discipline = "fifo"`, `discipline = "lifo"`, `discipline = "adaptive-lifo"`, `discipline = "codel"`)
	switch draw(t, "expires", 0, 0, 0, 1, 2, 3) {
	case 1:
		queue = join(queue, "drop_expired = true")
	case 2:
		queue = join(queue, "cancel = true")
	case 3:
		queue = join(queue, `deadline = "2s"`)
	}
	if m == wild && s.bound > 0 && draw(t, "rejections cost", false, false, true) {
		queue = join(queue, `reject_cost = "10%"`)
	}
	s.keys["queue"] = queue
}

func drawNeed(t *rapid.T, m mood, free []string, first bool) (drawnNeed, []string) {
	take := func() string {
		i := rapid.IntRange(0, len(free)-1).Draw(t, "target")
		id := free[i]
		free = slices.Delete(slices.Clone(free), i, i+1)
		return id
	}
	n := drawnNeed{targets: []string{take()}, timeout: draw(t, "timeout", 20.0, 12, 100), calls: 1, keys: map[string]string{}}
	if m == wild {
		n.timeout = draw(t, "timeout", 20.0, 2, 5, 100)
	}
	n.clients = draw(t, "clients", 1, 4, 30)
	switch draw(t, "kind", 0, 0, 0, 1, 2, 3, 4, 5) {
	case 1:
		n.keys["mode"] = `"async"`
		return n, free
	case 2:
		if len(free) >= 2 {
			n.targets = append(n.targets, take(), take())
			n.atLeast = draw(t, "at least", 1, 2, 3)
		}
	case 3:
		n.keys["if_lost"] = draw(t, "if lost", `"degrade"`, `"stale"`)
		if n.keys["if_lost"] == `"stale"` {
			n.keys["ttl"] = `"10s"`
		}
	case 4:
		if len(free) >= 1 {
			n.keys["fallback"] = strconv.Quote(take())
		}
	case 5:
		n.calls = draw(t, "calls", 0.3, 2)
		if n.calls > 1 && draw(t, "at once", false, true) {
			n.keys["parallel"] = "true"
		}
	}
	if first {
		n.clients = 30
	}
	n.keys["retry"] = drawRetry(t)
	n.keys["breaker"] = draw(t, "breaker", "", "", "",
		`{ errors = "50%", window = "10s", calls = 20, open_for = "5s", probes = 1 }`,
		`{ errors = "30%", ring = 50, calls = 50, open_for = "8s", probes = 5 }`,
		`{ in_a_row = 6, open_for = "3s", probes = 1 }`)
	if draw(t, "bulkhead", false, false, true) {
		n.bulkhead = 4
		if m == wild {
			n.bulkhead = 1
		}
	}
	if m == wild {
		n.keys["limit"] = draw(t, "limit", "", "", "", "", `{ k = 2, window = "10s" }`)
	}
	if draw(t, "important", false, false, true) {
		n.keys["priority"] = draw(t, "priority", "1", "5")
	}
	return n, free
}

func drawRetry(t *rapid.T) string {
	attempts := draw(t, "attempts", 1, 2, 3, 5)
	if attempts == 1 {
		return ""
	}
	backoff := draw(t, "backoff", `backoff = "none"`,
		`backoff = "fixed", base = "200ms"`,
		`backoff = "exponential", base = "100ms", cap = "1s"`,
		`backoff = "full-jitter", base = "100ms"`,
		`backoff = "equal-jitter", base = "50ms", cap = "5s"`)
	budget := draw(t, "budget", "", "",
		`budget = "20%"`,
		`budget = { ratio = "10%", min_rate = "1/s", cap = 20 }`,
		`budget = { max_tokens = 100, token_ratio = 0.1 }`,
		`budget = { quota = 500, cost = 5, timeout_cost = 10 }`,
		`budget = { active = "20%", min_active = 3 }`,
		`budget = { max_active = 3 }`)
	return "{ " + join(fmt.Sprintf("attempts = %d, %s", attempts, backoff), budget) + " }"
}

// drawScenario draws up to four faults of different services, up to two changes of
// load, and up to two deeds.
func drawScenario(t *rapid.T, e estate) string {
	var b strings.Builder
	horizon := draw(t, "horizon", 20, 40)
	fmt.Fprintf(&b, "horizon = \"%ds\"\n", horizon)
	free := make([]string, 0, len(e.services))
	var loaded []string
	for _, s := range e.services {
		free = append(free, s.id)
		if s.load > 0 {
			loaded = append(loaded, s.id)
		}
	}
	moment := func(name string) float64 {
		return float64(horizon) * float64(rapid.IntRange(0, 8).Draw(t, name)) / 10
	}
	for range rapid.IntRange(0, 4).Draw(t, "faults") {
		i := rapid.IntRange(0, len(free)-1).Draw(t, "struck")
		effect := draw(t, "effect", "down", "blackhole", "slow ×8", "slow ×1000", "errors 30%", "errors 100%", "capacity 50%", "capacity 0%", "corrupt", "flapping")
		at := moment("at")
		fmt.Fprintf(&b, "\n[[fault]]\nservice = %q\neffect = %q\nat = %s\n", free[i], effect, secondsOf(at))
		if effect == "flapping" {
			fmt.Fprintf(&b, "down = %s\nup = %s\n", draw(t, "down for", `"1s"`, `"5s"`), draw(t, "up for", `"2s"`, `"500ms"`))
		}
		if draw(t, "ends", true, false) {
			fmt.Fprintf(&b, "for = %s\n", secondsOf(float64(horizon)/10*draw(t, "for", 1.0, 0.1, 2)))
		}
		free = slices.Delete(free, i, i+1)
		if len(free) == 0 {
			break
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "loads") {
		at := moment("at")
		fmt.Fprintf(&b, "\n[[load]]\nservice = %q\nat = %s\nfor = %s\ntimes = %s\n",
			loaded[rapid.IntRange(0, len(loaded)-1).Draw(t, "loaded")], secondsOf(at), secondsOf(float64(horizon)/10), draw(t, "times", "2", "0.5", "5"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "actions") {
		id := e.services[rapid.IntRange(0, len(e.services)-1).Draw(t, "operated")].id
		deed := draw(t, "deed", `{ purge = %q }`, `{ throttle = %q, to = "20%%" }`, `{ stop_retries = %q }`, `{ set_capacity = %q, to = "150%%" }`, `{ restart = %q, takes = "2s" }`)
		fmt.Fprintf(&b, "\n[[action]]\nat = %s\ndo = [%s]\n", secondsOf(moment("at")), fmt.Sprintf(deed, id))
	}
	return b.String()
}
