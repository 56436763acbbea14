package propagate

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// LeaseResult is one kind of leases over time.
type LeaseResult struct {
	ID             string
	Keeper, Holder string
	Count          float64 // held in normal operation
	Bins           []LeaseBin
	Since          float64     // seconds; when the first fault lets leases lapse, 0 without one
	Again          []HeldAgain // for every share that an expectation names
}

// LeaseBin is what became of leases in one bin. Counts are not rates.
type LeaseBin struct {
	Mean     float64 // held, averaged over the bin
	Held     float64 // held at its end
	Renewals float64 // sent
	Regrants float64 // sent
	Lapsed   float64
}

// HeldAgain is when so large a share of leases was held again.
type HeldAgain struct {
	Share float64
	At    float64 // seconds; NaN while it is not, and Since where it always was
	Lost  bool    // it was not held at some time from Since on
}

// newLeaseResult is the empty result of a kind of leases of a plan.
func newLeaseResult(p *plan.Plan, sc *scenario.Scenario, i, bins int) LeaseResult {
	l := &p.Leases[i]
	r := LeaseResult{
		ID: l.ID, Keeper: p.Services[l.Keeper].ID, Holder: p.Services[l.Holder].ID,
		Count: l.Count, Bins: make([]LeaseBin, 0, bins),
	}
	lapses := 0
	for j := range sc.Faults {
		f := &sc.Faults[j]
		if f.Effect != scenario.Lapse || f.Lease != l.ID {
			continue
		}
		if at := f.At.Seconds(); lapses == 0 || at < r.Since {
			r.Since = at
		}
		lapses++
	}
	for j := range sc.Expects {
		if x := &sc.Expects[j]; x.Measure == scenario.TimeToHeld && x.Kind == scenario.ExpectNumber && x.Lease == l.ID {
			r.Again = append(r.Again, HeldAgain{Share: x.Share, At: r.Since})
		}
	}
	return r
}

// hold notes, after a step that is kept, which shares of leases are held again.
func (r *recorder) hold(en *engine, h float64) {
	for i := range en.m.leases {
		l := &en.m.leases[i]
		res := &r.result.Leases[i]
		if en.t+h <= res.Since {
			continue
		}
		now := l.holders.Mass()
		for k := range res.Again {
			a := &res.Again[k]
			level := float64(a.Share*l.Count) * (1 - 1e-9)
			switch {
			case min(l.before, now) < level && !a.Lost:
				a.Lost, a.At = true, math.NaN()
				fallthrough
			case a.Lost && math.IsNaN(a.At):
				if now >= level {
					a.At = en.t + float64(h*l.reached(level, now))
				}
			}
		}
	}
}

// reached is the share of a step after which so many leases were held: in a straight
// line, or, where all that are missing are being answered, by an exponential.
func (l *lease) reached(level, now float64) float64 {
	if now <= l.before {
		return 1
	}
	if all := l.Count - l.gone; l.ending && now < all && level < all {
		return mech.Log((all-l.before)/(all-level)) / mech.Log((all-l.before)/(all-now))
	}
	return (level - l.before) / (now - l.before)
}

func (r *Result) lease(id string) *LeaseResult {
	for i := range r.Leases {
		if r.Leases[i].ID == id {
			return &r.Leases[i]
		}
	}
	return nil
}

// leaseNumber is Number for a lease.
func (r *Result) leaseNumber(e *scenario.Expect) (v float64, ok bool) {
	l := r.lease(e.Lease)
	if l == nil {
		return math.NaN(), false
	}
	scale := 1.0
	if e.Measure == scenario.HeldShare {
		scale = 1 / l.Count
	}
	total, asked, time, best := 0.0, 0.0, 0.0, math.Inf(-1)
	sign := 1.0
	if e.As == scenario.Min {
		sign = -1
	}
	from, to := 0.0, r.end()
	if e.During {
		from, to = e.From.Seconds(), min(e.To.Seconds(), r.end())
	}
	at := math.NaN()
	if e.At.IsStated() {
		at = e.At.V.Seconds()
	}
	for i := range l.Bins {
		b, begin, end := &l.Bins[i], r.Times[i], r.Times[i+1]
		asked += b.Regrants
		if e.At.IsStated() {
			switch {
			case e.Measure == scenario.Regrants && e.As == scenario.Total:
				if end <= at+1e-6 {
					total += b.Regrants
				}
			case e.Measure == scenario.Regrants:
				if begin <= at+1e-9 && at < end-1e-9 || i == len(l.Bins)-1 && at >= end-1e-9 {
					return b.Regrants / (end - begin), true
				}
			case math.Abs(end-at) < 1e-6 || begin <= at && at < end-1e-6 && (at-begin > 1e-6 || i == 0):
				return b.Held * scale, true
			}
			continue
		}
		if begin < from-1e-9 || end > to+1e-9 {
			continue
		}
		level := b.Mean * scale
		if e.Measure == scenario.Regrants {
			level = b.Regrants / (end - begin)
		} else {
			best = max(best, sign*b.Held*scale)
		}
		best = max(best, sign*level)
		total += float64(level * (end - begin))
		time += end - begin
	}
	switch {
	case e.Measure == scenario.RegrantsPerLease:
		return asked / l.Count, true
	case e.Measure == scenario.TimeToHeld:
		for _, a := range l.Again {
			if a.Share == e.Share {
				return a.At - l.Since, !math.IsNaN(a.At)
			}
		}
		return math.NaN(), false
	case e.At.IsStated():
		return total, e.As == scenario.Total
	case e.As == scenario.Max || e.As == scenario.Min:
		return sign * best, time > 0
	case e.As == scenario.Total:
		return total, true
	case time <= 0:
		return math.NaN(), false
	}
	return total / time, true
}

// withheld reports whether leases of a keeper are missing and get no more: who asks for
// them all at once, every so often, fails more in one span and less in another.
func (r *Result) withheld(keeper string, from, mid, to float64) bool {
	for i := range r.Leases {
		l := &r.Leases[i]
		if l.Keeper != keeper {
			continue
		}
		old, recent, before, after := 0.0, 0.0, 0.0, 0.0
		for j := range l.Bins {
			begin, end := r.Times[j], r.Times[j+1]
			switch {
			case begin < from-1e-9 || end > to+1e-9:
			case end <= mid+1e-9:
				old, before = old+float64(l.Bins[j].Mean*(end-begin)), before+end-begin
			case begin >= mid-1e-9:
				recent, after = recent+float64(l.Bins[j].Mean*(end-begin)), after+end-begin
			}
		}
		if before > 0 && after > 0 && recent/after < 0.99*l.Count && recent/after <= old/before+float64(1e-3*l.Count) {
			return true
		}
	}
	return false
}
