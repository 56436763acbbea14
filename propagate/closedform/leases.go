package closedform

import "math"

// LeaseValid is the share of leases that are valid some time after their store went
// away. Renewals come at uniform phases; a lease lasts its time to live from the
// last one.
//
//	Question: how many leases are left so long into an outage of their store?
//	Formula:  1 for t <= TTL - tau_r, then (TTL - t) / tau_r, 0 for t >= TTL
//	Domain:   t >= 0, 0 <= renewEvery tau_r <= ttl, ttl > 0, in seconds
//	Source:   uniform phases
func LeaseValid(t, renewEvery, ttl float64) float64 {
	switch {
	case !nonNegative(t, renewEvery) || !positive(ttl) || renewEvery > ttl:
		return outside
	case t >= ttl:
		return 0
	case renewEvery == 0:
		return 1
	}
	return min(1, (ttl-t)/renewEvery)
}

// LeaseStorm is what happens when many holders without a lease ask for one at once:
// one FIFO queue, no cancellation, and a holder whose request is not answered within
// the deadline sends a new one, behind all that wait, stale ones included.
//
// It is the synchronised worst case: leases that lapse one after the other, or
// pauses that differ, spread the rounds.
type LeaseStorm struct {
	Holders    float64 // M, without a lease at the beginning
	Capacity   float64 // C of the keeper, in server-seconds per second: its workers
	Work       float64 // w_e of a request for a lease, in server-seconds
	Deadline   float64 // T_e, in seconds
	Pause      float64 // d from giving up to asking again, in seconds
	Live       float64 // leases that are renewed meanwhile
	RenewWork  float64 // w_r of a renewal, in server-seconds
	RenewEvery float64 // tau_r, in seconds; 0 without renewals
}

func (s LeaseStorm) valid() bool {
	return nonNegative(s.Holders, s.Capacity, s.Pause, s.Live, s.RenewWork, s.RenewEvery) && positive(s.Work, s.Deadline)
}

// rate is how many requests per second are done beside the renewals.
func (s LeaseStorm) rate() float64 {
	spare := s.Capacity
	if s.RenewEvery > 0 {
		spare -= s.Live * s.RenewWork / s.RenewEvery
	}
	return max(0, spare/s.Work)
}

// PerDeadline is the number of requests that the keeper can do in one deadline.
//
//	Question: how many leases can be granted in time at once?
//	Formula:  K = (C - M_live w_r / tau_r) T_e / w_e, at least 0
//	Domain:   all >= 0; work and deadline > 0
//	Source:   work balance
func (s LeaseStorm) PerDeadline() float64 {
	if !s.valid() {
		return outside
	}
	return s.rate() * s.Deadline
}

// Threshold is the number of holders from which on a storm makes no progress after
// its first round, for ever: what it leaves over doubles from round to round.
//
//	Question: how many lost leases can come back without help?
//	Formula:  K (2 + d/T_e), K = PerDeadline
//	Domain:   that of PerDeadline; holders do not matter
//	Source:   rounds R -> 2R - K; the pattern of AWS, message 101925 (2025)
func (s LeaseStorm) Threshold() float64 { return s.PerDeadline() * (2 + s.Pause/s.Deadline) }

// Collapses reports whether the storm stays for ever. It is false outside the domain.
//
//	Question: does the storm end by itself?
//	Formula:  M > K and M >= K (2 + d/T_e), K = PerDeadline
//	Domain:   that of PerDeadline
//	Source:   as Threshold
func (s LeaseStorm) Collapses() bool {
	return s.Holders > s.PerDeadline() && s.Holders >= s.Threshold()
}

// AllValidAt is the time in seconds from the beginning of the storm until all have a
// lease; +Inf when it never ends.
//
//	Question: when do all have their lease again?
//	Formula:  rounds of T_e + d: served K, fresh behind Q stale; R -> R - (K - Q), Q -> max(0, Q + R - K - K d/T_e); the last round ends after (Q + R) T_e / K
//	Domain:   that of PerDeadline
//	Source:   as Threshold
func (s LeaseStorm) AllValidAt() float64 {
	at, _ := s.play()
	return at
}

// Rounds is the number of rounds until all have a lease, the last one included; +Inf
// when the storm never ends.
//
//	Question: how many times do the unlucky ask?
//	Formula:  rounds of AllValidAt
//	Domain:   that of PerDeadline
//	Source:   as Threshold
func (s LeaseStorm) Rounds() float64 {
	_, rounds := s.play()
	return rounds
}

func (s LeaseStorm) play() (at, rounds float64) {
	k := s.PerDeadline()
	switch {
	case math.IsNaN(k):
		return outside, outside
	case s.Holders == 0:
		return 0, 0
	case s.Collapses():
		return math.Inf(1), math.Inf(1)
	}
	round := s.Deadline + s.Pause
	without, stale := s.Holders, 0.0
	for stale+without > k {
		if stale == 0 && rounds > 0 {
			// The pause is long enough for the keeper to clear what is stale: every
			// round from here on grants as many as the first.
			full := math.Ceil(without/k) - 1
			at += float64(full * round)
			rounds += full
			without -= float64(full * k)
			break
		}
		rounds++
		at += round
		left := stale + without - k // unanswered at the deadline, all of them stale
		if rounds > 1000 {
			return math.Inf(1), math.Inf(1) // the threshold itself, but for rounding
		}
		without = min(without, left)
		// What stays below the threshold doubles every round, so that these are few.
		stale = max(0, left-float64(s.rate()*s.Pause))
	}
	return at + float64((stale+without)/k*s.Deadline), rounds + 1
}

// ValidInTheLongRun is the number of holders that come to have a lease: all, or in a
// storm that stays those of its first round.
//
//	Question: how many have a lease while the storm stays?
//	Formula:  M, or K when it collapses
//	Domain:   that of PerDeadline
//	Source:   as Threshold
func (s LeaseStorm) ValidInTheLongRun() float64 {
	k := s.PerDeadline()
	switch {
	case math.IsNaN(k):
		return outside
	case s.Collapses():
		return k
	}
	return s.Holders
}

// SafePace is the largest rate in 1/s at which holders may be let ask so that all are
// answered in time and the renewals of all holders still fit.
//
//	Question: how fast may lost leases be granted again?
//	Formula:  (C - (M + M_live) w_r / tau_r) / w_e, at least 0
//	Domain:   that of PerDeadline
//	Source:   work balance
func (s LeaseStorm) SafePace() float64 {
	if !s.valid() {
		return outside
	}
	s.Live += s.Holders
	return s.rate()
}

// PacedRecovery is the time in seconds from the beginning of a paced recovery, with
// the queue purged, until all have a lease; not faster than the keeper works.
//
//	Question: how long does a paced recovery take?
//	Formula:  M / min(pace, K/T_e); +Inf for a pace of 0
//	Domain:   that of PerDeadline; pace >= 0 in 1/s; not so fast that deadlines are missed, see PacedQueue
//	Source:   work balance
func (s LeaseStorm) PacedRecovery(pace float64) float64 {
	switch {
	case !s.valid() || !nonNegative(pace):
		return outside
	case s.Holders == 0:
		return 0
	case pace == 0: // of either sign
		return math.Inf(1)
	}
	return s.Holders / min(pace, s.rate())
}

// PacedQueue is the largest number of requests that wait at the keeper in a paced
// recovery; above PerDeadline the pace brings the storm back.
//
//	Question: how long does the queue get at this pace?
//	Formula:  max(0, (pace - K/T_e) M / pace)
//	Domain:   that of PerDeadline; pace >= 0 in 1/s
//	Source:   fluid balance
func (s LeaseStorm) PacedQueue(pace float64) float64 {
	switch {
	case !s.valid() || !nonNegative(pace):
		return outside
	case pace <= s.rate():
		return 0
	}
	return (1 - s.rate()/pace) * s.Holders
}
