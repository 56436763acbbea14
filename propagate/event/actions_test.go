package event_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/event"
)

// TestActionTimes holds the moments of actions against those of the rate engine: to the
// nanosecond where only times are added, and to the patience of a watch where something
// has to be seen.
func TestActionTimes(t *testing.T) {
	for file, slack := range map[string]float64{
		"T-26-blind-observer/seen": 3, "T-26-blind-observer/blind": 3,
		"T-27-tools-that-are-down/waits": 3, "T-27-tools-that-are-down/never": 1e-9,
		"T-28-two-attempts-fail/third-works": 1e-9, "T-29-restored-when-seen/restored": 3,
		"T-32-restart/purge": 1e-9, "T-34-fail-over/there-and-back": 3, "T-39-not-long-enough/for-30s": 1e-9, "T-39-not-long-enough/for-10s": 3,
	} {
		t.Run(file, func(t *testing.T) {
			folder, name, _ := strings.Cut(file, "/")
			c, s := caseFile{folder, name}.open(t)
			want, err := propagate.Run(context.Background(), c, s, propagate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := event.Run(context.Background(), c, s, event.Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Actions) != len(want.Actions) || len(got.FaultEnds) != len(want.FaultEnds) {
				t.Fatalf("%d actions and %d faults, want %d and %d", len(got.Actions), len(got.FaultEnds), len(want.Actions), len(want.FaultEnds))
			}
			near := func(what string, a, b float64) {
				if !(math.IsNaN(a) && math.IsNaN(b) || a == b || math.Abs(a-b) <= slack) {
					t.Errorf("%s at %v s, want %v", what, a, b)
				}
			}
			for i, w := range want.Actions {
				g := got.Actions[i]
				near("observed", g.Observed, w.Observed)
				near("decided", g.Decided, w.Decided)
				near("waited", g.Waited, w.Waited)
				near("done", g.Done, w.Done)
				near("over", g.Over, w.Over)
				if len(g.Attempts) != len(w.Attempts) || strings.Join(g.WaitedFor, " ") != strings.Join(w.WaitedFor, " ") {
					t.Errorf("%d attempts and %v waited for, want %d and %v", len(g.Attempts), g.WaitedFor, len(w.Attempts), w.WaitedFor)
				}
			}
			for i := range want.FaultEnds {
				near("fault over", got.FaultEnds[i], want.FaultEnds[i])
			}
		})
	}
}

// TestCheckPhases: a rotation is as exact with another seed, and tests come at other
// times; the same seed gives the same run.
func TestCheckPhases(t *testing.T) {
	c, s := caseFile{"D-25-three-of-ten-die", "three-die"}.open(t)
	var rotations [3][]float64
	for i, seed := range []uint64{1, 1, 2} {
		r, err := event.Run(context.Background(), c, s, event.Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for v := range r.Services {
			for _, b := range r.Services[v].Bins {
				if r.Services[v].ID == "api" {
					rotations[i] = append(rotations[i], b.InRotation)
					if b.InRotation < 0 || b.InRotation > 10 {
						t.Fatalf("%v of 10 in rotation", b.InRotation)
					}
				}
			}
		}
	}
	differ := func(a, b []float64) bool {
		for i := range a {
			if a[i] != b[i] {
				return true
			}
		}
		return false
	}
	if differ(rotations[0], rotations[1]) {
		t.Error("one seed gave two runs")
	}
	if !differ(rotations[0], rotations[2]) {
		t.Error("two seeds gave one run")
	}
}
