package event

import "github.com/knockon/knockon/propagate/scenario"

// source is who comes from outside to one service: a Poisson process whose rate changes
// with time, by thinning (Lewis and Shedler 1979): who might come is drawn at a rate
// that is not exceeded, and comes with the share of it that the rate is at the time.
type source struct {
	call    int32
	loads   []int32 // of the scenario, that change it
	corners []int64 // in between, the bound is one
	chance  stream

	most     float64 // per second, up to until
	constant bool    // it is just that
	until    int64
}

func newSource(en *engine, call int32, seed uint64) source {
	e := &en.edges[call]
	id := en.p.Services[e.To].ID
	s := source{call: call, chance: newStream(seed, "arrivals", id)}
	horizon := nanos(en.sc.Horizon.Seconds())
	s.corners = append(s.corners, horizon)
	for i := range en.sc.Loads {
		l := &en.sc.Loads[i]
		if l.Service != id {
			continue
		}
		s.loads = append(s.loads, int32(i))
		for _, t := range l.Corners() {
			if at := nanos(t); at > 0 && at < horizon {
				s.corners = append(s.corners, at)
			}
		}
		s.daily(l, horizon)
	}
	s.corners = sorted(s.corners, horizon+1)
	return s
}

// daily cuts a day into hours, in which its load does not change much.
func (s *source) daily(l *scenario.Load, horizon int64) {
	if l.Daily == nil {
		return
	}
	const hour = 3600e9
	for t := int64(hour); t < horizon; t += hour {
		s.corners = append(s.corners, t)
	}
}

// await plans the next time at which somebody may come.
func (en *engine) await(source int32) {
	s := &en.sources[source]
	base := en.edges[s.call].Nominal
	for t := en.now; ; t = s.until {
		for t >= s.until {
			if len(s.corners) == 0 {
				return
			}
			s.until, s.corners = s.corners[0], s.corners[1:]
			s.most, s.constant = en.sc.OfferedAtMost(s.loads, base, seconds(t), seconds(s.until))
		}
		if s.most <= 0 {
			continue
		}
		// Beyond the corner the rate is another, and a Poisson process does not
		// remember that nobody came.
		if wait := s.chance.exponential() / s.most * 1e9; wait < float64(s.until-t) {
			en.plan(t+int64(wait), arrives, source, 0)
			return
		}
	}
}

// arrival is the time at which somebody may come.
func (en *engine) arrival(source int32) {
	s := &en.sources[source]
	if s.constant || s.chance.happens(en.sc.Offered(s.loads, en.edges[s.call].Nominal, seconds(en.now))/s.most) {
		en.begin(s.call, none, 0, none)
	}
	en.await(source)
}
