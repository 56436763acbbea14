package plan

import (
	"math"
	"slices"
	"strconv"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// What is assumed of health checks, and of replicas that are told apart.
const (
	AssumedReplicas      = 3    // of a service that is split, where nothing says how many
	AssumedCheckInterval = 10.0 // seconds
	AssumedCheckTimeout  = 5.0  // seconds; the interval, where that is shorter
	AssumedOut           = 3    // failures in a row
	AssumedIn            = 2    // successes in a row
	AssumedCheckTTL      = 60.0 // seconds, of what is removed by DNS
	AssumedRestart       = 60.0 // seconds, of an instance
	AssumedFreshWithin   = 60.0 // seconds
)

// MostInstances is how many instances of a service are told apart; more replicas are
// grouped.
const MostInstances = 20

// Removal is what a failed check takes out of rotation.
type Removal uint8

// What is removed: the instance that failed, or all of its zone, or all, once half of
// these have failed.
const (
	RemoveInstance Removal = iota
	RemoveZone
	RemoveRegion
)

// Channel is how a removal reaches the callers.
type Channel uint8

// The ways of a removal: at once, as old answers of DNS expire, or by a restart.
const (
	ViaLoadBalancer Channel = iota
	ViaDNS
	ViaRestart
)

// Check is a health check as it is played. Times are seconds.
type Check struct {
	ID    string
	By    int32   // the service that performs it
	Tests []int32 // services, each of which is split
	Fresh []Fresh // what has to be recent besides

	Interval, Timeout float64
	Out, In           int
	Shallow           bool
	Keeps             bool // its rotation stays as it is while By is blind
	Remove            Removal
	Via               Channel
	TTL               float64 // of ViaDNS
	MaxRemoved        float64 // share of a service's replicas
	FailOpen          float64 // share of a service's replicas; +Inf: never
	Rate              float64 // removals per second; +Inf without limit
	Cost              float64 // of a change, in requests of By
	Chore             int32   // the call by which changes reach By's queue; -1 where they cost nothing
}

// Fresh is a service whose oldest waiting request may be no older than Within seconds.
type Fresh struct {
	Service int32
	Within  float64
}

// split decides which services are played instance by instance: those that a health
// check tests, of which an action drains a zone, or of which a fault strikes some
// replicas.
func (p *Plan) split(c *catalog.Catalog, sc *scenario.Scenario, index map[string]int32) {
	apart := make([]bool, len(p.Services))
	tell := func(id string) {
		if v, ok := index[id]; ok {
			apart[v] = true
		}
	}
	for i := range c.HealthChecks {
		for _, t := range c.HealthChecks[i].Tests {
			if !t.Fresh {
				tell(t.Service)
			}
		}
	}
	for i := range sc.Faults {
		if sc.Faults[i].Count > 0 {
			tell(sc.Faults[i].Service)
		}
	}
	for i := range sc.Actions {
		for _, d := range sc.Actions[i].Do {
			if d.Verb == scenario.Drain {
				tell(d.Target)
			}
		}
	}
	for v := range p.Services {
		s := &p.Services[v]
		s.Zones = 1
		stated := false
		s.Replicas = 1
		if r := s.Decl.Replicas; r != nil {
			s.Zones = max(1, len(r.Zones))
			if stated = r.Count.IsStated() || len(r.Zones) > 0; stated {
				s.Replicas = float64(r.Count.Or(int64(len(r.Zones))))
			}
		}
		if !apart[v] {
			continue
		}
		if !stated {
			s.Replicas = AssumedReplicas
			p.assume(s.ID, "", "replicas", strconv.Itoa(AssumedReplicas), "not stated, and its instances are told apart")
		}
		s.Instances = int(min(s.Replicas, 1e6))
		if s.Instances > MostInstances {
			groups := (MostInstances + s.Zones - 1) / s.Zones * s.Zones
			s.Instances = min(s.Instances, groups)
		}
	}
}

// checks makes the health checks of a catalog.
func (p *Plan) checks(c *catalog.Catalog, index map[string]int32) {
	for i := range c.HealthChecks {
		h := &c.HealthChecks[i]
		k := Check{ID: h.ID, By: index[h.By], MaxRemoved: 1, FailOpen: math.Inf(1), Rate: math.Inf(1), Chore: -1}
		for _, t := range h.Tests {
			v := index[t.Service]
			if !t.Fresh {
				if !slices.Contains(k.Tests, v) {
					k.Tests = append(k.Tests, v)
				}
				continue
			}
			if !t.Within.IsStated() {
				p.say(&k, "tests.within", seconds(AssumedFreshWithin), "not stated")
			}
			k.Fresh = append(k.Fresh, Fresh{v, t.Within.Or(unit.FromSeconds(AssumedFreshWithin)).Seconds()})
		}
		if len(k.Tests) == 0 {
			continue // there is nothing that it could take out
		}
		p.policy(&k, h)
		if r := &h.Policy; r.Cost.IsStated() && r.Cost.V > 0 {
			by := &p.Services[k.By]
			k.Cost = r.Cost.V.Seconds() / by.Time
			k.Chore = int32(len(p.Calls))
			p.Calls = append(p.Calls, Call{
				Lease: -1, Work: 1,
				From: -1, To: k.By, Index: -1, Chore: true, PerRequest: 1,
				Timeout: math.Inf(1), Deadline: math.Inf(1), Stale: math.Inf(1), Clients: 1,
			})
			by.In = append(by.In, k.Chore)
		}
		p.Checks = append(p.Checks, k)
	}
}

func seconds(s float64) string { return unit.FromSeconds(s).String() }

// say notes an assumption of a check, where a catalog would state it.
func (p *Plan) say(k *Check, key, value, why string) {
	p.assume(p.Services[k.By].ID, "", "health_check."+k.ID+"."+key, value, why)
}

// policy fills in how a check tests and what it does.
func (p *Plan) policy(k *Check, h *catalog.HealthCheck) {
	r := &h.Policy
	k.Interval, k.Timeout = r.Interval.V.Seconds(), r.Timeout.V.Seconds()
	if !r.Interval.IsStated() {
		k.Interval = AssumedCheckInterval
		if r.Timeout.IsStated() {
			k.Interval = max(k.Interval, k.Timeout)
		}
		p.say(k, "policy.interval", seconds(k.Interval), "not stated")
	}
	if !r.Timeout.IsStated() {
		k.Timeout = min(AssumedCheckTimeout, k.Interval)
		p.say(k, "policy.timeout", seconds(k.Timeout), "not stated")
	}
	k.Timeout = min(k.Timeout, k.Interval) // one test at a time
	k.Out, k.In = int(r.Out.Or(AssumedOut)), int(r.In.Or(AssumedIn))
	if !r.Out.IsStated() {
		p.say(k, "policy.out", strconv.Itoa(AssumedOut), "not stated")
	}
	if !r.In.IsStated() {
		p.say(k, "policy.in", strconv.Itoa(AssumedIn), "not stated")
	}
	k.Shallow = r.Depth == "shallow"
	k.Keeps = r.IfBlind == "keep"
	switch f := &r.OnFail; f.Remove {
	case "zone":
		k.Remove = RemoveZone
	case "region":
		k.Remove = RemoveRegion
	case "":
		p.say(k, "on_fail.remove", "instance", "not stated")
	}
	switch f := &r.OnFail; f.Via {
	case "dns":
		k.Via = ViaDNS
		k.TTL = f.TTL.Or(unit.FromSeconds(AssumedCheckTTL)).Seconds()
		if !f.TTL.IsStated() {
			p.say(k, "on_fail.ttl", seconds(AssumedCheckTTL), "not stated")
		}
	case "restart":
		k.Via = ViaRestart
	}
	if f := &r.OnFail; f.MaxRemoved.IsStated() {
		k.MaxRemoved = float64(f.MaxRemoved.V)
	}
	if f := &r.OnFail; f.FailOpen.IsStated() {
		k.FailOpen = float64(f.FailOpen.V)
	}
	if f := &r.OnFail; f.Rate.IsStated() {
		k.Rate = float64(f.Rate.V)
	}
	if k.Via != ViaRestart {
		return
	}
	for _, v := range k.Tests {
		if s := &p.Services[v]; s.RestartTime() == AssumedRestart && (s.Decl.Recovery == nil || !s.Decl.Recovery.Start.IsStated()) {
			p.assume(s.ID, "", "recovery.start", seconds(AssumedRestart), "not stated, and a health check restarts it")
		}
	}
}

// RestartTime is how long an instance of a service is away when a check restarts it,
// in seconds.
func (s *Service) RestartTime() float64 {
	if r := s.Decl.Recovery; r != nil && r.Start.IsStated() {
		return r.Start.V.Seconds()
	}
	return AssumedRestart
}

// ZoneOf is the zone of an instance: they are dealt in turn.
func (s *Service) ZoneOf(instance int) int { return instance % s.Zones }

// Struck is the share of an instance that a fault strikes: those of its zone, or as
// many replicas as it says, from the first on; a group of replicas may be struck in
// part.
func (s *Service) Struck(f *scenario.Fault, instance int) float64 {
	switch {
	case f.Zone != "" && s.Decl.Replicas != nil && len(s.Decl.Replicas.Zones) > 0:
		if s.Decl.Replicas.Zones[s.ZoneOf(instance)] != f.Zone {
			return 0
		}
	case f.Count > 0:
		size := s.Replicas / float64(s.Instances)
		return max(0, min(1, float64(f.Count)/size-float64(instance)))
	}
	return 1
}

// instanceID is a name that no service can have, for names hold no control characters.
func (s *Service) instanceID(i int) string { return s.ID + "\x00" + strconv.Itoa(i+1) }

// Instance is one instance of a service, or one group of them: its share of
// everything. Lanes and stages, which name calls, are the engine's to fill.
func (s *Service) Instance(i int) Service {
	n := float64(s.Instances)
	x := *s
	x.ID = s.instanceID(i)
	x.Threads, x.Capacity, x.Bound, x.Nominal = s.Threads/n, s.Capacity/n, s.Bound/n, s.Nominal/n
	x.Rate, x.Burst = s.Rate/n, s.Burst/n
	x.Replicas, x.Instances = s.Replicas/n, 0
	x.Lanes, x.Stages, x.In, x.Out, x.AsyncOut = nil, nil, nil, nil, nil
	return x
}
