package closedform

// ClientThrottleSent is the rate in 1/s that reaches a service whose clients refuse
// calls themselves by what it accepted lately: at most K times what it accepts.
//
//	Question: how much reaches an overloaded service through adaptive client throttling?
//	Formula:  min(lambda, K min(lambda, mu))
//	Domain:   load >= 0, capacity >= 0, k >= 1; many requests in the window
//	Source:   Beyer et al. 2016, ch. 21
func ClientThrottleSent(load, capacity, k float64) float64 {
	if !nonNegative(load, capacity) || !(k >= 1) {
		return outside
	}
	return min(load, k*min(load, capacity))
}

// ClientThrottleShare is the share of calls that one client sends on to a service
// that accepts a share of what it sees, whatever the load. Below an acceptance of
// 1/K the client goes over to probing: about one call in a window.
//
//	Question: what share of calls does adaptive client throttling let through to a service that refuses some?
//	Formula:  min(1, 1 / (1 + R (1 - K q))), from x = 1 - (R - K A) / (R + 1), A = q x R
//	Domain:   accepted share 0 <= q <= 1; k >= 1; requests R in the window >= 0
//	Source:   Beyer et al. 2016, ch. 21; solved for x
func ClientThrottleShare(accepted, k, requests float64) float64 {
	switch {
	case !isShare(accepted) || !(k >= 1) || !nonNegative(requests):
		return outside
	case float64(k*accepted) >= 1:
		return 1
	}
	return 1 / (1 + float64(requests*(1-float64(k*accepted))))
}
