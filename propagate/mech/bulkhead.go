package mech

// Places is how many more can be let in during h seconds where at most limit may
// be inside: inside are there now, and left of them leave in a second. Those that
// leave within the step make room for others within the step.
func Places(limit, inside, left, h float64) float64 {
	turn := 1.0
	if left > 0 && inside/left < h { // they stay for less than the step: Little
		turn = h * left / inside
	}
	return max(0, float64(left*h)+float64((limit-inside)*turn))
}
