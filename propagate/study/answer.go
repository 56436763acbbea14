package study

import (
	"cmp"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate"
)

// Answer is what a run comes to, in the few numbers that people ask for. Share is of
// each service by itself, so that it stays the same when there is more of everything,
// or when one service is called more often and fails as before.
type Answer struct {
	Verdict  string  // one of scenario.Verdicts
	Failed   float64 // originals that failed for good, at all services together
	Share    float64 // of a service's originals that failed, averaged over the services by their weights
	Minutes  float64 // service-minutes impaired
	Recovery float64 // seconds from the end of the trigger until no service is impaired; +Inf where that is not within the run; NaN where the trigger does not end
	Met      []bool  // of the scenario's expectations, in their order
}

// answer sums a run up.
func answer(c *catalog.Catalog, r *propagate.Result) *Answer {
	a := &Answer{Verdict: r.Verdict.Word}
	weights := 0.0
	for i := range r.Services {
		s := &r.Services[i]
		failed, offered := 0.0, 0.0
		for j := range s.Bins {
			b := &s.Bins[j]
			failed += b.Failed
			offered += b.Offered
		}
		a.Failed += failed
		weight := c.Services[i].Weight
		weights += weight
		if offered > 0 {
			a.Share += float64(weight * min(1, failed/offered))
		}
		for _, w := range s.Windows {
			a.Minutes += (w.To - w.From) / 60
			switch {
			case math.IsInf(r.Verdict.TriggerEnd, 1):
				a.Recovery = math.NaN()
			case w.Open:
				a.Recovery = math.Inf(1)
			default:
				a.Recovery = max(a.Recovery, w.To-r.Verdict.TriggerEnd)
			}
		}
	}
	if weights > 0 {
		a.Share /= weights
	}
	for i := range r.Expects {
		a.Met = append(a.Met, r.Expects[i].Met)
	}
	return a
}

// What is less than this is not a change: it is within what the steps of a run, or
// the borders of its windows, come to.
const (
	LeastShare    = 0.001 // see Answer
	LeastMinutes  = 1.0   // service-minutes, and
	LeastRecovery = 5.0   // seconds, and
	LeastRelative = 0.02  // of what they were
)

// Move is how far an answer lies from another.
type Move struct {
	Verdict  int     // steps of severity between the verdicts
	Expects  int     // expectations of which one is met and the other is not
	Share    float64 // of the originals that fail; signed, as the others below
	Failed   float64
	Minutes  float64
	Recovery float64 // seconds; ±Inf where only one recovers
}

// severity orders the verdicts by how bad the news is.
var severity = []string{"healthy", "recovered", "ongoing", "degraded", "metastable"}

// from is how far an answer has moved from another.
func (a *Answer) from(b *Answer) Move {
	m := Move{
		Verdict: slices.Index(severity, a.Verdict) - slices.Index(severity, b.Verdict),
		Share:   a.Share - b.Share, Failed: a.Failed - b.Failed, Minutes: a.Minutes - b.Minutes,
	}
	for i := range a.Met {
		if a.Met[i] != b.Met[i] {
			m.Expects++
		}
	}
	if math.Abs(m.Share) < LeastShare {
		m.Share = 0
	}
	if math.Abs(m.Minutes) < max(LeastMinutes, LeastRelative*b.Minutes) {
		m.Minutes = 0
	}
	if a.Recovery != b.Recovery && !math.IsNaN(a.Recovery) && !math.IsNaN(b.Recovery) { // not Inf - Inf
		m.Recovery = a.Recovery - b.Recovery
		if math.Abs(m.Recovery) < LeastRecovery || !math.IsInf(b.Recovery, 1) && math.Abs(m.Recovery) < LeastRelative*b.Recovery {
			m.Recovery = 0
		}
	}
	return m
}

// Moved reports whether anything changed.
func (m Move) Moved() bool {
	return m.Verdict != 0 || m.Expects != 0 || m.Share != 0 || m.Minutes != 0 || m.Recovery != 0
}

// compare orders moves by how much they change the answer: the verdict, what is
// expected, what failed, what was impaired, when it was over. Finer differences than
// a reader sees do not decide.
func (m Move) compare(o Move) int {
	size := func(f, grain float64) float64 { return math.Round(math.Abs(f) / grain) }
	return cmp.Or(
		cmp.Compare(max(m.Verdict, -m.Verdict), max(o.Verdict, -o.Verdict)),
		cmp.Compare(m.Expects, o.Expects),
		cmp.Compare(size(m.Share, LeastShare), size(o.Share, LeastShare)),
		cmp.Compare(size(m.Minutes, LeastMinutes), size(o.Minutes, LeastMinutes)),
		cmp.Compare(size(m.Recovery, LeastRecovery), size(o.Recovery, LeastRecovery)),
	)
}
