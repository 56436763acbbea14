// Package plan makes a catalog ready to play: which service calls which, in which
// legs of a request, how much is offered when all is well, how many can be served,
// and what is assumed where the catalog does not say.
//
// A Plan is what the engines share, and so all that they agree about beforehand. It
// is plain data; an engine keeps its own state beside it. Indices of services and
// calls are positions in Plan.Services and Plan.Calls.
package plan

import (
	"cmp"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// Plan is a catalog made ready to play.
type Plan struct {
	Services    []Service // as in the catalog
	Calls       []Call
	Order       []int32 // callers before targets, as far as cycles allow
	Checks      []Check // that can take something out of rotation
	StandIns    []StandIn
	Leases      []Lease // as in the catalog
	Assumptions []Assumption
}

// Assumption is a value that was not stated.
type Assumption struct {
	Service string
	Need    string // the target; empty for a value of the service
	Key     string // as a catalog writes it
	Value   string // as a catalog writes it
	Why     string // from what it was derived
}

// Call is one need as it is played: calls from one service to one target. Load from
// outside is a call without a caller, and so is nothing special.
type Call struct {
	From, To int32         // services; From is -1 for the outside
	Index    int           // of the need in the service's canonical order; -1 for the outside
	Need     *catalog.Need // nil for the outside

	Async      bool
	Loss       catalog.Loss
	Believes   bool
	PerRequest float64 // calls per request that comes by
	AtOnce     bool    // more than one call of a request go out at once
	Timeout    float64 // seconds; +Inf without
	Pauses     []Pause // before attempt k+2, one for every retry
	Again      float64 // chance of another attempt after the last that is told apart
	Deadline   float64 // seconds after the first attempt; +Inf without
	Stale      float64 // seconds a stale answer lasts; +Inf for ever
	Clients    float64
	Cache      *Cache  // of its answers at the caller; nil without
	Lane       int32   // of the target's queue
	Leg        int32   // of the caller's request; 0 is the first
	Back       bool    // the target comes before the caller in Order, or is the caller
	Chore      bool    // work of the target's own, and no load: From is -1
	Nominal    float64 // calls per second when all is well
	StandsIn   bool    // made only while operators fail another over; see Plan.StandIns
	Lease      int32   // of which it is a renewal or a regrant; -1 for the others
	Work       float64 // of one attempt, in requests of the target
}

// Pause is the spread of the wait before a retry, in seconds: at least Low, at most
// Low+Spread, evenly.
type Pause struct{ Low, Spread float64 }

// Stage is one leg of a request: a call, or several at once, that must be over
// before the next begins.
type Stage struct {
	Calls    []int32
	Parallel bool // all of Calls must be over
	AtLeast  int  // so many of Calls must succeed; 0 unless a group of alternatives
	Fallback bool // entered by what failed the stage before, passed by the rest
}

// Lane is a row of a service's queue: requests of one priority that share a fate.
type Lane struct {
	Priority int64
	Weight   float64 // share of the capacity, where classes are weighted
	Async    bool
	Limit    float64 // seconds after which waiting is in vain; +Inf without
	Expiry   float64 // Limit once operators drop what has expired; +Inf where they never do
	Newest   bool    // the newest is served first
	Calls    []int32
}

// Service is one service as it is played.
type Service struct {
	ID       string
	Decl     *catalog.Service
	Threads  float64 // at once; +Inf without limit
	Time     float64 // own work, seconds
	Capacity float64 // starts per second; +Inf without limit beyond Threads
	Leaf     bool    // waits for nobody
	Nominal  float64 // requests per second when all is well
	Latency  float64 // seconds when all is well

	Bound        float64 // of the queue; +Inf without
	Deadline     float64 // seconds of waiting; +Inf without
	Retention    float64 // seconds in a durable queue; +Inf without
	Cancel       bool    // what its caller has given up leaves the queue
	Expires      bool    // what has waited too long is not begun
	Margin       float64 // seconds before a time-out at which it is too late to begin
	CoDel        bool
	AdaptiveLIFO bool
	Target       float64 // seconds; of CoDel
	Interval     float64 // seconds; of CoDel and adaptive LIFO
	Rejection    float64 // work of one, in requests
	Weighted     bool    // lanes share the capacity by Weight
	Shed         float64 // share of capacity beyond which arrivals are refused; +Inf without
	Throttled    bool
	Rate, Burst  float64 // of the throttle: requests per second, and requests
	Replicas     float64 // declared; 1 where they are not
	Zones        int     // at least 1
	Instances    int     // that are told apart, each some of the replicas; 0: they are one pool

	Fleet    *Fleet    // nil where its instances are all there or all gone with their faults
	Deferred *Deferred // nil where what failed does not come again

	Lanes    []Lane
	Stages   []Stage
	In       []int32 // calls to it
	Out      []int32 // calls of it
	AsyncOut []int32
}

// Full is the declared capacity of a service, in requests per second.
func (s *Service) Full() float64 {
	if s.Leaf && !math.IsInf(s.Threads, 1) {
		return min(s.Capacity, s.Threads/s.Time)
	}
	return s.Capacity
}

func (p *Plan) assume(service, need, key, value, why string) {
	p.Assumptions = append(p.Assumptions, Assumption{service, need, key, value, why})
}

// New makes a catalog ready to play a scenario. It fails where requests would
// multiply without end.
func New(c *catalog.Catalog, sc *scenario.Scenario) (*Plan, error) {
	p := &Plan{Services: make([]Service, len(c.Services))}
	index := make(map[string]int32, len(c.Services))
	for i := range c.Services {
		p.Services[i].ID = c.Services[i].ID
		p.Services[i].Decl = &c.Services[i]
		index[c.Services[i].ID] = int32(i)
	}
	for i := range c.Services {
		p.connect(int32(i), index)
	}
	p.standIns(sc, index)
	p.stores(c, index)
	component := p.sort()
	p.leases(c, index)
	p.loads(sc)
	if err := p.flows(component); err != nil {
		return nil, err
	}
	p.size()
	p.follow()
	p.split(c, sc, index)
	p.checks(c, index)
	p.lanes(expiries(sc))
	p.fleets(index)
	slices.SortStableFunc(p.Assumptions, compareAssumptions)
	return p, nil
}

// compareAssumptions orders by service, need and key.
func compareAssumptions(a, b Assumption) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Need, b.Need), cmp.Compare(a.Key, b.Key))
}
