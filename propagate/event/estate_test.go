package event_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// estates is how many catalogs are generated: seeds 1 to this.
const estates = 20

// deck gives each of the twenty seeds one card, in an order of its own for every
// purpose: so many catalogs have it, and which do is chance.
func deck(purpose string, seed uint64, cards ...string) string {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	order := rand.New(rand.NewPCG(h.Sum64(), 20251020)).Perm(estates)
	return cards[order[(seed-1)%estates]*len(cards)/estates]
}

// dealt gives ten of the twenty a mechanism.
func dealt(mechanism string, seed uint64) bool { return deck(mechanism, seed, "", mechanism) != "" }

// generated is a catalog in four layers, callers, fronts, middles and stores, each of
// which needs some of the next, with one scenario: something strikes a minute after the
// beginning, and what comes of it is seen for nine.
//
// It stands away from thresholds. Where it is to recover, every service has at least 1.6
// times what all attempts without a budget would come to at once, and retries without one
// are of one layer only. Where it is not, five attempts meet a store that can do 1.3 times
// its load, behind threads that hold as many as want to wait.
type generated struct {
	seed       uint64
	chance     *rand.Rand
	services   []genService
	mechanisms []string
	strike     string // what the scenario does
	fragile    bool   // made for a storm that outlives its cause
	victim     int
	rest       strings.Builder // of the catalog: leases and checks
}

type genService struct {
	id       string
	layer    int
	load     float64 // shares; of a caller
	headroom float64 // times what it is offered
	servers  float64 // of a store, at work on what it can do
	time     float64 // seconds, of own work; of a store that of its servers
	threads  float64 // times those held when all is well
	bound    float64 // seconds of work; 0 without
	replicas int
	needs    []genNeed
}

type genNeed struct {
	to       int
	patience float64 // times the answer of the target
	calls    float64
	attempts int
	free     bool // no budget
	clients  int
	keys     []string
	async    bool
	back     bool
}

const (
	callers = iota
	fronts
	middles
	stores
	layers
)

func generate(seed uint64) *generated {
	g := &generated{seed: seed, chance: rand.New(rand.NewPCG(seed, 1))}
	g.strike = deck("strike", seed, "down", "down", "down", "blackhole", "blackhole", "blackhole",
		"slow ×8", "slow ×8", "slow ×8", "capacity 20%", "capacity 20%", "capacity 20%", "surge", "surge",
		"slow ×8 storm", "slow ×8 storm", "capacity 0% storm", "capacity 0% storm", "surge storm", "surge storm")
	g.strike, g.fragile = strings.CutSuffix(g.strike, " storm")
	g.lay(5 + g.chance.IntN(26))
	g.connect()
	g.protect()
	g.keep()
	slices.Sort(g.mechanisms)
	g.mechanisms = slices.Compact(g.mechanisms)
	return g
}

// between draws a number.
func (g *generated) between(low, high float64) float64 { return low + (high-low)*g.chance.Float64() }

// with notes a mechanism.
func (g *generated) with(mechanism string) { g.mechanisms = append(g.mechanisms, mechanism) }

// lay puts n services into layers.
func (g *generated) lay(n int) {
	outside := 2
	if n >= 12 {
		outside = 3
	}
	inside := n - outside
	count := [layers]int{outside, max(1, inside*3/10), max(1, inside*3/10), 0}
	count[stores] = n - count[callers] - count[fronts] - count[middles]
	names := [layers]string{"caller", "front", "middle", "store"}
	for layer, k := range count {
		for i := range k {
			s := genService{id: fmt.Sprintf("%s-%d", names[layer], i+1), layer: layer, threads: 4, headroom: 1.6}
			switch layer {
			case callers:
				s.load = g.between(0.5, 1.5)
			case stores:
				s.servers = math.Round(g.between(20, 60))
			default:
				s.time = g.between(0.005, 0.02)
			}
			g.services = append(g.services, s)
		}
	}
}

// in is the services of a layer.
func (g *generated) in(layer int) (all []int) {
	for i := range g.services {
		if g.services[i].layer == layer {
			all = append(all, i)
		}
	}
	return all
}

// pick draws some, each once.
func (g *generated) pick(from []int, n int) []int {
	from = slices.Clone(from)
	g.chance.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
	return from[:min(n, len(from))]
}

func (g *generated) connect() {
	// Deadlines of callers are their own.
	patience := []float64{8, 12, 18}
	for layer := callers; layer < stores; layer++ {
		reached := make([]bool, len(g.services))
		for k, i := range g.in(layer) {
			for _, to := range g.pick(g.in(layer+1), 1+g.chance.IntN(2)) {
				n := genNeed{to: to, patience: g.between(8, 14), calls: 1, attempts: 1}
				if layer == callers {
					n.patience = patience[k]
				}
				g.services[i].needs = append(g.services[i].needs, n)
				reached[to] = true
			}
		}
		for _, to := range g.in(layer + 1) {
			if !reached[to] {
				from := g.pick(g.in(layer), 1)[0]
				g.services[from].needs = append(g.services[from].needs, genNeed{to: to, patience: 12, calls: 1, attempts: 1})
			}
		}
	}
	if dealt("async", g.seed) {
		g.with("async")
		from, to := g.pick(g.in(fronts), 1)[0], g.pick(g.in(stores), 1)[0]
		g.services[from].needs = append(g.services[from].needs, genNeed{to: to, calls: 1, attempts: 1, async: true})
	}
	if dealt("cycle", g.seed) {
		g.with("cycle")
		for _, i := range g.pick(g.in(middles), 2) {
			g.services[i].needs = append(g.services[i].needs, genNeed{to: g.pick(g.in(fronts), 1)[0], patience: 12, calls: 0.05, attempts: 1, back: true})
		}
	}
	g.victim = g.pick(g.in(stores), 1)[0]
	// Of a middle, little capacity is enough: its threads are for when others are slow.
	if !g.fragile && (g.strike == "down" || g.strike == "blackhole") && g.chance.IntN(2) == 0 {
		g.victim = g.pick(g.in(middles), 1)[0]
	}
}

// protect gives needs what their callers do about failure, and services what they do
// about too much.
func (g *generated) protect() {
	layer := g.chance.IntN(stores) // of the retries without a budget
	free, budgets, breakers := dealt("retries", g.seed), dealt("budgets", g.seed), dealt("breakers", g.seed)
	for i := range g.services {
		s := &g.services[i]
		for j := range s.needs {
			n := &s.needs[j]
			if n.async || n.back {
				continue
			}
			onPath := g.fragile && n.to == g.victim
			chance := g.chance.IntN(6)
			n.clients = []int{1, 4, 10}[g.chance.IntN(3)] // each with a budget and a breaker of its own
			switch {
			case onPath:
				g.with("retries")
				n.attempts, n.free = 5, true
				n.keys = append(n.keys, `retry = { attempts = 5, backoff = "full-jitter", base = "100ms" }`)
				continue
			case free && s.layer == layer:
				g.with("retries")
				n.attempts, n.free = 2+chance%2, true
				n.keys = append(n.keys, fmt.Sprintf("retry = { attempts = %d, %s }", n.attempts,
					[]string{`backoff = "none"`, `backoff = "fixed", base = "200ms"`, `backoff = "full-jitter", base = "100ms"`}[chance/2]))
			case budgets && s.layer != layer:
				g.with("budgets")
				n.attempts = 3
				n.keys = append(n.keys, `retry = { attempts = 3, backoff = "full-jitter", base = "100ms", budget = `+
					[]string{`"20%"`, `{ ratio = "10%", min_rate = "1/s", cap = 20 }`, `{ max_tokens = 100, token_ratio = 0.1 }`, `{ quota = 500, cost = 5, timeout_cost = 10 }`, `{ active = "20%", min_active = 3 }`, `{ max_active = 3 }`}[chance]+" }")
			}
			if breakers && chance%2 == 0 && (!g.fragile || s.layer == middles) { // one on the way would end the storm
				g.with("breakers")
				n.keys = append(n.keys, []string{
					`breaker = { errors = "50%", window = "10s", calls = 20, open_for = "5s", probes = 3 }`,
					`breaker = { errors = "50%", ring = 100, calls = 100, open_for = "10s", probes = 5 }`,
					`breaker = { in_a_row = 20, open_for = "5s", probes = 1 }`,
				}[chance/2])
			}
			if s.layer == fronts && j > 0 && chance == 1 {
				n.keys = append(n.keys, `if_lost = "degrade"`)
			}
		}
	}
	for i := range g.services {
		s := &g.services[i]
		bound := g.between(1, 3)
		if dealt("bounds", g.seed) && s.layer != callers && (!g.fragile || s.layer != stores) && (i == g.victim || g.chance.IntN(2) == 0) {
			g.with("bounds")
			s.bound = bound
		}
		if g.fragile {
			s.threads = 400
			if i == g.victim {
				s.headroom = 1.3
			}
			continue
		}
		s.threads = g.between(4, 10)
	}
	// What all attempts come to at once; a budget lets a fifth more through.
	more := make([]float64, len(g.services))
	for i := range g.services {
		more[i] = max(1, more[i])
		for _, n := range g.services[i].needs {
			if !n.back && !n.async {
				times := 1.0
				switch {
				case n.free:
					times = float64(n.attempts)
				case n.attempts > 1:
					times = 1.2
				}
				more[n.to] = max(more[n.to], more[i]*times)
			}
		}
		if !g.fragile || i != g.victim {
			g.services[i].headroom *= more[i]
		}
	}
}

// keep gives some needs caches, some service leases, and some service a health check.
func (g *generated) keep() {
	at, keys, ttl := g.pick(g.in(middles), 2), 200+g.chance.IntN(800), 10+g.chance.IntN(50)
	if dealt("caches", g.seed) && !g.fragile {
		g.with("caches")
		for _, i := range at {
			n := &g.services[i].needs[0]
			n.keys = append(n.keys, fmt.Sprintf(`cache = { keys = %d, ttl = "%ds"%s }`, keys, ttl, []string{"", `, stale_on_error = "60s"`, `, coalesce = true`}[g.seed%3]))
		}
	}
	keeper, holder, count := g.pick(g.in(stores), 1)[0], g.pick(g.in(fronts), 1)[0], 500+g.chance.IntN(1000)
	if dealt("leases", g.seed) && keeper != g.victim {
		g.with("leases")
		fmt.Fprintf(&g.rest, "\n[lease.sessions]\nkeeper = %q\nholder = %q\ncount = %d\nttl = \"40s\"\nrenew = { every = \"15s\", cost = \"2ms\", timeout = \"5s\" }\nregrant = { cost = \"5ms\", deadline = \"10s\", pause = \"0s..20s\" }\n", g.services[keeper].id, g.services[holder].id, count)
	}
	tested := g.victim
	if g.services[tested].layer != stores || g.fragile {
		tested = g.pick(slices.DeleteFunc(g.in(stores), func(i int) bool { return g.fragile && i == g.victim }), 1)[0]
	}
	if dealt("checks", g.seed) {
		g.with("checks")
		g.services[tested].replicas = 5
		fmt.Fprintf(&g.rest, "\n[service.balancer]\nkind = \"gateway\"\n\n[health_check.stores]\nby = \"balancer\"\ntests = [%q]\npolicy = { interval = \"5s\", timeout = \"2s\", out = 2, in = 2, depth = \"shallow\" }\non_fail = { remove = \"instance\", fail_open = \"50%%\" }\n", g.services[tested].id)
	}
}

// text is the catalog; without a plan, that of what is offered when all is well.
func (g *generated) text(p *plan.Plan) string {
	var b strings.Builder
	seconds := func(x float64) string { return fmt.Sprintf(`"%dms"`, max(1, int64(math.Round(x*1000)))) }
	at := func(i int) *plan.Service {
		return &p.Services[slices.IndexFunc(p.Services, func(s plan.Service) bool { return s.ID == g.services[i].id })]
	}
	scale := 1.0
	if p != nil {
		scale = g.scale(p)
	}
	for i := range g.services {
		s := &g.services[i]
		fmt.Fprintf(&b, "\n[service.%s]\n", s.id)
		switch {
		case s.layer == callers:
			fmt.Fprintf(&b, "kind = \"external\"\nload = \"%s/s\"\n", strconv.FormatFloat(math.Round(100*s.load*scale), 'f', -1, 64))
		case p == nil:
			b.WriteString("service_time = \"10ms\"\n")
		case s.layer == stores:
			rate := at(i).Nominal * scale * s.headroom
			fmt.Fprintf(&b, "concurrency = %.0f\nservice_time = %s\n", s.servers, seconds(s.servers/rate))
		default:
			rate, latency := at(i).Nominal*scale, g.latency(p, i, scale, 0)
			fmt.Fprintf(&b, "concurrency = %.0f\nservice_time = %s\n", math.Ceil(s.threads*s.headroom*rate*latency), seconds(s.time))
		}
		if p != nil && s.replicas > 0 {
			fmt.Fprintf(&b, "replicas = %d\n", s.replicas)
		}
		if p != nil && s.bound > 0 {
			fmt.Fprintf(&b, "queue = { bound = %.0f }\n", math.Ceil(s.bound*s.headroom*at(i).Nominal*scale))
		}
		for _, n := range s.needs {
			fmt.Fprintf(&b, "\n[[service.%s.need]]\non = %q\n", s.id, g.services[n.to].id)
			if n.async {
				b.WriteString("mode = \"async\"\n")
				continue
			}
			if n.calls != 1 {
				fmt.Fprintf(&b, "calls = %g\nif_lost = \"degrade\"\n", n.calls)
			}
			if p != nil {
				fmt.Fprintf(&b, "timeout = %s\n", seconds(max(0.25, n.patience*g.latency(p, n.to, scale, 0))))
				if n.clients > 1 {
					fmt.Fprintf(&b, "clients = %d\n", n.clients)
				}
				for _, key := range n.keys {
					b.WriteString(key + "\n")
				}
			}
		}
	}
	if p != nil {
		b.WriteString(g.rest.String())
	}
	return b.String()
}

// scale is by how much loads are multiplied, so that a request more or less of any
// service does not matter and ten minutes do not take minutes: 200/s a service.
func (g *generated) scale(p *plan.Plan) float64 {
	sum := 0.0
	for i := range p.Services {
		sum += p.Services[i].Nominal
	}
	return 200 * float64(len(g.services)) / sum
}

// latency is the answer of a service when nobody waits, in seconds.
func (g *generated) latency(p *plan.Plan, i int, scale float64, deep int) float64 {
	s := &g.services[i]
	if s.layer == stores {
		j := slices.IndexFunc(p.Services, func(x plan.Service) bool { return x.ID == s.id })
		return s.servers / (p.Services[j].Nominal * scale * s.headroom)
	}
	sum := s.time
	for _, n := range s.needs {
		if !n.async && !n.back && deep < layers {
			sum += n.calls * g.latency(p, n.to, scale, deep+1)
		}
	}
	return sum
}

// files are the catalog and the scenario.
func (g *generated) files(t testing.TB) (catalogText, scenarioText string) {
	t.Helper()
	p, err := plan.New(load(t, g.text(nil)), &scenario.Scenario{Horizon: 600e9})
	if err != nil {
		t.Fatal(err)
	}
	length := 20 + g.seed%3*10
	if g.strike == "surge" {
		scenarioText = "horizon = \"600s\"\n"
		least := math.Inf(1) // of what stores can do
		for _, i := range g.in(stores) {
			least = min(least, g.services[i].headroom)
		}
		for _, i := range g.in(callers) {
			scenarioText += fmt.Sprintf("\n[[load]]\nservice = %q\nat = \"60s\"\nfor = \"%ds\"\ntimes = %.3g\n", g.services[i].id, length, 2.5*least)
		}
	} else {
		scenarioText = fmt.Sprintf("horizon = \"600s\"\n\n[[fault]]\nservice = %q\neffect = %q\nat = \"60s\"\nfor = \"%ds\"\n", g.services[g.victim].id, g.strike, length)
	}
	return g.text(p), scenarioText
}
