package graph

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/knockon/knockon/graph/internal/bdd"
)

// module is a part of a formula that shares no cause with the rest, as a diagram over
// its own causes and over modules within it, which it treats as causes. What is asked
// of a formula is asked of each module once, and put together: the cut sets of a
// thousand million combinations are a product of small numbers.
//
// Dutuit and Rauzy, "A linear-time algorithm to find modules of fault trees", IEEE
// Trans. Reliability 45(3), 1996.
type module struct {
	space   *bdd.Space
	leaves  []int // by level: a cause, or a module after the last cause
	fails   bdd.Node
	minimal bdd.Node
	size    int // vertices of both, and of what they were made of
}

// solver takes formulas apart and makes diagrams of the parts.
type solver struct {
	ctx     context.Context
	limit   int   // of vertices, in all diagrams together
	causes  int   // modules are numbered after them
	opposes []int // by cause: the cause of which it is the negation, or -1; nil if there are none
	modules []module
}

// leaf returns the variable of a term that is a cause: its own, or that of which it is
// the negation.
func (s *solver) leaf(t term) (cause int, negated bool) {
	c := t.cause()
	if c < len(s.opposes) && s.opposes[c] >= 0 {
		return s.opposes[c], true
	}
	return c, false
}

// solve makes modules of a formula. The last one is of its top.
func (s *solver) solve(f *formula) error {
	f = f.simplify()
	if f.top.isGate() {
		f = s.group(f)
		if within := s.independent(f); len(within) > 0 {
			instead := make(map[term]term, len(within))
			for _, t := range within {
				if err := s.solve(f.under(t)); err != nil {
					return err
				}
				instead[t] = causeTerm(s.causes + len(s.modules) - 1)
			}
			b := newBuilder()
			for _, part := range f.parts(f.top) {
				b.rebuild(f, part, func(_ Node, t term) (term, bool) {
					by, ok := instead[t]
					return by, ok
				})
			}
			f = b.finish(f.top)
		}
	}
	m, err := s.draw(f)
	s.modules = append(s.modules, m)
	return err
}

// under is the formula of a gate.
func (f *formula) under(t term) *formula {
	b := newBuilder()
	for _, part := range f.parts(t) {
		b.rebuild(f, part, nil)
	}
	return b.finish(t)
}

// visits are the times at which a walk from the top comes to gates and causes: each
// gate is gone into at the first visit only.
type visits struct {
	first, end, last []int32 // by gate; end: when it has been gone through
	leaf             map[int][2]int32
	clock            int32
}

// independent returns the gates that share no cause with the rest and lie in no other
// such gate, in order. All visits to what lies in one fall between the first visit to
// it and the end of that.
func (s *solver) independent(f *formula) []term {
	n := len(f.gates)
	v := visits{first: make([]int32, n), end: make([]int32, n), last: make([]int32, n), leaf: make(map[int][2]int32)}
	var walk func(t term)
	walk = func(t term) {
		v.clock++
		if t.isCause() {
			c, _ := s.leaf(t)
			span, ok := v.leaf[c]
			if !ok {
				span[0] = v.clock
			}
			span[1] = v.clock
			v.leaf[c] = span
			return
		}
		if t < gate0 {
			return
		}
		of := []term{t}
		if k := f.knot[t]; k > 0 { // one visit for all of it
			t = term(k - 1)
			for of = of[:0]; int(k)-1+len(of) < n && f.knot[int(k)-1+len(of)] == k; {
				of = append(of, t+term(len(of)))
			}
		}
		v.last[t] = v.clock
		if v.first[t] != 0 {
			return
		}
		v.first[t] = v.clock
		for _, i := range of {
			for _, u := range f.gates[i].of {
				if f.knot[t] > 0 && u.isGate() && f.knot[u] == f.knot[t] {
					continue
				}
				walk(u)
			}
		}
		v.clock++
		v.end[t] = v.clock
	}
	walk(f.top)

	// from and to are the first and the last visit to anything below.
	from, to := make([]int32, n), make([]int32, n)
	negates := make([]bool, n)
	is := make([]bool, n)
	for _, part := range f.parts(f.top) {
		rep := part[0]
		from[rep], to[rep] = math.MaxInt32, 0
		for _, i := range part {
			for _, t := range f.gates[i].of {
				switch {
				case t.isCause():
					c, negated := s.leaf(t)
					from[rep], to[rep] = min(from[rep], v.leaf[c][0]), max(to[rep], v.leaf[c][1])
					negates[rep] = negates[rep] || negated
				case t.isGate():
					if k := f.knot[t]; k > 0 {
						t = term(k - 1)
					}
					if Node(t) != rep {
						from[rep] = min(from[rep], from[t], v.first[t])
						to[rep] = max(to[rep], to[t], v.last[t])
						negates[rep] = negates[rep] || negates[t]
					}
				}
			}
		}
		is[rep] = f.knot[rep] == 0 && !negates[rep] && v.first[rep] < from[rep] && to[rep] < v.end[rep]
	}
	var found []term
	reached := make([]bool, n)
	open := []term{f.top}
	for len(open) > 0 {
		t := open[len(open)-1]
		open = open[:len(open)-1]
		if !t.isGate() || reached[t] {
			continue
		}
		reached[t] = true
		if is[t] && t != f.top {
			found = append(found, t)
			continue
		}
		open = append(open, f.gates[t].of...)
	}
	slices.Sort(found)
	return found
}

// group puts the terms of an OR or an AND that nothing else names into a gate of their
// own, which is a module.
func (s *solver) group(f *formula) *formula {
	named := make(map[int]int)
	parts := f.parts(f.top)
	for _, part := range parts {
		for _, i := range part {
			for _, t := range f.gates[i].of {
				if t.isCause() {
					c, _ := s.leaf(t)
					named[c]++
				}
			}
		}
	}
	modules := make(map[term]bool)
	for _, t := range s.independent(f) {
		modules[t] = true
	}
	alone := func(t term) bool {
		if t.isCause() {
			c, negated := s.leaf(t)
			return !negated && named[c] == 1
		}
		return modules[t] // named once, or it would be within one
	}
	uses := make(map[term]int)
	for _, part := range parts {
		for _, i := range part {
			for _, t := range f.gates[i].of {
				uses[t]++
			}
		}
	}
	b := newBuilder()
	for _, part := range parts {
		i := part[0]
		x := f.gates[i]
		if f.knot[i] == 0 && (x.isOr() || x.isAnd()) {
			var own, rest []term
			for _, t := range x.of {
				if alone(t) && uses[t] == 1 {
					own = append(own, t)
				} else {
					rest = append(rest, t)
				}
			}
			if len(own) > 1 && len(rest) > 0 {
				private := gate{1, b.standing(f, own)}
				if x.isAnd() {
					private.atLeast = len(own)
				}
				x.of = append(b.standing(f, rest), b.make(private))
				x.atLeast = min(x.atLeast, len(x.of))
				b.is[i] = b.make(x)
				continue
			}
		}
		b.rebuild(f, part, nil)
	}
	return b.finish(f.top)
}

// draw makes the diagram of a formula. How large it is depends on the order of its
// causes, and the best one is not to be known in advance: orders are tried with little
// room, then with more, and with all there is only the first two. What is hopeless is
// hopeless in most orders, and to find that out should not take for ever.
func (s *solver) draw(f *formula) (m module, err error) {
	for _, attempt := range []struct{ room, orders int }{
		{1 << 19, len(orders)}, {1 << 22, len(orders)}, {s.limit, 2},
	} {
		for _, o := range orders[:min(attempt.orders, len(orders))] {
			m = module{leaves: s.order(f, o)}
			m.space = bdd.New(s.ctx, min(attempt.room, s.limit), s.opposes == nil)
			if err = s.build(&m, f); !errors.Is(err, bdd.ErrFull) {
				return m, err
			}
		}
	}
	return m, err
}

// build fills in the diagrams of a module.
func (s *solver) build(m *module, f *formula) error {
	level := make(map[int]int, len(m.leaves))
	for l, c := range m.leaves {
		level[c] = l
	}
	is := make([]bdd.Node, len(f.gates))
	is[certain] = bdd.True
	of := func(i Node) bdd.Node {
		terms := make([]bdd.Node, len(f.gates[i].of))
		for k, t := range f.gates[i].of {
			if t.isCause() {
				c, negated := s.leaf(t)
				terms[k] = m.space.Var(level[c])
				if negated {
					terms[k] = m.space.Not(terms[k])
				}
			} else {
				terms[k] = is[t]
			}
		}
		return m.space.AtLeast(f.gates[i].atLeast, terms)
	}
	for _, part := range f.parts(f.top) {
		if len(part) == 1 {
			is[part[0]] = of(part[0])
		}
		// The least fixed point of what need each other, by going round from nothing.
		for changed := len(part) > 1; changed && m.space.Err() == nil; {
			changed = false
			for _, i := range part {
				if now := of(i); now != is[i] {
					is[i], changed = now, true
				}
			}
		}
		if err := m.space.Err(); err != nil {
			return err
		}
	}
	switch {
	case f.top.isGate():
		m.fails = is[f.top]
	case f.top.isCause():
		m.fails = m.space.Var(0)
		if _, negated := s.leaf(f.top); negated {
			m.fails = m.space.Not(m.fails)
		}
	case f.top == certain:
		m.fails = bdd.True
	}
	m.minimal = m.space.Minimal(m.fails)
	m.size = m.space.Size()
	return m.space.Err()
}

// variableOrder compares two terms of a gate: the walk that puts causes in order goes
// into the lesser first.
type variableOrder func(x *orderFacts, t, u term) int

// orderFacts is what orders go by: how many causes there are below a term, those that
// are reached twice counted twice, and how many gates name it.
type orderFacts struct{ weight, named map[term]float64 }

// orders are tried one after another. None is the best for all formulas; these are by
// how many vertices they came to on the trees of the Aralia suite.
var orders = []variableOrder{
	func(x *orderFacts, t, u term) int {
		return cmp.Or(cmp.Compare(x.named[u], x.named[t]), cmp.Compare(x.weight[t], x.weight[u]))
	},
	func(x *orderFacts, t, u term) int { return cmp.Compare(x.weight[u], x.weight[t]) },
	func(x *orderFacts, t, u term) int { return cmp.Compare(x.weight[t], x.weight[u]) },
	func(_ *orderFacts, t, u term) int { return cmp.Compare(t, u) },
	func(_ *orderFacts, t, u term) int { return cmp.Compare(u, t) },
}

// order returns the causes of a formula in the order in which a walk comes to them.
func (s *solver) order(f *formula, by variableOrder) []int {
	var leaves []int
	if f.top.isCause() {
		c, _ := s.leaf(f.top)
		return []int{c}
	}
	x := orderFacts{make(map[term]float64), make(map[term]float64)}
	for _, part := range f.parts(f.top) {
		for _, i := range part {
			for _, t := range f.gates[i].of {
				if t.isCause() {
					x.weight[t] = 1
				}
				x.weight[term(i)] += x.weight[t]
				x.named[t]++
			}
		}
	}
	found := make(map[int]bool)
	reached := make([]bool, len(f.gates))
	var walk func(t term)
	walk = func(t term) {
		if t.isCause() {
			if c, _ := s.leaf(t); !found[c] {
				found[c] = true
				leaves = append(leaves, c)
			}
			return
		}
		if t < gate0 || reached[t] {
			return
		}
		reached[t] = true
		of := slices.Clone(f.gates[t].of)
		slices.SortFunc(of, func(t, u term) int { return cmp.Or(by(&x, t, u), cmp.Compare(t, u)) })
		for _, u := range of {
			walk(u)
		}
	}
	walk(f.top)
	return leaves
}
