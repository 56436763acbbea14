package audit

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

// waitsFor reports whether a service waits for the answer of a need while it serves:
// such needs have time-outs, are tried again, and hold what waits.
func waitsFor(n *graph.Need) bool {
	d := n.Declared
	return d != nil && d.Mode == catalog.Sync && d.To == catalog.ToServe && !d.Fresh
}

// tries is how often a call is made at most when every attempt fails.
func tries(d *catalog.Need) int {
	if d.Retry == nil {
		return 1
	}
	return int(d.Retry.Attempts.Or(3))
}

// TriesPerCall is how many attempts a need makes of one call in the long run when every
// attempt fails. A budget bounds it, and so do a breaker and a client throttle, which
// stop calling what fails.
func (f *Facts) TriesPerCall(n *graph.Need) float64 {
	d := n.Declared
	k := tries(d)
	if k <= 1 || d.Breaker != nil || d.Limit != nil {
		return 1
	}
	b := d.Retry.Budget
	switch b.Kind() {
	case policy.RatioBudget:
		if rate, known := f.Rate(n.From); known && rate > 0 && b.MinRate.IsStated() {
			calls := float64(rate * d.Calls.Or(1))
			return closedform.RatioBudgetAmplification(k, 1, float64(b.Ratio.V), float64(b.MinRate.V)*float64(d.Clients.Or(1)), calls)
		}
		return min(float64(k), 1+float64(b.Ratio.V))
	case policy.TokenBudget, policy.QuotaBudget:
		return 1 // no more once the bucket is spent
	case policy.ActiveBudget:
		if b.Active.IsStated() && b.Active.V < 1 {
			return closedform.ActiveBudgetAmplification(k, 1, float64(b.Active.V), 0, 0)
		}
		return 1 // a fixed number, whatever the load
	}
	return float64(k)
}

// triesPath is the worst that retries come to at a service: how many attempts reach it
// for one request at the top of a path, when the service fails and all that stand above
// it retry.
type triesPath struct {
	product float64
	last    *graph.Need // that calls it on this path; nil at the top
	to      graph.Node
}

// retryProducts finds the worst path of retries to every service. A loop of calls is
// gone through once.
func (f *Facts) retryProducts() []triesPath {
	best := make([]triesPath, f.Graph.Len())
	for v := range best {
		best[v] = triesPath{product: 1, to: graph.Node(v)}
	}
	p := f.Plan()
	if p == nil {
		return best
	}
	place := make([]int, f.Graph.Len())
	for i, v := range p.Order {
		place[v] = i
	}
	for _, v := range p.Order {
		for n := range f.Graph.Needs(graph.Node(v)) {
			if !waitsFor(n) {
				continue
			}
			product := float64(best[v].product * f.TriesPerCall(n))
			for _, t := range f.Graph.Targets(n) {
				if place[t] > place[v] && product > best[t].product {
					best[t] = triesPath{product, n, t}
				}
			}
		}
	}
	return best
}

// tried is a step of evidence: how often a need makes a call.
func (f *Facts) tried(n *graph.Need, target graph.Node) Step {
	text := fmt.Sprintf("%s calls %s", f.Graph.ID(n.From), f.Graph.ID(target))
	switch k, long := tries(n.Declared), f.TriesPerCall(n); {
	case k > 1 && long < float64(k):
		text += fmt.Sprintf(" up to %d times, in the long run %s", k, Times(long))
	case k > 1:
		text += fmt.Sprintf(" up to %d times", k)
	default:
		text += " once"
	}
	return Step{n.Declared.At, text}
}

// StormLoad is what a service is asked when all is well, and what it is asked when every
// call to it fails and all above it try again as often as they may. Neither is known
// where the load is not.
func (f *Facts) StormLoad(v graph.Node) (calm, storm float64, known bool) {
	calm, known = f.Rate(v)
	if !known || f.storms() == nil {
		return 0, 0, false
	}
	return calm, float64(calm * f.storms()[v]), true
}

// amplifications works out, by service, how many attempts reach it for each that would
// when all is well: the mean over its callers, weighted by what they send.
func (f *Facts) amplifications() []float64 {
	p := f.Plan()
	if p == nil {
		return nil
	}
	amplified := make([]float64, len(p.Services))
	perCall := make([]float64, len(p.Calls))
	for v := range graph.Node(f.Graph.Len()) {
		for n := range f.Graph.Needs(v) {
			if !waitsFor(n) {
				continue
			}
			for _, i := range p.Services[v].Out {
				if p.Calls[i].Need == n.Declared {
					perCall[i] = f.TriesPerCall(n)
				}
			}
		}
	}
	for _, v := range p.Order {
		sum, total := 0.0, 0.0
		for _, i := range p.Services[v].In {
			e := &p.Calls[i]
			factor := 1.0
			if e.From >= 0 && !e.Back {
				factor = max(1, amplified[e.From]) * max(1, perCall[i])
			}
			sum += float64(e.Nominal * factor)
			total += e.Nominal
		}
		amplified[v] = 1
		if total > 0 {
			amplified[v] = sum / total
		}
	}
	return amplified
}

// Patience is the shortest time after which a caller of a service gives up, with the
// need that says so; it is not known where no caller states a time-out. Those outside
// count with the patience that the service states, and then the need is nil.
func (f *Facts) Patience(v graph.Node) (seconds float64, by *graph.Need, known bool) {
	seconds = math.Inf(1)
	for n := range f.Graph.Users(v) {
		if waitsFor(n) && n.Declared.Timeout.IsStated() {
			if t := n.Declared.Timeout.V.Seconds(); t < seconds {
				seconds, by, known = t, n, true
			}
		}
	}
	if p := f.Graph.Service(v).Patience; p.IsStated() && p.V.Seconds() < seconds {
		return p.V.Seconds(), nil, true
	}
	return seconds, by, known
}

// givesUp is a step of evidence: who gives up on a service, and when.
func (f *Facts) givesUp(v graph.Node, by *graph.Need) Step {
	if by == nil {
		return f.At(v, "those outside wait %s for %s", Say(f.Graph.Service(v).Patience), f.Graph.ID(v))
	}
	return Step{by.Declared.At, fmt.Sprintf("%s waits %s for %s", f.Graph.ID(by.From), Say(by.Declared.Timeout), f.Graph.ID(v))}
}
