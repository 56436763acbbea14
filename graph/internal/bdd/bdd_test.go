package bdd

import (
	"context"
	"errors"
	"math"
	"math/big"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

const variables = 5

// table is a function by definition: bit i is its value where variable v is bit v of i.
type truth uint32

func (s *Space) truth(f Node) (t truth) {
	for i := range 1 << variables {
		n := f
		for n > True {
			v := s.functions.vertices[n]
			if n = v.lo; i&(1<<v.level) != 0 {
				n = v.hi
			}
		}
		t |= truth(n) << i
	}
	return t
}

func variable(v int) (t truth) {
	for i := range 1 << variables {
		t |= truth(i>>v&1) << i
	}
	return t
}

func draw(t *rapid.T, s *Space, depth int, negations bool) (Node, truth) {
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	switch {
	case depth == 0 || kind == 0:
		v := rapid.IntRange(0, variables-1).Draw(t, "variable")
		return s.Var(v), variable(v)
	case kind == 1 && negations:
		f, is := draw(t, s, depth-1, negations)
		return s.Not(f), ^is
	}
	n := rapid.IntRange(1, 4).Draw(t, "terms")
	k := rapid.IntRange(0, n+1).Draw(t, "at least")
	var of []Node
	var all []truth
	for range n {
		f, is := draw(t, s, depth-1, negations)
		of, all = append(of, f), append(all, is)
	}
	var is truth
	for i := range 1 << variables {
		count := 0
		for _, t := range all {
			count += int(t >> i & 1)
		}
		if count >= k {
			is |= 1 << i
		}
	}
	return s.AtLeast(k, of), is
}

func TestByTruthTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		negations := rapid.Bool().Draw(t, "negations")
		s := New(context.Background(), 1<<20, !negations)
		f, want := draw(t, s, 3, negations)
		if got := s.truth(f); got != want {
			t.Fatalf("got %032b, want %032b", got, want)
		}
		// Minimal solutions, and what they cover.
		minimal := make(map[int]bool)
		var covered truth
		for i := range 1 << variables {
			if want>>i&1 == 0 {
				continue
			}
			is := true
			for part := range i {
				is = is && (part&i != part || want>>part&1 == 0)
			}
			if is {
				minimal[i] = true
				for whole := range 1 << variables {
					if whole&i == i {
						covered |= 1 << whole
					}
				}
			}
		}
		z := s.Minimal(f)
		least := []int{1, 1, 1, 1, 1}
		most := rapid.IntRange(0, variables).Draw(t, "most")
		found := 0
		s.Sets(z, most, least, func(levels []int) bool {
			set := 0
			for _, l := range levels {
				set |= 1 << l
			}
			if !minimal[set] || len(levels) > most {
				t.Fatalf("set %05b of at most %d", set, most)
			}
			found++
			return true
		})
		counts := make([]int64, variables+1)
		few := 0
		for set := range minimal {
			counts[bits.OnesCount(uint(set))]++
			if bits.OnesCount(uint(set)) <= most {
				few++
			}
		}
		if found != few {
			t.Fatalf("%d sets of at most %d, want %d", found, most, few)
		}
		for i, n := range s.Orders(z, make([][]*big.Int, variables)) {
			if n.Int64() != counts[i] {
				t.Fatalf("%v sets of %d, want %d", n, i, counts[i])
			}
		}
		if got := s.truth(s.Cover(z)); got != covered {
			t.Fatalf("covers %032b, want %032b", got, covered)
		}
		// Probabilities.
		p := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}), variables, variables).Draw(t, "p")
		sum := func(holds func(i int) bool) (sum float64) {
			for i := range 1 << variables {
				if holds(i) {
					q := 1.0
					for v := range variables {
						q *= math.Abs(float64(1-i>>v&1) - p[v])
					}
					sum += q
				}
			}
			return sum
		}
		if got, want := s.Probability(f, p), sum(func(i int) bool { return want>>i&1 == 1 }); got != want {
			t.Fatalf("probability %v, want %v", got, want)
		}
		for v, g := range s.Conditional(f, p) {
			with, without := sum(func(i int) bool { return want>>(i|1<<v)&1 == 1 }), sum(func(i int) bool { return want>>(i&^(1<<v))&1 == 1 })
			if g.True != with || g.False != without || g.Slope != with-without {
				t.Fatalf("given variable %d: %+v, want %v and %v", v, g, with, without)
			}
		}
	})
}

// Two to the power of seventy sets.
func TestManySets(t *testing.T) {
	s := New(t.Context(), 1<<20, true)
	var all []Node
	for i := range 70 {
		all = append(all, s.AtLeast(1, []Node{s.Var(2 * i), s.Var(2*i + 1)}))
	}
	z := s.Minimal(s.AtLeast(70, all))
	orders := s.Orders(z, make([][]*big.Int, 140))
	want := new(big.Int).Lsh(big.NewInt(1), 70)
	if len(orders) != 71 || orders[70].Cmp(want) != 0 || orders[69].Sign() != 0 {
		t.Errorf("got %v", orders)
	}
	// The same with choices in place of the pairs.
	two := []*big.Int{new(big.Int), big.NewInt(2)}
	all = all[:0]
	sizes := make([][]*big.Int, 70)
	for i := range 70 {
		all = append(all, s.Var(i))
		sizes[i] = two
	}
	orders = s.Orders(s.Minimal(s.AtLeast(70, all)), sizes)
	if len(orders) != 71 || orders[70].Cmp(want) != 0 {
		t.Errorf("of choices: got %v", orders)
	}
}

func TestFull(t *testing.T) {
	grow := func(s *Space) {
		var all []Node
		for i := range 400 {
			all = append(all, s.Var(i))
		}
		s.Minimal(s.AtLeast(200, all))
	}
	s := New(t.Context(), 1000, true)
	if grow(s); !errors.Is(s.Err(), ErrFull) || s.Size() > 1000 {
		t.Errorf("%v, %d vertices", s.Err(), s.Size())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = New(ctx, 1<<24, true)
	if grow(s); !errors.Is(s.Err(), context.Canceled) {
		t.Errorf("after %d vertices: %v", s.Size(), s.Err())
	}
}
