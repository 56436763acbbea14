package graph

import (
	"encoding/binary"
	"slices"
)

// formula says when something happens, in terms of causes: gates that need at least
// so many of their terms to be true (one: OR, all: AND), over other gates and causes.
//
// Gates stand callee-first: a term is a gate before its own, but for knots, which are
// gates that need each other. Those are contiguous, and what they say is the least
// fixed point.
type formula struct {
	gates []gate
	knot  []int32 // by gate: of a knot, one more than the first gate of it; else 0
	top   term
}

// gate is true where at least so many of its terms are.
type gate struct {
	atLeast int
	of      []term
}

// term is a gate by its number, or a cause by the complement of its.
type term int32

// The constants stand where the first two gates would.
const (
	impossible term = 0
	certain    term = 1
	gate0           = 2
)

func causeTerm(c int) term   { return ^term(c) }
func (t term) isCause() bool { return t < 0 }
func (t term) cause() int    { return int(^t) }
func (t term) isGate() bool  { return t >= gate0 }
func (x gate) isOr() bool    { return x.atLeast == 1 }
func (x gate) isAnd() bool   { return x.atLeast == len(x.of) }
func (x gate) same(y gate) bool { // are both ORs, or both ANDs
	return x.isOr() && y.isOr() || x.isAnd() && y.isAnd()
}

// lossFormula writes down when a service is impaired: the algebra of outcomes without
// time, each impairment of each service that it can come from a gate. Own returns
// what makes a service fail by itself.
func (g *Graph) lossFormula(target Node, impaired State, own func(Node) []term) *formula {
	type want struct {
		v    Node
		bits State // more than one bit: any of them
	}
	f := &formula{gates: make([]gate, gate0)}
	number := make(map[want]term)
	var open []want
	is := func(v Node, bits State) term {
		w := want{v, bits}
		t, ok := number[w]
		if !ok {
			t = f.add(gate{})
			number[w] = t
			open = append(open, w)
		}
		return t
	}
	f.top = is(target, impaired)
	for len(open) > 0 {
		w := open[len(open)-1]
		open = open[:len(open)-1]
		var or []term
		if w.bits&(w.bits-1) != 0 {
			for bit := range impairments {
				if w.bits&(1<<bit) != 0 {
					or = append(or, is(w.v, 1<<bit))
				}
			}
		} else {
			or = g.impairing(w.v, w.bits, own, is, f.add)
		}
		f.gates[number[w]] = gate{1, or}
	}
	f.knot = make([]int32, len(f.gates))
	return f
}

func (f *formula) add(x gate) term {
	f.gates = append(f.gates, x)
	return term(len(f.gates) - 1)
}

// impairing returns what gives a service one impairment: it is sweep.look and
// sweep.impair in terms of a formula.
func (g *Graph) impairing(v Node, impaired State, own func(Node) []term, is func(Node, State) term, add func(gate) term) (or []term) {
	corrupts := g.corrupts != nil && g.corrupts[v]
	gives := func(to State) bool {
		if corrupts && to&IsDown != 0 {
			to = to&^IsDown | IsCorrupt
		}
		return to&impaired != 0
	}
	if gives(IsDown) {
		or = append(or, own(v)...)
	}
	for e := range g.Needs(v) {
		targets := g.Targets(e)
		if e.arcRule() != ruleJoint {
			for bit := range impairments {
				if gives(felt[e.rule][bit]) {
					for _, t := range targets {
						or = append(or, is(t, 1<<bit))
					}
				}
			}
			continue
		}
		var lost term
		if e.atLeast > 0 {
			few := gate{atLeast: int(e.spare()) + 1}
			for _, t := range targets {
				few.of = append(few.of, is(t, isLost))
			}
			lost = add(few)
		} else {
			loses := isLost
			if felt[e.rule][corrupt] == IsCorrupt {
				loses = IsDown
				if gives(IsCorrupt) {
					or = append(or, is(targets[0], IsCorrupt))
				}
			}
			lost = is(targets[0], loses)
		}
		if e.fallback < 0 {
			if gives(felt[e.rule][down]) {
				or = append(or, lost)
			}
			continue
		}
		for bit := range impairments {
			if gives(felt[e.rule][bit]) {
				or = append(or, add(gate{2, []term{lost, is(e.fallback, 1<<bit)}}))
			}
		}
	}
	return or
}

// settle returns the gates that are true when some causes are, by counting how many
// of their terms are still to come true.
func (f *formula) settle(causes bool) []bool {
	users := f.adjacency(func(gate) bool { return true }).reverse()
	missing := make([]int, len(f.gates))
	is := make([]bool, len(f.gates))
	var queue []term
	fall := func(t term) {
		if !is[t] && missing[t] <= 0 {
			is[t] = true
			queue = append(queue, t)
		}
	}
	for i := gate0; i < len(f.gates); i++ {
		missing[i] = f.gates[i].atLeast
		for _, t := range f.gates[i].of {
			if t == certain || causes && t.isCause() {
				missing[i]--
			}
		}
		fall(term(i))
	}
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, u := range users.of(Node(t)) {
			for _, s := range f.gates[u].of { // one that is named twice counts twice
				if s == t {
					missing[u]--
				}
			}
			fall(term(u))
		}
	}
	return is
}

// adjacency leads from gates to the gates they name, where follow is true of both.
func (f *formula) adjacency(follow func(gate) bool) adjacency {
	a := adjacency{first: make([]int32, len(f.gates)+1)}
	for i := range f.gates {
		if i >= gate0 && follow(f.gates[i]) {
			for _, t := range f.gates[i].of {
				if t.isGate() && follow(f.gates[t]) {
					a.nodes = append(a.nodes, Node(t))
				}
			}
			row := a.nodes[a.first[i]:]
			slices.Sort(row)
			a.nodes = a.nodes[:int(a.first[i])+len(slices.Compact(row))]
		}
		a.first[i+1] = int32(len(a.nodes))
	}
	return a
}

// untangle puts a formula with cycles into order: constants are put in, rings of ORs
// become one OR, and what is left of cycles becomes knots.
func (f *formula) untangle() *formula {
	can, must := f.settle(true), f.settle(false)
	instead := make([]term, len(f.gates))
	for i := range instead {
		switch {
		case i < gate0:
			instead[i] = term(i)
		case must[i]:
			instead[i] = certain
		case !can[i]:
			instead[i] = impossible
		default:
			instead[i] = term(i)
		}
	}
	put := func(of []term) []term {
		is := make([]term, len(of))
		for i, t := range of {
			if is[i] = t; t >= 0 {
				is[i] = instead[t]
			}
		}
		return is
	}
	for i := gate0; i < len(f.gates); i++ {
		f.gates[i].of = put(f.gates[i].of)
	}
	// A ring of ORs is true as soon as anything outside makes one of them true.
	order, ends := f.adjacency(gate.isOr).components()
	first := int32(0)
	for _, end := range ends {
		if ring := order[first:end]; len(ring) > 1 {
			var of []term
			for _, i := range ring {
				of = append(of, f.gates[i].of...)
				instead[i] = term(ring[0])
			}
			f.gates[ring[0]].of = of
		}
		first = end
	}
	for i := gate0; i < len(f.gates); i++ {
		f.gates[i].of = put(f.gates[i].of)
	}
	b := newBuilder()
	order, ends = f.adjacency(func(gate) bool { return true }).components()
	first = 0
	for _, end := range ends {
		b.rebuild(f, order[first:end], nil)
		first = end
	}
	top := f.top
	if top.isGate() {
		top = instead[top]
	}
	return b.finish(top)
}

// builder makes a formula of another, simpler where it can be: constants are folded
// and equal gates are one.
type builder struct {
	formula
	is   []term // by gate of the old formula: what stands for it
	seen map[string]term
	key  []byte
}

func newBuilder() *builder {
	return &builder{formula: formula{gates: make([]gate, gate0), knot: make([]int32, gate0)}, seen: make(map[string]term)}
}

// rebuild adds gates of the old formula that need each other, or one, with what stands
// for their terms.
func (b *builder) rebuild(old *formula, gates []Node, replace func(in Node, t term) (term, bool)) {
	b.standing(old, nil)
	put := func(in Node) gate {
		x := gate{old.gates[in].atLeast, b.standing(old, old.gates[in].of)}
		if replace != nil {
			for i, t := range old.gates[in].of {
				if by, ok := replace(in, t); ok {
					x.of[i] = by
				}
			}
		}
		return x
	}
	if len(gates) == 1 {
		if gates[0] >= gate0 {
			// What names itself is at its least without.
			b.is[gates[0]] = impossible
			b.is[gates[0]] = b.make(put(gates[0]))
		}
		return
	}
	knot := int32(len(b.gates)) + 1
	for _, i := range gates {
		b.is[i] = b.add(gate{})
		b.knot = append(b.knot, knot)
	}
	for _, i := range gates {
		b.gates[b.is[i]] = put(i).fold()
	}
}

// standing returns what stands for terms of the old formula.
func (b *builder) standing(old *formula, of []term) []term {
	if missing := len(old.gates) - len(b.is); missing > 0 {
		b.is = append(b.is, make([]term, missing)...)
		b.is[certain] = certain
	}
	is := make([]term, len(of))
	for i, t := range of {
		if is[i] = t; !t.isCause() {
			is[i] = b.is[t]
		}
	}
	return is
}

// fold leaves out constants.
func (x gate) fold() gate {
	var of []term
	for _, t := range x.of {
		switch t {
		case certain:
			x.atLeast--
		case impossible:
		default:
			of = append(of, t)
		}
	}
	x.of = of
	return x
}

// make returns a term for a gate: a new one only if it has to be.
func (b *builder) make(x gate) term {
	x = x.fold()
	slices.Sort(x.of)
	if x.isOr() {
		x.of = slices.Compact(x.of)
	} else if n := len(x.of); x.atLeast == n {
		x.of = slices.Compact(x.of)
		x.atLeast = len(x.of)
	}
	switch {
	case x.atLeast <= 0:
		return certain
	case x.atLeast > len(x.of):
		return impossible
	case len(x.of) == 1:
		return x.of[0]
	}
	b.key = binary.AppendUvarint(b.key[:0], uint64(x.atLeast))
	for _, t := range x.of {
		b.key = binary.AppendVarint(b.key, int64(t))
	}
	if t, ok := b.seen[string(b.key)]; ok {
		return t
	}
	t := b.add(x)
	b.knot = append(b.knot, 0)
	b.seen[string(b.key)] = t
	return t
}

func (b *builder) finish(top term) *formula {
	if b.top = top; top.isGate() {
		b.top = b.is[top]
	}
	return &b.formula
}

// parts returns the gates that something is made of, itself included: those of a knot
// together, callee-first.
func (f *formula) parts(top term) [][]Node {
	reached := make([]bool, len(f.gates))
	var queue []term
	reach := func(t term) {
		if !t.isGate() || reached[t] {
			return
		}
		if k := f.knot[t]; k > 0 { // all of it
			for i := k - 1; int(i) < len(f.gates) && f.knot[i] == k; i++ {
				reached[i] = true
				queue = append(queue, term(i))
			}
			return
		}
		reached[t] = true
		queue = append(queue, t)
	}
	reach(top)
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, s := range f.gates[t].of {
			reach(s)
		}
	}
	var parts [][]Node
	for i := gate0; i < len(f.gates); i++ {
		switch k := f.knot[i]; {
		case !reached[i]:
		case k > 0 && int(k)-1 != i:
			parts[len(parts)-1] = append(parts[len(parts)-1], Node(i))
		default:
			parts = append(parts, []Node{Node(i)})
		}
	}
	return parts
}

// simplify returns a smaller formula for the same function.
func (f *formula) simplify() *formula {
	for {
		size := f.size()
		f = f.flatten().absorb()
		if f.size() >= size {
			return f
		}
	}
}

// size is how many terms the gates have that the top is made of.
func (f *formula) size() int {
	n := 0
	for _, part := range f.parts(f.top) {
		for _, i := range part {
			n += len(f.gates[i].of)
		}
	}
	return n
}

// flatten puts ORs into ORs and ANDs into ANDs where nothing else names them; and
// into the top in any case.
func (f *formula) flatten() *formula {
	if !f.top.isGate() {
		return f
	}
	parts := f.parts(f.top)
	named := make([]int32, len(f.gates))
	for _, part := range parts {
		for _, i := range part {
			for _, t := range f.gates[i].of {
				if t.isGate() {
					named[t]++
				}
			}
		}
	}
	b := newBuilder()
	for _, part := range parts {
		if len(part) == 1 && f.knot[part[0]] == 0 {
			i := part[0]
			x := &f.gates[i]
			within := func(t term) bool {
				return t.isGate() && f.knot[t] == 0 && x.same(f.gates[t]) && (named[t] == 1 || term(i) == f.top)
			}
			if slices.ContainsFunc(x.of, within) {
				var of []term
				seen := make(map[term]bool)
				open := slices.Clone(x.of)
				for len(open) > 0 {
					t := open[len(open)-1]
					open = open[:len(open)-1]
					switch {
					case seen[t]:
					case within(t):
						open = append(open, f.gates[t].of...)
					default:
						of = append(of, t)
					}
					seen[t] = true
				}
				and := x.isAnd()
				if x.of = of; and {
					x.atLeast = len(of)
				}
			}
		}
		b.rebuild(f, part, nil)
	}
	return b.finish(f.top)
}

// absorb uses x OR f = x OR f[x: false], and x AND f = x AND f[x: true], at the top:
// what brings it down alone need not be looked at below. In catalogs, where most needs
// are hard, this takes most of a formula away.
func (f *formula) absorb() *formula {
	if !f.top.isGate() || f.knot[f.top] > 0 {
		return f
	}
	top := &f.gates[f.top]
	if !top.isOr() && !top.isAnd() {
		return f
	}
	known := impossible
	if top.isAnd() {
		known = certain
	}
	alone := make(map[term]bool, len(top.of))
	for _, t := range top.of {
		alone[t] = true
	}
	b := newBuilder()
	for _, part := range f.parts(f.top) {
		b.rebuild(f, part, func(in Node, t term) (term, bool) {
			return known, term(in) != f.top && alone[t]
		})
	}
	return b.finish(f.top)
}
