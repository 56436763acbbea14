package replay

import (
	"context"
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
)

// Spread is what came of an incident in many runs, where chance decides.
type Spread struct {
	First      uint64 // the seed of the first
	Runs       int
	Headlines  []Headline // the worst of all thresholds, by seed
	Boundaries []Spanned  // scored ones, in the order of the record
}

// Spanned is where a boundary lies in many runs.
type Spanned struct {
	Ends
	Low, Median, High float64 // minutes, 5, 50 and 95 % of the runs that have it; NaN where none has
	None              float64 // share of the runs that do not have it
}

// Many replays an incident once for every seed, and scores each run. It returns the run
// of the first seed as well.
func Many(ctx context.Context, c *catalog.Catalog, first uint64, seeds int, private map[Ends]string, play func(ctx context.Context, seed uint64) (*propagate.Result, error), progress func(done, planned int)) (*Spread, *propagate.Result, error) {
	type run struct {
		headline Headline
		score    *Score
	}
	runs := make([]run, seeds)
	var one *propagate.Result
	count := counter(seeds, progress)
	err := each(ctx, seeds, func(i int) error {
		res, err := play(ctx, first+uint64(i))
		if err != nil {
			return err
		}
		r := New(c, res, private)
		runs[i] = run{r.Headline, r.Shown()}
		if i == 0 {
			one = res
		}
		count()
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	s := &Spread{First: first, Runs: seeds}
	for i := range runs {
		s.Headlines = append(s.Headlines, runs[i].headline)
	}
	for _, e := range runs[0].score.ends() {
		var at []float64
		for i := range runs {
			if t := runs[i].score.place(e); !math.IsNaN(t) {
				at = append(at, t)
			}
		}
		x := Spanned{Ends: e, None: 1 - float64(len(at))/float64(seeds)}
		x.Low, x.Median, x.High = spread(at)
		s.Boundaries = append(s.Boundaries, x)
	}
	return s, one, nil
}

// Of is the spread of one number of the headline: 5, 50 and 95 % of the runs.
func (s *Spread) Of(number func(*Headline) float64) (low, median, high float64) {
	var all []float64
	for i := range s.Headlines {
		if v := number(&s.Headlines[i]); !math.IsNaN(v) {
			all = append(all, v)
		}
	}
	return spread(all)
}
