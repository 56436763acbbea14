package propagate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/scenario"
)

// What is assumed where the catalog does not say. They are said in every result.
const (
	AssumedLoad        = 100.0 // requests per second, of a service nobody calls
	AssumedHeadroom    = 2.0   // capacity per healthy load
	AssumedServiceTime = 0.010 // seconds
	AssumedLatency     = 1.0   // seconds; of a healthy request, at most
	AssumedThreads     = 200.0 // the default of widespread servers, such as Tomcat's
	AssumedTimeout     = 5.0   // seconds
	AssumedPatience    = 4.0   // time-out per healthy answer, where that is more
)

// call is one need as the engine plays it: calls from one service to one target.
// Load from outside is a call without a caller, and so is nothing special.
type call struct {
	from, to int32 // services; from is -1 for the outside
	index    int   // of the need in the service's canonical order; -1 for the outside
	need     *catalog.Need

	async    bool
	loss     catalog.Loss
	believes bool
	calls    float64 // per request that comes by
	atOnce   bool    // more than one call of a request go out at once
	timeout  float64 // seconds; +Inf without
	pauses   []pause // before attempt k+2, one for every retry
	again    float64 // chance of another attempt after the last that is told apart
	deadline float64 // seconds after the first attempt; +Inf without
	stale    float64 // seconds a stale answer lasts; +Inf for ever
	clients  float64
	lane     int32
	leg      int32   // of the caller's request; 0 is the first
	back     bool    // the target is played before the caller, so this is one step late
	nominal  float64 // calls per second when all is well

	callState
}

// pause is the spread of the wait before a retry.
type pause struct{ low, spread float64 }

// stage is one leg of a request: a call, or several at once, that must be over
// before the next begins.
type stage struct {
	calls    []int32
	parallel bool // all of calls must be over
	group    int  // so many of calls must succeed; 0 unless a group of alternatives
	fallback bool // entered by what failed the stage before, passed by the rest
}

// lane is a row of a service's queue: requests of one priority that share a fate.
type lane struct {
	priority int64
	weight   float64
	async    bool
	limit    float64 // seconds after which waiting is in vain; +Inf without
	calls    []int32
	queue    mech.Queue
	started  mech.Queue // of a service with needs: begun and not finished, by arrival
	waiting  float64    // before the arrivals of this step
	age      float64    // of the head, before the last step
}

// server is one service as the engine plays it.
type server struct {
	id        string
	decl      *catalog.Service
	threads   float64 // at once; +Inf without limit
	time      float64 // own work, seconds
	capacity  float64 // starts per second; +Inf without limit beyond threads
	bound     float64 // of the queue; +Inf without
	deadline  float64 // of waiting; +Inf without
	retention float64
	cancel    bool
	expires   bool
	margin    float64
	codel     bool
	adaptive  bool
	target    float64
	interval  float64
	rejection float64 // work of one, in requests
	weighted  bool
	shed      float64 // share of capacity; +Inf without
	retries   int     // inbound needs that retry
	stages    []stage
	lanes     []lane
	in        []int32 // calls to it
	out       []int32 // calls of it
	asyncOut  []int32
	nominal   float64 // requests per second when all is well
	latency   float64 // seconds when all is well
	leaf      bool    // waits for nobody

	serverState
}

// model is a catalog made ready to play.
type model struct {
	servers     []server
	calls       []call
	order       []int32 // callers before targets, as far as cycles allow
	assumptions []Assumption
}

func (m *model) assume(service, need, key, value, why string) {
	m.assumptions = append(m.assumptions, Assumption{service, need, key, value, why})
}

// compile makes a catalog ready to play. It fails where requests would multiply
// without end.
func compile(c *catalog.Catalog, sc *scenario.Scenario) (*model, error) {
	m := &model{servers: make([]server, len(c.Services))}
	index := make(map[string]int32, len(c.Services))
	for i := range c.Services {
		m.servers[i].id = c.Services[i].ID
		m.servers[i].decl = &c.Services[i]
		index[c.Services[i].ID] = int32(i)
	}
	for i := range c.Services {
		m.connect(int32(i), index)
	}
	rank := m.sort()
	m.loads(sc)
	if err := m.flows(rank); err != nil {
		return nil, err
	}
	m.size()
	m.lanes()
	slices.SortStableFunc(m.assumptions, func(a, b Assumption) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Need, b.Need), cmp.Compare(a.Key, b.Key))
	})
	return m, nil
}

// connect makes the calls of a service and the stages in which it makes them: all
// that go out at once first, then one after another in canonical order.
func (m *model) connect(v int32, index map[string]int32) {
	s := &m.servers[v]
	var together []int32
	add := func(j int, target string) int32 {
		n := &s.decl.Needs[j]
		e := int32(len(m.calls))
		m.calls = append(m.calls, m.newCall(v, index[target], j, n))
		s.out = append(s.out, e)
		return e
	}
	for j := range s.decl.Needs {
		n := &s.decl.Needs[j]
		switch {
		case n.To != catalog.ToServe, n.Fresh:
			continue
		case n.Mode == catalog.Async:
			for _, t := range n.Targets {
				e := add(j, t)
				m.calls[e].calls /= float64(len(n.Targets))
				s.asyncOut = append(s.asyncOut, e)
			}
		case n.IsGroup():
			st := stage{group: n.AtLeast}
			for _, t := range n.Targets {
				st.calls = append(st.calls, add(j, t))
			}
			s.stages = append(s.stages, st)
		case n.Parallel:
			together = append(together, add(j, n.Targets[0]))
			m.calls[together[len(together)-1]].atOnce = true
		default:
			s.stages = append(s.stages, stage{calls: []int32{add(j, n.Targets[0])}})
		}
		if n.Fallback != "" && n.Mode == catalog.Sync {
			e := add(j, n.Fallback)
			m.calls[e].loss = catalog.Fail
			m.calls[e].calls = 1
			s.stages = append(s.stages, stage{calls: []int32{e}, fallback: true})
		}
	}
	if len(together) > 0 {
		s.stages = slices.Insert(s.stages, 0, stage{calls: together, parallel: true})
	}
	for k := range s.stages {
		for _, i := range s.stages[k].calls {
			m.calls[i].leg = int32(k)
		}
	}
	s.leaf = len(s.stages) == 0
}

func (m *model) newCall(from, to int32, j int, n *catalog.Need) call {
	e := call{
		from: from, to: to, index: j, need: n,
		async: n.Mode == catalog.Async, loss: n.IfLost, believes: n.Believes,
		calls: n.Calls.Or(1), timeout: math.Inf(1), deadline: math.Inf(1), stale: math.Inf(1),
		clients: 1,
	}
	id, target := m.servers[from].id, m.servers[to].id
	if !e.async {
		if n.Timeout.IsStated() {
			e.timeout = n.Timeout.V.Seconds()
		} else {
			e.timeout = AssumedTimeout // or more, see size
		}
	}
	if n.TTL.IsStated() {
		e.stale = 0.5 * (n.TTL.V.Low.Seconds() + n.TTL.V.High.Seconds())
	}
	switch r := m.servers[from].decl.Replicas; {
	case n.Clients.IsStated():
		e.clients = float64(n.Clients.V)
	case r != nil:
		e.clients = float64(max(1, r.Count.Or(int64(len(r.Zones)))))
	}
	retries := 0
	if r := n.Retry; r != nil {
		attempts := r.Attempts.Or(3)
		retries = int(min(attempts, mech.MaxAttempts)) - 1
		if more := float64(attempts - mech.MaxAttempts); more > 0 {
			e.again = more / (more + 1)
		}
		if r.Backoff == "" && retries > 0 {
			m.assume(id, target, "retry.backoff", "full-jitter", "not stated")
		}
		if r.Deadline.IsStated() {
			e.deadline = r.Deadline.V.Seconds()
		}
	} else if !e.async {
		m.assume(id, target, "retry", "none", "not stated: one attempt")
	}
	for k := 1; k <= retries; k++ {
		low, spread := mech.Pause(n.Retry, k)
		e.pauses = append(e.pauses, pause{low, spread})
	}
	if q := m.servers[to].decl.Queue; e.async && q != nil && q.MaxReceives.IsStated() {
		visibility := 30.0
		if q.Visibility.IsStated() {
			visibility = q.Visibility.V.Seconds()
		}
		e.pauses = nil
		for k := int64(1); k < min(q.MaxReceives.V, mech.MaxAttempts); k++ {
			e.pauses = append(e.pauses, pause{visibility, 0})
		}
	}
	return e
}

// sort orders services so that callers come before what they call synchronously;
// inside a cycle the order of the catalog breaks the tie. It returns the component
// of every service, and marks the calls that go against the order.
func (m *model) sort() (component []int32) {
	n := len(m.servers)
	component = make([]int32, n)
	low, num := make([]int32, n), make([]int32, n)
	var stack []int32
	var order []int32
	next, comps := int32(0), int32(0)
	type frame struct{ v, i int32 }
	for root := range n {
		if num[root] != 0 {
			continue
		}
		frames := []frame{{int32(root), 0}}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v := f.v
			if f.i == 0 {
				next++
				num[v], low[v] = next, next
				stack = append(stack, v)
				component[v] = -1
			}
			descended := false
			for int(f.i) < len(m.servers[v].out) {
				e := &m.calls[m.servers[v].out[f.i]]
				f.i++
				if e.async {
					continue
				}
				if num[e.to] == 0 {
					frames = append(frames, frame{e.to, 0})
					descended = true
					break
				}
				if component[e.to] == -1 {
					low[v] = min(low[v], num[e.to])
				}
			}
			if descended {
				continue
			}
			if f.i == 0 {
				f.i = 1
			}
			if low[v] == num[v] {
				first := len(stack) - 1
				for stack[first] != v {
					first--
				}
				members := stack[first:]
				slices.Sort(members)
				for _, w := range members {
					component[w] = comps
				}
				// Tarjan finishes targets first: collect backwards.
				slices.Reverse(members)
				order = append(order, members...)
				stack = stack[:first]
				comps++
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				p := frames[len(frames)-1].v
				low[p] = min(low[p], low[v])
			}
		}
	}
	slices.Reverse(order)
	m.order = order
	place := make([]int32, n)
	for i, v := range order {
		place[v] = int32(i)
	}
	for i := range m.calls {
		e := &m.calls[i]
		e.back = place[e.to] <= place[e.from]
	}
	return component
}

// loads gives what nobody calls a load from outside, stated or assumed.
func (m *model) loads(sc *scenario.Scenario) {
	called := make([]bool, len(m.servers))
	for i := range m.calls {
		called[m.calls[i].to] = true
	}
	reached := make([]bool, len(m.servers))
	reach := func(v int32) {
		stack := []int32{v}
		reached[v] = true
		for len(stack) > 0 {
			v := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, i := range m.servers[v].out {
				if to := m.calls[i].to; !reached[to] {
					reached[to] = true
					stack = append(stack, to)
				}
			}
		}
	}
	offer := func(v int32, why string) {
		s := &m.servers[v]
		rate := AssumedLoad
		if why == "" && !s.decl.Load.IsStated() {
			rate = 0
		} else if s.decl.Load.IsStated() {
			rate = float64(s.decl.Load.V)
		} else {
			m.assume(s.id, "", "load", unit.Rate(rate).String(), why)
		}
		e := call{from: -1, to: v, index: -1, calls: 1, timeout: math.Inf(1), deadline: math.Inf(1), clients: 1, nominal: rate}
		if s.decl.Patience.IsStated() {
			e.timeout = s.decl.Patience.V.Seconds()
		}
		m.calls = append(m.calls, e)
		reach(v)
	}
	for v := range m.servers {
		switch {
		case m.servers[v].decl.Load.IsStated():
			offer(int32(v), "")
		case called[v] && slices.ContainsFunc(sc.Loads, func(l scenario.Load) bool { return l.Service == m.servers[v].id }):
			offer(int32(v), "")
			m.calls[len(m.calls)-1].nominal = 0
		case !called[v]:
			offer(int32(v), "not stated, and nobody calls it")
		}
	}
	// What only a cycle calls still has users of its own.
	for _, v := range m.order {
		if !reached[v] {
			offer(v, "not stated, and only those it calls call it")
		}
	}
	for i := range m.calls {
		e := &m.calls[i]
		m.servers[e.to].in = append(m.servers[e.to].in, int32(i))
	}
}

// flows finds the healthy rate of every call and every service.
func (m *model) flows(component []int32) error {
	// Unstated calls inside a cycle must not multiply: together they are half a
	// call per request.
	inside := make([]int, len(m.servers))
	for i := range m.calls {
		e := &m.calls[i]
		if e.from >= 0 && !e.async && component[e.from] == component[e.to] && !e.need.Calls.IsStated() {
			inside[e.from]++
		}
	}
	for i := range m.calls {
		e := &m.calls[i]
		if e.from >= 0 && !e.async && component[e.from] == component[e.to] && !e.need.Calls.IsStated() {
			e.calls = 0.5 / float64(inside[e.from])
			m.assume(m.servers[e.from].id, m.servers[e.to].id, "calls", fmt.Sprintf("%.3g", e.calls), "not stated, and the call is part of a cycle")
		}
	}
	for round := 0; ; round++ {
		change := 0.0
		for _, v := range m.order {
			s := &m.servers[v]
			f := 0.0
			for _, i := range s.in {
				f += m.calls[i].nominal
			}
			change = max(change, math.Abs(f-s.nominal)/max(1e-9, f))
			s.nominal = f
			for _, st := range s.stages {
				for _, i := range st.calls {
					e := &m.calls[i]
					e.nominal = float64(f * e.calls)
					if st.group > 0 {
						e.nominal = float64(f*e.calls) * float64(st.group) / float64(len(st.calls))
					}
					if st.fallback {
						e.nominal = 0
					}
				}
			}
			for _, i := range s.asyncOut {
				m.calls[i].nominal = float64(f * m.calls[i].calls)
			}
		}
		if change < 1e-12 {
			return nil
		}
		if round > 10000 {
			return endless(m.fastest())
		}
		if round > 200 && round%100 == 0 {
			for _, v := range m.order {
				if s := &m.servers[v]; s.nominal > 1e15 {
					return endless(s)
				}
			}
		}
	}
}

// ownTime is how long a service works on a request itself, in seconds.
func ownTime(d *catalog.Service, assumed float64) float64 {
	switch {
	case d.ServiceTime.IsStated():
		return max(1e-6, 0.5*(d.ServiceTime.V.Low.Seconds()+d.ServiceTime.V.High.Seconds()))
	case d.Kind == catalog.KindExternal:
		return 1e-6
	}
	return assumed
}

// healthyLatency is how long a request takes when nobody waits, of a service whose
// targets have theirs.
func (m *model) healthyLatency(s *server) float64 {
	latency := s.time
	for _, st := range s.stages {
		longest := 0.0
		for _, j := range st.calls {
			e := &m.calls[j]
			l := m.servers[e.to].latency
			if e.need.Timeout.IsStated() {
				l = min(l, e.timeout)
			}
			if !e.atOnce {
				l *= max(1, e.calls)
			}
			l *= min(1, e.calls)
			longest = max(longest, l)
		}
		if !st.fallback {
			latency += longest
		}
	}
	return latency
}

// assumedTime is the service time that is assumed where none is stated: the usual
// one, but no more than lets every healthy request be over in a second. Calls go
// out one after another unless a catalog says otherwise, and where services stand in
// many layers that would add up to minutes.
func (m *model) assumedTime() float64 {
	longest := 0.0
	for i := len(m.order) - 1; i >= 0; i-- {
		s := &m.servers[m.order[i]]
		s.time = ownTime(s.decl, AssumedServiceTime)
		if s.decl.ServiceTime.IsStated() {
			s.time = 0 // it is as it is
		}
		s.latency = m.healthyLatency(s)
		longest = max(longest, s.latency)
	}
	return AssumedServiceTime * min(1, AssumedLatency/max(longest, 1e-9))
}

// patient gives a call without a stated time-out an assumed one: as usual, but enough
// for a healthy answer.
func (m *model) patient(e *call) {
	why := "not stated"
	if need := AssumedPatience * m.servers[e.to].latency; need > e.timeout {
		e.timeout = round3(need)
		why = "not stated: four times a healthy answer, as calls go out one after another"
	}
	m.assume(m.servers[e.from].id, m.servers[e.to].id, "timeout", seconds(e.timeout), why)
}

// fastest is the service with the most requests.
func (m *model) fastest() *server {
	best := &m.servers[0]
	for v := range m.servers {
		if s := &m.servers[v]; s.nominal > best.nominal {
			best = s
		}
	}
	return best
}

// endless is the fault of a catalog whose requests go round and become more.
func endless(s *server) error {
	at := s.decl.At
	return fmt.Errorf("%s:%d:%d: requests to %q multiply without end: around a cycle that it is part of, a request makes one call or more; write calls below 1 on a need of the cycle", at.File, at.Line, at.Col, s.id)
}

// size gives every service its servers and capacity, stated or assumed.
func (m *model) size() {
	assumed := m.assumedTime()
	// Around a cycle a latency depends on itself, by calls that are fewer each time:
	// a few rounds will do.
	for range 4 {
		for i := len(m.order) - 1; i >= 0; i-- {
			s := &m.servers[m.order[i]]
			s.time = ownTime(s.decl, assumed)
			s.latency = m.healthyLatency(s)
		}
	}
	for i := len(m.order) - 1; i >= 0; i-- {
		s := &m.servers[m.order[i]]
		d := s.decl
		s.capacity, s.threads = math.Inf(1), math.Inf(1)
		s.time = ownTime(d, assumed)
		if !d.ServiceTime.IsStated() && !d.Concurrency.IsStated() && d.Kind != catalog.KindExternal {
			why := "not stated"
			if assumed < AssumedServiceTime {
				why = "not stated: less than 10ms, so that a healthy request takes no more than a second"
			}
			m.assume(s.id, "", "service_time", seconds(round3(s.time)), why)
		}
		for k := range s.stages {
			for _, j := range s.stages[k].calls {
				if e := &m.calls[j]; !e.need.Timeout.IsStated() {
					m.patient(e)
				}
			}
		}
		s.latency = m.healthyLatency(s)
		unlimited := d.Kind == catalog.KindExternal // as many as there are, or none of our business
		switch {
		case d.Concurrency.IsStated():
			s.threads = float64(d.Concurrency.V)
			if d.Capacity.IsStated() {
				s.capacity = float64(d.Capacity.V)
			}
			if !d.ServiceTime.IsStated() {
				if s.leaf && d.Capacity.IsStated() && d.Capacity.V > 0 {
					s.time = s.threads / s.capacity // the two say it
					s.latency = s.time
				} else {
					m.assume(s.id, "", "service_time", seconds(s.time), "not stated")
				}
			}
		case d.Capacity.IsStated():
			s.capacity = float64(d.Capacity.V)
			if s.leaf {
				s.threads = max(1e-9, s.capacity*s.time)
			} else {
				s.threads = max(AssumedThreads, math.Ceil(4*s.capacity*s.latency))
				m.assume(s.id, "", "concurrency", fmt.Sprintf("%.0f", s.threads), "not stated: 200, or four times what its capacity keeps busy")
			}
		case unlimited:
		default:
			s.capacity = max(1, AssumedHeadroom*s.nominal)
			m.assume(s.id, "", "capacity", unit.Rate(round3(s.capacity)).String(), "not stated: twice its load when all is well")
			if s.leaf {
				s.threads = max(1e-9, s.capacity*s.time)
			} else {
				s.threads = max(AssumedThreads, math.Ceil(4*s.capacity*s.latency))
				m.assume(s.id, "", "concurrency", fmt.Sprintf("%.0f", s.threads), "not stated: 200, or four times what its capacity keeps busy")
			}
		}
		s.bound, s.deadline, s.retention, s.shed = math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)
		if q := d.Queue; q != nil {
			if q.Bound.IsStated() {
				s.bound = float64(q.Bound.V)
			}
			if q.Deadline.IsStated() {
				s.deadline = q.Deadline.V.Seconds()
			}
			if q.Retention.IsStated() {
				s.retention = q.Retention.V.Seconds()
			}
			s.cancel, s.expires = q.Cancel, q.DropExpired
			s.margin = q.Margin.Or(0).Seconds()
			s.rejection = float64(q.RejectCost.Or(0))
			s.weighted = q.Classes == "weighted"
			s.codel = q.Discipline == "codel"
			s.adaptive = q.Discipline == "adaptive-lifo"
			s.target = max(1e-4, q.Target.Or(unit.Duration(5e6)).Seconds())
			s.interval = max(1e-4, q.Interval.Or(unit.Duration(100e6)).Seconds())
		}
		if t := d.Throttle; t != nil {
			s.throttled = true
			s.bucket = mech.Bucket{Rate: float64(t.Rate.Or(unit.Rate(math.Inf(1)))), Burst: float64(t.Burst.Or(0))}
			s.bucket.Tokens = s.bucket.Burst
		}
		if d.Shed != nil && d.Shed.Above.IsStated() {
			s.shed = float64(d.Shed.Above.V)
		}
	}
}

// lanes sorts the calls to every service into the rows of its queue.
func (m *model) lanes() {
	for v := range m.servers {
		s := &m.servers[v]
		for _, i := range s.in {
			e := &m.calls[i]
			n := len(e.pauses) + 1
			e.flight.n = n
			e.flight.merge = e.timeout / 16
			if math.IsInf(e.timeout, 1) {
				e.flight.merge = 3600
			}
			e.lines = make([]mech.Line, n-1)
			e.echo = make([]handoff, n-1)
			for k, p := range e.pauses {
				e.lines[k] = mech.Line{Low: p.low, Spread: p.spread}
			}
			e.classes = newClasses(n)
			e.q = 1
			var budget *policy.RetryBudget
			want := lane{async: e.async, limit: math.Inf(1)}
			if e.need != nil {
				want.priority = e.need.Priority.Or(0)
				want.weight = e.need.Share.Or(0)
				if e.need.Retry != nil {
					budget = e.need.Retry.Budget
				}
				if e.need.Breaker != nil {
					e.breaker = mech.NewBreaker(e.need.Breaker, e.clients)
				}
				if b := e.need.Bulkhead; b != nil && b.Concurrent.IsStated() {
					e.bulkhead = float64(b.Concurrent.V) * e.clients
				}
				if l := e.need.Limit; l != nil {
					if l.K.IsStated() {
						e.adaptive = &mech.Adaptive{K: l.K.V, Window: max(0.1, l.Window.Or(unit.Duration(120e9)).Seconds())}
					} else if l.Rate.IsStated() {
						e.limit = &mech.Bucket{Rate: float64(l.Rate.V) * e.clients, Burst: float64(l.Burst.Or(0)) * e.clients}
						e.limit.Tokens = e.limit.Burst
					}
				}
				if len(e.pauses) > 0 && !e.async {
					s.retries++
				}
			}
			e.budget = mech.NewBudget(budget, e.clients, e.nominal)
			if e.async {
				want.priority = math.MaxInt64
				want.limit = s.retention
			} else if s.expires {
				want.limit = max(0, e.timeout-s.margin)
			}
			if !e.async {
				want.limit = min(want.limit, s.deadline)
			}
			k := slices.IndexFunc(s.lanes, func(l lane) bool {
				return l.priority == want.priority && l.async == want.async && l.limit == want.limit && l.weight == want.weight
			})
			if k < 0 {
				k = len(s.lanes)
				want.queue.Newest = !e.async && s.decl.Queue != nil && s.decl.Queue.Discipline == "lifo"
				s.lanes = append(s.lanes, want)
			}
			s.lanes[k].calls = append(s.lanes[k].calls, i)
		}
		s.shareOut()
		slices.SortStableFunc(s.lanes, func(a, b lane) int { return cmp.Compare(a.priority, b.priority) })
		for k := range s.lanes {
			for _, i := range s.lanes[k].calls {
				m.calls[i].lane = int32(k)
			}
		}
		s.capShare, s.slow = 1, 1
	}
}

// shareOut gives the lanes whose callers state no share what the others leave.
func (s *server) shareOut() {
	rest, without := 1.0, 0
	for k := range s.lanes {
		rest -= s.lanes[k].weight
		if s.lanes[k].weight == 0 {
			without++
		}
	}
	for k := range s.lanes {
		if s.lanes[k].weight == 0 {
			s.lanes[k].weight = max(1e-6, rest/float64(without))
		}
	}
}

func seconds(s float64) string { return unit.Duration(math.Round(s * 1e9)).String() }

// round3 is a number to three digits, for people.
func round3(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return x
	}
	return y
}
