package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// A service that is split is played instance by instance. Its own server remains, for
// what is of all instances together: its bins, its state, and the side of its callers.
// Instances are servers after those of the plan. A call to it has a part for each
// instance, with what is under way there; lines, budget, breaker and the rest of a
// need's policies are the call's. A call of it stands for one copy for each instance,
// which are calls like any other, with their share of the clients.

// entire is the call that a call is a part of, or itself.
func (e *call) entire() *call {
	if e.whole != nil {
		return e.whole
	}
	return e
}

// tellApart gives the services that are split their instances.
func (m *model) tellApart() {
	p := m.Plan
	servers, list := len(p.Services), slices.Clone(p.Calls)
	first := make([]int32, len(p.Services)) // instance of a service; 0: it is not split
	for v := range p.Services {
		if n := p.Services[v].Instances; n > 0 {
			first[v] = int32(servers)
			servers += n
		}
	}
	if servers == len(p.Services) {
		return
	}
	copies, parts := make([]int32, len(p.Calls)), make([]int32, 0, 2*len(p.Calls)) // the first of each; 0: none
	for i := range p.Calls {
		e := p.Calls[i]
		if e.From < 0 || first[e.From] == 0 {
			continue
		}
		copies[i] = int32(len(list))
		n := p.Services[e.From].Instances
		e.Nominal, e.Clients = e.Nominal/float64(n), e.Clients/float64(n)
		if e.Cache != nil { // one over all clients: each copy has its share of the keys
			c := *e.Cache
			c.Keys, c.Asked = c.Keys/float64(n), c.Asked/float64(n)
			e.Cache = &c
		}
		for k := range n {
			e.From = first[p.Calls[i].From] + int32(k)
			list = append(list, e)
		}
	}
	whole := len(list)
	for i := range whole {
		e := list[i]
		parts = append(parts, 0)
		if first[e.To] == 0 || i < len(copies) && copies[i] > 0 {
			continue
		}
		parts[i] = int32(len(list))
		n := p.Services[e.To].Instances
		e.Need, e.Nominal = nil, e.Nominal/float64(n)
		for k := range n {
			e.To = first[list[i].To] + int32(k)
			list = append(list, e)
		}
	}
	calls := make([]call, len(list))
	copy(calls, m.calls)
	for i := len(m.calls); i < len(list); i++ {
		calls[i].Call = list[i]
		calls[i].home, calls[i].route = int32(i), int32(i)
		calls[i].begin()
	}
	for _, x := range p.StandIns { // copies of what stands in stand in for copies
		if copies[x.For] == 0 {
			continue
		}
		for k := range int32(p.Services[p.Calls[x.For].From].Instances) {
			calls[copies[x.Call]+k].home = copies[x.For] + k
			calls[copies[x.For]+k].standIns = append(calls[copies[x.For]+k].standIns, copies[x.Call]+k)
		}
	}
	m.calls = calls
	for i := range whole {
		e := &calls[i]
		if parts[i] > 0 {
			e.refused = make([]float64, len(e.Pauses)+1)
			for k := range p.Services[e.To].Instances {
				x := &calls[parts[i]+int32(k)]
				x.whole = e
				x.attempts, x.accepted = make([]float64, len(e.refused)), make([]float64, len(e.refused))
				e.parts = append(e.parts, x)
			}
		}
		if i < len(copies) && copies[i] > 0 {
			for k := range p.Services[e.From].Instances {
				e.copies = append(e.copies, &calls[copies[i]+int32(k)])
			}
		}
	}
	// A list of calls with the copies in place of those that have some.
	spread := func(of []int32) (all []int32) {
		for _, i := range of {
			if copies[i] == 0 {
				all = append(all, i)
				continue
			}
			for k := range calls[i].copies {
				all = append(all, copies[i]+int32(k))
			}
		}
		return all
	}
	own := m.servers
	m.servers = make([]server, servers)
	copy(m.servers, own)
	for v := range p.Services {
		s := &m.servers[v]
		s.In = spread(s.In)
		for k := range s.lanes {
			s.lanes[k].Calls = spread(s.lanes[k].Calls)
		}
	}
	for v := range p.Services {
		s := &m.servers[v]
		for k := range p.Services[v].Instances {
			s.instances = append(s.instances, first[v]+int32(k))
			x := &m.servers[first[v]+int32(k)]
			x.of, x.service, x.place = s, int32(v), k
			x.begin(p.Services[v].Instance(k))
			x.instance(s, int32(k), parts, copies)
		}
		if s.instances != nil {
			s.lanes = nil
		}
	}
}

// instance gives an instance its share of the calls to and of its service.
func (x *server) instance(s *server, k int32, parts, copies []int32) {
	part := func(of, to []int32) (all []int32) {
		for _, i := range of {
			all = append(all, to[i]+k)
		}
		return all
	}
	x.In = part(s.In, parts)
	x.Out, x.AsyncOut = part(s.Out, copies), part(s.AsyncOut, copies)
	x.mixed = s.mixed
	x.lanes = make([]lane, len(s.lanes))
	for j := range s.lanes {
		l := s.lanes[j].Lane
		l.Calls = part(l.Calls, parts)
		x.lanes[j].Lane = l
		x.lanes[j].mixed = s.lanes[j].mixed
		x.lanes[j].queue.Newest = l.Newest
	}
	x.Stages = slices.Clone(s.Stages)
	for j := range x.Stages {
		x.Stages[j].Calls = part(x.Stages[j].Calls, copies)
	}
}

// whose is the service of an instance, and of a service itself.
func (m *model) whose(v int32) int32 {
	if s := &m.servers[v]; s.of != nil {
		return s.service
	}
	return v
}

// begin is a server to which nothing has happened yet.
func (s *server) begin(p plan.Service) {
	s.Service = p
	s.capShare, s.leaseShare, s.slow, s.each, s.success = 1, 1, 1, 1, 1
	if s.Throttled {
		s.bucket = mech.Bucket{Rate: s.Rate, Burst: s.Burst, Tokens: s.Burst}
	}
}

// divide is the downward half of a step of a split service: what its callers send goes
// to the instances that are in rotation, evenly by weight. What is handed over to a
// durable queue goes to those that are there, in rotation or not: they take it
// themselves. Where nobody is in rotation all is refused.
func (en *engine) divide(s *server) {
	turns, there := 0.0, 0.0
	if s.fleet != nil {
		en.crew(s)
	}
	for _, v := range s.instances {
		x := &en.m.servers[v]
		x.fleetShare, x.leaseShare, x.leaseErrors = s.fleetShare, s.leaseShare, s.leaseErrors
		x.turn = en.checks.weight(en, x)
		turns += x.turn
		if !x.dead() {
			there++
		}
		en.spreadThrottle(s, x)
	}
	for _, i := range s.In {
		e := &en.m.calls[i]
		en.offer(e)
		e.taken = 0
		clear(e.refused)
		for k, x := range e.parts {
			to := &en.m.servers[s.instances[k]]
			share := 0.0
			switch {
			case e.Async && there > 0:
				if !to.dead() {
					share = 1 / there
				}
			case e.Async:
				share = 1 / float64(len(s.instances))
			case turns > 0:
				share = to.turn / turns
			}
			x.sent = 0
			for j, a := range e.attempts {
				x.attempts[j] = float64(a * share)
				x.sent += x.attempts[j]
			}
		}
		if en.chance {
			e.deal()
		}
		if turns <= 0 && !e.Async && e.sent > 0 {
			copy(e.refused, e.attempts)
			e.bin.Attempts += e.sent
			s.bin.Attempts += e.sent
			s.bin.Offered += e.attempts[0]
			s.bin.Refused += e.sent
		}
	}
	for _, v := range s.instances {
		en.downward(v)
	}
	for _, i := range s.In {
		e := &en.m.calls[i]
		total := sum(e.refused)
		if total <= 0 {
			continue
		}
		e.bin.Rejected += total
		en.fail(e, e.refused, en.t, en.t+en.h, false)
		if e.breaker != nil {
			e.breaker.Observe(en.t+en.h, 0, total)
		}
	}
}

// deal makes whole attempts of what the parts of a call were given, by lot.
func (e *call) deal() {
	for j, left := range e.attempts {
		rest := 0.0
		for _, x := range e.parts {
			rest += x.attempts[j]
		}
		if rest <= 0 { // nobody is there
			continue
		}
		for _, x := range e.parts {
			m, share := 0.0, x.attempts[j]
			if share > 0 && left > 0 {
				m = min(left, e.luck.gate.Of(left, min(1, share/rest)))
			}
			rest -= share
			left -= m
			x.sent += m - share
			x.attempts[j] = m
		}
		if left > 0 { // what rounding left over
			for k := len(e.parts) - 1; k >= 0; k-- {
				if x := e.parts[k]; x.sent > 0 || k == 0 {
					x.attempts[j] += left
					x.sent += left
					break
				}
			}
		}
	}
}

// spreadThrottle gives an instance its share of what operators let through.
func (en *engine) spreadThrottle(s, x *server) {
	if s.trickle == nil {
		x.trickle = nil
		return
	}
	n := float64(len(s.instances))
	if x.trickle == nil {
		x.trickle = &mech.Bucket{Tokens: s.trickle.Tokens / n}
	}
	x.trickle.Rate, x.trickle.Burst = s.trickle.Rate/n, s.trickle.Burst/n
}

// admitPart is admit for the part of a call that goes to one instance, with the
// probability of a rejection known. Who is rejected chooses anew, and so retries in
// the next step.
func (en *engine) admitPart(s *server, e *call, p float64, reason refusal) (admitted, rejected float64) {
	o := e.whole
	for k, x := range e.attempts {
		in := e.luck.gate.Whole(float64(x * (1 - p)))
		if p >= 1 {
			in = 0
		}
		e.accepted[k] = in
		admitted += in
		rejected += x - in
		o.refused[k] += x - in
	}
	e.taken = admitted
	o.taken += admitted
	o.bin.Attempts += e.sent
	switch reason {
	case refusedDown:
		s.bin.Refused += rejected
	case refusedThrottle:
		s.bin.Throttled += rejected
	default:
		s.bin.Full += rejected
	}
	if !e.Chore {
		s.bin.Offered += e.attempts[0]
	}
	e.flight.put(en.t, en.t+en.h, e.accepted)
	return admitted, rejected
}

// gather is the upward half of a step of a split service: its callers hear what the
// instances answered, and what the instances did is what it did.
func (en *engine) gather(s *server) {
	for _, v := range s.instances {
		en.upward(v)
	}
	for _, i := range s.In {
		e := &en.m.calls[i]
		for _, x := range e.parts {
			x.stepGood = sum(x.gotGood)
			for k := range e.gotGood {
				e.gotGood[k] += x.gotGood[k]
				e.gotBad[k] += x.gotBad[k]
			}
			clear(x.gotGood)
			clear(x.gotBad)
		}
		if en.h > en.base || en.h > e.Timeout {
			en.giveUp(e, en.t+en.h-e.Timeout)
		}
		en.deliver(e)
	}
	n := float64(len(s.instances))
	mass := 0.0
	s.rateStart, s.easy = 0, true
	for _, v := range s.instances {
		x := &en.m.servers[v]
		s.easy = s.easy && x.easy
		s.bin.add(&x.bin, 1, 1/n)
		s.bin.InRotation += float64(x.turn * x.Replicas * s.grown() * en.h)
		mass += x.bin.Queue
		x.bin = ServiceBin{Queue: x.bin.Queue}
		s.rateStart += x.rateStart
	}
	s.bin.Queue = mass
	s.bin.MaxQueue = max(s.bin.MaxQueue, mass)
	switch {
	case mass > s.peak && mass > 1e-6:
		s.peak, s.emptyAt = mass, math.NaN()
	case mass <= 1e-6*max(1, s.peak) && math.IsNaN(s.emptyAt):
		s.emptyAt = en.t + en.h
	}
	for _, i := range s.Out {
		en.m.calls[i].collect()
	}
	en.note(s)
}

// collect makes a call of a split service what its copies are together.
func (e *call) collect() {
	calls, well, any := 0.0, 0.0, 0.0
	n := float64(len(e.copies))
	e.recall = mech.Recall{}
	for _, x := range e.copies {
		e.bin.add(&x.bin, 1/n)
		x.bin = NeedBin{}
		calls += x.rateCalls
		well += float64(x.q * x.rateCalls)
		any += x.q / n
		e.recall.Add(&x.recall, 1/n)
	}
	e.rateCalls, e.q = calls, any
	if calls > 0 {
		e.q = well / calls
	}
	e.usual = e.q
}

// add adds so many times what another bin counts, which is of a share of the same
// servers: shares of them are averaged, and all else is summed.
func (b *ServiceBin) add(x *ServiceBin, times, share float64) {
	b.Offered += float64(x.Offered * times)
	b.Attempts += float64(x.Attempts * times)
	b.Good += float64(x.Good * times)
	b.Failed += float64(x.Failed * times)
	b.Timeouts += float64(x.Timeouts * times)
	b.Errors += float64(x.Errors * times)
	b.Refused += float64(x.Refused * times)
	b.Throttled += float64(x.Throttled * times)
	b.Full += float64(x.Full * times)
	b.Finished += float64(x.Finished * times)
	b.Wasted += float64(x.Wasted * times)
	b.Expired += float64(x.Expired * times)
	b.Dead += float64(x.Dead * times)
	b.Latency += float64(x.Latency * times)
	b.MeanQueue += float64(x.MeanQueue * times)
	b.Busy += float64(x.Busy * times * share)
	b.Capacity += float64(x.Capacity * times * share)
	b.Replicas += float64(x.Replicas * times)
	b.Deferred += float64(x.Deferred * times)
	b.RotationChanges += float64(x.RotationChanges * times)
	b.InRotation += float64(x.InRotation * times)
}

// add adds the bin of one of the copies of a call, which is so much of it.
func (b *NeedBin) add(x *NeedBin, share float64) {
	b.Calls += x.Calls
	b.Attempts += x.Attempts
	b.Good += x.Good
	b.Timeouts += x.Timeouts
	b.Rejected += x.Rejected
	b.Errors += x.Errors
	b.Stopped += x.Stopped
	b.Denied += x.Denied
	b.Failed += x.Failed
	b.Lost += x.Lost
	b.Hits += x.Hits
	b.Barred += x.Barred
	b.Joined += x.Joined
	b.Open += float64(x.Open * share)
}

// decided is what is on its way back as an answer.
func (e *call) decided() float64 {
	m := sum(e.answering) + sum(e.refusing)
	for _, x := range e.parts {
		m += x.decided()
	}
	return m
}

// settling is what is under way at the target: sent and not answered, refused or
// given up.
func (e *call) settling() float64 {
	m := e.flight.total
	for k := range e.answering {
		m += e.answering[k] + e.refusing[k] + e.toAnswer[k] + e.toRefuse[k]
	}
	for _, x := range e.parts {
		m += x.settling()
	}
	return m
}

// promised is what is on its way back as a good answer.
func (e *call) promised() float64 {
	m := sum(e.answering)
	for _, x := range e.parts {
		m += sum(x.answering)
	}
	return m
}

// oldest is how long ago the oldest attempt that is left was sent.
func (e *call) oldest(now float64) float64 {
	age := e.flight.age(now)
	for _, x := range e.parts {
		age = max(age, x.flight.age(now))
	}
	return age
}

// retrying is what is under way beyond first attempts: sent, or allowed and waiting.
func (e *call) retrying() float64 {
	m := e.flight.retries()
	for k := range e.lines {
		m += max(0, e.lines[k].Mass()-e.debt[k+1])
	}
	for k := range e.answering {
		if k > 0 {
			m += e.answering[k] + e.refusing[k]
		}
	}
	for _, x := range e.parts {
		m += x.retrying()
	}
	return m
}

// opens is how often the breaker of one client has opened.
func (e *call) opens() float64 {
	switch {
	case e.copies != nil:
		m := 0.0
		for _, x := range e.copies {
			m += x.opens() / float64(len(e.copies))
		}
		return m
	case e.breaker != nil:
		return e.breaker.Opens
	}
	return 0
}

// dead reports whether nobody answers at a server.
func (s *server) dead() bool { return s.down || s.blackout >= 0.5 }

// queued is what waits at a service, and when the oldest of it arrived; +Inf where
// nothing waits.
func (en *engine) queued(s *server) (mass, oldest float64) {
	oldest = math.Inf(1)
	for k := range s.lanes {
		q := &s.lanes[k].queue
		mass += q.Mass()
		if at, ok := q.Oldest(); ok {
			oldest = min(oldest, at)
		}
	}
	for _, v := range s.instances {
		m, at := en.queued(&en.m.servers[v])
		mass += m
		oldest = min(oldest, at)
	}
	return mass, oldest
}

// waits is how long a request that arrives now will wait at a split service: that of
// an instance in rotation, on average.
func (en *engine) waits(s *server) float64 {
	turns, wait := 0.0, 0.0
	for _, v := range s.instances {
		x := &en.m.servers[v]
		if w := x.turn; w > 0 {
			_, one := en.ages(x)
			turns += w
			wait += float64(w * one)
		}
	}
	if turns <= 0 {
		return math.Inf(1)
	}
	return wait / turns
}
