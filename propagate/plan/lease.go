package plan

import (
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
)

// What is assumed of a lease where the catalog does not say.
const (
	AssumedLeases   = 1000.0 // held in normal operation
	AssumedRenewal  = 5.0    // seconds until a renewal is given up, or the period where that is less
	AssumedAfter    = 1.0    // seconds from an error to the next attempt, of leases that are not renewed
	AssumedRenewals = 3.0    // in the shortest time to live
)

// Lease is one kind of leases as it is played: a closed population of holders. Its
// renewals and regrants are calls to the keeper without a caller, and share its queue
// with everything else.
type Lease struct {
	ID             string
	Keeper, Holder int32         // services
	Renew, Regrant int32         // calls
	Count          float64       // held in normal operation
	TTL            Pause         // seconds from the last refresh, evenly; Low is +Inf where leases do not lapse
	Every          float64       // seconds from one renewal to the next; +Inf without renewals
	Pace           float64       // regrants let in per second; +Inf without limit
	Pauses         []Pause       // before a regrant is tried again, after the first, the second … failure; the last repeats
	After          float64       // seconds, at least, from an error to the next attempt; what missed its deadline does not wait for that
	Drop           bool          // a holder whose regrant missed its deadline stays without
	Lost           Loses         // what the holder loses with its leases
	Cold           bool          // none is held at the start
	Policy         *policy.Lease // as it was declared
}

// Loses is what a holder loses with its leases.
type Loses uint8

// What a holder may lose, by value as in policy.LostWords.
const (
	LosesCapacity Loses = iota
	LosesRequests
	LosesNothing
)

// stores makes the call to the store of every lease whose keeper does not say how it
// needs it.
func (p *Plan) stores(c *catalog.Catalog, index map[string]int32) {
	for i := range c.Leases {
		l := &c.Leases[i]
		if l.Store == "" || l.Store == l.Keeper {
			continue
		}
		v := index[l.Keeper]
		s := &p.Services[v]
		to := index[l.Store]
		if slices.ContainsFunc(s.Out, func(j int32) bool { return p.Calls[j].To == to && !p.Calls[j].Async }) {
			continue
		}
		e := int32(len(p.Calls))
		call := p.newCall(v, to, len(s.Decl.Needs), &catalog.Need{Targets: []string{l.Store}})
		call.Leg = int32(len(s.Stages))
		p.Calls = append(p.Calls, call)
		s.Out = append(s.Out, e)
		s.Stages = append(s.Stages, Stage{Calls: []int32{e}})
		s.Leaf = false
		p.assume(l.Keeper, l.Store, "calls", "1", "the store of lease "+l.ID+", and no need says how it is called")
	}
}

// leases makes the calls of every lease to its keeper.
func (p *Plan) leases(c *catalog.Catalog, index map[string]int32) {
	for i := range c.Leases {
		d := &c.Leases[i]
		l := p.newLease(d, index)
		ask := func(timeout float64, pauses []Pause) int32 {
			p.Calls = append(p.Calls, Call{
				From: -1, To: l.Keeper, Index: -1, PerRequest: 1, Timeout: timeout, Deadline: math.Inf(1), Stale: math.Inf(1),
				Clients: 1, Pauses: pauses, Lease: int32(i), Work: 1,
			})
			return int32(len(p.Calls) - 1)
		}
		key := "lease." + d.ID + "."
		timeout := min(AssumedRenewal, l.Every)
		switch t := d.Policy.Renew.Timeout; {
		case math.IsInf(l.Every, 1):
			timeout = l.Every
		case t.IsStated():
			timeout = min(t.V.Seconds(), l.Every) // the next one is sent then
		default:
			p.assume(d.Keeper, "", key+"renew.timeout", unit.FromSeconds(timeout).String(), "not stated: 5s, or the period where that is less")
		}
		l.Renew = ask(timeout, nil)
		if !math.IsInf(l.Every, 1) {
			p.Calls[l.Renew].Nominal = l.Count / l.Every
		}
		deadline := math.Inf(1)
		if t := d.Policy.Regrant.Deadline; t.IsStated() {
			deadline = t.V.Seconds()
		} else {
			p.assume(d.Keeper, "", key+"regrant.deadline", "none", "not stated: holders wait for their turn")
		}
		l.Regrant = ask(deadline, l.Pauses)
		p.Leases = append(p.Leases, l)
	}
}

func (p *Plan) newLease(d *catalog.Lease, index map[string]int32) Lease {
	l := Lease{
		ID: d.ID, Keeper: index[d.Keeper], Holder: index[d.Holder],
		Count: AssumedLeases, TTL: Pause{math.Inf(1), 0}, Every: math.Inf(1), Pace: math.Inf(1),
		Drop: d.Policy.Regrant.OnTimeout == "drop", Cold: d.Policy.Cold,
		Lost: Loses(max(0, slices.Index(policy.LostWords, d.Policy.Lost))), Policy: &d.Policy,
	}
	key := "lease." + d.ID + "."
	if d.Policy.Count.IsStated() {
		l.Count = float64(d.Policy.Count.V)
	} else {
		p.assume(d.Keeper, "", key+"count", fmt.Sprintf("%.0f", l.Count), "not stated")
	}
	if t := d.Policy.TTL; t.IsStated() {
		low, high := t.V.Low.Seconds(), t.V.High.Seconds()
		l.TTL = Pause{low, high - low}
	}
	switch every := d.Policy.Renew.Every; {
	case every.IsStated():
		l.Every = every.V.Seconds()
	case d.Policy.TTL.IsStated() && l.TTL.Low > 0:
		l.Every = unit.Rough(l.TTL.Low / AssumedRenewals)
		p.assume(d.Keeper, "", key+"renew.every", unit.FromSeconds(l.Every).String(), "not stated: a third of the shortest ttl")
	}
	if r := d.Policy.Regrant.Pace; r.IsStated() {
		l.Pace = float64(r.V)
	}
	switch g := &d.Policy.Regrant; {
	case g.Pause.IsStated():
		low, high := g.Pause.V.Low.Seconds(), g.Pause.V.High.Seconds()
		l.Pauses = []Pause{{low, high - low}}
	case g.Retry != nil:
		for k := 1; k < mech.MaxAttempts; k++ {
			low, spread := mech.Pause(g.Retry, k)
			l.Pauses = append(l.Pauses, Pause{low, spread})
		}
	default:
		l.Pauses = []Pause{{}} // at once
		l.After = AssumedAfter
		if !math.IsInf(l.Every, 1) {
			l.After = l.Every
		}
		p.assume(d.Keeper, "", key+"regrant.pause", unit.FromSeconds(l.After).String()+" after an error", "not stated: a period of renewals, or 1s")
	}
	return l
}

// costs is the service time that the leases of a keeper say, in seconds, and the
// lease; 0 where none does.
func (p *Plan) costs(v int32) (seconds float64, of string) {
	for i := range p.Leases {
		l := &p.Leases[i]
		if l.Keeper == v && l.Policy.Regrant.Cost.IsStated() {
			return max(1e-6, l.Policy.Regrant.Cost.V.Seconds()), l.ID
		}
	}
	return 0, ""
}

// work says of the calls of the leases of a keeper, whose service time is known, how
// many requests of it each is worth, and returns by how much the healthy renewals
// together differ from as many requests, per second.
func (p *Plan) work(v int32) (more float64) {
	s := &p.Services[v]
	for i := range p.Leases {
		l := &p.Leases[i]
		if l.Keeper != v {
			continue
		}
		worth := func(call int32, cost unit.Value[unit.Duration]) {
			if cost.IsStated() && s.Time > 0 {
				p.Calls[call].Work = max(1e-6, cost.V.Seconds()/s.Time)
			}
		}
		worth(l.Renew, l.Policy.Renew.Cost)
		worth(l.Regrant, l.Policy.Regrant.Cost)
		e := &p.Calls[l.Renew]
		more += float64(e.Nominal * (e.Work - 1))
	}
	return more
}

// mix is how many requests are as much work as one, of those that a service gets when
// all is well: renewals are less, and hold a thread all the same.
func (p *Plan) mix(v int32) float64 {
	s := &p.Services[v]
	more := p.work(v)
	if more == 0 || s.Nominal+more <= 0 {
		return 1
	}
	return max(1, s.Nominal/(s.Nominal+more))
}
