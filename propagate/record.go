package propagate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// recorder cuts a run into bins. A step never crosses a border of one.
type recorder struct {
	marks  []float64 // borders of bins
	at     int       // the current bin is [marks[at], marks[at+1])
	start  float64   // of the current bin
	index  map[string]int32
	result *Result
	needAt []int32 // call of every need in the result
}

// borders are the bins of a scenario: evenly spaced, and cut besides wherever an
// expectation begins or ends, so that every mean is exact.
// The series of all services and needs together have at most maxBins entries.
func borders(sc *scenario.Scenario, series int) ([]float64, error) {
	horizon := sc.Horizon.Seconds()
	width := sc.Resolution.Seconds()
	if width <= 0 {
		width = max(resolution(horizon), horizon*float64(series)/(maxBins/4))
	}
	for i := range sc.Expects {
		if b := sc.Expects[i].Bin.Seconds(); b > 0 {
			width = min(width, b)
		}
	}
	if cells := horizon / width * float64(series); cells > maxBins {
		return nil, fmt.Errorf("a series of %s over %s for %d services and needs would have %.2g entries, and %.2g are kept; write a resolution of %s or more",
			unit.FromSeconds(width), sc.Horizon, series, cells, float64(maxBins), unit.FromSeconds(horizon*float64(series)/maxBins))
	}
	n := int(math.Ceil(horizon/width - 1e-9))
	marks := make([]float64, 0, n+2*len(sc.Expects)+1)
	for i := range n {
		marks = append(marks, float64(i)*width)
	}
	add := func(t float64) {
		if t > 0 && t < horizon {
			marks = append(marks, t)
		}
	}
	for i := range sc.Expects {
		e := &sc.Expects[i]
		if e.At.IsStated() {
			add(e.At.V.Seconds())
		}
		if e.During {
			add(e.From.Seconds())
			add(e.To.Seconds())
		}
	}
	marks = append(marks, horizon)
	slices.Sort(marks)
	out := marks[:1]
	for _, t := range marks[1:] {
		if t-out[len(out)-1] > 1e-9 {
			out = append(out, t)
		}
	}
	return out, nil
}

// maxBins is how many bins a result keeps: they take about 150 bytes each.
const maxBins = 8_000_000

// resolution is a round width of bins for a horizon: about a thousand of them, and
// a second where that is finer than needed.
func resolution(horizon float64) float64 {
	if horizon <= 20 {
		return horizon / 200
	}
	for _, w := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600} {
		if horizon/w <= 1200 {
			return w
		}
	}
	return horizon / 1000
}

func (r *recorder) begin(en *engine) {
	r.result, r.needAt = newResult(en.m.Plan, en.sc, r.marks, en.frozenBy)
	for i := range en.m.leases {
		r.result.Leases = append(r.result.Leases, newLeaseResult(en.m.Plan, en.sc, i, len(r.marks)-1))
	}
}

// newResult is a result without bins, and the calls that its needs are.
func newResult(p *plan.Plan, sc *scenario.Scenario, marks []float64, frozenBy [][]int32) (res *Result, needAt []int32) {
	bins := len(marks) - 1
	res = &Result{Scenario: sc, Assumptions: p.Assumptions, Times: marks, Outside: make([]float64, 0, bins)}
	for v := range p.Services {
		s := &p.Services[v]
		struck := func(f scenario.Fault) bool { return f.Service == s.ID }
		res.Services = append(res.Services, ServiceResult{
			ID: s.ID, Bins: make([]ServiceBin, 0, bins), Capacity: s.Full(), Servers: s.Threads,
			Nominal: s.Nominal, Replicas: s.Replicas, Faulted: slices.ContainsFunc(sc.Faults, struck),
		})
	}
	for v := range p.Services {
		for _, u := range frozenBy[v] {
			res.Services[v].Change = append(res.Services[v].Change, p.Services[u].ID)
		}
	}
	for v := range p.Services {
		s := &res.Services[v]
		s.Bound = p.Services[v].Bound
		for j := range p.Services[v].Decl.Needs {
			if n := &p.Services[v].Decl.Needs[j]; n.Fresh && n.IfLost == catalog.Fail {
				s.Recent = append(s.Recent, n.Targets[0])
			}
		}
	}
	for i := range p.Checks {
		k := &p.Checks[i]
		t := Tested{Check: k.ID}
		for _, f := range k.Fresh {
			t.Recent = append(t.Recent, p.Services[f.Service].ID)
		}
		for _, v := range k.Tests {
			res.Services[v].Tests = append(res.Services[v].Tests, t)
		}
	}
	for i := range p.Calls {
		if p.Calls[i].From >= 0 {
			needAt = append(needAt, int32(i))
		}
	}
	slices.SortStableFunc(needAt, func(i, j int32) int { // what stands in comes last
		return cmp.Compare(p.Calls[i].From, p.Calls[j].From)
	})
	for _, i := range needAt {
		e := &p.Calls[i]
		soft := e.Loss != catalog.Fail
		res.Needs = append(res.Needs, NeedResult{
			Service: p.Services[e.From].ID, Target: p.Services[e.To].ID, Index: e.Index,
			Async: e.Async, Soft: soft && !(e.Loss == catalog.Stale && !math.IsInf(e.Stale, 1)), Timeout: e.Timeout, Retries: len(e.Pauses), Nominal: e.Nominal, Bins: make([]NeedBin, 0, bins),
		})
	}
	return res, needAt
}

func (r *recorder) next(t float64) float64 { return r.marks[min(r.at+1, len(r.marks)-1)] }

func (r *recorder) due(t float64) bool { return t >= r.next(t)-1e-9 }

// close ends a bin.
func (r *recorder) close(en *engine) {
	length := en.t - r.start
	if length <= 0 {
		return
	}
	for i, j := range r.needAt {
		e := &en.m.calls[j]
		b := e.bin
		b.InFlight = max(0, e.under())
		b.Open /= length
		r.result.Needs[i].Bins = append(r.result.Needs[i].Bins, b)
		if e.breaker != nil {
			r.result.Needs[i].Opens = e.opens()
		}
	}
	for v := range en.m.Services {
		s := &en.m.servers[v]
		b := s.bin
		b.MeanQueue /= length
		b.Busy /= length
		b.Capacity /= length
		if s.instances != nil {
			b.InRotation, b.Replicas = b.InRotation/length, b.Replicas/length
		} else {
			b.Replicas /= length
			b.InRotation = b.Replicas
		}
		for _, i := range s.In {
			e := &en.m.calls[i]
			b.Failed += e.bin.Failed
			if e.Async {
				b.Dead += e.bin.Failed
			}
		}
		b.Age, b.Wait = en.ages(s)
		b.State = s.watch.state
		res := &r.result.Services[v]
		res.Bins = append(res.Bins, b)
		res.MaxQueue = max(res.MaxQueue, b.MaxQueue)
		s.bin = ServiceBin{Queue: b.Queue}
		s.watch.seen, s.watch.failed = s.bin, 0
	}
	outside := 0.0
	for i := range en.m.calls {
		e := &en.m.calls[i]
		if e.From < 0 && !e.Chore && e.Lease < 0 {
			outside += e.bin.Calls
		}
		e.bin = NeedBin{}
	}
	r.result.Outside = append(r.result.Outside, outside)
	for i := range en.m.leases {
		l := &en.m.leases[i]
		b := l.bin
		b.Mean /= length
		b.Held = l.holders.Mass()
		r.result.Leases[i].Bins = append(r.result.Leases[i].Bins, b)
		l.bin = LeaseBin{}
	}
	en.weigh()
	en.weighLeases()
	r.at++
	r.start = en.t
}

// ages are how long the oldest request has waited, and how long one that arrives
// now will wait if nothing changes.
func (en *engine) ages(s *server) (oldest, wait float64) {
	mass, at := en.queued(s)
	if !math.IsInf(at, 1) {
		oldest = max(oldest, en.t-at)
	}
	if s.instances != nil {
		return oldest, en.waits(s)
	}
	if mass > 1e-9 {
		wait = mass / max(1e-12, en.muNow(s))
		if rate := s.rateStart; !s.Leaf && rate > 0 {
			wait = mass / rate
		}
		if s.down || s.there(1) <= 0 {
			wait = math.Inf(1)
		}
	}
	return oldest, wait
}

// weigh checks that no call was lost or made twice: what began is over or under
// way.
func (en *engine) weigh() {
	for i := range en.m.calls {
		e := &en.m.calls[i]
		if e.whole != nil {
			continue
		}
		m := e.settling()
		for k := range e.lines {
			m += e.lines[k].Mass() - e.debt[k+1] + e.echo[k].mass
		}
		if e.cache != nil {
			en.balance = max(en.balance, e.unremembered())
		}
		err := math.Abs(e.begun-e.ended-m) / max(1, e.begun)
		en.balance = max(en.balance, err) // not a number where one of them is not
	}
	for _, v := range en.deferring {
		en.balance = max(en.balance, math.Abs(en.m.servers[v].again.Balance()))
	}
}

func (r *recorder) finish(en *engine) {
	en.operators.finish(r.result, en.timetable.over)
	for v := range en.m.Services {
		s := &en.m.servers[v]
		r.result.Services[v].Windows = s.watch.close(en.t)
		r.result.Services[v].EmptyAt = s.emptyAt
		r.healed(int32(v), en.t)
	}
}
