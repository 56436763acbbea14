package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

var _ = register(Rule{
	ID:       "KO203",
	Name:     "retry-product",
	Severity: Warning,
	Summary:  "Retries on several layers multiply: one request becomes many at the bottom.",
	Looks: `The attempts of all synchronous needs to serve on a path, multiplied, of at least "product", with at least two ` +
		`that retry. A retry budget counts as what it lets through in the long run; behind a breaker or a client ` +
		`throttle nothing is multiplied. A path is reported where its last retry is made; of more than "most" the worst.`,
	Why: "When the bottom fails, every layer above retries the retries of the layer above it. The bottom is then asked " +
		"many times what it is asked when all is well, at the moment when it can do least, and may not come back.",
	Taught: "AWS Builders' Library, Timeouts, retries and backoff with jitter: five layers of three attempts each " +
		"multiply the load of a database 243 times. Google's SRE book, chapter 22: four attempts on three layers make 64.",
	FalseAlarm: "A layer does not retry what has been retried below (it tells errors apart by a header or status).",
	Fix:        "Retry on one layer only, the one nearest to the user, or give each layer a retry budget.",
	Params: []Param{
		{"product", int64(8), "attempts at the bottom for one request at the top"},
		{"most", int64(10), "findings at most"},
	},
	Check: retryProducts,
})

func retryProducts(p *Pass) {
	best := p.products()
	var worst []triesPath
	for _, b := range best {
		if b.last != nil && b.product >= float64(p.Count("product")) && p.TriesPerCall(b.last) > 1 && best[b.last.From].last != nil && best[b.last.From].product > 1 {
			worst = append(worst, b)
		}
	}
	slices.SortFunc(worst, func(a, b triesPath) int {
		return cmp.Or(cmp.Compare(b.product, a.product), cmp.Compare(a.to, b.to))
	})
	for _, b := range worst[:min(len(worst), p.Count("most"))] {
		var path []Step
		var factors []string
		top := b.to
		for at := b; at.last != nil && at.product > 1; at = best[at.last.From] {
			top = at.last.From
			if f := p.TriesPerCall(at.last); f > 1 {
				factors = append(factors, Amount(f))
			}
			path = append(path, p.tried(at.last, at.to))
		}
		slices.Reverse(path)
		slices.Reverse(factors)
		id := p.Graph.ID(b.to)
		p.Report(Finding{
			Subject: p.Graph.ID(top) + " -> " + id, Service: id, At: b.last.Declared.At, Damage: p.Damage(b.to), Path: path,
			Message: fmt.Sprintf("one request of %s becomes %s of %s when it fails: attempts %s = %s",
				p.Graph.ID(top), Amount(b.product), id, strings.Join(factors, " × "), Amount(b.product)),
		})
	}
}
