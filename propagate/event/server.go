package event

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/plan"
)

// service is one service as this engine plays it.
type service struct {
	*plan.Service
	index int32
	of    *service // of which it is an instance; nil: of none
	place int      // among its instances
	group          // where it is split
	lanes []lane
	fate
	orders
	again       *deferred // nil without
	fleet       *fleet    // nil where its instances are all there or all gone with their faults
	crewed      float64   // share of threads and capacity that its instances have
	faultsLeave float64   // share of capacity that faults leave, without the orders of operators
	struckDown  bool      // a fault makes it refuse

	manned float64 // share of threads and capacity that its leases leave
	lost   float64 // share of its answers that are errors for a lost lease
	mixed  bool    // some of its requests are more work than others

	work, errs, dark stream

	places  int     // threads as they are now
	stretch float64 // of a service time, where they are not a whole number
	chores  int     // rejections that wait for a thread to be worked on
	labour  int     // that are worked on
	labours uint32  // mark of their events: those before were lost with the service
	inside  list    // who holds a thread
	pumping bool

	gap   float64 // nanoseconds from start to start; 0 without a capacity beside threads
	slack float64 // nanoseconds that starts may be early: in a burst
	ready float64 // when the next is due
	wake  int64   // when it will look again

	bucket  *bucket // its throttle
	shed    *bucket
	trickle *bucket // an operator's throttle

	waiting   int // in its queue
	sync      int // of them, of callers that wait
	target    int64
	interval  int64
	idleSince int64   // when its queue was last empty
	clock     float64 // of weighted lanes: where the last served stood
	peak      int     // greatest length of its queue
	emptyAt   float64 // seconds; when it was empty again; NaN while it is not

	queue   level[int]     // waiting
	busy    level[int]     // threads
	share   level[float64] // of the capacity, that is there
	crews   level[float64] // replicas that serve
	servers level[float64] // threads but for faults
	used    float64        // busy seconds of all its threads together, up to the last change of their number
	usedAt  float64        // busy seconds of each of them, up to then
	failing float64        // share of what was settled in the last observation
	n       *serviceCounts // of all instances together
	probes  []int32        // of health checks, that test it
	tested  int            // of them, tests under way that wait for what it does
	fresh   []plan.Fresh   // what has to be recent for it to answer rightly
	deadAt  int64          // from when on nobody is there; never: somebody is
	exposed bool           // a health check that protects it is switched off
	members []stream       // of the choice among alternatives, by stage
	stand   []uint8        // by stage: which fallback of its service it is, from 1; 0: none
}

// begin makes a service in which nothing has happened yet.
func (s *service) begin(p *plan.Service, seed uint64) {
	s.Service = p
	s.n, s.deadAt = new(serviceCounts), never
	s.orders = noOrders
	s.work, s.errs, s.dark = newStream(seed, "service time", p.ID), newStream(seed, "errors", p.ID), newStream(seed, "swallowed", p.ID)
	s.lanes = make([]lane, len(p.Lanes))
	for k := range s.lanes {
		l := &p.Lanes[k]
		s.lanes[k] = lane{Lane: l, row: list{none, none, 0}, limit: nanos(l.Limit), newest: l.Newest}
	}
	s.inside = list{none, none, 0}
	s.wake = never
	s.target, s.interval = nanos(p.Target), nanos(p.Interval)
	s.fate = well
	s.share.value, s.manned, s.crewed = 1, 1, 1
	s.size()
	if p.Throttled {
		var burst unit.Value[int64]
		if t := p.Decl.Throttle; t != nil {
			burst = t.Burst
		}
		b := newBucket(p.Rate, burst)
		s.bucket = &b
	}
	s.members = make([]stream, len(p.Stages))
	s.stand = make([]uint8, len(p.Stages))
	fallbacks := 0
	for k := range p.Stages {
		st := &p.Stages[k]
		if st.AtLeast > 0 {
			s.members[k] = newStream(seed, "member", p.ID, fmt.Sprint(k))
		}
		if st.Fallback {
			fallbacks++
			s.stand[k] = uint8(min(fallbacks, 255))
		}
	}
}

// connect tells the edges of a service which of its stages stands in for them.
func (s *service) connect(edges []edge) {
	for _, i := range s.In {
		s.mixed = s.mixed || edges[i].Work != 1
	}
	for k := range s.Stages {
		if s.stand[k] == 0 {
			continue
		}
		index := edges[s.Stages[k].Calls[0]].Index
		for _, i := range s.Out {
			if e := &edges[i]; e.Index == index && !s.Stages[e.Leg].Fallback {
				e.fallback = s.stand[k]
			}
		}
	}
}

// size gives a service its places, after its fate changed. A part of a thread is a
// thread that takes longer, so that the capacity is right.
func (s *service) size() {
	there := max(0, s.there*s.staffed())
	if n := s.Threads * there; there == 0 {
		s.places, s.stretch = 0, 1
	} else if math.IsInf(n, 1) || n > math.MaxInt32 {
		s.places, s.stretch = math.MaxInt32, 1
	} else {
		s.places = int(math.Ceil(n - 1e-9*n))
		s.stretch = float64(s.places) / n
	}
	s.gap, s.slack = 0, 0
	if limited := !math.IsInf(s.Capacity, 1); limited && there > 0 && !(s.Leaf && s.Capacity >= s.Threads/s.Time*(1-1e-9)) {
		s.gap = 1e9 / (s.Capacity * there) * s.slow
		// What the capacity keeps in service may begin at once.
		s.slack = (max(1, s.Capacity*s.Time) - 1) * s.gap
	}
	if !math.IsInf(s.Shed, 1) {
		if s.shed == nil {
			s.shed = &bucket{tokens: 1}
		}
		rate := s.Shed * s.now()
		s.shed.rate, s.shed.limit = rate*1e-9, max(float64(len(s.lanes)+1), 0.1*rate)
	}
}

// now is the capacity as it is, per second.
func (s *service) now() float64 { return s.Full() * s.there * s.staffed() / s.slow }

// staffed is the share of threads and capacity that leases and the fleet leave. An
// instance has that of its service.
func (s *service) staffed() float64 {
	if s.of != nil {
		s = s.of
	}
	return s.manned * s.crewed
}

// resize gives a service, and its instances, what is there of it now.
func (en *engine) resize(s *service) {
	s.size()
	en.present(s)
	for _, i := range s.parts {
		en.resize(&en.services[i])
	}
	en.pump(s)
}

// usual is how many threads it has but for its faults: more where operators gave it
// more.
func (s *service) usual() float64 {
	t := s.Threads
	if math.IsInf(t, 1) {
		return 0
	}
	crewed := s.crewed
	if s.of != nil {
		crewed = s.of.crewed
	}
	t *= crewed * max(1, s.there)
	return math.Ceil(t - 1e-9*t)
}

// toDo is the work that waits, in requests.
func (en *engine) toDo(s *service) float64 {
	if !s.mixed {
		return float64(s.waiting)
	}
	sum := 0.0
	for _, i := range s.parts {
		sum += en.toDo(&en.services[i])
	}
	for k := range s.lanes {
		for vi := s.lanes[k].row.head; vi != none; vi = en.visits.at(vi).next {
			sum += en.edges[en.visits.at(vi).edge].Work
		}
	}
	return sum
}

// wait counts who comes into the queue or leaves it.
func (s *service) wait(n int, now int64) {
	s.queue.add(n, now)
	s.waiting += n
	if s.of != nil {
		s.of.wait(n, now)
	}
	switch {
	case s.waiting > s.peak:
		s.peak, s.emptyAt = s.waiting, math.NaN()
	case s.waiting == 0 && math.IsNaN(s.emptyAt):
		s.emptyAt = seconds(now)
	}
}

// phase is where a visit is.
type phase uint8

const (
	queued  phase = iota
	working       // on its own
	calling       // others
)

// visit is one attempt where it is served. It goes on when nobody waits for it any
// more, unless its service cancels.
type visit struct {
	service int32  // none: nobody is in this place
	edge    int32  // by which it came
	call    int32  // that waits for it; none: nobody
	mark    uint32 // changes with every leg and piece of work, and with who is in this place
	prev    int32
	next    int32
	phase   phase
	test    int32 // one more than the probe that goes by what becomes of it; 0: none
	leg
	arrived int64
	until   int64 // end of its own work
}

// refusal is why an attempt is not taken in.
type refusal uint8

const (
	welcome refusal = iota
	isDown
	isFull
	isThrottled
)

// refuses decides whether an attempt is taken in. A durable queue takes everything.
func (en *engine) refuses(s *service, e *edge) refusal {
	if e.Async {
		return welcome
	}
	if s.down {
		return isDown
	}
	if s.lanes[e.Lane].Priority >= en.services[s.home()].class {
		return isThrottled
	}
	if float64(s.sync) >= s.Bound && !en.free(s) {
		return isFull
	}
	if s.shed != nil {
		// The less important leave more for the others.
		kept := s.shed.limit * float64(e.Lane) / float64(len(s.lanes))
		if !s.shed.has(en.now, kept) {
			return isThrottled
		}
	}
	if s.bucket != nil && !s.bucket.has(en.now, 0) || s.trickle != nil && !s.trickle.has(en.now, 0) {
		return isThrottled
	}
	for _, b := range [...]*bucket{s.shed, s.bucket, s.trickle} {
		if b != nil {
			b.take(en.now)
		}
	}
	return welcome
}

// refused counts an attempt that was not taken in, and the work of saying so.
func (en *engine) refused(s *service, why refusal) {
	switch why {
	case isDown:
		s.n.refused++
		return
	case isFull:
		s.n.full++
	case isThrottled:
		s.n.throttled++
	}
	if s.Rejection > 0 && s.places < math.MaxInt32 {
		s.chores++
		en.pump(s)
	}
}

// free reports whether who comes now begins at once.
func (en *engine) free(s *service) bool {
	return s.waiting == 0 && s.chores == 0 && s.busy.value < s.places && !s.down && (s.gap == 0 || float64(en.now) >= s.ready-s.slack)
}

// accept takes the attempt of a call in.
func (en *engine) accept(s *service, e *edge, ci int32) {
	if !e.Async && s.dark.happens(s.swallows) {
		return
	}
	vi := en.visits.take()
	v := en.visits.at(vi)
	*v = visit{service: s.index, edge: en.calls.at(ci).edge, call: ci, mark: v.mark + 1, arrived: en.now}
	en.calls.at(ci).visit = vi
	s.n.entered++
	if en.free(s) && !(e.Async && s.throttled()) {
		en.start(s, vi)
		return
	}
	en.enqueue(s, vi)
	en.pump(s)
}

func (s *service) throttled() bool { return s.bucket != nil || s.trickle != nil }

// leave empties the place of a visit, which is in no list any more.
func (en *engine) leave(s *service, vi int32) {
	v := en.visits.at(vi)
	if v.call != none {
		en.calls.at(v.call).visit = none
	}
	v.service, v.call = none, none
	v.mark++
	s.n.left++
	en.visits.leave(vi)
}

// pump lets begin who can. What begins may be over at once and make room: so that is
// seen here and not within.
func (en *engine) pump(s *service) {
	if s.pumping {
		return
	}
	s.pumping = true
	started := false
	for !s.down && s.busy.value < s.places {
		if s.chores > 0 {
			s.chores--
			s.labour++
			s.hold(1, en.now)
			en.plan(en.now+en.draw(s, s.Rejection), rejects, s.index, s.labours)
			continue
		}
		k := en.choose(s)
		if k == none {
			break
		}
		if s.gap > 0 && float64(en.now) < s.ready-s.slack {
			en.lookAgain(s, int64(math.Ceil(s.ready-s.slack)))
			break
		}
		l := &s.lanes[k]
		if l.Async && s.throttled() {
			if at := en.letsTake(s); at > en.now {
				en.lookAgain(s, at)
				break
			}
		}
		vi := l.row.head
		if en.newestFirst(s, l) {
			vi = l.row.tail
		}
		if s.Weighted {
			s.clock = l.served
			l.served += 1 / l.Weight
		}
		en.unqueue(s, vi)
		en.start(s, vi)
		started = true
	}
	if s.tested > 0 {
		en.testsBegin(s, started)
	}
	for k := range s.lanes { // what nobody serves gets too old as well
		if l := &s.lanes[k]; l.Async && l.limit != never && l.lapse <= en.now {
			en.shorten(s, l)
		}
	}
	s.pumping = false
}

// letsTake asks the throttles for one of a durable queue: now, or when to ask again.
func (en *engine) letsTake(s *service) int64 {
	at := en.now
	for _, b := range [...]*bucket{s.bucket, s.trickle} {
		if b != nil {
			at = max(at, b.ready(en.now))
		}
	}
	if at > en.now {
		return at
	}
	for _, b := range [...]*bucket{s.bucket, s.trickle} {
		if b != nil {
			b.take(en.now)
		}
	}
	return at
}

// lookAgain plans to pump.
func (en *engine) lookAgain(s *service, at int64) {
	if at < s.wake && at != never {
		s.wake = at
		en.plan(at, wakes, s.index, 0)
	}
}

// draw is a service time: exponential, so many times as long as usual.
func (en *engine) draw(s *service, times float64) int64 {
	return max(1, int64(float64(s.work.exponential()*times)*s.Time*s.slow*s.stretch*1e9))
}

// idle is a service time that stands for none; see plan.Service.Time.
const idle = 1e-6

// start gives a visit a thread.
func (en *engine) start(s *service, vi int32) {
	s.hold(1, en.now)
	v := en.visits.at(vi)
	work := en.edges[v.edge].Work
	s.n.begun += work
	if s.gap > 0 {
		s.ready = max(s.ready, float64(en.now)) + float64(s.gap*work)
	}
	en.append(&s.inside, vi)
	v.phase = working
	if s.tested > 0 && !s.Leaf {
		en.ride(s, vi)
	}
	if s.Time <= idle && s.places == math.MaxInt32 {
		en.worked(vi)
		return
	}
	v.until = en.now + en.draw(s, work)
	en.plan(v.until, works, vi, v.mark)
}

// slowDown stretches what remains of the work under way.
func (en *engine) slowDown(s *service, times float64) {
	for vi := s.inside.head; vi != none; vi = en.visits.at(vi).next {
		v := en.visits.at(vi)
		if v.phase != working {
			continue
		}
		v.mark++
		v.until = en.now + max(1, int64(float64(v.until-en.now)*times))
		en.plan(v.until, works, vi, v.mark)
	}
}

// rejected ends the work of a rejection.
func (en *engine) rejected(v int32, mark uint32) {
	s := &en.services[v]
	if s.labours != mark {
		return
	}
	s.labour--
	s.hold(-1, en.now)
	en.pump(s)
}

// worked ends a visit's own work.
func (en *engine) worked(vi int32) {
	v := en.visits.at(vi)
	s := &en.services[v.service]
	v.phase = calling
	v.mark++
	mark := v.mark
	for _, i := range s.AsyncOut {
		for range en.edges[i].number.whole(en.edges[i].PerRequest) {
			en.begin(i, none, 0, none)
		}
	}
	if v.mark != mark { // a service that calls itself in circles was lost meanwhile
		return
	}
	if s.Leaf {
		en.finished(vi, true)
		return
	}
	en.proceed(vi)
}

// finished ends a visit and answers, if somebody still waits.
func (en *engine) finished(vi int32, ok bool) {
	v := en.visits.at(vi)
	s := &en.services[v.service]
	ci, e := v.call, &en.edges[v.edge]
	errors := s.errors
	if lost := en.services[s.home()].lost; lost > 0 {
		errors = 1 - float64((1-errors)*(1-lost))
	}
	if ok && s.errs.happens(errors) || s.corrupt && !e.Believes || en.stale(s.fresh) {
		ok = false
	}
	if v.test > 0 {
		en.rode(vi, ok)
	}
	s.n.finished++
	s.n.latency += seconds(en.now - v.arrived)
	if ci == none {
		s.n.wasted++
	}
	en.remove(&s.inside, vi)
	s.hold(-1, en.now)
	en.leave(s, vi)
	en.pump(s)
	if ci != none { // under way until it hears of this: nobody else can have ended it
		en.answered(ci, ok)
	}
}
