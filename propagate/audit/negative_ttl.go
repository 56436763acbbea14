package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO311",
	Name:     "negative-ttl",
	Severity: Warning,
	Summary:  "That something was not there is remembered longer than an outage of it should last.",
	Looks:    `A cache whose longest negative_ttl is above "recovery".`,
	Why: "When the record is back, those who asked while it was gone go on without it until their memory of that runs out. The outage lasts as long " +
		"again, and nobody can shorten it from the server's side.",
	Taught: "AWS, 20 October 2025: the record of DynamoDB was back at 02:25, the last clients at 02:40, when the empty answers in their caches had run out " +
		"(aws.amazon.com/message/101925). RFC 2308 lets the minimum of the SOA record set how long.",
	FalseAlarm: "What is remembered is that it does not exist at all, and that is true.",
	Fix:        "Lower the minimum of the SOA record, or the negative time to live of the clients, to seconds.",
	Params:     []Param{{"recovery", seconds(300), "within which users should be back"}},
	Check:      negativeTTLs,
})

func negativeTTLs(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			c := cacheOf(p.Graph.Service(v), n)
			if c == nil || !c.NegativeTTL.IsStated() || c.NegativeTTL.V.High <= p.Duration("recovery") {
				continue
			}
			from, to := p.Graph.ID(v), p.Names(p.Graph.Targets(n))
			p.Report(Finding{
				Subject: from + " -> " + to, Service: from, At: n.Declared.At, Damage: p.Damage(v),
				Message: fmt.Sprintf("clients of %s remember for %s that %s was not there, after it is back", from, Say(c.NegativeTTL), to),
				Path:    []Step{p.Needs(n, p.Graph.Targets(n)[0])},
			})
		}
	}
}
