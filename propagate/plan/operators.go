package plan

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate/scenario"
)

// StandIn is a call that is made only while operators fail a need over.
type StandIn struct {
	Call int32
	For  int32 // the call it stands in for
}

// standIns makes the calls to which the scenario fails needs over. Each is as the call
// it stands in for, at another target. It belongs to no stage: an engine sends there
// what would go to the other, and hands its outcomes to it.
func (p *Plan) standIns(sc *scenario.Scenario, index map[string]int32) {
	for i := range sc.Actions {
		for j := range sc.Actions[i].Do {
			d := &sc.Actions[i].Do[j]
			if d.Verb != scenario.FailOver {
				continue
			}
			from, to, instead := index[d.From], index[d.To], index[d.Instead]
			for _, e := range slices.Clone(p.Services[from].Out) {
				known := slices.ContainsFunc(p.StandIns, func(x StandIn) bool { return x.For == e && p.Calls[x.Call].To == instead })
				if was := p.Calls[e]; was.To == to && !was.StandsIn && !known {
					p.standIn(e, instead)
				}
			}
		}
	}
}

func (p *Plan) standIn(e, to int32) {
	was := p.Calls[e]
	said := len(p.Assumptions) // of the other call
	c := p.newCall(was.From, to, was.Index, was.Need)
	p.Assumptions = p.Assumptions[:said]
	c.StandsIn, c.Leg, c.AtOnce, c.Loss = true, was.Leg, was.AtOnce, was.Loss
	i := int32(len(p.Calls))
	p.Calls = append(p.Calls, c)
	p.Services[was.From].Out = append(p.Services[was.From].Out, i)
	p.StandIns = append(p.StandIns, StandIn{i, e})
}

// follow gives what stands in the numbers that were found for the other call.
func (p *Plan) follow() {
	for _, x := range p.StandIns {
		e, was := &p.Calls[x.Call], &p.Calls[x.For]
		e.PerRequest = was.PerRequest
		if !e.Async && !e.Need.Timeout.IsStated() {
			e.Timeout = max(was.Timeout, AssumedPatience*p.Services[e.To].Latency)
		}
	}
}

// spare is how many requests per second come to each service, beyond its nominal ones,
// when all needs that the scenario fails over are failed over: who stands by is sized
// for it.
func (p *Plan) spare() []float64 {
	spare := make([]float64, len(p.Services))
	for _, x := range p.StandIns {
		spare[p.Calls[x.Call].To] += p.Calls[x.For].Nominal
	}
	if len(p.StandIns) == 0 {
		return spare
	}
	for _, v := range p.Order {
		for _, i := range p.Services[v].Out {
			if e := &p.Calls[i]; !e.StandsIn && !e.Back && p.Services[v].Nominal <= 0 {
				spare[e.To] += float64(spare[v] * e.PerRequest)
			}
		}
	}
	return spare
}

// expiries are the services of which operators drop what has expired.
func expiries(sc *scenario.Scenario) []string {
	var all []string
	for i := range sc.Actions {
		for j := range sc.Actions[i].Do {
			if d := &sc.Actions[i].Do[j]; d.Verb == scenario.DropExpired {
				all = append(all, d.Target)
			}
		}
	}
	return all
}

// expiry is how long waiting for a service is not in vain, in seconds.
func (s *Service) expiry(e *Call) float64 {
	if e.Async {
		return math.Inf(1)
	}
	return max(0, e.Timeout-s.Margin)
}
