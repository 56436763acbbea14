package ensemble

import (
	"fmt"
	"math"
	"slices"
)

// Share is in how many of the runs something is so, and the interval in which its
// probability lies, with 95 % confidence (Wilson, Journal of the American Statistical
// Association 22, 1927): of none of a hundred runs one may still be so in 27.
type Share struct {
	Count, Of int
	Share     float64
	Low, High float64
}

// z is the 97.5 % quantile of the normal distribution.
const z = 1.959963984540054

func newShare(count, of int) Share {
	if of == 0 {
		return Share{High: 1}
	}
	n := float64(of)
	p := float64(count) / n
	mid := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(float64(p*(1-p))/n+z*z/(4*n*n))
	s := Share{Count: count, Of: of, Share: p, Low: max(0, mid-half), High: min(1, mid+half)}
	if count == 0 {
		s.Low = 0 // and not a rounding error
	}
	if count == of {
		s.High = 1
	}
	return s
}

func (s Share) String() string {
	return fmt.Sprintf("%d of %d runs (%.0f %% to %.0f %%)", s.Count, s.Of, math.Floor(100*s.Low), math.Ceil(100*s.High))
}

// Spread is how a number differs from run to run. Runs that do not have it do not
// count.
type Spread struct {
	Of          int     // runs that have it
	Mean        float64 // NaN where no run has it, as all that follow
	Half        float64 // half the width of the interval of the mean, with 95 % confidence; NaN of one run
	Low, High   float64 // nineteen of twenty runs lie between: quantiles of 2.5 and 97.5 %
	Median      float64
	Least, Most float64
}

// Band is a number in one bin over all runs.
type Band struct {
	Mean      float64
	Half      float64 // half the width of the interval of the mean, with 95 % confidence
	Low, High float64 // nineteen of twenty runs lie between
}

// newSpread sorts the values it is given.
func newSpread(values []float64) Spread {
	v := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	slices.Sort(v)
	if len(v) == 0 {
		none := math.NaN()
		return Spread{0, none, none, none, none, none, none, none}
	}
	mean, half := interval(v)
	return Spread{len(v), mean, half, quantile(v, 0.025), quantile(v, 0.975), quantile(v, 0.5), v[0], v[len(v)-1]}
}

// newBand reorders the values it is given; none of them is NaN.
func newBand(v []float64) Band {
	slices.Sort(v)
	mean, half := interval(v)
	return Band{mean, half, quantile(v, 0.025), quantile(v, 0.975)}
}

// interval is the mean of some sorted numbers and half its 95 % confidence interval, by
// Student's distribution.
func interval(v []float64) (mean, half float64) {
	n := float64(len(v))
	for _, x := range v {
		mean += x
	}
	mean /= n
	if v[0] == v[len(v)-1] && len(v) > 1 {
		return v[0], 0 // and not a rounding error
	}
	if len(v) < 2 || math.IsInf(mean, 0) {
		return mean, math.NaN()
	}
	square := 0.0
	for _, x := range v {
		square += float64((x - mean) * (x - mean))
	}
	return mean, student(len(v)-1) * math.Sqrt(square/(n-1)/n)
}

// quantile is that of sorted numbers, on the line between neighbours.
func quantile(v []float64, p float64) float64 {
	at := p * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) || v[i] == v[i+1] {
		return v[i]
	}
	return v[i] + float64((v[i+1]-v[i])*(at-float64(i)))
}

// student is the 97.5 % quantile of Student's distribution with so many degrees of
// freedom: of a few from the table, of more by the expansion of Cornish and Fisher,
// which is exact to a part in ten thousand there.
func student(n int) float64 {
	few := [...]float64{12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281}
	if n <= len(few) {
		return few[n-1]
	}
	x := float64(n)
	const z3, z5 = z * z * z, z * z * z * z * z
	return z + (z3+z)/(4*x) + (5*z5+16*z3+3*z)/(96*x*x)
}
