package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// healthChecks are those of a run. They look between steps, at the state that
// was kept, and so need no shadow: what they decide holds for the whole of the next
// step, and no step crosses the time of a result that may change something.
type healthChecks struct {
	all    []checker
	rounds [][]*round // by service
}

// checker is one health check.
type checker struct {
	*plan.Check
	rounds   []round // of each service that it tests
	again    float64 // when it may remove something again
	disabled bool
}

// round is one service that a health check tests.
type round struct {
	check   *checker
	service int32
	tests   []test // by instance
	fades   []mech.Fade
	back    []float64 // when an instance that is restarted is back; +Inf: it is not away
	open    bool      // it does not believe itself, and all are in rotation
}

// test is one instance as a health check sees it.
type test struct {
	mech.Tally
	phase   float64
	next    int  // tests begun before the one that is under way, or comes next
	sent    bool // it is under way
	lost    bool // and was refused, or found nobody
	well    bool // and was answered
	removed bool
	pending bool // has failed, and may not be removed yet
	barred  bool // pending, for as many are out as may be
	decided bool // a result came just now
}

func (t *test) at(interval float64) float64 { return t.phase + float64(float64(t.next)*interval) }

func newHealthChecks(m *model) healthChecks {
	c := healthChecks{all: make([]checker, len(m.Checks)), rounds: make([][]*round, len(m.servers))}
	for i := range m.Checks {
		k := &c.all[i]
		k.Check = &m.Checks[i]
		k.rounds = make([]round, len(k.Tests))
		for j, v := range k.Tests {
			r := &k.rounds[j]
			n := m.Services[v].Instances
			*r = round{check: k, service: v, tests: make([]test, n), fades: make([]mech.Fade, n), back: make([]float64, n)}
			for x := range n {
				r.tests[x].phase = mech.Phase(x, n, k.Interval)
				r.fades[x].In = true
				r.fades[x].From = 1
				r.back[x] = math.Inf(1)
			}
			c.rounds[v] = append(c.rounds[v], r)
		}
	}
	return c
}

// weight is the weight of an instance in the rotation of the next step.
func (c *healthChecks) weight(en *engine, x *server) float64 {
	if x.drained || x.away {
		return 0
	}
	w := 1.0
	for _, r := range c.rounds[x.service] {
		w *= r.fades[x.place].Weight(en.t+float64(0.5*en.h), r.check.over())
	}
	return w
}

// over is how long callers take to learn of a change.
func (k *checker) over() float64 {
	if k.Via == plan.ViaDNS {
		return k.TTL
	}
	return 0
}

// inRotation is how many of the replicas of a service are in rotation, whether or not
// callers know.
func (c *healthChecks) inRotation(en *engine, v int32) float64 {
	n := 0.0
	for i, at := range en.m.servers[v].instances {
		x := &en.m.servers[at]
		in := !x.drained && !x.away
		for _, r := range c.rounds[v] {
			in = in && r.fades[i].In
		}
		if in {
			n += x.Replicas
		}
	}
	return n
}

// lateness is how old the oldest is that waits at a service, or how long nobody has
// been there, in seconds.
func (en *engine) lateness(v int32) float64 {
	late := 0.0
	s := &en.m.servers[v]
	if _, at := en.queued(s); !math.IsInf(at, 1) {
		late = en.t - at
	}
	if s.dead() {
		late = max(late, en.t-en.deadSince[v])
	}
	return late
}

// lookFresh notes, before a step, who is there and who fails for want of what is
// fresh.
func (en *engine) lookFresh() {
	if en.deadSince == nil {
		return
	}
	for v := range en.deadSince {
		if !en.m.servers[v].dead() {
			en.deadSince[v] = en.t
		}
	}
	for v := range en.freshNeeds {
		late := false
		for _, f := range en.freshNeeds[v] {
			late = late || f.fails && en.lateness(f.target) > f.within+1e-9
		}
		s := &en.m.servers[v]
		s.late = late
		for _, i := range s.instances {
			en.m.servers[i].late = late
		}
	}
}

// awaitFresh prepares what those who need something fresh look at.
func (en *engine) awaitFresh() {
	asked := len(en.checks.all) > 0
	for v := range en.freshNeeds {
		for _, f := range en.freshNeeds[v] {
			asked = asked || f.fails
		}
	}
	if asked {
		en.deadSince = make([]float64, len(en.m.Services))
	}
}

// blind reports whether the service that tests is down or late.
func (k *checker) blind(en *engine) bool {
	by := &en.m.servers[k.By]
	if by.dead() {
		return true
	}
	_, at := en.queued(by)
	return en.t-at > k.Timeout
}

// stale reports whether something is not as fresh as a check wants it.
func (k *checker) stale(en *engine) bool {
	for _, f := range k.Fresh {
		if en.lateness(f.Service) > f.Within {
			return true
		}
	}
	return false
}

// look counts the results of the tests that were known within the step that has just
// ended, and changes the rotation. It reports whether something changed that the
// next step has to be short for.
func (c *healthChecks) look(en *engine) bool {
	changed := false
	for i := range c.all {
		k := &c.all[i]
		blind, stale, known := false, false, false
		for j := range k.rounds {
			r := &k.rounds[j]
			before := -1.0
			for x := range r.tests {
				if en.t >= r.back[x]-1e-9 {
					before = c.inRotation(en, r.service)
					en.bringBack(r, x)
				}
			}
			decided := false
			for x := range r.tests {
				t := &r.tests[x]
				t.decided = false
				at := &en.m.servers[en.m.servers[r.service].instances[x]]
				if t.at(k.Interval) > en.t {
					continue
				}
				if !known {
					blind, stale, known = k.blind(en), k.stale(en), true
				}
				en.watchTest(k, t, at, blind, stale)
				decided = decided || t.decided
			}
			if decided && !k.disabled {
				if before < 0 {
					before = c.inRotation(en, r.service)
				}
				en.rotate(r)
			}
			if before >= 0 && en.turned(r.service, k, before) {
				changed = true
			}
		}
	}
	return changed
}

// turned counts what a change made of the rotation.
func (en *engine) turned(v int32, k *checker, before float64) bool {
	n := math.Abs(en.checks.inRotation(en, v) - before)
	if n <= 0 {
		return false
	}
	en.m.servers[v].bin.RotationChanges += n
	if k != nil && k.Chore >= 0 {
		en.m.calls[k.Chore].fresh.put(float64(n * k.Cost))
	}
	return true
}

// watchTest follows the tests of one instance through the step that has just ended.
func (en *engine) watchTest(k *checker, t *test, x *server, blind, stale bool) {
	for {
		sent := t.at(k.Interval)
		if sent > en.t {
			return
		}
		if !t.sent {
			t.sent, t.lost, t.well = true, en.refuses(k, x), false
		}
		if !t.lost && !t.well {
			t.well = en.answers(k, x, sent)
		}
		due := sent + k.Timeout
		if due > en.t+1e-9 {
			return
		}
		t.sent = false
		t.next++
		switch {
		case x.away || k.disabled || blind && k.Keeps:
		case blind:
			t.Note(false, k.Out, k.In)
			t.decided = true
		default:
			t.Note(t.well && !stale, k.Out, k.In)
			t.decided = true
		}
	}
}

// refuses reports whether a test that arrives in the step that has just ended finds
// nobody, or is turned away.
func (en *engine) refuses(k *checker, x *server) bool {
	if x.dead() {
		return true
	}
	if k.Shallow {
		return false
	}
	offered := 0.0
	for _, i := range x.In {
		if e := &en.m.calls[i]; !e.Async {
			offered += e.sent
		}
	}
	return float64(x.rejected*en.h) > 0.5*offered && offered > mech.Tiny
}

// answers reports whether a test that was sent before has been answered well by the
// end of the step that has just ended.
func (en *engine) answers(k *checker, x *server, sent float64) bool {
	if k.Shallow {
		return true
	}
	if x.dead() {
		return false
	}
	begun := sent // when it began
	from := en.t - en.before
	for j := range x.lanes {
		l := &x.lanes[j]
		if l.Async || l.queue.Newest {
			continue
		}
		old, head := from-l.age, en.t // the head of the queue, at the ends of the step
		if at, ok := l.queue.Oldest(); ok {
			head = at
		}
		if head < sent-1e-9 {
			return false
		}
		if old < sent && head > old {
			begun = max(begun, from+float64(en.before*((sent-old)/(head-old))))
		}
	}
	if x.there(1) <= 0 {
		return false
	}
	if x.Leaf {
		return x.failing() < 0.5 && begun+mech.Median(x.Time*x.slow)-1e-9 <= min(en.t, sent+k.Timeout)
	}
	for j := range x.lanes {
		if l := &x.lanes[j]; !l.Async {
			// A long step passes tests only of what is well; there a test is answered
			// as soon as all others.
			if at, ok := l.started.Oldest(); ok && at < sent-1e-9 && (en.t < sent+k.Timeout || en.t-at > k.Timeout) {
				return false
			}
		}
	}
	return x.success >= 0.5 && !x.late
}

// units are what leaves the rotation together: calls f for each with its first
// instance and the distance to the next.
func (r *round) units(en *engine, f func(first, stride int)) {
	n := len(r.tests)
	switch zones := en.m.Services[r.service].Zones; {
	case r.check.Remove == plan.RemoveRegion:
		f(0, 1)
	case r.check.Remove == plan.RemoveZone && zones > 1:
		for z := range min(zones, n) {
			f(z, zones)
		}
	case r.check.Remove == plan.RemoveZone:
		f(0, 1)
	default:
		for i := range n {
			f(i, n)
		}
	}
}

// rotate takes out of rotation what has failed, as far as it may, and puts back what
// is well again.
func (en *engine) rotate(r *round) {
	k := r.check
	n := float64(len(r.tests))
	failed, out := 0.0, 0.0 // instances
	for i := range r.tests {
		if r.tests[i].removed {
			out++
		}
	}
	r.units(en, func(first, stride int) {
		bad, all := 0.0, 0.0
		removed, decided := false, false
		for i := first; i < len(r.tests); i += stride {
			t := &r.tests[i]
			all++
			if t.Failed {
				bad++
			}
			removed = removed || t.removed
			decided = decided || t.decided
		}
		lost := bad > 0 && 2*bad >= all
		if lost {
			failed += all
		}
		// What may not be removed now is tried again at its next test.
		pending := lost && !removed && (!decided || out+all > float64(k.MaxRemoved*n)+1e-9 || en.t < k.again-1e-9)
		for i := first; i < len(r.tests); i += stride {
			r.tests[i].pending = pending
		}
		switch {
		case pending:
			return
		case lost && !removed:
			size := 1.0
			if k.Remove == plan.RemoveInstance {
				size = en.m.servers[r.service].Replicas / n
			}
			k.again = en.t + size/k.Rate
			out += all
			removed = true
		case !lost && removed && k.Via != plan.ViaRestart:
			out -= all
			removed = false
		default:
			return
		}
		for i := first; i < len(r.tests); i += stride {
			r.tests[i].removed = removed
			if removed && k.Via == plan.ViaRestart {
				en.takeAway(r, i)
			}
		}
	})
	r.units(en, func(first, stride int) {
		barred := out+float64((len(r.tests)-first+stride-1)/stride) > float64(k.MaxRemoved*n)+1e-9
		for i := first; i < len(r.tests); i += stride {
			r.tests[i].barred = r.tests[i].pending && barred
		}
	})
	r.open = failed > 0 && failed >= float64(k.FailOpen*n)-1e-9
	for i := range r.tests {
		r.fades[i].Turn(r.open || !r.tests[i].removed || k.Via == plan.ViaRestart, en.t, k.over())
	}
}

// takeAway restarts an instance.
func (en *engine) takeAway(r *round, i int) {
	v := en.m.servers[r.service].instances[i]
	r.back[i] = en.t + en.m.servers[v].RestartTime()
	en.m.servers[v].away = true
	en.afflict(v)
}

// bringBack ends a restart.
func (en *engine) bringBack(r *round, i int) {
	v := en.m.servers[r.service].instances[i]
	r.back[i] = math.Inf(1)
	r.tests[i].removed, r.tests[i].Tally = false, mech.Tally{}
	en.m.servers[v].away = false
	en.afflict(v)
}

// next is the first time at which the rotation may change.
func (c *healthChecks) next(en *engine) float64 {
	first := math.Inf(1)
	for i := range c.all {
		k := &c.all[i]
		blind, known := false, false
		for j := range k.rounds {
			r := &k.rounds[j]
			for x := range r.tests {
				if b := r.back[x]; !math.IsInf(b, 1) {
					first = min(first, b)
				}
				if over := k.over(); over > 0 && !r.fades[x].Settled(en.t, over) {
					first = min(first, en.t+float64(over/16))
				}
				if k.disabled {
					continue
				}
				if !known {
					blind, known = k.blind(en), true
				}
				t := &r.tests[x]
				if !t.settled(en, k, &en.m.servers[en.m.servers[r.service].instances[x]], blind) {
					first = min(first, t.at(k.Interval)+k.Timeout)
				}
			}
		}
	}
	return first
}

// settled reports whether the tests of an instance will end as the last did for as
// long as the flows stay as they are.
func (t *test) settled(en *engine, k *checker, x *server, blind bool) bool {
	switch {
	case x.away, blind && k.Keeps:
		return true
	case t.Row > 0:
		return false
	case blind || x.dead():
		return t.Failed && (!t.pending || t.barred)
	case t.Failed:
		return (!t.pending || t.barred) && k.stale(en)
	case k.Shallow:
		return len(k.Fresh) == 0 || !k.stale(en)
	}
	_, at := en.queued(x)
	return !t.lost && en.t-at < 0.25*k.Timeout && !k.stale(en) && x.failing() < 0.5 &&
		(x.Leaf || x.success >= 0.5) && x.there(1) > 0 && x.rejected <= 0
}

// horizon shortens a long step to the time at which something may become too old: the
// queue of an instance, of a checker, or of what has to be fresh.
func (c *healthChecks) horizon(en *engine, until float64) float64 {
	nears := func(v int32, limit float64) {
		age, speed := en.aging(&en.m.servers[v])
		if away := (limit - age) / speed; away > 0 && math.Abs(speed) > 1e-3 {
			until = min(until, en.t+max(en.base, away))
		}
	}
	for i := range c.all {
		k := &c.all[i]
		if k.disabled {
			continue
		}
		nears(k.By, k.Timeout)
		for _, f := range k.Fresh {
			until = en.outdates(f.Service, f.Within, until)
			nears(f.Service, f.Within)
		}
		for j := range k.rounds {
			if k.Shallow {
				continue
			}
			for _, v := range en.m.servers[k.rounds[j].service].instances {
				nears(v, float64(0.25*k.Timeout))
			}
		}
	}
	for v := range en.freshNeeds {
		for _, f := range en.freshNeeds[v] {
			if f.fails {
				until = en.outdates(f.target, f.within, until)
				nears(f.target, f.within)
			}
		}
	}
	return until
}

// aging is the age of what waits longest at a service, and the seconds a second by
// which it grew in the last step.
func (en *engine) aging(s *server) (age, speed float64) {
	for k := range s.lanes {
		l := &s.lanes[k]
		if at, ok := l.queue.Oldest(); ok && en.before > 0 && en.t-at >= age {
			age = en.t - at
			speed = (age - l.age) / en.before
		}
	}
	for _, v := range s.instances {
		if a, v := en.aging(&en.m.servers[v]); a > age {
			age, speed = a, v
		}
	}
	return age, speed
}

// outdates shortens a step to the time at which somebody has been away for too long.
func (en *engine) outdates(v int32, limit, until float64) float64 {
	if s := &en.m.servers[v]; s.dead() {
		if at := en.deadSince[v] + limit; at > en.t {
			return min(until, max(at, en.t+en.base))
		}
	}
	return until
}

// drain takes the instances of a zone out of rotation by hand, or puts them back.
func (en *engine) drain(service, zone string, out bool) {
	v, ok := en.rec.index[service]
	if !ok {
		return
	}
	s := &en.m.servers[v]
	before := en.checks.inRotation(en, v)
	var zones []string
	if r := s.Decl.Replicas; r != nil {
		zones = r.Zones
	}
	for i, at := range s.instances {
		if len(zones) > 0 && zones[s.ZoneOf(i)] == zone {
			en.m.servers[at].drained = out
		}
	}
	en.turned(v, nil, before)
}

// disable stops a health check, or starts it again: what it tests is exposed, and the
// rotation stays as it is, or what was taken out is put back. What is being restarted
// is not there yet.
func (en *engine) disable(id string, off, putBack bool) {
	for i := range en.checks.all {
		k := &en.checks.all[i]
		if k.ID != id {
			continue
		}
		k.disabled = off
		for _, v := range k.Tests {
			exposed := false
			for _, r := range en.checks.rounds[v] {
				exposed = exposed || r.check.disabled
			}
			en.m.servers[v].exposed = exposed
		}
		for j := range k.rounds {
			if putBack && k.Via != plan.ViaRestart {
				en.putBack(&k.rounds[j])
			}
		}
	}
}

// putBack puts all in rotation that a health check has taken out, as if it had never
// failed.
func (en *engine) putBack(r *round) {
	before := en.checks.inRotation(en, r.service)
	r.open = false
	for i := range r.tests {
		t := &r.tests[i]
		t.Tally, t.removed, t.pending = mech.Tally{}, false, false
		r.fades[i].Turn(true, en.t, r.check.over())
	}
	en.turned(r.service, r.check, before)
}

// freshNeedOf is what a need wants of how recent its target is.
func freshNeedOf(n *catalog.Need, target int32) freshNeed {
	return freshNeed{target, n.Within.Or(60e9).Seconds(), n.IfLost == catalog.Fail}
}
