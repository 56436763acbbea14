package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/closedform"
)

var _ = register(Rule{
	ID:       "KO312",
	Name:     "retention-shorter-than-outage",
	Severity: Error,
	Summary:  "A durable queue forgets what nobody takes before a plausible outage of its worker is over.",
	Looks:    `A stated retention of a queue below "outage".`,
	Why:      "A queue is trusted to keep what is handed over. What it forgets was acknowledged and is lost without an error.",
	Taught: "AWS, 20 October 2025, took fifteen hours to full recovery and, for some clusters, more than a day (aws.amazon.com/message/101925): whoever kept less " +
		"lost it.",
	FalseAlarm: "What is old is worth nothing, and is meant to be dropped: then it is a deadline.",
	Fix:        "Keep work for at least the longest outage plus a weekend; four days cost little.",
	Params:     []Param{{"outage", seconds(24 * 3600), "of whoever takes the work"}},
	Check:      retentions,
})

func retentions(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		q := p.Graph.Service(v).Queue
		if q == nil || !q.Retention.IsStated() || q.Retention.V >= p.Duration("outage") {
			continue
		}
		id := p.Graph.ID(v)
		f := Finding{
			Service: id, At: p.Graph.Service(v).At, Damage: p.Damage(v),
			Message: fmt.Sprintf("%s keeps what nobody takes for %s: in an outage of %s the rest is lost", id, Say(q.Retention), p.Duration("outage")),
		}
		if load, known := p.Rate(v); known && load > 0 {
			lost := closedform.ExpiredMessages(load, p.Duration("outage").Seconds(), q.Retention.V.Seconds())
			f.Message = fmt.Sprintf("%s keeps what nobody takes for %s: in an outage of %s it forgets %s requests", id, Say(q.Retention), p.Duration("outage"), Amount(lost))
		}
		if fed := p.fedBy(v); len(fed) > 0 {
			f.Path = append(f.Path, p.Needs(fed[0], v))
		}
		p.Report(f)
	}
}
