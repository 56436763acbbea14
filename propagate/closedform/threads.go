package closedform

// Call is one kind of call that a request makes while it holds a thread.
type Call struct {
	PerRequest float64 // calls per request, one after the other
	Latency    float64 // of an attempt that succeeds, in seconds
	Timeout    float64 // of an attempt that fails: how long it holds the thread
	Failing    float64 // share of attempts that fail, independently
	Attempts   int     // the first included
	Backoff    Backoff // pauses, which hold the thread too; the zero value is none
}

// Hold is the mean time in seconds for which a request holds its thread for calls of
// this kind.
//
//	Question: how long do calls to a slow or failing service hold a thread?
//	Formula:  m ((1-p^n) L + p alpha T + sum over k = 1..n-1 of p^k pause(k)), alpha = Amplification(n, p)
//	Domain:   calls per request m, latency L, time-out T >= 0; 0 <= failing p <= 1; attempts n in 1..1e6
//	Source:   Little 1961; independence
func (c Call) Hold() float64 {
	backoff := c.Backoff
	if backoff.Kind == "" {
		backoff.Kind = NoBackoff
	}
	if !nonNegative(c.PerRequest, c.Latency, c.Timeout) || !isShare(c.Failing) || c.Attempts < 1 || c.Attempts > 1e6 || !backoff.valid() {
		return outside
	}
	hold := float64((1-FinalFailure(c.Attempts, c.Failing))*c.Latency) +
		float64(c.Failing*Amplification(c.Attempts, c.Failing)*c.Timeout)
	for k, reached := 1, c.Failing; k < c.Attempts && reached > 0; k++ {
		hold += float64(reached * backoff.Mean(k))
		reached *= c.Failing
	}
	return float64(c.PerRequest * hold)
}

// ThreadHold is the mean time in seconds for which a request holds its thread: its
// own work and its calls, one after the other.
//
//	Question: how long does a request hold its thread?
//	Formula:  own + sum of Hold over the calls
//	Domain:   own >= 0; that of Hold
//	Source:   Little 1961
func ThreadHold(own float64, calls ...Call) float64 {
	if !nonNegative(own) {
		return outside
	}
	for _, c := range calls {
		own += c.Hold()
	}
	return own
}

// ThreadThroughput is the most requests per second that a pool of threads can do.
//
//	Question: how much can a pool do while its threads wait for others?
//	Formula:  N / hold
//	Domain:   threads N >= 0, hold > 0 in seconds
//	Source:   Little 1961
func ThreadThroughput(threads, hold float64) float64 {
	if !nonNegative(threads) || !positive(hold) {
		return outside
	}
	return threads / hold
}

// ThreadsBusy is the mean number of threads that a load holds; more than there are
// says that the pool is exhausted.
//
//	Question: how many threads does a load need?
//	Formula:  lambda hold
//	Domain:   load >= 0 in 1/s, hold >= 0 in seconds
//	Source:   Little 1961
func ThreadsBusy(load, hold float64) float64 {
	if !nonNegative(load, hold) {
		return outside
	}
	return load * hold
}
