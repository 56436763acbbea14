package policy

import "github.com/knockon/knockon/catalog/unit"

// Shed refuses arrivals beyond a share of the capacity, the least important first.
type Shed struct {
	Above unit.Value[unit.Ratio] // of the capacity
}
