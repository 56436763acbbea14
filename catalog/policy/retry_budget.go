package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// RetryBudget limits the retries of one client process over all its requests.
// Four families are in use, told apart by what is stated; see Kind.
type RetryBudget struct {
	Preset string // the preset it was taken from; may be empty

	// A share of requests (Finagle): every request deposits Ratio, MinRate is
	// deposited besides, a retry takes 1, the bucket holds Cap; where that is not
	// stated, what is deposited in 10 s, the time a deposit of Finagle lives.
	Ratio   unit.Value[unit.Ratio]
	MinRate unit.Value[unit.Rate]
	Cap     unit.Value[int64]

	// Tokens that failures take and successes give (gRPC proposal A6): retries
	// stop while the bucket is at most half full.
	MaxTokens  unit.Value[int64]
	TokenRatio unit.Value[float64]

	// A quota that retries spend (AWS SDKs): a retry costs Cost, after a time-out
	// TimeoutCost (Cost where not stated); a first attempt that succeeds gives
	// Refund back (1 where not stated), a retry that succeeds gives its own cost
	// back.
	Quota       unit.Value[int64]
	Cost        unit.Value[int64]
	TimeoutCost unit.Value[int64]
	Refund      unit.Value[int64]

	// Retries at one time (Envoy): a share of the requests at one time but not
	// fewer than MinActive, or a fixed number.
	Active    unit.Value[unit.Ratio]
	MinActive unit.Value[int64]
	MaxActive unit.Value[int64]
}

// BudgetKind is a family of retry budgets.
type BudgetKind uint8

// The families of retry budgets.
const (
	NoBudget BudgetKind = iota
	RatioBudget
	TokenBudget
	QuotaBudget
	ActiveBudget
)

// Kind is the family of the budget; NoBudget for nil.
func (b *RetryBudget) Kind() BudgetKind {
	switch {
	case b == nil:
		return NoBudget
	case b.Ratio.IsStated():
		return RatioBudget
	case b.MaxTokens.IsStated():
		return TokenBudget
	case b.Quota.IsStated():
		return QuotaBudget
	case b.Active.IsStated(), b.MaxActive.IsStated():
		return ActiveBudget
	}
	return NoBudget
}

// RetryBudgetPreset is the retry budget of real software, by name.
type RetryBudgetPreset struct {
	Budget RetryBudget
	Source string
}

// RetryBudgetPresets are sorted by name; retry presets bring others of their own.
var RetryBudgetPresets = []RetryBudgetPreset{
	budgetPreset("envoy-retry-budget", activeShare("20%", 3), "Envoy circuit_breaker.proto"),
	budgetPreset("finagle-retry-budget", depositShare("20%", "10/s"), "Finagle RetryBudget.scala"),
	budgetPreset("grpc-retry-throttling-example", tokens(10, 0.1), "gRPC proposal A6"),
}

// budget makes a retry budget whose values are from a source.
type budget func(source string) *RetryBudget

func budgetPreset(name string, of budget, source string) RetryBudgetPreset {
	b := of(source)
	b.Preset = name
	return RetryBudgetPreset{*b, source}
}

func depositShare(ratio, minRate string) budget {
	return func(source string) *RetryBudget {
		return &RetryBudget{Ratio: documentedRatio(ratio, source), MinRate: documentedRate(minRate, source)}
	}
}

func tokens(most int64, ratio float64) budget {
	return func(source string) *RetryBudget {
		return &RetryBudget{MaxTokens: documented(most, source), TokenRatio: documented(ratio, source)}
	}
}

func quota(most, cost, timeoutCost, refund int64) budget {
	return func(source string) *RetryBudget {
		return &RetryBudget{Quota: documented(most, source), Cost: documented(cost, source), TimeoutCost: documented(timeoutCost, source), Refund: documented(refund, source)}
	}
}

func activeShare(share string, least int64) budget {
	return func(source string) *RetryBudget {
		return &RetryBudget{Active: documentedRatio(share, source), MinActive: documented(least, source)}
	}
}

func atMostActive(most int64) budget {
	return func(source string) *RetryBudget {
		return &RetryBudget{MaxActive: documented(most, source)}
	}
}

// RetryBudgetKeys reads `budget = "20%"`, `budget = "preset"` or a table of one of
// the four families.
func RetryBudgetKeys(d *toml.Decoder, key string) *RetryBudget {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	b := &RetryBudget{}
	if isRatio(v) {
		if !d.Ratio(key, &b.Ratio) {
			return nil
		}
		return b
	}
	if p, isName := preset(d, key, "retry budget preset", RetryBudgetPresets, func(p *RetryBudgetPreset) string { return p.Budget.Preset }); isName {
		if p == nil {
			return nil
		}
		*b = p.Budget
		return b
	}
	const example = `{ ratio = "20%" }, { max_tokens = 100, token_ratio = 0.1 }, { quota = 500, cost = 5 }, { active = "20%" } or { max_active = 3 }`
	t := d.Sub(key, "a budget: a share, the name of a preset, or one of "+example)
	if t == nil {
		return nil
	}
	t.Ratio("ratio", &b.Ratio)
	t.Rate("min_rate", &b.MinRate)
	toml.Count(t, "cap", 1, 1e9, &b.Cap)
	toml.Count(t, "max_tokens", 1, 1e9, &b.MaxTokens)
	toml.Real(t, "token_ratio", 0, 1e6, &b.TokenRatio)
	toml.Count(t, "quota", 1, 1e9, &b.Quota)
	toml.Count(t, "cost", 1, 1e9, &b.Cost)
	toml.Count(t, "timeout_cost", 0, 1e9, &b.TimeoutCost)
	toml.Count(t, "refund", 0, 1e9, &b.Refund)
	t.Ratio("active", &b.Active)
	toml.Count(t, "min_active", 0, 1e9, &b.MinActive)
	toml.Count(t, "max_active", 0, 1e9, &b.MaxActive)
	if oneFamily(t, "retry budget", "write one of "+example,
		family{"ratio", "min_rate", "cap"},
		family{"max_tokens", "token_ratio"},
		family{"quota", "cost", "timeout_cost", "refund"},
		family{"active", "min_active"},
		family{"max_active"},
	) {
		b.check(t, v)
	}
	t.Done()
	return b
}

// isRatio tells `budget = "20%"`, also with its evidence and with faults in it,
// from the name of a preset and from the table of a family.
func isRatio(v *toml.Value) bool {
	switch v.Kind {
	case toml.StringKind:
		s := v.Scalar.(string)
		return strings.Contains(s, "%") || s != "" && strings.TrimLeft(s, "0123456789. ") != s
	case toml.TableKind:
		return slices.ContainsFunc(v.Table.Entries, func(e toml.Entry) bool {
			return e.Key == "documented" || e.Key == "fitted" || e.Key == "guess"
		})
	case toml.IntegerKind, toml.FloatKind:
		return true // a share without its unit
	}
	return false
}

// check refuses budgets that leave out what nobody could assume, and those from
// which no retry could ever be paid.
func (b *RetryBudget) check(t *toml.Decoder, v *toml.Value) {
	switch {
	case len(v.Table.Entries) == 0:
		t.Errorf(v.At, `write budget = "20%"`, "a budget says how many retries there may be, and this one is empty")
	case t.Has("max_tokens") && !t.Has("token_ratio"):
		t.Errorf(t.Key("max_tokens"), "add token_ratio = 0.1", "every failure takes a token, and token_ratio does not say what a success gives back")
	case t.Has("quota") && !t.Has("cost"):
		t.Errorf(t.Key("quota"), "add cost = 5", "cost does not say how much of the quota a retry takes")
	case b.Quota.IsStated() && b.Cost.IsStated() && b.Cost.V > b.Quota.V:
		t.Errorf(b.Cost.At, "write a cost below the quota", "a retry costs %d, and there are never more than %d", b.Cost.V, b.Quota.V)
	}
}

// Compare orders budgets by what they say; nil comes first.
func (b *RetryBudget) Compare(o *RetryBudget) int {
	if b == nil || o == nil {
		return compareNil(b == nil, o == nil)
	}
	return cmp.Or(
		strings.Compare(b.Preset, o.Preset),
		compareValues(b.Ratio, o.Ratio),
		compareValues(b.MinRate, o.MinRate),
		compareValues(b.Cap, o.Cap),
		compareValues(b.MaxTokens, o.MaxTokens),
		compareValues(b.TokenRatio, o.TokenRatio),
		compareValues(b.Quota, o.Quota),
		compareValues(b.Cost, o.Cost),
		compareValues(b.TimeoutCost, o.TimeoutCost),
		compareValues(b.Refund, o.Refund),
		compareValues(b.Active, o.Active),
		compareValues(b.MinActive, o.MinActive),
		compareValues(b.MaxActive, o.MaxActive),
	)
}
