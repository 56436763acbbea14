package event

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// A service that is split is played instance by instance: each has its own queue,
// threads and fate, and its share of the capacity and the throttle. The service itself
// remains, for what is of all of them together: what is counted, its callers' side, and
// the rotation. Nobody is served there.

// group is what a split service knows of its instances.
type group struct {
	parts    []int32 // its instances; nil: it is not split
	rounds   []int32 // of health checks that test it
	rotation []int32 // instances in rotation, by place
	weights  []float64
	fading   int64          // until then callers are learning who is in rotation
	lot      stream         // to which instance an attempt goes
	turning  level[float64] // replicas in rotation, as callers know

	drained bool // an instance: operators have taken it out of rotation
	away    bool // an instance: a health check restarts it
}

// instances is how many services a plan has with the instances of those that are split.
func instances(p *plan.Plan) int {
	n := len(p.Services)
	for v := range p.Services {
		n += p.Services[v].Instances
	}
	return n
}

// tellApart makes the instances of services that are split.
func (en *engine) tellApart(seed uint64) {
	next := int32(len(en.p.Services))
	for v := range en.p.Services {
		s := &en.services[v]
		for k := range s.Instances {
			p := s.Service.Instance(k)
			p.Lanes, p.Stages, p.Out, p.AsyncOut = s.Service.Lanes, s.Service.Stages, s.Service.Out, s.Service.AsyncOut
			x := &en.services[next]
			x.begin(&p, seed)
			x.of, x.place, x.n = s, k, s.n
			s.parts = append(s.parts, next)
			next++
		}
		if s.parts != nil {
			s.lanes = nil
			s.lot = newStream(seed, "instance", s.ID)
			s.weights = make([]float64, len(s.parts))
			s.turning.value = s.Replicas
		}
	}
}

// home is the index of the service that an instance is one of, or its own.
func (s *service) home() int32 {
	if s.of != nil {
		return s.of.index
	}
	return s.index
}

// hold counts who takes a thread or gives it back.
func (s *service) hold(n int, now int64) {
	s.busy.add(n, now)
	if s.of != nil {
		s.of.busy.add(n, now)
	}
}

// dead reports whether nobody answers.
func (s *service) dead() bool { return s.down || s.swallows >= 0.5 }

// present notes how much of the capacity, the replicas and the threads is there.
func (en *engine) present(s *service) {
	if s.parts != nil {
		return // it is that of its instances
	}
	share := s.there * s.staffed() / s.slow
	if s.down {
		share = 0
	}
	share, crew, servers := share-s.share.value, s.working()-s.crews.value, s.usual()-s.servers.value
	note := func(s *service, share float64) {
		if servers != 0 {
			s.use(en.now)
		}
		s.share.add(share, en.now)
		s.crews.add(crew, en.now)
		s.servers.add(servers, en.now)
	}
	note(s, share)
	if s.of != nil {
		note(s.of, share/float64(len(s.of.parts)))
	}
}

// use is how long its threads were busy since the beginning, in seconds of all of them
// together, by as many as there were at the time.
func (s *service) use(now int64) float64 {
	at := s.busy.total(now)
	s.used += (at - s.usedAt) / max(1, s.servers.value)
	s.usedAt = at
	return s.used
}

// processOf is the client process that makes a call: the clients of a split service
// are dealt to its instances, or shared by some where there are fewer.
func (en *engine) processOf(e *edge, parent int32) int32 {
	if parent == none {
		return int32(e.process.below(e.processes))
	}
	s := &en.services[en.visits.at(parent).service]
	if s.of == nil {
		return int32(e.process.below(e.processes))
	}
	n := len(s.of.parts)
	low, high := s.place*e.processes/n, (s.place+1)*e.processes/n
	if high <= low {
		return int32(low)
	}
	return int32(low + e.process.below(high-low))
}

// goesTo is who takes an attempt: of a split service an instance in rotation, chosen
// by lot; nil where there is none. What is handed over to a durable queue goes to one
// that is there, in rotation or not.
func (en *engine) goesTo(s *service, e *edge) *service {
	switch {
	case s.parts == nil:
		return s
	case e.Async:
		return en.takes(s)
	case en.now < s.fading:
		total := en.weighed(s)
		if total <= 0 {
			return nil
		}
		at := float64(s.lot.share() * total)
		chosen := none
		for k, w := range s.weights {
			if w <= 0 {
				continue
			}
			chosen = s.parts[k]
			if at -= w; at < 0 {
				break
			}
		}
		return &en.services[chosen]
	case len(s.rotation) == 0:
		return nil
	}
	return &en.services[s.parts[s.rotation[s.lot.below(len(s.rotation))]]]
}

// takes is an instance that takes what is handed over to a durable queue.
func (en *engine) takes(s *service) *service {
	there := 0
	for _, i := range s.parts {
		if !en.services[i].dead() {
			there++
		}
	}
	if there == 0 {
		return &en.services[s.parts[s.lot.below(len(s.parts))]]
	}
	at := s.lot.below(there)
	for _, i := range s.parts {
		if x := &en.services[i]; !x.dead() {
			if at == 0 {
				return x
			}
			at--
		}
	}
	return nil
}

// weighed finds the weight of every instance among those that callers choose from, and
// their sum.
func (en *engine) weighed(s *service) (total float64) {
	for k, i := range s.parts {
		w := 1.0
		if x := &en.services[i]; x.drained || x.away {
			w = 0
		}
		for _, r := range s.rounds {
			round := &en.checks.rounds[r]
			over := seconds(en.checks.all[round.check].over())
			w *= en.checks.probes[round.first+int32(k)].fade.Weight(seconds(en.now), over)
		}
		s.weights[k] = w
		total += w
	}
	return total
}

// turnings notes how many replicas are in rotation as callers know.
func (en *engine) turnings(s *service) {
	replicas := s.Replicas
	if s.fleet != nil { // what restarts is in rotation until its tests say otherwise
		replicas = float64(s.fleet.serving)
	}
	n := en.weighed(s) * replicas / float64(len(s.parts))
	s.turning.add(n-s.turning.value, en.now)
}

// isIn reports whether an instance is in rotation, whether or not callers know.
func (en *engine) isIn(s *service, place int) bool {
	if x := &en.services[s.parts[place]]; x.drained || x.away {
		return false
	}
	for _, r := range s.rounds {
		if !en.checks.probes[en.checks.rounds[r].first+int32(place)].fade.In {
			return false
		}
	}
	return true
}

// rotated finds who is in rotation after something changed. It returns how many
// instances came or went.
func (en *engine) rotated(s *service) int {
	was := len(s.rotation)
	s.rotation = s.rotation[:0]
	for k := range s.parts {
		if en.isIn(s, k) {
			s.rotation = append(s.rotation, int32(k))
		}
	}
	for _, r := range s.rounds {
		round := &en.checks.rounds[r]
		over := en.checks.all[round.check].over()
		for k := range s.parts {
			f := &en.checks.probes[round.first+int32(k)].fade
			if over > 0 && !f.Settled(seconds(en.now), seconds(over)) {
				s.fading = max(s.fading, nanos(f.At)+over)
			}
		}
	}
	en.turnings(s)
	n := len(s.rotation) - was
	if n < 0 {
		n = -n
	}
	s.n.rotated += int64(n)
	return n
}

// drain takes the instances of a zone out of rotation by hand, or puts them back.
func (en *engine) drain(s *service, zone string, out bool) {
	if s.parts == nil || s.Decl.Replicas == nil {
		return
	}
	zones := s.Decl.Replicas.Zones
	for k, i := range s.parts {
		if len(zones) > 0 && zones[s.ZoneOf(k)] == zone {
			en.services[i].drained = out
		}
	}
	en.rotated(s)
}

// patience is how long a request that comes now will wait at a split service: that of an
// instance in rotation, on average.
func (en *engine) patience(s *service) float64 {
	total, wait := en.weighed(s), 0.0
	if total <= 0 {
		return math.Inf(1)
	}
	for k, i := range s.parts {
		x := &en.services[i]
		switch {
		case s.weights[k] <= 0 || x.waiting == 0:
		case x.down || x.there*x.staffed() <= 0:
			return math.Inf(1)
		default:
			wait += float64(s.weights[k] * en.toDo(x) / max(1e-12, x.now()))
		}
	}
	return wait / total
}

// lateness is how old the oldest is that waits at a service, or how long nobody has
// been there.
func (en *engine) lateness(s *service) int64 {
	late := int64(0)
	if at, ok := en.oldest(s); ok {
		late = en.now - at
	}
	if s.deadAt != never {
		late = max(late, en.now-s.deadAt)
	}
	return late
}

// stale reports whether something is not as fresh as it has to be.
func (en *engine) stale(fresh []plan.Fresh) bool {
	for _, f := range fresh {
		if en.lateness(&en.services[f.Service]) > nanos(f.Within) {
			return true
		}
	}
	return false
}

// fadeIn is the fade of who is in rotation from the beginning.
var fadeIn = mech.Fade{In: true, From: 1}
