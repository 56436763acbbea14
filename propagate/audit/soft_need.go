package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO207",
	Name:     "soft-need-holds-threads",
	Severity: Warning,
	Summary:  "A need that the service could do without takes it down when the target is silent rather than gone.",
	Looks: `A synchronous need to serve with if_lost other than "fail", without breaker and bulkhead, whose time-outs keep more ` +
		`requests waiting than the service has threads (load × calls × attempts × time-out ≥ concurrency), or last longer than a caller of the service ` +
		`waits. Time-out and, for the first, load and concurrency must be stated.`,
	Why: "The answer is not needed, but the thread is held until the time-out. Slow is worse than down: a target that " +
		"answers nothing costs its callers everything they have.",
	Taught: "AWS, 20 November 2020 and others like it; Michael Nygard, Release It! (2007), chapter 4: most of the stability " +
		"patterns in it answer a pool of threads blocked on something nobody needed.",
	FalseAlarm: "The call is made aside, and the request does not wait for it: then it is asynchronous.",
	Fix:        "Give the need a breaker, a bulkhead, or a time-out so short that all threads together can bear it.",
	Check:      softNeeds,
})

func softNeeds(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		patience, by, patient := p.Patience(v)
		for n := range p.Graph.Needs(v) {
			d := n.Declared
			if !waitsFor(n) || d.IfLost == catalog.Fail || d.Breaker != nil || d.Bulkhead != nil || d.IsGroup() {
				continue
			}
			if !d.Timeout.IsStated() {
				p.LacksOf(n, "timeout")
				continue
			}
			k := tries(d)
			held := float64(d.Timeout.V.Seconds() * float64(k))
			from, to := p.Graph.ID(v), p.Names(p.Graph.Targets(n))
			f := Finding{Subject: from + " -> " + to, Service: from, At: n.Declared.At, Damage: p.Damage(v), Path: []Step{p.Needs(n, p.Graph.Targets(n)[0])}}
			rate, known := p.Rate(v)
			threads := p.Graph.Service(v).Concurrency
			busy := closedform.ThreadsBusy(rate, float64(held*d.Calls.Or(1)))
			switch {
			case known && threads.IsStated() && busy >= float64(threads.V):
				f.Message = fmt.Sprintf("%s could do without %s, but when it is silent %s requests wait for it at once, and %s has %s threads", from, to, Amount(busy), from, SayCount(threads))
				f.Path = append(f.Path, p.At(v, "%s is asked %s, each of which waits up to %s", from, PerSecond(rate), Seconds(held)))
			case patient && held >= patience:
				f.Message = fmt.Sprintf("%s could do without %s, but waits up to %s for it when it is silent; its caller leaves after %s", from, to, Seconds(held), Seconds(patience))
				f.Path = append(f.Path, p.givesUp(v, by))
			default:
				continue
			}
			p.Report(f)
		}
	}
}
