package replay

import (
	"context"
	"math"
	"runtime"
	"sync"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// Replay is a run of an incident beside its record.
type Replay struct {
	Record    *scenario.Record
	Result    *propagate.Result
	Impacts   []Impact                // of all services, at Shown; see Impacts
	At        [len(Thresholds)]*Score // at each of Thresholds
	Headline  Headline                // the worst of At
	Baselines []Scored
	Private   map[Ends]string // the parameter that only this boundary hangs on; nil where nobody has looked
}

// Scored is a baseline with its score.
type Scored struct {
	Baseline
	Score *Score
}

// Shown is the score at the threshold of Impacts.
func (r *Replay) Shown() *Score {
	for i, t := range Thresholds {
		if t == Shown {
			return r.At[i]
		}
	}
	panic("replay: no score is shown")
}

// New scores a run of a scenario that has a record. Private names the boundaries that
// leave the headline; see Judge.
func New(c *catalog.Catalog, res *propagate.Result, private map[Ends]string) *Replay {
	rec := res.Scenario.Record
	if rec == nil {
		panic("replay: the scenario has no record")
	}
	r := &Replay{Record: rec, Result: res, Private: private}
	horizon := end(res) / 60
	for i, t := range Thresholds {
		impacts := Impacts(c, res, rec, t)
		if t == Shown {
			r.Impacts = impacts
		}
		r.At[i] = Judge(rec, impacts, horizon, private)
		r.At[i].Threshold = t
	}
	r.Headline = Worst(r.At[:])
	for _, b := range Baselines(c, res, rec) {
		r.Baselines = append(r.Baselines, Scored{b, Judge(rec, b.Impacts, horizon, private)})
	}
	return r
}

// end is how long a run was, in seconds.
func end(res *propagate.Result) float64 { return res.Times[len(res.Outside)] }

// Play makes one run of a scenario on a catalog, of which the series must be fine enough;
// see Finer.
type Play func(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario) (*propagate.Result, error)

// Better reports whether a score beats another clearly: the median errors of emergent
// onsets and recoveries are at most half of the other's, or within five minutes, and
// services overlap more.
func (h *Headline) Better(than *Headline) bool {
	beats := func(a, b Errors) bool {
		return a.Count == 0 || a.Median <= max(5, 0.5*b.Median) && a.P90 <= b.P90
	}
	return beats(h.Onset, than.Onset) && beats(h.Recovery, than.Recovery) && h.Overlap > than.Overlap
}

// each does n things, as many at a time as there are processors. What panics does so in
// the goroutine of the caller. The error is that of the context, or the first by number.
func each(ctx context.Context, n int, do func(i int) error) error {
	var (
		mu      sync.Mutex
		next    int
		stop    bool
		fault   any
		workers sync.WaitGroup
	)
	errs := make([]error, n)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == n || stop || ctx.Err() != nil {
			return 0, false
		}
		next++
		return next - 1, true
	}
	one := func(i int) {
		defer func() {
			if f := recover(); f != nil {
				mu.Lock()
				defer mu.Unlock()
				fault, stop = f, true
			}
		}()
		if errs[i] = do(i); errs[i] != nil {
			mu.Lock()
			defer mu.Unlock()
			stop = true
		}
	}
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				one(i)
			}
		})
	}
	workers.Wait()
	if fault != nil {
		panic(fault)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// place is a simulated boundary of a recorded window; NaN where there is none.
func (s *Score) place(e Ends) float64 {
	w := &s.Windows[e.Window]
	if w.Impact == nil {
		return math.NaN()
	}
	if e.End {
		return w.Impact.To
	}
	return w.Impact.From
}

// boundary is one end of a recorded window.
func (s *Score) boundary(e Ends) *Boundary {
	if e.End {
		return &s.Windows[e.Window].Recover
	}
	return &s.Windows[e.Window].Onset
}

// ends are the boundaries that are scored, in the order of the record.
func (s *Score) ends() (all []Ends) {
	for i := range s.Windows {
		for _, end := range [...]bool{false, true} {
			if e := (Ends{i, end}); s.boundary(e).Scored {
				all = append(all, e)
			}
		}
	}
	return all
}
