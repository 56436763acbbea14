package replay

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"gonum.org/v1/gonum/optimize"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/scenario"
)

// FitOptions are how to fit.
type FitOptions struct {
	Seed        uint64
	Generations int                     // 0: DefaultGenerations
	Population  int                     // runs in each; 0: what Hansen recommends, 4 + 3 ln n, and 6 or more
	Before      float64                 // minutes; boundaries recorded later do not count; 0: all count
	Progress    func(done, planned int) // runs; may be nil. Its calls do not overlap.
}

// firstStep is how far the first draws spread, as a part of a range. Gonum (v0.17) draws
// with the covariance and leaves the step size out, so that the coordinates it searches
// are scaled instead, and the step size is 1.
const firstStep = 0.15

// drawsEach is how many points are spread over the ranges before the search, for each
// parameter.
const drawsEach = 10

// Digits are how many digits of a value that was found are kept: 0.5 % at most, and less
// than a record tells apart.
const Digits = 3

// polishStep is the first step of the last part of a search, as a share of each value, and
// polishRounds how many of 2n+1 runs it has.
const (
	polishStep   = 0.08
	polishRounds = 12
)

// DefaultGenerations is about as many as a few parameters need.
const DefaultGenerations = 40

// Fit is what was found of the parameters that a record names with a range.
type Fit struct {
	Seed        uint64
	Generations int
	Runs        int
	Parameters  []Fitted
	Pairs       []Pair  // parameters that make up for one another
	Start, Cost float64 // of the values that the catalog has, and of those that were found
	Partial     bool    // interrupted: the best until then, and nothing about Sharp and Pairs

	Catalog  *catalog.Catalog // with what was found
	Scenario *scenario.Scenario
}

// Fitted is the value that was found of a parameter.
type Fitted struct {
	Parameter
	Found    float64
	Down, Up float64 // how much the cost rises when it is less, and more, by Swing; NaN where not looked for
	Edge     bool    // it is at an end of its range, which may be too narrow
}

// Identified reports on which sides the record holds a value.
func (f *Fitted) Identified() (below, above bool) { return f.Down >= LeastRise, f.Up >= LeastRise }

// Pair is two parameters of which each matters alone, and which the record cannot tell
// apart: moved together, in the same direction or in opposite ones, they change little.
type Pair struct {
	A, B     int // of Parameters
	Opposite bool
	Rise     float64 // of the cost, when both are moved by Swing
}

// LeastRise is by how much the cost has to rise in order to say that the record holds a
// value: half a minute in the mean of all errors.
const LeastRise = 1.0 / 120

// mostError is the error beyond which a boundary is no worse, in minutes: a fit is not to
// trade a window that cannot be had for all others.
const mostError = 240.0

// Cost is how far a score is from what was recorded until before, in minutes; 0: all of
// it. It is the mean error of boundaries in hours, without tolerance and each at most four
// hours, with emergent boundaries four times the weight of others.
func Cost(rec *scenario.Record, s *Score, before float64) float64 {
	sum, weights := 0.0, 0.0
	for _, e := range s.ends() {
		w, b := &rec.Windows[e.Window], s.boundary(e)
		m := w.Start
		if e.End {
			m = w.End
		}
		if before > 0 && m.High/60 > before {
			continue
		}
		weight := 0.25
		if b.Class == scenario.Emergent {
			weight = 1
		}
		sum += float64(weight * off(m, b) / 60)
		weights += weight
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

// off is how far a boundary is from its band in minutes, without tolerance and at most
// mostError: inside of a tolerance, too, nearer is better for a search.
func off(m scenario.Moment, b *Boundary) float64 {
	d := b.Error // of one without a partner
	if !math.IsNaN(b.Simulated) {
		d = max(m.Low/60-b.Simulated, b.Simulated-m.High/60, 0)
	}
	return min(d, mostError)
}

// Misfit is how far scores of one run, one for each threshold, are from perfect, for a
// fit. It ranks runs as their headline does, and is smooth enough to be searched: of
// emergent onsets and of emergent recoveries the mean, the median and the 90th percentile
// of errors, all six at one weight and in hours; a quarter of the mean error of other
// boundaries; what overlap lacks of 1; and an hour's impact on what was well counts one.
// Each number is the worst of all thresholds. Errors are without tolerance, and at most
// four hours.
func Misfit(rec *scenario.Record, at []*Score) float64 {
	const numbers = 9
	var worst [numbers]float64
	for _, s := range at {
		onset, recovery, other := s.offs(rec)
		x := [numbers]float64{
			onset.Mean / 6, onset.Median / 6, onset.P90 / 6, recovery.Mean / 6, recovery.Median / 6, recovery.P90 / 6,
			0.25 * other.Mean, 60 * (1 - s.Overlap), s.Control,
		}
		for i, minutes := range x {
			if minutes > worst[i] { // not where there is none
				worst[i] = minutes
			}
		}
	}
	sum := 0.0
	for _, minutes := range worst {
		sum += minutes / 60
	}
	return sum
}

// offs sum up how far boundaries are off: emergent onsets, emergent recoveries, and all
// others. Those with one cause count once, as the worst of them.
func (s *Score) offs(rec *scenario.Record) (onset, recovery, other Errors) {
	var errs [3][]float64
	var shared [3]map[int]int // of Once: index in errs
	for i := range shared {
		shared[i] = make(map[int]int)
	}
	for _, e := range s.ends() {
		m, b, kind := rec.Windows[e.Window].Start, s.boundary(e), 0
		if e.End {
			m, kind = rec.Windows[e.Window].End, 1
		}
		if b.Class != scenario.Emergent {
			kind = 2
		}
		d := off(m, b)
		if at, seen := shared[kind][b.Once]; seen && b.Once > 0 {
			errs[kind][at] = max(errs[kind][at], d)
			continue
		}
		shared[kind][b.Once] = len(errs[kind])
		errs[kind] = append(errs[kind], d)
	}
	return summary(errs[0]), summary(errs[1]), summary(errs[2])
}

// Calibrate fits those parameters of a record that are marked as fitted, or all that it
// gives a range where none is, within their ranges and on logarithms. It plays points that
// cover the ranges evenly (a Latin hypercube), and then searches from the best of them by
// CMA-ES (Hansen, "The CMA Evolution Strategy: A Tutorial", 2016; gonum's Cholesky
// variant) and, in small steps, by polish. Where it begins does not hang on the values that
// the catalog has, so that what was found, put into the catalog, is found again. What is
// found is of Digits digits.
// The same seed gives the same values on any number of processors. A cancelled context
// gives the best until then, with Partial set, and the context's error; nil where nothing
// was played.
func Calibrate(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, play Play, o FitOptions) (*Fit, error) {
	all := Parameters(c, sc)
	free := toFit(all)
	n := len(free)
	if n == 0 {
		return nil, fmt.Errorf("the record of this incident names no parameter with a range, so that there is nothing to fit")
	}
	f := &fitting{ctx: ctx, c: c, sc: sc, play: play, before: o.Before, free: free, best: math.Inf(1)}
	generations, population := cmp.Or(o.Generations, DefaultGenerations), o.Population
	if population == 0 {
		population = max(6, 4+int(3*math.Log(float64(n))))
	}
	pairs := n * (n - 1)
	spread := drawsEach * n
	f.count = counter(1+spread+generations*population+1+polishRounds*(2*n+1)+2*n+pairs, o.Progress)

	given := make([]float64, n)
	for i, p := range free {
		given[i] = p.Value
	}
	fit := &Fit{Seed: o.Seed, Start: math.Inf(1)}
	if cost, ok := f.at(given); ok {
		fit.Start = cost
	}
	points := hypercube(rand.New(rand.NewPCG(o.Seed, 0x73707265616473)), spread, n)
	_ = each(ctx, spread, func(i int) error { // what is interrupted is told below
		for k := range points[i] {
			points[i][k] /= firstStep
		}
		f.cost(points[i])
		return nil
	})
	if f.fault != nil {
		panic(f.fault)
	}
	if f.point == nil {
		return nil, cmp.Or(ctx.Err(), fmt.Errorf("none of %d draws of the parameters could be played", spread))
	}
	begin := slices.Clone(f.point)
	settings := &optimize.Settings{MajorIterations: generations, Concurrent: runtime.GOMAXPROCS(0), Converger: optimize.NeverTerminate{}}
	method := &optimize.CmaEsChol{InitStepSize: 1, Population: population, Src: rand.NewPCG(o.Seed, 0x6b6e6f636b6f6e)}
	result, err := optimize.Minimize(optimize.Problem{Func: f.cost, Status: f.status}, begin, settings, method)
	if f.fault != nil {
		panic(f.fault)
	}
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	if result != nil {
		fit.Generations = result.MajorIterations
	}
	values := make([]float64, n)
	for i, p := range free {
		values[i] = round(p.value(f.point[i] * firstStep))
		fit.Parameters = append(fit.Parameters, Fitted{Parameter: *p, Down: math.NaN(), Up: math.NaN()})
	}
	fit.Cost = f.best // until it is known of the rounded values
	if cost, ok := f.at(values); ok {
		fit.Cost = f.polish(values, cost)
	}
	for i := range values {
		fit.Parameters[i].Found = values[i]
		u := free[i].coordinate(values[i])
		fit.Parameters[i].Edge = u < 0.01 || u > 0.99
	}
	fit.Catalog, fit.Scenario = With(c, sc, free, values)
	if err := ctx.Err(); err != nil {
		fit.Partial, fit.Runs = true, f.runs
		return fit, err
	}
	err = f.identify(fit, values)
	fit.Runs = f.runs
	fit.Partial = err != nil
	return fit, err
}

// coordinate is where a value lies in its range, by factors: 0 is the low end and 1 the
// high one.
func (p *Parameter) coordinate(value float64) float64 {
	u := mech.Log(value/p.Low) / mech.Log(p.High/p.Low)
	if !(u > 0) {
		return 0
	}
	return min(1, u)
}

// polish goes from values, which have a cost, to better ones nearby, and returns the cost
// of these: a pattern search (Hooke and Jeeves, Journal of the ACM 8, 1961). A round tries
// each value a step less and a step more, and then all that helped together; it goes to the
// best of these points, or halves the step where there is none better. The percentiles of a
// cost have edges, along which CMA-ES is slow.
func (f *fitting) polish(values []float64, cost float64) float64 {
	n := len(values)
	step := polishStep
	for range polishRounds {
		points := make([][]float64, 2*n)
		costs := make([]float64, 2*n)
		moved := func(i int, up bool) float64 {
			v := values[i] / (1 + step)
			if up {
				v = values[i] * (1 + step)
			}
			return round(min(max(v, f.free[i].Low), f.free[i].High))
		}
		err := each(f.ctx, 2*n, func(k int) error {
			points[k] = slices.Clone(values)
			points[k][k/2] = moved(k/2, k%2 == 1)
			var ok bool
			if costs[k], ok = f.at(points[k]); !ok {
				costs[k] = math.Inf(1)
			}
			return nil
		})
		if err != nil {
			return cost
		}
		together := slices.Clone(values)
		for i := range n {
			k := 2 * i
			if costs[k+1] < costs[k] {
				k++
			}
			if costs[k] < cost {
				together[i] = points[k][i]
			}
		}
		if c, ok := f.at(together); ok {
			points, costs = append(points, together), append(costs, c)
		}
		best := 0
		for k := range costs {
			if costs[k] < costs[best] {
				best = k
			}
		}
		if costs[best] < cost {
			cost = costs[best]
			copy(values, points[best])
			continue
		}
		step /= 2
	}
	return cost
}

// toFit are the parameters that are looked for: those with a range that are marked as
// fitted, or, where none is, all with a range.
func toFit(all []Parameter) (free []*Parameter) {
	marked := func(p *Parameter) bool { return !math.IsNaN(p.Low) && p.Evidence == unit.Fitted }
	none := true
	for i := range all {
		none = none && !marked(&all[i])
	}
	for i := range all {
		if p := &all[i]; marked(p) || none && !math.IsNaN(p.Low) {
			free = append(free, p)
		}
	}
	return free
}

// round rounds to Digits significant digits.
func round(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', Digits, 64), 64)
	return v
}

// value is the value at a coordinate; beyond the ends the range is mirrored.
func (p *Parameter) value(u float64) float64 {
	return p.Low * mech.Power(p.High/p.Low, fold(u))
}

// fold mirrors the line at 0 and 1.
func fold(u float64) float64 {
	u = math.Mod(math.Abs(u), 2)
	if u > 1 {
		u = 2 - u
	}
	return u
}

// fitting plays the points of a search and keeps the best.
type fitting struct {
	ctx    context.Context
	c      *catalog.Catalog
	sc     *scenario.Scenario
	play   Play
	before float64
	free   []*Parameter
	count  func()

	mu    sync.Mutex
	best  float64
	point []float64
	runs  int
	fault any
}

// status ends a search that was interrupted.
func (f *fitting) status() (optimize.Status, error) {
	if f.ctx.Err() != nil {
		return optimize.RuntimeLimit, f.ctx.Err()
	}
	return optimize.NotTerminated, nil
}

// cost plays one point of the search.
func (f *fitting) cost(u []float64) float64 {
	defer func() {
		// What panics in a goroutine of the search would end the program.
		if fault := recover(); fault != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.fault = fault
		}
	}()
	values := make([]float64, len(u))
	for i, p := range f.free {
		values[i] = p.value(u[i] * firstStep)
	}
	cost, ok := f.at(values)
	if !ok {
		return math.Inf(1)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// Which of two is first depends on the processors: the smaller point wins a tie.
	if cost < f.best || cost == f.best && slices.Compare(u, f.point) < 0 {
		f.best, f.point = cost, slices.Clone(u)
	}
	return cost
}

// at is the cost of values; false where they cannot be played, or the search is over.
func (f *fitting) at(values []float64) (float64, bool) {
	if f.ctx.Err() != nil {
		return 0, false
	}
	c, sc := With(f.c, f.sc, f.free, values)
	res, err := f.play(f.ctx, c, sc)
	if err != nil {
		return 0, false
	}
	f.mu.Lock()
	f.runs++
	f.mu.Unlock()
	f.count()
	judge := func(threshold float64) *Score {
		return Judge(sc.Record, Impacts(c, res, sc.Record, threshold), end(res)/60, nil)
	}
	if f.before > 0 {
		return Cost(sc.Record, judge(Shown), f.before), true
	}
	var scores []*Score
	for _, t := range Thresholds {
		scores = append(scores, judge(t))
	}
	return Misfit(sc.Record, scores), true
}

// identify moves the values that were found, one at a time and in pairs, in order to say
// which of them the record holds.
func (f *fitting) identify(fit *Fit, values []float64) error {
	n := len(values)
	type trial struct {
		a, b   int // b is -1 where one is moved alone
		ua, ub float64
	}
	var trials []trial
	for i := range n {
		trials = append(trials, trial{i, -1, 1 - Swing, 1}, trial{i, -1, 1 + Swing, 1})
	}
	for i := range n {
		for j := range i {
			trials = append(trials, trial{j, i, 1 + Swing, 1 + Swing}, trial{j, i, 1 + Swing, 1 - Swing})
		}
	}
	rises := make([]float64, len(trials))
	err := each(f.ctx, len(trials), func(k int) error {
		t := trials[k]
		moved := slices.Clone(values)
		moved[t.a] *= t.ua
		if t.b >= 0 {
			moved[t.b] *= t.ub
		}
		cost, ok := f.at(moved)
		if !ok {
			cost = math.Inf(1)
		}
		rises[k] = cost - fit.Cost
		return nil
	})
	if err != nil {
		return err
	}
	for i := range n {
		fit.Parameters[i].Down, fit.Parameters[i].Up = rises[2*i], rises[2*i+1]
	}
	matters := func(i int) float64 { return min(fit.Parameters[i].Down, fit.Parameters[i].Up) }
	for k := 2 * n; k < len(trials); k++ {
		t := trials[k]
		if least := min(matters(t.a), matters(t.b)); least >= LeastRise && rises[k] < 0.25*least {
			fit.Pairs = append(fit.Pairs, Pair{t.a, t.b, t.ub < 1, rises[k]})
		}
	}
	return nil
}
