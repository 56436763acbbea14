package out

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate"
)

// replayed is the fixed run with what is known to have happened, one of it to a service
// that the run left well.
func replayed(t testing.TB) *Run {
	t.Helper()
	c, res, explain := fixedRun(t)
	return NewRun(c, res, RunOptions{Explain: explain, Recorded: []Recorded{
		{Service: "nobody", State: propagate.Down, From: Band{0, 0}, To: Band{9, 9}},
		{Service: "ledger", State: propagate.Down, From: Band{40, 55}, To: Band{200, 220}, Source: "status page"},
		{Service: "idle", State: propagate.Delayed, From: Band{100, 100}, To: Band{130, 130}},
	}})
}

func TestSwimlanes(t *testing.T) {
	r := replayed(t)
	if len(r.Recorded) != 2 {
		t.Fatalf("%d recorded windows of services of the catalog", len(r.Recorded))
	}
	svg := written(t, "svg", r)
	golden(t, filepath.Join("testdata", "run.lanes.svg"), svg)
	text, err := svgText(svg)
	if err != nil {
		t.Fatal(err)
	}
	var order []int
	for _, name := range []string{"\nledger\n", "\nCheckout\n", "\nclients\n", "\nmail\n", "\nidle\n"} {
		order = append(order, strings.Index(text, name))
	}
	for i, at := range order {
		if at < 0 || i > 0 && at < order[i-1] {
			t.Fatalf("lanes are not in the order of their onset: %v\n%s", order, text)
		}
	}
	// The ledger ails the checkout, and that its clients.
	if n := strings.Count(string(svg), `class="cause"><title>`); n != 2 {
		t.Errorf("%d trunks of arrows instead of 2", n)
	}
	for _, part := range []string{"ledger passed it on to 1 service", "recorded: down 40s..55s – 3m20s..3m40s (status page)"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said", part)
		}
	}
}

// TestManySwimlanes: who has no lane of its own is counted in that of its group.
func TestManySwimlanes(t *testing.T) {
	r := fixedReport(t)
	model, worst := r.Services[3], r.Impaired[2]
	r.Map = nil
	for i := range 900 {
		s := model
		s.ID, s.Title = fmt.Sprintf("copy-%03d", i), ""
		r.Services = append(r.Services, s)
		worst.Service = len(r.Services) - 1
		r.Impaired = append(r.Impaired, worst)
	}
	svg := string(written(t, "svg", r))
	if n := strings.Count(svg, `class="lane" data-service`); n != mostLanes {
		t.Errorf("%d lanes", n)
	}
	if want := fmt.Sprintf("and %d more", 904-mostLanes); !strings.Contains(svg, want) {
		t.Errorf("%q is not said", want)
	}
}

func TestRadius(t *testing.T) {
	open := func(from, to float64, s propagate.State) propagate.Window {
		return propagate.Window{From: from, To: to, State: s, Open: true}
	}
	over := func(from, to float64, s propagate.State) propagate.Window {
		return propagate.Window{From: from, To: to, State: s}
	}
	r := &Run{Played: 600, Map: &Map{Services: []Service{{Weight: 1}, {Weight: 3}, {Weight: 2}}}, Services: make([]RunService, 3)}
	r.Services[0].Windows = []propagate.Window{over(60, 300, propagate.Down), over(300, 360, propagate.Recovering)}
	r.Services[1].Windows = []propagate.Window{over(120, 240, propagate.Degraded)}
	r.Services[2].Windows = []propagate.Window{open(540, 600, propagate.Frozen)}
	x := r.Radius()
	// 1 from 60 s, 4 from 120 s, 1 from 240 s, none from 300 s, 2 from 540 s on.
	if x.Total != 6 || x.Peak != 4 || x.PeakAt != 120 || x.HalfAt != 240 || math.Abs(x.Minutes-(1*1+4*2+1*1+2*1)) > 1e-9 {
		t.Errorf("%+v", x)
	}
	if got := x.words(); got != "affected: at most 4 of 6 at 2m, half of that over at 4m; 12 service-minutes" {
		t.Error(got)
	}
	rows := x.rows(r, func(s *RadiusStep) float64 { w, _ := s.affected(); return w }, 3)
	sum := 0.0
	for _, row := range rows {
		sum += row.good * (row.to - row.from) / 60
	}
	if len(rows) != 3 || math.Abs(sum-12) > 1e-9 {
		t.Errorf("three rows have %v service-minutes: %+v", sum, rows)
	}
	r.Services[2].Windows = []propagate.Window{open(100, 600, propagate.Frozen)}
	r.Services[1].Windows = nil
	if x := r.Radius(); x.Peak != 3 || !math.IsNaN(x.HalfAt) {
		t.Errorf("half of it never ends, and it says %+v", x)
	}
}

// TestRadiusLaw: the area is that of all windows together, however they lie.
func TestRadiusLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Run{Played: 1000}
		area := 0.0
		for range rapid.IntRange(1, 8).Draw(t, "services") {
			var s RunService
			at := 0.0
			for range rapid.IntRange(0, 4).Draw(t, "windows") {
				from := at + rapid.Float64Range(0, 100).Draw(t, "gap")
				to := from + rapid.Float64Range(0.001, 100).Draw(t, "length")
				state := propagate.State(rapid.IntRange(1, int(propagate.Down)).Draw(t, "state"))
				s.Windows = append(s.Windows, propagate.Window{From: from, To: to, State: state})
				if at = to; affects(state) {
					area += (to - from) / 60
				}
			}
			r.Services = append(r.Services, s)
		}
		x := r.Radius()
		if math.Abs(x.Minutes-area) > 1e-6 {
			t.Fatalf("%v service-minutes of %v", x.Minutes, area)
		}
		if last, _ := x.Steps[len(x.Steps)-1].affected(); last != 0 {
			t.Fatalf("%v are affected when all windows are over", last)
		}
		for _, most := range []float64{1, 7, 100} {
			sum := 0.0
			for _, row := range x.rows(r, func(s *RadiusStep) float64 { w, _ := s.affected(); return w }, most) {
				sum += row.good * (row.to - row.from) / 60
			}
			if math.Abs(sum-area) > 1e-6 {
				t.Fatalf("in %v rows %v service-minutes of %v", most, sum, area)
			}
		}
	})
}

// TestEventful: time in which nothing happens any more is not drawn, and that is said.
func TestEventful(t *testing.T) {
	r := &Run{Horizon: 36000, Played: 36000, Services: make([]RunService, 1)}
	if got := r.eventful(); got != 36000 {
		t.Errorf("of nothing at all %v s are drawn", got)
	}
	r.Services[0].Windows = []propagate.Window{{From: 60, To: 9000, State: propagate.Down}}
	if got := r.eventful(); got < 9000 || got > 12000 {
		t.Errorf("until 9,000 s something happens, and %v s are drawn", got)
	}
	svg := string(drawSwimlanes(r))
	if !strings.Contains(svg, "in which nothing happens, are not drawn") {
		t.Error("it is not said what is left out")
	}
	r.Events = []Event{{Kind: ActionEvent, At: 35000, To: 35000}}
	if got := r.eventful(); got != 36000 {
		t.Errorf("somebody acts at 35,000 s, and %v s are drawn", got)
	}
}
