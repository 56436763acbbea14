package propagate

import (
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Ledger makes a Result of what an engine outside of this package counts, so that
// outputs, verdicts and expectations are those of [Run]. The engine calls Look at the
// end of every observation and Close at the end of every bin, in order of time; where
// both are due, Look is first.
type Ledger struct {
	p       *plan.Plan
	c       *catalog.Catalog
	result  *Result
	needAt  []int32 // call of every need in the result
	watches []watch
	frozen  [][]int32
	fresh   [][]freshNeed
	queued  [][]queuedNeed
	observe float64
	now     float64 // of the last Look
	closed  int     // bins
}

// NewLedger is the ledger of a run. It fails where the bins that a scenario asks for
// would be too many to keep.
func NewLedger(c *catalog.Catalog, p *plan.Plan, sc *scenario.Scenario) (*Ledger, error) {
	marks, err := borders(sc, len(p.Services)+len(p.Calls))
	if err != nil {
		return nil, err
	}
	l := &Ledger{p: p, c: c, watches: make([]watch, len(p.Services)), observe: min(1, sc.Horizon.Seconds()/100)}
	l.frozen, l.fresh, l.queued = silentNeeds(p)
	l.result, l.needAt = newResult(p, sc, marks, l.frozen)
	for i := range p.Leases {
		l.result.Leases = append(l.result.Leases, newLeaseResult(p, sc, i, len(marks)-1))
	}
	return l, nil
}

// Borders are the times in seconds at which bins begin and end, the horizon last.
func (l *Ledger) Borders() []float64 { return l.result.Times }

// Observation is how long an observation is, in seconds.
func (l *Ledger) Observation() float64 { return l.observe }

// Look ends an observation of every service; sights are by service. Whether others
// leave a service frozen or stale is found here.
func (l *Ledger) Look(t float64, sights []Sight) {
	for _, v := range slices.Backward(l.p.Order) { // targets first: callers feel them
		w, g := &l.watches[v], sights[v]
		for _, f := range l.fresh[v] {
			g.Stale = g.Stale || l.watches[f.target].late(f.within)
		}
		for _, u := range l.frozen[v] {
			g.Frozen = g.Frozen || l.watches[u].still()
		}
		for _, q := range l.queued[v] {
			g.feel(q, &l.watches[q.target])
		}
		w.since = l.now
		w.judge(&l.p.Services[v], g, t-l.now)
	}
	l.now = t
}

// Close ends a bin. Services and calls are by their index in the plan; what comes from
// outside is calls too. Failed, Dead and State of services are found here.
func (l *Ledger) Close(services []ServiceBin, calls []NeedBin) {
	outside := 0.0
	for i := range l.p.Calls {
		if c := &l.p.Calls[i]; c.From < 0 && !c.Chore && c.Lease < 0 {
			outside += calls[i].Calls
		}
	}
	for i, j := range l.needAt {
		n := &l.result.Needs[i]
		n.Bins = append(n.Bins, calls[j])
	}
	for v := range services {
		b := services[v]
		for _, i := range l.p.Services[v].In {
			b.Failed += calls[i].Failed
			if l.p.Calls[i].Async {
				b.Dead += calls[i].Failed
			}
		}
		b.State = l.watches[v].state
		res := &l.result.Services[v]
		res.Bins = append(res.Bins, b)
		res.MaxQueue = max(res.MaxQueue, b.MaxQueue)
	}
	l.result.Outside = append(l.result.Outside, outside)
	l.closed++
}

// CloseLeases ends a bin of all leases, as in the plan.
func (l *Ledger) CloseLeases(bins []LeaseBin) {
	for i := range bins {
		l.result.Leases[i].Bins = append(l.result.Leases[i].Bins, bins[i])
	}
}

// Hold notes that so many leases of a kind are held from a time on.
func (l *Ledger) Hold(t float64, lease int, held float64) {
	r := &l.result.Leases[lease]
	if t < r.Since-1e-9 {
		return
	}
	for k := range r.Again {
		a := &r.Again[k]
		level := float64(a.Share*r.Count) * (1 - 1e-9)
		switch {
		case held < level && !a.Lost:
			a.Lost, a.At = true, math.NaN()
		case held >= level && a.Lost && math.IsNaN(a.At):
			a.At = t
		}
	}
}

// Waits notes that a service waits for a restart from a time on.
func (l *Ledger) Waits(t float64, service int) {
	s := &l.result.Services[service]
	s.Hand = append(s.Hand, Span{t, math.Inf(1)})
}

// Healed notes that it no longer does.
func (l *Ledger) Healed(t float64, service int) {
	s := &l.result.Services[service]
	if n := len(s.Hand); n > 0 && math.IsInf(s.Hand[n-1].To, 1) {
		s.Hand[n-1].To = t
	}
}

// Ending is what an engine says at the end of a run.
type Ending struct {
	Steps   Steps
	Partial bool      // the run was interrupted
	EmptyAt []float64 // by service; see ServiceResult
	Opens   []float64 // by call; see NeedResult

	Operators *Operators
	Over      func(fault int) float64 // seconds; when it was over, by itself or by the operators; math.MaxFloat64 where it was not
}

// Finish decides the verdict and the expectations.
func (l *Ledger) Finish(e Ending) *Result {
	r := l.result
	end := r.Times[l.closed]
	for v := range l.watches {
		r.Services[v].Windows = l.watches[v].close(end)
		r.Services[v].EmptyAt = e.EmptyAt[v]
		l.Healed(end, v)
	}
	for i, j := range l.needAt {
		if o := e.Opens[j]; !math.IsNaN(o) {
			r.Needs[i].Opens = o
		}
	}
	_, r.Ignored = l.c.Inventory()
	e.Operators.finish(r, e.Over)
	r.Steps, r.Partial = e.Steps, e.Partial
	r.judge()
	return r
}
