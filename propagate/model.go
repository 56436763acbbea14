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
	luck               callLuck
	least              float64   // calls per second beside which changes are small; 0 where a part of the nominal ones is
	base               float64   // seconds: longest step while its rates change
	atTarget, atCaller float64   // rates per second beside which its changes are small to its target, and to its caller
	whole              *call     // what this is a part of; nil of others, see tellApart
	parts              []*call   // to the instances of a split target
	copies             []*call   // of the instances of a split caller, which are played in its place
	refused            []float64 // by the instances in this step, by attempt number
	callState
	barrier  barrier // what operators do to it
	home     int32   // the call it stands in for, or itself
	route    int32   // the call by which it is served now: itself, or one that stands in
	standIns []int32
}

// lane is a row of a service's queue as this engine plays it.
type lane struct {
	plan.Lane
	queue        mech.Queue // what waits, as work
	count        mech.Queue // the same, as requests, where some are more work than others
	mixed        bool       // they are
	started      mech.Queue // of a service with needs: begun and not finished, by arrival
	begun        float64    // requests, in this step
	waiting      float64    // before the arrivals of this step
	waitingCount float64    // the same, as requests
	age          float64    // of the head, before the last step
}

// server is one service as this engine plays it.
type server struct {
	plan.Service
	lanes     []lane
	luck      serverLuck
	mixed     bool    // some of its requests are more work than others
	instances []int32 // servers, of one that is split
	of        *server // the service of an instance; nil of others
	service   int32   // index of the service of an instance
	place     int     // of it among the others
	turn      float64 // weight in the rotation, in this step
	drained   bool    // out of rotation by hand
	away      bool    // while a health check restarts it
	late      bool    // what it needs fresh is too old, and it fails for it
	exposed   bool    // an automatic action that protects it is disabled
	serverState
}

// model is a plan with the state of this engine beside it.
type model struct {
	*plan.Plan
	servers []server
	calls   []call
	leases  []lease
}

// newModel is the state in which nothing has happened yet.
func newModel(p *plan.Plan) *model {
	m := &model{Plan: p, servers: make([]server, len(p.Services)), calls: make([]call, len(p.Calls))}
	for i := range p.Calls {
		m.calls[i].Call = p.Calls[i]
		m.calls[i].begin()
		m.calls[i].home, m.calls[i].route = int32(i), int32(i)
	}
	for _, x := range p.StandIns {
		m.calls[x.Call].home = x.For
		m.calls[x.For].standIns = append(m.calls[x.For].standIns, x.Call)
	}
	for v := range p.Services {
		s := &m.servers[v]
		s.begin(p.Services[v])
		s.lanes = make([]lane, len(s.Lanes))
		for k := range s.lanes {
			s.lanes[k].Lane = s.Lanes[k]
			s.lanes[k].queue.Newest = s.Lanes[k].Newest
			for _, i := range s.Lanes[k].Calls {
				s.lanes[k].mixed = s.lanes[k].mixed || p.Calls[i].Work != 1
			}
			s.mixed = s.mixed || s.lanes[k].mixed
		}
	}
	m.tellApart()
	for i := range m.calls { // what stands in is asked for what its need does not remember
		if e := &m.calls[i]; e.StandsIn {
			e.cache = m.calls[e.home].cache
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
	e.echo = make([]echo, n-1)
	for k, p := range e.Pauses {
		e.lines[k] = mech.Line{Low: p.Low, Spread: p.Spread}
	}
	e.classes = newClasses(n)
	e.q, e.usual = 1, 1
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
	if k := e.Call.Cache; k != nil {
		e.cache = mech.NewCache(k.Keys, k.Life.Low, k.Life.Spread, k.Negative.Low, k.Negative.Spread)
		e.cache.Stale, e.cache.Pinned, e.cache.Coalesce = k.Stale, k.Pinned, k.Coalesce
	}
}
