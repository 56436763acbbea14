package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO206",
	Name:     "queue-outlives-deadline",
	Severity: Warning,
	Summary:  "The queue may grow so long that all in it is late: the bound protects memory, not users.",
	Looks: `A stated bound of a FIFO queue that is larger than capacity × (shortest stated time-out of a caller − service time), ` +
		`where what has expired is neither cancelled nor dropped. Capacity must be stated.`,
	Why: "In overload a FIFO queue is full, and every request waits bound / capacity. When that is longer than its caller " +
		"waits, the service works at full speed and helps nobody.",
	Taught: "Facebook: Ben Maurer, Fail at Scale, ACM Queue 13(8), 2015: queues were changed to CoDel and adaptive LIFO because " +
		"long ones turned short overloads into outages.",
	FalseAlarm: "The queue holds work for which nobody waits: hand it over (mode = \"async\").",
	Fix:        "Bound the queue by what is served in one time-out, or serve with drop_expired, CoDel or adaptive LIFO.",
	Check:      longQueues,
})

func longQueues(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		q := p.Graph.Service(v).Queue
		if q == nil || !q.Bound.IsStated() || q.Cancel || q.DropExpired || q.Discipline != "" && q.Discipline != "fifo" {
			continue
		}
		patience, by, known := p.Patience(v)
		if !known || q.Deadline.IsStated() && q.Deadline.V.Seconds() < patience {
			continue
		}
		full, known := p.Full(v)
		if !known {
			p.Lacks(v, "capacity")
			continue
		}
		most := closedform.QueueBound(full, patience, p.ownTime(v))
		if float64(q.Bound.V) <= most {
			continue
		}
		id := p.Graph.ID(v)
		p.Report(Finding{
			Service: id, At: p.Graph.Service(v).At, Damage: p.Damage(v),
			Message: fmt.Sprintf("%s lets %s requests wait, which takes %s at %s; after %s nobody waits for them: %s would do",
				id, SayCount(q.Bound), Seconds(closedform.FIFOWait(float64(q.Bound.V), full)), PerSecond(full), Seconds(patience), Amount(most)),
			Path: []Step{p.givesUp(v, by), p.At(v, "%s queues up to %s and serves %s", id, SayCount(q.Bound), PerSecond(full))},
		})
	}
}
