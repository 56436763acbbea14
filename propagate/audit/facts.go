package audit

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Facts is what rules are given to judge by. What takes time is worked out when the
// first rule asks for it, and once.
//
// Services are graph.Node everywhere: node v is Catalog.Services[v] and
// Plan().Services[v], all three in the order of IDs.
type Facts struct {
	Input
	ctx     context.Context
	failure error // of what was worked out; the audit then fails as a whole

	today        time.Time
	suppressions []*Suppression
	ran          []*Rule             // before this one
	lacking      map[[2]string]*lack // by subject and key

	damages   func() []graph.Damage
	byRoot    func() []float64
	plan      func() *plan.Plan
	assumed   func() []bool
	storms    func() []float64
	products  func() []triesPath
	total     float64
	reliances map[graph.Node]*Reliance
	seen      []int32 // by service: the last search that came to it
	search    int32
	count     []int32 // by service; all zero between calls of Shared
}

func newFacts(ctx context.Context, in Input) *Facts {
	f := &Facts{Input: in, ctx: ctx, reliances: make(map[graph.Node]*Reliance)}
	for i := range in.Catalog.Services {
		f.total += in.Catalog.Services[i].Weight
	}
	f.damages = sync.OnceValue(func() []graph.Damage {
		ranking, err := in.Graph.Rank(ctx, graph.Options{}, nil)
		if err != nil {
			f.failure = err
		}
		return ranking
	})
	f.byRoot = sync.OnceValue(func() []float64 {
		weights := make([]float64, in.Graph.Len())
		for _, d := range f.damages() {
			_, weights[d.Root] = d.Impacted()
		}
		return weights
	})
	f.plan = sync.OnceValue(func() *plan.Plan {
		// A catalog whose requests multiply without end has no rates; that it does is
		// what "knockon run" says.
		p, _ := plan.New(in.Catalog, &scenario.Scenario{Horizon: unit.Duration(3600e9)})
		return p
	})
	f.assumed = sync.OnceValue(f.restOnAssumedLoad)
	f.storms = sync.OnceValue(f.amplifications)
	f.products = sync.OnceValue(f.retryProducts)
	return f
}

// stopped reports whether the audit was interrupted. What is worked out after that does
// not matter, and should end soon.
func (f *Facts) stopped() bool {
	if f.failure == nil {
		f.failure = f.ctx.Err()
	}
	return f.failure != nil
}

// Ranking is the damage of losing each service alone, worst first.
func (f *Facts) Ranking() []graph.Damage { return f.damages() }

// Damage is the weight of all that is hit when a service is lost, itself included.
func (f *Facts) Damage(v graph.Node) float64 {
	if w := f.byRoot(); int(v) < len(w) {
		return w[v]
	}
	return 0
}

// Total is the weight of all services.
func (f *Facts) Total() float64 { return f.total }

// Plan is the catalog made ready to play, without a scenario: rates when all is
// well, capacities, latencies. Nil when requests of the catalog multiply without end.
func (f *Facts) Plan() *plan.Plan { return f.plan() }

// Rate is how many requests a service is asked when all is well. It is not known
// where it rests on a load that nobody has stated.
func (f *Facts) Rate(v graph.Node) (perSecond float64, known bool) {
	p := f.Plan()
	if p == nil || f.assumed()[v] {
		return 0, false
	}
	return p.Services[v].Nominal, true
}

// RateAtLeast is Rate; where that is not known, it is what is offered from outside by
// itself, to which others add.
func (f *Facts) RateAtLeast(v graph.Node) (perSecond float64, known bool) {
	if rate, ok := f.Rate(v); ok {
		return rate, true
	}
	load := f.Graph.Service(v).Load
	return float64(load.V), load.IsStated()
}

// Full is how many requests a service can finish, where the catalog says so: by its
// capacity, or by its concurrency and service time when it waits for nobody.
func (f *Facts) Full(v graph.Node) (perSecond float64, known bool) {
	s := f.Graph.Service(v)
	if s.Capacity.IsStated() {
		return float64(s.Capacity.V), true
	}
	p := f.Plan()
	if p == nil || !s.Concurrency.IsStated() || !s.ServiceTime.IsStated() || !p.Services[v].Leaf {
		return 0, false
	}
	full := p.Services[v].Full()
	return full, !math.IsInf(full, 1)
}

// restOnAssumedLoad tells, by service, whether the rate it is asked at rests on a load
// that was assumed.
func (f *Facts) restOnAssumedLoad() []bool {
	p := f.plan()
	rest := make([]bool, len(p.Services))
	var stack []int32
	taint := func(v int32) {
		if !rest[v] {
			rest[v] = true
			stack = append(stack, v)
		}
	}
	for i := range p.Calls {
		// An outside that offers nothing is there for scenarios to fill.
		if e := &p.Calls[i]; e.From < 0 && !e.Chore && e.Nominal > 0 && !p.Services[e.To].Decl.Load.IsStated() {
			taint(e.To)
		}
	}
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, calls := range [][]int32{p.Services[v].Out, p.Services[v].AsyncOut} {
			for _, i := range calls {
				taint(p.Calls[i].To)
			}
		}
	}
	return rest
}

// Text is the text of a file of the catalog; nil when it is not at hand.
func (f *Facts) Text(file string) *toml.Text {
	i, ok := slices.BinarySearchFunc(f.Texts, file, func(t toml.Text, file string) int { return strings.Compare(t.File, file) })
	if !ok {
		return nil
	}
	return &f.Texts[i]
}

// SetKey is the edit that gives a service, a need or a policy, by its place, a key that
// it does not have; nil where that is not mechanical.
func (f *Facts) SetKey(at diag.Span, key, value, what string) []Edit {
	text := f.Text(at.File)
	if text == nil {
		return nil
	}
	e, ok := text.SetKey(at, key, value)
	if !ok {
		return nil
	}
	return []Edit{{e, what}}
}

// Tier is the tier of a service; ok is false where it is not stated.
func (f *Facts) Tier(v graph.Node) (tier int64, ok bool) {
	t := f.Graph.Service(v).Tier
	return t.V, t.IsStated()
}

// At is a step of evidence at the place of a service.
func (f *Facts) At(v graph.Node, format string, args ...any) Step {
	return Step{f.Graph.Service(v).At, fmt.Sprintf(format, args...)}
}

// Needs is a step of evidence: that a service needs a target, and for what.
func (f *Facts) Needs(n *graph.Need, target graph.Node) Step {
	if l := n.Lease; l != nil {
		return Step{l.At, fmt.Sprintf("%s holds leases %s of %s", f.Graph.ID(n.From), l.ID, f.Graph.ID(target))}
	}
	d := n.Declared
	verb := "needs"
	switch {
	case d.Fallback != "" && d.Fallback == f.Graph.ID(target):
		verb = "falls back to"
	case d.Fresh:
		verb = "needs something recent of"
	case d.IsGroup():
		verb = fmt.Sprintf("needs %d of %d, among them", d.AtLeast, len(d.Targets))
	case d.Mode == catalog.Async:
		verb = "hands over to"
	}
	text := fmt.Sprintf("%s %s %s", f.Graph.ID(n.From), verb, f.Graph.ID(target))
	if d.To != catalog.ToServe {
		text += " to " + d.To.String()
	}
	switch {
	case d.IfLost == catalog.Stale && d.TTL.IsStated():
		text += ", and goes on without it for " + Say(d.TTL)
	case d.IfLost == catalog.Degrade:
		text += ", or does less"
	}
	if d.For != "" {
		text += ": " + d.For
	}
	return Step{d.At, text}
}

// FirstLine is the first line of a catalog, where a finding about all of it points:
// of the first of its files by name.
func FirstLine(c *catalog.Catalog) diag.Span {
	var first diag.Span
	look := func(s diag.Span) {
		if s.File != "" && (first.File == "" || s.File < first.File) {
			first = diag.Span{File: s.File, Line: 1, Col: 1, Width: 1}
		}
	}
	for i := range c.Services {
		look(c.Services[i].At)
	}
	return first
}
