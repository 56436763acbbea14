package study

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// End is one end of a range.
type End uint8

// The ends.
const (
	Low End = iota
	High
)

// trial is one run: some quantities together at one end of their ranges.
type trial struct {
	members []int // quantities
	end     End

	way    float64 // how far towards the end; see plausible
	answer *Answer // nil: not played
	move   Move    // from the base
	fault  string  // why it was not played: nothing on the way is plausible
}

// moved reports whether a trial was played and changed anything.
func (t *trial) moved() bool { return t.answer != nil && t.move.Moved() }

// player plays trials, as many at a time as there are processors.
type player struct {
	c          *catalog.Catalog
	sc         *scenario.Scenario
	tolerance  float64
	quantities []Quantity
	base       *Answer
	calm       *scenario.Scenario // in which nothing happens
	sick       []bool             // by service: impaired when nothing happens, as everything is assumed
	runs       int
	planned    int
	progress   func(done, planned int)
}

func (q *Quantity) end(e End) end {
	if e == Low {
		return q.low
	}
	return q.high
}

// vary is a catalog that states what a trial asks for, so far on the way to the end;
// nil where there is nothing between. It shares with the given one what it does not
// change, and the given one is not changed.
func (p *player) vary(t *trial, way float64) *catalog.Catalog {
	c := *p.c
	c.Services = slices.Clone(c.Services)
	copied := -1 // members stand by service
	for _, i := range t.members {
		q := &p.quantities[i]
		s := &c.Services[q.service]
		if copied != q.service {
			copied = q.service
			s.Needs = slices.Clone(s.Needs)
		}
		l := q.end(t.end)(way)
		if l == nil {
			return nil
		}
		l.set(s)
	}
	return &c
}

// rest is a scenario in which nothing happens, on top of what is offered all along,
// for long enough that what does not fit its capacity shows.
func rest(sc *scenario.Scenario) *scenario.Scenario {
	calm := &scenario.Scenario{ID: sc.ID, Horizon: unit.Duration(restSeconds * 1e9), Start: sc.Start}
	for _, l := range sc.Loads {
		if l.At == 0 && l.For == 0 && l.Daily == nil && len(l.Points) == 0 {
			calm.Loads = append(calm.Loads, l)
		}
	}
	return calm
}

const restSeconds = 120

// ways is how far towards an end is tried, in turn, until that is plausible.
var ways = [...]float64{1, 0.5, 0.25}

// plausible finds the catalog farthest on the way to an end of which a system could
// be: one that is as healthy as it is assumed to be while nothing happens. A time-out
// shorter than the answer takes on a good day, or a load that has never fitted the
// capacity, would have been found long ago. It returns nil, with the reason in the
// trial, where there is none.
func (p *player) plausible(ctx context.Context, t *trial) (*catalog.Catalog, error) {
	for _, way := range ways {
		c := p.vary(t, way)
		if c == nil {
			break
		}
		res, err := propagate.Run(ctx, c, p.calm, propagate.Options{Tolerance: p.tolerance})
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			t.fault = cmp.Or(t.fault, err.Error())
			continue
		}
		i := 0
		for i < len(res.Services) && (p.sick[i] || len(res.Services[i].Windows) == 0) {
			i++
		}
		if i == len(res.Services) {
			t.way = way
			t.fault = ""
			return c, nil
		}
		t.fault = cmp.Or(t.fault, "not plausible: "+res.Services[i].ID+" would be impaired with nothing wrong")
	}
	return nil, nil
}

// rested notes who is impaired while nothing happens.
func (p *player) rested(ctx context.Context) error {
	p.calm = rest(p.sc)
	res, err := propagate.Run(ctx, p.c, p.calm, propagate.Options{Tolerance: p.tolerance})
	if err != nil {
		return err
	}
	p.sick = make([]bool, len(res.Services))
	for i := range res.Services {
		p.sick[i] = len(res.Services[i].Windows) > 0
	}
	return nil
}

// play plays trials. Each writes to a place of its own, so that the order in which
// they end does not show.
func (p *player) play(ctx context.Context, trials []*trial) error {
	var (
		mu      sync.Mutex
		next    int
		workers sync.WaitGroup
		fault   any
	)
	take := func() *trial {
		mu.Lock()
		defer mu.Unlock()
		if next == len(trials) || ctx.Err() != nil || fault != nil {
			return nil
		}
		next++
		return trials[next-1]
	}
	one := func(t *trial) {
		defer func() {
			// What panics in a goroutine would end the program without a word from
			// those who wait; it goes on in the goroutine of the caller.
			if f := recover(); f != nil {
				mu.Lock()
				defer mu.Unlock()
				fault = f
			}
		}()
		c, err := p.plausible(ctx, t)
		if err != nil {
			return
		}
		if c != nil {
			res, err := propagate.Run(ctx, c, p.sc, propagate.Options{Tolerance: p.tolerance})
			if err != nil && ctx.Err() != nil {
				return
			}
			if err != nil {
				t.fault = err.Error()
			} else {
				t.answer = answer(p.c, res)
				t.move = t.answer.from(p.base)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		p.runs++
		if p.progress != nil {
			p.progress(p.runs, max(p.runs, p.planned))
		}
	}
	for range min(runtime.GOMAXPROCS(0), len(trials)) {
		workers.Go(func() {
			for t := take(); t != nil; t = take() {
				one(t)
			}
		})
	}
	workers.Wait()
	if fault != nil {
		panic(fault)
	}
	return ctx.Err()
}
