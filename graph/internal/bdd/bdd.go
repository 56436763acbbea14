// Package bdd holds decision diagrams: reduced ordered binary ones for Boolean
// functions, and zero-suppressed ones for families of sets.
//
// A Space has a fixed number of variables, ordered by their numbers, and grows until
// it is full: then every operation returns something, Err says so, and whoever asked
// starts again with another order or gives up. Nothing is freed before the whole
// space is.
//
// Bryant, "Graph-based algorithms for Boolean function manipulation", IEEE Trans.
// Computers C-35(8), 1986; Minato, "Zero-suppressed BDDs for set manipulation in
// combinatorial problems", DAC 1993; Rauzy, "New algorithms for fault trees
// analysis", Reliability Engineering and System Safety 40(3), 1993.
package bdd

import (
	"context"
	"errors"
	"slices"
)

// Node is a function, or a family of sets: the number of a vertex of a diagram. The
// two terminals are the same in both.
type Node uint32

// The terminals: as functions the constants, as families the one without sets and
// the one whose only set is empty.
const (
	False Node = 0
	True  Node = 1
)

// terminal is the level of the terminals: below every variable.
const terminal = ^uint32(0)

// ErrFull says that a diagram would have more vertices than the space may have.
var ErrFull = errors.New("bdd: the diagram is too large")

// Space is where diagrams are shared.
type Space struct {
	ctx       context.Context
	limit     int
	err       error
	functions table
	families  table
	results   cache // of operations on functions
	minimal   cache // of operations that have families as results
	monotone  bool
}

// New returns a space for diagrams of at most limit vertices, functions and families
// together. A monotone space is promised that none of its functions has a negation.
func New(ctx context.Context, limit int, monotone bool) *Space {
	s := &Space{ctx: ctx, limit: limit, monotone: monotone}
	s.functions.init()
	s.families.init()
	s.results.init()
	s.minimal.init()
	return s
}

// Err returns ErrFull, or why the context has ended; nil while all results are right.
func (s *Space) Err() error { return s.err }

// Size returns how many vertices there are.
func (s *Space) Size() int { return len(s.functions.vertices) + len(s.families.vertices) }

// vertex is one decision. Children have smaller numbers than their parents.
type vertex struct {
	level   uint32
	lo, hi  Node
	chained Node // next of the same hash; 0 ends the chain
}

// table finds vertices by what they say, so that equal diagrams are one.
type table struct {
	vertices []vertex
	buckets  []Node // power of two
}

func (t *table) init() {
	t.vertices = append(make([]vertex, 0, 1<<10), vertex{level: terminal}, vertex{level: terminal})
	t.buckets = make([]Node, 1<<10)
}

func mix(a, b, c uint32) uint32 {
	h := uint64(a)*0x9E3779B97F4A7C15 ^ uint64(b)*0xC2B2AE3D27D4EB4F ^ uint64(c)*0x165667B19E3779F9
	return uint32(h>>32) ^ uint32(h>>15)
}

// find returns the vertex of a decision, made if there is none.
func (s *Space) find(t *table, level uint32, lo, hi Node) Node {
	h := mix(level, uint32(lo), uint32(hi)) & uint32(len(t.buckets)-1)
	for n := t.buckets[h]; n != 0; n = t.vertices[n].chained {
		if v := &t.vertices[n]; v.level == level && v.lo == lo && v.hi == hi {
			return n
		}
	}
	if s.err != nil {
		return False
	}
	n := Node(len(t.vertices))
	if n&0x3fff == 0 && s.ctx.Err() != nil {
		s.err = s.ctx.Err()
	}
	if s.Size() >= s.limit {
		s.err = ErrFull
		return False
	}
	t.vertices = append(t.vertices, vertex{level, lo, hi, t.buckets[h]})
	t.buckets[h] = n
	if len(t.vertices) > len(t.buckets) {
		t.rehash()
	}
	return n
}

func (t *table) rehash() {
	t.buckets = make([]Node, 2*len(t.buckets))
	for n := 2; n < len(t.vertices); n++ {
		v := &t.vertices[n]
		h := mix(v.level, uint32(v.lo), uint32(v.hi)) & uint32(len(t.buckets)-1)
		v.chained, t.buckets[h] = t.buckets[h], Node(n)
	}
}

// cache remembers results until another takes their place: it costs time to forget,
// never truth.
type cache struct {
	entries []result
	lost    int // results that another has taken the place of, since the last growth
}

type result struct{ f, g, h, is Node }

// noResult is no function: f of nothing that is asked for.
const noResult = ^Node(0)

// maxResults is 256 MiB of them.
const maxResults = 1 << 24

func (c *cache) init() { c.resize(1 << 12) }

func (c *cache) resize(n int) {
	old := c.entries
	c.entries = make([]result, n)
	for i := range c.entries {
		c.entries[i].f = noResult
	}
	for _, r := range old {
		if r.f != noResult {
			*c.at(r.f, r.g, r.h) = r
		}
	}
	c.lost = 0
}

func (c *cache) at(f, g, h Node) *result {
	return &c.entries[mix(uint32(f), uint32(g), uint32(h))&uint32(len(c.entries)-1)]
}

func (c *cache) get(f, g, h Node) (Node, bool) {
	r := c.at(f, g, h)
	return r.is, r.f == f && r.g == g && r.h == h
}

func (c *cache) put(f, g, h, is Node) {
	at := c.at(f, g, h)
	if at.f != noResult {
		// What is forgotten may have to be worked out again, and all below it.
		if c.lost++; c.lost > len(c.entries) && len(c.entries) < maxResults {
			c.resize(2 * len(c.entries))
			at = c.at(f, g, h)
		}
	}
	*at = result{f, g, h, is}
}

// decide returns the function that is hi where a variable is true, else lo.
func (s *Space) decide(level uint32, lo, hi Node) Node {
	if lo == hi {
		return lo
	}
	return s.find(&s.functions, level, lo, hi)
}

// Var returns the function that is the variable at a level.
func (s *Space) Var(level int) Node { return s.decide(uint32(level), False, True) }

// Not returns the negation of a function.
func (s *Space) Not(f Node) Node { return s.ite(f, False, True) }

func (s *Space) level(f Node) uint32 { return s.functions.vertices[f].level }

// below returns a function where the variable at a level is false, and where it is true.
func (s *Space) below(f Node, level uint32) (lo, hi Node) {
	if v := &s.functions.vertices[f]; v.level == level {
		return v.lo, v.hi
	}
	return f, f
}

// and is the conjunction of two functions.
func (s *Space) and(f, g Node) Node {
	switch {
	case f == g, g == True:
		return f
	case f == True:
		return g
	case f == False, g == False:
		return False
	}
	if f > g {
		f, g = g, f
	}
	if is, ok := s.results.get(f, g, False); ok || s.err != nil {
		return is
	}
	level := min(s.level(f), s.level(g))
	f0, f1 := s.below(f, level)
	g0, g1 := s.below(g, level)
	is := s.decide(level, s.and(f0, g0), s.and(f1, g1))
	if s.err == nil { // else it is not what it says
		s.results.put(f, g, False, is)
	}
	return is
}

// or is the disjunction of two functions.
func (s *Space) or(f, g Node) Node {
	switch {
	case f == g, g == False:
		return f
	case f == False:
		return g
	case f == True, g == True:
		return True
	}
	if f > g {
		f, g = g, f
	}
	if is, ok := s.results.get(f, True, g); ok || s.err != nil {
		return is
	}
	level := min(s.level(f), s.level(g))
	f0, f1 := s.below(f, level)
	g0, g1 := s.below(g, level)
	is := s.decide(level, s.or(f0, g0), s.or(f1, g1))
	if s.err == nil {
		s.results.put(f, True, g, is)
	}
	return is
}

// ite is g where f is true, else h.
func (s *Space) ite(f, g, h Node) Node {
	switch {
	case f == True, g == h:
		return g
	case f == False:
		return h
	case h == False:
		return s.and(f, g)
	case g == True:
		return s.or(f, h)
	}
	if is, ok := s.results.get(f, g, h); ok || s.err != nil {
		return is
	}
	level := min(s.level(f), s.level(g), s.level(h))
	f0, f1 := s.below(f, level)
	g0, g1 := s.below(g, level)
	h0, h1 := s.below(h, level)
	is := s.decide(level, s.ite(f0, g0, h0), s.ite(f1, g1, h1))
	if s.err == nil {
		s.results.put(f, g, h, is)
	}
	return is
}

// AtLeast returns the function that is true where at least k of some functions are:
// their disjunction for one, their conjunction for all of them. One that is given
// twice counts twice.
func (s *Space) AtLeast(k int, of []Node) Node {
	// What decides last goes first: results then grow at the top, where it is cheap.
	of = slices.Clone(of)
	slices.SortStableFunc(of, func(f, g Node) int { return int(int64(s.level(g)) - int64(s.level(f))) })
	switch {
	case k <= 0:
		return True
	case k > len(of):
		return False
	case k == 1:
		is := False
		for _, f := range of {
			is = s.or(f, is)
		}
		return is
	case k == len(of):
		is := True
		for _, f := range of {
			is = s.and(f, is)
		}
		return is
	}
	// enough[j] is true where at least j of those seen so far are.
	enough := make([]Node, k+1)
	enough[0] = True
	for _, f := range of {
		for j := k; j > 0; j-- {
			enough[j] = s.ite(f, enough[j-1], enough[j])
		}
	}
	return enough[k]
}
