package event

import (
	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// Health checks look by tests, each at its time. A test is no load: it takes no place
// in a queue and no thread. A shallow one asks whether somebody is there. A deep one
// begins when a request would that came with it. At a leaf it then draws a time of its
// own; elsewhere it goes by what becomes of the next request that begins, and where
// none begins in its time, by whether there is room for one.

// checks are the health checks of a run.
type checks struct {
	all    []checker
	rounds []round
	probes []trial
}

// checker is one health check.
type checker struct {
	*plan.Check
	interval, timeout, ttl int64
	again                  int64 // when it may remove something again
	disabled               bool
	work                   stream // how many requests a change costs
}

// over is how long callers take to learn of a change.
func (k *checker) over() int64 {
	if k.Via == plan.ViaDNS {
		return k.ttl
	}
	return 0
}

// round is one service that a health check tests.
type round struct {
	check   int32
	service int32
	first   int32 // probe, of its first instance
	open    bool  // it does not believe itself, and all are in rotation
}

// course is how far a test is.
type course uint8

const (
	noTest course = iota
	queues        // for its turn
	begins        // it has begun, and goes by the next request that does
	rides         // it goes by the request that it rides on
	served        // it is served, until it ends
	fails
	succeeds
)

// trial is one instance as one health check sees it.
type trial struct {
	mech.Tally
	round   int32
	service int32 // the instance
	place   int
	chance  stream
	course  course
	rider   int32 // the request that it rides on
	sent    int64
	ends    int64 // of its service
	removed bool
	pending bool // has failed, and may not be removed yet
	fade    mech.Fade
	away    bool // it is restarted
}

// check prepares health checks, and what has to be recent. Every instance is tested at
// a time of its own, drawn once.
func (en *engine) check(seed uint64) {
	c := &en.checks
	for i := range en.p.Checks {
		k := checker{Check: &en.p.Checks[i]}
		k.interval, k.timeout, k.ttl = max(1, nanos(k.Interval)), nanos(k.Timeout), nanos(k.TTL)
		k.work = newStream(seed, "work of a health check", k.ID)
		for _, v := range k.Tests {
			s := &en.services[v]
			r := int32(len(c.rounds))
			s.rounds = append(s.rounds, r)
			c.rounds = append(c.rounds, round{check: int32(i), service: v, first: int32(len(c.probes))})
			for place, x := range s.parts {
				p := trial{round: r, service: x, place: place, fade: fadeIn, chance: newStream(seed, "test", k.ID, en.services[x].ID)}
				at := int64(float64(p.chance.share() * float64(k.interval)))
				id := int32(len(c.probes))
				en.services[x].probes = append(en.services[x].probes, id)
				c.probes = append(c.probes, p)
				en.plan(at, tests, id, 0)
			}
		}
		c.all = append(c.all, k)
	}
	for v := range en.p.Services {
		s := &en.services[v]
		if s.parts != nil {
			en.rotated(s)
			s.n.rotated = 0
		}
		d := s.Decl
		for j := range d.Needs {
			n := &d.Needs[j]
			if !n.Fresh || n.IsGroup() || n.IfLost != catalog.Fail || n.To == catalog.ToStart || n.To == catalog.ToScale || n.To == catalog.ToChange {
				continue
			}
			for u := range en.p.Services {
				if en.p.Services[u].ID == n.Targets[0] {
					s.fresh = append(s.fresh, plan.Fresh{Service: int32(u), Within: n.Within.Or(60e9).Seconds()})
				}
			}
		}
		for _, x := range s.parts {
			en.services[x].fresh = s.fresh
		}
	}
}

// test sends one.
func (en *engine) test(i int32) {
	p := &en.checks.probes[i]
	k := &en.checks.all[en.checks.rounds[p.round].check]
	s := &en.services[p.service]
	en.plan(en.now+k.timeout, knows, i, 0)
	en.plan(en.now+k.interval, tests, i, 0)
	p.sent = en.now
	switch {
	case s.down || p.chance.happens(s.swallows) || !k.Shallow && en.turnsAway(s):
		p.course = fails
	case k.Shallow:
		p.course = succeeds
	default:
		p.course = queues
		s.tested++
		if s.waiting == 0 && s.chores == 0 && s.busy.value < s.places {
			en.testBegins(s, p)
		}
	}
}

// turnsAway reports whether a request that comes now is refused.
func (en *engine) turnsAway(s *service) bool {
	if float64(s.sync) >= s.Bound && !en.free(s) {
		return true
	}
	for _, b := range [...]*bucket{s.shed, s.bucket, s.trickle} {
		if b != nil && !b.has(en.now, 0) {
			return true
		}
	}
	return false
}

// testBegins lets a test begin.
func (en *engine) testBegins(s *service, p *trial) {
	if !s.Leaf {
		p.course = begins
		return
	}
	p.course = served
	s.tested--
	p.ends = en.now + max(1, int64(float64(p.chance.exponential()*s.Time*s.slow*s.stretch*1e9)))
	if p.chance.happens(s.errors) || s.corrupt || en.stale(s.fresh) {
		p.course = fails
	}
}

// testsBegin lets tests begin whose turn it is: nobody waits who came before, and there
// is room or somebody who came later has begun.
func (en *engine) testsBegin(s *service, started bool) {
	if !started && (s.chores > 0 || s.busy.value >= s.places) || s.down {
		return
	}
	for _, i := range s.probes {
		p := &en.checks.probes[i]
		if p.course != queues {
			continue
		}
		before, waiting := false, false
		for k := range s.lanes {
			l := &s.lanes[k]
			if l.Async || l.row.head == none {
				continue
			}
			waiting = true
			before = before || !en.newestFirst(s, l) && en.visits.at(l.row.head).arrived < p.sent
		}
		if !before && (waiting || s.busy.value < s.places) {
			en.testBegins(s, p)
		}
	}
}

// ride lets tests go by a request that begins.
func (en *engine) ride(s *service, vi int32) {
	v := en.visits.at(vi)
	for _, i := range s.probes {
		p := &en.checks.probes[i]
		if p.course != begins || v.test > 0 {
			continue
		}
		p.course, p.rider = rides, vi
		v.test = i + 1
	}
}

// rode ends a test by what became of a request.
func (en *engine) rode(vi int32, ok bool) {
	v := en.visits.at(vi)
	p := &en.checks.probes[v.test-1]
	v.test = 0
	if p.course != rides {
		return
	}
	en.services[p.service].tested--
	p.course = fails
	if ok {
		p.course = succeeds
	}
}

// testsLost lets the tests under way fail with who was tested.
func (en *engine) testsLost(s *service) {
	for _, i := range s.probes {
		en.settle(s, &en.checks.probes[i], fails)
	}
}

// settle ends a test.
func (en *engine) settle(s *service, p *trial, how course) {
	if p.course == queues || p.course == begins || p.course == rides {
		s.tested--
	}
	if p.course == rides {
		// Nobody asks what becomes of it any more; another may be in its place.
		if v := en.visits.at(p.rider); v.test == en.checks.rounds[p.round].first+int32(p.place)+1 {
			v.test = 0
		}
	}
	p.course = how
}

// known is the time at which the result of a test is known.
func (en *engine) known(i int32) {
	c := &en.checks
	p := &c.probes[i]
	r := &c.rounds[p.round]
	k := &c.all[r.check]
	s := &en.services[p.service]
	well := false
	switch p.course {
	case succeeds:
		well = true
	case served:
		well = p.ends <= en.now
	case begins: // nobody came
		well = !s.dead() && s.places > 0 && s.errors < 0.5 && !s.corrupt && !en.stale(s.fresh)
	}
	en.settle(s, p, noTest)
	blind := en.blind(k)
	switch {
	case s.away || k.disabled || blind && k.Keeps:
		return
	case blind:
		well = false
	}
	p.Note(well && !en.stale(k.Fresh), k.Out, k.In)
	en.rotate(r, i)
}

// blind reports whether the service that tests is down or late.
func (en *engine) blind(k *checker) bool {
	by := &en.services[k.By]
	if by.dead() {
		return true
	}
	at, ok := en.oldest(by)
	return ok && en.now-at > k.timeout
}

// units are what leaves the rotation together: each is a first instance, and the
// distance to the next of it.
func (en *engine) units(k *checker, s *service) (units, stride int) {
	n := len(s.parts)
	switch {
	case k.Remove == plan.RemoveInstance:
		return n, n
	case k.Remove == plan.RemoveZone && s.Zones > 1:
		return min(s.Zones, n), s.Zones
	}
	return 1, 1
}

// rotate takes out of rotation what has failed, as far as it may, and puts back what
// is well again, after a result of one of the instances.
func (en *engine) rotate(r *round, decided int32) {
	k, s := &en.checks.all[r.check], &en.services[r.service]
	n := len(s.parts)
	probes := en.checks.probes[r.first:][:n]
	failed, out := 0, 0 // instances
	for i := range probes {
		if probes[i].removed {
			out++
		}
	}
	units, stride := en.units(k, s)
	for first := range units {
		bad, all, removed, now := 0, 0, false, false
		for i := first; i < n; i += stride {
			p := &probes[i]
			all++
			if p.Failed {
				bad++
			}
			removed = removed || p.removed
			now = now || r.first+int32(i) == decided
		}
		lost := bad > 0 && 2*bad >= all
		if lost {
			failed += all
		}
		// What may not be removed now is tried again at its next test.
		pending := lost && !removed && (!now || float64(out+all) > float64(k.MaxRemoved*float64(n))+1e-9 || en.now < k.again)
		for i := first; i < n; i += stride {
			probes[i].pending = pending
		}
		switch {
		case pending:
			continue
		case lost && !removed:
			size := 1.0
			if k.Remove == plan.RemoveInstance {
				size = s.Replicas / float64(n)
			}
			k.again = en.now + nanos(size/k.Rate)
			out += all
			removed = true
		case !lost && removed && k.Via != plan.ViaRestart:
			out -= all
			removed = false
		default:
			continue
		}
		for i := first; i < n; i += stride {
			probes[i].removed = removed
			if removed && k.Via == plan.ViaRestart {
				en.takeAway(r, r.first+int32(i))
			}
		}
	}
	r.open = failed > 0 && float64(failed) >= float64(k.FailOpen*float64(n))-1e-9
	for i := range probes {
		probes[i].fade.Turn(r.open || !probes[i].removed || k.Via == plan.ViaRestart, seconds(en.now), seconds(k.over()))
	}
	en.turnedBy(k, s)
}

// turnedBy counts what a health check changed of a rotation: each change is work of
// the service that tests.
func (en *engine) turnedBy(k *checker, s *service) {
	n := en.rotated(s)
	if n == 0 || k.Chore < 0 {
		return
	}
	for range k.work.whole(float64(n) * s.Replicas / float64(len(s.parts)) * k.Cost) {
		en.begin(k.Chore, none, 0, none)
	}
}

// takeAway restarts an instance.
func (en *engine) takeAway(r *round, i int32) {
	p := &en.checks.probes[i]
	s := &en.services[p.service]
	p.away, s.away = true, true
	en.plan(en.now+nanos(s.RestartTime()), returns, i, 0)
	en.befall(s, en.fateOf(p.service))
}

// bringBack ends a restart.
func (en *engine) bringBack(i int32) {
	p := &en.checks.probes[i]
	r := &en.checks.rounds[p.round]
	s := &en.services[p.service]
	p.away, p.removed, p.Tally = false, false, mech.Tally{}
	s.away = false
	for _, j := range s.probes { // another check may restart it as well
		s.away = s.away || en.checks.probes[j].away
	}
	en.befall(s, en.fateOf(p.service))
	en.turnedBy(&en.checks.all[r.check], s.of)
}

// disable stops a health check, or starts it again: the rotation stays as it is, and
// what it tests is exposed.
func (en *engine) disable(id string, off, putBack bool) {
	for i := range en.checks.all {
		k := &en.checks.all[i]
		if k.ID != id {
			continue
		}
		k.disabled = off
		for _, v := range k.Tests {
			s := &en.services[v]
			s.exposed = false
			for _, r := range s.rounds {
				s.exposed = s.exposed || en.checks.all[en.checks.rounds[r].check].disabled
			}
		}
		for j := range en.checks.rounds {
			if r := &en.checks.rounds[j]; putBack && int(r.check) == i && k.Via != plan.ViaRestart {
				en.putBack(r)
			}
		}
	}
}

// putBack puts all in rotation that a health check has taken out, as if it had never
// failed.
func (en *engine) putBack(r *round) {
	k, s := &en.checks.all[r.check], &en.services[r.service]
	r.open = false
	probes := en.checks.probes[r.first:][:len(s.parts)]
	for i := range probes {
		p := &probes[i]
		p.Tally, p.removed, p.pending = mech.Tally{}, false, false
		p.fade.Turn(true, seconds(en.now), seconds(k.over()))
	}
	en.turnedBy(k, s)
}
