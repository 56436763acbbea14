package closedform

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/policy"
)

// near reports whether two numbers agree to so many parts of the larger, or are both
// too small to matter.
func near(a, b, relative float64) bool {
	return a == b || math.Abs(a-b) <= max(relative*max(math.Abs(a), math.Abs(b)), 1e-13)
}

func expectNear(t *rapid.T, what string, got, want, relative float64) {
	t.Helper()
	if !near(got, want, relative) {
		t.Fatalf("%s = %.17g, not %.17g", what, got, want)
	}
}

func TestErlangAgreesWithTheRecursion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.IntRange(1, 3000).Draw(t, "servers")
		a := float64(c) * rapid.Float64Range(0.5, 1.5).Draw(t, "load")
		b := 1.0
		for k := 1; k <= c; k++ {
			b = a * b / (float64(k) + a*b)
		}
		expectNear(t, "B", ErlangB(c, a), b, 1e-11)
		if a < float64(c) {
			expectNear(t, "C", ErlangC(c, a), b/(1-a/float64(c)*(1-b)), 1e-9)
		}
		if more := ErlangB(c+1, a); more >= ErlangB(c, a) && more > 0 {
			t.Fatalf("one more server loses more: %v", more)
		}
		if ErlangC(c, a) < ErlangB(c, a) {
			t.Fatal("fewer wait than would be lost")
		}
	})
}

// TestErlangOfManyServers compares with the square-root law of Halfin and Whitt
// (Operations Research 29, 1981), which is exact in the limit.
func TestErlangOfManyServers(t *testing.T) {
	phi := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	cumulated := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	for _, beta := range []float64{0.2, 1, 2} {
		const c = 1_000_000
		want := 1 / (1 + beta*cumulated(beta)/phi(beta))
		if got := ErlangC(c, c-beta*1000); !near(got, want, 3e-3) {
			t.Errorf("a million servers, beta %v: C = %v, in the limit %v", beta, got, want)
		}
	}
	if got := ErlangC(1_000_000, 900_000); got != 0 {
		t.Errorf("a wait among 100,000 idle servers has the probability %v", got)
	}
	if got := ErlangC(1_000_000, 1_000_000*(1-1e-12)); got < 0.99 || got > 1 {
		t.Errorf("at the edge C = %v", got)
	}
}

func aService(t *rapid.T, lowest, highest float64) MMC {
	q := MMC{
		Service: rapid.Float64Range(0.001, 10).Draw(t, "service"),
		Servers: rapid.IntRange(1, 50).Draw(t, "servers"),
	}
	q.Arrivals = float64(q.Servers) / q.Service * rapid.Float64Range(lowest, highest).Draw(t, "load")
	return q
}

// integral is that of f over 0..to, by Simpson's rule.
func integral(f func(float64) float64, to float64) float64 {
	const n = 20000
	h, sum := to/n, f(0)+f(to)
	for i := 1; i < n; i++ {
		sum += f(float64(i)*h) * float64(2+2*(i%2))
	}
	return sum * h / 3
}

func TestTailsIntegrateToMeans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := aService(t, 0.01, 0.9)
		c := ErlangC(q.Servers, q.offered()) // once, and not 20,000 times
		end := 40 * (q.Service + q.Service/q.rest())
		expectNear(t, "mean wait", q.MeanWait(), integral(func(t float64) float64 { return c * math.Exp(-q.rest()/q.Service*t) }, end), 1e-6)
		if q.ResponseTail(0) != 1 {
			t.Fatal("a response within no time")
		}
		last, sum := 1.0, 0.0
		const n = 400
		for i := 1; i <= n; i++ {
			tail := q.ResponseTail(end * float64(i) / n)
			if tail > last+1e-15 || tail < q.WaitTail(end*float64(i)/n)-1e-12 {
				t.Fatalf("tail %v after %v, below that of the wait or above the last", tail, last)
			}
			sum += (last + tail) / 2 * end / n
			last = tail
		}
		if mean := q.MeanResponse(); sum < mean*0.9 || sum > mean*1.5 { // the trapezium is above a convex tail
			t.Fatalf("the tail integrates to %v, the mean is %v", sum, mean)
		}
		share := rapid.Float64Range(0, 0.9999).Draw(t, "share")
		if at := q.WaitQuantile(share); at > 0 {
			expectNear(t, "tail at the quantile", q.WaitTail(at), 1-share, 1e-9)
		} else if c > 1-share {
			t.Fatal("the quantile is 0 and more wait")
		}
	})
}

// TestResponseTailWhereRatesMeet: the formula of the books divides by zero there.
func TestResponseTailWhereRatesMeet(t *testing.T) {
	q := MMC{Arrivals: 9, Service: 1, Servers: 10} // theta = mu = 1
	want := (1 + q.WaitProbability()*2) * math.Exp(-2)
	if got := q.ResponseTail(2); !near(got, want, 1e-14) {
		t.Errorf("at theta = mu %.17g, not %.17g", got, want)
	}
	for _, off := range []float64{1e-15, 1e-9, 1e-6, -1e-9} {
		q.Arrivals = 9 + off
		if got := q.ResponseTail(2); !near(got, want, 1e-5) {
			t.Errorf("beside theta = mu by %v: %.17g, not %.17g", off, got, want)
		}
	}
}

// birthDeath gives the stationary distribution of a chain by definition.
func birthDeath(states int, birth, death func(k int) float64) []float64 {
	logs := make([]float64, states)
	for k := 1; k < states; k++ {
		logs[k] = logs[k-1] + math.Log(birth(k-1)) - math.Log(death(k))
	}
	top, sum := slices.Max(logs), 0.0
	for k := range logs {
		logs[k] = math.Exp(logs[k] - top)
		sum += logs[k]
	}
	for k := range logs {
		logs[k] /= sum
	}
	return logs
}

func TestLossIsTheBirthDeathChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := aService(t, 0.05, 3)
		q := MMCK{Arrivals: m.Arrivals, Service: m.Service, Servers: m.Servers, Waiting: rapid.IntRange(0, 300).Draw(t, "waiting")}
		if rapid.Bool().Draw(t, "critical") {
			q.Arrivals = float64(q.Servers) / q.Service * (1 + rapid.Float64Range(-1e-3, 1e-3).Draw(t, "off"))
		}
		p := birthDeath(q.Servers+q.Waiting+1,
			func(int) float64 { return q.Arrivals },
			func(k int) float64 { return float64(min(k, q.Servers)) / q.Service })
		var queue, system float64
		for k, share := range p {
			queue += share * float64(max(0, k-q.Servers))
			system += share * float64(k)
		}
		lost := p[len(p)-1]
		expectNear(t, "loss", q.Loss(), lost, 1e-9)
		expectNear(t, "queue", q.MeanQueue(), queue, 1e-9)
		expectNear(t, "in system", q.MeanInSystem(), system, 1e-9)
		expectNear(t, "wait", q.MeanWait(), queue/(q.Arrivals*(1-lost)), 1e-8)
	})
}

func TestLossTendsToTheFluidAndToErlangC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := aService(t, 0.05, 3)
		rho := m.offered() / float64(m.Servers)
		if math.Abs(rho-1) < 0.01 {
			t.Skip("too near to critical for the limit")
		}
		q := MMCK{Arrivals: m.Arrivals, Service: m.Service, Servers: m.Servers, Waiting: 100_000_000}
		expectNear(t, "loss", q.Loss(), max(0, 1-1/rho), 1e-6)
		if rho < 1 {
			expectNear(t, "queue", q.MeanQueue(), m.MeanQueue(), 1e-8)
		} else if short := float64(q.Waiting) - q.MeanQueue(); short < 0 || short > 1/(rho-1)*1.01 {
			t.Fatalf("an overloaded queue is %v short of full", short)
		}
		q.Waiting = 0
		expectNear(t, "Erlang B", q.Loss(), ErlangB(q.Servers, m.offered()), 1e-12)
	})
}

func TestErlangAIsTheBirthDeathChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := aService(t, 0.05, 2)
		q := ErlangA{Arrivals: m.Arrivals, Service: m.Service, Servers: m.Servers, Patience: m.Service * rapid.Float64Range(0.02, 20).Draw(t, "patience")}
		p := birthDeath(q.Servers+8000,
			func(int) float64 { return q.Arrivals },
			func(k int) float64 {
				return float64(min(k, q.Servers))/q.Service + float64(max(0, k-q.Servers))/q.Patience
			})
		var queue, wait, busy float64
		for k, share := range p {
			queue += share * float64(max(0, k-q.Servers))
			busy += share * float64(min(k, q.Servers))
			if k >= q.Servers {
				wait += share
			}
		}
		expectNear(t, "queue", q.MeanQueue(), queue, 1e-8)
		expectNear(t, "P(wait)", q.WaitProbability(), wait, 1e-8)
		expectNear(t, "utilisation", q.Utilisation(), busy/float64(q.Servers), 1e-8)
		expectNear(t, "abandonment", q.Abandonment(), queue/q.Patience/q.Arrivals, 1e-8)
		if q.Abandonment() < q.FluidAbandonment()-1e-12 {
			t.Fatal("chance makes fewer give up")
		}
	})
}

func TestErlangATendsToErlangCAndToTheFluid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := aService(t, 0.05, 0.95)
		q := ErlangA{Arrivals: m.Arrivals, Service: m.Service, Servers: m.Servers, Patience: m.Service * 1e8}
		expectNear(t, "P(wait)", q.WaitProbability(), m.WaitProbability(), 1e-4)
		expectNear(t, "queue", q.MeanQueue(), m.MeanQueue(), 1e-4)
		q.Patience = math.Inf(1)
		expectNear(t, "queue without an end to patience", q.MeanQueue(), m.MeanQueue(), 0)
	})
	q := ErlangA{Arrivals: 1.2e6, Service: 1, Servers: 1_000_000, Patience: 2}
	if got := q.Abandonment(); !near(got, q.FluidAbandonment(), 1e-9) {
		t.Errorf("a million servers: %v give up, in the fluid %v", got, q.FluidAbandonment())
	}
	if got := q.MeanQueue(); !near(got, q.FluidQueue(), 1e-9) {
		t.Errorf("a million servers: %v wait, in the fluid %v", got, q.FluidQueue())
	}
}

// TestHealthyStateIsTheLeastFixedPoint: going up from no failures, as a system does
// that starts well, ends where Lateness says.
func TestHealthyStateIsTheLeastFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := aService(t, 0.05, 1.1)
		r := RetryingClient{Service: m, Timeout: m.Service * rapid.Float64Range(0.2, 30).Draw(t, "timeout"), Attempts: rapid.IntRange(1, 6).Draw(t, "attempts")}
		capacity := float64(m.Servers) / m.Service
		fold := r.Fold()
		if fold > capacity || fold < capacity/float64(r.Attempts) {
			t.Fatalf("the fold %v is not between %v and %v", fold, capacity/float64(r.Attempts), capacity)
		}
		if math.Abs(m.Arrivals/fold-1) < 0.01 {
			t.Skip("the ascent takes for ever at the fold")
		}
		p := 0.0
		for range 5000 {
			at := m
			at.Arrivals *= Amplification(r.Attempts, p)
			next := at.ResponseTail(r.Timeout)
			if next == p {
				break
			}
			p = next
		}
		expectNear(t, "lateness", r.Lateness(), p, 1e-7)
		if (m.Arrivals > fold) != (p == 1) {
			t.Fatalf("late %v at %v, fold %v", p, m.Arrivals, fold)
		}
	})
}

func TestAmplification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "attempts")
		p := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Float64Range(1-1e-6, 1), rapid.Just(1.0)).Draw(t, "p")
		want, reached := 0.0, 1.0
		for range n {
			want += reached
			reached *= p
		}
		expectNear(t, "amplification", Amplification(n, p), want, 1e-11)
		expectNear(t, "final failure", FinalFailure(n, p), reached, 1e-11)
		expectNear(t, "attempts by failures", Amplification(n, p)*(1-p), 1-reached, 1e-9)
	})
}

// TestNestedRetriesAreOneLoop follows the layers upwards: each sees the final
// failures of the one below as its failures.
func TestNestedRetriesAreOneLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layers := rapid.SliceOfN(rapid.IntRange(1, 6), 0, 6).Draw(t, "layers")
		p := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Just(1.0)).Draw(t, "p")
		attempts, failing := 1.0, p
		for _, n := range layers {
			attempts *= Amplification(n, failing)
			failing = FinalFailure(n, failing)
		}
		expectNear(t, "attempts at the bottom", NestedAmplification(p, layers...), attempts, 1e-9)
		expectNear(t, "failures at the top", NestedFailure(p, layers...), failing, 1e-9)
	})
}

func TestBudgetsOnlyHoldBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 10).Draw(t, "attempts")
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		x := rapid.Float64Range(0, 1).Draw(t, "x")
		y := rapid.Float64Range(0.01, 100).Draw(t, "y")
		for _, b := range []struct {
			name string
			got  float64
		}{
			{"ratio", RatioBudgetAmplification(n, p, x, y, 10*y)},
			{"token", TokenBudgetAmplification(n, p, x)},
			{"quota", QuotaAmplification(n, p, y, x)},
			{"active", ActiveBudgetAmplification(n, p, x, 3, y)},
			{"max active", ActiveBudgetAmplification(n, p, 0, 3, y)},
		} {
			if !(b.got >= 1 && b.got <= Amplification(n, p)) {
				t.Fatalf("%s: %v, without a budget %v", b.name, b.got, Amplification(n, p))
			}
		}
		if n == 1 || x < 1e-6 {
			return
		}
		at := QuotaThreshold(n, y, x)
		expectNear(t, "where the quota binds", Amplification(n, at)-1, x*(1-at)/(y*at), 1e-6)
	})
}

func TestTokensAreSpentInTime(t *testing.T) {
	// By hand: 1,000 attempts/s that all fail take the 500 tokens above the half of
	// 1,000 in half a second; below the threshold retries never stop.
	if got := TokenBudgetStop(1000, 0.1, 1000, 1); got != 0.5 {
		t.Errorf("retries stop after %v s", got)
	}
	if got := TokenBudgetStop(1000, 0.1, 1000, 0.09); !math.IsInf(got, 1) {
		t.Errorf("below the threshold retries stop after %v s", got)
	}
	if got := QuotaBurst(10, 500, 14); got != 350 {
		t.Errorf("ten clients send %v retries before the quota binds", got)
	}
	if got := ActiveBudgetAmplification(3, 1, 0.2, 3, 1000); !near(got, 1.25, 1e-15) {
		t.Errorf("a fifth of what is active lets %v attempts through", got)
	}
	if got := ActiveBudgetAmplification(3, 1, 0, 3, 30); !near(got, 1.1, 1e-15) {
		t.Errorf("three active retries beside 30 requests let %v attempts through", got)
	}
}

func TestClientThrottleIsStationary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.Float64Range(0, 1).Draw(t, "accepted")
		k := rapid.Float64Range(1, 5).Draw(t, "k")
		r := rapid.Float64Range(1, 1e6).Draw(t, "requests")
		x := ClientThrottleShare(q, k, r)
		expectNear(t, "share", x, 1-max(0, (r-k*q*x*r)/(r+1)), 1e-9)
	})
	if got := ClientThrottleSent(1000, 100, 2); got != 200 {
		t.Errorf("a service that does 100/s sees %v/s with K = 2", got)
	}
}

func TestBackoffMeans(t *testing.T) {
	for _, kind := range policy.BackoffWords {
		if b := (Backoff{Kind: kind, Base: 1, Cap: 4}); math.IsNaN(b.Mean(1)) {
			t.Errorf("catalogs can state the backoff %q, which is not known here", kind)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := Backoff{
			Kind:   rapid.SampledFrom([]string{NoBackoff, Fixed, Exponential, FullJitter, EqualJitter, EnvoyJitter}).Draw(t, "kind"),
			Base:   rapid.Float64Range(0, 10).Draw(t, "base"),
			Factor: rapid.SampledFrom([]float64{0, 1, 1.5, 2, 3}).Draw(t, "factor"),
			Cap:    rapid.Float64Range(10, 100).Draw(t, "cap"),
		}
		n := rapid.IntRange(0, 300).Draw(t, "retries")
		sum, last := 0.0, 0.0
		for k := 1; k <= n; k++ {
			bound := b.Bound(k)
			if bound < last || bound > b.Cap || b.Mean(k) > bound || b.Mean(k) < bound/2 {
				t.Fatalf("pause %d: bound %v after %v, mean %v", k, bound, last, b.Mean(k))
			}
			sum += b.Mean(k)
			last = bound
		}
		expectNear(t, "total", b.MeanTotal(n), sum, 1e-11)
	})
}

func TestHoldIsTheExpectation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Call{
			PerRequest: rapid.Float64Range(0, 5).Draw(t, "calls"),
			Latency:    rapid.Float64Range(0, 1).Draw(t, "latency"),
			Timeout:    rapid.Float64Range(0, 5).Draw(t, "timeout"),
			Failing:    rapid.Float64Range(0, 1).Draw(t, "failing"),
			Attempts:   rapid.IntRange(1, 8).Draw(t, "attempts"),
			Backoff:    Backoff{Kind: FullJitter, Base: 0.1, Cap: 1},
		}
		// Over how an attempt ends, and what is past by then.
		want, past, reached := 0.0, 0.0, 1.0
		for k := 1; k <= c.Attempts; k++ {
			want += reached * (1 - c.Failing) * (past + c.Latency)
			reached *= c.Failing
			past += c.Timeout
			if k == c.Attempts {
				want += reached * past
			}
			past += c.Backoff.Mean(k)
		}
		expectNear(t, "hold", c.Hold(), c.PerRequest*want, 1e-10)
	})
	if got := ThreadsBusy(100, ThreadHold(0.02, Call{PerRequest: 2, Latency: 0.04, Attempts: 1})); !near(got, 10, 1e-12) {
		t.Errorf("100/s of 0.1 s hold %v threads", got)
	}
}

func TestGoodputInOverload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mu := rapid.Float64Range(1, 1e5).Draw(t, "capacity")
		timeout := rapid.Float64Range(0.01, 10).Draw(t, "timeout")
		s := timeout * rapid.Float64Range(0.001, 2).Draw(t, "service")
		k := mu * timeout * rapid.Float64Range(0, 2).Draw(t, "bound")
		g := BoundedQueueGoodput(mu, k, timeout, s)
		if g < 0 || g > mu || k > mu*timeout*1.000001 && g != 0 {
			t.Fatalf("goodput %v of %v", g, mu)
		}
		bound := QueueBound(mu, timeout, s)
		if bound > 0 {
			// One service time is left to who is admitted last.
			expectNear(t, "at the bound", BoundedQueueGoodput(mu, bound, timeout, s), mu*(1-1/math.E), 1e-6)
		}
		expectNear(t, "margin", DeadlineMarginGoodput(mu, 2*s, s), mu*(1-math.Exp(-2)), 1e-12)
		load := mu * rapid.Float64Range(0, 3).Draw(t, "load")
		eps := rapid.Float64Range(0, 1).Draw(t, "cost")
		served := CostlyRejectionGoodput(load, mu, eps)
		if served < 0 || served > min(load, mu) {
			t.Fatalf("%v of %v served by %v", served, load, mu)
		}
		if load > mu && served > 0 {
			expectNear(t, "work", served+eps*(load-served), mu, 1e-9)
		}
		if load > CostlyRejectionCollapse(mu, eps)*1.0001 && served != 0 {
			t.Fatalf("%v served beyond the collapse", served)
		}
		if grace := GraceBeforeLate(load, mu, timeout); !math.IsInf(grace, 1) {
			expectNear(t, "wait when the grace ends", FIFOWait(Backlog(0, load, mu, grace), mu), timeout, 1e-6)
		}
	})
}

func TestBacklogsDrain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mu := rapid.Float64Range(1, 1e4).Draw(t, "capacity")
		load := mu * rapid.Float64Range(0.01, 0.99).Draw(t, "load")
		outage := rapid.Float64Range(1, 1e4).Draw(t, "outage")
		b := RetainedBacklog(load, outage, math.Inf(1))
		drain := Drain(b, load, mu, 1)
		expectNear(t, "after the drain", Backlog(b, load, mu, drain)+1, 1, 1e-6)
		expectNear(t, "wait at the end", OutageWait(outage+drain, outage, load, mu)+1, 1, 1e-6)
		expectNear(t, "age at the end", OldestAge(drain, outage, load, mu)+1, 1, 1e-6)
		expectNear(t, "wait at the return", OutageWait(outage, outage, load, mu), FIFOWait(b, mu), 1e-9)
		r := outage * rapid.Float64Range(0, 2).Draw(t, "retention")
		expectNear(t, "kept and lost", RetainedBacklog(load, outage, r)+ExpiredMessages(load, outage, r), b, 1e-9)
		delay := rapid.Float64Range(0, 100).Draw(t, "delay")
		if d := Drain(b, load, mu, mu/load*1.001); !math.IsInf(d, 1) {
			t.Fatalf("a backlog that grows drains in %v s", d)
		}
		over := ScaleOutRecovery(2*mu, mu, delay, 3*mu)
		expectNear(t, "recovery", over, 2*delay, 1e-9)
	})
	if Deliveries(70, 30) != 3 || Deliveries(0, 30) != 1 {
		t.Error("a minute and ten seconds of work is handed out three times in 30 s each")
	}
}

func TestChecksInARow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := rapid.Float64Range(0.05, 1).Draw(t, "failing")
		f := rapid.IntRange(1, 8).Draw(t, "failures")
		// E(f) = (E(f-1) + 1) / q: one more must fail, or all begins anew.
		want := 0.0
		for range f {
			want = (want + 1) / q
		}
		expectNear(t, "checks", ChecksToEject(q, f), want, 1e-10)
		expectNear(t, "rate", EjectionRate(q, f, 5), 1/(5*want), 1e-10)
		if mean, most := MeanDetection(5, 1, f), MaxDetection(5, 1, f); most-mean != 2.5 {
			t.Fatalf("detection takes %v on average and %v at worst", mean, most)
		}
	})
}

func TestStateWithATimeToLive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ttl := rapid.Float64Range(0.1, 1000).Draw(t, "ttl")
		every := ttl * rapid.Float64Range(0.001, 1).Draw(t, "renewed")
		h := HitRatio(rapid.Float64Range(0, 1e6).Draw(t, "rate"), ttl)
		forever := rapid.Float64Range(0, 1).Draw(t, "forever")
		stale := rapid.Float64Range(0, 1000).Draw(t, "stale")
		early := rapid.Float64Range(0, 3000).Draw(t, "early")
		late := early + rapid.Float64Range(0, 1000).Draw(t, "more")
		for _, s := range []struct {
			name        string
			early, late float64
		}{
			{"cache", CacheServed(early, h, ttl, stale), CacheServed(late, h, ttl, stale)},
			{"DNS", OldAnswer(early, ttl, forever), OldAnswer(late, ttl, forever)},
			{"lease", LeaseValid(early, every, ttl), LeaseValid(late, every, ttl)},
		} {
			if !(0 <= s.late && s.late <= s.early+1e-15 && s.early <= 1) {
				t.Fatalf("%s: %v, then %v", s.name, s.early, s.late)
			}
		}
		if LeaseValid(ttl, every, ttl) != 0 || !near(LeaseValid(ttl-every, every, ttl), 1, 1e-12) || OldAnswer(ttl, ttl, forever) != forever {
			t.Fatal("an end is not where it should be")
		}
	})
	// Every key is fetched once while an empty cache fills.
	fetched := integral(func(t float64) float64 { return CacheRefillRate(100, 0.5, t) }, 60)
	if !near(fetched, 100, 1e-6) || ColdCacheHerd(0.75) != 4 {
		t.Errorf("%v of 100 keys fetched", fetched)
	}
}

// stormByRequest plays a storm request by request and returns when the last holder
// has its lease, and how many have one after so many requests.
func stormByRequest(s LeaseStorm, served int) (at float64, valid int) {
	type request struct {
		holder int
		sent   float64
	}
	var queue []request
	for h := range int(s.Holders) {
		queue = append(queue, request{h, 0})
	}
	has := make([]bool, len(queue))
	each := s.Work / s.Capacity
	now := 0.0
	// Who sent when: the requests of a round are given up together, in order.
	var asking []request
	asking = append(asking, queue...)
	for n := 0; n < served && valid < len(has); n++ {
		if len(queue) == 0 || queue[0].sent > now {
			now = asking[0].sent + s.Deadline + s.Pause // idle until they ask again
		}
		for len(asking) > 0 && asking[0].sent+s.Deadline+s.Pause <= now+each {
			r := asking[0]
			asking = asking[1:]
			if !has[r.holder] {
				r.sent += s.Deadline + s.Pause
				queue = append(queue, r)
				asking = append(asking, r)
			}
		}
		if len(queue) == 0 {
			continue
		}
		r := queue[0]
		queue = queue[1:]
		now += each
		if now <= r.sent+s.Deadline+each/2 && !has[r.holder] {
			has[r.holder] = true
			valid++
			at = now
		}
	}
	return at, valid
}

func TestStormRequestByRequest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := LeaseStorm{Capacity: 4, Work: 0.02, Deadline: 5} // 200/s: K = 1000
		s.Pause = rapid.SampledFrom([]float64{0, 0, 2.5, 5, 20}).Draw(t, "pause")
		s.Holders = math.Round(s.Threshold() * rapid.Float64Range(0.05, 1.5).Draw(t, "share"))
		if math.Abs(s.Holders/s.Threshold()-1) < 0.02 {
			t.Skip("single requests decide at the threshold")
		}
		at, valid := stormByRequest(s, 100_000)
		if s.Collapses() != (valid < int(s.Holders)) {
			t.Fatalf("M = %v, threshold %v: %d valid", s.Holders, s.Threshold(), valid)
		}
		if !s.Collapses() {
			expectNear(t, "all valid", s.AllValidAt(), at, 0.02)
			if r := math.Ceil(at / (s.Deadline + s.Pause)); math.Abs(r-s.Rounds()) > 1 {
				t.Fatalf("%v rounds, not %v", s.Rounds(), r)
			}
		} else if math.Abs(float64(valid)-s.ValidInTheLongRun()) > 0.01*s.ValidInTheLongRun() {
			t.Fatalf("%d valid in the long run, not %v", valid, s.ValidInTheLongRun())
		}
	})
}

func TestPace(t *testing.T) {
	s := LeaseStorm{Holders: 6000, Capacity: 20, Work: 0.05, Deadline: 5, RenewWork: 0.01, RenewEvery: 20}
	// 6000 renewals of 10 ms every 20 s take 3 of 20 server-seconds per second.
	if got := s.SafePace(); !near(got, 340, 1e-12) {
		t.Errorf("the safe pace is %v/s", got)
	}
	if got := s.PacedQueue(s.SafePace()); got != 0 {
		t.Errorf("at the safe pace %v wait", got)
	}
	if got := s.PacedQueue(800); !near(got, 3000, 1e-12) {
		t.Errorf("at twice the rate %v wait", got)
	}
	if got := s.PacedRecovery(0); !math.IsInf(got, 1) {
		t.Errorf("no pace takes %v s", got)
	}
	if s.RenewEvery, s.Live = 0.001, 1e9; s.PerDeadline() != 0 || !s.Collapses() {
		t.Error("renewals take all there is, and yet it ends")
	}
}

func TestReplicasAndCalls(t *testing.T) {
	if MaxUtilisation(3, 1) != 2.0/3 || MaxUtilisation(2, 2) != 0 {
		t.Error("three instances that shall survive one may be busy two thirds")
	}
	if got := SurvivorLoad(1, 100, 2, 2); !math.IsInf(got, 1) {
		t.Errorf("nobody is left and the load is %v", got)
	}
	if got := SustainableLoad(nil, nil); !math.IsInf(got, 1) {
		t.Errorf("without services %v", got)
	}
	if Headroom(500, 1000, 3) != 2.0/3 || !math.IsInf(Headroom(0, 1000, 3), 1) {
		t.Error("at half the capacity, with three attempts, a failure can outlast its cause")
	}
	if !near(BucketLasts(100, 500, 300), 2.5, 1e-15) || !math.IsInf(BucketLasts(100, 500, 100), 1) {
		t.Error("a burst of 500 lasts 2.5 s against 200/s too much")
	}
	if got := Kingman(80, 0.01, 1, 4); !near(got, PollaczekKhinchine(80, 0.01, 4), 1e-15) {
		t.Errorf("Kingman's formula is exact for Poisson arrivals, here %v", got)
	}
	if got := AllenCunneen(MMC{Arrivals: 8, Service: 1, Servers: 10}, 0.5, 0.5); !near(got, MMC{Arrivals: 8, Service: 1, Servers: 10}.MeanWait()/2, 1e-15) {
		t.Errorf("half the variability, and a wait of %v", got)
	}
}

func TestElementaryFunctions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(rapid.Float64Range(-1e-6, 1e-6), rapid.Float64Range(-0.5, 0.5), rapid.Float64Range(-50, 700)).Draw(t, "x")
		for _, f := range []struct {
			name      string
			got, want float64
		}{
			{"expm1", expm1(x), math.Expm1(x)},
			{"log1p", log1p(math.Abs(x)), math.Log1p(math.Abs(x))},
			{"log1p", log1p(max(-0.9, -math.Abs(x))), math.Log1p(max(-0.9, -math.Abs(x)))},
		} {
			if math.Abs(f.got-f.want) > 1e-15*math.Abs(f.want)*(2+math.Abs(x)) {
				t.Fatalf("%s(%v) = %.17g, not %.17g", f.name, x, f.got, f.want)
			}
		}
	})
}
