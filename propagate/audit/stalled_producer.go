package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// seconds is a parameter in seconds.
func seconds(s float64) unit.Duration { return unit.FromSeconds(s) }

// handsOver reports whether a service hands work over to the target of a need and does not wait.
func handsOver(n *graph.Need) bool {
	d := n.Declared
	return d != nil && d.Mode == catalog.Async && d.To == catalog.ToServe
}

var _ = register(Rule{
	ID:       "KO304",
	Name:     "stalled-producer",
	Severity: Warning,
	Summary:  "A producer that has stalled releases more at once than its consumer can take.",
	Looks: `A service that hands work over to another, and that itself works off a backlog after a stall (it is fed through a queue, or keeps leases): at its capacity it ` +
		`hands over more than "times" what the consumer can do, though not when all is well. Both capacities and the load must be stated.`,
	Why: "While the producer stands still nothing arrives, and the consumer looks healthy. When it moves again it moves at full speed. The " +
		"consumer then falls behind after the outage is over, and whoever needs it to be recent fails for a second time.",
	Taught: "AWS, 20 October 2025: when the leases were back, the changes held up behind them reached Network Manager at once; it was late from 06:21 " +
		"to 10:36, and load balancers failed because of that (aws.amazon.com/message/101925).",
	FalseAlarm: "The consumer may be late: nobody needs what it makes to be recent.",
	Fix:        "Throttle the producer to what the consumer can do, or give the consumer as much capacity.",
	Params:     []Param{{"times", 1.0, "what the consumer can do"}},
	Check:      stalledProducers,
})

func stalledProducers(p *Pass) {
	keeps := make(map[graph.Node]bool)
	for i := range p.Catalog.Leases {
		if v, ok := p.Graph.Node(p.Catalog.Leases[i].Keeper); ok {
			keeps[v] = true
		}
	}
	for v := range graph.Node(p.Graph.Len()) {
		if len(p.fedBy(v)) == 0 && !keeps[v] && p.Graph.Service(v).Deferred == nil {
			continue
		}
		producer, knownProducer := p.Full(v)
		for n := range p.Graph.Needs(v) {
			if !handsOver(n) || n.Declared.IsGroup() {
				continue
			}
			t := p.Graph.Targets(n)[0]
			consumer, knownConsumer := p.Full(t)
			calm, known := p.Rate(t)
			if !knownProducer || !knownConsumer || !known {
				continue
			}
			release := float64(producer * n.Declared.Calls.Or(1))
			if calm >= consumer || release <= float64(consumer*p.Number("times")) {
				continue
			}
			from, to := p.Graph.ID(v), p.Graph.ID(t)
			p.Report(Finding{
				Subject: from + " -> " + to, Service: to, At: n.Declared.At, Damage: p.Damage(t),
				Message: fmt.Sprintf("after a stall %s hands over up to %s to %s, which can do %s", from, PerSecond(release), to, PerSecond(consumer)),
				Path:    []Step{p.At(v, "%s works off what has piled up at %s", from, PerSecond(producer)), p.Needs(n, t), p.At(t, "%s serves %s, and is asked %s when all is well", to, PerSecond(consumer), PerSecond(calm))},
			})
		}
	}
}
