package replay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// Prediction is what a record up to a time says of what comes after it.
type Prediction struct {
	Until       float64 // minutes; nothing recorded later was looked at
	Seed        uint64
	Draws, Kept int
	Boundaries  []Predicted // recorded after Until, in the order of the record
	Inside      int         // of them: the record lies in the interval
}

// Predicted is a boundary that was not looked at.
type Predicted struct {
	Ends
	Low, Median, High float64 // minutes, 5, 50 and 95 % of the kept draws that have it; NaN where none has
	None              float64 // share of the kept draws that do not have it
	Inside            bool    // the recorded band touches the interval
}

// keptShare is the part of all draws that is kept: those that agree best with what was
// recorded until then.
const keptShare = 0.25

// Predict draws the parameters that a record names from their ranges, evenly by factors,
// plays each draw, keeps the quarter that agrees best with what was recorded until a
// time, and tells between which times the later boundaries lie: approximate Bayesian
// computation by rejection (Beaumont, Zhang and Balding, Genetics 162, 2002). Ranges are
// covered evenly by a Latin hypercube (McKay, Beckman and Conover, Technometrics 21,
// 1979). A range that is wide and that nothing before bears upon leaves an interval that
// is wide.
func Predict(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, until float64, draws int, seed uint64, play Play, progress func(done, planned int)) (*Prediction, error) {
	rec := sc.Record
	var free []*Parameter
	all := Parameters(c, sc)
	for i := range all {
		if !math.IsNaN(all[i].Low) {
			free = append(free, &all[i])
		}
	}
	if len(free) == 0 {
		return nil, fmt.Errorf("the record of this incident names no parameter with a range, so that there is nothing to draw")
	}
	points := hypercube(rand.New(rand.NewPCG(seed, 0x70726564696374)), draws, len(free))
	type drawn struct {
		cost  float64
		score *Score
	}
	played := make([]drawn, draws)
	count := counter(draws, progress)
	err := each(ctx, draws, func(i int) error {
		values := make([]float64, len(free))
		for k, p := range free {
			values[k] = p.value(points[i][k])
		}
		varied, moved := With(c, sc, free, values)
		res, err := play(ctx, varied, moved)
		if err != nil && ctx.Err() != nil {
			return err
		}
		played[i].cost = math.Inf(1)
		if err == nil {
			s := Judge(rec, Impacts(varied, res, rec, Shown), end(res)/60, nil)
			played[i] = drawn{Cost(rec, s, until), s}
		}
		count()
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(played, func(a, b drawn) int { return cmp.Compare(a.cost, b.cost) })
	// All that agree as well as the last one that is kept: where nothing recorded tells
	// draws apart, the ranges themselves are what is known.
	last := played[max(1, int(keptShare*float64(draws)))-1].cost
	kept := slices.DeleteFunc(slices.Clone(played), func(d drawn) bool { return d.score == nil || d.cost > last+1e-9 })
	p := &Prediction{Until: until, Seed: seed, Draws: draws, Kept: len(kept)}
	if len(kept) == 0 {
		return nil, fmt.Errorf("none of %d draws of the parameters could be played", draws)
	}
	for _, e := range kept[0].score.ends() {
		w := &rec.Windows[e.Window]
		m := w.Start
		if e.End {
			m = w.End
		}
		if m.High/60 <= until {
			continue
		}
		x := Predicted{Ends: e}
		var at []float64
		for _, d := range kept {
			if t := d.score.place(e); !math.IsNaN(t) {
				at = append(at, t)
			}
		}
		x.Low, x.Median, x.High = spread(at)
		x.None = 1 - float64(len(at))/float64(len(kept))
		x.Inside = len(at) > 0 && m.High/60 >= x.Low && m.Low/60 <= x.High
		if x.Inside {
			p.Inside++
		}
		p.Boundaries = append(p.Boundaries, x)
	}
	return p, nil
}

// spread is the 5, 50 and 95 % of a list; NaN where it is empty.
func spread(all []float64) (low, median, high float64) {
	if len(all) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	slices.Sort(all)
	return quantile(all, 0.05), quantile(all, 0.5), quantile(all, 0.95)
}

// hypercube is n points of the unit cube such that each of n equal slices of every
// dimension has one.
func hypercube(random *rand.Rand, n, dimensions int) [][]float64 {
	points := make([][]float64, n)
	for i := range points {
		points[i] = make([]float64, dimensions)
	}
	for k := range dimensions {
		for i, slice := range random.Perm(n) {
			points[i][k] = (float64(slice) + random.Float64()) / float64(n)
		}
	}
	return points
}
