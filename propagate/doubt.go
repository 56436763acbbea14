package propagate

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/propagate/closedform"
)

// Doubt is a reason not to trust what a run says of a service: the engine plays
// means, and knows no chance.
type Doubt struct {
	Service string
	Text    string // one sentence, with the numbers
}

// doubts names the services that chance alone would collapse, with a probability
// worth a word, within the run: few servers, callers that retry, and a queue in
// which nobody gives up. Only stated numbers of servers count; an assumed one says
// nothing about chance.
func (m *model) doubts(horizon float64) []Doubt {
	var found []Doubt
	for v := range m.servers {
		s := &m.servers[v]
		if !s.leaf || !s.decl.Concurrency.IsStated() || s.threads > 32 || s.cancel || s.expires || s.codel || s.nominal <= 0 {
			continue
		}
		if q := s.decl.Queue; q != nil && (q.Discipline == "lifo" || q.Discipline == "adaptive-lifo" || q.Deadline.IsStated()) {
			continue
		}
		attempts, timeout, free := 1, math.Inf(1), true
		for _, i := range s.in {
			e := &m.calls[i]
			attempts = max(attempts, len(e.pauses)+1)
			timeout = min(timeout, e.timeout)
			free = free && e.breaker == nil && !e.budget.Limits()
		}
		if attempts == 1 || !free || math.IsInf(timeout, 1) || s.bound < s.full()*(timeout-s.time) {
			continue
		}
		r := closedform.RetryingClient{
			Service:  closedform.MMC{Arrivals: s.nominal, Service: s.time, Servers: int(s.threads)},
			Timeout:  timeout,
			Attempts: attempts,
		}
		if r.Service.Arrivals >= s.full() {
			continue // it needs no chance
		}
		servers := "1 server"
		if s.threads > 1 {
			servers = fmt.Sprintf("%d servers", int(s.threads))
		}
		t := r.CollapseTime()
		if p := -math.Expm1(-horizon / t); p > 0.01 {
			found = append(found, Doubt{s.id, fmt.Sprintf("%s has %s at %.0f %% load and callers that retry: chance alone may collapse it within the run (%.0f %% by an estimate that errs high), and this engine knows no chance",
				s.id, servers, 100*s.nominal/s.full(), math.Max(1, 100*p))})
		}
	}
	return found
}
