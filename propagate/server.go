package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
)

// serverState is what changes of a service.
type serverState struct {
	// What faults and operators do to it now.
	down        bool
	blackout    float64 // share of what comes that is never answered
	slow        float64 // times the service time
	errors      float64 // share of answers
	capShare    float64 // of servers and capacity
	leaseShare  float64 // of both, left by the leases it holds
	leaseErrors float64 // share of its requests that fail for a lease that is lost
	corrupt     bool
	trickle     *mech.Bucket // an operator's throttle

	fleet      *fleet         // nil where its instances do not come and go
	fleetShare float64        // of the declared replicas, in the mean of this step
	again      *mech.Deferred // nil where what failed does not come again

	bucket mech.Bucket

	inService float64 // own work
	inCount   float64 // of a leaf: the requests that are that work
	each      float64 // work of a request, of those that began last
	wasting   float64 // of it, nobody waits for
	legs      []leg
	rejected  float64 // per second, in the step before
	known     float64 // threads that time-outs set free in this step
	pool      mech.Pool
	idleSince float64 // when its queue was last empty
	peak      float64 // greatest length of its queue
	emptyAt   float64 // when it was empty again; NaN while it is not
	threadsIn float64 // requests that hold a thread, at the end of the step
	success   float64 // share of the requests that ended well, when last some ended; of a service with needs

	rateStart float64 // per second, in the step before
	roomy     bool    // in the step before nothing waited, and more could have begun; or it was down
	easy      bool    // so it was in two steps: what more it is asked makes no difference to it
	bin       ServiceBin
	watch     watch
}

func (s *serverState) copy(o *serverState) {
	kept := *s
	*s = *o
	s.legs = append(kept.legs[:0], o.legs...)
	s.watch = kept.watch
	s.watch.copy(&o.watch)
	if o.fleet != nil {
		if s.fleet = kept.fleet; s.fleet == nil {
			s.fleet = new(fleet)
		}
		s.fleet.copy(o.fleet)
	}
	if o.again != nil {
		if s.again = kept.again; s.again == nil {
			s.again = new(mech.Deferred)
		}
		s.again.Copy(o.again)
	}
	if o.trickle != nil {
		if s.trickle = kept.trickle; s.trickle == nil {
			s.trickle = new(mech.Bucket)
		}
		*s.trickle = *o.trickle
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
	if s.capShare <= 0 || s.fleetShare <= 0 || s.leaseShare <= 0 {
		return 0
	}
	return x * s.capShare * s.fleetShare * s.leaseShare
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
	if s.mixed { // threads are held by requests, whatever their work
		return min(rate*h, en.threads(s, n)*s.perRequest())
	}
	return min(rate*h, en.threads(s, n))
}

// threads is how many requests could get a thread in this step, n being there.
func (en *engine) threads(s *server, n float64) float64 {
	h := en.h
	// Who leaves within the step makes room within the step. That is known of calls
	// that have run into their time-outs; of answers it is expected.
	if s.pool.Idle() {
		return n * max(1, h/max(1e-9, s.Latency))
	}
	return s.pool.Room(n, s.threadsIn, s.known, h)
}

// releases finds what time-outs set free in this step. In a long one, those that come
// due after its first part come due at the same rate: see engine.horizonOfLines.
func (en *engine) releases(s *server) {
	s.known = 0
	whole := max(1, en.h/en.base)
	for k := range s.Stages {
		for _, i := range s.Stages[k].Calls {
			if e := &en.m.calls[i]; !e.Back && e.per > 0 {
				e.known = max(0, e.good.mass+e.bad.mass) * whole
				s.known += e.known / e.per
			}
		}
	}
}

// muNow is the capacity of a service as it is now, per second.
func (en *engine) muNow(s *server) float64 {
	return s.there(s.Full()) / s.slow
}

// perRequest is the mean work of the requests that wait, in requests.
func (s *server) perRequest() float64 {
	work, requests := 0.0, 0.0
	for k := range s.lanes {
		l := &s.lanes[k]
		work += l.queue.Mass()
		requests += l.requests()
	}
	if work > mech.Tiny && requests > mech.Tiny {
		return work / requests
	}
	return s.each
}

// failing is the share of its answers that are errors.
func (s *server) failing() float64 {
	if s.late {
		return 1
	}
	if s.leaseErrors > 0 {
		return 1 - float64((1-s.errors)*(1-s.leaseErrors))
	}
	return s.errors
}

// requests is how many wait in a lane.
func (l *lane) requests() float64 {
	if l.mixed {
		return l.count.Mass()
	}
	return l.queue.Mass()
}

// put lets so many requests arrive evenly, which are so much work.
func (l *lane) put(from, to, requests, work float64) {
	l.queue.Put(from, to, work)
	if l.mixed {
		l.count.Put(from, to, requests)
	}
}

// remove takes requests, each of so much work, that arrived in [from, to) out of a
// lane, and returns how many there were.
func (l *lane) remove(from, to, requests, work float64) float64 {
	if !l.mixed {
		return l.queue.Remove(from, to, requests)
	}
	l.queue.Remove(from, to, requests*work)
	return l.count.Remove(from, to, requests)
}

// thin loses a share of what waits in a lane, and returns how many requests that were.
func (l *lane) thin(share float64) float64 {
	work := l.queue.Thin(share)
	if l.mixed {
		return l.count.Thin(share)
	}
	return work
}

// clear empties a lane and returns how many requests were in it.
func (l *lane) clear() float64 {
	work := l.queue.Clear()
	if l.mixed {
		return l.count.Clear()
	}
	return work
}
