package event

import (
	"fmt"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// deferred is the demand at a service that comes back; see mech.Deferred. Whether one
// that failed comes again is drawn, and when.
type deferred struct {
	*plan.Deferred
	call   int32 // by which its requests come from outside
	kept   int64 // until the recovery
	coming int64 // events are planned
	well   int   // observations in a row
	put    int64 // since the beginning
	came   int64
	noted  int64 // of them, at the last border

	who, when stream
}

// newDeferred gives the services what comes back to them.
func (en *engine) newDeferred(seed uint64) {
	for i := range en.p.Calls {
		c := &en.p.Calls[i]
		d := en.p.Services[c.To].Deferred
		if d == nil || c.From >= 0 || c.Chore || c.Lease >= 0 {
			continue
		}
		id := en.p.Services[c.To].ID
		en.services[c.To].again = &deferred{Deferred: d, call: int32(i), who: newStream(seed, "comes again", id), when: newStream(seed, "comes again at", id)}
	}
}

// withhold keeps what comes again of a request from outside that failed for good.
func (en *engine) withhold(s *service, call int32) {
	d := s.again
	if d == nil || d.call != call || !d.who.happens(d.Share) {
		return
	}
	d.put++
	if d.UntilRecovery {
		d.kept++
		return
	}
	en.comeBack(s)
}

// comeBack plans that one comes again.
func (en *engine) comeBack(s *service) {
	d := s.again
	d.coming++
	en.plan(en.now+nanos(d.Low+float64(d.Spread*d.when.share())), recurs, s.index, 0)
}

// comesAgain is one that failed before.
func (en *engine) comesAgain(v int32) {
	d := en.services[v].again
	d.coming--
	d.came++
	en.begin(d.call, none, 0, none)
}

// observe ends an observation, of requests that were answered well and that failed.
// After a few good ones what was kept is let go.
func (en *engine) observe(s *service, good, failed float64) {
	d := s.again
	switch {
	case good+failed <= 0:
		return
	case good < mech.ReleaseShare*(good+failed):
		d.well = 0
		return
	}
	if d.well++; d.well < 3 {
		return
	}
	for ; d.kept > 0; d.kept-- {
		en.comeBack(s)
	}
}

// weighDeferred holds that what was withheld came or waits.
func (en *engine) weighDeferred() {
	for v := range en.services {
		if d := en.services[v].again; d != nil && d.put != d.came+d.kept+d.coming {
			panic(fmt.Sprintf("event: of %d that %s withheld, %d came, %d are kept and %d are on their way", d.put, en.services[v].ID, d.came, d.kept, d.coming))
		}
	}
}
