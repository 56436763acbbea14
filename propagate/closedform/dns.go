package closedform

// OldAnswer is the share of clients that still use the old answer some time after a
// record changed. Clients resolve anew when their answer's time to live ends, at
// uniform phases; some never do.
//
//	Question: how many clients still go to the old address?
//	Formula:  f + (1-f) max(0, 1 - t/TTL)
//	Domain:   t >= 0 and ttl >= 0 in seconds, 0 <= forever f <= 1
//	Source:   uniform phases
func OldAnswer(t, ttl, forever float64) float64 {
	switch {
	case !nonNegative(t, ttl) || !isShare(forever):
		return outside
	case t >= ttl:
		return forever
	}
	return forever + float64((1-forever)*(1-t/ttl))
}
