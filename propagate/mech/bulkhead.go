package mech

// Places is how many more can be let in during h seconds where at most limit may
// be inside: inside are there now, and leaving of them leave within the step. What
// stays for less than the step makes room for several (Little's law).
func Places(limit, inside, leaving, h float64) float64 {
	turn := 1.0
	if leaving > 0 {
		if stay := inside / leaving * h; stay < h {
			turn = h / max(stay, 1e-9)
		}
	}
	return max(0, leaving+float64((limit-inside)*turn))
}
