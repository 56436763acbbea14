package bdd

import (
	"math"
	"math/big"
	"slices"
)

// reachable returns the vertices of a diagram, children before parents.
func (t *table) reachable(root Node) []Node {
	if root <= True {
		return nil
	}
	seen := make([]uint64, root/64+1)
	seen[root/64] |= 1 << (root % 64)
	var all []Node
	for n := root; n > True; n-- { // children have smaller numbers
		if seen[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		all = append(all, n)
		v := &t.vertices[n]
		seen[v.lo/64] |= 1 << (v.lo % 64)
		seen[v.hi/64] |= 1 << (v.hi % 64)
	}
	slices.Reverse(all)
	return all
}

// Probability returns the probability that a function is true, where the variable
// at level i is true with probability p[i], independently of the others.
func (s *Space) Probability(f Node, p []float64) float64 {
	is := s.probabilities(f, p)
	return is[f]
}

func (s *Space) probabilities(f Node, p []float64) []float64 {
	is := make([]float64, max(f, True)+1)
	is[True] = 1
	for _, n := range s.functions.reachable(f) {
		v := &s.functions.vertices[n]
		is[n] = float64(p[v.level]*is[v.hi]) + float64((1-p[v.level])*is[v.lo])
	}
	return is
}

// Given is what the probability of a function is when the variable at each level is
// false, and when it is true; and how much more that is: the derivative by the
// probability of the variable.
type Given struct{ False, True, Slope float64 }

// Conditional returns Given by level. Only what is positive is added up, so that what
// can only happen with a variable has a probability of exactly 0 without.
func (s *Space) Conditional(f Node, p []float64) []Given {
	below := s.probabilities(f, p)
	given := make([]Given, len(p))
	above := make([]float64, len(below)) // that a walk from the root comes here
	above[f] = 1
	// Walks that step over a level are true or false whatever the variable is: what they
	// are worth lies in ranges of levels.
	over := make(ranges, 2*len(p))
	step := func(from int, to Node, worth float64) {
		if to != False {
			over.add(from, min(len(p), int(s.level(to))), float64(worth*below[to]))
		}
	}
	step(0, f, 1)
	for _, n := range slices.Backward(s.functions.reachable(f)) {
		v := &s.functions.vertices[n]
		g := &given[v.level]
		g.Slope += float64(above[n] * (below[v.hi] - below[v.lo]))
		g.True += float64(above[n] * below[v.hi])
		g.False += float64(above[n] * below[v.lo])
		hi, lo := float64(above[n]*p[v.level]), float64(above[n]*(1-p[v.level]))
		above[v.hi] += hi
		above[v.lo] += lo
		step(int(v.level)+1, v.hi, hi)
		step(int(v.level)+1, v.lo, lo)
	}
	for level := range given {
		whatever := over.at(level)
		given[level].True += whatever
		given[level].False += whatever
	}
	return given
}

// ranges is a sum at each of n places, as a tree of 2n: adding to a range of places
// and reading one takes the logarithm of n.
type ranges []float64

func (r ranges) add(from, to int, x float64) {
	n := len(r) / 2
	for from, to = from+n, to+n; from < to; from, to = from/2, to/2 {
		if from%2 == 1 {
			r[from] += x
			from++
		}
		if to%2 == 1 {
			to--
			r[to] += x
		}
	}
}

func (r ranges) at(place int) (sum float64) {
	for i := place + len(r)/2; i > 0; i /= 2 {
		sum += r[i]
	}
	return sum
}

// Orders returns how many sets of a family have 0, 1, 2 … elements. A variable
// stands for a set of one, or where sizes[level] is not nil for a choice of sets,
// sizes[level][i] of which have i elements.
func (s *Space) Orders(z Node, sizes [][]*big.Int) []*big.Int {
	vertices := s.families.reachable(z)
	total := make([]float64, max(z, True)+1)
	total[True] = 1
	for _, n := range vertices {
		v := &s.families.vertices[n]
		choices := 1.0
		if sizes[v.level] != nil {
			choices = 0
			for _, c := range sizes[v.level] {
				f, _ := new(big.Float).SetInt(c).Float64()
				choices += f
			}
		}
		total[n] = total[v.lo] + float64(choices*total[v.hi])
	}
	if total[z] < 1<<62 {
		return s.smallOrders(z, vertices, sizes)
	}
	return s.largeOrders(z, vertices, sizes)
}

// smallOrders is Orders where all counts fit into 64 bits. The counts of a vertex are
// counts[first[n]:first[n+1]], one for each order, none where it has no set.
func (s *Space) smallOrders(z Node, vertices []Node, sizes [][]*big.Int) []*big.Int {
	type span struct{ first, end int }
	spans := make([]span, max(z, True)+1)
	counts := []uint64{1}
	spans[True] = span{0, 1}
	one := []uint64{0, 1}
	small := make([][]uint64, len(sizes))
	for level, of := range sizes {
		for _, c := range of {
			small[level] = append(small[level], c.Uint64())
		}
	}
	for _, n := range vertices {
		v := &s.families.vertices[n]
		by := one
		if small[v.level] != nil {
			by = small[v.level]
		}
		lo, hi := spans[v.lo], spans[v.hi]
		length := max(lo.end-lo.first, hi.end-hi.first+len(by)-1)
		at := len(counts)
		counts = append(counts, make([]uint64, length)...)
		is := counts[at:]
		copy(is, counts[lo.first:lo.end])
		for i, c := range by {
			if c != 0 {
				for j, d := range counts[hi.first:hi.end] {
					is[i+j] += c * d
				}
			}
		}
		spans[n] = span{at, at + length}
	}
	var orders []*big.Int
	for _, c := range counts[spans[z].first:spans[z].end] {
		orders = append(orders, new(big.Int).SetUint64(c))
	}
	return orders
}

// largeOrders is Orders of any counts.
func (s *Space) largeOrders(z Node, vertices []Node, sizes [][]*big.Int) []*big.Int {
	counts := make([][]*big.Int, max(z, True)+1)
	parents := make([]int32, max(z, True)+1) // still to come; counts go when none is
	for _, n := range vertices {
		v := &s.families.vertices[n]
		parents[v.lo]++
		parents[v.hi]++
	}
	counts[True] = []*big.Int{big.NewInt(1)}
	one := []*big.Int{new(big.Int), big.NewInt(1)}
	product := new(big.Int)
	for _, n := range vertices {
		v := &s.families.vertices[n]
		by := one
		if sizes[v.level] != nil {
			by = sizes[v.level]
		}
		is := make([]*big.Int, max(len(counts[v.lo]), len(counts[v.hi])+len(by)-1))
		for i := range is {
			is[i] = new(big.Int)
			if i < len(counts[v.lo]) {
				is[i].Set(counts[v.lo][i])
			}
		}
		for i, c := range by {
			if c.Sign() != 0 {
				for j, d := range counts[v.hi] {
					is[i+j].Add(is[i+j], product.Mul(c, d))
				}
			}
		}
		counts[n] = is
		for _, child := range []Node{v.lo, v.hi} {
			if parents[child]--; parents[child] == 0 && child > True {
				counts[child] = nil
			}
		}
	}
	return counts[z]
}

// Sets yields the sets of a family that have at most so many elements, each as the
// levels of its variables in order, until yield returns false. A variable counts
// least[level] elements. The slice is the same each time.
func (s *Space) Sets(z Node, most int, least []int, yield func(levels []int) bool) {
	// fewest is the size of the smallest set of a vertex, so that no walk is in vain.
	fewest := make([]int, max(z, True)+1)
	fewest[False] = math.MaxInt / 2
	for _, n := range s.families.reachable(z) {
		v := &s.families.vertices[n]
		fewest[n] = min(fewest[v.lo], fewest[v.hi]+least[v.level])
	}
	var levels []int
	var walk func(n Node, left int) bool
	walk = func(n Node, left int) bool {
		for n > True && fewest[n] <= left {
			v := &s.families.vertices[n]
			levels = append(levels, int(v.level))
			more := walk(v.hi, left-least[v.level])
			levels = levels[:len(levels)-1]
			if !more {
				return false
			}
			n = v.lo
		}
		return n != True || left < 0 || yield(levels)
	}
	walk(z, most)
}
