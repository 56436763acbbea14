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
	var err error
	if option.For > 0 {
		err = g.blastEach(ctx, option, tallies, progress)
	} else {
		err = g.sweepAll(ctx, tallies, nil, progress)
	}
	return g.ranking(tallies), err
}

// RankAndExposure is Rank where failures last for ever, and by service how many there
// are that lose it alone, itself included: its single points of failure. Both come of
// the same sweep. An exposure is of the services in the ranking only, where that was
// interrupted.
func (g *Graph) RankAndExposure(ctx context.Context, progress func(done, total int)) ([]Damage, []int, error) {
	tallies, exposure := make([]tally, g.Len()), make([]int, g.Len())
	err := g.sweepAll(ctx, tallies, exposure, progress)
	return g.ranking(tallies), exposure, err
}

func (g *Graph) ranking(tallies []tally) []Damage {
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
	return ranking
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

// sweepAll fills tallies, and exposure unless it is nil, many roots at a time. What
// lasts for ever is outlived by nothing, so times do not matter.
func (g *Graph) sweepAll(ctx context.Context, tallies []tally, exposure []int, progress func(done, total int)) error {
	order := g.schedule()
	var sweeps []*sweep
	var mu sync.Mutex
	err := share(ctx, len(order.roots), laneWords*64, progress, func() func(from, to int) {
		s := newSweep(g, order)
		if exposure != nil {
			s.exposed = make([]int, g.Len())
		}
		mu.Lock()
		sweeps = append(sweeps, s)
		mu.Unlock()
		return func(from, to int) { s.run(order.roots[from:to], tallies) }
	})
	for v, root := range order.same {
		tallies[v] = tallies[root]
	}
	for v := range exposure {
		head := order.head[order.place[v]]
		for _, s := range sweeps { // sums of whole numbers, in whatever order
			exposure[v] += s.exposed[order.order[head]]
			if order.knot >= 0 && (head == order.knot || order.implied[head]) {
				exposure[v] += s.falling
			}
		}
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
