package graph

import (
	"cmp"
	"container/heap"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/knockon/knockon/catalog/unit"
)

// Root is a service that fails by itself.
type Root struct {
	Node Node
	As   State // how: IsDown unless one wants to know about something else
}

// Options of a blast radius.
type Options struct {
	// For is how long the roots stay failed. What would begin later than that is
	// contained by the cache, lease or queue that outlives the failure. Zero means
	// as long as it lasts.
	For unit.Duration
}

// Blast is the blast radius of some roots: the least fixed point of the algebra
// over the graph, in order of time.
//
// Times are the earliest at which an impairment can begin: capacities, load and
// recovery do not enter. Every service is impaired at the earliest time any chain
// of needs allows, and the chain with the fewest hops explains it; among equals
// the one that is found first from the roots in order of the graph.
type Blast struct {
	graph  *Graph
	roots  []Root
	option Options

	state    []State
	log      []event // in order of (time, hops): first impairments of each kind
	waves    []wave
	joints   map[int32]joint // by need
	outlived map[int32]bool  // by need that delays: whether Options.For ends before its later effect

	index    sync.Once
	eventsOf []int32 // of the log, by node
	firstOf  []int32 // events of node v are eventsOf[firstOf[v]:firstOf[v+1]]
}

// event is the beginning of one impairment of one service. A blast is a log of
// them; whatever is asked afterwards is read from the log, so that the search
// itself writes nothing but states and the end of the log.
type event struct {
	node  Node
	arc   int32  // index into Graph.users of the arc that passed it on; -1 for a root
	cause int32  // the event of the target; -1 for a root
	wave  uint32 // index into waves, shifted left by 4; flags and bit below
}

// The low bits of event.wave: the number of the impairment, and whether the
// service was lost (down or corrupt) before.
const (
	bitMask   = 7
	wasLost   = 8
	waveShift = 4
)

func (e event) bit() int { return int(e.wave & bitMask) }

// wave is what all events of one level of the search share.
type wave struct {
	at   unit.Duration
	hops int32
}

// pending is an event that begins later than its cause.
type pending struct {
	wave  wave
	event event
}

type pendingHeap []pending

func (h pendingHeap) Len() int { return len(h) }
func (h pendingHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(
		cmp.Compare(a.wave.at, b.wave.at),
		cmp.Compare(a.wave.hops, b.wave.hops),
		cmp.Compare(a.event.node, b.event.node),
		cmp.Compare(a.event.bit(), b.event.bit()),
		cmp.Compare(a.event.cause, b.event.cause),
		cmp.Compare(a.event.arc, b.event.arc),
	) < 0
}
func (h pendingHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *pendingHeap) Push(x any)   { *h = append(*h, x.(pending)) }
func (h *pendingHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// search is the state of one run of Blast.
type search struct {
	*Blast
	later   pendingHeap
	current uint32 // wave being appended to, shifted
}

// Blast computes the blast radius of some roots.
//
// It is Dijkstra's search over pairs of service and impairment, ordered by time,
// then hops, in Knuth's generalisation ("A generalization of Dijkstra's
// algorithm", IPL 6(1), 1977): the time at which a group of k out of n is lost is
// a superior function of the times of its members. Most needs pass failure on at
// once, so the search runs as a breadth-first search within each instant, and a
// heap holds only what caches, leases and queues put off. Work is linear in the
// needs of the services it reaches.
func (g *Graph) Blast(roots []Root, option Options) *Blast {
	roots = slices.Clone(roots)
	slices.SortFunc(roots, func(a, b Root) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(b.As, a.As)) })
	s := newSearch(g, option)
	s.roots = slices.Compact(roots)
	s.run()
	return s.Blast
}

func newSearch(g *Graph, option Options) *search {
	return &search{Blast: &Blast{graph: g, option: option, state: make([]State, g.Len())}}
}

// reset forgets the last run, for the next one on the same graph.
func (s *search) reset() {
	for _, e := range s.log {
		s.state[e.node] = 0
	}
	s.log, s.waves, s.later, s.current = s.log[:0], s.waves[:0], s.later[:0], 0
	clear(s.joints)
	clear(s.outlived)
}

// run takes the log from the roots to its fixed point, wave by wave.
func (s *search) run() {
	s.waves = append(s.waves, wave{})
	for _, r := range s.roots {
		s.begin(r.Node, r.As, -1, -1)
	}
	done := 0
	for {
		w := s.waves[len(s.waves)-1]
		for len(s.later) > 0 && s.later[0].wave == w {
			p := heap.Pop(&s.later).(pending)
			s.begin(p.event.node, 1<<p.event.bit(), p.event.arc, p.event.cause)
		}
		if done == len(s.log) {
			if len(s.later) == 0 {
				return
			}
			s.open(s.later[0].wave)
			continue
		}
		end := len(s.log)
		s.open(wave{w.at, w.hops + 1})
		for ; done < end; done++ {
			s.spread(int32(done))
		}
	}
}

// open starts a wave. An empty one is replaced, so that waves only count events.
func (s *search) open(w wave) {
	last := len(s.waves) - 1
	if len(s.log) == 0 || int(s.log[len(s.log)-1].wave>>waveShift) != last {
		s.waves[last] = w
	} else {
		s.waves = append(s.waves, w)
		last++
	}
	s.current = uint32(last) << waveShift
}

// begin records the impairments of a node that are new.
func (s *search) begin(v Node, impaired State, arc, cause int32) {
	if impaired&IsDown != 0 && s.graph.corrupts != nil && s.graph.corrupts[v] {
		impaired = impaired&^IsDown | IsCorrupt
	}
	if cap(s.log)-len(s.log) < impairments {
		s.grow()
	}
	was := s.state[v]
	for fresh := impaired &^ was; fresh != 0; fresh &= fresh - 1 {
		packed := s.current | uint32(bits.TrailingZeros8(uint8(fresh)))
		if was&isLost != 0 {
			packed |= wasLost
		}
		was |= fresh & -fresh
		s.log = append(s.log, event{v, arc, cause, packed})
	}
	s.state[v] = was
}

// grow makes room in the log. Copying it as it doubles would cost more than the
// search: it grows faster than append would, up to one event for each service,
// which most blast radii do not exceed.
func (s *search) grow() {
	s.log = slices.Grow(s.log, max(64, min(7*cap(s.log), s.graph.Len()-cap(s.log)), cap(s.log)/2))
}

// effect is a cell of the algebra: what comes at once, and what comes later.
type effect struct{ now, later State }

// effects are the rows by impairment and then by rule, so that one look tells what an
// arc makes of an event. Needs on several services have no row: that they are to be
// looked at shows as something later.
var effects = func() (by [impairments][1 << ruleBits]effect) {
	for bit := range impairments {
		for r := range rows {
			by[bit][r] = effect{rows[r].now[bit], rows[r].later[bit]}
		}
		by[bit][ruleJoint].later = ^State(0)
	}
	return by
}()

// spread passes one event on to the users of its service.
func (s *search) spread(i int32) {
	g, e := s.graph, s.log[i]
	effects, state := &effects[e.bit()], s.state
	first := g.usersOf[e.node]
	for j, a := range g.users[first:g.usersOf[e.node+1]] {
		x := effects[a.rule()]
		if x.now&^state[a.user()]|x.later == 0 {
			continue
		}
		arc := first + int32(j)
		if a.rule() == ruleJoint {
			s.spreadJoint(i, arc)
			continue
		}
		s.begin(a.user(), x.now, arc, i)
		if x.later != 0 {
			s.putOff(x.later, arc, i)
		}
	}
}

// spreadJoint passes an event on through a need that looks at several services.
func (s *search) spreadJoint(i, arc int32) {
	e := s.log[i]
	impaired := State(1) << e.bit()
	need := &s.graph.needs[s.graph.via[arc]]
	was := s.joints[s.graph.via[arc]]
	is := was
	switch {
	case e.node == need.fallback:
		is.fallback |= impaired
	case need.atLeast == 0:
		is.target |= impaired
	case impaired&isLost != 0 && e.wave&wasLost == 0:
		if is.lost++; is.lost > need.spare() {
			is.target = IsDown
		}
	default:
		return
	}
	if s.joints == nil {
		s.joints = make(map[int32]joint)
	}
	s.joints[s.graph.via[arc]] = is
	nowBefore, laterBefore := was.of(need)
	now, later := is.of(need)
	s.begin(need.From, now&^nowBefore, arc, i)
	if later &^= laterBefore; later != 0 {
		s.putOff(later, arc, i)
	}
}

// putOff notes what begins when a cache, lease or queue has run out; or, if the
// failure ends before that, that it was outlived.
func (s *search) putOff(impaired State, arc, cause int32) {
	need := s.graph.via[arc]
	v := s.graph.needs[need].From
	from := s.waves[s.log[cause].wave>>waveShift]
	w := wave{from.at + s.graph.needs[need].delay, from.hops + 1}
	if w.at < from.at {
		w.at = math.MaxInt64
	}
	if s.option.For > 0 {
		// Causes come in order of time, so the first of a need decides for it.
		if _, decided := s.outlived[need]; !decided {
			if s.outlived == nil {
				s.outlived = make(map[int32]bool)
			}
			s.outlived[need] = w.at >= s.option.For
		}
		if w.at >= s.option.For {
			return
		}
	}
	if w.at == from.at {
		s.begin(v, impaired, arc, cause)
		return
	}
	for fresh := impaired &^ s.state[v]; fresh != 0; fresh &= fresh - 1 {
		bit := uint32(bits.TrailingZeros8(uint8(fresh)))
		heap.Push(&s.later, pending{wave: w, event: event{v, arc, cause, bit}})
	}
}
