package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO205",
	Name:     "metastable",
	Severity: Error,
	Summary:  "Once it has fallen behind, retries keep it there: the failure outlasts its cause.",
	Looks: `A service whose load when all is well, times the attempts its callers make when all fail, is more than its ` +
		`capacity: capacity / (load × attempts) below "headroom". Its queue is FIFO, goes on with what nobody waits for any more ` +
		`(neither cancel nor drop_expired), and has no bound, or one that does not protect it (KO206); it neither sheds nor throttles below ` +
		`its capacity; and a caller that retries gives up after a stated time. Load and capacity must be stated.`,
	Why: "Below the capacity there are two stable states: all is answered in time, or all is answered too late and sent again. A " +
		"short trigger leads from the first to the second, and its end does not lead back. Only taking load away does.",
	Taught: "Bronson, Aghayev, Charapko, Zhu: Metastable Failures in Distributed Systems, HotOS 2021, and the outages they " +
		"analyse; Slack, 22 February 2022: a cache tier that refilled too slowly kept its database overloaded (slack.engineering).",
	FalseAlarm: "The service tells callers to stay away before it is late, by a limit that the catalog does not state: declare it.",
	Fix: "Any one of these: a retry budget of a fifth at the callers, a queue bound below what its capacity does in one time-out, " +
		"drop_expired, or enough capacity that load times attempts fits.",
	Params: []Param{{"headroom", 1.0, "capacity / (load × attempts) below which it fires"}},
	Check:  metastables,
})

func metastables(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		patience, by := p.impatientRetrier(v)
		if by == nil || p.sparesItself(v, patience) {
			continue
		}
		full, knownFull := p.Full(v)
		calm, storm, known := p.StormLoad(v)
		if !knownFull || !known {
			if !knownFull {
				p.Lacks(v, "capacity")
			}
			continue
		}
		if !(storm > calm) || calm >= full {
			continue
		}
		headroom := closedform.Headroom(calm, full, storm/calm)
		if !(headroom < p.Number("headroom")) {
			continue
		}
		id := p.Graph.ID(v)
		p.Report(Finding{
			Service: id, At: p.Graph.Service(v).At, Damage: p.Damage(v),
			Message: fmt.Sprintf("%s is asked %s of the %s it can do, and %s when its callers retry: it can stay down after its cause is gone from %s on (headroom %s)",
				id, PerSecond(calm), PerSecond(full), PerSecond(storm), PerSecond(closedform.CollapseFrom(full, storm/calm)), Amount(headroom)),
			Path: []Step{p.tried(by, v), p.givesUp(v, by), p.At(v, "%s serves %s, and goes on with what nobody waits for", id, PerSecond(full))},
		})
	}
}

// impatientRetrier is, of the callers of a service that retry after a stated time-out, the one
// that gives up first; nil without any.
func (p *Pass) impatientRetrier(v graph.Node) (patience float64, by *graph.Need) {
	for n := range p.Graph.Users(v) {
		if !waitsFor(n) || p.TriesPerCall(n) <= 1 {
			continue
		}
		if !n.Declared.Timeout.IsStated() {
			p.LacksOf(n, "timeout")
			continue
		}
		if t := n.Declared.Timeout.V.Seconds(); by == nil || t < patience {
			patience, by = t, n
		}
	}
	return patience, by
}

// sparesItself reports whether a service refuses or drops work before all of it is late.
func (p *Pass) sparesItself(v graph.Node, patience float64) bool {
	s := p.Graph.Service(v)
	full, known := p.Full(v)
	if t := s.Throttle; t != nil && known && t.Rate.IsStated() && float64(t.Rate.V) <= full {
		return true
	}
	if s.Shed != nil && s.Shed.Above.IsStated() {
		return true
	}
	q := s.Queue
	if q == nil {
		return false
	}
	if q.Cancel || q.DropExpired || q.Discipline != "" && q.Discipline != "fifo" || q.Deadline.IsStated() && q.Deadline.V.Seconds() < patience {
		return true
	}
	return q.Bound.IsStated() && known && float64(q.Bound.V) <= closedform.QueueBound(full, patience, p.ownTime(v))
}

// ownTime is the mean service time of a service as its catalog states it, in seconds; 0 where it does not.
func (f *Facts) ownTime(v graph.Node) float64 {
	t := f.Graph.Service(v).ServiceTime
	if !t.IsStated() {
		return 0
	}
	return (t.V.Low.Seconds() + t.V.High.Seconds()) / 2
}
