package mech

import "math"

// Cache is what the callers of one need remember of its answers: of a name, an
// object, a session. It has N keys, each as popular as the others, over all clients.
// Members of a group of alternatives share the keys as they share the calls. What
// becomes of a call that a request would make, in this order:
//
//   - It is pinned: it belongs to a share of the clients (pinned) that have asked once
//     and keep what they got for ever. They need no answer.
//   - Its key is valid: a fetch of it was answered well less than a TTL ago; a TTL that
//     is a range is spread evenly. The request goes on at once, without a call. This is
//     a hit, as is a pinned one.
//   - Its key is known to fail: a fetch of it failed less than negative_ttl ago, after
//     all its attempts, by an error or a refusal. A time-out is not remembered, and
//     neither is a call that was not sent (RFC 2308). It fails at once, without a call;
//     but where there is an old value that may still be used it gets that, as a hit.
//   - With coalesce, a fetch of its key is under way: it waits for that and shares its
//     fate, without a call.
//   - Otherwise it calls. If the call is answered well, the key is valid from then on.
//     If it fails for good, and the key was valid less than stale_on_error ago, the old
//     value is used (RFC 5861), after the time and at the cost of the call.
//
// A connection that is kept (keepalive, spread evenly) stands in front. It is opened by
// whoever has an answer, cached or fetched, and while it lasts nothing is asked: a name
// that is lost is down for new connections only. So a key makes no call for its life:
// the TTL; or, where a connection outlives the answer, the time of the connection; or,
// where it does not, the TTL and what is left of the connection that is open then, with
// probability l K/(1+l K) and of any age, K being how long one lasts in the mean.
//
// At the start of a scenario a cache is at rest, with answers of all ages, or empty
// (cold). What is not valid then was dropped and has no old value. Where a cache states
// neither keys nor hit_ratio it answers 90 % at the healthy load; a TTL that is not
// stated is 60 s. Results say so.
//
// # Equation
//
// Of D calls per second that would be made without a cache, each key is asked for at
// random at the rate l = D/N. At rest, and as long as a fetch takes no time, hits are
//
//	h = l life / (1 + l life)
//
// of them (Jung, Berger, Balakrishnan, "Modeling TTL-based Internet caches", INFOCOM
// 2003), and N = D life (1-h)/h keys follow from a hit_ratio h, with D at the healthy
// load. What is pinned comes on top.
//
// The share of keys that are valid, or known to fail, is kept by the time at which that
// began, and ends by it. Within a step the rate x at which it ends is constant, as are
// l, the share q of fetches that are answered well, the share r whose failure is
// remembered, and the time L that a fetch takes. Then the share I of the keys that are
// neither follows
//
//	dI/dt = x - k I,   k = l (q+r) / (1 + l (q+r) L)
//
// where the denominator takes out answers for keys that another answered meanwhile; all
// of I calls. With coalesce two parts of I are told apart, idle and under way, and the
// idle part calls:
//
//	di/dt = x - l i + (1-q-r) u/L,   du/dt = l i - u/L
//
// Both are solved in closed form, so that a step may be long. Where it is longer than a
// key lives, a part of what becomes valid in it ends in it as well: x holds that part too,
// and is the solution of one linear equation.
//
// # When it is wrong
//
// Where keys differ in popularity: those that are asked for all the time then fill,
// lapse and are missed before the rest, and a hit ratio falls later. Where a key is
// asked for several times during a fetch that is neither coalesced nor at rest, as in
// the first moments of a herd: answers for a key that was answered meanwhile are
// counted as at rest. Where connections of one length follow one another within a TTL:
// their ends are not spread. It knows no size, so nothing is dropped for want of room,
// and a service that restarts keeps its cache.
type Cache struct {
	Keys     float64
	Stale    float64 // seconds after its time for which a value may be used
	Pinned   float64 // share of the keys that are kept for ever once they are known
	Coalesce bool

	// Shares of the keys.
	valid    Line    // by the time they were fetched
	negative Line    // by the time their failure came
	old      Line    // not valid, with a value that may be used, by the time it had had its time
	kept     float64 // of the pinned, those that are known
	under    float64 // a fetch is under way; with Coalesce only

	from     float64 // when the step before began
	stay     float64 // seconds a fetch takes
	asked    float64 // keys that were fetched when asked for, in the mean of the step before; not with Coalesce
	refused  float64 // share of fetches whose failure is remembered, when last some ended
	filling  float64 // of the keys, became valid per second in the step before
	barring  float64 // likewise, became known to fail
	early    float64 // share of it that had its time in the step itself
	soon     float64 // likewise, of what became known to fail
	expiring float64 // of the keys, per second, in the step before
	forgot   float64 // likewise, of those known to fail
	aging    float64 // likewise, of the old values
	good     float64 // fetches answered well since the step before
	bad      float64 // and failed
	answered float64 // of those, by an answer
}

// Recall is what becomes of a request for a key, in shares that add up to one.
type Recall struct {
	Hit    float64 // served at once
	Barred float64 // failed at once
	Wait   float64 // for a fetch that another made
	Call   float64
	Old    float64 // share of those who wait or call that may use an old value
}

// Add adds what becomes of a share of all requests.
func (r *Recall) Add(o *Recall, share float64) {
	r.Hit += float64(o.Hit * share)
	r.Barred += float64(o.Barred * share)
	r.Wait += float64(o.Wait * share)
	r.Call += float64(o.Call * share)
	r.Old += float64(o.Old * share)
}

// NewCache is a cache whose answers last from low to low+spread seconds, and errors
// likewise; no errors are remembered where both are 0.
func NewCache(keys, low, spread, negativeLow, negativeSpread float64) *Cache {
	return &Cache{
		Keys:     max(1e-9, keys),
		valid:    Line{Low: low, Spread: spread},
		negative: Line{Low: negativeLow, Spread: negativeSpread},
	}
}

// Fill brings a cache to rest: keys are asked for at a rate and fetched in so many
// seconds, and those that are valid are of all ages.
func (c *Cache) Fill(rate, stay float64) {
	c.kept = c.Pinned
	life := c.valid.Low + c.valid.Spread
	mean := c.valid.Low + float64(0.5*c.valid.Spread)
	// A cycle of a key: until it is asked for, until it is fetched, until its time ends.
	flow := (1 - c.Pinned) * rate / (1 + float64(rate*(stay+mean)))
	if life <= 0 || flow <= 0 {
		return
	}
	c.valid.Put(-life, 0, flow*life)
	c.valid.Take(0)
	c.expiring, c.filling = flow, flow
}

// remembers reports whether it keeps errors.
func (c *Cache) remembers() bool { return c.negative.Low+c.negative.Spread > 0 }

// Called counts fetches that begin.
func (c *Cache) Called(calls float64) {
	if c.Coalesce {
		c.under += calls / c.Keys
	}
}

// Answered counts fetches that are answered well.
func (c *Cache) Answered(calls float64) { c.good += calls }

// Failed counts fetches that failed for good.
func (c *Cache) Failed(calls float64) { c.bad += calls }

// Refused says how many of those that failed came back with an answer.
func (c *Cache) Refused(calls float64) { c.answered += calls }

// missing is the share of keys that are not valid.
func (c *Cache) missing() float64 { return 1 - c.valid.Mass() - c.kept }

// settle enters what was fetched in the step before, which ended at a time.
func (c *Cache) settle(now float64) {
	good, bad, answered := c.good, c.bad, min(c.answered, c.bad)
	c.good, c.bad, c.answered = 0, 0, 0
	if good+bad > Tiny {
		c.refused = 0
		if c.remembers() {
			c.refused = answered / (good + bad)
		}
	}
	if c.Coalesce {
		c.under -= (good + bad) / c.Keys
	}
	length := now - c.from
	missing := c.missing()
	open := max(0, missing-c.negative.Mass())
	if length <= 0 {
		return
	}
	c.filling, c.barring = 0, 0
	if open <= 0 {
		return
	}
	filled, failed := good/c.Keys, 0.0
	if c.remembers() {
		failed = answered / c.Keys
	}
	decided := filled + failed
	if decided <= 0 {
		return
	}
	// Some are for keys that another answered meanwhile.
	first := 1.0
	if !c.Coalesce && !math.IsInf(c.stay, 1) && c.asked > 0 {
		first = 1 / (1 + float64(decided/length/c.asked*c.stay))
	}
	hold := 0.0 // share of what is fetched that is pinned
	if c.Pinned > c.kept {
		hold = min(1, (c.Pinned-c.kept)/missing)
	}
	stays := hold + float64((1-hold)*(1-c.early))
	if rest := float64(filled*stays) + float64(failed*(1-c.soon)); rest > open {
		first = min(first, open/rest)
	}
	filled, failed = float64(filled*first), float64(failed*first)
	pinned := min(float64(filled*hold), max(0, c.Pinned-c.kept))
	c.kept += pinned
	filled -= pinned
	c.filling, c.barring = filled/length, failed/length
	c.valid.PutRest(c.from, now, filled, filled*(1-c.early))
	c.negative.PutRest(c.from, now, failed, failed*(1-c.soon))
	filled += pinned
	c.old.Keep(1 - min(1, filled/missing))
}

// Step plays a step of length h from a time on, in which so many requests ask for a
// key. Of the fetches a share is answered well, after so many seconds.
func (c *Cache) Step(now, h, asked, well, stay float64) Recall {
	c.settle(now)
	c.from, c.stay = now, stay
	missing0, barred0 := c.missing(), c.negative.Mass()
	ended, forgot := c.valid.Take(now+h), c.negative.Take(now+h)
	x := (ended + forgot) / h
	rate := asked / h / c.Keys
	refused := min(c.refused, 1-well)
	open0 := max(0, missing0-barred0)
	// What becomes valid, or known to fail, in a long step may have had its time within
	// it: these shares. Then it may be asked for once more, in the same step.
	c.early, c.soon = c.valid.Within(now, now+h, now+h), c.negative.Within(now, now+h, now+h)
	early, soon := c.early, c.soon
	if c.Pinned > c.kept && missing0 > 0 {
		early *= 1 - min(1, (c.Pinned-c.kept)/missing0)
	}
	var r Recall
	filled, newly := 0.0, 0.0 // in the step; the second are known to fail
	if c.Coalesce {
		under0 := max(0, min(open0, c.under))
		pace := 0.0
		if !math.IsInf(stay, 1) {
			pace = 1 / max(1e-9, stay)
		}
		play := func(x float64) (idle, under float64) {
			return renew(open0-under0, under0, rate, pace, pace*(1-well-refused), x, h)
		}
		idle, under := play(x)
		if again := float64(pace * (float64(early*well) + float64(soon*refused)) / h); again > 0 {
			_, more := play(x + 1) // it is a straight line
			x += float64(again*under) / max(1e-9, 1-float64(again*max(0, more-under)))
			idle, under = play(x)
		}
		r.Call, r.Wait = idle/h, under/h
		filled, newly = float64(pace*under*well), float64(pace*under*refused)
	} else {
		k := float64(rate * (well + refused))
		if math.IsInf(stay, 1) {
			k = 0
		}
		if k > 0 {
			k /= 1 + float64(k*stay)
		}
		first, then := float64(open0*phi1(-k*h)), float64(h*phi2(-k*h)) // the mean is first + x then
		if decided := well + refused; decided > 0 {
			again := k * (float64(early*well) + float64(soon*refused)) / decided
			x = (x + float64(again*first)) / max(1e-9, 1-float64(again*then))
		}
		mean := first + float64(x*then)
		r.Call, c.asked = mean, mean
		if well+refused > 0 {
			filled = float64(k*mean*h) * well / (well + refused)
			newly = float64(k*mean*h) * refused / (well + refused)
		}
	}
	ended, forgot = ended+float64(filled*early), forgot+float64(newly*soon)
	c.expiring, c.forgot, c.aging = ended/h, forgot/h, 0
	if c.Stale > 0 {
		c.old.Low = c.Stale
		c.old.Put(now, now+h, ended)
		c.aging = c.old.Take(now+h) / h
	}
	r.Call = max(0, min(1, r.Call))
	r.Wait = max(0, min(1-r.Call, r.Wait))
	barred := max(0, barred0+float64(0.5*(newly-forgot)))
	r.Barred = min(1-r.Call-r.Wait, barred)
	if missing := r.Call + r.Wait + r.Barred; c.Stale > 0 && missing > 0 {
		r.Old = min(1, (c.old.Mass()+float64(0.5*h*(c.aging-c.expiring)))/missing)
	}
	r.Hit = max(0, 1-r.Call-r.Wait-r.Barred)
	// Who is barred and has an old value is served that.
	served := float64(r.Barred * r.Old)
	r.Hit += served
	r.Barred -= served
	return r
}

// renew plays keys that are idle or being fetched for h seconds: idle ones are asked
// for at a rate, fetches end at a pace, a part of it with nothing (failing), and
// lapse becomes idle per second. It returns the integrals of both over the time: by
// the functions (e^(At)-1)/A and (e^(At)-1-At)/A² of the 2x2 matrix A, whose
// eigenvalues are real.
func renew(idle, under, rate, pace, failing, lapse, h float64) (idleTime, underTime float64) {
	gap := math.Sqrt(float64((rate-pace)*(rate-pace)) + float64(4*rate*failing))
	if least := 1e-6 * (rate + pace); gap < least { // both the same: moved apart
		gap = least
	}
	if gap <= 0 {
		return float64(idle*h) + float64(0.5*lapse*h*h), float64(under * h)
	}
	mid := float64(-0.5 * (rate + pace))
	a, b := min(0, mid+float64(0.5*gap)), mid-float64(0.5*gap)
	of := func(fa, fb float64) (slope, level float64) {
		return (fa - fb) / gap, (float64(a*fb) - float64(b*fa)) / gap
	}
	d1, c1 := of(float64(h*phi1(a*h)), float64(h*phi1(b*h)))
	d2, c2 := of(float64(h*h*phi2(a*h)), float64(h*h*phi2(b*h)))
	idleTime = float64(idle*(c1-float64(rate*d1))) + float64(under*failing*d1) + float64(lapse*(c2-float64(rate*d2)))
	underTime = float64(idle*rate*d1) + float64(under*(c1-float64(pace*d1))) + float64(lapse*rate*d2)
	return max(0, idleTime), max(0, underTime)
}

// phi1 is (e^z - 1)/z.
func phi1(z float64) float64 {
	if z > -1e-3 && z < 1e-3 {
		return 1 + float64(z*(0.5+float64(z*(1.0/6+z/24))))
	}
	return (Exp(z) - 1) / z
}

// phi2 is (e^z - 1 - z)/z².
func phi2(z float64) float64 {
	if z > -1e-2 && z < 1e-2 {
		return 0.5 + float64(z*(1.0/6+float64(z*(1.0/24+float64(z*(1.0/120+z/720))))))
	}
	return (Exp(z) - 1 - z) / float64(z*z)
}

// Next is the first time, a base step from now or later and before another, at which
// keys end their time at a rate that differs from the present one by more than a
// slack.
func (c *Cache) Next(now, base, otherwise, slack float64) float64 {
	slack /= c.Keys
	after := now + base
	at := c.valid.Next(after, otherwise, c.expiring, slack)
	at = c.negative.Next(after, at, c.forgot, slack)
	if c.Stale > 0 && c.old.Mass() > 0 {
		at = c.old.Next(after, at, c.aging, slack)
	}
	return at
}

// Even reports whether, but for a slack, as many keys end their time as begin it: then a
// step may hold many lives of a key.
func (c *Cache) Even(slack float64) bool {
	slack /= c.Keys
	return math.Abs(c.filling-c.expiring) <= slack && math.Abs(c.barring-c.forgot) <= slack
}

// Shortest is how long a step may be at most where rates change.
func (c *Cache) Shortest() float64 {
	shortest := c.valid.Low + float64(0.5*c.valid.Spread)
	if c.remembers() {
		shortest = min(shortest, c.negative.Low+float64(0.5*c.negative.Spread))
	}
	return shortest / 4
}

// Error is by how much the shares are out of 0 to 1.
func (c *Cache) Error() float64 {
	return max(0, -c.valid.Mass(), -c.negative.Mass(), c.negative.Mass()-c.missing(), c.kept-c.Pinned)
}

// Copy makes c a copy of o, in c's memory.
func (c *Cache) Copy(o *Cache) {
	valid, negative, old := c.valid, c.negative, c.old
	valid.Copy(&o.valid)
	negative.Copy(&o.negative)
	old.Copy(&o.old)
	*c = *o
	c.valid, c.negative, c.old = valid, negative, old
}

// Keep leaves a share of everything in the line.
func (l *Line) Keep(share float64) {
	if share >= 1 {
		return
	}
	l.mass = 0
	for i := l.head; i < len(l.cells); i++ {
		l.cells[i].mass *= share
		l.cells[i].left *= share
		l.mass += l.cells[i].left
	}
}
