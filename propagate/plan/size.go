package plan

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
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
func (p *Plan) healthyLatency(s *Service) float64 {
	latency := s.Time
	for _, st := range s.Stages {
		longest := 0.0
		for _, j := range st.Calls {
			e := &p.Calls[j]
			l := p.Services[e.To].Latency
			if e.Need.Timeout.IsStated() {
				l = min(l, e.Timeout)
			}
			if !e.AtOnce {
				l *= max(1, e.PerRequest)
			}
			l *= min(1, e.PerRequest) * e.made()
			longest = max(longest, l)
		}
		if !st.Fallback {
			latency += longest
		}
	}
	return latency
}

// assumedTime is the service time that is assumed where none is stated: the usual
// one, but no more than lets every healthy request be over in a second. Calls go
// out one after another unless a catalog says otherwise, and where services stand in
// many layers that would add up to minutes.
func (p *Plan) assumedTime() float64 {
	longest := 0.0
	for i := len(p.Order) - 1; i >= 0; i-- {
		s := &p.Services[p.Order[i]]
		s.Time = ownTime(s.Decl, AssumedServiceTime)
		if s.Decl.ServiceTime.IsStated() {
			s.Time = 0 // it is as it is
		}
		s.Latency = p.healthyLatency(s)
		longest = max(longest, s.Latency)
	}
	return AssumedServiceTime * min(1, AssumedLatency/max(longest, 1e-9))
}

// patient gives a call without a stated time-out an assumed one: as usual, but enough
// for a healthy answer.
func (p *Plan) patient(e *Call) {
	why := "not stated"
	if need := AssumedPatience * p.Services[e.To].Latency; need > e.Timeout {
		e.Timeout = unit.Rough(need)
		why = "not stated: four times a healthy answer, as calls go out one after another"
	}
	p.assume(p.Services[e.From].ID, p.Services[e.To].ID, "timeout", unit.FromSeconds(e.Timeout).String(), why)
}

// size gives every service its servers and capacity, stated or assumed.
func (p *Plan) size() {
	assumed, spare := p.assumedTime(), p.spare()
	// Around a cycle a latency depends on itself, by calls that are fewer each time:
	// a few rounds will do.
	for range 4 {
		for i := len(p.Order) - 1; i >= 0; i-- {
			s := &p.Services[p.Order[i]]
			s.Time = ownTime(s.Decl, assumed)
			s.Latency = p.healthyLatency(s)
		}
	}
	for i := len(p.Order) - 1; i >= 0; i-- {
		s := &p.Services[p.Order[i]]
		d := s.Decl
		s.Capacity, s.Threads = math.Inf(1), math.Inf(1)
		s.Time = ownTime(d, assumed)
		cost, lease := p.costs(p.Order[i])
		if cost > 0 && !d.ServiceTime.IsStated() && d.Kind != catalog.KindExternal {
			s.Time = cost
			if !d.Concurrency.IsStated() || !d.Capacity.IsStated() || !s.Leaf {
				p.assume(s.ID, "", "service_time", unit.FromSeconds(unit.Rough(s.Time)).String(), "not stated: what it costs to make a lease of "+lease+" anew")
			}
		} else if !d.ServiceTime.IsStated() && !d.Concurrency.IsStated() && d.Kind != catalog.KindExternal {
			why := "not stated"
			if assumed < AssumedServiceTime {
				why = "not stated: less than 10ms, so that a healthy request takes no more than a second"
			}
			p.assume(s.ID, "", "service_time", unit.FromSeconds(unit.Rough(s.Time)).String(), why)
		}
		for k := range s.Stages {
			for _, j := range s.Stages[k].Calls {
				if e := &p.Calls[j]; !e.Need.Timeout.IsStated() {
					p.patient(e)
				}
			}
		}
		s.Latency = p.healthyLatency(s)
		unlimited := d.Kind == catalog.KindExternal // as many as there are, or none of our business
		switch {
		case d.Concurrency.IsStated():
			s.Threads = float64(d.Concurrency.V)
			if d.Capacity.IsStated() {
				s.Capacity = float64(d.Capacity.V)
			}
			if !d.ServiceTime.IsStated() {
				if s.Leaf && d.Capacity.IsStated() && d.Capacity.V > 0 {
					s.Time = s.Threads / s.Capacity // the two say it
					s.Latency = s.Time
				} else {
					if cost == 0 {
						p.assume(s.ID, "", "service_time", unit.FromSeconds(s.Time).String(), "not stated")
					}
				}
			}
		case d.Capacity.IsStated():
			s.Capacity = float64(d.Capacity.V)
			if s.Leaf {
				s.Threads = max(1e-9, s.Capacity*s.Time)
			} else {
				s.Threads = max(AssumedThreads, math.Ceil(4*s.Capacity*p.mix(p.Order[i])*s.Latency))
				p.assume(s.ID, "", "concurrency", fmt.Sprintf("%.0f", s.Threads), "not stated: 200, or four times what its capacity keeps busy")
			}
		case unlimited:
		default:
			s.Capacity = max(1, AssumedHeadroom*(s.Nominal+spare[p.Order[i]]+p.work(p.Order[i])))
			p.assume(s.ID, "", "capacity", unit.Rate(unit.Rough(s.Capacity)).String(), "not stated: twice its load when all is well")
			if s.Leaf {
				s.Threads = max(1e-9, s.Capacity*s.Time)
			} else {
				s.Threads = max(AssumedThreads, math.Ceil(4*s.Capacity*p.mix(p.Order[i])*s.Latency))
				p.assume(s.ID, "", "concurrency", fmt.Sprintf("%.0f", s.Threads), "not stated: 200, or four times what its capacity keeps busy")
			}
		}
		p.work(p.Order[i])
		s.Bound, s.Deadline, s.Retention, s.Shed = math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)
		if q := d.Queue; q != nil {
			if q.Bound.IsStated() {
				s.Bound = float64(q.Bound.V)
			}
			if q.Deadline.IsStated() {
				s.Deadline = q.Deadline.V.Seconds()
			}
			if q.Retention.IsStated() {
				s.Retention = q.Retention.V.Seconds()
			}
			s.Cancel, s.Expires = q.Cancel, q.DropExpired
			s.Margin = q.Margin.Or(0).Seconds()
			s.Rejection = float64(q.RejectCost.Or(0))
			s.Weighted = q.Classes == "weighted"
			s.CoDel = q.Discipline == "codel"
			s.AdaptiveLIFO = q.Discipline == "adaptive-lifo"
			s.Target = max(1e-4, q.Target.Or(unit.Duration(5e6)).Seconds())
			s.Interval = max(1e-4, q.Interval.Or(unit.Duration(100e6)).Seconds())
		}
		if t := d.Throttle; t != nil {
			s.Throttled = true
			s.Rate, s.Burst = float64(t.Rate.Or(unit.Rate(math.Inf(1)))), float64(t.Burst.Or(0))
		}
		if d.Shed != nil && d.Shed.Above.IsStated() {
			s.Shed = float64(d.Shed.Above.V)
		}
	}
}
