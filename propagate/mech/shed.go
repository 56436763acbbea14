package mech

// Shed is how many of a demand are let in when what is above a share of the
// capacity, for h seconds, is refused.
//
// # Equation
//
// admitted = min(demand, above·capacity·h), the most important lanes first.
//
// # When it is wrong
//
// The capacity is known exactly and at once. A real shedder measures it, late and with
// noise, and sheds too much or too little meanwhile.
func Shed(demand, capacity, above, h float64) float64 {
	return min(demand, float64(above*capacity)*h)
}
