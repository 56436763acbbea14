package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/scenario"
)

// timetable is what the scenario does and when. A step never crosses one of its
// times.
type timetable struct {
	times   []float64 // sorted, each once
	at      int
	faults  [][]int32 // by service, of the scenario
	loads   [][]int32
	outside []int32 // call from outside of a service, -1 without
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
		if m.calls[i].From < 0 {
			tt.outside[m.calls[i].To] = int32(i)
		}
	}
	horizon := sc.Horizon.Seconds()
	add := func(t float64) {
		if t >= 0 && t < horizon {
			tt.times = append(tt.times, t)
		}
	}
	for i := range sc.Faults {
		f := &sc.Faults[i]
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
		from := l.At.Seconds()
		to := until(from, l.For.Seconds())
		add(from)
		add(to)
		if r := l.Ramp.Seconds(); r > 0 {
			add(from + r)
			add(to - r)
		}
		for _, p := range l.Points {
			add(p.At.Seconds())
		}
	}
	for i := range sc.Actions {
		at := sc.Actions[i].At.Seconds()
		add(at)
		for _, d := range sc.Actions[i].Do {
			if d.Verb == scenario.Restart {
				add(at + d.Length.Seconds())
			}
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
	if !happened {
		return false
	}
	for v := range en.m.servers {
		if len(tt.faults[v]) > 0 || en.sc.Actions != nil {
			en.afflict(int32(v))
		}
	}
	for i := range en.sc.Actions {
		if a := &en.sc.Actions[i]; math.Abs(a.At.Seconds()-en.t) < 1e-9 {
			for j := range a.Do {
				en.do(&a.Do[j])
			}
		}
	}
	return true
}

// afflict sets what the faults and actions of the present do to a service.
func (en *engine) afflict(v int32) {
	s := &en.m.servers[v]
	was, dark := s.down, s.blackout
	s.down, s.blackout, s.slow, s.errors, s.capShare, s.corrupt = false, 0, 1, 0, 1, false
	for _, i := range en.timetable.faults[v] {
		f := &en.sc.Faults[i]
		from := f.At.Seconds()
		if en.t < from-1e-9 || en.t >= until(from, f.For.Seconds())-1e-9 {
			continue
		}
		part := 1.0 // of the service that is struck
		if f.Zone != "" && s.Decl.Replicas != nil && len(s.Decl.Replicas.Zones) > 0 {
			part = 1 / float64(len(s.Decl.Replicas.Zones))
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
	share := 1.0 // the last deed counts
	for i := range en.sc.Actions {
		a := &en.sc.Actions[i]
		if a.At.Seconds() > en.t+1e-9 {
			continue
		}
		for _, d := range a.Do {
			if d.Target != s.ID {
				continue
			}
			switch d.Verb {
			case scenario.SetCapacity:
				share = d.Share
			case scenario.Restart:
				if en.t < a.At.Seconds()+d.Length.Seconds()-1e-9 {
					s.down = true
				}
			}
		}
	}
	s.capShare *= share
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
				l.queue.Put(en.t-1e-6, en.t, sum(e.gone))
			}
			continue
		}
		s.bin.Expired += l.queue.Clear()
		for _, i := range l.Calls {
			e := &en.m.calls[i]
			clear(e.gone)
			e.flight.clear(e.gone)
			for j := range e.gone {
				e.gone[j] += e.answering[j] + e.refusing[j]
				e.answering[j], e.refusing[j] = 0, 0
			}
			total := sum(e.gone)
			e.bin.Errors += total
			s.bin.Refused += total
			en.h = en.base
			en.fail(e, e.gone, en.t, en.t+en.base, false)
		}
	}
	if s.Leaf {
		s.inService, s.wasting = 0, 0
	}
}

// swallow leaves what waits and what is in service to its time-out.
func (en *engine) swallow(v int32) {
	s := &en.m.servers[v]
	for k := range s.lanes {
		l := &s.lanes[k]
		l.queue.Clear()
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
		s.inService, s.wasting = 0, 0
	}
}

// do is one deed of the operators.
func (en *engine) do(d *scenario.Deed) {
	v := int32(-1)
	for i := range en.m.servers {
		if en.m.servers[i].ID == d.Target {
			v = int32(i)
		}
	}
	if v < 0 {
		return
	}
	s := &en.m.servers[v]
	switch d.Verb {
	case scenario.Purge:
		for k := range s.lanes {
			l := &s.lanes[k]
			s.bin.Expired += l.queue.Clear()
			for _, i := range l.Calls {
				e := &en.m.calls[i]
				if !math.IsInf(e.Timeout, 1) || !s.Leaf {
					continue // they learn of it by time-out
				}
				clear(e.gone)
				e.flight.clear(e.gone)
				en.over(e, sum(e.gone))
			}
		}
	case scenario.Throttle:
		rate := float64(d.Rate)
		if d.Share > 0 {
			rate = d.Share * s.Full()
		}
		s.trickle = &mech.Bucket{Rate: rate}
	case scenario.Unthrottle:
		s.trickle = nil
	case scenario.StopRetries:
		en.noRetries[v] = true
	case scenario.LetRetry:
		en.noRetries[v] = false
	}
}

// load is the mean rate at which a step's requests come from outside.
func (en *engine) load(v int32) float64 {
	base := en.m.calls[en.timetable.outside[v]].Nominal
	// Every piece is a straight line inside a step, or nearly.
	return 0.5 * (en.loadAt(v, base, en.t+1e-9) + en.loadAt(v, base, en.t+en.h-1e-9))
}

func (en *engine) loadAt(v int32, base, t float64) float64 {
	rate := base
	for _, i := range en.timetable.loads[v] {
		l := &en.sc.Loads[i]
		from := l.At.Seconds()
		to := until(from, l.For.Seconds())
		ramp := l.Ramp.Seconds()
		if t < from || t >= to {
			continue
		}
		target := rate
		switch {
		case l.Daily != nil:
			day := 86400.0
			clock := t
			if !en.sc.Start.IsZero() {
				h, m, s := en.sc.Start.Clock()
				clock += float64(h*3600 + m*60 + s)
			}
			mid := float64(0.5 * (1 + l.Daily.Trough))
			target = rate * (mid + float64((1-mid)*cosine((clock-l.Daily.Peak.Seconds())/day)))
		case len(l.Points) > 0:
			target = pointsAt(l, t, rate)
		case l.Times > 0:
			target = rate * l.Times
		case l.Rate.IsStated():
			target = float64(l.Rate.V)
		}
		w := 1.0
		if ramp > 0 {
			w = min(1, (t-from)/ramp, (to-t)/ramp)
		}
		rate += float64(w * (target - rate))
	}
	return max(0, rate)
}

func pointsAt(l *scenario.Load, t, before float64) float64 {
	rate := before
	for i, p := range l.Points {
		at := p.At.Seconds()
		if t < at {
			if l.Linear && i > 0 {
				last := l.Points[i-1]
				from := last.At.Seconds()
				return float64(last.Rate) + float64((float64(p.Rate)-float64(last.Rate))*((t-from)/(at-from)))
			}
			break
		}
		rate = float64(p.Rate)
	}
	return rate
}

// cosine of a number of turns, the same on every machine: a Taylor series on an
// eighth of a turn, by symmetry.
func cosine(turns float64) float64 {
	x := turns - math.Floor(turns)
	if x > 0.5 {
		x = 1 - x
	}
	sign := 1.0
	if x > 0.25 {
		x, sign = 0.5-x, -1
	}
	y := 2 * math.Pi * x
	y2 := float64(y * y)
	sum, term := 1.0, 1.0
	for k := 1; k <= 12; k++ {
		term = -float64(term*y2) / float64((2*k-1)*(2*k))
		sum += term
	}
	return sign * sum
}
