package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO303",
	Name:     "slow-drain",
	Severity: Warning,
	Summary:  "After an outage the backlog takes longer to drain than anybody can wait.",
	Looks: `A service that takes work through a queue (an asynchronous need on it), and whose backlog of "outage" without service takes longer ` +
		`than "recovery" to drain: load × outage / (capacity − load). Load and capacity must be stated.`,
	Why: "A queue turns an outage into lateness, and lateness lasts until what has piled up is done besides what comes. At 90 % " +
		"utilisation that is nine hours for each hour.",
	Taught: "AWS, 20 October 2025: network changes held up behind DWFM took from 05:28 to 10:36 to be worked off, and kept new instances without " +
		"a network all that time (aws.amazon.com/message/101925).",
	FalseAlarm: "Old work can be thrown away: state a retention or a deadline of the queue.",
	Fix:        "Keep more capacity for the queue's worker than its load, let it scale on the age of the queue, or serve the newest first.",
	Params: []Param{
		{"outage", seconds(3600), "how long the worker is taken to be gone"},
		{"recovery", seconds(4 * 3600), "in which the backlog must be gone"},
	},
	Check: slowDrains,
})

func slowDrains(p *Pass) {
	outage, recovery := p.Duration("outage"), p.Duration("recovery")
	for v := range graph.Node(p.Graph.Len()) {
		fed := p.fedBy(v)
		if len(fed) == 0 {
			continue
		}
		full, knownFull := p.Full(v)
		load, known := p.Rate(v)
		if !knownFull || !known {
			if !knownFull {
				p.Lacks(v, "capacity")
			}
			continue
		}
		backlog := float64(load * outage.Seconds())
		if q := p.Graph.Service(v).Queue; q != nil {
			if q.Retention.IsStated() {
				backlog = closedform.RetainedBacklog(load, outage.Seconds(), q.Retention.V.Seconds())
			}
			if q.Bound.IsStated() {
				backlog = min(backlog, float64(q.Bound.V))
			}
			if q.Deadline.IsStated() || q.DropExpired {
				continue
			}
		}
		drain := closedform.Drain(backlog, load, full, 1)
		if load >= full || drain <= recovery.Seconds() { // at and beyond capacity: a contradiction (KO401)
			continue
		}
		id := p.Graph.ID(v)
		p.Report(Finding{
			Service: id, At: p.Graph.Service(v).At, Damage: p.Damage(v),
			Message: fmt.Sprintf("what piles up for %s in an outage of %s takes %s to drain: it is asked %s and can do %s", id, outage, Seconds(drain), PerSecond(load), PerSecond(full)),
			Path:    []Step{p.Needs(fed[0], v), p.At(v, "%s is busy %s of the time when all is well", id, Percent(load/full))},
		})
	}
}

// fedBy lists the asynchronous needs through which a service is handed work.
func (p *Pass) fedBy(v graph.Node) (needs []*graph.Need) {
	for n := range p.Graph.Users(v) {
		if handsOver(n) {
			needs = append(needs, n)
		}
	}
	return needs
}
