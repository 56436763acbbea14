package replay

import (
	"context"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// Swing is by how large a share a parameter is moved, down and up, in order to see which
// boundaries hang on it.
const Swing = 0.25

// LeastMove is by how many minutes a boundary has to move in order to count as moved:
// more than one bin.
const LeastMove = 1.0

// Parameter is a number of a catalog, or one that stands in several places of it, and
// what hangs on it.
type Parameter struct {
	Name      string // the path where the record gives none
	Paths     []string
	Evidence  unit.Evidence // the weakest of all places
	Source    string
	Unit      catalog.NumberUnit
	Value     float64
	Low, High float64 // NaN where no range is stated
	Why       string  // of the range
	Tried     bool    // it was moved; else Moves says nothing
	Moves     []Move
	Private   bool // fitted, and one boundary alone hangs on it
}

// Move is how far a boundary moves with a parameter, in minutes. A boundary that comes
// or goes moves without end.
type Move struct {
	Ends
	Down, Up float64 // when the parameter is less, and when it is more
}

// far is how far a boundary moves at most.
func (m Move) far() float64 { return max(math.Abs(m.Down), math.Abs(m.Up)) }

// weakness orders evidence from what is known best.
func weakness(e unit.Evidence) int {
	return slices.Index([]unit.Evidence{unit.Documented, unit.Stated, unit.Fitted, unit.Guess}, e)
}

// Parameters lists numbers: first those that the record of a scenario names, then the
// others that the catalog itself states, by path.
func Parameters(c *catalog.Catalog, sc *scenario.Scenario) []Parameter {
	rec := sc.Record
	numbers := catalog.Numbers(c)
	declared := len(numbers)
	numbers = append(numbers, scenario.Numbers(sc)...)
	index := make(map[string]int, len(numbers))
	for i := range numbers {
		index[numbers[i].Path] = i
	}
	var all []Parameter
	named := make(map[string]bool)
	for i := range rec.Parameters {
		p := &rec.Parameters[i]
		x := Parameter{Name: p.Name, Paths: p.Paths, Unit: p.Unit, Value: math.NaN(), Low: p.Low, High: p.High, Why: p.Why}
		for j, path := range p.Paths {
			at, ok := index[path]
			if !ok {
				continue
			}
			n := &numbers[at]
			named[path] = true
			known := n.Evidence
			if at >= declared {
				known = p.Evidence
			}
			if j == 0 {
				x.Value, x.Source = n.Value(), n.Source
			}
			if j == 0 || weakness(known) > weakness(x.Evidence) {
				x.Evidence = known
			}
		}
		all = append(all, x)
	}
	for i := range numbers[:declared] {
		n := &numbers[i]
		// An end of a range is there with its range, and what a preset brings with it.
		if named[n.Path] || n.At.IsZero() || isEnd(numbers, i) {
			continue
		}
		all = append(all, Parameter{
			Name: n.Path, Paths: []string{n.Path}, Evidence: n.Evidence, Source: n.Source, Unit: n.Unit,
			Value: n.Value(), Low: math.NaN(), High: math.NaN(),
		})
	}
	return all
}

// isEnd reports whether a number is one end of a range that stands just before it.
func isEnd(numbers []catalog.Number, i int) bool {
	for _, back := range [...]int{1, 2} {
		if i < back {
			break
		}
		if whole := numbers[i-back].Path; numbers[i].Path == whole+".low" || numbers[i].Path == whole+".high" {
			return true
		}
	}
	return false
}

// With is a copy of a catalog and a scenario in which parameters have other values, each
// at all its places.
func With(c *catalog.Catalog, sc *scenario.Scenario, parameters []*Parameter, values []float64) (*catalog.Catalog, *scenario.Scenario) {
	c, sc = c.Clone(), sc.Clone()
	numbers := append(catalog.Numbers(c), scenario.Numbers(sc)...)
	for i, p := range parameters {
		for k := range numbers {
			if slices.Contains(p.Paths, numbers[k].Path) {
				numbers[k].Set(values[i])
			}
		}
	}
	return c, sc
}

// movable reports whether it is worth a run to move a parameter: it is fitted, or the
// record says that it may be fitted.
func (p *Parameter) movable() bool {
	return p.Value > 0 && (p.Evidence == unit.Fitted || !math.IsNaN(p.Low))
}

// Sensitivity moves each parameter that is fitted, or that the record names, down and up
// by Swing, and notes how far every scored boundary moves. Two runs for each. It marks
// the parameters that move one boundary alone and are fitted, and returns these
// boundaries. A run that is not possible moves nothing.
func Sensitivity(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, base *Score, all []Parameter, play Play, progress func(done, planned int)) (map[Ends]string, error) {
	var tried []int
	for i := range all {
		if all[i].movable() {
			tried = append(tried, i)
		}
	}
	scores := make([]*Score, 2*len(tried))
	count := counter(len(scores), progress)
	err := each(ctx, len(scores), func(i int) error {
		p := &all[tried[i/2]]
		factor := 1 - Swing
		if i%2 == 1 {
			factor = 1 + Swing
		}
		varied, moved := With(c, sc, []*Parameter{p}, []float64{p.Value * factor})
		res, err := play(ctx, varied, moved)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err == nil {
			scores[i] = Judge(sc.Record, Impacts(varied, res, sc.Record, Shown), end(res)/60, nil)
		}
		count()
		return nil
	})
	if err != nil {
		return nil, err
	}
	private := make(map[Ends]string)
	for k, at := range tried {
		p := &all[at]
		p.Tried = true
		p.Moves = moves(base, scores[2*k], scores[2*k+1])
		if one, ok := alone(base, p.Moves); ok && p.Evidence == unit.Fitted {
			p.Private = true
			for _, e := range one {
				private[e] = p.Name
			}
		}
	}
	return private, nil
}

// counter tells of each of n things that is done, one at a time.
func counter(n int, progress func(done, planned int)) func() {
	done := make(chan struct{}, 1)
	done <- struct{}{}
	count := 0
	return func() {
		<-done
		count++
		if progress != nil {
			progress(count, n)
		}
		done <- struct{}{}
	}
}

// moves compares the boundaries of two runs with those of the base; nil is a run that
// was not possible.
func moves(base, down, up *Score) (all []Move) {
	by := func(s *Score, e Ends) float64 {
		if s == nil {
			return 0
		}
		a, b := base.place(e), s.place(e)
		switch {
		case math.IsNaN(a) && math.IsNaN(b):
			return 0
		case math.IsNaN(b):
			return math.Inf(1)
		case math.IsNaN(a):
			return math.Inf(-1)
		}
		return b - a
	}
	for _, e := range base.ends() {
		if m := (Move{e, by(down, e), by(up, e)}); m.far() > LeastMove {
			all = append(all, m)
		}
	}
	return all
}

// alone are the boundaries that move, where they are one: those that have one cause and
// count once are one.
func alone(base *Score, moved []Move) ([]Ends, bool) {
	var one []Ends
	for i, m := range moved {
		once := base.boundary(m.Ends).Once
		if i > 0 && (once == 0 || once != base.boundary(moved[0].Ends).Once) {
			return nil, false
		}
		one = append(one, m.Ends)
	}
	return one, len(one) > 0
}
