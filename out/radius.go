package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/propagate"
)

// Radius is the blast radius of a run over time: how much of the estate is affected
// from one change to the next. Who is exposed or recovering answers as ever and does
// not count.
type Radius struct {
	Steps   []RadiusStep // by time, each until the next
	Total   float64      // weight of all services
	Peak    float64      // the greatest weight affected
	PeakAt  float64      // seconds; when that was first so
	Minutes float64      // affected weight times minutes: service-minutes where all weigh 1
	HalfAt  float64      // seconds; since when no more than half of the peak has been affected; NaN while more is
}

// RadiusStep is what is affected from a time on.
type RadiusStep struct {
	At     float64 // seconds
	Weight [propagate.Down + 1]float64
	Count  [propagate.Down + 1]int
}

// affects reports whether a state counts as part of a blast radius.
func affects(s propagate.State) bool { return s >= propagate.Frozen }

// affected is the weight of the services that are affected, and how many they are.
func (s *RadiusStep) affected() (weight float64, count int) {
	for state := range s.Weight {
		if affects(propagate.State(state)) {
			weight += s.Weight[state]
			count += s.Count[state]
		}
	}
	return weight, count
}

// Radius adds up the windows of all services.
func (r *Run) Radius() Radius {
	type change struct {
		at      float64
		service int
		state   propagate.State
		sign    int
	}
	var changes []change
	x := Radius{HalfAt: math.NaN()}
	for i := range r.Services {
		x.Total += r.weight(i)
		for _, w := range r.Services[i].Windows {
			changes = append(changes, change{w.From, i, w.State, 1})
			if !w.Open {
				changes = append(changes, change{w.To, i, w.State, -1})
			}
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	now := RadiusStep{}
	if len(changes) == 0 || changes[0].at > 0 {
		x.Steps = append(x.Steps, now)
	}
	for i := 0; i < len(changes); {
		now.At = changes[i].at
		for ; i < len(changes) && changes[i].at == now.At; i++ {
			c := &changes[i]
			now.Count[c.state] += c.sign
			now.Weight[c.state] += float64(c.sign) * r.weight(c.service)
			if now.Count[c.state] == 0 {
				now.Weight[c.state] = 0 // not what rounding leaves
			}
		}
		x.Steps = append(x.Steps, now)
	}
	for i := range x.Steps {
		weight, _ := x.Steps[i].affected()
		if weight > x.Peak {
			x.Peak, x.PeakAt = weight, x.Steps[i].At
		}
		if end := x.end(r, i); end > x.Steps[i].At {
			x.Minutes += float64(weight * (end - x.Steps[i].At) / 60)
		}
	}
	for i := len(x.Steps) - 1; i >= 0 && x.Peak > 0; i-- {
		weight, _ := x.Steps[i].affected()
		if weight > x.Peak/2 {
			break
		}
		x.HalfAt = x.Steps[i].At
	}
	return x
}

// end is when a step is over.
func (x *Radius) end(r *Run, i int) float64 {
	if i+1 < len(x.Steps) {
		return x.Steps[i+1].At
	}
	return r.Played
}

// weight is what losing a service counts for.
func (r *Run) weight(i int) float64 {
	if r.Map != nil {
		return r.Map.Services[i].Weight
	}
	return 1
}

// words say what there is to know of a blast radius over time.
func (x *Radius) words() string {
	if x.Peak <= 0 {
		return "nothing is affected"
	}
	text := fmt.Sprintf("affected: at most %s of %s at %s", amount(x.Peak), amount(x.Total), moment(x.PeakAt))
	if !math.IsNaN(x.HalfAt) {
		text += ", half of that over at " + moment(x.HalfAt)
	}
	return text + "; " + amount(x.Minutes) + " service-minutes"
}
