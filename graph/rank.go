package graph

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
)

// Damage is what losing one service alone comes to, the service itself included.
type Damage struct {
	Root Node
	Summary
}

// Rank returns the damage of losing each service alone, worst first: by the weight
// of all that is hit, then of what is down, degraded, delayed, frozen and stale,
// then by ID. It is exact, the same as one Blast for each service, on any number of
// cores. Progress, where not nil, is told how many roots are done, of all that have
// to be tried: services that cannot do without each other are one. Its calls do not
// overlap.
func (g *Graph) Rank(ctx context.Context, option Options, progress func(done, total int)) ([]Damage, error) {
	tallies := make([]tally, g.Len())
	each := g.sweepAll
	if option.For > 0 {
		each = g.blastEach
	}
	err := each(ctx, option, tallies, progress)
	order := make([]Node, 0, g.Len())
	for v := range tallies {
		if tallies[v] != (tally{}) { // what was tried has at least hit itself
			order = append(order, Node(v))
		}
	}
	slices.SortFunc(order, func(v, w Node) int {
		return cmp.Or(-tallies[v].compare(&tallies[w]), cmp.Compare(v, w))
	})
	ranking := make([]Damage, len(order))
	for i, v := range order {
		ranking[i] = Damage{v, g.summary(&tallies[v])}
	}
	return ranking, err
}

// compare orders tallies by damage.
func (t *tally) compare(u *tally) int {
	if c := cmp.Compare(t.impacted(), u.impacted()); c != 0 {
		return c
	}
	for o := Down; o > Safe; o-- {
		if c := cmp.Compare(t.weight[o], u.weight[o]); c != 0 {
			return c
		}
	}
	return 0
}

// sweepAll fills tallies many roots at a time. What lasts for ever is outlived by
// nothing, so times do not matter.
func (g *Graph) sweepAll(ctx context.Context, _ Options, tallies []tally, progress func(done, total int)) error {
	order := g.schedule()
	err := share(ctx, len(order.roots), laneWords*64, progress, func() func(from, to int) {
		s := newSweep(g, order)
		return func(from, to int) { s.run(order.roots[from:to], tallies) }
	})
	for v, root := range order.same {
		tallies[v] = tallies[root]
	}
	return err
}

// blastEach fills tallies with one search for each root.
func (g *Graph) blastEach(ctx context.Context, option Options, tallies []tally, progress func(done, total int)) error {
	return share(ctx, g.Len(), 1, progress, func() func(from, to int) {
		s := newSearch(g, option)
		return func(v, _ int) {
			s.roots = append(s.roots[:0], Root{Node(v), IsDown})
			s.run()
			tallies[v] = s.tally()
			s.reset()
		}
	})
}

// share divides total pieces of work among the processors, batch by batch. Start
// makes a worker. Pieces write to places of their own, so how they are divided does
// not show in a result.
func share(ctx context.Context, total, batch int, progress func(done, total int), start func() func(from, to int)) error {
	var (
		mu         sync.Mutex
		next, done int
		workers    sync.WaitGroup
	)
	take := func(finished int) (from, to int) {
		mu.Lock()
		defer mu.Unlock()
		if done += finished; finished > 0 && progress != nil {
			progress(done, total)
		}
		if ctx.Err() != nil {
			return total, total
		}
		from = next
		next = min(next+batch, total)
		return from, next
	}
	for range min(runtime.GOMAXPROCS(0), (total+batch-1)/batch) {
		workers.Go(func() {
			work := start()
			for from, to := take(0); from < to; from, to = take(to - from) {
				work(from, to)
			}
		})
	}
	workers.Wait()
	if done < total {
		return ctx.Err()
	}
	return nil
}
