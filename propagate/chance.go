package propagate

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// Chance, where it is asked for, in the same engine: every flow of a step is a number
// that is drawn, with the flow of the mean-field engine as its mean (tau-leaping:
// Gillespie, Journal of Chemical Physics 115, 2001). Masses are whole requests then.
// docs/adr says how, from 0010 on.
//
// Without chance all dice are nil, and nil dice give the mean: see [mech.Dice].

// callLuck are the dice of a call, by purpose.
type callLuck struct {
	arrivals *mech.Dice // from outside
	gate     *mech.Dice // who is let in: limits, breakers, throttles
	fate     *mech.Dice // who is served in time, and who is answered with an error
	answers  *mech.Dice // when an answer comes
	retries  *mech.Dice // who tries again, and when
}

// serverLuck are the dice of a service, by purpose.
type serverLuck struct {
	service  *mech.Dice // who starts and who is finished
	requests *mech.Dice // whom a request calls
	oneByOne bool       // its servers are stated, and each serves one request at a time
	choosing float64    // calls of a group of alternatives not given to a member yet
}

// The number of requests below which chance decides what becomes of a service: those
// that its servers or the time-outs of its callers hold at once (the rule of thumb is
// a deviation of the root of it), and the part of a service time that a step may
// then take.
const (
	fewRequests = 50
	fineSteps   = 0.25
)

// byLuck is by how many deviations numbers may differ without telling that rates do. There
// are a thousand of them in a step.
const byLuck = 5

// byChance gives everything dice of its own, and shortens the step for services of which
// few requests decide.
func (en *engine) byChance(seed uint64) {
	en.chance = true
	for v := range en.m.servers {
		s := &en.m.servers[v]
		name := s.ID
		if s.of != nil { // each instance has luck of its own
			name = fmt.Sprintf("%s/%d", s.ID, s.place)
		}
		s.luck.service = mech.NewDice(seed, name, "service")
		s.luck.requests = mech.NewDice(seed, name, "requests")
		s.luck.oneByOne = s.Leaf && s.Decl.Concurrency.IsStated()
		for k := range s.lanes {
			s.lanes[k].queue.Whole, s.lanes[k].started.Whole = true, true
		}
		if !s.luck.oneByOne {
			continue
		}
		few := s.Threads
		for _, i := range s.In {
			few = min(few, s.Nominal*en.m.calls[i].Timeout)
		}
		if few < fewRequests {
			en.few = true
			en.base = min(en.base, max(float64(fineSteps*s.Time), en.sc.Horizon.Seconds()/1e7))
		}
	}
	for i := range en.m.calls {
		e := &en.m.calls[i]
		name := "outside>" + en.m.servers[e.To].ID
		if e.From >= 0 {
			name = en.m.servers[e.From].ID + ">" + en.m.servers[e.To].ID
		}
		if e.Lease >= 0 {
			name += " lease " + en.m.Leases[e.Lease].ID
		}
		if e.From >= 0 && en.m.servers[e.From].of != nil {
			name += fmt.Sprintf(" from %d", en.m.servers[e.From].place)
		}
		if e.whole != nil {
			name += fmt.Sprintf(" to %d", en.m.servers[e.To].place)
		}
		if e.Async {
			name += " async"
		}
		e.luck = callLuck{
			arrivals: mech.NewDice(seed, name, "arrivals"),
			gate:     mech.NewDice(seed, name, "gate"),
			fate:     mech.NewDice(seed, name, "fate"),
			answers:  mech.NewDice(seed, name, "answers"),
			retries:  mech.NewDice(seed, name, "retries"),
		}
		e.flight.dice = e.luck.fate
		for k := range e.lines {
			e.lines[k].Dice = e.luck.retries
		}
	}
}

// begin is how many start at a service that waits for nobody, and how many it serves
// at the end of the step. Servers that are stated serve one by one. Where only a
// capacity is, or nothing, nothing is known of the requests at once, and it is shared
// out evenly, in whole requests.
func (en *engine) begin(s *server, place mech.Servers, waiting, arrived float64) (begins, end float64) {
	d := s.luck.service
	if s.down {
		return 0, en.remaining(s, 0, place.Time)
	}
	limit := s.there(s.Capacity) / s.slow * en.h
	if s.luck.oneByOne {
		begins, end = place.Play(d, s.inService, waiting, arrived, en.h)
		if begins > limit {
			begins = min(begins, d.Whole(limit))
			end = en.remaining(s, begins, place.Time)
		}
		return begins, end
	}
	mean, end := place.Serve(s.inService, waiting, arrived, en.h)
	if mean > limit {
		mean = limit
		end = float64(s.inService*mech.Exp(-en.h/place.Time)) + float64(mean/en.h*place.Time*(1-mech.Exp(-en.h/place.Time)))
	}
	begins = min(d.Whole(mean), waiting+arrived)
	return begins, max(0, end+begins-mean)
}

// remaining is how many are in service at the end of a step in which so many begin,
// evenly, and nobody leaves before an exponential time with a mean of stay seconds.
func (en *engine) remaining(s *server, begun, stay float64) float64 {
	keep := mech.Exp(-en.h / stay)
	if d := s.luck.service; d != nil {
		return d.Of(s.inService, keep) + d.Of(begun, stay/en.h*(1-keep))
	}
	return float64(s.inService*keep) + float64(begun/en.h*stay*(1-keep))
}

// told takes the calls of a later leg.
func (en *engine) told(e *call) float64 {
	if !en.onCredit {
		return e.fresh.all()
	}
	return e.fresh.told(e.hint, e.luck.arrivals)
}

// choose is how many calls so many requests make of the n-th need of a leg, where each
// makes so many on average: whole ones. Of a group of alternatives every request takes
// as many members as must answer, by their weights, of which weight is the sum.
func (en *engine) choose(s *server, st *plan.Stage, n int, mass, per, weight float64) float64 {
	d := s.luck.requests
	if st.AtLeast == 0 {
		whole := math.Floor(per)
		return float64(mass*whole) + d.Of(mass, per-whole)
	}
	rest := 0.0 // for this member and those after it, each request
	for _, i := range st.Calls[n:] {
		e := &en.m.calls[i]
		rest += float64(e.PerRequest * min(1, float64(st.AtLeast)*(probe+e.usual)/weight))
	}
	if n == 0 {
		s.luck.choosing = d.Whole(float64(mass * rest))
	}
	calls := s.luck.choosing
	if n+1 < len(st.Calls) {
		calls = d.Of(calls, per/max(per, rest))
	}
	s.luck.choosing -= calls
	return calls
}

// others is how many of so many requests do not call, where each does with a
// probability and so many did.
func (l *serverLuck) others(mass, calls, p float64) float64 {
	if l.requests == nil {
		return float64(mass * (1 - p))
	}
	return mass - calls
}

// lately is the share of calls that ended well, when some of them ended, and by chance,
// where few do in a step, over the last second or the last dozen.
func (en *engine) lately(e *call, over float64) float64 {
	if !en.chance || over <= 0 {
		return e.q
	}
	memory := max(12, e.Nominal)
	return e.usual + float64((e.q-e.usual)*(over/(over+memory)))
}
