package propagate

import (
	"math"

	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// call is one need as this engine plays it.
type call struct {
	plan.Call
	callState
}

// lane is a row of a service's queue as this engine plays it.
type lane struct {
	plan.Lane
	queue   mech.Queue
	started mech.Queue // of a service with needs: begun and not finished, by arrival
	waiting float64    // before the arrivals of this step
	age     float64    // of the head, before the last step
}

// server is one service as this engine plays it.
type server struct {
	plan.Service
	lanes []lane
	serverState
}

// model is a plan with the state of this engine beside it.
type model struct {
	*plan.Plan
	servers []server
	calls   []call
}

// newModel is the state in which nothing has happened yet.
func newModel(p *plan.Plan) *model {
	m := &model{Plan: p, servers: make([]server, len(p.Services)), calls: make([]call, len(p.Calls))}
	for i := range p.Calls {
		m.calls[i].Call = p.Calls[i]
		m.calls[i].begin()
	}
	for v := range p.Services {
		s := &m.servers[v]
		s.Service = p.Services[v]
		s.capShare, s.slow = 1, 1
		s.lanes = make([]lane, len(s.Lanes))
		for k := range s.lanes {
			s.lanes[k].Lane = s.Lanes[k]
			s.lanes[k].queue.Newest = s.Lanes[k].Newest
		}
		if s.Throttled {
			s.bucket = mech.Bucket{Rate: s.Rate, Burst: s.Burst, Tokens: s.Burst}
		}
	}
	return m
}

// begin is a call of which nothing is under way, with the policies of its need.
func (e *call) begin() {
	n := len(e.Pauses) + 1
	e.flight.n = n
	e.flight.merge = e.Timeout / 16
	if math.IsInf(e.Timeout, 1) {
		e.flight.merge = 3600
	}
	e.lines = make([]mech.Line, n-1)
	e.echo = make([]handoff, n-1)
	for k, p := range e.Pauses {
		e.lines[k] = mech.Line{Low: p.Low, Spread: p.Spread}
	}
	e.classes = newClasses(n)
	e.q = 1
	var budget *policy.RetryBudget
	if e.Need != nil {
		if e.Need.Retry != nil {
			budget = e.Need.Retry.Budget
		}
		if e.Need.Breaker != nil {
			e.breaker = mech.NewBreaker(e.Need.Breaker, e.Clients)
		}
		if b := e.Need.Bulkhead; b != nil && b.Concurrent.IsStated() {
			e.bulkhead = float64(b.Concurrent.V) * e.Clients
		}
		if l := e.Need.Limit; l != nil {
			if l.K.IsStated() {
				e.adaptive = &mech.Adaptive{K: l.K.V, Window: max(0.1, l.Window.Or(unit.Duration(120e9)).Seconds())}
			} else if l.Rate.IsStated() {
				e.limit = &mech.Bucket{Rate: float64(l.Rate.V) * e.Clients, Burst: float64(l.Burst.Or(0)) * e.Clients}
				e.limit.Tokens = e.limit.Burst
			}
		}
	}
	e.budget = mech.NewBudget(budget, e.Clients, e.Nominal)
}
