// Package ensemble plays a scenario many times where chance decides, and says how often
// what comes of it.
//
// Where one run ends in a collapse and the next does not, the mean of both is a run that
// never happens. So what is counted first is verdicts, with the interval in which their
// probability lies; times of recovery are of the runs that recovered, and the series of
// a service come with the band in which nineteen of twenty runs lie. Start with Run; any
// engine will do that makes a [propagate.Result] of a seed.
package ensemble

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// Play makes one run. The same seed gives the same result. It is called from several
// goroutines at once.
type Play func(ctx context.Context, seed uint64) (*propagate.Result, error)

// Options are how many runs, and which.
type Options struct {
	Seeds    int                     // how many runs; at least 1
	First    uint64                  // seed of the first; the next seed is one more
	Workers  int                     // runs at a time; 0: as many as processors
	Progress func(done, planned int) // runs; may be nil. Its calls do not overlap.
}

// Ensemble is what came of many runs of one scenario.
type Ensemble struct {
	One      *propagate.Result // the first run, for what is the same of all: what is assumed, what is doubtful
	Planned  int               // runs
	Runs     []Played          // that were made, by seed
	Times    []float64         // seconds; bin i is [Times[i], Times[i+1])
	Verdicts []Verdict         // all words, the worst last
	Services []Service         // as in the results
	Expects  []Outcome         // of the scenario's expectations, in their order
	Partial  bool              // interrupted: fewer runs than planned
}

// Played is one run in a few words.
type Played struct {
	Seed     uint64
	Verdict  string  // one of scenario.Verdicts
	Failed   float64 // originals that failed for good, at all services together
	Recovery float64 // seconds from the end of the trigger until no service is impaired; +Inf where one still is at the end, NaN where there is no end of it
	Steps    int
}

// Verdict is how often runs end in one way.
type Verdict struct {
	Word string // one of scenario.Verdicts
	Share
}

// Service is one service over all runs. What is about impairments is of the runs in
// which there was one.
type Service struct {
	ID         string
	Impaired   Share
	Metastable Share
	From       Spread    // seconds; first impairment
	To         Spread    // seconds; end of the last one, of runs in which it ended
	Recovery   Spread    // seconds from the end of the trigger to health, of runs that recovered
	Collapse   Spread    // seconds; since when it has been impaired without end, of runs in which it is to the end
	Failed     Spread    // originals that failed for good
	Offered    []Band    // per second, by bin
	Goodput    []Band    // per second, by bin
	Ill        []float64 // share of the runs in which it is impaired at the end of the bin
}

// Outcome is an expectation judged on all runs.
type Outcome struct {
	Expect scenario.Expect
	Met    bool
	Got    string // what was found, for messages
	As     Share  // runs that are as expected, each by itself
	Value  Spread // of a number
}

// digest is what is kept of a run until all are over.
type digest struct {
	run      Played
	services []serviceDigest
	expects  []propagate.Outcome
}

type serviceDigest struct {
	from, to, recovery, collapse float64 // NaN where there is none
	impaired, metastable         bool
	failed                       float64
	offered, good                []float64 // per second, by bin
	ill                          []bool    // at the end of the bin
}

// Run plays a scenario once for every seed, several at a time, and sums up what came of
// it. The result is the same on any number of processors. A cancelled context gives what
// came of the runs that were over, with Partial set, and the context's error; nil where
// none was. Other errors are those of the first run that has one.
func Run(ctx context.Context, play Play, o Options) (*Ensemble, error) {
	if o.Seeds < 1 {
		return nil, fmt.Errorf("an ensemble of %d runs", o.Seeds)
	}
	slots := make([]digest, o.Seeds)
	done := make([]bool, o.Seeds)
	faults := make([]error, o.Seeds)
	var (
		mu       sync.Mutex
		next     int
		over     int
		stop     bool
		first    *propagate.Result
		firstAt  = o.Seeds
		panicked any
		workers  sync.WaitGroup
	)
	take := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == o.Seeds || stop || ctx.Err() != nil {
			return 0, false
		}
		next++
		return next - 1, true
	}
	one := func(i int) {
		defer func() {
			// What panics in a goroutine would end the program without a word from
			// those who wait; it goes on in the goroutine of the caller.
			if f := recover(); f != nil {
				mu.Lock()
				defer mu.Unlock()
				panicked, stop = f, true
			}
		}()
		seed := o.First + uint64(i)
		res, err := play(ctx, seed)
		if err != nil {
			faults[i] = err
			mu.Lock()
			defer mu.Unlock()
			stop = true
			return
		}
		slots[i] = newDigest(res, seed)
		mu.Lock()
		defer mu.Unlock()
		done[i] = true
		if i < firstAt {
			first, firstAt = res, i
		}
		over++
		if o.Progress != nil {
			o.Progress(over, o.Seeds)
		}
	}
	at := cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	for range max(1, min(at, o.Seeds)) {
		workers.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				one(i)
			}
		})
	}
	workers.Wait()
	if panicked != nil {
		panic(panicked)
	}
	if err := ctx.Err(); err == nil {
		for _, fault := range faults {
			if fault != nil {
				return nil, fault
			}
		}
	} else if first == nil {
		return nil, err
	}
	kept := slots[:0]
	for i := range slots {
		if done[i] {
			kept = append(kept, slots[i])
		}
	}
	return sum(first, kept, o.Seeds), ctx.Err()
}

// newDigest keeps of a run what an ensemble needs.
func newDigest(r *propagate.Result, seed uint64) digest {
	d := digest{run: Played{Seed: seed, Verdict: r.Verdict.Word, Steps: r.Steps.Taken}, expects: r.Expects}
	trigger := r.Verdict.TriggerEnd
	if math.IsInf(trigger, 1) {
		d.run.Recovery = math.NaN()
	}
	for i := range r.Services {
		s := &r.Services[i]
		x := serviceDigest{from: math.NaN(), to: math.NaN(), recovery: math.NaN(), collapse: math.NaN()}
		x.offered, x.good, x.ill = make([]float64, len(s.Bins)), make([]float64, len(s.Bins)), make([]bool, len(s.Bins))
		for k := range s.Bins {
			length := r.Times[k+1] - r.Times[k]
			x.offered[k], x.good[k] = s.Bins[k].Offered/length, s.Bins[k].Good/length
			x.failed += s.Bins[k].Failed
			x.ill[k] = s.Bins[k].State != propagate.Healthy
		}
		d.run.Failed += x.failed
		if n := len(s.Windows); n > 0 {
			x.impaired, x.from = true, s.Windows[0].From
			if last := s.Windows[n-1]; last.Open {
				d.run.Recovery = math.Inf(1)
				x.collapse = last.From
				for k := n - 2; k >= 0 && s.Windows[k].To >= x.collapse-1e-9; k-- {
					x.collapse = s.Windows[k].From
				}
			} else {
				x.to = last.To
				d.run.Recovery = max(d.run.Recovery, last.To-trigger)
			}
		}
		d.services = append(d.services, x)
	}
	if math.IsInf(trigger, 1) {
		d.run.Recovery = math.NaN()
	}
	for i := range r.Verdict.Services {
		v := &r.Verdict.Services[i]
		at := slices.IndexFunc(r.Services, func(s propagate.ServiceResult) bool { return s.ID == v.ID })
		d.services[at].metastable = v.Word == "metastable"
		d.services[at].recovery = v.Recovery
	}
	return d
}

// sum makes an ensemble of what was kept.
func sum(first *propagate.Result, all []digest, planned int) *Ensemble {
	e := &Ensemble{One: first, Planned: planned, Partial: len(all) < planned, Times: first.Times}
	n := len(all)
	column := make([]float64, n)
	of := func(f func(*digest) float64) []float64 {
		for i := range all {
			column[i] = f(&all[i])
		}
		return column
	}
	count := func(f func(*digest) bool) Share {
		k := 0
		for i := range all {
			if f(&all[i]) {
				k++
			}
		}
		return newShare(k, n)
	}
	for i := range all {
		e.Runs = append(e.Runs, all[i].run)
	}
	for _, word := range verdicts {
		e.Verdicts = append(e.Verdicts, Verdict{word, count(func(d *digest) bool { return d.run.Verdict == word })})
	}
	bins := len(first.Times) - 1
	for i := range all {
		for s := range all[i].services {
			bins = min(bins, len(all[i].services[s].good))
		}
	}
	if len(e.Times) > bins {
		e.Times = e.Times[:bins+1]
	}
	for s := range first.Services {
		service := func(d *digest) *serviceDigest { return &d.services[s] }
		x := Service{
			ID:         first.Services[s].ID,
			Impaired:   count(func(d *digest) bool { return service(d).impaired }),
			Metastable: count(func(d *digest) bool { return service(d).metastable }),
			From:       newSpread(of(func(d *digest) float64 { return service(d).from })),
			To:         newSpread(of(func(d *digest) float64 { return service(d).to })),
			Recovery:   newSpread(of(func(d *digest) float64 { return service(d).recovery })),
			Collapse:   newSpread(of(func(d *digest) float64 { return service(d).collapse })),
			Failed:     newSpread(of(func(d *digest) float64 { return service(d).failed })),
			Offered:    make([]Band, bins),
			Goodput:    make([]Band, bins),
			Ill:        make([]float64, bins),
		}
		for k := range bins {
			x.Offered[k] = newBand(of(func(d *digest) float64 { return service(d).offered[k] }))
			x.Goodput[k] = newBand(of(func(d *digest) float64 { return service(d).good[k] }))
			x.Ill[k] = count(func(d *digest) bool { return service(d).ill[k] }).Share
		}
		e.Services = append(e.Services, x)
	}
	for k := range first.Expects {
		e.Expects = append(e.Expects, meet(&first.Expects[k].Expect,
			count(func(d *digest) bool { return d.expects[k].Met }),
			count(func(d *digest) bool { return d.expects[k].So }),
			of(func(d *digest) float64 { return d.expects[k].Value })))
	}
	return e
}

// verdicts are the words of scenario.Verdicts, the worst last.
var verdicts = []string{"healthy", "recovered", "ongoing", "degraded", "metastable"}

// Word is the verdict to name first: the worst one that more than one run in twenty
// ends in. Most runs may end better; who answers for a service asks whether it can
// happen.
func (e *Ensemble) Word() string {
	for i := len(e.Verdicts) - 1; i > 0; i-- {
		if v := &e.Verdicts[i]; 20*v.Count > v.Of {
			return v.Word
		}
	}
	return e.Verdicts[0].Word
}

// meet judges an expectation: a probability by the share of the runs that are so, a
// number by its mean over the runs that have one, and what a run is or is not by most
// runs.
func meet(x *scenario.Expect, met, so Share, values []float64) Outcome {
	o := Outcome{Expect: *x, As: met}
	switch x.Kind {
	case scenario.ExpectNumber:
		o.Value = newSpread(values)
		if o.Value.Of == 0 {
			o.Got = "no run has such a number"
			return o
		}
		o.Met, o.Got = propagate.Compare(x, o.Value.Mean)
		o.Got += " on average"
		if o.Value.Of < met.Of {
			o.Got += fmt.Sprintf(", of the %d runs that have such a number", o.Value.Of)
		}
		if least, most := o.Value.Least, o.Value.Most; least < most {
			_, low := propagate.Compare(x, least)
			_, high := propagate.Compare(x, most)
			o.Got += fmt.Sprintf(" (%s to %s)", low, high)
		}
		return o
	case scenario.ExpectVerdict:
		o.As = so
		if x.Probability.IsStated() {
			o.Met = math.Abs(so.Share-float64(x.Probability.V)) <= x.Absolute+1e-9
			o.Got = "so in " + so.String()
			return o
		}
	}
	o.Met = 2*o.As.Count > o.As.Of
	o.Got = "so in " + o.As.String()
	return o
}
