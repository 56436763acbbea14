package out

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

// Run is what came of a scenario: a report over time. Times are seconds from the
// start of the scenario, and every series has one entry per bin.
type Run struct {
	ID          string // of the scenario
	Title       string
	Description string
	File        string // of the scenario, as it was named; empty where there is none
	Catalog     string // title of the catalog; may be empty
	Start       time.Time
	Horizon     float64 // how long it was to be played
	Played      float64 // how long it was played; less where it was interrupted
	Times       []float64
	Services    []RunService // by ID
	Map         *Map         // of the catalog: its services in the same order; nil where it is not known
	Recorded    []Recorded   // what is known to have happened, by service and time; empty outside a replay
	Needs       []propagate.NeedResult
	Leases      []propagate.LeaseResult
	Impaired    []Impairment // worst first
	Events      []Event      // by time, faults before loads before actions; of actions those that took effect
	Actions     []RunAction  // in the order of the scenario
	Verdict     string       // one of scenario.Verdicts
	TriggerEnd  float64      // +Inf while a fault lasts to the horizon
	Expects     []Expectation
	Assumptions []plan.Assumption
	Doubts      []propagate.Doubt
	Ignored     []string // what the catalog declares and the engine does not play
	Steps       propagate.Steps
	Tolerance   float64
	Balance     float64
	Partial     bool

	Chance string // "stochastic engine, seed 17"; empty of an engine that knows none
	head   string // in place of the usual headline

	Source func(diag.Span) string // the lines of a declaration; nil where they are not at hand
	Tabs   []Tab                  // other reports to show beside this one

	ShowAssumptions bool // a text lists every number that was assumed
	ShowSteps       bool // a text says how the run was stepped, and what was not played
}

// RunOptions are what a report of a run is made with besides its result.
type RunOptions struct {
	Tolerance   float64 // the run was made with; 0: the engine's own
	Explain     Explain // nil: reasons are the faults that strike a service
	Assumptions bool    // see Run
	Steps       bool
	Chance      string
	Source      func(diag.Span) string
	Tabs        []Tab
	Recorded    []Recorded // of services of the catalog; others are left out
}

// Recorded is an impairment that is known to have happened. When it began and ended
// is known within bands, which are points where it is known to the minute.
type Recorded struct {
	Service  string // as the catalog names it
	State    propagate.State
	From, To Band
	Source   string // of the knowledge; may be empty
}

// Band is a time that is known to lie between two others, in seconds from the start.
type Band struct{ Least, Most float64 }

// Tab is another report on the same catalog or scenario, which a page shows beside its
// own: findings, a ranking, a study.
type Tab struct {
	Title  string
	Report Report
}

// Explain says what ails a service at a time, in seconds; at its worst where at is
// negative. It is nil for a service that is healthy then.
type Explain func(service string, at float64) *propagate.Cause

// RunService is one service over time.
type RunService struct {
	propagate.ServiceResult
	Title    string
	Load     bool    // it is offered something from outside
	Deadline float64 // shortest time-out of its callers; +Inf without
}

// Impairment is how one service was impaired, and how it ended.
type Impairment struct {
	Service  int // index
	Word     string
	Worst    propagate.State
	From, To float64
	Open     bool // not over when the run ended
	Lost     float64
	Offered  float64 // originals of the whole run
	Recovery float64 // seconds after the trigger; NaN where it did not recover
	Evidence string
	Because  string  // why, in a few words; may be empty
	By       int     // index of the service that passed it on; -1 for none
	Since    float64 // when the impairment that is explained began

	told string // in place of the usual story
}

// EventKind is the kind of what happens in a scenario.
type EventKind uint8

// The kinds of events.
const (
	FaultEvent EventKind = iota
	LoadEvent
	ActionEvent
)

var eventWords = [...]string{"fault", "load", "action"}

func (k EventKind) String() string { return eventWords[k] }

// Event is one thing that happens in a scenario.
type Event struct {
	Kind     EventKind
	Index    int    // among the scenario's faults, loads or actions
	ID       string // may be empty
	Service  string // of a fault or a load
	Text     string
	At, To   float64 // To is the horizon where it lasts
	Open     bool    // lasts to the horizon
	By       string  // the action that ended a fault; empty where it ended by itself
	Constant bool    // changes nothing by itself: what a service is offered all along
}

// Expectation is what was expected, and what was found.
type Expectation struct {
	Text  string
	Met   bool
	Got   string
	Value float64 // of a number; NaN where there is none
	Place diag.Span
}

func (*Run) kind() string { return "run" }

// NewRun describes what came of a scenario.
func NewRun(c *catalog.Catalog, res *propagate.Result, o RunOptions) *Run {
	sc := res.Scenario
	r := &Run{
		ID: sc.ID, Title: cmp.Or(sc.Title, sc.ID), Description: sc.Description, File: sc.File, Catalog: c.Title, Start: sc.Start,
		Horizon: sc.Horizon.Seconds(), Needs: res.Needs, Leases: res.Leases,
		Verdict: res.Verdict.Word, TriggerEnd: res.Verdict.TriggerEnd, Assumptions: res.Assumptions, Doubts: res.Doubts, Ignored: res.Ignored,
		Steps: res.Steps, Balance: res.Balance, Partial: res.Partial,
		Tolerance: cmp.Or(o.Tolerance, propagate.DefaultTolerance), ShowAssumptions: o.Assumptions, ShowSteps: o.Steps, Chance: o.Chance, Source: o.Source, Tabs: o.Tabs,
	}
	bins := 0
	if len(res.Services) > 0 {
		bins = len(res.Services[0].Bins)
	}
	if len(res.Times) > bins { // an interrupted run has borders of bins that it did not reach
		r.Times = res.Times[:bins+1]
		r.Played = res.Times[bins]
	}
	index := make(map[string]int, len(res.Services))
	for i := range res.Services {
		s := RunService{ServiceResult: res.Services[i], Title: res.Services[i].ID, Deadline: math.Inf(1)}
		if d := c.Service(s.ID); d != nil {
			s.Title, s.Load = d.Title, d.Load.IsStated()
			if d.Patience.IsStated() {
				s.Deadline = d.Patience.V.Seconds()
			}
		}
		index[s.ID] = i
		r.Services = append(r.Services, s)
	}
	if len(r.Services) == len(c.Services) {
		r.Map = NewMap(c, graph.Build(c))
	}
	r.addRecorded(o.Recorded, index)
	for i := range sc.Loads {
		if at, ok := index[sc.Loads[i].Service]; ok {
			r.Services[at].Load = true
		}
	}
	for i := range res.Needs {
		n := &res.Needs[i]
		if at, ok := index[n.Target]; ok && !n.Async {
			r.Services[at].Deadline = min(r.Services[at].Deadline, n.Timeout)
		}
	}
	r.Actions = runActions(res)
	r.Events = events(sc, res, r.enders(sc, res))
	r.addImpairments(res, index, o.Explain)
	for i := range res.Expects {
		x := &res.Expects[i]
		r.Expects = append(r.Expects, Expectation{Text: x.Expect.Text, Met: x.Met, Got: x.Got, Value: x.Value, Place: x.Expect.Span})
	}
	return r
}

// addImpairments takes the services in the order of the verdict. One that it does
// not name, as of an interrupted run, follows by how bad it was.
func (r *Run) addImpairments(res *propagate.Result, index map[string]int, explain Explain) {
	named := make([]bool, len(r.Services))
	for i := range res.Verdict.Services {
		v := &res.Verdict.Services[i]
		at, ok := index[v.ID]
		if !ok || len(r.Services[at].Windows) == 0 {
			continue
		}
		named[at] = true
		m := r.impairment(at, explain)
		m.Word, m.Lost, m.Recovery, m.Evidence = v.Word, v.Lost, v.Recovery, v.Evidence
		r.Impaired = append(r.Impaired, m)
	}
	var others []Impairment
	for at := range r.Services {
		if !named[at] && len(r.Services[at].Windows) > 0 {
			others = append(others, r.impairment(at, explain))
		}
	}
	slices.SortStableFunc(others, func(a, b Impairment) int {
		return cmp.Or(cmp.Compare(b.Worst, a.Worst), cmp.Compare(unit.Rough(b.Lost), unit.Rough(a.Lost)), cmp.Compare(a.From, b.From))
	})
	r.Impaired = append(r.Impaired, others...)
}

func (r *Run) impairment(at int, explain Explain) Impairment {
	s := &r.Services[at]
	m := Impairment{Service: at, From: s.Windows[0].From, Recovery: math.NaN(), By: -1, Since: s.Windows[0].From}
	for _, w := range s.Windows {
		m.Worst, m.To, m.Open = max(m.Worst, w.State), w.To, w.Open
	}
	for i := range s.Bins {
		m.Lost += s.Bins[i].Failed
		m.Offered += s.Bins[i].Offered
	}
	var cause *propagate.Cause
	if explain != nil {
		cause = explain(s.ID, -1)
	}
	m.Because = r.why(s.ID, cause)
	r.trace(&m, cause)
	return m
}

// trace finds which service passed an impairment on, and when: the first other one
// below the greatest of its causes.
func (r *Run) trace(m *Impairment, cause *propagate.Cause) {
	if cause == nil {
		return
	}
	m.Since = cause.From
	own := r.Services[m.Service].ID
	for depth := 0; cause != nil && depth < treeDepth; depth++ {
		from := cause.Service
		if cause.Kind == propagate.NeedCause {
			from = cause.Target
		}
		if from != own {
			if at, ok := slices.BinarySearchFunc(r.Services, from, func(s RunService, id string) int { return strings.Compare(s.ID, id) }); ok {
				m.By = at
			}
			return
		}
		if len(cause.Because) == 0 {
			return
		}
		cause = &cause.Because[0]
	}
}

// addRecorded takes what is known to have happened to services of the catalog.
func (r *Run) addRecorded(all []Recorded, index map[string]int) {
	for _, w := range all {
		if _, ok := index[w.Service]; ok {
			r.Recorded = append(r.Recorded, w)
		}
	}
	slices.SortStableFunc(r.Recorded, func(a, b Recorded) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), cmp.Compare(a.From.Least, b.From.Least), cmp.Compare(a.To.Most, b.To.Most))
	})
}

// why is the shortest answer to why a service was impaired: the chain of causes,
// or else the faults that strike it.
func (r *Run) why(service string, cause *propagate.Cause) string {
	if cause != nil {
		return r.chain(cause, chainLinks)
	}
	for _, e := range r.Events {
		if e.Kind == FaultEvent && e.Service == service {
			return "struck: " + e.Text + " " + r.span(e.At, e.To, e.Open)
		}
	}
	return ""
}

// lost is the share of what a service was offered that failed, in words; empty
// where none did.
func (m *Impairment) lost() string {
	if !(m.Lost >= 0.5 && m.Offered > 0) {
		return ""
	}
	return percent(min(1, m.Lost/m.Offered))
}

// unmet counts the expectations that were not met.
func (r *Run) unmet() int {
	n := 0
	for _, x := range r.Expects {
		if !x.Met {
			n++
		}
	}
	return n
}

// events are the faults, loads and actions of a scenario, as they came to pass, and who
// ended each fault.
func events(sc *scenario.Scenario, res *propagate.Result, enders []string) []Event {
	horizon := sc.Horizon.Seconds()
	until := func(at, length unit.Duration) (float64, bool) {
		if end := (at + length).Seconds(); length > 0 && end < horizon {
			return end, false
		}
		return horizon, true
	}
	var all []Event
	for i := range sc.Faults {
		f := &sc.Faults[i]
		e := Event{Kind: FaultEvent, Index: i, ID: f.ID, Service: f.Service, At: f.At.Seconds(), Text: faultText(f)}
		e.To, e.Open = until(f.At, f.For)
		if i < len(res.FaultEnds) && res.FaultEnds[i] < e.To {
			e.To, e.Open, e.By = res.FaultEnds[i], false, enders[i]
		}
		all = append(all, e)
	}
	for i := range sc.Loads {
		l := &sc.Loads[i]
		e := Event{Kind: LoadEvent, Index: i, ID: l.ID, Service: l.Service, At: l.At.Seconds(), Text: loadText(l)}
		e.To, e.Open = until(l.At, l.For)
		e.Constant = l.At == 0 && e.Open && l.Ramp == 0 && len(l.Points) < 2 // a day's ups and downs are no event
		all = append(all, e)
	}
	for i := range sc.Actions {
		a := &sc.Actions[i]
		at := a.At.Seconds()
		if i < len(res.Actions) {
			at = res.Actions[i].Done
		}
		if math.IsNaN(at) {
			continue
		}
		all = append(all, Event{Kind: ActionEvent, Index: i, ID: a.ID, At: at, To: at, Text: actionText(a)})
	}
	slices.SortStableFunc(all, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return all
}
