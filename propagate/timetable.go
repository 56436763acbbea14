package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// timetable is what the scenario does and when. A step never crosses one of its
// times.
type timetable struct {
	times   []float64 // sorted, each once
	at      int
	faults  [][]int32 // by service, of the scenario
	loads   [][]int32
	outside []int32   // call from outside of a service, -1 without
	until   []float64 // when a fault ends by itself, of the scenario
	ended   []float64 // when operators ended a fault, of the scenario; +Inf without
	struck  []int32   // services that faults strike at some time
}

const forever = math.MaxFloat64

func until(at, length float64) float64 {
	if length <= 0 {
		return forever
	}
	return at + length
}

func newTimetable(c *catalog.Catalog, m *model, sc *scenario.Scenario, en *engine) timetable {
	n := len(m.servers)
	tt := timetable{faults: make([][]int32, n), loads: make([][]int32, n), outside: make([]int32, n)}
	index := make(map[string]int32, n)
	for v := range m.servers {
		index[m.servers[v].ID] = int32(v)
		tt.outside[v] = -1
	}
	for i := range m.calls {
		if m.calls[i].From < 0 && !m.calls[i].Chore && m.calls[i].whole == nil && m.calls[i].Lease < 0 {
			tt.outside[m.calls[i].To] = int32(i)
		}
	}
	tt.until, tt.ended = make([]float64, len(sc.Faults)), make([]float64, len(sc.Faults))
	for i := range tt.ended {
		tt.until[i], tt.ended[i] = until(sc.Faults[i].At.Seconds(), sc.Faults[i].For.Seconds()), math.Inf(1)
	}
	horizon := sc.Horizon.Seconds()
	add := func(t float64) {
		if t >= 0 && t < horizon {
			tt.times = append(tt.times, t)
		}
	}
	for i := range sc.Faults {
		f := &sc.Faults[i]
		if f.Effect == scenario.Lapse {
			add(f.At.Seconds())
			add(until(f.At.Seconds(), f.For.Seconds()))
			continue
		}
		v, ok := index[f.Service]
		if !ok {
			continue
		}
		tt.faults[v] = append(tt.faults[v], int32(i))
		from := f.At.Seconds()
		to := until(from, f.For.Seconds())
		add(from)
		add(to)
		if f.Effect == scenario.Flapping {
			cycle := f.Up.Seconds() + f.Down.Seconds()
			for t := from; cycle > 0 && t < min(to, horizon) && len(tt.times) < 1e6; t += cycle {
				add(t)
				if t+f.Down.Seconds() < to {
					add(t + f.Down.Seconds())
				}
			}
		}
	}
	for i := range sc.Loads {
		l := &sc.Loads[i]
		v, ok := index[l.Service]
		if !ok {
			continue
		}
		tt.loads[v] = append(tt.loads[v], int32(i))
		for _, t := range l.Corners() {
			add(t)
		}
	}
	for v := range m.servers { // what strikes a service strikes its instances
		for _, x := range m.servers[v].instances {
			tt.faults[x] = tt.faults[v]
		}
	}
	for v := range tt.faults {
		if len(tt.faults[v]) > 0 {
			tt.struck = append(tt.struck, int32(v))
		}
	}
	slices.Sort(tt.times)
	tt.times = slices.Compact(tt.times)
	return tt
}

// next is the first time after t at which something happens.
func (tt *timetable) next(t float64) float64 {
	for i := tt.at; i < len(tt.times); i++ {
		if tt.times[i] > t+1e-9 {
			return tt.times[i]
		}
	}
	return forever
}

// due makes what happens at the present time happen, and reports whether anything
// did.
func (tt *timetable) due(en *engine) bool {
	happened := false
	for tt.at < len(tt.times) && tt.times[tt.at] <= en.t+1e-9 {
		tt.at++
		happened = true
	}
	if happened {
		en.lapseDue()
		for _, v := range tt.struck {
			en.afflict(v)
		}
		en.operators.notice(en.t)
	}
	return en.operators.operate(en.t) || happened
}

// over is when a fault ends, by itself or by the operators.
func (tt *timetable) over(i int) float64 { return min(tt.until[i], tt.ended[i]) }

// afflictAll is afflict, for a service and its instances.
func (en *engine) afflictAll(v int32) {
	en.afflict(v)
	for _, x := range en.m.servers[v].instances {
		en.afflict(x)
	}
}

// afflict sets what the faults and actions of the present do to a service.
func (en *engine) afflict(v int32) {
	s := &en.m.servers[v]
	was, dark := s.down, s.blackout
	s.down, s.blackout, s.slow, s.errors, s.capShare, s.corrupt = false, 0, 1, 0, 1, false
	for _, i := range en.timetable.faults[v] {
		f := &en.sc.Faults[i]
		from := f.At.Seconds()
		if en.t < from-1e-9 || en.t >= en.timetable.over(int(i))-1e-9 {
			continue
		}
		part := 1.0 // of the service that is struck
		if f.Zone != "" && s.Decl.Replicas != nil && len(s.Decl.Replicas.Zones) > 0 {
			part = 1 / float64(len(s.Decl.Replicas.Zones))
		}
		if f.Count > 0 && s.Replicas > 0 {
			part = min(1, float64(f.Count)/s.Replicas)
		}
		if s.of != nil {
			if part = s.of.Struck(f, s.place); part <= 0 {
				continue
			}
		}
		effect := f.Effect
		if effect == scenario.Flapping {
			cycle := f.Up.Seconds() + f.Down.Seconds()
			phase := math.Mod(en.t-from+1e-9, cycle)
			if phase >= f.Down.Seconds() {
				continue
			}
			effect = scenario.Down
		}
		switch effect {
		case scenario.Down:
			if part < 1 {
				s.capShare *= 1 - part
			} else {
				s.down = true
			}
		case scenario.Blackhole:
			s.blackout = 1 - float64((1-s.blackout)*(1-part))
			s.capShare *= 1 - part
		case scenario.Slow:
			s.slow *= 1 + float64(part*(f.Amount-1))
		case scenario.Errors:
			s.errors = 1 - float64((1-s.errors)*(1-float64(f.Amount*part)))
		case scenario.Capacity:
			s.capShare *= 1 - float64((1-f.Amount)*part)
		case scenario.Corrupt:
			s.corrupt = true
		}
	}
	if s.fleet != nil {
		en.struck(s)
	}
	s.capShare *= en.orders(v).share
	s.down = s.down || s.away || s.of != nil && s.of.fleet != nil && s.of.fleet.gone()
	if s.down && !was {
		en.kill(v)
	}
	if s.blackout > dark && s.blackout >= 1 {
		en.swallow(v)
	}
}

// kill fails what waits and what is in service, except what a durable queue keeps.
func (en *engine) kill(v int32) {
	s := &en.m.servers[v]
	for k := range s.lanes {
		l := &s.lanes[k]
		l.started.Clear()
		if l.Async { // what was taken and not finished is given out again
			for _, i := range l.Calls {
				e := &en.m.calls[i]
				for j := range e.gone {
					e.gone[j] = e.answering[j] + e.refusing[j]
					e.answering[j], e.refusing[j] = 0, 0
				}
				e.flight.put(en.t-1e-6, en.t, e.gone)
				l.put(en.t-1e-6, en.t, sum(e.gone), sum(e.gone))
			}
			continue
		}
		s.bin.Expired += l.clear()
		for _, i := range l.Calls {
			e := &en.m.calls[i]
			clear(e.gone)
			e.flight.clear(e.gone)
			for j := range e.gone {
				e.gone[j] += e.answering[j] + e.refusing[j]
				e.answering[j], e.refusing[j] = 0, 0
			}
			total := sum(e.gone)
			e.entire().bin.Errors += total
			s.bin.Refused += total
			en.failAtOnce(e)
		}
	}
	if s.Leaf {
		s.inService, s.wasting, s.inCount = 0, 0, 0
	}
}

// swallow leaves what waits and what is in service to its time-out.
func (en *engine) swallow(v int32) {
	s := &en.m.servers[v]
	for k := range s.lanes {
		l := &s.lanes[k]
		l.clear()
		l.started.Clear()
		for _, i := range l.Calls {
			e := &en.m.calls[i]
			for j := range e.gone {
				e.gone[j] = e.answering[j] + e.refusing[j]
				e.answering[j], e.refusing[j] = 0, 0
			}
			e.flight.put(en.t-1e-6, en.t, e.gone)
		}
	}
	if s.Leaf {
		s.inService, s.wasting, s.inCount = 0, 0, 0
	}
}

// load is the mean rate at which a step's requests come from outside.
func (en *engine) load(v int32) float64 {
	base, loads := en.m.calls[en.timetable.outside[v]].Nominal, en.timetable.loads[v]
	// Every piece is a straight line inside a step, or nearly.
	return 0.5 * (en.sc.Offered(loads, base, en.t+1e-9) + en.sc.Offered(loads, base, en.t+en.h-1e-9))
}
