package event

import (
	"math"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
)

// serviceCounts are what a service did since the beginning; see propagate.ServiceBin.
type serviceCounts struct {
	offered, attempts, good, timeouts, errors, refused, throttled, full int64
	finished, wasted, expired                                           int64
	entered, left                                                       int64 // visits
	rotated                                                             int64 // instances
	latency                                                             float64
	begun                                                               float64 // work, in requests
}

// callCounts are what became of calls since the beginning; see propagate.NeedBin.
type callCounts struct {
	calls, attempts, good, timeouts, rejected, errors, stopped, denied, failed, lost, ended int64
	hits, barred, joined, parted                                                            int64
	served, unserved                                                                        int64 // of those that ask a cache
}

// books are what is noted, and when.
type books struct {
	ledger  *propagate.Ledger
	borders []int64 // of bins; the first has begun
	looked  int64   // the last end of an observation
	next    int64
	every   int64

	services, seenServices []serviceCounts // at the last border, and at the last look
	calls, seenCalls       []callCounts
	rates                  []float64 // starts per second in the last observation
	bins                   []propagate.ServiceBin
	needs                  []propagate.NeedBin
	sights                 []propagate.Sight
	leases                 []propagate.LeaseBin
}

func (b *books) open(en *engine, ledger *propagate.Ledger) {
	b.ledger = ledger
	for _, t := range ledger.Borders() {
		b.borders = append(b.borders, nanos(t))
	}
	b.every = max(1, nanos(ledger.Observation()))
	b.next = min(b.every, b.horizon())
	n, m := len(en.p.Services), len(en.edges)
	b.services, b.seenServices = make([]serviceCounts, n), make([]serviceCounts, n)
	b.calls, b.seenCalls = make([]callCounts, m), make([]callCounts, m)
	b.rates, b.bins, b.sights = make([]float64, n), make([]propagate.ServiceBin, n), make([]propagate.Sight, n)
	b.needs = make([]propagate.NeedBin, m)
	b.leases = make([]propagate.LeaseBin, len(en.leases))
}

func (b *books) horizon() int64    { return b.borders[len(b.borders)-1] }
func (b *books) nextBorder() int64 { return b.borders[1] }
func (b *books) nextLook() int64   { return b.next }

// confidence is by how many standard deviations more must fail than a state allows
// before it is taken for more than chance: a tenth of a percent of all looks.
const confidence = 3

// look ends an observation.
func (b *books) look(en *engine) {
	length := seconds(en.now - b.looked)
	for v := range en.p.Services {
		s := &en.services[v]
		was, n := &b.seenServices[v], s.n
		if s.fading > en.now-b.every {
			en.turnings(s)
		}
		b.rates[v] = (n.begun - was.begun) / length
		g := propagate.Sight{
			Offered: float64(n.offered - was.offered), Good: float64(n.good - was.good), Throttled: float64(n.throttled - was.throttled),
			Queue: float64(s.waiting), Slow: s.slow, Down: s.down, Dark: s.swallows >= 1, Corrupt: s.corrupt, Struck: s.struck(),
			Exposed: s.exposed || s.fleet != nil && s.fleet.disabled,
			Chance:  confidence, Asked: en.asked(s),
		}
		if at, ok := en.oldest(s); ok {
			g.Age = seconds(en.now - at)
		}
		for _, i := range s.In {
			g.Failed += float64(en.edges[i].n.failed - b.seenCalls[i].failed)
		}
		for _, i := range s.Out {
			e := &en.edges[i]
			if e.soft() && e.Loss != catalog.Fallback && !e.Async {
				over := float64(e.n.ended - b.seenCalls[i].ended)
				failed := float64(e.n.failed - b.seenCalls[i].failed)
				if e.memory != nil {
					failed = float64(e.n.unserved - b.seenCalls[i].unserved)
					over = failed + float64(e.n.served-b.seenCalls[i].served)
				}
				const share = 0.1
				g.Without = g.Without || over > 0 && failed >= min(over, float64(share*over)+float64(confidence*math.Sqrt(share*(1-share)*over)))
			}
		}
		if settled := g.Good + g.Failed; settled > 0 {
			s.failing = g.Failed / settled
		} else {
			s.failing = 0
		}
		b.sights[v] = g
		if s.again != nil {
			en.observe(s, g.Good, g.Failed)
		}
		*was = *n
	}
	for i := range en.edges {
		b.seenCalls[i] = en.edges[i].n
	}
	b.ledger.Look(seconds(en.now), b.sights)
	for i := range en.leases {
		l := &en.leases[i]
		l.rate = float64(l.n.regrants-l.seen) / length
		l.seen = l.n.regrants
	}
	for v := range en.p.Services {
		if s := &en.services[v]; s.fleet != nil {
			g := &b.sights[v]
			en.observed(s, b.looked, g.Good, g.Failed, g.Throttled)
		}
	}
	en.operators.Look(seconds(b.looked), seconds(en.now))
	b.looked, b.next = en.now, min(en.now+b.every, max(b.horizon(), en.now+1))
}

// close ends a bin.
func (b *books) close(en *engine) {
	from := b.borders[0]
	b.borders = b.borders[1:]
	length := seconds(en.now - from)
	for v := range en.p.Services {
		s := &en.services[v]
		n, was := s.n, &b.services[v]
		most := s.queue.most
		bin := propagate.ServiceBin{
			Offered: float64(n.offered - was.offered), Attempts: float64(n.attempts - was.attempts), Good: float64(n.good - was.good),
			Timeouts: float64(n.timeouts - was.timeouts), Errors: float64(n.errors - was.errors),
			Refused: float64(n.refused - was.refused), Throttled: float64(n.throttled - was.throttled), Full: float64(n.full - was.full),
			Finished: float64(n.finished - was.finished), Wasted: float64(n.wasted - was.wasted), Expired: float64(n.expired - was.expired),
			Latency: n.latency - was.latency,
			Queue:   float64(s.waiting), MaxQueue: float64(most), MeanQueue: s.queue.mean(from, en.now),
			Capacity: s.share.mean(from, en.now),
		}
		bin.Replicas = s.crews.mean(from, en.now)
		bin.InRotation = bin.Replicas
		busy, servers := s.busy.mean(from, en.now), s.servers.mean(from, en.now)
		if t := s.Threads; !math.IsInf(t, 1) && t > 0 {
			bin.Busy = busy / max(1, servers)
			if !s.Leaf && s.Capacity > 0 && !math.IsInf(s.Capacity, 1) {
				bin.Busy = max(bin.Busy, (n.begun-was.begun)/length/s.Capacity)
			}
			bin.Busy = min(1, bin.Busy)
		}
		bin.Age, bin.Wait = en.ages(s)
		if s.parts != nil {
			bin.InRotation = s.turning.mean(from, en.now)
			bin.RotationChanges = float64(n.rotated-was.rotated) * s.Replicas / float64(len(s.parts))
		}
		if d := s.again; d != nil {
			bin.Deferred = float64(d.came - d.noted)
			d.noted = d.came
		}
		b.bins[v] = bin
		*was = *n
	}
	for i := range en.edges {
		e := &en.edges[i]
		n, was := &e.n, &b.calls[i]
		b.needs[i] = propagate.NeedBin{
			Calls: float64(n.calls - was.calls), Attempts: float64(n.attempts - was.attempts), Good: float64(n.good - was.good),
			Timeouts: float64(n.timeouts - was.timeouts), Rejected: float64(n.rejected - was.rejected), Errors: float64(n.errors - was.errors),
			Stopped: float64(n.stopped - was.stopped), Denied: float64(n.denied - was.denied), Failed: float64(n.failed - was.failed),
			Hits: float64(n.hits - was.hits), Barred: float64(n.barred - was.barred), Joined: float64(n.joined - was.joined),
			Lost: float64(n.lost - was.lost), InFlight: float64(e.under),
		}
		if e.breakers != nil {
			b.needs[i].Open = e.shut.mean(from, en.now) / float64(len(e.breakers))
		}
		*was = *n
	}
	b.ledger.Close(b.bins, b.needs)
	b.closeLeases(en, from)
}

// ages are how long the oldest request has waited at a service, and how long one that
// comes now will wait if nothing changes, in seconds.
func (en *engine) ages(s *service) (age, wait float64) {
	at, ok := en.oldest(s)
	if ok {
		age = seconds(en.now - at)
	}
	switch {
	case s.parts != nil:
		wait = en.patience(s)
	case ok && (s.down || s.there*s.staffed() <= 0):
		wait = math.Inf(1)
	case ok:
		rate := s.now()
		if r := en.books.rates[s.index]; !s.Leaf && r > 0 {
			rate = r
		}
		wait = en.toDo(s) / max(1e-12, rate)
	}
	return age, wait
}
