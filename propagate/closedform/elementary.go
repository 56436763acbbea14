package closedform

import (
	"math"

	"github.com/knockon/knockon/propagate/mech"
)

// Elementary functions that give the same bits on every processor. Those of package
// math do not: some are assembler, the others may be compiled with fused products.

func exp(x float64) float64 { return mech.Exp(x) }

func log(x float64) float64 { return mech.Log(x) }

// power is x^n for x >= 0 and whole n >= 0.
func power(x, n float64) float64 { return float64(mech.Power(x, n)) }

// expm1 is e^x - 1, also where x is near 0: the error of u - 1 and that of log u
// cancel (Kahan; Higham, Accuracy and Stability of Numerical Algorithms, 2002, 1.14.1).
func expm1(x float64) float64 {
	u := exp(x)
	switch {
	case u == 1:
		return x
	case u-1 == -1: // also where u has lost digits, or is 0
		return -1
	case math.IsInf(u, 1):
		return u
	}
	return (u - 1) / log(u) * x
}

// log1p is log(1 + x), also where x is near 0 (as expm1).
func log1p(x float64) float64 {
	u := 1 + x
	if u == 1 {
		return x
	}
	return log(u) / (u - 1) * x
}
