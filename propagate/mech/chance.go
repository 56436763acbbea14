package mech

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// Dice draw what chance decides about one thing. The nil Dice are the mean: what is
// asked of them comes out as its expectation, so a model that is written with them is
// the mean-field one where there are none, to the last bit.
//
// Masses that are drawn are whole numbers, and stay so: what is divided by chance is
// divided into whole parts. Every drawing is exact in distribution, and the same on
// every machine.
type Dice struct{ source rand.PCG }

// NewDice are the dice of one thing and one purpose under a seed: a stream of its own,
// so that what one service draws does not depend on what another does.
func NewDice(seed uint64, id, purpose string) *Dice {
	h := fnv.New64a()
	h.Write([]byte(id))
	h.Write([]byte{0})
	h.Write([]byte(purpose))
	d := &Dice{}
	d.source.Seed(seed, h.Sum64())
	return d
}

// uniform is even between 0 and 1, and neither of them.
func (d *Dice) uniform() float64 {
	return float64(float64(d.source.Uint64()>>11)*0x1p-53) + 0x1p-54
}

// Of is how many of so many have what each has with a probability: binomial. Part of
// one, where there is any, counts as its expectation.
func (d *Dice) Of(mass, p float64) float64 {
	if d == nil {
		return float64(mass * p)
	}
	return d.of(mass, p)
}

// of is Of where there are dice. It stands by itself, as others do, so that what is
// asked of nil dice costs no call.
func (d *Dice) of(mass, p float64) float64 {
	switch {
	case !(mass > 0) || !(p > 0):
		return 0
	case p >= 1:
		return mass
	}
	n := math.Floor(mass + wholeEnough)
	return d.binomial(n, p) + float64(max(0, mass-n)*p)
}

// Whole is a whole number with a mass as its mean: the one below or the one above.
func (d *Dice) Whole(mass float64) float64 {
	if d == nil {
		return mass
	}
	return d.whole(mass)
}

func (d *Dice) whole(mass float64) float64 {
	if math.IsInf(mass, 0) {
		return mass
	}
	n := math.Floor(mass + wholeEnough)
	if rest := mass - n; rest > wholeEnough && d.uniform() < rest {
		n++
	}
	return n
}

// Down is the whole number below a mass.
func (d *Dice) Down(mass float64) float64 {
	if d == nil || math.IsInf(mass, 0) {
		return mass
	}
	return math.Floor(mass + wholeEnough)
}

// wholeEnough is how far from a whole number a sum of shares of one may be off.
const wholeEnough = 1e-6

// Come is how many come by themselves where so many are expected: Poisson.
func (d *Dice) Come(mean float64) float64 {
	if d == nil {
		return mean
	}
	return d.poisson(mean)
}

// Divide takes a share of what is in a row of kinds, away into out: as many of all
// together as the share says, to within one, and of each kind as many as a blind
// choice among all takes (hypergeometric). It returns how many it took.
func (d *Dice) Divide(row []float64, share float64, out []float64) float64 {
	all := 0.0
	for _, m := range row {
		all += m
	}
	if all <= 0 || share <= 0 {
		return 0
	}
	take := min(all, d.Whole(float64(all*share)))
	if share >= 1 {
		take = all
	}
	left, taken := all, 0.0
	for j, m := range row {
		if m <= 0 {
			continue
		}
		x := min(m, take-taken)
		if m < left {
			x = d.hypergeometric(take-taken, m, left)
		}
		row[j] = m - x
		out[j] += x
		taken += x
		left -= m
	}
	return taken
}

// hypergeometric is how many of m marked ones there are among k taken blindly of n.
func (d *Dice) hypergeometric(k, m, n float64) float64 {
	low, high := max(0, k-(n-m)), min(k, m)
	if low >= high {
		return low
	}
	if k > 64 { // of many, chance moves little: the mean will do
		return max(low, min(high, d.Whole(float64(k*(m/n)))))
	}
	got := 0.0
	for range int(k) {
		if float64(d.uniform()*n) < m {
			got++
			m--
		}
		n--
	}
	return got
}

// poisson draws by inversion where few are expected, and by transformed rejection
// otherwise (PTRS: Hörmann, Insurance: Mathematics and Economics 12, 1993).
func (d *Dice) poisson(mean float64) float64 {
	if !(mean > 0) {
		return 0
	}
	if mean < 12 {
		u := d.uniform()
		p := Exp(-mean)
		k := 0.0
		for u > p && k < 200 {
			u -= p
			k++
			p = float64(p*mean) / k
		}
		return k
	}
	b := 0.931 + float64(2.53*math.Sqrt(mean))
	a := -0.059 + float64(0.02483*b)
	inverse := 1.1239 + 1.1328/(b-3.4)
	ratio := 0.9277 - 3.6224/(b-2)
	logMean := Log(mean)
	for {
		u, v := d.uniform()-0.5, d.uniform()
		us := 0.5 - math.Abs(u)
		k := math.Floor(float64((float64(2*a)/us+b)*u) + mean + 0.43)
		if us >= 0.07 && v <= ratio {
			return k
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		if Log(v)+Log(inverse)-Log(a/float64(us*us)+b) <= float64(k*logMean)-mean-logFactorial(k) {
			return k
		}
	}
}

// binomial draws by inversion where few are expected, and by transformed rejection
// otherwise (BTRS: Hörmann, Journal of Statistical Computation and Simulation 46, 1993).
func (d *Dice) binomial(n, p float64) float64 {
	if n <= 0 {
		return 0
	}
	if p > 0.5 {
		return n - d.binomial(n, 1-p)
	}
	if n == 1 {
		if d.uniform() < p {
			return 1
		}
		return 0
	}
	q := 1 - p
	if float64(n*p) < 10 {
		u := d.uniform()
		x := Exp(float64(n * Log(q)))
		odds := p / q
		k := 0.0
		for u > x && k < n {
			u -= x
			k++
			x = float64(x*odds) * (n - k + 1) / k
		}
		return k
	}
	spread := math.Sqrt(float64(float64(n*p) * q))
	b := 1.15 + float64(2.53*spread)
	a := -0.0873 + float64(0.0248*b) + float64(0.01*p)
	c := float64(n*p) + 0.5
	ratio := 0.92 - 4.2/b
	alpha := float64((2.83 + 5.1/b) * spread)
	odds := Log(p / q)
	mode := math.Floor(float64((n + 1) * p))
	top := logFactorial(mode) + logFactorial(n-mode)
	for {
		u, v := d.uniform()-0.5, d.uniform()
		us := 0.5 - math.Abs(u)
		k := math.Floor(float64((float64(2*a)/us+b)*u) + c)
		if us >= 0.07 && v <= ratio {
			return k
		}
		if k < 0 || k > n {
			continue
		}
		v = float64(v*alpha) / (a/float64(us*us) + b)
		if Log(v) <= top-logFactorial(k)-logFactorial(n-k)+float64((k-mode)*odds) {
			return k
		}
	}
}

// logFactorial is log(k!) by Stirling's series, exact to 1e-12 for every whole k >= 0.
func logFactorial(k float64) float64 {
	shift := 0.0
	x := k + 1
	for x < 10 {
		shift -= Log(x)
		x++
	}
	const halfLog2Pi = 0.91893853320467274178
	x2 := float64(x * x)
	series := (1.0/12 - (1.0/360-(1.0/1260-1.0/1680/x2)/x2)/x2) / x
	return shift + float64((x-0.5)*Log(x)) - x + halfLog2Pi + series
}

// Play is what [Servers.Serve] is the mean of: how many start in h seconds and how many
// are in service at the end, where requests come one by one at even times, and each is
// in service for an exponential time by itself (M/M/c). The numbers at the end of a
// step are exact in distribution whatever its length, as long as no more than a few
// dozen come and go in it; beyond, what is finished is drawn around its mean (Poisson:
// tau-leaping, Gillespie, Journal of Chemical Physics 115, 2001).
//
// A part of a server works at that part of the rate.
func (v Servers) Play(d *Dice, x, queue, arrivals, h float64) (started, inService float64) {
	if d == nil {
		return v.Serve(x, queue, arrivals, h)
	}
	if math.IsInf(v.Count, 1) {
		keep := Exp(-h / v.Time)
		return queue + arrivals, d.Of(x+queue, keep) + d.Of(arrivals, v.Time/h*(1-keep))
	}
	places := math.Ceil(v.Count - wholeEnough)
	if arrivals+float64(min(max(x, v.Count), x+queue+arrivals)*(h/v.Time)) > manyEvents {
		return v.leap(d, places, x, queue, arrivals, h)
	}
	begin := max(0, min(queue, places-x))
	started, x, queue = begin, x+begin, queue-begin
	for left := h; ; {
		next, arrives := left, false
		if arrivals > 0 {
			// The first of n even times: the n-th root of an even number, from the end.
			next, arrives = float64(left*(1-Exp(Log(d.uniform())/arrivals))), true
		}
		rate := x
		if x == places {
			rate = v.Count
		}
		if rate > 0 {
			if done := -Log(d.uniform()) * v.Time / rate; done < next {
				// No memory: the wait for the next arrival begins again.
				left -= done
				x--
				if queue > 0 && x < places {
					queue--
					x++
					started++
				}
				continue
			}
		}
		if !arrives {
			return started, x
		}
		left -= next
		arrivals--
		if x < places {
			x++
			started++
		} else {
			queue++
		}
	}
}

// manyEvents is how many may come and go in a step one by one.
const manyEvents = 48

// leap is Play for many at once.
func (v Servers) leap(d *Dice, places, x, queue, arrivals, h float64) (started, inService float64) {
	mean, end := v.Serve(x, queue, arrivals, h)
	done := d.poisson(max(0, x+mean-end))
	started = d.Whole(mean)
	// More finished than expected make room, fewer leave none.
	inService = x + started - done
	if over := inService - max(places, x-done); over > 0 {
		started -= over
		inService -= over
	}
	if wait := queue + arrivals - started; wait > 0 && inService < places {
		started += min(wait, math.Floor(places-inService))
	}
	started = max(0, min(started, queue+arrivals))
	return started, max(0, x+started-done)
}
