// Package study asks which of the numbers that a catalog does not state would change
// the answer most.
//
// A run assumes what is not stated. A study plays a scenario as it is, then again
// with each assumed number at the low and at the high end of what is plausible, all
// others as they were, and compares what comes of it. An end at which the system
// would be impaired with nothing wrong is not plausible, and is moved in: see
// plausible. Where there are too many
// numbers to try each, groups of them are tried first, and only those that matter
// are taken apart: see screen.go. Start with Ask.
package study

import (
	"cmp"
	"context"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Options are how to study.
type Options struct {
	Tolerance float64                 // of every run; 0: the engine's own
	Runs      int                     // about as many at most; 0: DefaultRuns
	Progress  func(done, planned int) // runs; may be nil. Its calls do not overlap.
}

// DefaultRuns is enough to try each of a hundred numbers by itself, and to screen a
// thousand.
const DefaultRuns = 400

// Study is what was found.
type Study struct {
	Scenario   *scenario.Scenario
	Base       Answer     // with everything as it is assumed
	Quantities []Quantity // all that is assumed, by service, need and key
	Singles    []Finding  // numbers that change the answer by themselves, most first
	Families   []Finding  // all numbers of one key together, where that changes the answer, most first
	Groups     []Finding  // numbers that change the answer together, and of which no half does, or that were not taken apart; most first
	Untaken    int        // of Groups: those that were not taken apart, since the runs were used up
	Alone      int        // how many were tried by themselves; the others in groups
	Fixed      int        // how many have no range to try
	Faults     int        // ends of single numbers that are not plausible, nor what is on the way there
	Runs       int        // that were made, the first included
	Partial    bool       // interrupted: of what was played until then
}

// Exhaustive reports whether every number that has a range was tried by itself.
func (s *Study) Exhaustive() bool { return !s.Partial && s.Alone == len(s.Quantities)-s.Fixed }

// Finding is what some numbers do to the answer at the ends of their ranges.
type Finding struct {
	Members   []int // of Quantities
	Low, High Effect
}

// Effect is what comes of one end.
type Effect struct {
	Value  string  // "30s"; of several quantities the range's own words, such as "×3"
	Answer *Answer // nil: not played
	Move   Move    // from the base
	Fault  string  // why it was not played
}

// move is the larger of both.
func (f *Finding) move() Move {
	if f.Low.Move.compare(f.High.Move) > 0 {
		return f.Low.Move
	}
	return f.High.Move
}

// Ask plays a scenario and then again with what the catalog does not state varied,
// and finds what changes the answer most. The result is the same on any number of
// processors. A cancelled context gives what has been found until then, with Partial
// set, and the context's error; where not even the first run was over, nil. Other
// errors are faults of the catalog.
func Ask(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario, o Options) (*Study, error) {
	assumed, err := plan.Assumptions(c, sc)
	if err != nil {
		return nil, err
	}
	res, err := propagate.Run(ctx, c, sc, propagate.Options{Tolerance: o.Tolerance})
	if err != nil {
		return nil, err
	}
	p := &player{
		c: c, sc: sc, tolerance: o.Tolerance, quantities: quantities(c, assumed), base: answer(c, res), runs: 1, progress: o.Progress,
	}
	if err := p.rested(ctx); err != nil {
		return nil, err
	}
	s := newScreen(p, cmp.Or(o.Runs, DefaultRuns))
	err = s.run(ctx)
	st := s.study()
	st.Scenario = sc
	st.Partial = err != nil
	return st, err
}

// sorted puts findings in order: what changes the answer most first, then as the
// quantities stand.
func sorted(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(-a.move().compare(b.move()), slices.Compare(a.Members, b.Members))
	})
	return all
}
