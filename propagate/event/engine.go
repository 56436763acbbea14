package event

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// never is later than every run.
const never = math.MaxInt64

// nanos is a time or a length in seconds as nanoseconds.
func nanos(seconds float64) int64 {
	if seconds > 9e9 {
		return never
	}
	return int64(math.Round(seconds * 1e9))
}

// seconds is a time or a length in nanoseconds as seconds: by a division, for 60e9
// times 1e-9 is more than 60.
func seconds(nanos int64) float64 { return float64(nanos) / 1e9 }

// engine plays a plan.
type engine struct {
	p  *plan.Plan
	sc *scenario.Scenario

	now      int64
	next     heap
	planned  uint64 // events so far
	happened int    // of them

	visits   slab[visit]
	calls    slab[call]
	services []service // those of the plan, then instances
	edges    []edge
	sources  []source
	checks   checks

	queued  slab[wait] // at caches
	leases  []lease
	holders []holder

	faults    [][]int32 // by service, of the scenario
	corners   []int64   // when what faults and operators do changes
	ended     []int64   // when operators ended a fault, of the scenario; never without
	index     map[string]int32
	operators *propagate.Operators

	books books
}

func newEngine(p *plan.Plan, sc *scenario.Scenario, ledger *propagate.Ledger, seed uint64) *engine {
	en := &engine{p: p, sc: sc, services: make([]service, instances(p)), edges: make([]edge, len(p.Calls))}
	for v := range p.Services {
		en.services[v].begin(&p.Services[v], seed)
	}
	en.tellApart(seed)
	seen := make(map[string]int)
	for i := range p.Calls {
		e := &en.edges[i]
		e.begin(p, int32(i), seed, seen)
		e.memory = newMemory(e, p, seed)
	}
	for _, x := range p.StandIns {
		en.edges[x.Call].home = x.For
		en.edges[x.For].standIns = append(en.edges[x.For].standIns, x.Call)
	}
	for v := range en.services {
		en.services[v].connect(en.edges)
	}
	for i := range p.Leases {
		en.newLease(int32(i), seed)
	}
	en.newDeferred(seed)
	en.foretell()
	en.check(seed)
	en.newFleets(seed)
	for i := range p.Calls {
		if c := &p.Calls[i]; c.From < 0 && !c.Chore && c.Lease < 0 {
			en.sources = append(en.sources, newSource(en, int32(i), seed))
		}
	}
	en.books.open(en, ledger)
	for v := range en.services {
		en.present(&en.services[v])
	}
	en.operators = ledger.Operators(world{en})
	return en
}

// plan makes something happen later.
func (en *engine) plan(at int64, k kind, who int32, mark uint32) {
	en.next.push(event{at: at, rank: en.rank(k), who: who, mark: mark})
}

// rank is that of an event which is planned now.
func (en *engine) rank(k kind) uint64 {
	en.planned++
	return en.planned<<kindBits | uint64(k)
}

// run plays to the horizon or until the context is cancelled. What is noted at a time
// is noted before what happens then, and what faults and operators do at a time is done
// before that too.
func (en *engine) run(ctx context.Context, progress func(float64)) error {
	en.begins()
	b := &en.books
	for {
		until := min(b.nextLook(), b.nextBorder(), en.nextCorner(), en.nextAct())
		for len(en.next.events) > 0 && en.next.events[0].at < until {
			e := en.next.pop()
			en.now = e.at
			en.happen(e)
			en.happened++
			if en.happened%(1<<14) == 0 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if progress != nil {
					progress(float64(en.now) / float64(b.horizon()))
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		en.now = until
		if b.nextLook() == until {
			b.look(en)
		}
		if b.nextBorder() == until {
			b.close(en)
		}
		if until >= b.horizon() {
			return nil
		}
		en.turn()
	}
}

// begins is the time 0.
func (en *engine) begins() {
	en.openLeases()
	en.openFleets()
	en.turn()
	for i := range en.sources {
		en.await(int32(i))
	}
}

func (en *engine) happen(e event) {
	switch e.kind() {
	case arrives:
		en.arrival(e.who)
	case works:
		if v := en.visits.at(e.who); v.mark == e.mark {
			en.worked(e.who)
		}
	case rejects:
		en.rejected(e.who, e.mark)
	case pauses:
		if c := en.calls.at(e.who); c.mark == e.mark {
			en.attempt(e.who)
		}
	case gives:
		en.giveUp(e.who)
	case wakes:
		s := &en.services[e.who]
		if s.wake == e.at {
			s.wake = never
		}
		en.pump(s)
	case tests:
		en.test(e.who)
	case knows:
		en.known(e.who)
	case returns:
		en.bringBack(e.who)
	case lapses:
		en.lapseLook(e)
	case renews:
		en.renew(e)
	case asks:
		en.asksAgain(e)
	case lets:
		en.letIn(e)
	case falls:
		en.fallOne(e)
	case starts:
		en.instanceStarts(e.who)
	case ends:
		en.instanceEnds(e)
	case looks:
		en.look(e.who)
	case manages:
		en.manage(&en.services[e.who])
	case recurs:
		en.comesAgain(e.who)
	}
}

// weigh holds that nothing was lost or made: every call that began is over or under
// way, and every request that was taken in has left or is there. It counts, and so
// allows no error.
func (en *engine) weigh() {
	under := make([]int64, len(en.edges))
	for i := range en.calls.size {
		if c := en.calls.at(i); c.edge >= 0 {
			under[c.edge]++
		}
	}
	for i := range en.edges {
		e := &en.edges[i]
		if n := &e.n; n.calls != n.ended+under[i] || under[i] != e.under {
			panic(fmt.Sprintf("event: of %d calls of %s, %d are over and %d under way, of %d counted", n.calls, e.name, n.ended, under[i], e.under))
		}
	}
	there := make([]int64, len(en.services))
	for i := range en.visits.size {
		if v := en.visits.at(i); v.service >= 0 {
			there[v.service]++
			if of := en.services[v.service].of; of != nil {
				there[of.index]++
			}
		}
	}
	for v := range en.services {
		s := &en.services[v]
		tested := 0
		for _, i := range s.probes {
			if c := en.checks.probes[i].course; c == queues || c == begins || c == rides {
				tested++
			}
		}
		if tested != s.tested {
			panic(fmt.Sprintf("event: %d tests of %s are under way, of %d counted", tested, s.ID, s.tested))
		}
		inside := s.inside.size
		for _, i := range s.parts {
			inside += en.services[i].inside.size
		}
		if s.of == nil && s.n.entered != s.n.left+there[v] || int64(s.waiting+inside) != there[v] {
			panic(fmt.Sprintf("event: of %d requests that %s took in, %d have left and %d are there, %d of them waiting and %d inside", s.n.entered, s.ID, s.n.left, there[v], s.waiting, inside))
		}
	}
}

// finish is what came of it.
func (en *engine) finish(partial bool) *propagate.Result {
	en.weigh()
	en.weighLeases()
	en.weighCaches()
	en.weighDeferred()
	end := propagate.Ending{
		Partial: partial,
		Steps:   propagate.Steps{Taken: en.happened},
		EmptyAt: make([]float64, len(en.p.Services)),
		Opens:   make([]float64, len(en.edges)),
	}
	for v := range en.p.Services {
		end.EmptyAt[v] = en.services[v].emptyAt
	}
	for i := range en.edges {
		end.Opens[i] = en.edges[i].opened()
	}
	end.Operators, end.Over = en.operators, en.overAt
	return en.books.ledger.Finish(end)
}

// sorted times, each once, up to a time.
func sorted(times []int64, before int64) []int64 {
	slices.Sort(times)
	times = slices.Compact(times)
	n, _ := slices.BinarySearch(times, before)
	return times[:n]
}
