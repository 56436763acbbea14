package scenario

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/unit"
)

// drawLoad draws a change of load of any shape within an hour.
func drawLoad(t *rapid.T) Load {
	seconds := func(name string, most int) unit.Duration {
		return unit.Duration(rapid.IntRange(0, most).Draw(t, name)) * 1e9
	}
	l := Load{At: seconds("at", 3000), For: seconds("for", 1000)}
	if l.For > 0 && rapid.Bool().Draw(t, "ramps") {
		l.Ramp = l.For / 3
	}
	switch rapid.IntRange(0, 4).Draw(t, "shape") {
	case 0:
		l.Times = rapid.Float64Range(0.1, 10).Draw(t, "times")
	case 1:
		l.Rate = unit.Value[unit.Rate]{V: unit.Rate(rapid.Float64Range(0, 1000).Draw(t, "rate")), Evidence: unit.Stated}
	case 2:
		l.Daily = &Daily{Peak: seconds("peak", 86399), Trough: rapid.Float64Range(0, 1).Draw(t, "trough")}
	default:
		l.Linear = rapid.Bool().Draw(t, "linear")
		at := l.At
		for range rapid.IntRange(1, 5).Draw(t, "points") {
			l.Points = append(l.Points, Point{at, unit.Rate(rapid.Float64Range(0, 1000).Draw(t, "point"))})
			at += seconds("to the next", 300) + 1e9
		}
	}
	return l
}

// TestOfferedAtMost: between corners what is offered never exceeds the bound, and is
// the bound where that is said.
func TestOfferedAtMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Scenario{Horizon: 3600e9}
		var all []int32
		corners := []float64{0, 3600}
		for i := range rapid.IntRange(1, 4).Draw(t, "loads") {
			s.Loads = append(s.Loads, drawLoad(t))
			all = append(all, int32(i))
			for _, at := range s.Loads[i].Corners() {
				if at > 0 && at < 3600 {
					corners = append(corners, at)
				}
			}
		}
		slices.Sort(corners)
		for i, from := range corners[1:] {
			from, to := corners[i], from
			if to-from < 1e-3 {
				continue
			}
			most, constant := s.OfferedAtMost(all, 100, from, to)
			for k := range 20 {
				at := from + (to-from)*(float64(k)+0.01)/20
				got := s.Offered(all, 100, at)
				if slack := 1e-9 * (1 + most); got > most+slack || constant && got < most-slack {
					t.Fatalf("at %v of %v..%v %v is offered, and %v is the bound (%v): %+v", at, from, to, got, most, constant, s.Loads)
				}
			}
		}
	})
}
