package replay

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// Hesitation is what the time of each action was worth.
type Hesitation struct {
	Grace   float64 // minutes after an action in which all has to be well again
	Minutes float64 // of impact, of all scored services together, as it was played
	Partial bool    // interrupted: actions that had not been played are left out, and times are less exact
	Actions []Acted // in the order of the scenario; those without a time of their own are left out
}

// Acted is one action of an incident, done at other times or never. Minutes of impact are
// of all scored services together.
type Acted struct {
	Action  int     // of the scenario
	Done    float64 // minutes; when it took effect
	First   float64 // minutes; as early as it was tried
	Never   float64 // minutes of impact without it
	Matters bool    // without it, or at another time, the impact is another
	Tried   []Tried // from First until it was decided on, in order
	Best    float64 // minutes; the latest time tried at which there is as little impact as there can be, but for a hundredth of what time changes
	AtBest  float64 // minutes of impact had it been done at Best
	PerMin  float64 // minutes of impact that each minute from Best to Done has cost, in the mean; 0 where Best is Done
	Last    float64 // minutes; the latest time at which it avoids the collapse; NaN where none does
	InTime  bool    // it did so when it was done
	Relapse float64 // minutes; a time before Last at which it does not; NaN where none was found
	Cliff   *Cliff  // nil where impact grows evenly
	decided float64
}

// Tried is what comes of an action at a time.
type Tried struct {
	At      float64 // minutes; decided on
	Minutes float64 // of impact. Where the collapse is avoided, later actions are not done.
	Avoided bool    // all is well within the grace, without a later action
}

// Cliff is a short time in which an action loses much of its worth.
type Cliff struct {
	From, To float64 // minutes
	Rise     float64 // of impact, from one to the other
	Share    float64 // of all that time changes from Best to Done
}

// DefaultGrace is within which time after an action all has to be well again, for the
// collapse to count as avoided.
const DefaultGrace = 30.0

// The parts into which the time of an action is divided in order to try it, and what
// counts as a cliff: in this part of the time at most, so much of what time changes.
const (
	triedParts = 4
	cliffTime  = 0.1
	cliffShare = 0.25
)

// Delay asks for each action of an incident what its time was worth: it is played without
// it, at quarters of the time from when it could have been done first, at the times of
// other actions before it, and then by halves in order to find the latest minute at which
// it would have avoided the collapse, and where impact grows most.
//
// It avoids the collapse when everything scored is well again within the grace, and stays
// so, without any later action: nobody goes on with repairs where nothing is to be
// repaired. But what the catalog says no more than a hand brings back is left to the
// action that restarts it, at its time. Earlier actions are as they were, and so are all
// where the collapse is not avoided. Play plays another scenario on the same catalog.
//
// A cancelled context gives what there is, with Partial set, and the context's error; nil
// where no action was looked at.
func Delay(ctx context.Context, c *catalog.Catalog, base *propagate.Result, grace float64, play func(context.Context, *scenario.Scenario) (*propagate.Result, error), progress func(done, planned int)) (*Hesitation, error) {
	sc := base.Scenario
	h := &hesitation{c: c, base: base, play: play, grace: grace}
	out := &Hesitation{Grace: grace, Minutes: h.minutes(base)}
	first := math.Inf(1)
	for i := range sc.Faults {
		first = min(first, sc.Faults[i].At.Seconds()/60)
	}
	for i := range sc.Actions {
		if sc.Actions[i].After != nil || i >= len(base.Actions) {
			continue
		}
		a := Acted{Action: i, Done: base.Actions[i].Done / 60, First: first, decided: sc.Actions[i].At.Seconds() / 60}
		for j := range sc.Actions[i].Do { // a fault cannot be ended before it begins
			x := &sc.Actions[i].Do[j]
			for k := range sc.Faults {
				if f := &sc.Faults[k]; f.ID != "" && f.ID == x.Target && (x.Verb == scenario.Restore || x.Verb == scenario.RollBack) {
					a.First = max(a.First, f.At.Seconds()/60+LeastMove)
				}
			}
		}
		if a.decided > a.First {
			out.Actions = append(out.Actions, a)
		}
	}
	// First the times of all actions, then what lies between them: so all processors have
	// something to do until the end.
	type trial struct{ of, at int }
	var trials []trial
	for i := range out.Actions {
		a := &out.Actions[i]
		for _, at := range h.times(a) {
			a.Tried = append(a.Tried, Tried{At: at})
		}
		for k := range a.Tried {
			trials = append(trials, trial{i, k})
		}
		trials = append(trials, trial{i, -1})
	}
	const between = 12 // runs for each action, or about as many: for progress
	h.count = counter(len(trials)+between*len(out.Actions), progress)
	tried := make([]bool, len(trials))
	err := each(ctx, len(trials), func(n int) (err error) {
		a := &out.Actions[trials[n].of]
		if k := trials[n].at; k >= 0 {
			a.Tried[k], err = h.try(ctx, a, a.Tried[k].At)
		} else {
			var never *propagate.Result
			if never, err = h.at(ctx, sc, a.Action, -1, false); err == nil {
				a.Never = h.minutes(never)
			}
		}
		tried[n] = err == nil
		return err
	})
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	whole := slices.Repeat([]bool{true}, len(out.Actions))
	for n, t := range trials {
		whole[t.of] = whole[t.of] && tried[n]
	}
	var looked []Acted
	for i := range out.Actions {
		if whole[i] {
			looked = append(looked, out.Actions[i])
		}
	}
	out.Actions = looked
	if err == nil {
		err = each(ctx, len(looked), func(i int) error { return h.refine(ctx, &looked[i]) })
	}
	if err != nil && ctx.Err() == nil || len(looked) == 0 && err != nil {
		return nil, err
	}
	for i := range looked {
		looked[i].judge()
	}
	out.Partial = err != nil
	return out, err
}

type hesitation struct {
	c     *catalog.Catalog
	base  *propagate.Result
	grace float64
	play  func(context.Context, *scenario.Scenario) (*propagate.Result, error)
	count func()
}

// times are when an action is tried: at quarters of the time it took, and when others
// were done, which may have changed what it is worth.
func (h *hesitation) times(a *Acted) []float64 {
	all := []float64{a.First, a.decided}
	for k := 1; k < triedParts; k++ {
		all = append(all, math.Round(a.First+float64(k)/triedParts*(a.decided-a.First)))
	}
	for i := range h.base.Actions {
		if at := math.Round(h.base.Actions[i].Done / 60); at > a.First && at < a.decided {
			all = append(all, at)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// minutes sums up the impact on what is scored.
func (h *hesitation) minutes(res *propagate.Result) float64 {
	sum := 0.0
	for _, x := range h.impacts(res) {
		sum += x.To - x.From
	}
	return sum
}

// impacts are the windows of what is scored.
func (h *hesitation) impacts(res *propagate.Result) []Impact {
	rec := h.base.Scenario.Record
	names, _ := scored(rec)
	return slices.DeleteFunc(Impacts(h.c, res, rec, Shown), func(x Impact) bool { return !slices.Contains(names, x.Service) })
}

// at plays an incident with an action decided at another minute; never where negative.
// Alone leaves out what was done later, but for what only a hand brings back.
func (h *hesitation) at(ctx context.Context, sc *scenario.Scenario, action int, minute float64, alone bool) (*propagate.Result, error) {
	moved := *sc
	moved.Actions = slices.Clone(moved.Actions)
	put := func(i int, minute float64) {
		a := &moved.Actions[i]
		if minute < 0 { // it cannot be left out: others may come after it
			a.At = scenario.Lasting
		} else {
			a.At = unit.FromSeconds(60 * minute)
		}
	}
	for i := range moved.Actions {
		if alone && moved.Actions[i].After == nil && moved.Actions[i].At > moved.Actions[action].At && h.byHand(i) == nil {
			put(i, -1)
		}
	}
	put(action, minute)
	return h.play(ctx, &moved)
}

// byHand are the services that an action restarts, and that do not come back otherwise.
func (h *hesitation) byHand(action int) (ids []string) {
	do := h.base.Scenario.Actions[action].Do
	for i := range do {
		if s := h.c.Service(do[i].Target); s != nil && s.Recovery != nil && s.Recovery.By == "hand" {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// try plays an action at a minute: alone, and with all the others where that is not
// enough.
func (h *hesitation) try(ctx context.Context, a *Acted, minute float64) (Tried, error) {
	defer h.count()
	t := Tried{At: minute}
	// A short run tells most that does not avoid the collapse.
	short := *h.base.Scenario
	takes := max(0, a.Done-a.decided)
	short.Horizon = min(short.Horizon, unit.FromSeconds(60*(minute+takes+h.grace+2*LeastWindow)))
	for _, sc := range [...]*scenario.Scenario{&short, h.base.Scenario} {
		res, err := h.at(ctx, sc, a.Action, minute, true)
		if err != nil {
			return t, err
		}
		t.Minutes = h.minutes(res)
		if t.Avoided = h.avoided(res, a); !t.Avoided {
			break
		}
	}
	if t.Avoided {
		return t, nil
	}
	res, err := h.at(ctx, h.base.Scenario, a.Action, minute, false)
	if err == nil {
		t.Minutes = h.minutes(res)
	}
	return t, err
}

// avoided reports whether all that is scored is well again within the grace after an
// action took effect, and stays so. What other actions bring back by hand does not count.
func (h *hesitation) avoided(res *propagate.Result, a *Acted) bool {
	var others []string
	for i := range h.base.Scenario.Actions {
		if i != a.Action {
			others = append(others, h.byHand(i)...)
		}
	}
	rec := h.base.Scenario.Record
	done := res.Actions[a.Action].Done / 60
	return !math.IsNaN(done) && !slices.ContainsFunc(h.impacts(res), func(x Impact) bool {
		at := slices.IndexFunc(rec.Windows, func(w scenario.Recorded) bool { return w.Service == x.Service })
		return x.To > done+h.grace && !slices.ContainsFunc(rec.Windows[at].Of, func(id string) bool { return slices.Contains(others, id) })
	})
}

// refine looks between the times that were tried: for the last one at which an action
// avoids the collapse, and for where impact grows most.
func (h *hesitation) refine(ctx context.Context, a *Acted) error {
	if a.still() {
		return nil
	}
	for {
		i := latest(a.Tried, a.avoids)
		if i < 0 || i+1 == len(a.Tried) {
			break
		}
		if ok, err := h.between(ctx, a, i); err != nil {
			return err
		} else if !ok {
			break
		}
	}
	for i := a.steepest(0, len(a.Tried)-1); a.rise(i) > max(1, cliffShare*a.rises()); {
		if ok, err := h.between(ctx, a, i); err != nil || !ok {
			return err
		}
		i = a.steepest(i, i+2)
	}
	return nil
}

// avoids reports whether an action avoids the collapse at a time. One without which there
// is as little impact has avoided nothing.
func (a *Acted) avoids(t Tried) bool { return t.Avoided && t.Minutes < a.Never-1 }

// latest is the last time that was tried at which something holds; -1 where none is.
func latest(tried []Tried, holds func(Tried) bool) int {
	for i := len(tried) - 1; i >= 0; i-- {
		if holds(tried[i]) {
			return i
		}
	}
	return -1
}

// still reports whether impact is the same at all times that were tried, and without.
func (a *Acted) still() bool {
	for _, t := range a.Tried {
		if math.Abs(t.Minutes-a.Never) > 1 {
			return false
		}
	}
	return true
}

// rise is by how much impact grows from one time that was tried to the next.
func (a *Acted) rise(i int) float64 { return a.Tried[i+1].Minutes - a.Tried[i].Minutes }

// rises is by how much impact grows from the least to the last.
func (a *Acted) rises() float64 {
	return a.Tried[len(a.Tried)-1].Minutes - a.least()
}

// least is the least impact of all times that were tried.
func (a *Acted) least() float64 {
	return slices.MinFunc(a.Tried, func(x, y Tried) int { return cmp.Compare(x.Minutes, y.Minutes) }).Minutes
}

// steepest is the time after which impact grows most until the next, of some that were
// tried one after another.
func (a *Acted) steepest(first, last int) int {
	at := first
	for i := first; i < last; i++ {
		if a.rise(i) > a.rise(at) {
			at = i
		}
	}
	return at
}

// between tries the minute in the middle after one that was tried; false where there is
// none.
func (h *hesitation) between(ctx context.Context, a *Acted, i int) (bool, error) {
	low, high := a.Tried[i].At, a.Tried[i+1].At
	mid := math.Round(0.5 * (low + high))
	if mid <= low || mid >= high {
		return false, nil
	}
	t, err := h.try(ctx, a, mid)
	if err != nil {
		return false, err
	}
	a.Tried = slices.Insert(a.Tried, i+1, t)
	return true, nil
}

// judge says what the times that were tried come to.
func (a *Acted) judge() {
	a.Last, a.Relapse = math.NaN(), math.NaN()
	if a.Matters = !a.still(); !a.Matters {
		return
	}
	for i, t := range a.Tried {
		a.Tried[i].Avoided = a.avoids(t)
	}
	least, span := a.least(), a.rises()
	best := a.Tried[latest(a.Tried, func(t Tried) bool { return t.Minutes <= least+max(1, 0.01*span) })]
	a.Best, a.AtBest = best.At, best.Minutes
	if best.At < a.decided {
		a.PerMin = (a.Tried[len(a.Tried)-1].Minutes - best.Minutes) / (a.Done - best.At)
	}
	if last := latest(a.Tried, a.avoids); last >= 0 {
		a.Last = a.Tried[last].At
		a.InTime = a.Last == a.decided
		if i := slices.IndexFunc(a.Tried[:last], func(t Tried) bool { return !a.avoids(t) }); i >= 0 {
			a.Relapse = a.Tried[i].At
		}
	}
	i := a.steepest(0, len(a.Tried)-1)
	x := Cliff{From: a.Tried[i].At, To: a.Tried[i+1].At, Rise: a.rise(i), Share: a.rise(i) / span}
	if span > 1 && x.Share >= cliffShare && x.To-x.From <= cliffTime*(a.Done-best.At) {
		a.Cliff = &x
	}
}
