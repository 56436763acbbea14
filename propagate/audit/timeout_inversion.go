package audit

import (
	"fmt"

	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO201",
	Name:     "timeout-inversion",
	Severity: Warning,
	Summary:  "A service goes on waiting for what it needs after its own caller has given up.",
	Looks: `A time-out of a synchronous need to serve that is longer than the shortest time-out of those who ` +
		`call the service, where the service does not cancel what its callers have given up (queue = { cancel = true }). ` +
		`Both time-outs must be stated.`,
	Why: "Whatever is still done after the caller has left is done for nobody. It holds a thread, and when the " +
		"target is slow, all of them; meanwhile the caller comes again.",
	Taught: "Google's SRE book, chapter 22 (Addressing Cascading Failures), tells of servers that spend their " +
		"time on requests whose clients have gone; propagating deadlines is its answer.",
	FalseAlarm: "The service answers its caller early and goes on for a reason of its own. Then the need is asynchronous: say so.",
	Fix:        "Make the time-out shorter than the caller's, or pass the deadline on and cancel what has missed it.",
	Check:      timeoutInversions,
})

func timeoutInversions(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		patience, by, known := p.Patience(v)
		if q := p.Graph.Service(v).Queue; !known || q != nil && q.Cancel {
			continue
		}
		for n := range p.Graph.Needs(v) {
			if !waitsFor(n) || !n.Declared.Timeout.IsStated() || n.Declared.Timeout.V.Seconds() <= patience {
				continue
			}
			p.Report(p.waits(n, patience, by, fmt.Sprintf("waits %s for", Say(n.Declared.Timeout))))
		}
	}
}

// waits is a finding about a need on which a service spends more time than its caller has.
func (p *Pass) waits(n *graph.Need, patience float64, by *graph.Need, does string) Finding {
	from, to := p.Graph.ID(n.From), p.Names(p.Graph.Targets(n))
	who := "those outside"
	if by != nil {
		who = p.Graph.ID(by.From)
	}
	return Finding{
		Subject: from + " -> " + to, Service: from, At: n.Declared.At, Damage: p.Damage(n.From),
		Message: fmt.Sprintf("%s %s %s, but %s gives up on %s after %s", from, does, to, who, from, Seconds(patience)),
		Path:    []Step{p.givesUp(n.From, by), p.Needs(n, p.Graph.Targets(n)[0])},
	}
}
