package replay

import (
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
	Actions []Acted // in the order of the scenario; those without a time of their own are left out
}

// Acted is one action of an incident, done earlier or never. Minutes of impact are of all
// scored services together.
type Acted struct {
	Action  int     // of the scenario
	Done    float64 // minutes; when it took effect
	First   float64 // minutes; as early as it can be tried
	Never   float64 // minutes of impact without it
	Early   float64 // minutes of impact had it been done at First
	PerMin  float64 // minutes of impact that each minute from First to Done has cost
	Last    float64 // minutes; the latest time at which all is well within Grace; NaN where none is
	InTime  bool    // it was still in time when it was done
	Matters bool    // without it, or had it been done at once, the impact is another
}

// DefaultGrace is within which time after an action all has to be well again, for the
// collapse to count as avoided.
const DefaultGrace = 30.0

// Delay asks for each action of an incident what its time was worth: it is played without
// it, with it as early as can be, and then by halves in order to find the latest minute
// at which it would have avoided the collapse, which is that everything scored is well
// again within the grace and stays so. All other actions are as they were. Play plays
// another scenario on the same catalog.
func Delay(ctx context.Context, c *catalog.Catalog, base *propagate.Result, grace float64, play func(context.Context, *scenario.Scenario) (*propagate.Result, error), progress func(done, planned int)) (*Hesitation, error) {
	sc := base.Scenario
	h := &hesitation{c: c, rec: sc.Record, play: play}
	out := &Hesitation{Grace: grace, Minutes: h.minutes(base)}
	first := math.Inf(1)
	for i := range sc.Faults {
		first = min(first, sc.Faults[i].At.Seconds()/60)
	}
	for i := range sc.Actions {
		if sc.Actions[i].After != nil || i >= len(base.Actions) {
			continue
		}
		a := Acted{Action: i, Done: base.Actions[i].Done / 60, First: first, Last: math.NaN()}
		for j := range sc.Actions[i].Do { // a fault cannot be ended before it begins
			x := &sc.Actions[i].Do[j]
			for k := range sc.Faults {
				if f := &sc.Faults[k]; f.ID != "" && f.ID == x.Target && (x.Verb == scenario.Restore || x.Verb == scenario.RollBack) {
					a.First = max(a.First, f.At.Seconds()/60+LeastMove)
				}
			}
		}
		if a.Done > a.First {
			out.Actions = append(out.Actions, a)
		}
	}
	const runsEach = 11 // about as many, for progress
	h.count = counter(runsEach*len(out.Actions), progress)
	err := each(ctx, len(out.Actions), func(i int) error { return h.act(ctx, base, &out.Actions[i], grace, out.Minutes) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

type hesitation struct {
	c     *catalog.Catalog
	rec   *scenario.Record
	play  func(context.Context, *scenario.Scenario) (*propagate.Result, error)
	count func()
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
	names, _ := scored(h.rec)
	return slices.DeleteFunc(Impacts(h.c, res, h.rec, Shown), func(x Impact) bool { return !slices.Contains(names, x.Service) })
}

// at plays an incident with an action decided at another minute; never where negative.
func (h *hesitation) at(ctx context.Context, base *propagate.Result, action int, minute float64) (*propagate.Result, error) {
	moved := *base.Scenario
	moved.Actions = slices.Clone(moved.Actions)
	a := &moved.Actions[action]
	if minute < 0 { // it cannot be left out: others may come after it
		a.At = scenario.Lasting
	} else {
		a.At = unit.FromSeconds(60 * minute)
	}
	defer h.count()
	return h.play(ctx, &moved)
}

// act looks at one action.
func (h *hesitation) act(ctx context.Context, base *propagate.Result, a *Acted, grace, asPlayed float64) error {
	decided := base.Scenario.Actions[a.Action].At.Seconds() / 60
	never, err := h.at(ctx, base, a.Action, -1)
	if err != nil {
		return err
	}
	early, err := h.at(ctx, base, a.Action, a.First)
	if err != nil {
		return err
	}
	a.Never, a.Early = h.minutes(never), h.minutes(early)
	a.PerMin = (asPlayed - a.Early) / (a.Done - a.First)
	a.Matters = math.Abs(a.Never-asPlayed) > 1 || math.Abs(a.Early-asPlayed) > 1
	if !a.Matters {
		return nil
	}
	if h.avoided(base, a, grace) {
		a.InTime, a.Last = true, decided
		return nil
	}
	if !h.avoided(early, a, grace) {
		return nil
	}
	low, high := a.First, decided
	for high-low > 1 {
		mid := math.Round(0.5 * (low + high))
		if mid <= low || mid >= high {
			break
		}
		res, err := h.at(ctx, base, a.Action, mid)
		if err != nil {
			return err
		}
		if h.avoided(res, a, grace) {
			low = mid
		} else {
			high = mid
		}
	}
	a.Last = low
	return nil
}

// avoided reports whether all that is scored is well again within the grace after an
// action took effect, and stays so.
func (h *hesitation) avoided(res *propagate.Result, a *Acted, grace float64) bool {
	done := res.Actions[a.Action].Done / 60
	if math.IsNaN(done) {
		return false
	}
	for _, x := range h.impacts(res) {
		if x.To > done+grace {
			return false
		}
	}
	return true
}
