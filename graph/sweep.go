package graph

import (
	"cmp"
	"math"
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

// size is in how many lanes there is something.
func (l *lanes) size() (n int64) {
	for _, w := range l {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// includes reports whether all lanes of x are in l.
func (l *lanes) includes(x *lanes) bool {
	var missing uint64
	for i, w := range x {
		missing |= w &^ l[i]
	}
	return missing == 0
}

// take removes the lanes of x.
func (l *lanes) take(x *lanes) {
	for i, w := range x {
		l[i] &^= w
	}
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
// needs it, as far as cycles allow; and the order in which they take roots. What a sweep
// reads lies in that order: services are known by their place in it.
type schedule struct {
	order []Node  // by place, callee-first
	place []int32 // of each node in order
	last  []int32 // by place: the last place of its strongly connected component
	roots []Node  // one of each set of services that fall together, by place
	same  []Node  // by node: the root that falls with it
	falls []int32 // by node, of roots: how many fall with it, itself included

	// Services that need each other hard and have nothing to do with wrong answers are
	// down together or not at all: whether they are is kept once, at one of them.
	head    []int32 // by place: the place where that is kept
	members []int32 // by place: how many it is kept for; 0 if it is kept elsewhere
	weight  []int64 // by place: of all it is kept for
	loss    arcs    // from heads: who feels that they are lost
	mild    arcs    // from all: who feels that they are impaired

	// Most roots that lose anything of a large knot lose all that stands on it. What that
	// is is worked out once: there the lanes of the knot hold, and are neither passed on
	// nor kept. See implied.
	knot    int32  // the head of the largest one, or -1
	implied []bool // by place, of heads: is down whenever the knot is; nil without one
	border  []arc  // from what is implied to what is not
	with    int64  // how many services are implied, the knot included
	weighs  int64  // and their weight
}

// leastKnot is how many services a knot has that is treated so.
var leastKnot = int32(16)

// arcs are in compressed sparse rows, by place; users are places too.
type arcs struct {
	first []int32
	to    []arc
}

func (a *arcs) of(p int) []arc { return a.to[a.first[p]:a.first[p+1]] }

func (g *Graph) schedule() *schedule {
	n := g.Len()
	s := &schedule{
		place: make([]int32, n), last: make([]int32, n), same: make([]Node, n), falls: make([]int32, n),
		head: make([]int32, n), members: make([]int32, n), weight: make([]int64, n),
	}
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
			s.falls[together[0]]++
		}
	}
	s.imply(g, s.collapse(g))
	s.arrange()
	return s
}

// arrange puts roots that have much of their blast radius in common side by side, so
// that rows are few and full: hubs with hubs, and those that reach little with their
// neighbours in the order. How many chains lead to a service from above says which is
// which.
func (s *schedule) arrange() {
	chains := make([]float64, len(s.order))
	for p := len(s.order) - 1; p >= 0; p-- {
		chains[p] = 1
		for _, a := range s.mild.of(p) {
			if u := int(a.user()); u > p {
				chains[p] = min(chains[p]+chains[u], 1e300)
			}
		}
	}
	size := make([]int, len(s.order)) // by place, in powers of two
	for p, n := range chains {
		size[p] = math.Ilogb(n)
	}
	slices.SortFunc(s.roots, func(v, w Node) int {
		p, q := s.place[v], s.place[w]
		return cmp.Or(cmp.Compare(size[q], size[p]), cmp.Compare(p, q))
	})
}

// imply finds what the largest knot takes with it, by losing it alone.
func (s *schedule) imply(g *Graph, plain []bool) {
	s.knot = -1
	most := leastKnot - 1
	for p, n := range s.members {
		if n > most && plain[s.order[p]] {
			s.knot, most = int32(p), n
		}
	}
	if s.knot < 0 {
		return
	}
	alone := *s
	alone.knot = -1
	one := newSweep(g, &alone)
	root := lanes{1}
	one.impair(s.knot, IsDown, &root)
	one.settle(int(s.knot))
	s.implied = make([]bool, len(s.order))
	for row, p := range one.places {
		if one.present[row]&isLost == IsDown && s.members[p] > 0 {
			s.implied[p] = true
			s.with += int64(s.members[p])
			s.weighs += s.weight[p]
		}
	}
	for p, implied := range s.implied {
		if implied {
			for _, a := range s.loss.of(p) {
				if !s.implied[s.head[a.user()]] {
					s.border = append(s.border, a)
				}
			}
		}
	}
	slices.Sort(s.border)
	s.border = slices.Compact(s.border)
	s.implied[s.knot] = false // it is where the lanes are kept
}

// passesLoss reports whether losing the one target of a need, in whatever way, is
// sooner or later losing the service.
func (e *Need) passesLoss() bool {
	r := e.arcRule()
	return r != ruleJoint && felt[r][down]&IsDown != 0 && felt[r][corrupt]&IsDown != 0
}

// collapse finds services that are down together, and lays out arcs for them. It returns
// which services, by node, are never corrupt.
func (s *schedule) collapse(g *Graph) (plain []bool) {
	n := g.Len()
	plain = make([]bool, n)
	for v := range n {
		plain[v] = g.corrupts == nil || !g.corrupts[v]
		for i := g.needOf[v]; i < g.needOf[v+1]; i++ {
			for bit := range impairments {
				plain[v] = plain[v] && felt[g.needs[i].rule][bit]&IsCorrupt == 0
			}
		}
	}
	for _, together := range g.Components(func(e *Need) bool {
		return plain[e.From] && e.passesLoss() && !slices.ContainsFunc(g.Targets(e), func(t Node) bool { return !plain[t] })
	}) {
		head := s.place[together[0]]
		for _, v := range together {
			head = min(head, s.place[v])
		}
		for _, v := range together {
			s.head[s.place[v]] = head
			s.members[head]++
			s.weight[head] += g.weight[v]
		}
	}
	first := make([]int32, n+1) // of the members of each head
	for _, h := range s.head {
		first[h+1]++
	}
	for p := range n {
		first[p+1] += first[p]
	}
	member := make([]int32, n)
	for p, next := 0, slices.Clone(first); p < n; p++ {
		member[next[s.head[p]]] = int32(p)
		next[s.head[p]]++
	}
	s.loss.first, s.mild.first = make([]int32, n+1), make([]int32, n+1)
	s.mild.to = make([]arc, 0, len(g.users))
	for p := range n {
		v := s.order[p]
		for _, a := range g.users[g.usersOf[v]:g.usersOf[v+1]] {
			s.mild.to = append(s.mild.to, newArc(Node(s.place[a.user()]), a.rule()))
		}
		s.mild.first[p+1] = int32(len(s.mild.to))
	}
	for p := range n {
		from := len(s.loss.to)
		for _, m := range member[first[p]:first[p+1]] {
			for _, a := range s.mild.of(int(m)) {
				u := int32(a.user())
				if losesAll[a.rule()] {
					if u = s.head[u]; int(u) == p {
						continue
					}
				}
				s.loss.to = append(s.loss.to, newArc(Node(u), a.rule()))
			}
		}
		row := s.loss.to[from:]
		slices.Sort(row)
		s.loss.to = s.loss.to[:from+len(slices.Compact(row))]
		s.loss.first[p+1] = int32(len(s.loss.to))
	}
	return plain
}

// sweep computes what many roots do, each failing alone and for ever, at the price
// of a few: every impairment of every service is a row of bits, one for each root,
// and a need is passed once for all of them. Services are visited in the order of
// the schedule, so outside of cycles each is visited once, when its row is complete;
// a cycle is gone through until nothing in it changes. Services that no root reaches
// cost nothing.
//
// What is lost passes on at least what anything milder would: a need never makes less
// of a target that is down or corrupt than of one that is degraded, delayed, frozen or
// stale. So in lanes in which a service is lost, nothing milder is kept of it.
//
// The idea of many searches in the bits of a word is that of Then et al., "The more
// the merrier: efficient multi-source graph traversal", PVLDB 8(4), 2014.
type sweep struct {
	*schedule
	graph   *Graph
	row     []int32              // by place: one more than its row, 0 if it has none
	places  []int32              // by row
	present []State              // by row: which planes are not empty
	planes  [impairments][]lanes // by row; longer than it, or empty
	lost    []uint64             // by place: is lost in lanes that are to be passed on
	milder  []uint64             // by place: is otherwise impaired in such lanes
	joint   []uint64             // by place: has a need on several services to look at again
	all     lanes                // in which the knot is lost, and with it what is implied
	counts  [len(OutcomeWords)]counter
	weights [len(OutcomeWords)]counter
	exposed []int               // by node, at heads: with how many services it falls; nil if nobody asks
	falling int                 // with how many services what is implied falls, by way of the knot
	several []int               // lanes whose root stands for more than one service
	stands  [laneWords * 64]int // by lane: for how many
}

func newSweep(g *Graph, s *schedule) *sweep {
	n := len(s.order)
	return &sweep{
		schedule: s, graph: g, row: make([]int32, n),
		lost: make([]uint64, n/64+1), milder: make([]uint64, n/64+1), joint: make([]uint64, n/64+1),
	}
}

// run fails some services, each alone, and writes what that comes to into tallies,
// by node.
func (s *sweep) run(roots []Node, tallies []tally) {
	first := int32(len(s.order))
	for lane, v := range roots {
		var root lanes
		root[lane/64] = 1 << (lane % 64)
		s.impair(s.place[v], IsDown, &root)
		first = min(first, s.head[s.place[v]])
		if s.stands[lane] = int(s.falls[v]); s.falls[v] > 1 {
			s.several = append(s.several, lane)
		}
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
	word := (s.lost[w] | s.milder[w] | s.joint[w]) &^ (1<<(p%64) - 1)
	for word == 0 {
		if w++; w == len(s.lost) {
			return -1
		}
		word = s.lost[w] | s.milder[w] | s.joint[w]
	}
	return w*64 + bits.TrailingZeros64(word)
}

// visit passes the rows of the service at a place on to its users. It returns the
// first place at or behind this one that is to be visited for it, or -1.
func (s *sweep) visit(p int) (behind int) {
	word, bit := p/64, uint64(1)<<(p%64)
	behind = -1
	if s.joint[word]&bit != 0 {
		s.joint[word] &^= bit
		s.look(int32(p))
		if h := int(s.head[p]); h < p && s.lost[h/64]&(1<<(h%64)) != 0 {
			behind = h
		}
	}
	if s.lost[word]&bit != 0 {
		s.lost[word] &^= bit
		along := s.loss.of(p)
		if p == int(s.knot) {
			along = s.border
		}
		behind = s.pass(p, along, isLost, behind)
	}
	if s.milder[word]&bit != 0 {
		s.milder[word] &^= bit
		behind = s.pass(p, s.mild.of(p), ^isLost, behind)
	}
	return behind
}

// pass hands some impairments on along arcs.
func (s *sweep) pass(p int, along []arc, impaired State, behind int) int {
	row := s.row[p] - 1
	only := s.present[row] & impaired
	simple := only == IsDown && s.graph.corrupts == nil
	for _, a := range along {
		u := int32(a.user())
		again := false
		switch {
		case a.rule() == ruleJoint:
			s.joint[u/64] |= 1 << (u % 64)
			again = true
		case simple && losesAll[a.rule()]: // nearly all of them
			if s.loseDown(u, &s.planes[down][row]) && int(u) <= p && (behind < 0 || int(u) < behind) {
				behind = int(u)
			}
			continue
		default:
			for planes := only; planes != 0; planes &= planes - 1 {
				bit := bits.TrailingZeros8(uint8(planes))
				if to := felt[a.rule()][bit]; to != 0 && s.impair(u, to, &s.planes[bit][row]) {
					again = true
				}
			}
		}
		if again {
			if to := int(u); to <= p && (behind < 0 || to < behind) {
				behind = to
			}
			if to := int(s.head[u]); to <= p && (behind < 0 || to < behind) && s.lost[to/64]&(1<<(to%64)) != 0 {
				behind = to
			}
		}
	}
	return behind
}

// impair adds impairments to the service at a place in some lanes, and notes that it
// has changed if that is new.
func (s *sweep) impair(p int32, impaired State, in *lanes) (changed bool) {
	if impaired&IsDown != 0 && s.graph.corrupts != nil && s.graph.corrupts[s.order[p]] {
		impaired = impaired&^IsDown | IsCorrupt
	}
	if impaired&isLost != 0 {
		h := s.head[p]
		for lost := impaired & isLost; lost != 0; lost &= lost - 1 {
			if s.lose(h, bits.TrailingZeros8(uint8(lost)), in) {
				changed = true
			}
		}
	}
	for impaired &^= isLost; impaired != 0; impaired &= impaired - 1 {
		lost := s.in(p, isLost)
		left := *in
		for w := range left {
			left[w] &^= lost[w]
		}
		if left != (lanes{}) && s.plane(p, bits.TrailingZeros8(uint8(impaired))).or(&left) {
			s.milder[p/64] |= 1 << (p % 64)
			changed = true
		}
	}
	return changed
}

// losesAll are the rules by which a lost target loses its user, and makes nothing else
// of it. Arcs of these from what is lost lead to heads.
var losesAll = func() (l [1 << ruleBits]bool) {
	for r := range felt {
		l[r] = felt[r][down] == IsDown && felt[r][corrupt] == IsDown
	}
	return l
}()

// loseDown is lose for what is down, in few steps: this is where sweeps spend their time.
func (s *sweep) loseDown(h int32, in *lanes) bool {
	row := s.row[h] - 1
	if row < 0 || s.present[row]&IsDown == 0 || s.knot >= 0 && (h == s.knot || s.implied[h]) {
		return s.lose(h, down, in)
	}
	if !s.planes[down][row].or(in) {
		return false
	}
	s.lost[h/64] |= 1 << (h % 64)
	return true
}

// lose is impair for a head, and one of the two ways to be lost.
func (s *sweep) lose(h int32, bit int, in *lanes) (changed bool) {
	if bit == down && s.knot >= 0 && s.implied[h] {
		left := *in
		if left.take(&s.all); left == (lanes{}) {
			return false
		}
		in = &left
	}
	if changed = s.plane(h, bit).or(in); changed {
		s.lost[h/64] |= 1 << (h % 64)
		if h == s.knot {
			s.all.or(in)
		}
	}
	return changed
}

// plane returns the lanes in which a service has an impairment, to be written.
func (s *sweep) plane(p int32, bit int) *lanes {
	if s.row[p] == 0 {
		s.places = append(s.places, p)
		s.present = append(s.present, 0)
		s.row[p] = int32(len(s.places))
	}
	row := int(s.row[p]) - 1
	if missing := row + 1 - len(s.planes[bit]); missing > 0 {
		s.planes[bit] = slices.Grow(s.planes[bit], missing)
		s.planes[bit] = s.planes[bit][:cap(s.planes[bit])]
	}
	s.present[row] |= 1 << bit
	return &s.planes[bit][row]
}

// in returns the lanes in which a service has any of some impairments. Milder ones are
// not complete where it is lost.
func (s *sweep) in(p int32, impaired State) (in lanes) {
	if lost := impaired & isLost; lost != 0 {
		h := s.head[p]
		s.add(&in, h, lost)
		if lost&IsDown != 0 && s.knot >= 0 && s.implied[h] {
			in.or(&s.all)
		}
	}
	if milder := impaired &^ isLost; milder != 0 {
		s.add(&in, p, milder)
	}
	return in
}

func (s *sweep) add(in *lanes, p int32, impaired State) {
	row := s.row[p] - 1
	if row < 0 {
		return
	}
	for impaired &= s.present[row]; impaired != 0; impaired &= impaired - 1 {
		in.or(&s.planes[bits.TrailingZeros8(uint8(impaired))][row])
	}
}

// look applies the needs of a service that look at several others: joint.of, for all
// lanes at once.
func (s *sweep) look(p int32) {
	v := s.order[p]
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
				through := s.in(s.place[targets[0]], IsCorrupt)
				s.feel(p, IsCorrupt, &through)
				loses = IsDown
			}
			lost = s.in(s.place[targets[0]], loses)
		}
		if need.fallback < 0 {
			s.feel(p, felt[need.rule][down], &lost)
			continue
		}
		for bit := range impairments {
			both := s.in(s.place[need.fallback], 1<<bit)
			for w := range both {
				both[w] &= lost[w]
			}
			s.feel(p, felt[need.rule][bit], &both)
		}
	}
}

// feel is impair where the lanes may be empty, in which case no row is made.
func (s *sweep) feel(p int32, impaired State, in *lanes) {
	if *in != (lanes{}) {
		s.impair(p, impaired, in)
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
		carry := s.in(s.place[m], isLost)
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

// mildWorstFirst are the planes of the outcomes milder than down.
var mildWorstFirst = [...]struct {
	outcome Outcome
	plane   State
}{{Degraded, IsDegraded}, {Delayed, IsDelayed}, {Frozen, IsFrozen}, {Stale, IsStale}}

// count adds up outcomes over all services that have a row.
func (s *sweep) count() {
	// What is lost with the knot is counted at once, and of each service only what is
	// besides.
	with, weight := s.with, s.weighs
	for row, p := range s.places {
		var lost lanes
		switch s.present[row] {
		case IsDown: // then it is a head
			if lost = s.planes[down][row]; s.knot >= 0 && s.implied[p] {
				lost.or(&s.all)
			}
		default:
			lost = s.in(p, isLost)
		}
		if s.present[row]&isLost != 0 { // by heads, for all that are lost with them
			besides := lost
			switch {
			case s.knot < 0:
			case p == s.knot || s.implied[p]:
				besides.take(&s.all)
			case lost.includes(&s.all):
				with += int64(s.members[p])
				weight += s.weight[p]
				if besides.take(&s.all); s.exposed != nil {
					s.exposed[s.order[p]] += s.standing(&s.all)
				}
			}
			if s.exposed != nil {
				s.exposed[s.order[p]] += s.standing(&besides)
			}
			s.tally(Down, &besides, int64(s.members[p]), s.weight[p])
		}
		if s.present[row]&^isLost == 0 {
			continue
		}
		for _, o := range mildWorstFirst {
			if s.present[row]&o.plane == 0 {
				continue
			}
			in := s.in(p, o.plane)
			in.take(&lost)
			lost.or(&in)
			s.tally(o.outcome, &in, 1, s.graph.weight[s.order[p]])
		}
	}
	s.tally(Down, &s.all, with, weight)
	s.falling += s.standing(&s.all)
}

// standing adds up how many services the roots of some lanes stand for.
func (s *sweep) standing(in *lanes) (n int) {
	n = int(in.size())
	for _, lane := range s.several {
		n += int(in[lane/64]>>(lane%64)&1) * (s.stands[lane] - 1)
	}
	return n
}

// few lanes are counted one by one.
const few = 12

// tally adds services of an outcome in some lanes.
func (s *sweep) tally(o Outcome, in *lanes, services, weight int64) {
	n := in.size()
	switch {
	case n == 0:
	case n <= few:
		for w, word := range in {
			for ; word != 0; word &= word - 1 {
				lane := w*64 + bits.TrailingZeros64(word)
				s.counts[o].single[lane] += services
				s.weights[o].single[lane] += weight
			}
		}
	default:
		s.counts[o].add(in, services)
		s.weights[o].add(in, weight)
	}
}

// reset clears what the last run has touched, and nothing else.
func (s *sweep) reset() {
	for row, p := range s.places {
		s.row[p] = 0
		for planes := s.present[row]; planes != 0; planes &= planes - 1 {
			s.planes[bits.TrailingZeros8(uint8(planes))][row] = lanes{}
		}
	}
	s.places, s.present, s.several, s.all = s.places[:0], s.present[:0], s.several[:0], lanes{}
	for o := range s.counts {
		s.counts[o].reset()
		s.weights[o].reset()
	}
}

// counter is one number for each lane. What is added to many lanes is written
// vertically: digits[i] has digit i of all of them, and adding one to some lanes costs
// two digits on average, however many lanes they are.
type counter struct {
	digits []lanes
	single [laneWords * 64]int64 // added to few lanes
}

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

func (c *counter) reset() {
	c.digits = c.digits[:0]
	clear(c.single[:])
}

// of returns the number of a lane.
func (c *counter) of(lane int) (n int64) {
	n = c.single[lane]
	for i := range c.digits {
		n += int64(c.digits[i][lane/64]>>(lane%64)&1) << i
	}
	return n
}
