package propagate

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// drawnLease is leases of one kind, held by one service of an estate and kept by another.
type drawnLease struct {
	keeper, holder int
	share          float64 // of what its keeper is offered when all is well: the renewals, in requests
	paced          bool
	keys           string // what else is said of it
	regrant        string
}

// Renewals come every so many seconds, and one is half the work of a request.
const leaseEvery = 10

func (l drawnLease) write(b *strings.Builder, i int, m *model, times float64) {
	count, work := 10.0, 0.001
	keeper, holder := fmt.Sprintf("s%02d", l.keeper), fmt.Sprintf("s%02d", l.holder)
	if m != nil {
		s := &m.servers[l.keeper]
		count, work = max(10, float64(int(2*l.share*s.Nominal*leaseEvery))), 0.5*s.Time
	}
	fmt.Fprintf(b, "\n[lease.x%d]\nkeeper = %q\nholder = %q\ncount = %.0f\n%s", i, keeper, holder, count*times, l.keys)
	fmt.Fprintf(b, "renew = { every = \"%ds\", cost = %s, timeout = \"5s\" }\n", leaseEvery, secondsOf(work))
	pace := ""
	if l.paced {
		pace = fmt.Sprintf(", pace = %q", decimals(0.1*count*times)+"/s")
	}
	fmt.Fprintf(b, "regrant = { cost = %s, %s%s }\n", secondsOf(2*work), l.regrant, pace)
}

// endow gives an estate state: caches, leases, health checks, instances that come, go
// and come back, and demand that comes again.
func (e *estate) endow(t *rapid.T, m mood) {
	var inside []int // services that can be tested, and can keep and hold leases
	for i := range e.services {
		s := &e.services[i]
		for j := range s.needs {
			s.needs[j].drawCache(t, m)
		}
		if s.load > 0 && draw(t, "defers", false, false, true) {
			s.keys["deferred"] = draw(t, "deferred", `{ share = "50%", after = "2s..8s" }`, `{ share = "90%", until = "recovery", over = "5s" }`)
		}
		if !s.external {
			inside = append(inside, i)
			s.drawFleet(t, m)
		}
	}
	if len(inside) < 2 {
		return
	}
	for range rapid.IntRange(0, 2).Draw(t, "leases") {
		e.leases = append(e.leases, drawLeaseOf(t, m, inside))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "health checks") {
		e.checks += e.drawCheck(t, m, i, inside)
	}
}

func (n *drawnNeed) drawCache(t *rapid.T, m mood) {
	if n.keys["mode"] != "" || !draw(t, "cached", false, false, true) {
		return
	}
	size := ""
	if n.cached = draw(t, "keys", 100, 5000, 0); n.cached == 0 {
		size = `hit_ratio = "80%"`
	}
	size = join(size, draw(t, "time to live", `ttl = "8s"`, `ttl = "2s..20s"`, `ttl = "60s"`))
	for _, key := range []string{
		draw(t, "remembers errors", "", `negative_ttl = "3s"`), draw(t, "uses old answers", "", `stale_on_error = "20s"`),
		draw(t, "pins", "", `pinned = "10%"`),
	} {
		size = join(size, key)
	}
	if m == wild {
		size = join(size, draw(t, "begins cold", "", "cold = true"))
	}
	// Where calls for one key do not wait for each other, the target needs more than is
	// known of it beforehand: plan does not count who asks while a fetch is under way.
	if m == calm || draw(t, "coalesces", false, true) {
		size = join(size, "coalesce = true")
	}
	n.keys["cache"] = size
}

// drawFleet draws replicas, and how they come and go.
func (s *drawnService) drawFleet(t *rapid.T, m mood) {
	switch draw(t, "fleet", 0, 0, 0, 1, 2, 3) {
	case 0:
		return
	case 1: // there is work for more only where there is too little
		s.keys["autoscale"] = `{ target = "90%", every = "5s", delay = "8s", min = 6, max = 24 }`
		if m == wild {
			s.keys["autoscale"] = `{ target = "60%", every = "5s", delay = "8s", min = 3, max = 24, down_after = "5s" }`
		}
	case 2:
		s.keys["turnover"] = draw(t, "turnover", `{ lifetime = "10m", start = "5s" }`, `{ lifetime = "10m", start = "5s", terminate_first = true }`)
	case 3:
		s.keys["recovery"] = draw(t, "recovery", `{ rate = "60/min", start = "2s" }`, `{ by = "hand", after = "3s" }`)
	}
	s.keys["replicas"] = `{ count = 6, zones = ["a", "b", "c"] }`
}

func drawLeaseOf(t *rapid.T, m mood, inside []int) drawnLease {
	pair := rapid.Permutation(inside).Draw(t, "keeper and holder")
	l := drawnLease{keeper: pair[0], holder: pair[1], share: draw(t, "renewals", 0.05, 0.1), paced: draw(t, "paced", false, true)}
	l.keys = draw(t, "ttl", "ttl = \"30s\"\n", "ttl = \"20s..60s\"\n") + draw(t, "lost", "", "lost = \"requests\"\n", "lost = \"nothing\"\n")
	l.regrant = draw(t, "asks again", `deadline = "5s", pause = "0s..5s"`, `deadline = "5s"`, `deadline = "2s", on_timeout = "drop"`)
	if m == wild {
		l.share = draw(t, "renewals", 0.1, 0.5)
		l.keys += draw(t, "begins without", "", "", "cold = true\n")
	}
	return l
}

func (e *estate) drawCheck(t *rapid.T, m mood, i int, inside []int) string {
	pair := rapid.Permutation(inside).Draw(t, "tested and tests")
	tested, by := e.services[pair[0]].id, e.services[pair[1]].id
	for k := range e.services {
		if s := &e.services[k]; s.id == tested && s.keys["replicas"] == "" {
			s.keys["replicas"] = draw(t, "replicas", "4", `{ count = 6, zones = ["a", "b", "c"] }`)
		}
	}
	timeout := "10s" // nobody waits as long while all is well
	if m == wild {
		timeout = draw(t, "test is given up", "2s", "500ms")
	}
	return fmt.Sprintf("\n[health_check.check-%d]\nby = %q\ntests = [%q]\npolicy = { interval = \"5s\", timeout = %q, out = 2, in = 2, depth = %q, if_blind = %q }\non_fail = { remove = %q, via = %q, max_removed = %q, fail_open = %q }\n",
		i, by, tested, timeout, draw(t, "depth", "shallow", "deep"), draw(t, "if blind", "keep", "fail"),
		draw(t, "remove", "instance", "zone"), draw(t, "via", "load-balancer", "dns", "restart"), draw(t, "max removed", "100%", "40%"), draw(t, "fail open", "50%", "100%"))
}

// drawTrouble draws what befalls the state of an estate: leases that lapse, and what
// operators do about it.
func (e *estate) drawTrouble(t *rapid.T, horizon float64) string {
	var b strings.Builder
	at := func(name string) string {
		return secondsOf(horizon * float64(rapid.IntRange(1, 8).Draw(t, name)) / 10)
	}
	for i := range e.leases {
		switch draw(t, "lapses", 0, 1, 2) {
		case 1:
			fmt.Fprintf(&b, "\n[[fault]]\nlease = \"x%d\"\neffect = \"lapse 60%%\"\nat = %s\n", i, at("lapse"))
		case 2:
			fmt.Fprintf(&b, "\n[[fault]]\nlease = \"x%d\"\neffect = \"lapse 100%%\"\nat = %s\nfor = \"3s\"\n", i, at("lapse"))
		}
		if draw(t, "paused", false, true) {
			fmt.Fprintf(&b, "\n[[action]]\nat = %s\ndo = [{ pause = \"x%d\" }, { purge = \"s%02d\" }]\n", at("pause"), i, e.leases[i].keeper)
			fmt.Fprintf(&b, "\n[[action]]\nat = %s\ndo = [{ resume = \"x%d\" }]\n", at("resume"), i)
		}
	}
	if e.checks != "" && draw(t, "switched off", false, true) {
		fmt.Fprintf(&b, "\n[[action]]\nat = %s\ndo = [{ disable = \"check-0\" }]\n\n[[action]]\nat = %s\ndo = [{ enable = \"check-0\" }]\n", at("disable"), at("enable"))
	}
	return b.String()
}
