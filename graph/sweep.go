package graph

import (
	"cmp"
	"math/bits"
	"slices"
)

// laneWords times 64 roots are swept at once.
const laneWords = 8

// lanes has one bit for each of the roots that are swept together.
type lanes [laneWords]uint64

// or adds the lanes of x and reports whether any was new.
func (l *lanes) or(x *lanes) bool {
	var gained uint64
	for i, w := range x {
		gained |= w &^ l[i]
		l[i] |= w
	}
	return gained != 0
}

// halfAdd adds a binary digit to another, in each lane. It leaves the sum in l and
// the carry in x, and returns zero if no lane carries.
func (l *lanes) halfAdd(x *lanes) (some uint64) {
	for i, w := range x {
		x[i] = l[i] & w
		l[i] ^= w
		some |= x[i]
	}
	return some
}

// felt is rows without time: what comes at once and what comes later, by rule and
// bit of the impairment.
var felt = func() (f [ruleCount][impairments]State) {
	for r := range rows {
		for bit := range impairments {
			f[r][bit] = rows[r].now[bit] | rows[r].later[bit]
		}
	}
	return f
}()

// schedule is the order in which sweeps visit services, what is needed before what
// needs it, as far as cycles allow; and the order in which they take roots.
type schedule struct {
	order []Node  // callee-first
	place []int32 // of each node in order
	last  []int32 // by place: the last place of its strongly connected component
	roots []Node  // one of each set of services that fall together, by place
	same  []Node  // by node: the root that falls with it
}

func (g *Graph) schedule() *schedule {
	n := g.Len()
	s := &schedule{place: make([]int32, n), last: make([]int32, n), same: make([]Node, n)}
	var ends []int32
	s.order, ends = g.adjacency(nil).components()
	first := int32(0)
	for _, end := range ends {
		for p := first; p < end; p++ {
			s.place[s.order[p]] = p
			s.last[p] = end - 1
		}
		first = end
	}
	// Services that cannot do without each other fall together: losing any of them
	// is losing all, so one root does for them.
	for _, together := range g.Components((*Need).passesLoss) {
		s.roots = append(s.roots, together[0])
		for _, v := range together {
			s.same[v] = together[0]
		}
	}
	// Neighbours in the order have much of their blast radius in common, so that rows
	// are few and full.
	slices.SortFunc(s.roots, func(v, w Node) int { return cmp.Compare(s.place[v], s.place[w]) })
	return s
}

// passesLoss reports whether losing the one target of a need, in whatever way, is
// sooner or later losing the service.
func (e *Need) passesLoss() bool {
	r := e.arcRule()
	return r != ruleJoint && felt[r][down]&IsDown != 0 && felt[r][corrupt]&IsDown != 0
}

// sweep computes what many roots do, each failing alone and for ever, at the price
// of a few: every impairment of every service is a row of bits, one for each root,
// and a need is passed once for all of them. Services are visited in the order of
// the schedule, so outside of cycles each is visited once, when its row is complete;
// a cycle is gone through until nothing in it changes. Services that no root reaches
// cost nothing.
//
// The idea of many searches in the bits of a word is that of Then et al., "The more
// the merrier: efficient multi-source graph traversal", PVLDB 8(4), 2014.
type sweep struct {
	*schedule
	graph   *Graph
	row     []int32              // by node: one more than its row, 0 if it has none
	nodes   []Node               // by row
	present []State              // by row: which planes are not empty
	planes  [impairments][]lanes // by row; longer than it, or empty
	changed []uint64             // by place: has lanes to pass on
	joint   []uint64             // by place: has a need on several services to look at again
	counts  [len(OutcomeWords)]counter
	weights [len(OutcomeWords)]counter
}

func newSweep(g *Graph, s *schedule) *sweep {
	n := len(s.order)
	return &sweep{
		schedule: s, graph: g, row: make([]int32, n),
		changed: make([]uint64, n/64+1), joint: make([]uint64, n/64+1),
	}
}

// run fails some services, each alone, and writes what that comes to into tallies,
// by node.
func (s *sweep) run(roots []Node, tallies []tally) {
	first := s.place[roots[0]]
	for lane, v := range roots {
		var root lanes
		root[lane/64] = 1 << (lane % 64)
		s.impair(v, IsDown, &root)
		first = min(first, s.place[v])
	}
	s.settle(int(first))
	s.count()
	for lane, v := range roots {
		t := &tallies[v]
		for o := Stale; o <= Down; o++ {
			t.count[o] = int(s.counts[o].of(lane))
			t.weight[o] = s.weights[o].of(lane)
		}
	}
	s.reset()
}

// settle visits what is to be visited, from a place upward, until nothing is.
func (s *sweep) settle(from int) {
	// A visit that changes a service behind it is of the same component. It is gone
	// back to when the component has been gone through, not at once: each round then
	// carries all that the last one has brought.
	again, end := -1, -1
	for p := s.next(from); ; p = s.next(p) {
		if again >= 0 && (p < 0 || p > end) {
			p, again = again, -1
		}
		if p < 0 {
			return
		}
		if behind := s.visit(p); behind >= 0 {
			if again < 0 || behind < again {
				again = behind
			}
			end = int(s.last[p])
		}
	}
}

// next returns the first place to be visited from p on, or -1.
func (s *sweep) next(p int) int {
	w := p / 64
	word := (s.changed[w] | s.joint[w]) &^ (1<<(p%64) - 1)
	for word == 0 {
		if w++; w == len(s.changed) {
			return -1
		}
		word = s.changed[w] | s.joint[w]
	}
	return w*64 + bits.TrailingZeros64(word)
}

// visit passes the row of the service at a place on to its users. It returns the
// first place at or behind this one that is to be visited for it, or -1.
func (s *sweep) visit(p int) (behind int) {
	v := s.order[p]
	word, bit := p/64, uint64(1)<<(p%64)
	if s.joint[word]&bit != 0 {
		s.joint[word] &^= bit
		s.look(v)
	}
	if s.changed[word]&bit == 0 {
		return -1
	}
	s.changed[word] &^= bit
	behind = -1
	row := s.row[v] - 1
	for _, a := range s.graph.users[s.graph.usersOf[v]:s.graph.usersOf[v+1]] {
		u := a.user()
		again := false
		if a.rule() == ruleJoint {
			place := s.place[u]
			s.joint[place/64] |= 1 << (place % 64)
			again = true
		} else {
			for planes := s.present[row]; planes != 0; planes &= planes - 1 {
				bit := bits.TrailingZeros8(uint8(planes))
				if to := felt[a.rule()][bit]; to != 0 && s.impair(u, to, &s.planes[bit][row]) {
					again = true
				}
			}
		}
		if again {
			if place := int(s.place[u]); place <= p && (behind < 0 || place < behind) {
				behind = place
			}
		}
	}
	return behind
}

// impair adds impairments to a service in some lanes, and notes that it has changed
// if that is new.
func (s *sweep) impair(v Node, impaired State, in *lanes) (changed bool) {
	if impaired&IsDown != 0 && s.graph.corrupts != nil && s.graph.corrupts[v] {
		impaired = impaired&^IsDown | IsCorrupt
	}
	for ; impaired != 0; impaired &= impaired - 1 {
		if s.plane(v, bits.TrailingZeros8(uint8(impaired))).or(in) {
			changed = true
		}
	}
	if changed {
		p := s.place[v]
		s.changed[p/64] |= 1 << (p % 64)
	}
	return changed
}

// plane returns the lanes in which a service has an impairment, to be written.
func (s *sweep) plane(v Node, bit int) *lanes {
	if s.row[v] == 0 {
		s.nodes = append(s.nodes, v)
		s.present = append(s.present, 0)
		s.row[v] = int32(len(s.nodes))
	}
	row := int(s.row[v]) - 1
	if missing := row + 1 - len(s.planes[bit]); missing > 0 {
		s.planes[bit] = slices.Grow(s.planes[bit], missing)
		s.planes[bit] = s.planes[bit][:cap(s.planes[bit])]
	}
	s.present[row] |= 1 << bit
	return &s.planes[bit][row]
}

// in returns the lanes in which a service has any of some impairments.
func (s *sweep) in(v Node, impaired State) (in lanes) {
	row := s.row[v] - 1
	if row < 0 {
		return in
	}
	for impaired &= s.present[row]; impaired != 0; impaired &= impaired - 1 {
		in.or(&s.planes[bits.TrailingZeros8(uint8(impaired))][row])
	}
	return in
}

// look applies the needs of a service that look at several others: joint.of, for all
// lanes at once.
func (s *sweep) look(v Node) {
	for i := s.graph.needOf[v]; i < s.graph.needOf[v+1]; i++ {
		need := &s.graph.needs[i]
		if need.arcRule() != ruleJoint {
			continue
		}
		var lost lanes
		targets := s.graph.Targets(need)
		if need.atLeast > 0 {
			lost = s.tooFew(targets, need.spare())
		} else {
			loses := isLost
			if felt[need.rule][corrupt] == IsCorrupt {
				through := s.in(targets[0], IsCorrupt)
				s.feel(v, IsCorrupt, &through)
				loses = IsDown
			}
			lost = s.in(targets[0], loses)
		}
		if need.fallback < 0 {
			s.feel(v, felt[need.rule][down], &lost)
			continue
		}
		for bit := range impairments {
			both := s.in(need.fallback, 1<<bit)
			for w := range both {
				both[w] &= lost[w]
			}
			s.feel(v, felt[need.rule][bit], &both)
		}
	}
}

// feel is impair where the lanes may be empty, in which case no row is made.
func (s *sweep) feel(v Node, impaired State, in *lanes) {
	if *in != (lanes{}) {
		s.impair(v, impaired, in)
	}
}

// tooFew returns the lanes in which more than spare of some services are lost. They
// are counted in all lanes at once: digit i of the counts is a row of bits, and the
// counts start so high that the one too many carries out of the highest digit.
func (s *sweep) tooFew(members []Node, spare int32) (lost lanes) {
	var digits [32]lanes
	width := bits.Len32(uint32(spare)) // least with spare+1 <= 1<<width
	start := uint32(1)<<width - uint32(spare) - 1
	for i := range width {
		if start&(1<<i) != 0 {
			for w := range digits[i] {
				digits[i][w] = ^uint64(0)
			}
		}
	}
	for _, m := range members {
		carry := s.in(m, isLost)
		if carry == (lanes{}) {
			continue
		}
		for i := range width {
			digits[i].halfAdd(&carry)
		}
		lost.or(&carry)
	}
	return lost
}

// worstFirst are the planes of the outcomes.
var worstFirst = [...]struct {
	outcome Outcome
	planes  State
}{{Down, isLost}, {Degraded, IsDegraded}, {Delayed, IsDelayed}, {Frozen, IsFrozen}, {Stale, IsStale}}

// count adds up outcomes over all services that have a row.
func (s *sweep) count() {
	for row, v := range s.nodes {
		var worse lanes
		for _, o := range worstFirst {
			if s.present[row]&o.planes == 0 {
				continue
			}
			in := s.in(v, o.planes)
			var some uint64
			for w := range in {
				in[w], worse[w] = in[w]&^worse[w], worse[w]|in[w]
				some |= in[w]
			}
			if some == 0 {
				continue
			}
			s.counts[o.outcome].add(&in, 1)
			s.weights[o.outcome].add(&in, s.graph.weight[v])
		}
	}
}

// reset clears what the last run has touched, and nothing else.
func (s *sweep) reset() {
	for row, v := range s.nodes {
		s.row[v] = 0
		for planes := s.present[row]; planes != 0; planes &= planes - 1 {
			s.planes[bits.TrailingZeros8(uint8(planes))][row] = lanes{}
		}
	}
	s.nodes, s.present = s.nodes[:0], s.present[:0]
	for o := range s.counts {
		s.counts[o].digits = s.counts[o].digits[:0]
		s.weights[o].digits = s.weights[o].digits[:0]
	}
}

// counter is one number for each lane, written vertically: digits[i] has digit i of
// all of them. Adding one to some lanes costs two digits on average, however many
// lanes they are.
type counter struct{ digits []lanes }

// add adds n to the numbers of some lanes.
func (c *counter) add(in *lanes, n int64) {
	for ; n != 0; n &= n - 1 {
		carry, some := *in, uint64(1)
		for i := bits.TrailingZeros64(uint64(n)); some != 0; i++ {
			for len(c.digits) <= i {
				c.digits = append(c.digits, lanes{})
			}
			some = c.digits[i].halfAdd(&carry)
		}
	}
}

// of returns the number of a lane.
func (c *counter) of(lane int) (n int64) {
	for i := range c.digits {
		n |= int64(c.digits[i][lane/64]>>(lane%64)&1) << i
	}
	return n
}
