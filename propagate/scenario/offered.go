package scenario

import (
	"math"
	"slices"
)

// Offered is what is offered to a service from outside at a time in seconds, per
// second: base changed by loads, which are the indices of its loads in s.Loads.
func (s *Scenario) Offered(loads []int32, base, t float64) float64 {
	rate := base
	for _, i := range loads {
		l := &s.Loads[i]
		from, to := l.span()
		ramp := l.Ramp.Seconds()
		if t < from || t >= to {
			continue
		}
		target := rate
		switch {
		case l.Daily != nil:
			day := 86400.0
			clock := t
			if !s.Start.IsZero() {
				h, m, s := s.Start.Clock()
				clock += float64(h*3600 + m*60 + s)
			}
			mid := float64(0.5 * (1 + l.Daily.Trough))
			target = rate * (mid + float64((1-mid)*cosine((clock-l.Daily.Peak.Seconds())/day)))
		case len(l.Points) > 0:
			target = l.pointAt(t, rate)
		case l.Times > 0:
			target = rate * l.Times
		case l.Rate.IsStated():
			target = float64(l.Rate.V)
		}
		w := 1.0
		if ramp > 0 {
			w = min(1, (t-from)/ramp, (to-t)/ramp)
		}
		rate += float64(w * (target - rate))
	}
	return max(0, rate)
}

// OfferedAtMost is a bound of Offered between two times with no corner between them
// (see Load.Corners), and whether Offered is just that all along.
func (s *Scenario) OfferedAtMost(loads []int32, base, from, to float64) (most float64, constant bool) {
	most, constant = base, true
	for _, i := range loads {
		l := &s.Loads[i]
		begin, end := l.span()
		if to <= begin || from >= end {
			continue
		}
		target := most
		switch {
		case l.Daily != nil: // never above what it follows
			constant = false
		case len(l.Points) > 0:
			target = max(l.pointAt(from, most), l.pointAt(to, most))
			if l.Linear {
				constant = false
			} else {
				target = l.pointAt(0.5*(from+to), most)
			}
		case l.Times > 0:
			target = most * l.Times
		case l.Rate.IsStated():
			target = float64(l.Rate.V)
		}
		if r := l.Ramp.Seconds(); r > 0 && (from < begin+r || to > end-r) {
			constant = false
			target = max(target, most)
		}
		most = target
	}
	return max(0, most), constant
}

// span is when a load begins and ends, in seconds.
func (l *Load) span() (from, to float64) {
	if l.For <= 0 {
		return l.At.Seconds(), math.MaxFloat64
	}
	return l.At.Seconds(), l.At.Seconds() + l.For.Seconds()
}

// Corners are the times, in seconds, at which a load begins or ceases to change.
func (l *Load) Corners() []float64 {
	from, to := l.span()
	times := []float64{from, to}
	if r := l.Ramp.Seconds(); r > 0 {
		times = append(times, from+r, to-r)
	}
	for _, p := range l.Points {
		times = append(times, p.At.Seconds())
	}
	slices.Sort(times)
	return times
}

// pointAt is the rate of the points of a load at a time, and before where the first is
// later.
func (l *Load) pointAt(t, before float64) float64 {
	rate := before
	for i, p := range l.Points {
		at := p.At.Seconds()
		if t < at {
			if l.Linear && i > 0 {
				last := l.Points[i-1]
				from := last.At.Seconds()
				return float64(last.Rate) + float64((float64(p.Rate)-float64(last.Rate))*((t-from)/(at-from)))
			}
			break
		}
		rate = float64(p.Rate)
	}
	return rate
}

// cosine of a number of turns, the same on every machine: a Taylor series on an
// eighth of a turn, by symmetry.
func cosine(turns float64) float64 {
	x := turns - math.Floor(turns)
	if x > 0.5 {
		x = 1 - x
	}
	sign := 1.0
	if x > 0.25 {
		x, sign = 0.5-x, -1
	}
	y := 2 * math.Pi * x
	y2 := float64(y * y)
	sum, term := 1.0, 1.0
	for k := 1; k <= 12; k++ {
		term = -float64(term*y2) / float64((2*k-1)*(2*k))
		sum += term
	}
	return sign * sum
}
