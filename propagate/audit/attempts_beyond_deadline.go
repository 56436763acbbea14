package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO202",
	Name:     "attempts-beyond-deadline",
	Severity: Warning,
	Summary:  "Retries begin after the caller has given up: nobody can still be helped by them.",
	Looks: `Attempts times time-out of a synchronous need to serve, longer than the shortest time-out of those who ` +
		`call the service, though a single attempt is not (that is KO201). Pauses between attempts are not counted; a stated deadline of the ` +
		`retries is. Time-outs must be stated.`,
	Why: "When the target is slow rather than down, every attempt runs to its time-out, and the last of them are " +
		"made for callers who have left. They load the target just when it can do least.",
	Taught: "Slack, 4 January 2021: web servers waited on backends far beyond what their own callers allowed, until " +
		"no thread was left (slack.engineering, Slack's Outage on January 4th 2021).",
	FalseAlarm: "The target fails at once and never by silence.",
	Fix:        "Give the retries a deadline within the caller's time-out, or make fewer or shorter attempts.",
	Check:      attemptsBeyondDeadline,
})

func attemptsBeyondDeadline(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		patience, by, known := p.Patience(v)
		if !known {
			continue
		}
		for n := range p.Graph.Needs(v) {
			if !waitsFor(n) || !n.Declared.Timeout.IsStated() {
				continue
			}
			d := n.Declared
			one, k := d.Timeout.V.Seconds(), tries(d)
			all := float64(one * float64(k))
			if k > 1 && d.Retry.Deadline.IsStated() { // no attempt begins later
				all = min(all, d.Retry.Deadline.V.Seconds()+one)
			}
			if one > patience || all <= patience {
				continue
			}
			p.Report(p.waits(n, patience, by, fmt.Sprintf("spends up to %s (%d attempts of %s) on", Seconds(all), k, Say(d.Timeout))))
		}
	}
}
