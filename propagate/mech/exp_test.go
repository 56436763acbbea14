package mech_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/mech"
)

const digits = 200 // bits of the numbers that ours are compared with

// bigExp is e to the x by its series, after x was halved until that is short.
func bigExp(x *big.Float) *big.Float {
	const halvings = 40
	r := new(big.Float).SetPrec(digits).SetMantExp(x, -halvings)
	sum, term := big.NewFloat(1).SetPrec(digits), big.NewFloat(1).SetPrec(digits)
	for k := 1; k < 20; k++ {
		term.Mul(term, r)
		term.Quo(term, big.NewFloat(float64(k)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

func precise(x float64) *big.Float { return new(big.Float).SetPrec(digits).SetFloat64(x) }

// ulps is how many units in the last place of got it is away from what it should be.
func ulps(got float64, want *big.Float) float64 {
	unit := math.Nextafter(math.Abs(got), math.Inf(1)) - math.Abs(got)
	off := new(big.Float).SetPrec(digits).Sub(precise(got), want)
	off.Quo(off, precise(unit))
	n, _ := off.Float64()
	return math.Abs(n)
}

// TestExp compares with 200 bits, where results are normal numbers; below that the
// last place is that of the smallest number there is.
func TestExp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(rapid.Float64Range(-745, 709.7), rapid.Float64Range(-2, 2), rapid.Float64Range(-1e-9, 1e-9)).Draw(t, "x")
		y := mech.Exp(x)
		if off := ulps(y, bigExp(precise(x))); off > 1 {
			t.Fatalf("Exp(%v) = %v, %.2f units in the last place off", x, y, off)
		}
		if std := math.Exp(x); math.Abs(y-std) > 4e-16*std+1e-323 {
			t.Fatalf("Exp(%v) = %v, and math.Exp is %v", x, y, std)
		}
	})
	for x, want := range map[float64]float64{0: 1, math.Inf(-1): 0, math.Inf(1): math.Inf(1), -800: 0, 710: math.Inf(1)} {
		if got := mech.Exp(x); got != want {
			t.Errorf("Exp(%v) = %v", x, got)
		}
	}
	if !math.IsNaN(mech.Exp(math.NaN())) || !math.IsNaN(mech.Log(math.NaN())) {
		t.Error("a number of what is none")
	}
}

// TestLog holds that e to the result is the argument, to the last place of the result.
func TestLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(
			rapid.Float64Range(math.SmallestNonzeroFloat64, math.MaxFloat64),
			rapid.Float64Range(1e-6, 1e6),
			rapid.Float64Range(0.99, 1.01),
		).Draw(t, "x")
		y := mech.Log(x)
		// log x = y + (x/e^y - 1), to the square of a number below 1e-13
		rest := new(big.Float).SetPrec(digits).Quo(precise(x), bigExp(precise(y)))
		rest.Sub(rest, precise(1))
		if off := ulps(y, rest.Add(rest, precise(y))); y != 0 && off > 1 {
			t.Fatalf("Log(%v) = %v, %.2f units in the last place off", x, y, off)
		}
	})
	if mech.Log(1) != 0 || !math.IsInf(mech.Log(0), -1) || !math.IsNaN(mech.Log(-1)) || !math.IsInf(mech.Log(math.Inf(1)), 1) {
		t.Error("the ends of the logarithm")
	}
}

// TestPower: a product for a whole number of factors, and between whole numbers the
// geometric mean of its neighbours.
func TestPower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0.001, 4).Draw(t, "x")
		n := rapid.Float64Range(0, 200).Draw(t, "n")
		for _, n := range []float64{n, math.Trunc(n)} {
			if got, want := mech.Power(x, n), math.Pow(x, n); math.Abs(got-want) > 1e-13*max(1, n)*want {
				t.Fatalf("Power(%v, %v) = %v, not %v", x, n, got, want)
			}
		}
		if a, b := mech.Power(x, n), mech.Power(x, n+0.5); x < 1 && b > a || x > 1 && b < a {
			t.Fatalf("Power(%v, ·) turns at %v", x, n)
		}
	})
	if mech.Power(0, 0) != 1 || mech.Power(0, 3) != 0 || mech.Power(1, math.Inf(1)) != 1 {
		t.Error("the ends of the power")
	}
}
