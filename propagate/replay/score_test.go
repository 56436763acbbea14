package replay

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// band is a moment in minutes.
func band(low, high float64) scenario.Moment {
	return scenario.Moment{Known: true, Low: 60 * low, High: 60 * high}
}

func at(minute float64) scenario.Moment { return band(minute, minute) }

func recorded(service, state string, start, end scenario.Moment) scenario.Recorded {
	w := scenario.Recorded{Service: service, Of: []string{service}, State: state, Start: start, End: end, Confidence: "A"}
	if start.Known {
		w.StartClass = scenario.Emergent
	}
	if end.Known {
		w.EndClass = scenario.Emergent
	}
	return w
}

func impact(service string, state propagate.State, from, to float64) Impact {
	return Impact{Service: service, State: state, From: from, To: to}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s is %v, and not %v", what, got, want)
	}
}

// TestScoreByHand scores two services by numbers that were worked out by hand.
func TestScoreByHand(t *testing.T) {
	rec := &scenario.Record{
		Controls: []string{"well"},
		Windows: []scenario.Recorded{
			recorded("api", "down", at(10), at(50)),
			recorded("api", "degraded", at(50), at(100)),
			recorded("db", "down", band(0, 20), at(60)),
		},
	}
	impacts := []Impact{
		impact("api", propagate.Down, 5, 45),      // onset 5 early: 3 after the tolerance; recovery 5 early: 3
		impact("api", propagate.Degraded, 45, 54), // with the next one, 4 minutes on, one window
		impact("api", propagate.Degraded, 58, 101),
		impact("api", propagate.Delayed, 150, 160), // outside of any window
		impact("db", propagate.Down, 24, 90),       // onset 4 after its band: 2; recovery 30 late: 28
		impact("other", propagate.Down, 0, 300),    // not scored
		impact("well", propagate.Degraded, 7, 9),
	}
	s := Judge(rec, impacts, 300, nil)
	for i, want := range [][2]float64{{3, 3}, {3, 0}, {2, 28}} {
		near(t, "an onset error", s.Windows[i].Onset.Error, want[0])
		near(t, "a recovery error", s.Windows[i].Recover.Error, want[1])
	}
	h := s.Headline()
	near(t, "the median of onsets", h.Onset.Median, 3)
	near(t, "the 90th percentile of onsets", h.Onset.P90, 3)
	near(t, "the median of recoveries", h.Recovery.Median, 3)
	near(t, "the 90th percentile of recoveries", h.Recovery.P90, 3+0.8*25)
	// api: recorded 10 to 100, simulated 5 to 101 and 150 to 160: 90 of 106 minutes.
	// db: the record gives way within its band, to 20: 24 to 60 of 20 to 90.
	near(t, "the overlap of api", s.Services[0].Overlap, 90.0/106)
	near(t, "the overlap of db", s.Services[1].Overlap, 36.0/70)
	near(t, "the overlap", h.Overlap, (90.0/106+36.0/70)/2)
	near(t, "false minutes", h.False, 5+1+10+30)
	near(t, "false minutes of controls", h.Control, 2)
	// Until 100 minutes. api is down from 5 to 10 in the simulation alone, degraded
	// from 45 to 50 and not down; db: 20 to 24 and 60 to 90 differ.
	near(t, "the share of right minutes", h.RightState, (90.0+66)/200)
	// Recorded 10, 50, 10 and simulated 5, 45, 24: of the untied pairs both agree.
	near(t, "the order", h.Order, 2/math.Sqrt(2*3))
}

// TestNoPartner: a window that nothing overlaps is charged its length at both ends.
func TestNoPartner(t *testing.T) {
	rec := &scenario.Record{Windows: []scenario.Recorded{
		recorded("api", "down", at(10), at(50)),
		recorded("db", "down", scenario.Moment{}, at(80)),
	}}
	s := Judge(rec, []Impact{impact("api", propagate.Down, 60, 70)}, 100, nil)
	near(t, "the onset", s.Windows[0].Onset.Error, 40)
	near(t, "the recovery", s.Windows[0].Recover.Error, 40)
	near(t, "the recovery of one without a start", s.Windows[1].Recover.Error, 80)
	if s.Windows[1].Onset.Scored || s.Onsets[scenario.Emergent].Count != 1 {
		t.Error("a start that is not known is scored")
	}
	near(t, "the overlap", s.Overlap, 0)
	near(t, "false minutes", s.False, 10)
}

// TestInOrder: windows are given one to one and in order, by greatest overlap.
func TestInOrder(t *testing.T) {
	rec := &scenario.Record{Windows: []scenario.Recorded{
		recorded("api", "down", at(0), at(100)),
		recorded("api", "down", at(200), at(300)),
	}}
	s := Judge(rec, []Impact{
		impact("api", propagate.Down, 20, 60),   // 40 of the first
		impact("api", propagate.Down, 75, 230),  // 25 of the first, 30 of the second
		impact("api", propagate.Down, 260, 280), // 20 of the second
	}, 400, nil)
	near(t, "the onset of the first", s.Windows[0].Onset.Simulated, 20)
	near(t, "the onset of the second", s.Windows[1].Onset.Simulated, 75)
}

// TestCountedOnce: boundaries with one cause count once, as the worst of them, and
// those with a parameter of their own not at all.
func TestCountedOnce(t *testing.T) {
	rec := &scenario.Record{
		Once: []scenario.Moment{at(172)},
		Windows: []scenario.Recorded{
			recorded("a", "down", at(0), at(172)),
			recorded("b", "down", at(0), at(172)),
			recorded("c", "down", at(0), at(90)),
			recorded("d", "down", at(0), at(60)),
		},
	}
	impacts := []Impact{
		impact("a", propagate.Down, 0, 172), impact("b", propagate.Down, 0, 192),
		impact("c", propagate.Down, 0, 90), impact("d", propagate.Down, 0, 600),
	}
	s := Judge(rec, impacts, 1000, map[Ends]string{{3, true}: "a rate"})
	e := s.Recoveries[scenario.Emergent]
	if e.Count != 2 {
		t.Errorf("%d recoveries count", e.Count)
	}
	near(t, "the mean of 18 and 0", e.Mean, 9)
}

// TestTolerances: how far a boundary may be off without an error depends on how it is
// known.
func TestTolerances(t *testing.T) {
	for confidence, want := range map[string]float64{"A": 18, "B": 15, "H": 5} {
		w := recorded("a", "down", at(0), at(100))
		w.Confidence = confidence
		s := Judge(&scenario.Record{Windows: []scenario.Recorded{w}}, []Impact{impact("a", propagate.Down, 0, 120)}, 300, nil)
		near(t, "20 minutes known by "+confidence, s.Windows[0].Recover.Error, want)
	}
}

// drawRecord is a record of windows with bands of no width and at least half an hour
// between the windows of one service.
func drawRecord(t *rapid.T) *scenario.Record {
	rec := &scenario.Record{}
	for i := range rapid.IntRange(1, 5).Draw(t, "services") {
		from := 0.0
		for range rapid.IntRange(1, 3).Draw(t, "windows") {
			from += float64(rapid.IntRange(60, 200).Draw(t, "gap"))
			to := from + float64(rapid.IntRange(120, 300).Draw(t, "length"))
			state := rapid.SampledFrom(scenario.RecordedStates).Draw(t, "state")
			rec.Windows = append(rec.Windows, recorded(string(rune('a'+i)), state, at(from), at(to)))
			from = to
		}
	}
	return rec
}

func perfect(rec *scenario.Record) (all []Impact) {
	for i := range rec.Windows {
		w := &rec.Windows[i]
		all = append(all, impact(w.Service, stateOf(w.State), w.Start.Low/60, w.End.Low/60))
	}
	return all
}

// TestPerfect: windows that are the record have no error, wherever they stand in the
// list, and cut into pieces with short gaps between they are still the same windows.
func TestPerfect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := drawRecord(t)
		impacts := perfect(rec)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
		random.Shuffle(len(impacts), func(i, j int) { impacts[i], impacts[j] = impacts[j], impacts[i] })
		s := Judge(rec, impacts, 5000, nil)
		h := s.Headline()
		if h.Onset.P90 != 0 || h.Recovery.P90 != 0 || h.Overlap != 1 || h.RightState != 1 || h.False != 0 || len(rec.Windows) > 1 && h.Order < 1-1e-9 && !math.IsNaN(h.Order) {
			t.Fatalf("%+v", h)
		}
		if x := impacts[0]; x.To-x.From > 60 {
			cut := append(slices.Clone(impacts[1:]), impact(x.Service, x.State, x.From, x.From+30), impact(x.Service, x.State, x.From+39, x.To))
			if got := Judge(rec, cut, 5000, nil).Headline(); got != h && !math.IsNaN(h.Order) {
				t.Fatalf("cut in two: %+v", got)
			}
		}
	})
}

// TestShift: everything d minutes late, less than any window or gap, is an error of d
// less the tolerance at every boundary.
func TestShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := drawRecord(t)
		d := float64(rapid.IntRange(-25, 25).Draw(t, "d"))
		impacts := perfect(rec)
		for i := range impacts {
			impacts[i].From += d
			impacts[i].To += d
		}
		h := Judge(rec, impacts, 5000, nil).Headline()
		want := max(0, math.Abs(d)-2)
		if h.Onset.Median != want || h.Onset.P90 != want || h.Recovery.Median != want || h.Recovery.P90 != want {
			t.Fatalf("%v: %+v", d, h)
		}
		if late := math.Abs(d) * float64(len(rec.Windows)); h.False != late {
			t.Fatalf("%v false minutes, and not %v", h.False, late)
		}
	})
}

// TestNothing: without any window all is charged, and nothing is false.
func TestNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := drawRecord(t)
		s := Judge(rec, nil, 5000, nil)
		if s.False != 0 || s.Overlap != 0 {
			t.Fatalf("%+v", s.Headline())
		}
		for i := range s.Windows {
			length := (rec.Windows[i].End.Low - rec.Windows[i].Start.Low) / 60
			if w := &s.Windows[i]; w.Onset.Error != length || w.Recover.Error != length || w.Impact != nil {
				t.Fatalf("%+v", w)
			}
		}
	})
}
