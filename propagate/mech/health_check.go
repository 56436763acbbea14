package mech

// Tally is what a health check remembers of one instance: the results in a row that
// speak against where it stands. So many failures in a row make it count as failed, so
// many successes as well again. There are no rates of removal: each instance has its
// own numbers, and each test its own time.
//
// A service that a health check tests, of which an action drains a zone, or of which a
// fault strikes some replicas is played instance by instance. It has as many
// as it has replicas (3 where nothing is stated; above 20 they are put together in 20
// equal groups, or the next multiple of the zones, and each group has one tally). Each
// has its share of the servers, the capacity, the bound of the queue and the throttle,
// its own queue, and its own requests to what the service needs. Instances are dealt
// to the zones in turn. A fault of a zone, or of count replicas, strikes whole
// instances; groups only in part.
//
// A call goes to an instance in rotation, chosen at random, so that flows are even;
// a retry chooses anew. Where none is in rotation it is refused. What is handed over
// to a durable queue goes to all instances that are there.
//
// What has to be fresh fails a test while the oldest request that waits there, in
// memory or in a durable queue, is older than within.
//
// While the service that tests is down, or what waits there is older than the
// timeout, it is blind: all tests fail, or, where if_blind is keep, none is counted.
// Each change to the rotation is work of that service, cost of server time, and
// stands in its queue like everything else.
//
// remove says what leaves the rotation: an instance that failed, all of a zone once
// half of it has failed, or all of the service once half of it has failed. It leaves
// at once (load-balancer); or callers learn it over the ttl, evenly, and likewise when
// it comes back (dns); or it is restarted, which takes recovery.start, or 60s, loses
// what waits in it, and makes it count as well (restart). No more than max_removed of
// the replicas are out at once and no more than rate removals are made; a removal
// that is not allowed is tried again at the next test. Once the share that counts as
// failed, removed or not, reaches fail_open, all are in rotation. Where several checks
// test a service, an instance is in rotation that all of them leave in.
//
// # Equation
//
// Instance i of n is tested at (i+½)/n of the interval and once an interval from then
// on. The result of a test that is sent at τ is known at τ + timeout, so that a dead
// instance is found (f-1) I + U(0,I) + timeout after its death. A shallow test fails
// where nobody is there: down or a black hole. A deep one waits as a request does that
// comes at τ: it fails if it has not begun by τ + timeout, if less of the time-out is
// left than half of all requests take (s ln 2, as service times are exponential), if
// half of the requests end in errors, or if most are refused at τ. Tests are no load.
//
// # When it is wrong
//
// Chance moves tests of busy instances; here a test fails exactly when half of all
// requests would. A test is never dropped by a deadline or by CoDel. Tests are evenly
// spaced for ever, where real ones drift against one another. An instance that is
// restarted again and again is so at the pace of its tests, without a backoff.
type Tally struct {
	Failed bool // counts as failed
	Row    int  // results in a row that speak against Failed
}

// Note counts a result, with so many in a row that it takes to count as failed and as
// well, and reports whether the verdict turned.
func (t *Tally) Note(well bool, out, in int) bool {
	if well != t.Failed {
		t.Row = 0
		return false
	}
	t.Row++
	need := out
	if t.Failed {
		need = in
	}
	if t.Row < need {
		return false
	}
	t.Failed, t.Row = !t.Failed, 0
	return true
}

// Phase is when instance i of n is first tested, in seconds: in the middle of its
// share of the interval.
func Phase(i, n int, interval float64) float64 {
	return float64((float64(i)+0.5)/float64(n)) * interval
}

// Median is the time in which half of all requests are served whose service time is
// exponential of mean s.
func Median(s float64) float64 { return float64(s * ln2Hi) }

// Fade is the weight of an instance of which callers learn over some time that it is
// out of rotation, or in it: it goes straight to 0 or 1.
type Fade struct {
	In   bool    // where it goes
	From float64 // the weight when it was last turned
	At   float64 // seconds; when that was
}

// Weight is the weight at a time, where all callers know after so long.
func (f *Fade) Weight(t, over float64) float64 {
	goal, sign := 0.0, -1.0
	if f.In {
		goal, sign = 1, 1
	}
	if over <= 0 {
		return goal
	}
	w := f.From + float64(sign*((t-f.At)/over))
	return max(0, min(1, w))
}

// Turn makes it go the other way from a time on.
func (f *Fade) Turn(in bool, t, over float64) {
	if f.In == in {
		return
	}
	f.From = f.Weight(t, over)
	f.In, f.At = in, t
}

// Settled reports whether the weight no longer changes.
func (f *Fade) Settled(t, over float64) bool {
	w := f.Weight(t, over)
	return f.In && w >= 1 || !f.In && w <= 0
}
