package audit

import (
	"fmt"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO204",
	Name:     "naive-retry",
	Severity: Warning,
	Summary:  "Retries come without a pause or all at the same time, and nothing limits them.",
	Looks: `A synchronous need to serve that retries without a budget, breaker or client throttle, with backoff = "none", or with pauses that are the same for ` +
		`all (fixed or exponential without jitter), where at least "product" attempts reach the target for one request at the top of a path.`,
	Why: "Those who failed together come again together: the target meets its load several times over in waves, and each wave fails " +
		"as the one before. Jitter spreads a wave; a budget ends it.",
	Taught: "AWS, 20 September 2015: storage servers of DynamoDB that had missed their membership data asked again, all at " +
		"once, and kept the metadata service overloaded for hours (aws.amazon.com/message/5467D2).",
	FalseAlarm: "The callers are few, or they do not fail at the same time.",
	Fix:        `Use backoff = "full-jitter", and a retry budget so that retries stay a small share of requests.`,
	Params:     []Param{{"product", int64(4), "attempts at the target for one request at the top"}},
	Check:      naiveRetries,
})

func naiveRetries(p *Pass) {
	for v := range graph.Node(p.Graph.Len()) {
		for n := range p.Graph.Needs(v) {
			if !waitsFor(n) || tries(n.Declared) < 2 || p.TriesPerCall(n) < float64(tries(n.Declared)) {
				continue
			}
			why := naive(n.Declared)
			product := float64(p.products()[v].product * p.TriesPerCall(n))
			if why == "" || product < float64(p.Count("product")) {
				continue
			}
			from, to := p.Graph.ID(v), p.Names(p.Graph.Targets(n))
			p.Report(Finding{
				Subject: from + " -> " + to, Service: from, At: n.Declared.At, Damage: p.Damage(p.Graph.Targets(n)[0]),
				Message: fmt.Sprintf("%s retries %s %s and without a budget, and up to %s attempts reach it for one request", from, to, why, Amount(product)),
				Path:    []Step{p.tried(n, p.Graph.Targets(n)[0])},
			})
		}
	}
}

// naive says what the pauses of a retry lack; "" where nothing.
func naive(d *catalog.Need) string {
	r := d.Retry
	switch r.Backoff {
	case "none":
		return "at once"
	case "fixed", "exponential":
		if r.Jitter.Or(0) == 0 {
			return "after the same pause as everybody else"
		}
	}
	return ""
}
