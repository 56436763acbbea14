package ensemble_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/ensemble"
	"github.com/knockon/knockon/propagate/scenario"
)

// coin is an engine with one service and two bins of 10 s: every third seed collapses
// at 10 s plus its seed in tenths, the others recover after seed seconds.
func coin(sc *scenario.Scenario) ensemble.Play {
	return func(_ context.Context, seed uint64) (*propagate.Result, error) {
		x := float64(seed)
		r := &propagate.Result{Scenario: sc, Times: []float64{0, 10, 20}, Outside: []float64{1, 1}, Verdict: propagate.Verdict{Word: "recovered", TriggerEnd: 5}}
		s := propagate.ServiceResult{ID: "api", Bins: []propagate.ServiceBin{{Offered: 100, Good: 100}, {Offered: 100, Good: 10 * x, Failed: x}}}
		v := propagate.ServiceVerdict{ID: "api", Word: "recovered", Recovery: x}
		s.Windows = []propagate.Window{{From: 4, To: 5 + x, State: propagate.Degraded}}
		if seed%3 == 0 {
			r.Verdict.Word, v.Word, v.Recovery = "metastable", "metastable", math.NaN()
			s.Windows = []propagate.Window{{From: 4, To: 5, State: propagate.Degraded}, {From: 10 + x/10, To: 12, State: propagate.Delayed}, {From: 12, To: 20, State: propagate.Down, Open: true}}
		}
		r.Services = []propagate.ServiceResult{s}
		r.Verdict.Services = []propagate.ServiceVerdict{v}
		for i := range sc.Expects {
			e := &sc.Expects[i]
			o := propagate.Outcome{Expect: *e, Value: math.NaN()}
			switch e.Kind {
			case scenario.ExpectVerdict:
				o.So = (r.Verdict.Word == e.Word) != e.Not
				o.Met = o.So
			case scenario.ExpectNumber:
				if o.Value = x; seed%3 == 0 {
					o.Value = math.NaN()
				}
				o.Met, o.Got = propagate.Compare(e, o.Value)
			}
			r.Expects = append(r.Expects, o)
		}
		return r, nil
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(b)) }

func TestWhatManyRunsComeTo(t *testing.T) {
	is := func(p, tolerance float64) scenario.Expect {
		e := scenario.Expect{Kind: scenario.ExpectVerdict, Word: "metastable", Absolute: tolerance}
		e.Probability = unit.Value[unit.Ratio]{V: unit.Ratio(p), Evidence: unit.Documented}
		return e
	}
	sc := &scenario.Scenario{Expects: []scenario.Expect{
		is(0.45, 0.15),
		is(0.5, 0.1),
		{Kind: scenario.ExpectVerdict, Word: "metastable", Not: true},
		{Kind: scenario.ExpectVerdict, Word: "metastable"},
		{Kind: scenario.ExpectNumber, Measure: scenario.Recovery, Value: 5, Absolute: 0.1},
	}}
	e, err := ensemble.Run(t.Context(), coin(sc), ensemble.Options{Seeds: 9, First: 1})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, v := range e.Verdicts {
		if v.Count > 0 {
			words = append(words, fmt.Sprintf("%s %d/%d", v.Word, v.Count, v.Of))
		}
	}
	if got := strings.Join(words, " "); got != "recovered 6/9 metastable 3/9" || e.Word() != "metastable" || e.Partial {
		t.Error(got, e.Word(), e.Partial)
	}
	s := &e.Services[0]
	if s.Impaired.Count != 9 || s.Metastable.Count != 3 || s.Recovery.Of != 6 || s.To.Of != 6 || s.Collapse.Of != 3 {
		t.Errorf("%+v", s)
	}
	// Of seeds 1, 2, 4, 5, 7, 8; and of seeds 3, 6, 9.
	if !near(s.Recovery.Mean, 4.5) || !near(s.Recovery.Median, 4.5) || s.Recovery.Least != 1 || s.Recovery.Most != 8 || !near(s.To.Mean, 9.5) || !near(s.Collapse.Mean, 10.6) {
		t.Errorf("%+v", s)
	}
	// Student with 8 degrees of freedom on 1..9 requests a second.
	if b := s.Goodput[1]; !near(b.Mean, 5) || math.Abs(b.Half-2.3060*math.Sqrt(7.5/9)) > 1e-4 || !near(b.Low, 1.2) || !near(b.High, 8.8) {
		t.Errorf("%+v", b)
	}
	if b := s.Goodput[0]; b != (ensemble.Band{Mean: 10, Low: 10, High: 10}) {
		t.Errorf("%+v", b)
	}
	for i, want := range []string{
		"true so in 3 of 9 runs (12 % to 65 %)",
		"false so in 3 of 9 runs (12 % to 65 %)",
		"true so in 6 of 9 runs (35 % to 88 %)",
		"false so in 3 of 9 runs (12 % to 65 %)",
		"false 4s500ms on average, of the 6 runs that have such a number (1s to 8s)",
	} {
		if got := fmt.Sprint(e.Expects[i].Met, " ", e.Expects[i].Got); got != want {
			t.Errorf("%d: %s, not %s", i, got, want)
		}
	}
	if r := e.Runs[2]; r.Seed != 3 || r.Verdict != "metastable" || !math.IsInf(r.Recovery, 1) || r.Failed != 3 {
		t.Errorf("%+v", r)
	}
}

// TestWhoeverIsFirst: the order in which runs end does not show.
func TestWhoeverIsFirst(t *testing.T) {
	sc := &scenario.Scenario{}
	play := coin(sc)
	var all []*ensemble.Ensemble
	for _, workers := range []int{1, 2, 7} {
		e, err := ensemble.Run(t.Context(), func(ctx context.Context, seed uint64) (*propagate.Result, error) {
			time.Sleep(time.Duration((seed*7)%5) * time.Millisecond)
			return play(ctx, seed)
		}, ensemble.Options{Seeds: 12, First: 5, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if e.One.Services[0].Bins[1].Good != 50 {
			t.Error("the first result is not that of the first seed")
		}
		e.One = nil
		all = append(all, e)
	}
	for _, e := range all[1:] {
		if !reflect.DeepEqual(all[0], e) {
			t.Errorf("%+v\n%+v", all[0], e)
		}
	}
}

func TestInterruptedAndFaulty(t *testing.T) {
	play := coin(&scenario.Scenario{})
	ctx, stop := context.WithCancel(t.Context())
	e, err := ensemble.Run(ctx, func(ctx context.Context, seed uint64) (*propagate.Result, error) {
		if seed == 3 {
			stop()
			return nil, ctx.Err()
		}
		return play(ctx, seed)
	}, ensemble.Options{Seeds: 5, First: 1, Workers: 1})
	if !errors.Is(err, context.Canceled) || e == nil || !e.Partial || len(e.Runs) != 2 || e.Planned != 5 {
		t.Errorf("%+v, %v", e, err)
	}
	if e, err := ensemble.Run(ctx, play, ensemble.Options{Seeds: 5}); e != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", e, err)
	}
	fault := errors.New("requests multiply without end")
	if e, err := ensemble.Run(t.Context(), func(context.Context, uint64) (*propagate.Result, error) { return nil, fault }, ensemble.Options{Seeds: 5}); e != nil || err != fault {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := ensemble.Run(t.Context(), play, ensemble.Options{}); err == nil {
		t.Error("no runs, and no error")
	}
	defer func() {
		if f := recover(); f != "lost requests" {
			t.Error("a panic is not handed on:", f)
		}
	}()
	_, _ = ensemble.Run(t.Context(), func(context.Context, uint64) (*propagate.Result, error) { panic("lost requests") }, ensemble.Options{Seeds: 2})
}

// TestShares: intervals hold their share, do not leave 0 to 1, and narrow with runs.
func TestShares(t *testing.T) {
	share := func(count, of int) ensemble.Share {
		e, err := ensemble.Run(t.Context(), func(_ context.Context, seed uint64) (*propagate.Result, error) {
			r := &propagate.Result{Scenario: &scenario.Scenario{}, Times: []float64{0}, Verdict: propagate.Verdict{Word: "healthy"}}
			if int(seed) < count {
				r.Verdict.Word = "metastable"
			}
			return r, nil
		}, ensemble.Options{Seeds: of})
		if err != nil {
			t.Fatal(err)
		}
		return e.Verdicts[len(e.Verdicts)-1].Share
	}
	// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
	for _, test := range []struct {
		count, of int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		s := share(test.count, test.of)
		if math.Abs(s.Low-test.low) > 5e-5 || math.Abs(s.High-test.high) > 5e-5 {
			t.Errorf("%d of %d: %v", test.count, test.of, s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.IntRange(1, 60).Draw(t, "runs")
		count := rapid.IntRange(0, of).Draw(t, "so")
		s, more := share(count, of), share(4*count, 4*of)
		if !(0 <= s.Low && s.Low <= s.Share && s.Share <= s.High && s.High <= 1 && s.Low < s.High) {
			t.Fatalf("%+v", s)
		}
		if more.High-more.Low >= s.High-s.Low {
			t.Fatalf("%+v is no narrower than %+v", more, s)
		}
	})
}
