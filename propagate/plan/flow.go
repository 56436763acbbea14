package plan

import (
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// loads gives what nobody calls a load from outside, stated or assumed.
func (p *Plan) loads(sc *scenario.Scenario) {
	called := make([]bool, len(p.Services))
	for i := range p.Calls {
		called[p.Calls[i].To] = true // by a service, or by who holds a lease of it
	}
	reached := make([]bool, len(p.Services))
	reach := func(v int32) {
		stack := []int32{v}
		reached[v] = true
		for len(stack) > 0 {
			v := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, i := range p.Services[v].Out {
				if to := p.Calls[i].To; !reached[to] {
					reached[to] = true
					stack = append(stack, to)
				}
			}
		}
	}
	offer := func(v int32, why string) {
		s := &p.Services[v]
		rate := AssumedLoad
		if why == "" && !s.Decl.Load.IsStated() {
			rate = 0
		} else if s.Decl.Load.IsStated() {
			rate = float64(s.Decl.Load.V)
		} else {
			p.assume(s.ID, "", "load", unit.Rate(rate).String(), why)
		}
		e := Call{From: -1, To: v, Index: -1, PerRequest: 1, Timeout: math.Inf(1), Deadline: math.Inf(1), Clients: 1, Nominal: rate, Lease: -1, Work: 1}
		if s.Decl.Patience.IsStated() {
			e.Timeout = s.Decl.Patience.V.Seconds()
		}
		p.Calls = append(p.Calls, e)
		reach(v)
	}
	for v := range p.Services {
		switch {
		case p.Services[v].Decl.Load.IsStated():
			offer(int32(v), "")
		case called[v] && slices.ContainsFunc(sc.Loads, func(l scenario.Load) bool { return l.Service == p.Services[v].ID }):
			offer(int32(v), "")
			p.Calls[len(p.Calls)-1].Nominal = 0
		case !called[v]:
			offer(int32(v), "not stated, and nobody calls it")
		}
	}
	for i := range p.Leases {
		reach(p.Leases[i].Keeper)
	}
	// What only a cycle calls still has users of its own.
	for _, v := range p.Order {
		if !reached[v] {
			offer(v, "not stated, and only those it calls call it")
		}
	}
	for i := range p.Calls {
		e := &p.Calls[i]
		p.Services[e.To].In = append(p.Services[e.To].In, int32(i))
	}
}

// flows finds the healthy rate of every call and every service.
func (p *Plan) flows(component []int32) error {
	// Unstated calls inside a cycle must not multiply: together they are half a
	// call per request.
	inside := make([]int, len(p.Services))
	for i := range p.Calls {
		e := &p.Calls[i]
		if e.From >= 0 && !e.Async && !e.StandsIn && component[e.From] == component[e.To] && !e.Need.Calls.IsStated() {
			inside[e.From]++
		}
	}
	for i := range p.Calls {
		e := &p.Calls[i]
		if e.From >= 0 && !e.Async && !e.StandsIn && component[e.From] == component[e.To] && !e.Need.Calls.IsStated() {
			e.PerRequest = 0.5 / float64(inside[e.From])
			p.assume(p.Services[e.From].ID, p.Services[e.To].ID, "calls", fmt.Sprintf("%.3g", e.PerRequest), "not stated, and the call is part of a cycle")
		}
	}
	// Only what a change has reached is worked out again: the rest would come out the
	// same to the last bit.
	reached := make([]bool, len(p.Services))
	for v := range reached {
		reached[v] = true
	}
	pass := func(e *Call, was float64) {
		if e.Nominal != was {
			reached[e.To] = true
		}
	}
	for round := 0; ; round++ {
		change := 0.0
		for _, v := range p.Order {
			if !reached[v] {
				continue
			}
			reached[v] = false
			s := &p.Services[v]
			f := 0.0
			for _, i := range s.In {
				f += p.Calls[i].Nominal
			}
			change = max(change, math.Abs(f-s.Nominal)/max(1e-9, f))
			s.Nominal = f
			for _, st := range s.Stages {
				for _, i := range st.Calls {
					e := &p.Calls[i]
					was := e.Nominal
					e.flow(float64(f * e.PerRequest))
					if st.AtLeast > 0 {
						e.flow(float64(f*e.PerRequest) * float64(st.AtLeast) / float64(len(st.Calls)))
					}
					if st.Fallback {
						e.Nominal = 0
					}
					pass(e, was)
				}
			}
			for _, i := range s.AsyncOut {
				e := &p.Calls[i]
				was := e.Nominal
				e.Nominal = float64(f * e.PerRequest)
				pass(e, was)
			}
		}
		if change < 1e-12 {
			return nil
		}
		if round > 10000 {
			return endless(p.fastest())
		}
		if round > 200 && round%100 == 0 {
			for _, v := range p.Order {
				if s := &p.Services[v]; s.Nominal > 1e15 {
					return endless(s)
				}
			}
		}
	}
}

// fastest is the service with the most requests.
func (p *Plan) fastest() *Service {
	best := &p.Services[0]
	for v := range p.Services {
		if s := &p.Services[v]; s.Nominal > best.Nominal {
			best = s
		}
	}
	return best
}

// endless is the fault of a catalog whose requests go round and become more.
func endless(s *Service) error {
	at := s.Decl.At
	return fmt.Errorf("%s:%d:%d: requests to %q multiply without end: around a cycle that it is part of, a request makes one call or more; write calls below 1 on a need of the cycle", at.File, at.Line, at.Col, s.ID)
}
