package mech

// Bucket is a token bucket: Rate tokens a second, at most Burst.
//
// # Equation
//
// tokens' = rate - admitted, 0 ≤ tokens ≤ burst; admitted in h seconds is
// min(demand, tokens + rate·h). The rest is refused at once, and may be tried again.
//
// # When it is wrong
//
// Within a step arrivals are even: a burst that is shorter than a step finds more
// tokens than it would.
type Bucket struct {
	Rate, Burst float64
	Tokens      float64
}

// Take is how many of a demand over h seconds pass.
func (b *Bucket) Take(demand, h float64) float64 {
	passed := min(demand, b.Tokens+float64(b.Rate*h))
	b.Tokens = min(b.Burst, b.Tokens+float64(b.Rate*h)-passed)
	return passed
}

// Room is how many could pass in h seconds.
func (b *Bucket) Room(h float64) float64 { return b.Tokens + float64(b.Rate*h) }
