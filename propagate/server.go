package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
)

// serverState is what changes of a service.
type serverState struct {
	// What faults and operators do to it now.
	down     bool
	blackout float64 // share of what comes that is never answered
	slow     float64 // times the service time
	errors   float64 // share of answers
	capShare float64 // of servers and capacity
	corrupt  bool
	trickle  *mech.Bucket // an operator's throttle

	bucket mech.Bucket

	inService float64 // own work
	wasting   float64 // of it, nobody waits for
	legs      []leg
	rejected  float64 // per second, in the step before
	known     float64 // threads that time-outs set free in this step
	pool      mech.Pool
	idleSince float64 // when its queue was last empty
	peak      float64 // greatest length of its queue
	emptyAt   float64 // when it was empty again; NaN while it is not
	threadsIn float64 // requests that hold a thread, at the end of the step

	rateStart float64 // per second, in the step before
	bin       ServiceBin
	watch     watch
}

func (s *serverState) copy(o *serverState) {
	kept := *s
	*s = *o
	s.legs = append(kept.legs[:0], o.legs...)
	s.watch = kept.watch
	s.watch.copy(&o.watch)
	if o.trickle != nil {
		b := *o.trickle
		s.trickle = &b
	}
}

// places are the servers of a service as they are now.
func (s *server) places() mech.Servers {
	c := s.there(s.Threads)
	if s.Rejection > 0 && !math.IsInf(c, 1) {
		c = max(0, c-float64(s.Rejection*float64(s.rejected*s.Time)))
	}
	return mech.Servers{Count: c, Time: s.Time * s.slow}
}

// there is how much of a number of threads, or of a capacity, is there now.
func (s *server) there(x float64) float64 {
	if s.capShare <= 0 {
		return 0
	}
	return x * s.capShare
}

// room is how many could start in this step.
func (en *engine) room(s *server) float64 {
	h := en.h
	rate := s.there(s.Capacity) / s.slow
	if s.down {
		return 0
	}
	if s.Leaf {
		return min(s.places().Room(s.inService, h), rate*h)
	}
	n := s.there(s.Threads)
	if math.IsInf(n, 1) {
		return rate * h
	}
	// Who leaves within the step makes room within the step. That is known of calls
	// that have run into their time-outs; of answers it is expected.
	if s.pool.Idle() {
		return min(rate*h, n*max(1, h/max(1e-9, s.Latency)))
	}
	return min(rate*h, s.pool.Room(n, s.threadsIn, s.known, h))
}

// releases finds what time-outs set free in this step.
func (en *engine) releases(s *server) {
	s.known = 0
	for k := range s.Stages {
		for _, i := range s.Stages[k].Calls {
			if e := &en.m.calls[i]; !e.Back && e.per > 0 {
				e.known = max(0, e.good.mass+e.bad.mass)
				s.known += e.known / e.per
			}
		}
	}
}

// muNow is the capacity of a service as it is now, per second.
func (en *engine) muNow(s *server) float64 {
	return s.there(s.Full()) / s.slow
}
