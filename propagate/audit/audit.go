// Package audit says before an outage what it would teach: rules over a catalog, its
// graph and the closed forms of queueing theory.
//
// A Rule is data and one function, in a file of its own. It is given a Pass: the
// catalog, the graph, facts that many rules need and that are worked out once
// (Facts), and Report. To add a rule, copy the file of one that is near, and write
// testdata/KOxxx.txtar with a catalog on which it fires, with "# want KOxxx" on the
// line, and one on which it is silent; the tests of the registry hold every rule to
// the same standard.
//
// Rules are few and true: what cannot be known from the catalog is not found, and
// what is not stated is asked for in one summary (KO404), never in a finding each.
package audit

import (
	"context"
	"slices"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/graph"
)

// Input is what is audited.
type Input struct {
	Catalog *catalog.Catalog
	Graph   *graph.Graph
	Texts   []toml.Text // the files of the catalog, for suppressions in comments; may be empty
}

// Options of an audit. The zero Options are those of an audit without configuration.
type Options struct {
	Config   *Config                            // nil: as the rules come
	Only     []string                           // IDs of rules to run; all where empty
	Today    time.Time                          // a date, on which suppressions may have expired; zero: none has
	Baseline *Baseline                          // nil: without one
	Progress func(done, total int, what string) // told before each rule; may be nil
}

// Result is what an audit found, ranked.
type Result struct {
	Rules    []*Rule   // those that ran, by ID; the user's own among them
	Findings []Finding // ranked; suppressed and baselined ones among them
	Timings  []Timing  // by rule, in the order they ran
	Services int
	Compared bool // with a baseline
	Gone     int  // entries of the baseline whose finding is no more
}

// Timing is how long one rule took.
type Timing struct {
	What  string
	Takes time.Duration
}

// Count returns how many findings are in a state.
func (r *Result) Count(s State) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].State == s {
			n++
		}
	}
	return n
}

// Worst returns the worst severity of the open findings; ok is false without any.
func (r *Result) Worst() (worst Severity, ok bool) {
	for i := range r.Findings {
		if f := &r.Findings[i]; f.State == Open && (!ok || f.Severity < worst) {
			worst, ok = f.Severity, true
		}
	}
	return worst, ok
}

// Run audits a catalog. It fails only when ctx ends before it does.
func Run(ctx context.Context, in Input, o Options) (*Result, error) {
	config := o.Config
	if config == nil {
		config = &Config{}
	}
	rules := config.rules(o.Only)
	facts := newFacts(ctx, in)
	facts.today = o.Today
	facts.suppressions = append(suppressions(in.Texts), config.Suppressions...)
	result := &Result{Rules: rules, Services: len(in.Catalog.Services)}
	run := func(r *Rule) error {
		if o.Progress != nil {
			o.Progress(len(result.Timings), len(rules), r.ID)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		began := time.Now()
		p := &Pass{Facts: facts, rule: r, config: config, severity: config.severity(r)}
		r.Check(p)
		facts.ran = append(facts.ran, r)
		result.Findings = append(result.Findings, p.found...)
		result.Timings = append(result.Timings, Timing{r.ID, time.Since(began)})
		return facts.failure
	}
	for _, r := range rules {
		if r != staleSuppressions {
			if err := run(r); err != nil {
				return nil, err
			}
		}
	}
	rank(result.Findings)
	result.Findings = distinct(result.Findings)
	suppress(result.Findings, facts.suppressions, o.Today)
	// Which suppressions nobody needs is known only now.
	if slices.Contains(rules, staleSuppressions) {
		if err := run(staleSuppressions); err != nil {
			return nil, err
		}
		rank(result.Findings)
	}
	if o.Baseline != nil {
		result.Compared = true
		result.Gone = o.Baseline.mark(result.Findings)
	}
	return result, nil
}
