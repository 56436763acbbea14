package mech

// Shed is how many of a demand are let in when what is above a share of the
// capacity, for h seconds, is refused.
func Shed(demand, capacity, above, h float64) float64 {
	return min(demand, float64(above*capacity)*h)
}
