package plan

import (
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/propagate/mech"
)

// connect makes the calls of a service and the stages in which it makes them: all
// that go out at once first, then one after another in canonical order.
func (p *Plan) connect(v int32, index map[string]int32) {
	s := &p.Services[v]
	var together []int32
	add := func(j int, target string) int32 {
		n := &s.Decl.Needs[j]
		e := int32(len(p.Calls))
		p.Calls = append(p.Calls, p.newCall(v, index[target], j, n))
		p.Calls[e].Cache = p.newCache(s, n, target)
		s.Out = append(s.Out, e)
		return e
	}
	for j := range s.Decl.Needs {
		n := &s.Decl.Needs[j]
		switch {
		case n.To != catalog.ToServe, n.Fresh:
			continue
		case n.Mode == catalog.Async:
			for _, t := range n.Targets {
				e := add(j, t)
				p.Calls[e].PerRequest /= float64(len(n.Targets))
				s.AsyncOut = append(s.AsyncOut, e)
			}
		case n.IsGroup():
			st := Stage{AtLeast: n.AtLeast}
			for _, t := range n.Targets {
				st.Calls = append(st.Calls, add(j, t))
			}
			s.Stages = append(s.Stages, st)
		case n.Parallel:
			together = append(together, add(j, n.Targets[0]))
			p.Calls[together[len(together)-1]].AtOnce = true
		default:
			s.Stages = append(s.Stages, Stage{Calls: []int32{add(j, n.Targets[0])}})
		}
		if n.Fallback != "" && n.Mode == catalog.Sync {
			e := add(j, n.Fallback)
			p.Calls[e].Loss = catalog.Fail
			p.Calls[e].PerRequest = 1
			s.Stages = append(s.Stages, Stage{Calls: []int32{e}, Fallback: true})
		}
	}
	if len(together) > 0 {
		s.Stages = slices.Insert(s.Stages, 0, Stage{Calls: together, Parallel: true})
	}
	for k := range s.Stages {
		for _, i := range s.Stages[k].Calls {
			p.Calls[i].Leg = int32(k)
		}
	}
	s.Leaf = len(s.Stages) == 0
}

func (p *Plan) newCall(from, to int32, j int, n *catalog.Need) Call {
	e := Call{
		From: from, To: to, Index: j, Need: n,
		Async: n.Mode == catalog.Async, Loss: n.IfLost, Believes: n.Believes,
		PerRequest: n.Calls.Or(1), Timeout: math.Inf(1), Deadline: math.Inf(1), Stale: math.Inf(1),
		Clients: 1, Lease: -1, Work: 1,
	}
	id, target := p.Services[from].ID, p.Services[to].ID
	// Who believes one that answers wrongly without its needs has no use for what would
	// stand in for no answer: its own are wrong as well, and so they fail.
	if e.Believes && n.To == catalog.ToServe && p.Services[to].Decl.FailsAs == catalog.FailsCorrupt {
		e.Loss = catalog.Fail
	}
	if !e.Async {
		if n.Timeout.IsStated() {
			e.Timeout = n.Timeout.V.Seconds()
		} else {
			e.Timeout = AssumedTimeout // or more, see size
		}
	}
	if n.TTL.IsStated() {
		e.Stale = 0.5 * (n.TTL.V.Low.Seconds() + n.TTL.V.High.Seconds())
	}
	switch r := p.Services[from].Decl.Replicas; {
	case n.Clients.IsStated():
		e.Clients = float64(n.Clients.V)
	case r != nil:
		e.Clients = float64(max(1, r.Count.Or(int64(len(r.Zones)))))
	}
	retries := 0
	if r := n.Retry; r != nil {
		attempts := r.Attempts.Or(3)
		retries = int(min(attempts, mech.MaxAttempts)) - 1
		switch more := float64(attempts - mech.MaxAttempts); {
		case attempts >= policy.MaxAttempts: // the most that can be said: for ever
			e.Again = 1
		case more > 0:
			e.Again = more / (more + 1)
		}
		if r.Backoff == "" && retries > 0 {
			p.assume(id, target, "retry.backoff", "full-jitter", "not stated")
		}
		if r.Deadline.IsStated() {
			e.Deadline = r.Deadline.V.Seconds()
		}
	} else if !e.Async {
		p.assume(id, target, "retry", "none", "not stated: one attempt")
	}
	for k := 1; k <= retries; k++ {
		low, spread := mech.Pause(n.Retry, k)
		e.Pauses = append(e.Pauses, Pause{low, spread})
	}
	if q := p.Services[to].Decl.Queue; e.Async && q != nil && q.MaxReceives.IsStated() {
		visibility := 30.0
		if q.Visibility.IsStated() {
			visibility = q.Visibility.V.Seconds()
		}
		e.Pauses = nil
		for k := int64(1); k < min(q.MaxReceives.V, mech.MaxAttempts); k++ {
			e.Pauses = append(e.Pauses, Pause{visibility, 0})
		}
	}
	return e
}
