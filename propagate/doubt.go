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
	for v := range m.Services {
		s := &m.servers[v]
		if !s.Leaf || !s.Decl.Concurrency.IsStated() || s.Threads > 32 || s.Cancel || s.Expires || s.CoDel || s.Nominal <= 0 {
			continue
		}
		if q := s.Decl.Queue; q != nil && (q.Discipline == "lifo" || q.Discipline == "adaptive-lifo" || q.Deadline.IsStated()) {
			continue
		}
		attempts, timeout, free := 1, math.Inf(1), true
		for _, i := range s.In {
			e := &m.calls[i]
			attempts = max(attempts, len(e.Pauses)+1)
			timeout = min(timeout, e.Timeout)
			free = free && e.breaker == nil && !e.budget.Limits()
		}
		if attempts == 1 || !free || math.IsInf(timeout, 1) || s.Bound < s.Full()*(timeout-s.Time) {
			continue
		}
		r := closedform.RetryingClient{
			Service:  closedform.MMC{Arrivals: s.Nominal, Service: s.Time, Servers: int(s.Threads)},
			Timeout:  timeout,
			Attempts: attempts,
		}
		if r.Service.Arrivals >= s.Full() {
			continue // it needs no chance
		}
		servers := "1 server"
		if s.Threads > 1 {
			servers = fmt.Sprintf("%d servers", int(s.Threads))
		}
		t := r.CollapseTime()
		if p := -math.Expm1(-horizon / t); p > 0.01 {
			found = append(found, Doubt{s.ID, fmt.Sprintf("%s has %s at %.0f %% load and callers that retry: chance alone may collapse it within the run (%.0f %% by an estimate that errs high), and this engine knows no chance",
				s.ID, servers, 100*s.Nominal/s.Full(), math.Max(1, 100*p))})
		}
	}
	return found
}
