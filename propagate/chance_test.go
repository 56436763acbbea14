package propagate

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/scenario"
)

// TestChanceLosesNothing: by chance too, nothing is lost or made, and what is counted
// are whole requests.
func TestChanceLosesNothing(t *testing.T) {
	checks(t, 40, func(t *rapid.T) {
		_, ct, st := drawRun(t, wild, 12, true)
		r := played(t, ct, st, Options{Stochastic: true, Seed: rapid.Uint64().Draw(t, "seed")})
		if r.Balance > 1e-12 {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		for i := range r.Needs {
			n := &r.Needs[i]
			for k, b := range n.Bins {
				for _, x := range []float64{b.Calls, b.Attempts, b.Good, b.Timeouts, b.Rejected, b.Errors, b.Failed, b.InFlight} {
					if x != math.Trunc(x) || x < 0 {
						t.Fatalf("%s -> %s has %v in bin %d\n%s\n%s", n.Service, n.Target, b, k, ct, st)
					}
				}
			}
		}
	})
}

// TestChanceLosesNoState: with leases, caches, instances and operators too, nothing is
// lost or made by chance, and requests are whole.
func TestChanceLosesNoState(t *testing.T) {
	checks(t, 6, func(t *rapid.T) {
		e, _ := drawStateful(t, wild, 5, true)
		for i := range e.services {
			e.services[i].time = max(0.05, e.services[i].time) // steps are a quarter of it
		}
		ct, _ := e.sized(t, 1)
		st := drawEvents(t, &e)
		if _, err := compile(mustLoad(t, ct), mustParse(t, st)); err != nil {
			t.Skip("requests multiply without end")
		}
		r := played(t, ct, st, Options{Stochastic: true, Seed: rapid.Uint64().Draw(t, "seed")})
		if r.Balance > 1e-9 {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		for i := range r.Needs {
			n := &r.Needs[i]
			for k, b := range n.Bins {
				for _, x := range []float64{b.Calls, b.Attempts, b.Good, b.Timeouts, b.Rejected, b.Errors, b.Failed, b.InFlight} {
					if math.Abs(x-math.Round(x)) > 1e-6 || x < -1e-9 {
						t.Fatalf("%s -> %s has %+v in bin %d\n%s\n%s", n.Service, n.Target, b, k, ct, st)
					}
				}
			}
		}
	})
}

// TestChanceIsSeeded: a seed gives the same bytes again and another gives others, and
// without chance there is no seed.
func TestChanceIsSeeded(t *testing.T) {
	checks(t, 10, func(t *rapid.T) {
		_, ct, st := drawRun(t, wild, 12, true)
		seed := rapid.Uint64().Draw(t, "seed")
		one := bytesOf(played(t, ct, st, Options{Stochastic: true, Seed: seed}))
		if again := bytesOf(played(t, ct, st, Options{Stochastic: true, Seed: seed})); !bytes.Equal(one, again) {
			t.Fatalf("%s\n%s\n%s", firstDifference(one, again), ct, st)
		}
		mean := bytesOf(played(t, ct, st, Options{}))
		if again := bytesOf(played(t, ct, st, Options{Seed: seed})); !bytes.Equal(mean, again) {
			t.Fatalf("a seed without chance: %s\n%s\n%s", firstDifference(mean, again), ct, st)
		}
	})
	c, sc := mm1(), &scenario.Scenario{Horizon: 60e9}
	var runs [2]*Result
	for i := range runs {
		var err error
		if runs[i], err = Run(t.Context(), c, sc, Options{Stochastic: true, Seed: uint64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if runs[0].Services[0].Bins[10] == runs[1].Services[0].Bins[10] {
		t.Error("two seeds give the same")
	}
}

// mm1 is Q-01: one server of 10 ms and 80 requests a second.
func mm1() *catalog.Catalog {
	c := &catalog.Catalog{Services: []catalog.Service{{
		ID: "api", Weight: 1, ServiceTime: documentedAs(unit.Range{Low: 10e6, High: 10e6}), Concurrency: documentedAs(int64(1)), Load: documentedAs(unit.Rate(80)),
	}}}
	if err := c.CheckValid(); err != nil {
		panic(err)
	}
	return c
}

// TestChanceMakesQueues: below saturation the mean-field engine knows no waiting. By
// chance the queue, the time in the system and the utilisation of an M/M/1 are, in the
// mean over time, those of theory: Q-01.
func TestChanceMakesQueues(t *testing.T) {
	sc := &scenario.Scenario{Horizon: 4000e9, Resolution: 100e9}
	var response, finished, queue, busy float64
	const seeds = 2
	for seed := range seeds {
		r, err := Run(t.Context(), mm1(), sc, Options{Stochastic: true, Seed: uint64(seed)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Services[0].Bins {
			b := &r.Services[0].Bins[i]
			response += b.Latency
			finished += b.Finished
			queue += b.MeanQueue / (40 * seeds)
			busy += b.Busy / (40 * seeds)
		}
	}
	q := closedform.MMC{Arrivals: 80, Service: 0.01, Servers: 1}
	// 640,000 requests know the queue of one server to about 2 %.
	if want := q.MeanQueue(); math.Abs(queue-want) > 0.05*want {
		t.Errorf("%.3f wait, not %.3f", queue, want)
	}
	if want := q.MeanResponse(); math.Abs(response/finished-want) > 0.05*want {
		t.Errorf("a request takes %.4f s, not %.4f", response/finished, want)
	}
	if math.Abs(busy-0.8) > 0.01 {
		t.Errorf("the server is busy %.3f of the time, not 0.8", busy)
	}
}

// TestChanceHasTheMean: where many requests decide, a run by chance is the mean-field
// one but for a share of about the root of their number, whatever becomes of them.
func TestChanceHasTheMean(t *testing.T) {
	for _, regime := range regimes {
		t.Run(regime.name, func(t *testing.T) {
			mean := played(t, regime.catalog, regime.scenario, Options{})
			one := played(t, regime.catalog, regime.scenario, Options{Stochastic: true, Seed: 1})
			if mean.Verdict.Word != one.Verdict.Word {
				t.Fatalf("%s by chance, %s in the mean", one.Verdict.Word, mean.Verdict.Word)
			}
			for i := range mean.Services {
				var offered, good, otherwise float64
				for k := range mean.Services[i].Bins {
					offered += mean.Services[i].Bins[k].Offered
					good += mean.Services[i].Bins[k].Good
					otherwise += one.Services[i].Bins[k].Good
				}
				if math.Abs(good-otherwise) > 0.02*offered {
					t.Errorf("%s: %.0f of %.0f are answered by chance, %.0f in the mean", mean.Services[i].ID, otherwise, offered, good)
				}
			}
		})
	}
}
