package replay

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// Score is how well windows agree with a record. Times are minutes.
type Score struct {
	Threshold  float64
	Windows    []Window // of the record, in its order, also those that are not scored
	Onsets     [4]Errors
	Recoveries [4]Errors // by class, as Onsets
	Overlap    float64   // mean over services: impaired minutes in both, of those in either; NaN without any
	RightState float64   // share of the minutes of all scored services until the last recorded end
	False      float64   // minutes: impaired outside of any recorded window of a scored service
	Control    float64   // minutes: impaired, of services that are known to have been well
	Order      float64   // Kendall's tau-b of onsets; NaN where there are fewer than two
	Services   []Service // scored ones, in order of the record
	Controls   []Service
}

// Service is how well the windows of one service agree.
type Service struct {
	Name    string
	Overlap float64
	False   float64
}

// Errors sum up the errors of boundaries. The 90th percentile is interpolated between
// ranks (R-7, as most programs do). All are NaN where there is none.
type Errors struct {
	Count             int
	Median, P90, Mean float64
}

// Window is a recorded window beside the simulated one that was found for it.
type Window struct {
	Recorded       int     // index in the record
	Impact         *Impact // nil: none
	Onset, Recover Boundary
}

// Boundary is one end of a recorded window.
type Boundary struct {
	Scored    bool
	Class     scenario.Class
	Simulated float64 // NaN where there is no partner
	Error     float64 // after the tolerance; NaN where it is not scored
	Once      int     // boundaries with the same number have one cause and count once, as the worst of them; 0: by itself
	Private   string  // the fitted parameter that moves this boundary and no other; it leaves the headline then
}

// Ends names one end of a recorded window.
type Ends struct {
	Window int
	End    bool
}

// Judge scores windows against a record. Horizon, in minutes, is how long was played.
// Private names the boundaries that a parameter of their own has been fitted to.
func Judge(rec *scenario.Record, impacts []Impact, horizon float64, private map[Ends]string) *Score {
	s := &Score{Windows: make([]Window, len(rec.Windows))}
	for i := range s.Windows {
		none := Boundary{Simulated: math.NaN(), Error: math.NaN()}
		s.Windows[i] = Window{Recorded: i, Onset: none, Recover: none}
	}
	merged := Merge(impacts)
	of := make(map[string][]Impact)
	for _, x := range merged {
		of[x.Service] = append(of[x.Service], x)
	}
	names, windows := scored(rec)
	last := min(horizon, rec.Last()/60)
	right, minutes := 0.0, 0.0
	for k, name := range names {
		ws := make([]*scenario.Recorded, len(windows[k]))
		for i, at := range windows[k] {
			ws[i] = &rec.Windows[at]
		}
		ext := extents(ws, horizon)
		sim := of[name]
		partner := assign(ext, func(i, j int) bool { return sim[j].State.String() == ws[i].State }, sim)
		for i, at := range windows[k] {
			w := &s.Windows[at]
			if partner[i] >= 0 {
				x := sim[partner[i]]
				w.Impact = &x
			}
			s.boundaries(rec, at, ext[i], private)
		}
		known := make([]Impact, len(ws)) // the record, as near to the simulated windows as its bands allow
		widest := make([]Impact, len(ws))
		for i, w := range ws {
			known[i] = nearest(w, ext[i], s.Windows[windows[k][i]].Impact)
			widest[i] = Impact{State: known[i].State, From: ext[i].from, To: ext[i].to}
		}
		both, either := compare(known, sim, 0, horizon, func(a, b propagate.State) bool { return a != 0 && b != 0 }),
			compare(known, sim, 0, horizon, func(a, b propagate.State) bool { return a != 0 || b != 0 })
		service := Service{Name: name, Overlap: math.NaN(), False: compare(widest, sim, 0, horizon, func(a, b propagate.State) bool { return a == 0 && b != 0 })}
		if either > 0 {
			service.Overlap = both / either
		}
		s.Services = append(s.Services, service)
		s.False += service.False
		right += compare(known, sim, 0, last, func(a, b propagate.State) bool { return a == b })
		minutes += last
	}
	for _, id := range rec.Controls {
		x := Service{Name: id, Overlap: math.NaN()}
		x.False = compare(nil, of[id], 0, horizon, func(_, b propagate.State) bool { return b != 0 })
		s.Controls = append(s.Controls, x)
		s.Control += x.False
	}
	s.RightState = right / minutes
	s.Overlap = meanOverlap(s.Services)
	for i := range s.Windows {
		s.once(rec, i)
	}
	s.Onsets = s.errors(func(w *Window) *Boundary { return &w.Onset })
	s.Recoveries = s.errors(func(w *Window) *Boundary { return &w.Recover })
	s.Order = s.order(rec)
	return s
}

// scored are the services of which windows are scored, and these windows in the order of
// their ends, by service in the order of the record.
func scored(rec *scenario.Record) (names []string, windows [][]int) {
	for i := range rec.Windows {
		w := &rec.Windows[i]
		if !w.Scores() {
			continue
		}
		at := slices.Index(names, w.Service)
		if at < 0 {
			at = len(names)
			names, windows = append(names, w.Service), append(windows, nil)
		}
		windows[at] = append(windows[at], i)
	}
	for _, ws := range windows {
		slices.SortStableFunc(ws, func(a, b int) int { return cmp.Compare(endOf(rec, a), endOf(rec, b)) })
	}
	return names, windows
}

// endOf is when a window ended; what is not known to have ended does so last.
func endOf(rec *scenario.Record, at int) float64 {
	if m := rec.Windows[at].End; m.Known {
		return m.Mid()
	}
	return math.Inf(1)
}

// boundaries are the errors of both ends of a window.
func (s *Score) boundaries(rec *scenario.Record, at int, e extent, private map[Ends]string) {
	r, w := &rec.Windows[at], &s.Windows[at]
	length := e.to - e.from
	if r.Start.Known && r.End.Known {
		length = (r.End.Mid() - r.Start.Mid()) / 60
	}
	one := func(m scenario.Moment, class scenario.Class, end bool) Boundary {
		b := Boundary{Class: class, Scored: class != scenario.Unscored && m.Known, Simulated: math.NaN(), Error: math.NaN(), Private: private[Ends{at, end}]}
		if w.Impact != nil {
			b.Simulated = w.Impact.From
			if end {
				b.Simulated = w.Impact.To
			}
		}
		switch {
		case !b.Scored:
		case w.Impact == nil:
			b.Error = length
		default:
			off := max(m.Low/60-b.Simulated, b.Simulated-m.High/60, 0)
			b.Error = max(0, off-scenario.Tolerance(r.Confidence)/60)
		}
		return b
	}
	w.Onset, w.Recover = one(r.Start, r.StartClass, false), one(r.End, r.EndClass, true)
}

// once finds which boundaries of a window have a cause that others have as well.
func (s *Score) once(rec *scenario.Record, at int) {
	r, w := &rec.Windows[at], &s.Windows[at]
	for k, m := range rec.Once {
		if w.Onset.Scored && r.Start == m {
			w.Onset.Once = k + 1
		}
		if w.Recover.Scored && r.End == m {
			w.Recover.Once = k + 1
		}
	}
}

// nearest is a recorded window as a simulated one would have it, where its bands allow.
func nearest(r *scenario.Recorded, e extent, x *Impact) Impact {
	k := Impact{State: stateOf(r.State), From: e.from, To: e.to}
	if r.Start.Known {
		k.From = r.Start.Mid() / 60
	}
	if r.End.Known {
		k.To = r.End.Mid() / 60
	}
	if x == nil {
		return k
	}
	switch {
	case r.Start.Known:
		k.From = min(max(x.From, r.Start.Low/60), r.Start.High/60)
	default:
		k.From = min(max(x.From, e.from), k.To)
	}
	if r.End.Known {
		k.To = min(max(x.To, r.End.Low/60), r.End.High/60)
	}
	return k
}

func stateOf(word string) propagate.State {
	return propagate.State(slices.Index(scenario.States, word))
}

// compare sums the minutes in which something holds of the states of two sets of
// windows; the worst state counts where they overlap, and 0 is none.
func compare(a, b []Impact, from, to float64, holds func(a, b propagate.State) bool) float64 {
	marks := []float64{from, to}
	for _, set := range [...][]Impact{a, b} {
		for _, x := range set {
			for _, t := range [...]float64{x.From, x.To} {
				if t > from && t < to {
					marks = append(marks, t)
				}
			}
		}
	}
	slices.Sort(marks)
	sum := 0.0
	for i := 1; i < len(marks); i++ {
		if mid := 0.5 * (marks[i-1] + marks[i]); holds(stateAt(a, mid), stateAt(b, mid)) {
			sum += marks[i] - marks[i-1]
		}
	}
	return sum
}

func stateAt(all []Impact, t float64) (worst propagate.State) {
	for _, x := range all {
		if x.From <= t && t < x.To {
			worst = max(worst, x.State)
		}
	}
	return worst
}

func meanOverlap(services []Service) float64 {
	sum, n := 0.0, 0
	for _, x := range services {
		if !math.IsNaN(x.Overlap) {
			sum, n = sum+x.Overlap, n+1
		}
	}
	return sum / float64(n)
}

// errors sum up one end of all windows, by class. Those with one cause count once, as
// the worst of them; what a parameter of its own was fitted to does not count.
func (s *Score) errors(end func(*Window) *Boundary) (all [4]Errors) {
	for class := range all {
		var errs []float64
		shared := make(map[int]int) // of Once: index in errs
		for i := range s.Windows {
			b := end(&s.Windows[i])
			if !b.Scored || b.Class != scenario.Class(class) || b.Private != "" {
				continue
			}
			if at, seen := shared[b.Once]; seen && b.Once > 0 {
				errs[at] = max(errs[at], b.Error)
				continue
			}
			shared[b.Once] = len(errs)
			errs = append(errs, b.Error)
		}
		all[class] = summary(errs)
	}
	return all
}

func summary(errs []float64) Errors {
	e := Errors{Count: len(errs), Median: math.NaN(), P90: math.NaN(), Mean: math.NaN()}
	if len(errs) == 0 {
		return e
	}
	slices.Sort(errs)
	e.Median, e.P90, e.Mean = quantile(errs, 0.5), quantile(errs, 0.9), stat.Mean(errs, nil)
	return e
}

// quantile interpolates between ranks (R-7 of Hyndman and Fan, American Statistician
// 50, 1996). The list is sorted.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	low := math.Floor(at)
	i := int(low)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-low)*(sorted[i+1]-sorted[i]))
}

// order is Kendall's tau-b of the onsets of all scored windows, recorded and simulated;
// a window without a partner comes last. Ties are those of Kendall, Biometrika 33, 1945.
func (s *Score) order(rec *scenario.Record) float64 {
	var recorded, simulated []float64
	for i := range s.Windows {
		if w := &s.Windows[i]; w.Onset.Scored {
			at := w.Onset.Simulated
			if math.IsNaN(at) {
				at = math.Inf(1)
			}
			recorded = append(recorded, rec.Windows[i].Start.Mid())
			simulated = append(simulated, at)
		}
	}
	agree, untiedA, untiedB := 0.0, 0.0, 0.0
	for i := range recorded {
		for j := range i {
			a, b := float64(cmp.Compare(recorded[i], recorded[j])), float64(cmp.Compare(simulated[i], simulated[j]))
			agree += float64(a * b)
			untiedA += float64(a * a)
			untiedB += float64(b * b)
		}
	}
	if untiedA == 0 || untiedB == 0 {
		return math.NaN()
	}
	return agree / math.Sqrt(untiedA*untiedB)
}

// Worst takes the worst of each number of several scores of one record.
func Worst(scores []*Score) Headline {
	var h Headline
	for i, s := range scores {
		x := s.Headline()
		if i == 0 {
			h = x
			continue
		}
		h.Onset, h.Recovery = worse(h.Onset, x.Onset), worse(h.Recovery, x.Recovery)
		h.Overlap, h.RightState, h.Order = min(h.Overlap, x.Overlap), min(h.RightState, x.RightState), min(h.Order, x.Order)
		h.False, h.Control = max(h.False, x.False), max(h.Control, x.Control)
	}
	return h
}

// Headline is a score in few numbers, of emergent boundaries only.
type Headline struct {
	Onset, Recovery            Errors
	Overlap, RightState, Order float64
	False, Control             float64
}

// Headline is the score in few numbers.
func (s *Score) Headline() Headline {
	return Headline{
		Onset: s.Onsets[scenario.Emergent], Recovery: s.Recoveries[scenario.Emergent],
		Overlap: s.Overlap, RightState: s.RightState, Order: s.Order, False: s.False, Control: s.Control,
	}
}

func worse(a, b Errors) Errors {
	return Errors{Count: a.Count, Median: max(a.Median, b.Median), P90: max(a.P90, b.P90), Mean: max(a.Mean, b.Mean)}
}
