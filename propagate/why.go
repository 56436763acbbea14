package propagate

import (
	"cmp"
	"math"
	"slices"
)

// Cause is one link of a chain of causes: what ails a service in a span of time,
// what explains it, and how much of it.
type Cause struct {
	Service  string
	From, To float64 // seconds; the window of the service that is explained
	State    State   // the worst in it
	Kind     CauseKind
	Share    float64 // of what fails one link up, 0..1
	Fault    int     // index into the scenario's faults, of FaultCause; else -1
	Load     int     // index into the scenario's loads, of LoadCause; else -1

	Target        string  // of NeedCause: the need that is lost; of LeaseCause and RegrantCause: the lease; of RotationCause: the check; of StaleCause: what is not recent; of SurgeCause: the caller
	Age           float64 // of QueueCause and StaleCause: seconds a request waits at the worst
	Deadline      float64 // of QueueCause: seconds its callers wait; +Inf without limit
	Queue         float64 // of QueueCause and FullCause: requests waiting at the worst
	Amplification float64 // of RetryCause: attempts per original; of RegrantCause: per lease that was lost; of SurgeCause: requests per usual request, at the worst
	Callers       int     // of RetryCause: needs that retry
	Capacity      float64 // of CapacityCause: share of the capacity that was there; of LeaseCause: share of the leases held; of RotationCause: share of the replicas in rotation, each at the worst
	Since         float64 // of LeaseCause: when leases began to be missing, seconds

	Because []Cause // what explains this, the largest share first
}

// CauseKind is the kind of one link.
type CauseKind uint8

// The kinds of causes.
const (
	FaultCause    CauseKind = iota // a fault of the scenario strikes the service
	LoadCause                      // a load of the scenario is more than it can do
	NeedCause                      // a need is lost
	QueueCause                     // requests wait longer than their callers
	FullCause                      // the queue is full
	RetryCause                     // callers retry, and that is more than it can do
	CapacityCause                  // less capacity than declared, for no fault of its own
	ThrottleCause                  // a throttle or shedding refuses
	BreakerCause                   // a caller's breaker, bulkhead, throttle or budget stops calls
	ThreadsCause                   // its threads wait for others
	SeveralCauses                  // see Because
	HandCause                      // it waits for a restart, from From to To
	LeaseCause                     // it has lost leases
	RotationCause                  // a health check has taken replicas out of rotation
	StaleCause                     // what it has to know is not recent
	SurgeCause                     // a caller asks for more than usual
	RegrantCause                   // leases that it keeps have to be made anew
)

// Why explains the impairment of a service at a time in seconds, or, when the time
// is negative, its worst one. It is nil for a service that was healthy then.
//
// A share is of the requests that failed for a reason, as counted in the bins of
// the impairment; of an overload, of the requests by which demand, retries and lost
// capacity exceed what is usual.
func (r *Result) Why(service string, at float64) *Cause {
	s := r.service(service)
	if s == nil {
		return nil
	}
	from, to, state := s.episode(at)
	if state == Healthy {
		return nil
	}
	x := explanation{r: r, open: map[string]bool{}}
	causes := x.service(s, from, to)
	if len(causes) == 1 {
		c := causes[0]
		c.From, c.To, c.State = from, to, state
		return &c
	}
	if len(causes) == 0 {
		return nil
	}
	return &Cause{Service: s.ID, From: from, To: to, State: state, Kind: SeveralCauses, Share: 1, Fault: -1, Load: -1, Because: causes}
}

// episode is the impairment that contains a time, windows that touch taken together.
func (s *ServiceResult) episode(at float64) (from, to float64, worst State) {
	best := Healthy
	for i := 0; i < len(s.Windows); {
		j := i + 1
		state := s.Windows[i].State
		for j < len(s.Windows) && s.Windows[j].From-s.Windows[j-1].To < 1e-6 {
			state = max(state, s.Windows[j].State)
			j++
		}
		f, t := s.Windows[i].From, s.Windows[j-1].To
		open := s.Windows[j-1].Open
		i = j
		switch {
		case at >= 0 && (at < f || at >= t && !open):
		case state > best, state == best && t-f > to-from:
			from, to, best = f, t, state
		}
	}
	return from, to, best
}

// explanation is one walk along the causes.
type explanation struct {
	r    *Result
	open map[string]bool // services on the way, so that cycles end
}

// bins are those that overlap a span.
func (x *explanation) bins(from, to float64, each func(i int)) {
	for i := range x.r.Outside {
		if x.r.Times[i+1] > from+1e-9 && x.r.Times[i] < to-1e-9 {
			each(i)
		}
	}
}

// service finds what explains an impairment of a service.
func (x *explanation) service(s *ServiceResult, from, to float64) []Cause {
	if x.open[s.ID] || len(x.open) > 64 {
		return nil
	}
	x.open[s.ID] = true
	defer delete(x.open, s.ID)

	var refused, throttled, full, late, expired, age, queue, busy float64
	x.bins(from, to, func(i int) {
		b := &s.Bins[i]
		refused += b.Refused
		throttled += b.Throttled
		full += b.Full
		late += b.Timeouts
		expired += b.Expired
		age = max(age, b.Age)
		queue = max(queue, b.MaxQueue)
		busy = max(busy, b.Busy)
	})
	var causes []Cause
	add := func(c Cause, mass float64) {
		if mass > 1e-6 {
			c.Service, c.From, c.To, c.State, c.Share = s.ID, from, to, x.worst(s, from, to), mass
			causes = append(causes, c.since(s))
		}
	}
	fault := x.fault(s.ID, from, to)
	if h := s.waited(from, to); h != nil { // what it refused then, or keeps
		before := 0.0
		x.bins(from, h.From, func(i int) { before += s.Bins[i].Refused })
		add(x.handCause(s, from, to), refused-before+queue)
		refused = before
	}
	if refused > 0 {
		add(x.faultCause(fault), refused)
	}
	add(Cause{Kind: ThrottleCause, Fault: -1, Load: -1}, throttled)
	deadline := x.deadline(s.ID)
	waits := age > min(1, 0.5*deadline)
	if full > 0 {
		add(Cause{Kind: FullCause, Fault: -1, Load: -1, Queue: min(queue, s.Bound), Because: x.overload(s, from, to)}, full)
	}
	failed := 0.0 // for a need
	for i := range x.r.Needs {
		n := &x.r.Needs[i]
		if n.Service != s.ID || n.Async {
			continue
		}
		var lost, stopped, calls float64
		x.bins(from, to, func(j int) {
			lost += n.Bins[j].Lost
			stopped += n.Bins[j].Stopped
			calls += n.Bins[j].Failed
		})
		if n.Soft && x.worst(s, from, to) > Degraded {
			continue
		}
		if calls > 0 && stopped > 0.5*calls {
			add(Cause{Kind: BreakerCause, Fault: -1, Load: -1, Target: n.Target, Because: x.target(n.Target, from, to)}, lost)
		} else {
			add(Cause{Kind: NeedCause, Fault: -1, Load: -1, Target: n.Target, Because: x.target(n.Target, from, to)}, lost)
		}
		failed += lost
	}
	// What ran into its time-out here, and not because a need had failed.
	late = max(0, late-failed)
	switch {
	case late+expired <= 1e-6:
	case waits:
		add(Cause{Kind: QueueCause, Fault: -1, Load: -1, Age: age, Deadline: deadline, Queue: queue, Because: x.overload(s, from, to)}, late+expired)
	case fault >= 0:
		add(x.faultCause(fault), late+expired)
	default:
		if n := x.slowest(s, from, to); n != nil {
			add(Cause{Kind: NeedCause, Fault: -1, Load: -1, Target: n.Target, Because: x.target(n.Target, from, to)}, late+expired)
		} else {
			add(Cause{Kind: QueueCause, Fault: -1, Load: -1, Age: age, Deadline: deadline, Queue: queue, Because: x.overload(s, from, to)}, late+expired)
		}
	}
	for _, id := range s.Recent {
		if c, errors, ok := x.stale(s, id, from, to); ok {
			add(c, errors)
		}
	}
	if len(causes) == 0 {
		switch {
		case fault >= 0:
			add(x.faultCause(fault), 1)
		case age > 0.5:
			add(Cause{Kind: QueueCause, Fault: -1, Load: -1, Age: age, Deadline: deadline, Queue: queue, Because: x.overload(s, from, to)}, 1)
		}
		for _, t := range s.Change {
			if o := x.r.service(t); o != nil && x.worst(o, from, to) >= Frozen {
				add(Cause{Kind: NeedCause, Fault: -1, Load: -1, Target: t, Because: x.target(t, from, to)}, 1)
			}
		}
	}
	return shares(causes)
}

// shares sorts causes and makes their masses shares of one.
func shares(causes []Cause) []Cause {
	total := 0.0
	for i := range causes {
		total += causes[i].Share
	}
	for i := range causes {
		causes[i].Share /= total
	}
	causes = slices.DeleteFunc(causes, func(c Cause) bool { return c.Share < 0.001 })
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(b.Share, a.Share) })
	return causes
}

// worst is the worst state of a service in a span.
func (x *explanation) worst(s *ServiceResult, from, to float64) State {
	w := Healthy
	for i := range s.Windows {
		if s.Windows[i].To > from && s.Windows[i].From < to {
			w = max(w, s.Windows[i].State)
		}
	}
	return w
}

// target explains a need by what ails its target in the span.
func (x *explanation) target(id string, from, to float64) []Cause {
	s := x.r.service(id)
	for i := range s.Windows {
		if w := s.Windows[i]; w.To > from && w.From < to {
			f, t, _ := s.episode(w.From)
			return x.service(s, f, t)
		}
	}
	return x.service(s, from, to)
}

// deadline is the shortest time-out of the callers of a service.
func (x *explanation) deadline(id string) float64 {
	d := math.Inf(1)
	for i := range x.r.Needs {
		if n := &x.r.Needs[i]; n.Target == id {
			d = min(d, n.Timeout)
		}
	}
	return d
}

// slowest is the need with the most calls under way in a span.
func (x *explanation) slowest(s *ServiceResult, from, to float64) *NeedResult {
	var most float64
	var found *NeedResult
	for i := range x.r.Needs {
		n := &x.r.Needs[i]
		if n.Service != s.ID || n.Async {
			continue
		}
		sum := 0.0
		x.bins(from, to, func(j int) { sum += n.Bins[j].InFlight })
		if sum > most {
			most, found = sum, n
		}
	}
	return found
}

// fault is the first fault of the scenario that strikes a service in a span, or just
// before; -1 without.
func (x *explanation) fault(id string, from, to float64) int {
	for i := range x.r.Scenario.Faults {
		f := &x.r.Scenario.Faults[i]
		begin := f.At.Seconds()
		if f.Service == id && begin < to && x.r.faultEnd(i) > from-1 {
			return i
		}
	}
	return -1
}

func (x *explanation) faultCause(i int) Cause {
	if i < 0 {
		return Cause{Kind: CapacityCause, Fault: -1, Load: -1}
	}
	return Cause{Kind: FaultCause, Fault: i, Load: -1}
}

// overload explains why a service is asked more than it can do: by more demand, by
// retries, by less capacity, or by threads that wait for others. Each counts with
// the requests by which it is off what is usual.
func (x *explanation) overload(s *ServiceResult, from, to float64) []Cause {
	usual := x.r.nominal(s)
	var more, retries, less, blocked, offered float64
	least := 1.0
	x.bins(from, to, func(i int) {
		b, h := &s.Bins[i], x.r.Times[i+1]-x.r.Times[i]
		more += max(0, b.Offered-float64(usual*h))
		retries += max(0, b.Attempts-b.Offered)
		offered += b.Offered
		least = min(least, b.Capacity)
		if !math.IsInf(s.Capacity, 1) {
			less += float64(max(0, 1-b.Capacity) * min(s.Capacity, usual+s.Capacity) * h)
		}
		if b.Busy > 0.9 && b.Finished < 0.9*usual*h && b.Capacity > 0.99 {
			blocked += float64(usual*h) - b.Finished
		}
	})
	var causes []Cause
	add := func(c Cause, mass float64) {
		if mass > 1e-6 {
			c.Service, c.From, c.To, c.State, c.Share = s.ID, from, to, x.worst(s, from, to), mass
			causes = append(causes, c.since(s))
		}
	}
	if i := x.load(s.ID, from, to); i >= 0 {
		add(Cause{Kind: LoadCause, Fault: -1, Load: i}, more)
	}
	if i := x.fault(s.ID, from, to); i >= 0 {
		add(x.faultCause(i), less)
	} else if s.waited(from, to) != nil {
		add(x.handCause(s, from, to), less)
	} else if c, ok := x.lost(s, from, to); ok {
		add(c, less)
	} else if least < 0.99 {
		add(Cause{Kind: CapacityCause, Fault: -1, Load: -1, Capacity: least}, less)
	}
	if x.fault(s.ID, from, to) < 0 { // a check that finds a fault is no cause
		add(x.rotation(s, from, to))
	}
	// Who waits for an answer and asks for more has retries to thank for it, here or above.
	for i := range x.r.Needs {
		if n := &x.r.Needs[i]; n.Target == s.ID && n.Async && !x.open[n.Service] {
			add(x.surge(n, from, to))
		}
	}
	if blocked > 0 {
		c := Cause{Kind: ThreadsCause, Fault: -1, Load: -1}
		if n := x.slowest(s, from, to); n != nil {
			c.Target, c.Because = n.Target, x.target(n.Target, from, to)
		}
		add(c, blocked)
	}
	callers := 0
	for i := range x.r.Needs {
		n := &x.r.Needs[i]
		if n.Target != s.ID || n.Retries == 0 {
			continue
		}
		again := 0.0
		x.bins(from, to, func(j int) { again += n.Bins[j].Attempts - n.Bins[j].Calls })
		if again > 1e-6 {
			callers++
		}
	}
	if c, regrants := x.regrants(s, from, to); regrants > 0 { // they are attempts, and nobody's calls
		// They are what its threads are busy with.
		causes = slices.DeleteFunc(causes, func(c Cause) bool { return c.Kind == ThreadsCause })
		add(c, regrants)
		retries = max(0, retries-regrants)
	}
	if amplification := 1 + retries/max(1e-9, offered); amplification > 1.05 {
		// Retries answer to what made the first attempts fail.
		began := shares(slices.Clone(causes))
		if len(began) == 0 {
			began = x.trigger(s, from)
		}
		add(Cause{Kind: RetryCause, Fault: -1, Load: -1, Amplification: amplification, Callers: callers, Because: began}, retries)
		if len(causes) > 1 && causes[len(causes)-1].Share > 0 {
			causes = causes[len(causes)-1:] // the others stand behind it
		}
	}
	return shares(causes)
}

// lost is the lease of which a service misses most in a span, where it misses any.
func (x *explanation) lost(s *ServiceResult, from, to float64) (c Cause, ok bool) {
	c = Cause{Kind: LeaseCause, Fault: -1, Load: -1, Capacity: 0.99}
	keeper, worst := "", 0
	for i := range x.r.Leases {
		l := &x.r.Leases[i]
		if l.Holder != s.ID {
			continue
		}
		x.bins(from, to, func(j int) {
			if share := l.Bins[j].Held / l.Count; share < c.Capacity {
				c.Capacity, c.Target, keeper, worst, ok = share, l.ID, l.Keeper, j, true
			}
		})
	}
	if !ok {
		return c, false
	}
	l := x.r.lease(c.Target)
	for worst > 0 && l.Bins[worst-1].Mean < 0.999*l.Count {
		worst--
	}
	c.Since = x.r.Times[worst]
	c.Because = x.target(keeper, from, to)
	return c, true
}

// rotation is how many of the replicas of a service health checks kept from working in a
// span, where what is left did not do, and how many requests they could have served.
func (x *explanation) rotation(s *ServiceResult, from, to float64) (c Cause, less float64) {
	c = Cause{Kind: RotationCause, Fault: -1, Load: -1, Capacity: 1}
	if len(s.Tests) == 0 || math.IsInf(s.Capacity, 1) {
		return c, 0
	}
	x.bins(from, to, func(i int) {
		b := &s.Bins[i]
		if b.Replicas <= 0 {
			return
		}
		in := min(1, b.InRotation/b.Replicas)
		c.Capacity = min(c.Capacity, in)
		less += float64((1 - in) * s.Capacity * (x.r.Times[i+1] - x.r.Times[i]))
	})
	c.Target = s.Tests[0].Check
	for i := range s.Tests {
		for _, id := range s.Tests[i].Recent {
			if late, _, ok := x.stale(s, id, from, to); ok {
				late.Service, late.From, late.To, late.State, late.Share = s.ID, from, to, x.worst(s, from, to), 1
				c.Target, c.Because = s.Tests[i].Check, append(c.Because, late)
			}
		}
	}
	c.Because = shares(c.Because)
	return c, less
}

// stale is that what a service has to know of another was old in a span, and how many
// of its requests failed while no need of it had been lost.
func (x *explanation) stale(s *ServiceResult, id string, from, to float64) (c Cause, failed float64, ok bool) {
	o := x.r.service(id)
	c = Cause{Kind: StaleCause, Fault: -1, Load: -1, Target: id}
	x.bins(from, to, func(i int) {
		c.Age = max(c.Age, o.Bins[i].Age)
		failed += s.Bins[i].Errors
	})
	for i := range x.r.Needs {
		if n := &x.r.Needs[i]; n.Service == s.ID {
			x.bins(from, to, func(j int) { failed -= n.Bins[j].Lost })
		}
	}
	if c.Age < 1 && x.worst(o, from, to) < Delayed {
		return c, 0, false
	}
	c.Because = x.target(id, from, to)
	return c, max(0, failed), true
}

// surge is that a caller asks a service for more than when all is well, as one does that
// works off what it has held back, and by how much.
func (x *explanation) surge(n *NeedResult, from, to float64) (c Cause, more float64) {
	c = Cause{Kind: SurgeCause, Fault: -1, Load: -1, Target: n.Service}
	if n.Nominal <= 0 {
		return c, 0
	}
	first := math.Inf(1)
	x.bins(from, to, func(i int) {
		usual := float64(n.Nominal * (x.r.Times[i+1] - x.r.Times[i]))
		if calls := n.Bins[i].Calls; calls > 1.05*usual {
			more += calls - usual
			c.Amplification = max(c.Amplification, calls/usual)
			first = min(first, x.r.Times[i])
		}
	})
	if caller := x.r.service(n.Service); more > 0 && x.worst(caller, first-1, first+1) > Healthy {
		c.Because = x.target(n.Service, first-1, first+1)
	}
	return c, more
}

// regrants are the attempts to make leases anew that a service keeps, and what was lost
// when they lapsed.
func (x *explanation) regrants(s *ServiceResult, from, to float64) (c Cause, attempts float64) {
	c = Cause{Kind: RegrantCause, Fault: -1, Load: -1}
	for i := range x.r.Leases {
		l := &x.r.Leases[i]
		if l.Keeper != s.ID {
			continue
		}
		lapsed, asked := 0.0, 0.0
		x.bins(from, to, func(j int) {
			lapsed += l.Bins[j].Lapsed
			asked += l.Bins[j].Regrants
		})
		if asked > attempts {
			c.Target, c.Amplification, attempts = l.ID, asked/max(1, lapsed), asked
		}
	}
	if attempts <= 0 {
		return c, 0
	}
	c.Because = x.trigger(s, from)
	if lost := x.needs(s, from, to); len(lost) > 0 {
		c.Because = lost
	}
	return c, attempts
}

// needs are the synchronous needs that a service lost in a span.
func (x *explanation) needs(s *ServiceResult, from, to float64) (causes []Cause) {
	for i := range x.r.Needs {
		n := &x.r.Needs[i]
		lost := 0.0
		x.bins(from, to, func(j int) { lost += n.Bins[j].Lost })
		if n.Service == s.ID && !n.Async && lost > 1e-6 {
			causes = append(causes, Cause{
				Service: s.ID, From: from, To: to, State: x.worst(s, from, to), Kind: NeedCause, Share: lost,
				Fault: -1, Load: -1, Target: n.Target, Because: x.target(n.Target, from, to),
			})
		}
	}
	return shares(causes)
}

// load is the last change of load, of the service or of somebody who calls it,
// directly or not, that was made in a span or before.
func (x *explanation) load(id string, from, to float64) int {
	up := map[string]bool{id: true}
	for grew := true; grew; {
		grew = false
		for i := range x.r.Needs {
			if n := &x.r.Needs[i]; up[n.Target] && !up[n.Service] {
				up[n.Service], grew = true, true
			}
		}
	}
	found := -1
	for i := range x.r.Scenario.Loads {
		l := &x.r.Scenario.Loads[i]
		begin := l.At.Seconds()
		if up[l.Service] && begin < to && until(begin, l.For.Seconds()) > from-60 {
			found = i
		}
	}
	return found
}

// trigger is what happened shortly before a service began to suffer, where nothing
// at the service itself explains it.
func (x *explanation) trigger(s *ServiceResult, from float64) []Cause {
	var causes []Cause
	for i := range x.r.Scenario.Faults {
		f := &x.r.Scenario.Faults[i]
		begin := f.At.Seconds()
		if begin <= from+1 && x.r.faultEnd(i) >= from-60 {
			causes = append(causes, Cause{Service: f.Service, From: begin, To: min(x.r.end(), x.r.faultEnd(i)), Kind: FaultCause, Fault: i, Load: -1, Share: 1})
		}
	}
	if i := x.load(s.ID, from, from+1); i >= 0 {
		l := &x.r.Scenario.Loads[i]
		begin := l.At.Seconds()
		causes = append(causes, Cause{Service: l.Service, From: begin, To: min(x.r.end(), until(begin, l.For.Seconds())), Kind: LoadCause, Fault: -1, Load: i, Share: 1})
	}
	return shares(causes)
}
