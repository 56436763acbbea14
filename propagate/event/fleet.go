package event

import (
	"math"
	"slices"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Instances that come and go are played one by one: each ends at a time that is drawn,
// is launched or not by lot where launches go through in part, and comes back by itself.
// What an autoscaling decides, and when a service waits for the hand, are rules without
// any chance in them, and those of package mech: Autoscale, Turnover, Return and Hand say
// what they are.

// fleet is the instances of one service.
type fleet struct {
	of       *plan.Fleet
	scale    mech.Autoscale
	hand     mech.Hand
	serving  int
	starting int      // replacements of what ended
	launches []launch // by an autoscaling, or of what could not be replaced at once
	mark     uint32   // of the event at which the next instance ends
	waves    []wave

	lost  float64 // replicas that were struck and are not back
	back  int64   // when they begin to come back, or the next one does
	left  float64 // share that faults leave
	whole int64   // when the last of a restart, or of what came back, was back
	since float64 // seconds; when it began to starve

	disabled, short, faulted, refuses, starves bool

	// Since the look before: what noteFleet adds up.
	noted             int64
	seen              float64 // thread-nanoseconds
	begun             float64
	busy, there, time float64

	ends, passes stream
}

// launch is replicas that serve from a time on.
type launch struct {
	at int64
	n  int
}

// wave is a share of the replicas that a restart takes away from one time to another.
type wave struct {
	from, to     int64
	share        float64
	purge, begun bool
}

// newFleets gives every service that needs it the state of its instances.
func (en *engine) newFleets(seed uint64) {
	for v := range en.services {
		s := &en.services[v]
		of := s.Service.Fleet
		if of == nil {
			restarted := func(a scenario.Action) bool {
				return slices.ContainsFunc(a.Do, func(d scenario.Deed) bool { return d.Verb == scenario.Restart && d.Target == s.ID })
			}
			if !slices.ContainsFunc(en.sc.Actions, restarted) {
				continue
			}
			of = &plan.Fleet{Lifetime: math.Inf(1), Rate: math.Inf(1), Every: plan.AssumedLook}
		}
		f := &fleet{
			of: of, scale: mech.NewAutoscale(of.Target, of.Min, of.Max, of.DownAfter, s.Replicas), hand: mech.NewHand(of.After),
			serving: int(math.Round(s.Replicas)), left: 1, back: never, whole: -1,
			ends: newStream(seed, "lifetime", s.ID), passes: newStream(seed, "launch", s.ID),
		}
		s.fleet = f
	}
}

// openFleets is the time 0.
func (en *engine) openFleets() {
	for v := range en.services {
		s := &en.services[v]
		f := s.fleet
		if f == nil {
			continue
		}
		if !math.IsInf(f.of.Lifetime, 1) {
			n := f.serving
			f.starting = int(math.Round(float64(n) * f.of.Start / (f.of.Lifetime + f.of.Start)))
			f.serving = n - f.starting
			for k := range f.starting {
				en.plan(nanos(f.of.Start*(float64(k)+f.ends.share())/float64(f.starting)), starts, s.index, 0)
			}
			en.nextEnd(s)
		}
		if f.of.Scales || !math.IsInf(f.of.Lifetime, 1) {
			en.plan(nanos(f.of.Every), looks, s.index, 0)
		}
		en.man(s)
	}
}

// nextEnd plans the end of the next instance, whichever.
func (en *engine) nextEnd(s *service) {
	f := s.fleet
	if math.IsInf(f.of.Lifetime, 1) {
		return
	}
	f.mark++
	if f.serving > 0 {
		en.plan(en.now+nanos(f.ends.exponential()*f.of.Lifetime/float64(f.serving)), ends, s.index, f.mark)
	}
}

// crew changes how many instances serve.
func (en *engine) crew(s *service, n int) {
	s.fleet.serving += n
	en.nextEnd(s)
	en.man(s)
}

// instanceEnds lets an instance end, and launches another in its place.
func (en *engine) instanceEnds(e event) {
	s := &en.services[e.who]
	f := s.fleet
	if f.mark != e.mark {
		return
	}
	if f.missing() >= 0 && f.passes.happens(f.of.Launchable(en.goodShare)) {
		f.starting++
		en.plan(en.now+nanos(f.of.Start), starts, e.who, 0)
	}
	en.crew(s, -1)
}

// instanceStarts lets a replacement serve.
func (en *engine) instanceStarts(v int32) {
	s := &en.services[v]
	s.fleet.starting--
	en.crew(s, 1)
}

// missing is how many instances are asked for and not launched.
func (f *fleet) missing() int {
	n := int(math.Round(f.scale.Want)) - f.serving - f.starting
	for _, l := range f.launches {
		n -= l.n
	}
	return n
}

// look is one look at a fleet: the autoscaling decides, and what is missing is launched
// as far as what that needs is there.
func (en *engine) look(v int32) {
	s := &en.services[v]
	f := s.fleet
	en.plan(en.now+nanos(f.of.Every), looks, v, 0)
	en.noteFleet(s)
	busy, there, time := f.busy, f.there, f.time
	f.busy, f.there, f.time = 0, 0, 0
	if f.of.Scales && !f.disabled && there > 0 {
		f.scale.Look(seconds(en.now), there/time, busy/there)
	}
	switch missing := f.missing(); {
	case missing > 0:
		if f.of.Scales && f.disabled && math.IsInf(f.of.Lifetime, 1) {
			return
		}
		n, share := 0, f.of.Launchable(en.goodShare)
		for range missing {
			if f.passes.happens(share) {
				n++
			}
		}
		if n > 0 {
			at := en.now + nanos(f.of.Delay)
			f.launches = append(f.launches, launch{at, n})
			en.plan(at, manages, v, 0)
		}
	case missing < 0:
		for k := len(f.launches) - 1; k >= 0 && missing < 0; k-- { // the last first
			n := min(-missing, f.launches[k].n)
			f.launches[k].n -= n
			missing += n
		}
		en.crew(s, -min(f.serving, -missing))
	}
}

// goodShare is the share of its requests that a service answers well.
func (en *engine) goodShare(v int32) float64 {
	s := &en.services[v]
	if s.down {
		return 0
	}
	return (1 - s.swallows) * (1 - s.failing)
}

// noteFleet adds the time since it was called last to what the next look sees. Between
// two calls a service has the same size.
func (en *engine) noteFleet(s *service) {
	f := s.fleet
	s.busy.add(0, en.now)
	dt := seconds(en.now - f.noted)
	threads, begun := (s.busy.sum-f.seen)/1e9, s.n.begun-f.begun
	f.noted, f.seen, f.begun = en.now, s.busy.sum, s.n.begun
	if dt <= 0 || s.down || s.swallows >= 1 || s.there <= 0 {
		return
	}
	busy := 0.0
	switch {
	case s.places > 0 && s.places < math.MaxInt32:
		busy = min(dt, threads/float64(s.places))
	case math.IsInf(s.Capacity, 1) || s.places == 0:
		return
	}
	if c := s.Capacity * s.crewed; !s.Leaf && c > 0 && !math.IsInf(c, 1) || s.places == math.MaxInt32 {
		busy = max(busy, min(dt, begun/c))
	}
	n := s.Replicas * s.crewed
	f.busy += float64(busy * n)
	f.there += float64(n * min(1, s.there) * dt)
	f.time += dt
}

// out is the share of the replicas that waits for a restart or is being restarted.
func (f *fleet) out() float64 {
	out := f.hand.Waits
	for i := range f.waves {
		if f.waves[i].begun {
			out += f.waves[i].share
		}
	}
	if out > 1-1e-9 {
		return 1
	}
	return out
}

// lostShare is the share of the replicas that faults leave that is not back.
func (f *fleet) lostShare() float64 {
	if f.lost <= 0 {
		return 0
	}
	return min(1, f.lost/max(1e-9, float64(f.serving)*f.left))
}

// gone reports whether, beside its faults, the service refuses what comes.
func (f *fleet) gone() bool {
	if f.short || f.refuses && f.lostShare() > 1-1e-9 {
		return true
	}
	return f.out() >= 1 && (f.hand.Waits > 0 || slices.ContainsFunc(f.waves, func(w wave) bool { return w.begun && w.purge }))
}

// strike tells the fleet of a service what the faults of the moment leave of it.
func (en *engine) strike(s *service, left float64, refuses bool) {
	f := s.fleet
	if refuses {
		left = 0
	}
	if n := float64(f.serving); left > f.left && (f.of.Return > 0 || !math.IsInf(f.of.Rate, 1)) {
		f.lost = n*left - max(0, n*f.left-f.lost)
		f.back = en.now + nanos(f.of.Return)
		if !math.IsInf(f.of.Rate, 1) {
			f.back += nanos(1 / f.of.Rate) // the first of them is back then
		}
		en.plan(f.back, manages, s.index, 0)
	} else if left < f.left {
		f.lost = max(0, f.lost-n*(f.left-left)) // those are struck that were there first
	}
	f.left = left
	if f.faulted = left <= 0; f.faulted {
		f.refuses = refuses
	}
}

// manage makes happen what is due at a fleet, and what follows for its service.
func (en *engine) manage(s *service) {
	f := s.fleet
	for len(f.launches) > 0 && f.launches[0].at <= en.now {
		n := f.launches[0].n
		f.launches = slices.Delete(f.launches, 0, 1)
		en.crew(s, n)
	}
	for f.lost > 0 && en.now >= f.back {
		if math.IsInf(f.of.Rate, 1) {
			f.lost = 0
		} else {
			f.lost = max(0, f.lost-1)
		}
		if f.lost < 1e-9 {
			f.lost, f.whole, f.back = 0, en.now, never
			break
		}
		f.back += nanos(1 / f.of.Rate)
		en.plan(f.back, manages, s.index, 0)
	}
	en.restarts(s)
	if f.of.ByHand {
		since := seconds(en.now)
		if !f.faulted {
			since = f.since
		}
		f.hand.Note(since, f.faulted || f.starves)
		if f.hand.Due(seconds(en.now)) {
			en.books.ledger.Waits(seconds(en.now), int(s.index))
		} else if at := f.hand.Next(); !math.IsInf(at, 1) {
			en.plan(max(en.now, nanos(at)), manages, s.index, 0)
		}
	}
	en.man(s)
}

// man makes the service have what its fleet leaves of it.
func (en *engine) man(s *service) {
	f := s.fleet
	left := float64(f.serving) * f.left * (1 - f.lostShare()) * (1 - f.out())
	f.short = f.of.AtLeast > 0 && math.Floor(left+0.5+1e-9) < f.of.AtLeast
	crewed := float64(f.serving) / s.Replicas * (1 - f.lostShare()) * (1 - f.out())
	was := s.fate
	now := was
	now.down = s.struckDown || s.away || f.gone()
	if now == was && crewed == s.crewed {
		return
	}
	en.noteFleet(s)
	s.crewed = crewed
	en.befall(s, now)
	for _, i := range s.parts {
		en.befall(&en.services[i], en.fateOf(i))
	}
	if s.parts != nil {
		en.turnings(s)
	}
	en.resize(s)
}

// observed tells the fleet of a service how an observation ended that began at a time.
func (en *engine) observed(s *service, from int64, good, failed, throttled float64) {
	f := s.fleet
	if !f.of.ByHand {
		return
	}
	settled := good + max(0, failed-throttled)
	switch {
	case f.out() > 0 || f.lost > 0 || from < f.whole:
		f.starves = false
	case settled <= 0 || settled < float64(1e-3*s.Nominal)*seconds(en.now-from): // too few to tell
	case good >= float64(mech.HandShare*settled):
		f.starves = false
	case !f.starves:
		f.starves, f.since = true, seconds(from)
	}
	en.manage(s)
}

// restart takes the replicas of a service away, wave after wave.
func (en *engine) restart(s *service, d *scenario.Deed) {
	f := s.fleet
	n := max(1, d.Waves)
	for k := range n {
		from := en.now + int64(k)*int64(d.Every)
		w := wave{from: from, to: from + int64(d.Length) + nanos(f.of.Return), share: 1 / float64(n), purge: d.Purge}
		f.waves = append(f.waves, w)
		en.plan(w.from, manages, s.index, 0)
		en.plan(w.to, manages, s.index, 0)
	}
	en.manage(s)
}

// restarts begins and ends the waves of restarts that are due.
func (en *engine) restarts(s *service) {
	f := s.fleet
	before := len(f.waves)
	f.waves = slices.DeleteFunc(f.waves, func(w wave) bool { return w.begun && w.to <= en.now })
	if len(f.waves) < before {
		f.whole, f.starves = en.now, false
	}
	for i := range f.waves {
		w := &f.waves[i]
		if w.begun || w.from > en.now {
			continue
		}
		live := 1 - f.out()
		struck := w.share - f.hand.Heal(w.share) // the rest had nothing to lose
		w.begun = true
		if w.purge && w.share < 1 && struck > 1e-9 && live > 0 && !s.down {
			en.thin(s, min(1, struck/live))
		}
		if f.hand.Waits <= 0 {
			en.books.ledger.Healed(seconds(en.now), int(s.index))
		}
	}
}

// thin loses a share of what waits, by lot, except what a durable queue keeps. What is
// in service is finished.
func (en *engine) thin(s *service, share float64) {
	lot := &en.services[s.home()].fleet.passes
	for _, i := range s.parts {
		en.thin(&en.services[i], share)
	}
	for k := range s.lanes {
		l := &s.lanes[k]
		vi := l.row.head
		for n := l.row.size; !l.Async && n > 0; n-- { // not what comes meanwhile
			next := en.visits.at(vi).next
			if lot.happens(share) {
				ci := en.visits.at(vi).call
				s.n.expired++
				en.unqueue(s, vi)
				en.leave(s, vi)
				en.dies(s, ci)
			}
			vi = next
		}
	}
}

// automate switches the autoscaling of a service off and on. It begins with a new look.
func (en *engine) automate(s *service, on bool) {
	if f := s.fleet; f != nil {
		en.noteFleet(s)
		f.disabled = !on
		f.busy, f.there, f.time = 0, 0, 0
	}
}

// working is how many replicas serve.
func (s *service) working() float64 {
	if s.down {
		return 0
	}
	crewed, replicas := s.crewed, s.Replicas
	if s.of != nil {
		crewed, replicas = s.of.crewed, s.of.Replicas/float64(len(s.of.parts))
	}
	return replicas * crewed * min(1, max(0, s.there))
}
