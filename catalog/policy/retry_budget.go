package policy

import "github.com/knockon/knockon/catalog/unit"

// RetryBudget limits the retries of one client process over all its requests.
// Four families are in use, told apart by what is stated; see Kind.
type RetryBudget struct {
	Preset string // the preset it was taken from; may be empty

	// A share of requests (Finagle): every request deposits Ratio, MinRate is
	// deposited besides, a retry takes 1, the bucket holds Cap.
	Ratio   unit.Value[unit.Ratio]
	MinRate unit.Value[unit.Rate]
	Cap     unit.Value[int64]

	// Tokens that failures take and successes give (gRPC proposal A6): retries
	// stop while the bucket is at most half full.
	MaxTokens  unit.Value[int64]
	TokenRatio unit.Value[float64]

	// A quota that retries spend (AWS SDKs): a retry costs Cost, after a time-out
	// TimeoutCost; a first attempt that succeeds gives Refund back, a retry that
	// succeeds gives its own cost back.
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
