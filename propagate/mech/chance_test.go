package mech_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/mech"
)

// moments draws often and returns mean and variance.
func moments(n int, draw func() float64) (mean, variance float64) {
	for i := range n {
		x := draw()
		d := x - mean
		mean += d / float64(i+1)
		variance += d * (x - mean)
	}
	return mean, variance / float64(n-1)
}

// TestDrawings holds means and variances of what dice draw, on both sides of where the
// method changes, to five standard errors of the drawings.
func TestDrawings(t *testing.T) {
	const n = 200_000
	d := mech.NewDice(1, "api", "test")
	check := func(what string, mean, variance float64, draw func() float64) {
		t.Helper()
		m, v := moments(n, draw)
		off := 5 * math.Sqrt(variance/n)
		if math.Abs(m-mean) > off {
			t.Errorf("%s: mean %v, not %v ± %v", what, m, mean, off)
		}
		// The variance of a variance is that of a normal one, and more where events are rare.
		if off := 5 * variance * math.Sqrt((2+1/variance)/n); math.Abs(v-variance) > off {
			t.Errorf("%s: variance %v, not %v ± %v", what, v, variance, off)
		}
	}
	for _, mean := range []float64{0.01, 0.6, 5, 11.9, 12.1, 50, 3000} {
		check("poisson", mean, mean, func() float64 { return d.Come(mean) })
	}
	for _, x := range [][2]float64{{1, 0.3}, {3, 0.02}, {20, 0.45}, {23, 0.45}, {100, 0.09}, {100, 0.11}, {1000, 0.5}, {50, 0.9}, {100_000, 0.2}} {
		check("binomial", x[0]*x[1], x[0]*x[1]*(1-x[1]), func() float64 { return d.Of(x[0], x[1]) })
	}
	for _, mass := range []float64{0.3, 7.25, 12} {
		rest := mass - math.Floor(mass)
		check("whole", mass, max(rest*(1-rest), 1e-30), func() float64 { return d.Whole(mass) })
	}
	// 5 of 7, 3 and 0: hypergeometric.
	out := make([]float64, 3)
	check("divide", 3.5, 3.5*0.3*5/9, func() float64 {
		row := []float64{7, 3, 0}
		clear(out)
		if got := d.Divide(row, 0.5, out); got != 5 {
			t.Fatalf("%v of 10", got)
		}
		return out[0]
	})
}

// TestPoissonProbabilities compares frequencies with probabilities, one by one, where
// the rejection method begins (chi squared).
func TestPoissonProbabilities(t *testing.T) {
	const n, mean = 400_000, 15.0
	d := mech.NewDice(7, "api", "test")
	count := make([]float64, 60)
	for range n {
		count[min(59, int(d.Come(mean)))]++
	}
	p, square, cells := math.Exp(-mean), 0.0, 0
	for k := range count {
		if want := p * n; want > 20 {
			square += (count[k] - want) * (count[k] - want) / want
			cells++
		}
		p *= mean / float64(k+1)
	}
	if limit := float64(cells) + 5*math.Sqrt(2*float64(cells)); square > limit {
		t.Errorf("chi squared is %.0f of %d, more than %.0f", square, cells, limit)
	}
}

// TestNoDice: dice that are not there give the mean, bit by bit.
func TestNoDice(t *testing.T) {
	var d *mech.Dice
	rapid.Check(t, func(t *rapid.T) {
		m, p := rapid.Float64Range(0, 1e6).Draw(t, "mass"), rapid.Float64Range(0, 1).Draw(t, "share")
		if d.Of(m, p) != float64(m*p) || d.Whole(m) != m || d.Down(m) != m || d.Come(m) != m {
			t.Fatal("not the mean")
		}
		s := drawStep(t)
		a, b := s.v.Serve(s.x, s.queue, s.arrivals, s.h)
		if x, y := s.v.Play(d, s.x, s.queue, s.arrivals, s.h); x != a || y != b {
			t.Fatal("not the mean")
		}
	})
}

// TestWholeMasses: what is drawn of whole masses is whole, and nothing is lost or made.
func TestWholeMasses(t *testing.T) {
	whole := func(t *rapid.T, x, most float64) {
		if x != math.Trunc(x) || x < 0 || x > most {
			t.Fatalf("%v of %v", x, most)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := mech.NewDice(rapid.Uint64().Draw(t, "seed"), "api", "test")
		row := make([]float64, rapid.IntRange(1, 4).Draw(t, "kinds"))
		all := 0.0
		for j := range row {
			row[j] = float64(rapid.SampledFrom([]int{0, 1, 3, 20, 500}).Draw(t, "mass"))
			all += row[j]
		}
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		whole(t, d.Of(all, share), all)
		before, out := append([]float64{}, row...), make([]float64, len(row))
		taken := d.Divide(row, share, out)
		if math.Abs(taken-all*share) >= 1 {
			t.Fatalf("%v of %v are not a share of %v", taken, all, share)
		}
		sum := 0.0
		for j := range row {
			whole(t, out[j], before[j])
			if row[j]+out[j] != before[j] {
				t.Fatal("lost or made")
			}
			sum += out[j]
		}
		if sum != taken {
			t.Fatal("lost or made")
		}
		s := drawStep(t)
		s.x, s.queue, s.arrivals = math.Floor(s.x), math.Floor(s.queue), math.Floor(min(1e6, s.arrivals))
		started, in := s.v.Play(d, s.x, s.queue, s.arrivals, s.h)
		whole(t, started, s.queue+s.arrivals)
		whole(t, in, max(s.x, math.Ceil(s.v.Count)))
		if in > s.x+started {
			t.Fatalf("%v began and %v were there, and %v are", started, s.x, in)
		}
	})
}

// TestPlayIsMMC: played for long, in steps of any length, requests at servers are an
// M/M/c: the mean in service and waiting are those of Erlang's formula.
func TestPlayIsMMC(t *testing.T) {
	for _, test := range []struct{ servers, load, step float64 }{{1, 0.8, 0.1}, {1, 0.6, 2}, {2, 0.7, 0.5}, {5, 0.8, 1}, {20, 0.8, 0.3}} {
		v := mech.Servers{Count: test.servers, Time: 0.1}
		rate := test.load * test.servers / v.Time
		h := test.step * v.Time
		d := mech.NewDice(3, "api", "test")
		x, queue, busy, waiting := 0.0, 0.0, 0.0, 0.0
		n := int(60_000 / h / rate * 20)
		for range n {
			a := d.Come(rate * h)
			started, in := v.Play(d, x, queue, a, h)
			queue += a - started
			x = in
			busy += x / float64(n)
			waiting += queue / float64(n)
		}
		q := closedform.MMC{Arrivals: rate, Service: v.Time, Servers: int(test.servers)}
		if want := test.load * test.servers; math.Abs(busy-want) > 0.01*want {
			t.Errorf("%+v: %v in service, not %v", test, busy, want)
		}
		if want := q.MeanQueue(); math.Abs(waiting-want) > 0.08*want {
			t.Errorf("%+v: %v wait, not %v", test, waiting, want)
		}
	}
}

// TestPlayOfMany: with many at once the mean is that of Serve, and what starts at full
// servers varies as what is finished does.
func TestPlayOfMany(t *testing.T) {
	v := mech.Servers{Count: 100, Time: 0.1}
	d := mech.NewDice(4, "api", "test")
	for _, test := range []struct{ x, queue, arrivals float64 }{{100, 5000, 90}, {60, 0, 60}, {0, 0, 50}, {100, 3, 40}, {90, 20, 100}, {250, 80, 60}} {
		const h = 0.1
		started, end := v.Serve(test.x, test.queue, test.arrivals, h)
		ends := 0.0
		m, variance := moments(20_000, func() float64 {
			s, in := v.Play(d, test.x, test.queue, test.arrivals, h)
			ends += in / 20_000
			return s
		})
		if math.Abs(m-started) > max(2.5, 0.03*started) || math.Abs(ends-end) > max(2.5, 0.03*end) {
			t.Errorf("%+v: %.2f start and %.2f are in service; on average %.2f and %.2f", test, m, ends, started, end)
		}
		if test.queue == 5000 && math.Abs(variance-100) > 5 {
			t.Errorf("%+v: what starts has a variance of %v, not 100", test, variance)
		}
	}
}

// TestStreams: a seed gives the same again, and every thing and purpose something else.
func TestStreams(t *testing.T) {
	draw := func(seed uint64, id, purpose string) (all [8]float64) {
		d := mech.NewDice(seed, id, purpose)
		for i := range all {
			all[i] = d.Come(1000)
		}
		return all
	}
	one := draw(1, "api", "fate")
	if one != draw(1, "api", "fate") {
		t.Error("the same dice draw something else")
	}
	for _, other := range [][8]float64{draw(2, "api", "fate"), draw(1, "apis", "fate"), draw(1, "api", "arrivals"), draw(1, "apif", "ate")} {
		if one == other {
			t.Error("other dice draw the same")
		}
	}
}
