package replay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// Prediction is what a record up to a time says of what comes after it.
type Prediction struct {
	Until       float64 // minutes; no time recorded later was looked at
	Horizon     float64 // minutes; a boundary there is one that has not come when the play ends
	Seed        uint64
	Draws, Kept int
	Partial     bool // interrupted: of the draws that had been played until then
	Parameters  []Narrowed
	Fixed       []string    // fitted values without a range: taken as the whole record has them
	Guesses     int         // guesses without a range: taken as they are
	Boundaries  []Predicted // recorded after Until, in the order of the record
	Inside      int         // of them: the record touches the interval
	Before      int         // the same of the intervals of all draws, which the ranges alone say
	Chance      float64     // how many a time thrown evenly between Until and Horizon would hit
	False       []Unrecorded
}

// Narrowed is what the record until then says of a parameter.
type Narrowed struct {
	Parameter
	From, To float64 // 5 and 95 % of the kept draws
	Spread   float64 // the width of that, by factors, as a part of that of all draws
	Informed bool    // kept draws lie elsewhere than all draws do, by more than chance has it in one case of a hundred
}

// Predicted is a boundary that was not looked at.
type Predicted struct {
	Ends
	Low, Median, High float64    // minutes, 5, 50 and 95 % of the kept draws that have it; NaN where none has
	None              float64    // share of the kept draws that do not have it
	Inside            bool       // the recorded band touches the interval
	Before            [2]float64 // 5 and 95 % of all draws that have it
}

// Unrecorded is a service of which nothing is recorded after the time, and impact in
// draws nevertheless.
type Unrecorded struct {
	Service string
	Share   float64 // of the kept draws, in which there is any
	Minutes float64 // the median of those that have
}

// keptShare is the part of all draws that is kept: those that agree best with what was
// recorded until then.
const keptShare = 0.25

// LeastDraws are as many as leave an interval of five, which is little; with fewer, what is
// interrupted says nothing.
const LeastDraws = 20

// Predict draws the parameters that a record names from their ranges, evenly by factors,
// plays each draw, keeps the quarter that agrees best with what was recorded until a
// time, and tells between which times the later boundaries lie: approximate Bayesian
// computation by rejection (Beaumont, Zhang and Balding, Genetics 162, 2002). Ranges are
// covered evenly by a Latin hypercube (McKay, Beckman and Conover, Technometrics 21,
// 1979). A range that is wide and that nothing before bears upon leaves an interval that
// is wide.
//
// Of what was recorded later is taken which boundaries are asked for, in which order, and
// that they had not come by then. No time of theirs changes a draw, what is kept, or an
// interval. Actions are those of the scenario, also later ones.
//
// A cancelled context gives what the draws until then say, with Partial set, and the
// context's error; nil where they are fewer than LeastDraws.
func Predict(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, until float64, draws int, seed uint64, play Play, progress func(done, planned int)) (*Prediction, error) {
	rec := sc.Record
	p := &Prediction{Until: until, Horizon: sc.Horizon.Seconds() / 60, Seed: seed}
	var free []*Parameter
	all := Parameters(c, sc)
	for i := range all {
		switch x := &all[i]; {
		case !math.IsNaN(x.Low):
			free = append(free, x)
		case x.Evidence == unit.Fitted:
			p.Fixed = append(p.Fixed, x.Name)
		case x.Evidence == unit.Guess:
			p.Guesses++
		}
	}
	if len(free) == 0 {
		return nil, fmt.Errorf("the record of this incident names no parameter with a range, so that there is nothing to draw")
	}
	points := hypercube(rand.New(rand.NewPCG(seed, 0x70726564696374)), draws, len(free))
	known := Until(rec, until)
	played := make([]drawn, draws)
	count := counter(draws, progress)
	err := each(ctx, draws, func(i int) error {
		values := make([]float64, len(free))
		for k, x := range free {
			values[k] = x.value(points[i][k])
		}
		varied, moved := With(c, sc, free, values)
		res, err := play(ctx, varied, moved)
		if err != nil && ctx.Err() != nil {
			return err
		}
		d := drawn{point: points[i], cost: math.Inf(1), tried: true}
		if err == nil {
			d.impacts = Merge(Impacts(varied, res, rec, Shown))
			d.later = comes(rec, d.impacts, until, end(res)/60)
			d.cost = d.disagreement(rec, known, until, end(res)/60)
		}
		played[i] = d
		count()
		return nil
	})
	if err != nil && (ctx.Err() == nil) {
		return nil, err
	}
	played = slices.DeleteFunc(played, func(d drawn) bool { return !d.tried })
	p.Partial = len(played) < draws
	if p.Draws = len(played); p.Partial && p.Draws < LeastDraws {
		return nil, err
	}
	slices.SortStableFunc(played, func(a, b drawn) int { return cmp.Compare(a.cost, b.cost) })
	upTo := func(cost float64) int {
		return sort.Search(len(played), func(i int) bool { return played[i].cost > cost })
	}
	if played = played[:upTo(math.MaxFloat64)]; len(played) == 0 {
		return nil, fmt.Errorf("none of %d draws of the parameters could be played", draws)
	}
	// All that agree as well as the last one that is kept: where nothing recorded tells
	// draws apart, the ranges themselves are what is known.
	last := played[min(max(1, int(keptShare*float64(p.Draws))), len(played))-1].cost
	p.Kept = upTo(last + 1e-9)
	for k, x := range free {
		p.Parameters = append(p.Parameters, narrowed(x, k, played, p.Kept))
	}
	p.boundaries(rec, played)
	p.unrecorded(rec, played[:p.Kept])
	return p, err
}

// drawn is a draw that was played.
type drawn struct {
	tried   bool
	point   []float64 // coordinates of the parameters in their ranges
	cost    float64   // infinite where it cannot be played
	impacts []Impact  // merged
	later   map[Ends]float64
}

// Until is a record as it was known at a time, in minutes: a boundary that was recorded
// later is not known, nor scored. Windows have their places.
func Until(rec *scenario.Record, minutes float64) *scenario.Record {
	known := *rec
	known.Windows = slices.Clone(rec.Windows)
	for i := range known.Windows {
		w := &known.Windows[i]
		if isLater(w.Start, minutes) {
			w.Start, w.StartClass = scenario.Moment{}, scenario.Unscored
		}
		if isLater(w.End, minutes) {
			w.End, w.EndClass = scenario.Moment{}, scenario.Unscored
		}
	}
	return &known
}

// isLater reports whether a moment is known, and not over at a time in minutes.
func isLater(m scenario.Moment, minutes float64) bool { return m.Known && m.High/60 > minutes }

// comes finds what became of the windows that were not over at a time: which of what
// comes after it, in order, by its length and by state, and without their times. Impacts
// are merged.
func comes(rec *scenario.Record, impacts []Impact, until, horizon float64) map[Ends]float64 {
	found := make(map[Ends]float64)
	names, windows := scored(rec)
	for k, name := range names {
		var asked []int
		for _, at := range windows[k] {
			if w := &rec.Windows[at]; isLater(w.End, until) || !w.End.Known {
				asked = append(asked, at)
			}
		}
		var after []Impact // as far as they lie after that time
		var from []float64
		for _, x := range impacts {
			if x.Service == name && x.To > until {
				from = append(from, x.From)
				x.From = max(x.From, until)
				after = append(after, x)
			}
		}
		anytime := slices.Repeat([]extent{{from: until, to: horizon}}, len(asked))
		alike := func(i, j int) bool { return after[j].State.String() == rec.Windows[asked[i]].State }
		for i, j := range assign(anytime, alike, after) {
			if j >= 0 {
				found[Ends{asked[i], false}], found[Ends{asked[i], true}] = from[j], after[j].To
			}
		}
	}
	return found
}

// disagreement is how far a draw is from what was known at a time, in hours: the mean
// error of boundaries that had been recorded, as Cost has it, and in the mean by how much
// too early those come that had not come by then. Of a window that was open then and is
// over before in the draw, that is its end.
func (d *drawn) disagreement(rec, known *scenario.Record, until, horizon float64) float64 {
	s := Judge(known, d.impacts, horizon, nil)
	early, open := 0.0, 0
	for i := range rec.Windows {
		w := &rec.Windows[i]
		if !w.Scores() || !w.Start.Known || !isLater(w.Start, until) && !isLater(w.End, until) {
			continue
		}
		e := Ends{i, !isLater(w.Start, until)}
		if _, ok := d.later[e]; e.End && !ok && s.Windows[i].Impact != nil {
			d.later[e] = s.place(e)
		}
		if at, ok := d.later[e]; ok {
			early += min(max(0, until-at), mostError) / 60
		}
		open++
	}
	return Cost(known, s, until) + early/float64(max(1, open))
}

// narrowed compares the kept draws of a parameter with all. All are even over the range,
// so that Kolmogorov's distance to that is what tells; its bound is that of Stephens,
// Journal of the American Statistical Association 69, 1974.
func narrowed(x *Parameter, k int, played []drawn, kept int) Narrowed {
	at := func(draws []drawn) []float64 {
		var us []float64
		for _, d := range draws {
			us = append(us, d.point[k])
		}
		return us
	}
	us, every := at(played[:kept]), at(played)
	low, _, high := spread(us)
	from, _, to := spread(every)
	distance := 0.0
	for i, u := range us { // sorted by spread
		distance = max(distance, u-float64(i)/float64(kept), float64(i+1)/float64(kept)-u)
	}
	root := math.Sqrt(float64(kept))
	const oneInHundred = 1.628
	return Narrowed{*x, x.value(low), x.value(high), (high - low) / (to - from), distance*(root+0.12+0.11/root) > oneInHundred}
}

// boundaries are the intervals of what was recorded after Until.
func (p *Prediction) boundaries(rec *scenario.Record, played []drawn) {
	for i := range rec.Windows {
		w := &rec.Windows[i]
		for _, end := range [...]bool{false, true} {
			m, class := w.Start, w.StartClass
			if end {
				m, class = w.End, w.EndClass
			}
			if w.Unscored != "" || class == scenario.Unscored || !isLater(m, p.Until) {
				continue
			}
			x := Predicted{Ends: Ends{i, end}}
			touches := func(low, high float64) bool { return m.High/60 >= low && m.Low/60 <= high }
			var at, all []float64
			for n, d := range played {
				if t, ok := d.later[x.Ends]; ok {
					all = append(all, t)
					if n < p.Kept {
						at = append(at, t)
					}
				}
			}
			x.Low, x.Median, x.High = spread(at)
			x.None = 1 - float64(len(at))/float64(p.Kept)
			x.Before[0], _, x.Before[1] = spread(all)
			if x.Inside = touches(x.Low, x.High); x.Inside {
				p.Inside++
			}
			if touches(x.Before[0], x.Before[1]) {
				p.Before++
			}
			if len(at) > 0 {
				p.Chance += max(0, x.High-max(x.Low, p.Until)) / (p.Horizon - p.Until)
			}
			p.Boundaries = append(p.Boundaries, x)
		}
	}
}

// unrecorded looks for services of which all that is recorded was over at Until, and
// those that are known to have been well, and are impaired later in draws.
func (p *Prediction) unrecorded(rec *scenario.Record, kept []drawn) {
	names, windows := scored(rec)
	var over []string
	for k, name := range names {
		if !slices.ContainsFunc(windows[k], func(at int) bool {
			return !rec.Windows[at].End.Known || isLater(rec.Windows[at].End, p.Until)
		}) {
			over = append(over, name)
		}
	}
	for _, name := range append(over, rec.Controls...) {
		var sums []float64
		for _, d := range kept {
			sum := 0.0
			for _, x := range d.impacts {
				if x.Service == name && x.To > p.Until {
					sum += x.To - max(x.From, p.Until)
				}
			}
			if sum >= LeastWindow {
				sums = append(sums, sum)
			}
		}
		if len(sums) > 0 {
			_, median, _ := spread(sums)
			p.False = append(p.False, Unrecorded{name, float64(len(sums)) / float64(len(kept)), median})
		}
	}
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
