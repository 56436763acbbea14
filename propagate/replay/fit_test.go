package replay

import (
	"context"
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// A worker stands still for forty minutes, and then works off what has come meanwhile.
const backlogCatalog = `
[service.intake]
load  = { guess = "100/s" }
needs = [{ on = "worker", mode = "async" }]
[service.worker]
capacity = { fitted = "150/s" }
[service.shop]
load  = "50/s"
needs = [{ on = "db", timeout = "1s" }]
[service.db]
capacity = { fitted = "1000/s" }
`

const backlogIncident = `
scenario   = "backlog"
horizon    = "5h"
resolution = "1m"
[[fault]]
id      = "stuck"
at      = "10m"
service = "worker"
effect  = "capacity 0%"
[[action]]
id = "unstick"
at = "50m"
do = [{ restore = "stuck" }]
[[recorded]]
service     = "worker"
state       = "delayed"
limit       = "5m"
start       = "50m"
start_class = "emergent"
end         = "2h"
end_class   = "emergent"
confidence  = "A"
[[recorded]]
service     = "worker"
state       = "down"
start       = "10m"
start_class = "scripted"
end         = "50m"
end_class   = "scripted"
confidence  = "A"
`

// backlog is the catalog, and the incident with some parameters.
func backlog(t testing.TB, parameters string) (*catalog.Catalog, *scenario.Scenario) {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "c.toml", Data: []byte(backlogCatalog)})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	sc, faults := scenario.Parse("backlog.toml", []byte(backlogIncident+parameters))
	if sc == nil {
		t.Fatal(faults)
	}
	if faults := sc.Check(c); len(faults) > 0 {
		t.Fatal(faults)
	}
	return c, sc
}

func play(ctx context.Context, c *catalog.Catalog, sc *scenario.Scenario) (*propagate.Result, error) {
	return propagate.Run(ctx, c, sc, propagate.Options{})
}

const capacityParameter = `
[[parameter]]
name  = "capacity"
of    = 'service "worker".capacity'
range = ["110/s", "400/s"]
`

// truth puts into a record what comes of a catalog in which parameters have other values.
func truth(t *testing.T, c *catalog.Catalog, sc *scenario.Scenario, values map[string]float64) {
	t.Helper()
	made := sc
	for _, p := range Parameters(c, sc) {
		if v, ok := values[p.Name]; ok {
			c, made = With(c, made, []*Parameter{&p}, []float64{v})
		}
	}
	res, err := propagate.Run(t.Context(), c, made, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, x := range Impacts(c, res, sc.Record, Shown) {
		if x.Service == "worker" && x.State == propagate.Delayed {
			w := &sc.Record.Windows[0]
			w.Start, w.End, found = at(x.From), at(x.To), true
		}
	}
	if !found {
		t.Fatal("nothing comes of the truth")
	}
}

// TestFitFindsTheTruth: a value by which a record was made is found again from a start
// that is far off, and what the record says nothing about is said to be so.
func TestFitFindsTheTruth(t *testing.T) {
	c, sc := backlog(t, capacityParameter+`
[[parameter]]
name  = "the database"
of    = 'service "db".capacity'
range = ["500/s", "2000/s"]
`)
	truth(t, c, sc, map[string]float64{"capacity": 141})
	progress := 0
	fit, err := Calibrate(t.Context(), c, sc, play, FitOptions{Seed: 1, Generations: 12, Progress: func(done, _ int) { progress = done }})
	if err != nil {
		t.Fatal(err)
	}
	p := &fit.Parameters[0]
	if math.Abs(p.Found-141) > 2 || fit.Cost > 0.02 || fit.Cost >= fit.Start {
		t.Errorf("found %v at a cost of %v, from %v", p.Found, fit.Cost, fit.Start)
	}
	if below, above := p.Identified(); !below || !above {
		t.Errorf("the record holds it: %v, %v", p.Down, p.Up)
	}
	if below, above := fit.Parameters[1].Identified(); below || above {
		t.Errorf("the record says nothing of the database: %v, %v", fit.Parameters[1].Down, fit.Parameters[1].Up)
	}
	if got := fit.Catalog.Service("worker").Capacity.V; math.Abs(float64(got)-p.Found) > 1e-9 || c.Service("worker").Capacity.V != 150 {
		t.Errorf("the catalog says %v, and the one that was given %v", got, c.Service("worker").Capacity.V)
	}
	if fit.Runs != progress || fit.Partial {
		t.Errorf("%d runs, and progress of %d", fit.Runs, progress)
	}
}

// TestFitIsTheSameOnAnyMachine: by its seed alone.
func TestFitIsTheSameOnAnyMachine(t *testing.T) {
	c, sc := backlog(t, capacityParameter)
	found := func(seed uint64, processors int) *Fit {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		fit, err := Calibrate(t.Context(), c, sc, play, FitOptions{Seed: seed, Generations: 3})
		if err != nil {
			t.Fatal(err)
		}
		return fit
	}
	one := found(7, 1)
	same := cmp.Options{cmpopts.EquateNaNs(), cmpopts.IgnoreFields(Fit{}, "Catalog", "Scenario")}
	if diff := cmp.Diff(one, found(7, 4), same); diff != "" {
		t.Errorf("on four processors: %s", diff)
	}
	if cmp.Equal(one, found(8, 1), same) {
		t.Error("another seed searches alike")
	}
}

// TestFoundIsFoundAgain: where a fit begins does not hang on the values that are there, so
// that one command gives what stands in a catalog. It has so many digits and no more, and
// what is a guess beside a fitted value is left alone.
func TestFoundIsFoundAgain(t *testing.T) {
	c, sc := backlog(t, capacityParameter+`
[[parameter]]
name  = "what comes"
of    = 'service "intake".load'
range = ["50/s", "120/s"]
`)
	truth(t, c, sc, map[string]float64{"capacity": 141})
	o := FitOptions{Seed: 1, Generations: 6}
	fit, err := Calibrate(t.Context(), c, sc, play, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(fit.Parameters) != 1 || fit.Parameters[0].Found != round(fit.Parameters[0].Found) {
		t.Fatalf("%+v", fit.Parameters)
	}
	again, err := Calibrate(t.Context(), fit.Catalog, sc, play, o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Parameters[0].Found != fit.Parameters[0].Found || again.Start != fit.Cost || again.Cost != fit.Cost {
		t.Errorf("found %v at %v, and then %v at %v, from %v", fit.Parameters[0].Found, fit.Cost, again.Parameters[0].Found, again.Cost, again.Start)
	}
}

// TestPairsThatCannotBeToldApart: how long a backlog lasts hangs on the ratio of what
// comes and what can be done, and on neither alone.
func TestPairsThatCannotBeToldApart(t *testing.T) {
	c, sc := backlog(t, capacityParameter+`
[[parameter]]
name  = "what comes"
of    = 'service "intake".load'
range = ["50/s", "120/s"]
`)
	c.Service("intake").Load.Evidence = unit.Fitted
	truth(t, c, sc, nil)
	fit, err := Calibrate(t.Context(), c, sc, play, FitOptions{Seed: 2, Generations: 20})
	if err != nil {
		t.Fatal(err)
	}
	if len(fit.Pairs) != 1 || fit.Pairs[0].Opposite {
		t.Errorf("%+v", fit.Pairs)
	}
}

// TestFitInterrupted: the best until then is kept.
func TestFitInterrupted(t *testing.T) {
	c, sc := backlog(t, capacityParameter)
	ctx, cancel := context.WithCancel(t.Context())
	fit, err := Calibrate(ctx, c, sc, play, FitOptions{Seed: 1, Progress: func(done, _ int) {
		if done == 9 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || fit == nil || !fit.Partial || fit.Runs < 9 || fit.Parameters[0].Found < 110 {
		t.Errorf("%v with %+v", err, fit)
	}
	cancelled, stop := context.WithCancel(t.Context())
	stop()
	if fit, err := Calibrate(cancelled, c, sc, play, FitOptions{}); fit != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v with %+v", err, fit)
	}
	sc.Record.Parameters = nil
	if _, err := Calibrate(t.Context(), c, sc, play, FitOptions{}); err == nil || !strings.Contains(err.Error(), "nothing to fit") {
		t.Error(err)
	}
}

// TestSensitivity: what hangs on a value, and that a fitted one on which one boundary
// alone hangs takes it out of the headline.
func TestSensitivity(t *testing.T) {
	c, sc := backlog(t, capacityParameter)
	res, err := propagate.Run(t.Context(), c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := New(c, res, nil)
	all := Parameters(c, sc)
	private, err := Sensitivity(t.Context(), c, sc, r.Shown(), all, play, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The age of the oldest falls by half a minute in each, from 40 to 5: 70 minutes
	// from 50 on; with a capacity of 187.5/s it falls by 0.875: 40 minutes.
	p := &all[0]
	if len(p.Moves) != 1 || !p.Private || math.Abs(p.Moves[0].Up+30) > 1.5 || p.Moves[0].Down < 100 {
		t.Errorf("%+v", p)
	}
	if private[Ends{0, true}] != "capacity" || len(private) != 1 {
		t.Errorf("%v", private)
	}
	if n := New(c, res, private).Headline; n.Recovery.Count != 0 || n.Onset.Count != 1 {
		t.Errorf("%+v", n)
	}
	for i := range all[1:] {
		if x := &all[1+i]; x.Private || len(x.Moves) > 0 || x.Tried != (x.Name == `service "db".capacity`) {
			t.Errorf("%+v", x)
		}
	}
}

// TestPointOfNoReturn: the backlog of t minutes is down to five after 2(t - 5), so that
// thirty minutes are enough for what stood still for twenty.
func TestPointOfNoReturn(t *testing.T) {
	c, sc := backlog(t, "")
	res, err := propagate.Run(t.Context(), c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := Delay(t.Context(), c, res, DefaultGrace, func(ctx context.Context, sc *scenario.Scenario) (*propagate.Result, error) {
		return propagate.Run(ctx, c, sc, propagate.Options{})
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Actions) != 1 {
		t.Fatalf("%+v", h.Actions)
	}
	a := h.Actions[0]
	if math.Abs(a.Last-30) > 1 || a.InTime || !a.Matters || a.AtBest != 0 || math.Abs(h.Minutes-110) > 2 {
		t.Errorf("%+v of %v minutes", a, h.Minutes)
	}
	// 40 minutes down and 70 delayed, for 39 of waiting; three minutes for each, evenly.
	if math.Abs(a.PerMin-110.0/39) > 0.1 || math.Abs(a.Never-290) > 2 || a.Cliff != nil || !math.IsNaN(a.Relapse) {
		t.Errorf("%+v", a)
	}
	for _, x := range a.Tried {
		if x.Avoided != (x.At <= a.Last) {
			t.Errorf("at %v: %+v", x.At, a)
		}
	}
	if sc.Actions[0].At != 50*60*1e9 {
		t.Error("the scenario that was given has changed")
	}
}

// TestForetell: what was recorded until a time narrows what comes after it, and what it
// says nothing about stays as wide as the ranges.
func TestForetell(t *testing.T) {
	c, sc := backlog(t, capacityParameter)
	foretold := func(until float64) Predicted {
		p, err := Predict(t.Context(), c, sc, until, 40, 3, play, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Boundaries) == 0 {
			t.Fatalf("%+v", p)
		}
		return p.Boundaries[len(p.Boundaries)-1]
	}
	wide := foretold(60)
	if !wide.Inside || wide.High-wide.Low < 60 {
		t.Errorf("nothing is known of it: %+v", wide)
	}
	// Another service of the same capacity, of which the end is known.
	w := sc.Record.Windows[0]
	sc.Record.Windows = append(sc.Record.Windows, w)
	sc.Record.Windows[0].Service, sc.Record.Windows[0].End = "twin", at(119)
	narrow := foretold(119.5)
	if !narrow.Inside || narrow.High-narrow.Low > 0.5*(wide.High-wide.Low) {
		t.Errorf("%+v is not narrower than %+v", narrow, wide)
	}
}

// TestNothingLaterIsForetold: whatever is recorded later, the draws that are kept and the
// intervals are the same; and what was fitted to it is not looked at either.
func TestNothingLaterIsForetold(t *testing.T) {
	c, sc := backlog(t, capacityParameter)
	w := sc.Record.Windows[0]
	w.Service, w.End = "twin", at(80)
	sc.Record.Windows = append(sc.Record.Windows, w)
	foretold := func(c *catalog.Catalog, sc *scenario.Scenario) *Prediction {
		p, err := Predict(t.Context(), c, sc, 60, 24, 3, play, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Boundaries { // what the record decides
			p.Boundaries[i].Inside = false
		}
		p.Inside, p.Before = 0, 0
		for i := range p.Parameters {
			p.Parameters[i].Value = 0 // which is shown beside what was drawn
		}
		return p
	}
	want := foretold(c, sc)
	if len(want.Boundaries) < 2 {
		t.Fatalf("%+v", want.Boundaries)
	}
	for _, end := range []float64{61, 119, 200, 299} {
		later := sc.Clone()
		rec := *sc.Record
		rec.Windows = slices.Clone(rec.Windows)
		for i := range rec.Windows {
			if isLater(rec.Windows[i].End, 60) {
				rec.Windows[i].End = at(end)
			}
		}
		later.Record = &rec
		if got := foretold(c, later); !reflect.DeepEqual(got, want) {
			t.Errorf("recorded at %v:\n%+v, not\n%+v", end, got, want)
		}
	}
	fitted := c.Clone()
	all := Parameters(c, sc)
	fitted, moved := With(fitted, sc, []*Parameter{&all[0]}, []float64{1.1 * all[0].Low})
	if got := foretold(fitted, moved); !reflect.DeepEqual(got, want) {
		t.Errorf("with another value:\n%+v, not\n%+v", got, want)
	}
}

// TestForetellInterrupted: what the draws until then say.
func TestForetellInterrupted(t *testing.T) {
	c, sc := backlog(t, capacityParameter)
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Predict(ctx, c, sc, 60, 40, 3, play, func(done, _ int) {
		if done == 24 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || p == nil || !p.Partial || p.Draws < 24 || p.Draws >= 40 || len(p.Boundaries) == 0 {
		t.Errorf("%v with %+v", err, p)
	}
	if p, err := Predict(ctx, c, sc, 60, 40, 3, play, nil); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v with %+v", err, p)
	}
}

// TestDelayInterrupted: actions that had been tried.
func TestDelayInterrupted(t *testing.T) {
	c, sc := backlog(t, "")
	res, err := propagate.Run(t.Context(), c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{1, 6} {
		ctx, cancel := context.WithCancel(t.Context())
		h, err := Delay(ctx, c, res, DefaultGrace, func(ctx context.Context, sc *scenario.Scenario) (*propagate.Result, error) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return propagate.Run(ctx, c, sc, propagate.Options{})
		}, func(done, _ int) {
			if done == after {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) || (h == nil) != (after == 1) {
			t.Fatalf("%v with %+v", err, h)
		}
		if h != nil && (!h.Partial || len(h.Actions) != 1) {
			t.Errorf("%+v", h)
		}
	}
}

// TestManySeeds: every run is scored by itself.
func TestManySeeds(t *testing.T) {
	c, sc := backlog(t, "")
	s, one, err := Many(t.Context(), c, 5, 3, nil, func(ctx context.Context, _ uint64) (*propagate.Result, error) {
		return propagate.Run(ctx, c, sc, propagate.Options{})
	}, nil)
	if err != nil || one == nil || len(s.Headlines) != 3 {
		t.Fatal(err)
	}
	low, mid, high := s.Of(func(h *Headline) float64 { return h.Recovery.Median })
	want := New(c, one, nil).Headline.Recovery.Median
	if low != want || mid != want || high != want || len(s.Boundaries) != 4 || s.Boundaries[1].None != 0 {
		t.Errorf("%v, %v, %v of %v; %+v", low, mid, high, want, s.Boundaries)
	}
}

// TestParametersOfTheScenario: what operators did, and what was asked, may be unknown as
// well.
func TestParametersOfTheScenario(t *testing.T) {
	c, sc := backlog(t, `
[[load]]
service = "intake"
times   = 1.2
[[parameter]]
name     = "what was asked that day"
of       = 'load "intake".times'
range    = ["0.6", "1.3"]
evidence = "fitted"
[[parameter]]
name     = "when it was done"
of       = 'action "unstick".at'
range    = ["30m", "80m"]
evidence = "fitted"
`)
	truth(t, c, sc, map[string]float64{"what was asked that day": 0.9})
	fit, err := Calibrate(t.Context(), c, sc, play, FitOptions{Seed: 4, Generations: 40})
	if err != nil {
		t.Fatal(err)
	}
	if times, at := fit.Parameters[0].Found, fit.Parameters[1].Found; math.Abs(times-0.9) > 0.03 || math.Abs(at-3000) > 120 {
		t.Errorf("found %v and %v", times, at)
	}
	if got := fit.Scenario.Loads[0].Times; got != fit.Parameters[0].Found || sc.Loads[0].Times != 1.2 || sc.Actions[0].At != 3000e9 {
		t.Errorf("%v, and what was given is %v", got, sc.Loads[0].Times)
	}
}
