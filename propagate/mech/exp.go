package mech

import "math"

const (
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
)

// Exp is e to the x, the same on every machine: the library's is written in
// assembler for some and differs there in the last bit. The error is below one
// unit in the last place (the rational approximation of FreeBSD's e_exp.c).
func Exp(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x > 709.78:
		return math.Inf(1)
	case x < -745.2:
		return 0
	}
	var k int
	switch {
	case x < 0:
		k = int(float64(math.Log2E*x) - 0.5)
	default:
		k = int(float64(math.Log2E*x) + 0.5)
	}
	hi := x - float64(float64(k)*ln2Hi)
	lo := float64(float64(k) * ln2Lo)
	r := hi - lo
	t := float64(r * r)
	p := 4.13813679705723846039e-08
	for _, c := range [...]float64{-1.65339022054652515390e-06, 6.61375632143793436117e-05, -2.77777777770155933842e-03, 1.66666666666666019037e-01} {
		p = float64(p*t) + c
	}
	c := r - float64(t*p)
	y := 1 - ((lo - float64(float64(r*c)/(2-c))) - hi)
	return math.Ldexp(y, k)
}

// Log is the natural logarithm of x > 0, the same on every machine (the algorithm
// of FreeBSD's e_log.c). It is NaN below 0 and -Inf at 0.
func Log(x float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	f1, ki := math.Frexp(x)
	if f1 < math.Sqrt2/2 {
		f1 *= 2
		ki--
	}
	f := f1 - 1
	k := float64(ki)
	s := f / (2 + f)
	s2 := float64(s * s)
	s4 := float64(s2 * s2)
	t1 := 1.479819860511658591e-01
	for _, c := range [...]float64{1.818357216161805012e-01, 2.857142874366239149e-01, 6.666666666666735130e-01} {
		t1 = float64(t1*s4) + c
	}
	t2 := 1.531383769920937332e-01
	for _, c := range [...]float64{2.222219843214978396e-01, 3.999999999940941908e-01} {
		t2 = float64(t2*s4) + c
	}
	r := float64(s2*t1) + float64(s4*t2)
	half := float64(0.5 * float64(f*f))
	return float64(k*ln2Hi) - ((half - (float64(s*(half+r)) + float64(k*ln2Lo))) - f)
}

// Power is x to the n for whole n >= 0, and for n in between the geometric
// interpolation, the same on every machine.
func Power(x, n float64) float64 {
	switch {
	case n == 0 || x == 1:
		return 1
	case x <= 0:
		return 0
	case n == math.Trunc(n) && n <= 64:
		y := 1.0
		for range int(n) {
			y *= x
		}
		return y
	}
	return Exp(float64(n * Log(x)))
}
