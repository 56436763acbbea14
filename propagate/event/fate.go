package event

import (
	"github.com/knockon/knockon/propagate/scenario"
)

// fate is what faults and operators do to a service at a time.
type fate struct {
	down     bool
	swallows float64 // share of what comes that is never answered
	slow     float64 // times the service time
	errors   float64 // share of answers
	there    float64 // share of threads and capacity
	corrupt  bool
}

var well = fate{slow: 1, there: 1}

// struck reports whether anything impairs a service now.
func (f *fate) struck() bool {
	return f.down || f.swallows > 0 || f.slow > 1 || f.errors > 0 || f.there < 1 || f.corrupt
}

// foretell finds out when what the scenario does changes. What operators do is found
// out on the way.
func (en *engine) foretell() {
	index := make(map[string]int32, len(en.p.Services))
	en.index, en.ended = index, make([]int64, len(en.sc.Faults))
	for i := range en.ended {
		en.ended[i] = never
	}
	for v := range en.p.Services {
		index[en.services[v].ID] = int32(v)
	}
	for v := range en.services {
		en.services[v].index = int32(v)
	}
	horizon := nanos(en.sc.Horizon.Seconds())
	en.faults = make([][]int32, len(en.services))
	for i := range en.sc.Faults {
		f := &en.sc.Faults[i]
		v, ok := index[f.Service]
		if !ok {
			continue
		}
		en.faults[v] = append(en.faults[v], int32(i))
		from, to := span(f)
		en.corners = append(en.corners, from, to)
		if cycle := int64(f.Up + f.Down); f.Effect == scenario.Flapping && cycle > 0 {
			for t := from; t < min(to, horizon); t += cycle {
				en.corners = append(en.corners, t, min(to, t+int64(f.Down)))
			}
		}
	}
	for v := range en.services { // what strikes a service strikes its instances
		if of := en.services[v].of; of != nil {
			en.faults[v] = en.faults[of.index]
		}
	}
	en.corners = sorted(en.corners, horizon)
}

// span is when a fault begins and ends.
func span(f *scenario.Fault) (from, to int64) {
	if f.For <= 0 {
		return int64(f.At), never
	}
	return int64(f.At), int64(f.At + f.For)
}

func (en *engine) nextCorner() int64 {
	if len(en.corners) == 0 {
		return never
	}
	return en.corners[0]
}

// turn makes what happens now happen: faults first, then deeds in the order of the
// file.
func (en *engine) turn() {
	if en.nextCorner() <= en.now {
		for en.nextCorner() <= en.now {
			en.corners = en.corners[1:]
		}
		for v := range en.p.Services {
			en.afflict(int32(v))
		}
		en.operators.Notice(seconds(en.now))
	}
	en.lapseDue()
	en.operators.Operate(seconds(en.now))
	en.ease()
	for i := range en.leases {
		en.admit(&en.leases[i])
	}
}

// fateOf is what the faults and operators of the present do to a service.
func (en *engine) fateOf(v int32) fate {
	s := &en.services[v]
	out := well
	for _, i := range en.faults[v] {
		f := &en.sc.Faults[i]
		from, to := span(f)
		if en.now < from || en.now >= min(to, en.ended[i]) {
			continue
		}
		part := 1.0 // of the service that is struck
		switch r := s.Decl.Replicas; {
		case r == nil:
		case s.of != nil:
		case f.Zone != "" && len(r.Zones) > 0:
			part = 1 / float64(len(r.Zones))
		case f.Count > 0:
			part = min(1, float64(f.Count)/float64(max(1, r.Count.Or(int64(len(r.Zones))))))
		}
		if s.of != nil {
			if part = s.of.Struck(f, s.place); part <= 0 {
				continue
			}
		}
		effect := f.Effect
		if effect == scenario.Flapping {
			if (en.now-from)%int64(f.Up+f.Down) >= int64(f.Down) {
				continue
			}
			effect = scenario.Down
		}
		switch effect {
		case scenario.Down:
			if part < 1 {
				out.there *= 1 - part
			} else {
				out.down = true
			}
		case scenario.Blackhole:
			out.swallows = 1 - float64((1-out.swallows)*(1-part))
			out.there *= 1 - part
		case scenario.Slow:
			out.slow *= 1 + float64(part*(f.Amount-1))
		case scenario.Errors:
			out.errors = 1 - float64((1-out.errors)*(1-float64(f.Amount*part)))
		case scenario.Capacity:
			out.there *= 1 - float64((1-f.Amount)*part)
		case scenario.Corrupt:
			out.corrupt = true
		}
	}
	by := &en.services[s.home()]
	s.faultsLeave, s.struckDown = out.there, out.down
	out.there *= by.ordered
	out.down = out.down || s.away || by.fleet != nil && by.fleet.gone()
	return out
}

// befall changes the fate of a service.
func (en *engine) befall(s *service, f fate) {
	was := s.fate
	if f == was {
		return
	}
	s.fate = f
	s.size()
	en.present(s)
	if f.slow != was.slow {
		en.slowDown(s, f.slow/was.slow)
		s.ready = float64(en.now) + float64((s.ready-float64(en.now))*f.slow/was.slow)
	}
	if f.down && !was.down {
		en.kill(s)
	}
	if f.swallows >= 1 && was.swallows < 1 {
		en.swallow(s)
	}
	switch dead := s.dead(); {
	case dead && s.deadAt == never:
		s.deadAt = en.now
		en.testsLost(s)
	case !dead:
		s.deadAt = never
	}
	en.pump(s)
}

// kill fails what waits and what is in service. What a durable queue gave out is given
// out again. Of what a lost request asked of others, what is under way is answered to
// nobody, and no more attempts are made.
func (en *engine) kill(s *service) {
	en.vacate(s, true)
	for k := range s.lanes {
		l := &s.lanes[k]
		for !l.Async && l.row.head != none {
			vi := l.row.head
			ci := en.visits.at(vi).call
			s.n.expired++
			en.unqueue(s, vi)
			en.leave(s, vi)
			en.dies(s, ci)
		}
	}
}

// dies fails a call whose target is lost.
func (en *engine) dies(s *service, ci int32) {
	if ci == none {
		return
	}
	en.edges[en.calls.at(ci).edge].n.errors++
	s.n.refused++
	en.failed(ci)
}

// vacate empties all threads of a service.
func (en *engine) vacate(s *service, told bool) {
	s.hold(-s.labour, en.now)
	s.labour, s.chores = 0, 0
	s.labours++
	for s.inside.head != none {
		vi := s.inside.head
		v := en.visits.at(vi)
		ci := v.call
		en.remove(&s.inside, vi)
		s.hold(-1, en.now)
		if en.edges[v.edge].Async {
			v.mark++
			v.leg = leg{}
			v.arrived = en.now
			en.enqueue(s, vi)
			continue
		}
		en.leave(s, vi)
		if told {
			en.dies(s, ci)
		}
	}
}

// swallow leaves what waits and what is in service to its time-out. A durable queue
// keeps what it has.
func (en *engine) swallow(s *service) {
	en.vacate(s, false)
	for k := range s.lanes {
		l := &s.lanes[k]
		for !l.Async && l.row.head != none {
			vi := l.row.head
			en.unqueue(s, vi)
			en.leave(s, vi)
		}
	}
}

// purge throws away what waits; callers learn of it by time-out.
func (en *engine) purge(s *service) {
	for k := range s.lanes {
		l := &s.lanes[k]
		for range l.row.size { // not what comes meanwhile
			vi := l.row.head
			if vi == none {
				break
			}
			ci := en.visits.at(vi).call
			s.n.expired++
			en.unqueue(s, vi)
			en.leave(s, vi)
			if ci != none {
				en.unanswered(ci)
			}
		}
	}
}
