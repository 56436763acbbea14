package propagate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/scenario"
)

// never is a time of an action to which it never came.
var never = math.NaN()

// TestActionTimes holds the moments of actions against sums of what the scenarios
// state, to the nanosecond where only times are added, and to an observation where
// something has to be measured.
func TestActionTimes(t *testing.T) {
	type moments struct {
		observed, decided, waited float64
		attempts                  []float64
		done, over                float64
	}
	at := func(t float64) moments { return moments{never, t, 0, []float64{t}, t, t} }
	for _, x := range []struct {
		file  string
		exact bool
		want  []moments
	}{
		{"T-26-blind-observer/seen", false, []moments{{480, 1080, 0, []float64{1080}, 1380, 1380}}},
		{"T-26-blind-observer/blind", false, []moments{{1080, 1680, 0, []float64{1680}, 1980, 1980}}},
		{"T-27-tools-that-are-down/waits", false, []moments{at(1200), {never, 360, 840, []float64{1200}, 1500, 1500}}},
		{"T-27-tools-that-are-down/never", true, []moments{{never, 360, 0, nil, never, never}}},
		{"T-28-two-attempts-fail/third-works", true, []moments{{never, 300, 0, []float64{300, 1800, 3300}, 3900, 3900}}},
		{"T-29-restored-when-seen/restored", false, []moments{{260, 360, 0, []float64{360}, 360, 360}}},
		{"T-32-restart/keep", true, []moments{{never, 200, 0, []float64{200}, 200, 230}}},
		{"T-34-fail-over/there-and-back", false, []moments{at(120), {300, 300, 0, []float64{300}, 300, 300}, at(300)}},
		{"T-39-not-long-enough/for-30s", true, []moments{{never, never, 0, nil, never, never}}},
		{"T-39-not-long-enough/for-10s", false, []moments{{70, 70, 0, []float64{70}, 70, 70}}},
	} {
		t.Run(x.file, func(t *testing.T) {
			folder, name, _ := strings.Cut(x.file, "/")
			c, s := caseFile{folder, name}.open(t)
			r, err := Run(t.Context(), c, s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Actions) != len(x.want) {
				t.Fatalf("%d actions, want %d", len(r.Actions), len(x.want))
			}
			slack := 1.0 // seconds
			if x.exact {
				slack = 1e-9
			}
			near := func(a, b float64) bool {
				return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= slack
			}
			for i, w := range x.want {
				a := r.Actions[i]
				if !near(a.Observed, w.observed) || !near(a.Decided, w.decided) || !near(a.Waited, w.waited) ||
					!slices.EqualFunc(a.Attempts, w.attempts, near) || !near(a.Done, w.done) || !near(a.Over, w.over) {
					t.Errorf("action %d: %+v, want %+v", i, a, w)
				}
			}
		})
	}
}

// TestActionTimesAtAnyStep: when somebody sees something does not depend on the length
// of steps, by more than an observation.
func TestActionTimesAtAnyStep(t *testing.T) {
	for _, file := range []string{
		"T-26-blind-observer/blind", "T-27-tools-that-are-down/waits", "T-29-restored-when-seen/restored",
		"T-31-throttle-until/queue-is-short", "T-38-restored-and-still-down/restored", "T-39-not-long-enough/for-10s",
	} {
		t.Run(file, func(t *testing.T) {
			folder, name, _ := strings.Cut(file, "/")
			c, s := caseFile{folder, name}.open(t)
			var first *Result
			for _, tolerance := range []float64{0.01, 0.05, 0.2} {
				for _, resolution := range []unit.Duration{1e9, 600e9} {
					s.Resolution = resolution
					r, err := Run(t.Context(), c, s, Options{Tolerance: tolerance})
					if err != nil {
						t.Fatal(err)
					}
					if first == nil {
						first = r
						continue
					}
					for i := range r.Actions {
						a, b := first.Actions[i], r.Actions[i]
						for _, p := range [][2]float64{{a.Observed, b.Observed}, {a.Decided, b.Decided}, {a.Waited, b.Waited}, {a.Done, b.Done}} {
							if !(math.Abs(p[0]-p[1]) <= 1+1e-6 || math.IsNaN(p[0]) && math.IsNaN(p[1])) {
								t.Errorf("at a tolerance of %g and a resolution of %s: %+v, at first %+v", tolerance, resolution, b, a)
							}
						}
					}
				}
			}
		})
	}
}

const slowCatalog = `
[service.users]
kind  = "external"
load  = "100/s"
needs = [{ on = "api", timeout = "10h" }]
[service.api]
capacity     = "200/s"
service_time = "10ms"
`

// TestLongStepsDoNotHideAMoment: a queue grows for hours in steps of minutes, and is
// seen to be too long within a second.
func TestLongStepsDoNotHideAMoment(t *testing.T) {
	r := played(t, strings.Replace(slowCatalog, `timeout = "10h"`, `mode = "async"`, 1), `
horizon = "30h"
resolution = "1h"
[[fault]]
id = "half"
at = "1h"
service = "api"
effect = "capacity 45%"
[[action]]
after = { observed = "queue of api is over 123456" }
do = [{ restore = "half" }]
`, Options{})
	// 10/s more come than are served.
	if want := 3600 + 12345.6; math.Abs(r.Actions[0].Observed-want) > 1 {
		t.Errorf("seen at %v, want %v", r.Actions[0].Observed, want)
	}
	if r.Steps.Longest < 300 || r.Steps.Taken > 2000 || r.Steps.Refused > 100 {
		t.Errorf("%+v: hours in which nothing happens take long steps", r.Steps)
	}
}

// TestRecoveryIsSeenAtAnyStep: the patience of a watch is a time, however long a step
// takes it at once.
func TestRecoveryIsSeenAtAnyStep(t *testing.T) {
	for _, resolution := range []string{"1s", "1h"} {
		r := played(t, slowCatalog, fmt.Sprintf(`
horizon = "10h"
resolution = %q
[[fault]]
at = "1h"
for = "10m"
service = "api"
effect = "errors 100%%"
[[action]]
id = "note"
after = { observed = "api is down" }
do = [{ purge = "users" }]
[[action]]
after = { done = "note", decide = "1s" }
do = [{ throttle = "users", to = "100/s", until = "api is healthy" }]
[[action]]
after = { observed = "api is not healthy", for = "15m" }
do = [{ purge = "users" }]
`, resolution), Options{})
		if a := r.Actions[0]; math.Abs(a.Observed-3600) > 1 {
			t.Errorf("resolution %s: seen at %v, want 1h", resolution, a.Observed)
		}
		if a := r.Actions[2]; !math.IsNaN(a.Observed) {
			t.Errorf("resolution %s: unhealthy for 15 minutes at %v, in 10 of them", resolution, a.Observed)
		}
	}
}

// TestAFaultIsEndedOnce: only a fault that has begun and is not over can be ended, by
// the first who does.
func TestAFaultIsEndedOnce(t *testing.T) {
	r := played(t, slowCatalog, `
horizon = "1000s"
[[fault]]
id = "early"
at = "100s"
for = "100s"
service = "api"
effect = "slow ×2"
[[fault]]
id = "late"
at = "500s"
service = "api"
effect = "slow ×3"
[[action]]
at = "300s"
do = [{ restore = "early" }]
[[action]]
at = "600s"
do = [{ roll_back = "late" }]
[[action]]
at = "700s"
do = [{ restore = "late" }]
`, Options{})
	if want := []float64{200, 600}; !slices.Equal(r.FaultEnds, want) {
		t.Errorf("the faults end at %v, want %v", r.FaultEnds, want)
	}
	for i, want := range []int{0, 1, 0} {
		if got := len(r.Actions[i].Ended); got != want {
			t.Errorf("action %d ended %d faults, want %d", i, got, want)
		}
	}
	if r.Verdict.TriggerEnd != 600 {
		t.Errorf("the trigger is over at %v", r.Verdict.TriggerEnd)
	}
}

// TestFollowersOfFollowers: what follows at once happens at once, whatever the order of
// the file.
func TestFollowersOfFollowers(t *testing.T) {
	r := played(t, slowCatalog, `
horizon = "1000s"
[[action]]
id = "third"
after = { done = "second" }
do = [{ purge = "api" }]
[[action]]
id = "second"
after = { done = "first" }
takes = "5s"
do = [{ restart = "api", takes = "10s" }]
[[action]]
id = "first"
at = "100s"
do = [{ purge = "api" }]
`, Options{})
	for i, want := range []float64{115, 105, 100} {
		if got := r.Actions[i].Done; got != want {
			t.Errorf("%s is done at %v, want %v", r.Actions[i].ID, got, want)
		}
	}
}

// TestEveryDeed: each does something, or says that it does not yet.
func TestEveryDeed(t *testing.T) {
	c := mustLoad(t, slowCatalog+`
[service.other]
capacity = "200/s"
load = "1/s"
`)
	var later []scenario.Verb
	for v := range scenario.VerbWords {
		verb := scenario.Verb(v)
		t.Run(verb.String(), func(t *testing.T) {
			d := scenario.Deed{Verb: verb, Target: "api", From: "users", To: "api", Instead: "other", Rate: 10, Share: 1, Length: 1e9, Purge: true}
			s := &scenario.Scenario{Horizon: 60e9, Actions: []scenario.Action{{At: 10e9, Do: []scenario.Deed{d}}}}
			defer func() {
				if p := recover(); (p != nil) != slices.Contains(later, verb) {
					t.Errorf("panic: %v", p)
				}
			}()
			r, err := Run(context.Background(), c, s, Options{})
			if err != nil || r.Actions[0].Done != 10 {
				t.Errorf("%v %+v", err, r.Actions)
			}
		})
	}
}

// drawActions draws what operators do to an estate, deeds on its needs included.
func drawActions(t *rapid.T, e estate, horizon float64) string {
	var b strings.Builder
	service := func() string { return draw(t, "operated", e.services...).id }
	for i := range rapid.IntRange(1, 5).Draw(t, "operators' actions") {
		fmt.Fprintf(&b, "\n[[action]]\nid = \"a%d\"\n", i)
		switch when := rapid.IntRange(0, 3).Draw(t, "when"); {
		case when == 0 || i == 0:
			fmt.Fprintf(&b, "at = %s\n", secondsOf(horizon*float64(rapid.IntRange(1, 8).Draw(t, "at"))/10))
		case when == 1:
			fmt.Fprintf(&b, "after = { done = \"a%d\", decide = \"1s\" }\n", i-1)
		case when == 2:
			fmt.Fprintf(&b, "after = { observed = \"%s is not healthy\", for = \"1s\" }\n", service())
		default:
			fmt.Fprintf(&b, "after = { observed = \"%s of %s is over %s\" }\n", draw(t, "measure", "queue", "amplification"), service(), draw(t, "bound", "1", "2", "100"))
		}
		if draw(t, "tools", false, true) {
			fmt.Fprintf(&b, "tools = [%q]\ntries = { fail = 1, again = \"1s\" }\ntakes = \"500ms\"\n", service())
		}
		deed := draw(t, "operators' deed", "throttle", "restart", "shed", "drop", "more", "unthrottle", "cut", "bypass", "over", "mend")
		s := draw(t, "caller", e.services...)
		on := service()
		if len(s.needs) > 0 {
			on = draw(t, "target", draw(t, "need", s.needs...).targets...)
		} else if deed == "cut" || deed == "bypass" || deed == "over" || deed == "mend" {
			deed = "shed"
		}
		var do string
		switch deed {
		case "throttle":
			do = fmt.Sprintf(`{ throttle = %q, to = "10%%", relax = "5s", until = "%s is healthy" }`, on, service())
		case "restart":
			do = fmt.Sprintf(`{ restart = %q, takes = "2s", purge = false }`, on)
		case "shed":
			do = fmt.Sprintf(`{ shed = %q, class = %d }`, on, rapid.IntRange(0, 2).Draw(t, "class"))
		case "drop":
			do = fmt.Sprintf(`{ drop_expired = %q }`, on)
		case "more":
			do = fmt.Sprintf(`{ set_capacity = %q, to = "300%%" }`, on)
		case "unthrottle":
			do = fmt.Sprintf(`{ unthrottle = %q }, { unshed = %q }`, on, on)
		case "over":
			to := service()
			if to == s.id || to == on {
				do = fmt.Sprintf(`{ cut = "%s -> %s" }`, s.id, on)
				break
			}
			do = fmt.Sprintf(`{ fail_over = "%s -> %s", to = %q }`, s.id, on, to)
		default:
			do = fmt.Sprintf(`{ %s = "%s -> %s" }`, deed, s.id, on)
		}
		fmt.Fprintf(&b, "do = [%s]\n", do)
	}
	return b.String()
}

// TestOperatorsLoseAndMakeNothing is TestNothingIsLostOrMade with operators at work.
// How far retries may run ahead of failures is that test's matter.
func TestOperatorsLoseAndMakeNothing(t *testing.T) {
	checks(t, 60, func(t *rapid.T) {
		e, ct, st := drawRun(t, wild, 10, true)
		st += drawActions(t, e, mustParse(t, st).Horizon.Seconds())
		if _, err := compile(mustLoad(t, ct), mustParse(t, st)); err != nil {
			t.Skip("requests multiply without end")
		}
		r := played(t, ct, st, Options{})
		if !(r.Balance < 1e-9) {
			t.Fatalf("the balance is off by %v\n%s\n%s", r.Balance, ct, st)
		}
		if fault := r.counts(1e6); fault != "" {
			t.Fatalf("%s\n%s\n%s", fault, ct, st)
		}
	})
}

// TestOperatorsWhoDoNothingAreAbsent: actions that never come to an effect change no
// byte, but for the steps that are taken again to look closely.
func TestOperatorsWhoDoNothingAreAbsent(t *testing.T) {
	checks(t, 20, func(t *rapid.T) {
		e, ct, st := drawRun(t, wild, 10, true)
		id := draw(t, "observed", e.services...).id
		idle := st + fmt.Sprintf("\n[[action]]\nafter = { observed = \"queue of %s is over 1000000000\" }\ndo = [{ throttle = %q, to = \"1/s\" }]\n", id, id)
		was, is := played(t, ct, st, Options{}), played(t, ct, idle, Options{})
		if a, b := string(bytesOf(was)), string(bytesOf(is)); a != b {
			t.Fatalf("an action that is never taken changed something\n%s\n%s", ct, idle)
		}
	})
}

// TestFailOverBehindACache: what a cache does not answer goes to where operators send it,
// and the cache learns of it.
func TestFailOverBehindACache(t *testing.T) {
	const ct = `
[service.users]
kind = "external"
load = "100/s"
needs = [{ on = "api", timeout = "2s" }]
[service.api]
service_time = "5ms"
concurrency = 100
[[service.api.need]]
on = "primary"
timeout = "1s"
cache = { keys = 100, ttl = "2s" }
[service.primary]
service_time = "10ms"
concurrency = 20
[service.replica]
service_time = "10ms"
concurrency = 20
`
	const st = `
horizon = "120s"
[[fault]]
service = "primary"
effect = "down"
at = "20s"
[[action]]
at = "40s"
do = [{ fail_over = "api -> primary", to = "replica" }]
`
	for _, text := range []string{ct, ct + apart("api")} {
		r := played(t, text, st, Options{})
		// A key is asked for once a second, and its answer is good for two: 100/(1+2)/s.
		if n := r.number(t, scenario.Attempts, "replica", 50, 120); math.Abs(n-100.0/3) > 1 {
			t.Errorf("the replica is asked %v times a second\n%s", n, text)
		}
		if n := r.number(t, scenario.Attempts, "primary", 50, 120); n > 0.01 {
			t.Errorf("the primary is asked %v times a second\n%s", n, text)
		}
		if n := r.number(t, scenario.Goodput, "users", 50, 120); math.Abs(n-100) > 1 {
			t.Errorf("%v users a second are answered\n%s", n, text)
		}
	}
}
