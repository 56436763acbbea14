package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/ensemble"
)

// Ensemble is what came of many runs of one scenario. The Run in it is the mean of
// them: its series are means over the runs, its impairments those of any of them, and
// what is the same of all runs is there once. It has no state of a service at a time.
type Ensemble struct {
	*Run
	Engine string // one of scenario.EngineWords
	Many   *ensemble.Ensemble
	order  []int // services impaired in any run, in most runs first
}

func (*Ensemble) kind() string { return "set of runs" }

// NewEnsemble describes what came of many runs.
func NewEnsemble(c *catalog.Catalog, many *ensemble.Ensemble, engine string, o RunOptions) *Ensemble {
	mean := *many.One
	mean.Services = slices.Clone(mean.Services)
	mean.Verdict = propagate.Verdict{Word: many.Word(), TriggerEnd: mean.Verdict.TriggerEnd}
	mean.Times, mean.Partial, mean.Expects = many.Times, many.Partial, nil
	mean.Needs = nil
	for i := range mean.Services {
		s, x := &mean.Services[i], &many.Services[i]
		s.Windows = nil
		s.Bins = make([]propagate.ServiceBin, len(x.Goodput))
		for k := range s.Bins {
			length := many.Times[k+1] - many.Times[k]
			s.Bins[k] = propagate.ServiceBin{Offered: x.Offered[k].Mean * length, Attempts: x.Offered[k].Mean * length, Good: x.Goodput[k].Mean * length, Capacity: 1}
		}
	}
	o.Chance = engine + " engine, " + seeds(many)
	e := &Ensemble{Run: NewRun(c, &mean, o), Engine: engine, Many: many}
	for i := range many.Expects {
		x := &many.Expects[i]
		value := x.Value.Mean
		if x.Value.Of == 0 {
			value = math.NaN()
		}
		e.Expects = append(e.Expects, Expectation{Text: x.Expect.Text, Met: x.Met, Got: x.Got, Value: value, Place: x.Expect.Span})
	}
	// The time-outs of callers stand with the needs.
	for i := range many.One.Needs {
		n := &many.One.Needs[i]
		for k := range e.Services {
			if s := &e.Services[k]; s.ID == n.Target && !n.Async {
				s.Deadline = min(s.Deadline, n.Timeout)
			}
		}
	}
	e.head = e.headline()
	e.addServices()
	return e
}

// addServices lists the services that were impaired in any run.
func (e *Ensemble) addServices() {
	for i := range e.Many.Services {
		if e.Many.Services[i].Impaired.Count > 0 {
			e.order = append(e.order, i)
		}
	}
	slices.SortStableFunc(e.order, func(a, b int) int {
		x, y := &e.Many.Services[a], &e.Many.Services[b]
		return cmp.Or(cmp.Compare(y.Metastable.Count, x.Metastable.Count), cmp.Compare(y.Impaired.Count, x.Impaired.Count), cmp.Compare(y.Failed.Mean, x.Failed.Mean))
	})
	for _, i := range e.order {
		s := &e.Many.Services[i]
		m := Impairment{Service: i, Worst: propagate.Degraded, From: s.From.Mean, To: s.To.Mean, Lost: s.Failed.Mean, Recovery: s.Recovery.Mean, told: story(s)}
		if s.Metastable.Count > 0 {
			m.Worst = propagate.Down
		}
		e.Impaired = append(e.Impaired, m)
	}
}

// story is what became of a service in all runs, in a few words.
func story(s *ensemble.Service) string {
	text := "impaired in " + percent(s.Impaired.Share) + " of the runs"
	if s.Metastable.Count > 0 {
		text += ", metastable in " + percent(s.Metastable.Share)
	}
	if s.Recovery.Of > 0 {
		text += "; where it recovers, " + moment(s.Recovery.Median) + " after the trigger in the median"
	}
	return text
}

// headline says first how probable the worst verdict is that is not rare.
func (e *Ensemble) headline() string {
	n := len(e.Many.Runs)
	if n == 0 {
		return "no run was over"
	}
	word := e.Many.Word()
	text := ""
	others := ""
	for i := len(e.Many.Verdicts) - 1; i >= 0; i-- {
		switch v := &e.Many.Verdicts[i]; {
		case v.Count == 0:
		case v.Word == word:
			text = fmt.Sprintf("%s: in %d of %s (probability %s)", word, v.Count, plural(n, "run"), likely(v.Share))
		default:
			others += fmt.Sprintf("; %s in %d", v.Word, v.Count)
		}
	}
	if e.Partial {
		others += fmt.Sprintf("; interrupted after %d of %d runs", n, e.Many.Planned)
	}
	return text + others
}

// likely is an interval of a probability: "47 % to 66 %".
func likely(s ensemble.Share) string {
	return fmt.Sprintf("%.0f %% to %.0f %%", math.Floor(100*s.Low), math.Ceil(100*s.High))
}

// seeds says which runs these are: "seeds 1 to 100".
func seeds(many *ensemble.Ensemble) string {
	runs := many.Runs
	if len(runs) == 0 {
		return "no seeds"
	}
	first, last := runs[0].Seed, runs[len(runs)-1].Seed
	if first == last {
		return fmt.Sprintf("seed %d", first)
	}
	return fmt.Sprintf("seeds %d to %d", first, last)
}
