package graph

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// moment is when an impairment begins, and over how many hops.
type moment struct {
	at   unit.Duration
	hops int32
}

var never = moment{math.MaxInt64, math.MaxInt32}

func (m moment) before(n moment) bool { return m.at < n.at || m.at == n.at && m.hops < n.hops }

func earliest(ms ...moment) moment {
	return slices.MinFunc(ms, compareMoments)
}

func compareMoments(m, n moment) int {
	switch {
	case m.before(n):
		return -1
	case n.before(m):
		return 1
	}
	return 0
}

// moments are when each impairment of one service begins, by bit.
type moments [impairments]moment

func unimpaired() moments { return moments{never, never, never, never, never, never} }

func (m *moments) lost() moment { return earliest(m[down], m[corrupt]) }

// reference is the blast radius by definition: passes over all needs until nothing
// changes (Bellman and Ford), from the words of the language and not from the table
// of rules. It is quadratic and worse, and exists to be compared with.
func reference(c *catalog.Catalog, roots map[string][]State, lasts unit.Duration) map[string]moments {
	state := make(map[string]moments, len(c.Services))
	fails := make(map[string]bool)
	for _, s := range c.Services {
		state[s.ID] = unimpaired()
		fails[s.ID] = s.FailsAs == catalog.FailsCorrupt
	}
	changed := true
	begin := func(id string, bit int, m moment) {
		if bit == down && fails[id] {
			bit = corrupt
		}
		if s := state[id]; m.before(s[bit]) {
			s[bit] = m
			state[id] = s
			changed = true
		}
	}
	for id, states := range roots {
		for _, s := range states {
			for bit := range impairments {
				if s&(1<<bit) != 0 {
					begin(id, bit, moment{})
				}
			}
		}
	}
	for changed {
		changed = false
		for _, s := range c.Services {
			for _, n := range s.Needs {
				feel(&n, state, func(bit int, m moment, delay unit.Duration) {
					if m == never || lasts > 0 && delay > 0 && m.at+delay >= lasts {
						return
					}
					begin(s.ID, bit, moment{m.at + delay, m.hops + 1})
				})
			}
		}
		for _, l := range c.Leases {
			for _, id := range []string{l.Keeper, l.Store} {
				if id == "" {
					continue
				}
				m := state[id]
				ttl := l.Policy.TTL.V.Low
				if lost := m.lost(); lost != never && (lasts == 0 || ttl == 0 || lost.at+ttl < lasts) {
					begin(l.Holder, down, moment{lost.at + ttl, lost.hops + 1})
				}
				if mild := earliest(m[degraded], m[delayed]); mild != never {
					begin(l.Holder, degraded, moment{mild.at, mild.hops + 1})
				}
			}
		}
	}
	return state
}

// feel tells begin what a need makes of the state of its targets.
func feel(n *catalog.Need, state map[string]moments, begin func(bit int, m moment, delay unit.Duration)) {
	target := state[n.Targets[0]]
	if n.AtLeast > 0 {
		var members []moment
		for _, id := range n.Targets {
			m := state[id]
			members = append(members, m.lost())
		}
		slices.SortFunc(members, compareMoments)
		target = unimpaired()
		target[down] = members[len(members)-n.AtLeast]
	}
	hard := *n
	if n.IfLost == catalog.Fallback && n.Fallback != "" {
		// What a hard need for the fallback would be, from when the target is lost.
		lost := target.lost()
		if n.Believes && n.To == catalog.ToServe && !n.Fresh && n.Mode == catalog.Sync {
			begin(corrupt, target[corrupt], 0)
			lost = target[down]
		}
		fallback := state[n.Fallback]
		for bit := range fallback {
			if fallback[bit].before(lost) {
				fallback[bit] = lost
			}
		}
		target = fallback
		hard.IfLost = catalog.Fail
	}
	feelOne(&hard, target, begin)
}

func feelOne(n *catalog.Need, target moments, begin func(bit int, m moment, delay unit.Duration)) {
	lost := target.lost()
	keeps, ttl := n.TTL.IsStated(), n.TTL.V.Low
	serves := n.To == catalog.ToServe && !n.Fresh && n.Mode == catalog.Sync
	if serves && n.Believes {
		begin(corrupt, target[corrupt], 0)
		lost = target[down]
	}
	switch {
	case n.IfLost == catalog.Fallback, n.To == catalog.ToRepair:
	case n.To != catalog.ToServe:
		changes := earliest(lost, target[frozen])
		switch {
		case n.IfLost == catalog.Stale && keeps:
			begin(stale, changes, 0)
			begin(frozen, changes, ttl)
		case n.IfLost == catalog.Stale:
			begin(stale, lost, 0)
		default:
			begin(frozen, changes, 0)
		}
	case n.Fresh:
		begin(degraded, earliest(lost, target[delayed], target[stale]), n.Within.V)
	case n.Mode == catalog.Async:
		late := earliest(lost, target[delayed])
		switch {
		case n.IfLost == catalog.Stale && keeps:
			begin(stale, late, 0)
			begin(delayed, late, ttl)
		case n.IfLost == catalog.Stale:
			begin(stale, lost, 0)
		default:
			begin(delayed, late, n.Within.V)
		}
	case n.IfLost == catalog.Fail:
		begin(down, lost, 0)
		begin(degraded, earliest(target[degraded], target[delayed]), 0)
	case n.IfLost == catalog.Degrade:
		begin(degraded, lost, 0)
	case n.IfLost == catalog.Stale:
		begin(stale, lost, 0)
		if keeps {
			begin(down, lost, ttl)
		}
	}
}

// anyCatalog draws small catalogs of every kind of need, cycles included: small
// enough to shrink, large enough to tangle.
func anyCatalog(t *rapid.T) *catalog.Catalog {
	n := rapid.IntRange(2, 9).Draw(t, "services")
	c := &catalog.Catalog{}
	for i := range n {
		s := service(string(rune('a' + i)))
		s.Weight = rapid.SampledFrom([]float64{1, 1, 1, 0, 2.5, 0.1, 1000}).Draw(t, "weight")
		if rapid.IntRange(0, 5).Draw(t, "corrupt") == 0 {
			s.FailsAs = catalog.FailsCorrupt
		}
		c.Services = append(c.Services, s)
	}
	for range rapid.IntRange(1, 3*n).Draw(t, "needs") {
		from := rapid.IntRange(0, n-1).Draw(t, "from")
		if need, ok := anyNeed(t, c, from); ok {
			c.Services[from].Needs = append(c.Services[from].Needs, need)
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "leases") {
		roles := rapid.Permutation(c.IDs()).Draw(t, "roles")
		l := catalog.Lease{ID: fmt.Sprint("l", i), Holder: roles[0], Keeper: roles[1], Store: roles[len(roles)-1]}
		if l.Store == l.Holder || rapid.Bool().Draw(t, "no store") {
			l.Store = ""
		}
		if d := anyTime(t, "lease"); d > 0 {
			l.Policy = policy.Lease{TTL: lasting(d)}
		}
		c.Leases = append(c.Leases, l)
	}
	for i := range c.Services {
		slices.SortStableFunc(c.Services[i].Needs, compareNeeds)
	}
	if err := c.CheckValid(); err != nil {
		t.Fatal(err)
	}
	return c
}

func anyTime(t *rapid.T, label string) unit.Duration {
	return rapid.SampledFrom([]unit.Duration{0, 1, 1, 2, 3, 5}).Draw(t, label) * minute
}

// anyNeed draws a need of one service; ok is false if there is nothing to need.
func anyNeed(t *rapid.T, c *catalog.Catalog, from int) (n catalog.Need, ok bool) {
	others := slices.Delete(c.IDs(), from, from+1)
	others = rapid.Permutation(others).Draw(t, "others")
	n = on(others[0])
	n.To = rapid.SampledFrom([]catalog.Purpose{0, 0, 0, 0, catalog.ToStart, catalog.ToScale, catalog.ToChange, catalog.ToRepair}).Draw(t, "to")
	n.Mode = rapid.SampledFrom([]catalog.Mode{catalog.Sync, catalog.Sync, catalog.Async}).Draw(t, "mode")
	n.IfLost = rapid.SampledFrom([]catalog.Loss{0, 0, 0, catalog.Degrade, catalog.Fallback, catalog.Stale}).Draw(t, "if_lost")
	n.Believes = rapid.IntRange(0, 3).Draw(t, "believes") == 0
	rest := others[1:]
	switch rapid.SampledFrom([]string{"one", "one", "group", "fresh"}).Draw(t, "form") {
	case "group":
		k := rapid.IntRange(1, len(others)).Draw(t, "members")
		n.Targets, rest = slices.Clone(others[:k]), others[k:]
		n.AtLeast = rapid.IntRange(1, k).Draw(t, "at least")
		slices.Sort(n.Targets)
	case "fresh":
		n.Fresh = true
	}
	if n.IfLost == catalog.Fallback && len(rest) > 0 && rapid.Bool().Draw(t, "named") {
		n.Fallback = rest[0]
	}
	if d := anyTime(t, "ttl"); n.IfLost == catalog.Stale && d > 0 {
		n.TTL = lasting(d)
	}
	if d := anyTime(t, "within"); (n.Fresh || n.Mode == catalog.Async) && d > 0 {
		n.Within = stated(d)
	}
	return n, true
}

func anyRoots(t *rapid.T, g *Graph) []Root {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Root {
		return Root{
			Node: Node(rapid.IntRange(0, g.Len()-1).Draw(t, "root")),
			As:   rapid.SampledFrom([]State{IsDown, IsDown, IsDown, IsCorrupt, IsDegraded, IsDelayed, IsFrozen, IsStale, 0}).Draw(t, "as"),
		}
	}), 1, 3).Draw(t, "roots")
}

func anyOption(t *rapid.T) Options { return Options{For: anyTime(t, "for")} }

// momentsOf reads from a blast when each impairment of each service begins.
func momentsOf(b *Blast) map[string]moments {
	found := make(map[string]moments, b.graph.Len())
	for v := range b.graph.Len() {
		m := unimpaired()
		for _, i := range b.events(Node(v)) {
			m[b.log[i].bit()] = moment(b.waves[b.log[i].wave>>waveShift])
		}
		found[b.graph.ID(Node(v))] = m
	}
	return found
}

func rootsByID(g *Graph, roots []Root) map[string][]State {
	by := make(map[string][]State)
	for _, r := range roots {
		by[g.ID(r.Node)] = append(by[g.ID(r.Node)], r.As)
	}
	return by
}

func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCatalog(t)
		g := Build(c)
		roots, option := anyRoots(t, g), anyOption(t)
		b := g.Blast(roots, option)
		want := reference(c, rootsByID(g, roots), option.For)
		for id, got := range momentsOf(b) {
			if got != want[id] {
				t.Errorf("%s:\n got %v\nwant %v", id, got, want[id])
			}
			var s State
			for bit, m := range got {
				if m != never {
					s |= 1 << bit
				}
			}
			if v := g.must(id); s != b.State(v) {
				t.Errorf("%s: state %06b, events %06b", id, b.State(v), s)
			}
		}
	})
}
