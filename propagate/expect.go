package propagate

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/scenario"
)

// judge decides the verdict and the expectations of a run.
func (r *Result) judge() {
	for i := range r.Services {
		if s := &r.Services[i]; !slices.ContainsFunc(s.Bins, func(b ServiceBin) bool { return b.Full > 0 }) {
			s.Bound = math.Inf(1) // one that is never met is none
		}
	}
	r.decide()
	for i := range r.Scenario.Expects {
		r.Expects = append(r.Expects, r.meet(&r.Scenario.Expects[i]))
	}
}

// end is how long the run was, in seconds.
func (r *Result) end() float64 { return r.Times[len(r.Outside)] }

func (r *Result) service(id string) *ServiceResult {
	for i := range r.Services {
		if r.Services[i].ID == id {
			return &r.Services[i]
		}
	}
	return nil
}

// StateAt is the state of a service at a time in seconds.
func (s *ServiceResult) StateAt(t float64) State {
	for _, w := range s.Windows {
		if t >= w.From && (t < w.To || w.Open) {
			return w.State
		}
	}
	return Healthy
}

func (r *Result) meet(e *scenario.Expect) Outcome {
	o := Outcome{Expect: *e, Value: math.NaN()}
	switch e.Kind {
	case scenario.ExpectVerdict:
		o.Got = "verdict is " + r.Verdict.Word
		o.Met = (r.Verdict.Word == e.Word) != e.Not
		o.So = o.Met
		if e.Probability.IsStated() { // of one run it is 0 or 1
			share := 0.0
			if o.Met {
				share = 1
			}
			o.Met = math.Abs(share-float64(e.Probability.V)) <= e.Absolute+1e-9
			o.Got += ", in one run"
		}
	case scenario.ExpectState:
		o.Met, o.Got = r.meetState(e)
	case scenario.ExpectRecovery:
		o.Met, o.Got = r.meetRecovery(e)
	case scenario.ExpectNumber:
		v, ok := r.Number(e)
		o.Value = v
		if !ok {
			o.Got = "there is no such number in this run"
			return o
		}
		o.Met, o.Got = Compare(e, v)
	}
	if r.Partial {
		o.Met = false
		o.Got = "the run was interrupted"
	}
	return o
}

// Compare reports whether a number is as one is expected, and writes it as its
// measure is written.
func Compare(e *scenario.Expect, v float64) (met bool, got string) {
	tolerance := max(e.Absolute, float64(e.Relative*math.Abs(e.Value)))
	switch e.Relation {
	case scenario.AtLeast:
		met = v >= e.Value
	case scenario.AtMost:
		met = v <= e.Value
	default:
		met = math.Abs(v-e.Value) <= tolerance
	}
	return met, print(v, e)
}

// print writes a number as its measure is written.
func print(v float64, e *scenario.Expect) string {
	if math.IsNaN(v) {
		return "never"
	}
	switch scenario.Measures[e.Measure].Unit {
	case scenario.PerSecond:
		if e.As != scenario.Total {
			return strconv.FormatFloat(v, 'g', 6, 64) + "/s"
		}
	case scenario.Seconds:
		if math.IsInf(v, 1) {
			return "for ever"
		}
		return unit.Duration(math.Round(v*1000) * 1e6).String()
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func (r *Result) meetState(e *scenario.Expect) (bool, string) {
	s := r.service(e.Service)
	if s == nil {
		return false, "no such service"
	}
	is := func(x State) bool { return (x.String() == e.Word) != e.Not }
	if !e.During {
		t := r.end()
		if e.At.IsStated() {
			t = e.At.V.Seconds()
		}
		x := s.StateAt(t)
		return is(x), fmt.Sprintf("%s is %s", s.ID, x)
	}
	from, to := e.From.Seconds(), e.To.Seconds()
	t := from
	for t < to {
		x := s.StateAt(t)
		next := to
		for _, w := range s.Windows {
			if w.From > t {
				next = min(next, w.From)
			}
			if w.To > t && !w.Open {
				next = min(next, w.To)
			}
		}
		if !is(x) {
			return false, fmt.Sprintf("%s is %s from %s to %s", s.ID, x, unit.FromSeconds(t), unit.FromSeconds(next))
		}
		t = next
	}
	return true, fmt.Sprintf("%s is as expected", s.ID)
}

func (r *Result) meetRecovery(e *scenario.Expect) (bool, string) {
	s := r.service(e.Service)
	if s == nil {
		return false, "no such service"
	}
	after, ok := r.triggerEnd()
	from := after.Seconds()
	if e.After.IsStated() {
		from, ok = e.After.V.Seconds(), true
	}
	if !ok {
		return e.Not, "the trigger lasts to the end of the run"
	}
	well := from
	met := true
	for _, w := range s.Windows {
		if w.Open {
			met = false
		}
		if w.To > well {
			well = w.To
		}
	}
	got := fmt.Sprintf("%s is healthy again %s after", s.ID, unit.FromSeconds(well-from))
	if !met {
		got = fmt.Sprintf("%s is %s at the end", s.ID, s.StateAt(r.end()))
	} else if e.Within.IsStated() && well-from > e.Within.V.Seconds()+1e-9 {
		met = false
	}
	return met != e.Not, got
}

// Number is the number that an expectation is about; ok is false where there is
// none.
func (r *Result) Number(e *scenario.Expect) (v float64, ok bool) {
	if e.Lease != "" {
		return r.leaseNumber(e)
	}
	s := r.service(e.Service)
	if s == nil {
		return math.NaN(), false
	}
	var need []*NeedResult
	if e.Need != "" {
		for i := range r.Needs {
			if n := &r.Needs[i]; n.Service == e.Service && n.Target == e.Need {
				need = append(need, n)
			}
		}
		if need == nil {
			return math.NaN(), false
		}
	}
	from, to := 0.0, r.end()
	switch {
	case e.At.IsStated():
		from = e.At.V.Seconds()
		return r.momentary(e, s, need, from), true
	case e.During:
		from, to = e.From.Seconds(), min(e.To.Seconds(), r.end())
	}
	switch e.Measure {
	case scenario.EmptyAt:
		return s.EmptyAt, !math.IsNaN(s.EmptyAt)
	case scenario.Recovery:
		v = r.recovery(s)
		return v, !math.IsNaN(v)
	case scenario.InRotation, scenario.RotationChanges, scenario.Replicas:
		if e.Measure == scenario.RotationChanges {
			sum, _ := r.over(e.Measure, s, need, from, to)
			return sum.part, true
		}
	case scenario.BreakerOpens:
		for _, n := range need {
			v = max(v, n.Opens)
		}
		return v, true
	}
	switch e.As {
	case scenario.Max, scenario.Min:
		return r.extreme(e, s, need, from, to), true
	}
	sum, time := r.over(e.Measure, s, need, from, to)
	if sum.of > 0 || sum.ratio {
		if sum.of <= 0 {
			return math.NaN(), false
		}
		return sum.part / sum.of, true
	}
	if e.As == scenario.Total {
		return sum.part, true
	}
	if time <= 0 {
		return math.NaN(), false
	}
	return sum.part / time, true
}

// ratio is a number that is a share of another, or just a sum.
type ratio struct {
	part, of float64
	ratio    bool
}

func (a *ratio) add(b ratio) {
	a.part += b.part
	a.of += b.of
	a.ratio = a.ratio || b.ratio
}

// over sums a measure over the bins in a span; what is a level is summed times the
// length of the bin.
func (r *Result) over(m scenario.Measure, s *ServiceResult, need []*NeedResult, from, to float64) (sum ratio, time float64) {
	for i := range r.Outside {
		if r.Times[i] < from-1e-9 || r.Times[i+1] > to+1e-9 {
			continue
		}
		sum.add(r.bin(m, s, need, i))
		time += r.Times[i+1] - r.Times[i]
	}
	return sum, time
}

// bin is a measure in one bin.
func (r *Result) bin(m scenario.Measure, s *ServiceResult, need []*NeedResult, i int) (x ratio) {
	length := r.Times[i+1] - r.Times[i]
	for _, n := range need {
		b := &n.Bins[i]
		switch m {
		case scenario.Goodput:
			x.part += b.Good
		case scenario.Offered, scenario.Calls:
			x.part += b.Calls
		case scenario.Attempts:
			x.part += b.Attempts
		case scenario.Rejected:
			x.part += b.Rejected
		case scenario.Failed, scenario.DeadLetters:
			x.part += b.Failed
		case scenario.Timeouts:
			x.part += b.Timeouts
		case scenario.ErrorsMeasure:
			x.part += b.Errors
		case scenario.Amplification:
			x.add(ratio{b.Attempts, b.Calls, true})
		case scenario.FailedShare:
			x.add(ratio{b.Failed, b.Calls, true})
		case scenario.CallsPerRequest:
			x.part += b.Attempts
			x.of, x.ratio = r.Outside[i], true
		case scenario.Retries:
			x.part += max(0, b.Attempts-b.Calls)
		case scenario.HitShare:
			x.add(ratio{b.Hits, b.Hits + b.Barred + b.Joined + b.Calls, true})
		case scenario.BreakerRejected:
			x.part += b.Stopped
		}
	}
	if need != nil {
		return x
	}
	b := &s.Bins[i]
	switch m {
	case scenario.Goodput:
		x.part = b.Good
	case scenario.Offered:
		x.part = b.Offered
	case scenario.Attempts:
		x.part = b.Attempts
	case scenario.Admitted:
		x.part = b.Attempts - b.Refused - b.Throttled - b.Full
	case scenario.Throughput:
		x.part = b.Finished
	case scenario.Rejected:
		x.part = b.Refused + b.Throttled + b.Full
	case scenario.Failed:
		x.part = b.Failed
	case scenario.Timeouts:
		x.part = b.Timeouts
	case scenario.ErrorsMeasure:
		x.part = b.Errors
	case scenario.Wasted:
		x.part = b.Wasted
	case scenario.Expired:
		x.part = b.Expired
	case scenario.DeadLetters:
		x.part = b.Dead
	case scenario.Amplification:
		x = ratio{b.Attempts, b.Offered, true}
	case scenario.FailedShare:
		x = ratio{b.Failed, b.Offered, true}
	case scenario.Latency:
		x = ratio{b.Latency, b.Finished, true}
	case scenario.Utilisation:
		x.part = b.Busy * length
	case scenario.QueueMeasure:
		x.part = b.MeanQueue * length
	case scenario.Age:
		x.part = b.Age * length
	case scenario.Wait:
		x.part = b.Wait * length
	case scenario.InRotation:
		x.part = b.InRotation * length
	case scenario.RotationChanges:
		x.part = b.RotationChanges
	case scenario.Replicas:
		x.part = b.Replicas * length
	}
	return x
}

// momentary is a measure at a time: a level as it is then, a rate over the bin that
// begins then.
func (r *Result) momentary(e *scenario.Expect, s *ServiceResult, need []*NeedResult, t float64) float64 {
	n := len(r.Outside)
	end, begin := -1, n-1 // the bins that end and begin at t
	for i := range n {
		if math.Abs(r.Times[i+1]-t) < 1e-6 {
			end = i
		}
		if r.Times[i] <= t+1e-9 && t < r.Times[i+1]-1e-9 {
			begin = i
		}
	}
	if need == nil {
		if end < 0 {
			end = begin
			if t < 1e-9 {
				switch e.Measure {
				case scenario.QueueMeasure, scenario.Age:
					return 0
				}
			}
		}
		b := &s.Bins[end]
		switch e.Measure {
		case scenario.QueueMeasure:
			return b.Queue
		case scenario.Age:
			return b.Age
		case scenario.Wait:
			return r.waited(s, t)
		}
	}
	if scenario.Measures[e.Measure].Unit == scenario.PerSecond && e.As == scenario.Total {
		sum, _ := r.over(e.Measure, s, need, 0, t)
		return sum.part
	}
	x := r.bin(e.Measure, s, need, begin)
	if x.ratio {
		return x.part / x.of
	}
	return x.part / (r.Times[begin+1] - r.Times[begin])
}

// waited is how long a request that arrived at a time came to wait: until the head
// of the queue had passed it (Newell's cumulative curves, read across). It is +Inf
// where the run ended before.
func (r *Result) waited(s *ServiceResult, t float64) float64 {
	at, head := t, t
	for i := range r.Outside {
		end := r.Times[i+1]
		if end < t-1e-9 {
			continue
		}
		passed := end - s.Bins[i].Age // what arrived before that has begun
		if passed > t+1e-9 {
			if head >= t {
				return max(0, at-t)
			}
			return max(0, at+(end-at)*(t-head)/(passed-head)-t)
		}
		at, head = end, passed
	}
	return math.Inf(1)
}

// extreme is the greatest or least value of a measure in a span.
func (r *Result) extreme(e *scenario.Expect, s *ServiceResult, need []*NeedResult, from, to float64) float64 {
	best := math.Inf(-1)
	sign := 1.0
	if e.As == scenario.Min {
		sign = -1
	}
	var sum ratio
	start := -1.0
	for i := range r.Outside {
		if r.Times[i] < from-1e-9 || r.Times[i+1] > to+1e-9 {
			continue
		}
		if need == nil && sign > 0 {
			switch e.Measure {
			case scenario.QueueMeasure:
				best = max(best, s.Bins[i].MaxQueue)
				continue
			case scenario.Age:
				best = max(best, s.Bins[i].Age)
				continue
			case scenario.Wait:
				best = max(best, s.Bins[i].Wait)
				continue
			}
		}
		if start < 0 {
			start, sum = r.Times[i], ratio{}
		}
		sum.add(r.bin(e.Measure, s, need, i))
		if r.Times[i+1]-start < e.Bin.Seconds()-1e-9 {
			continue
		}
		v := sum.part / (r.Times[i+1] - start)
		if sum.ratio {
			v = sum.part / sum.of
		}
		if !math.IsNaN(v) {
			best = max(best, sign*v)
		}
		start = -1
	}
	return sign * best
}

// nominal is what a service is offered when nothing has happened yet: before the
// first fault or change of load, or, where there is no before, when all is well.
func (r *Result) nominal(s *ServiceResult) float64 {
	first := math.Inf(1)
	for i := range r.Scenario.Faults {
		first = min(first, r.Scenario.Faults[i].At.Seconds())
	}
	for i := range r.Scenario.Loads {
		l := &r.Scenario.Loads[i]
		if at := l.At.Seconds(); at > 0 {
			first = min(first, at)
		}
		for _, p := range l.Points {
			if at := p.At.Seconds(); at > 0 {
				first = min(first, at)
			}
		}
	}
	sum, time := r.over(scenario.Offered, s, nil, 0, min(first, r.end()))
	if time > 0 && sum.part > mech.Tiny {
		return sum.part / time
	}
	return s.Nominal
}

// recovery is the time from the end of the trigger to the first bin from which
// goodput stays at half the nominal rate or more, up to two seconds before the end;
// NaN if it does not.
func (r *Result) recovery(s *ServiceResult) float64 {
	after, ok := r.triggerEnd()
	if !ok {
		return math.NaN()
	}
	from := after.Seconds()
	half := 0.5 * r.nominal(s)
	at := math.NaN()
	for i := len(r.Outside) - 1; i >= 0 && r.Times[i] >= from-1e-9; i-- {
		if r.Times[i+1] > r.end()-2+1e-9 {
			continue
		}
		if s.Bins[i].Good/(r.Times[i+1]-r.Times[i]) < half {
			break
		}
		at = r.Times[i] - from
	}
	return at
}
