package scenario

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// plant is a shop with all that operators can act on.
const plant = shop + `
[service.dwfm]
replicas  = 5
needs     = ["api"]
autoscale = { target = "60%", max = 40 }

[service.pager]

[lease.droplets]
keeper = "dwfm"
holder = "shop"
store  = "kv-a"

[health_check.targets]
by    = "pager"
tests = ["shop"]
`

// rescue has every fault, condition and deed that observers and operators have.
const rescue = `
scenario = "rescue"
horizon  = "16h"

[[fault]]
id     = "lost"
at     = "10m"
for    = "2h"
lease  = "droplets"
effect = "lapse 60%"

[[fault]]
id      = "bad-build"
at      = "20m"
service = "api"
count   = 2
effect  = "errors 30%"

[[fault]]
at      = "20m"
for     = "1h"
service = "kv-a"
effect  = "down"

[[observer]]
id    = "oncall"
needs = ["pager", "api"]
lag   = "2m"

[[observer]]
id = "customers"

[[action]]
id    = "roll-back"
after = { observed = "api is not healthy", for = "5m", by = "oncall", decide = "109m" }
tools = ["kv-b"]
tries = { fail = 2, again = "15m" }
takes = "10m"
do    = [
  { roll_back = "bad-build" },
  { restore = "lost" },
  { drain = "shop", zone = "az1" },
  { undrain = "shop", zone = "az1" },
  { cut = "shop -> api" },
  { bypass = "dwfm→api" },
  { fail_over = "shop -> api", to = "kv-a" },
  { mend = "shop -> api" },
  { shed = "api", class = 2 },
  { shed = "api", class = 0 },
  { unshed = "api" },
  { disable = "targets" },
  { enable = "targets" },
  { disable = "autoscale of dwfm" },
  { enable = "autoscale of dwfm" },
  { pace = "droplets", to = "300/s" },
  { unpace = "droplets" },
  { pause = "droplets" },
  { resume = "droplets" },
  { drop_expired = "dwfm" },
  { set_capacity = "api", to = "10000%" },
]

[[action]]
id    = "restart"
after = { done = "roll-back", decide = "10m" }
do    = [
  { throttle = "dwfm", to = "20%", relax = "2h" },
  { throttle = "dwfm", to = "20/s", until = "queue of dwfm is under 50" },
  { restart = "dwfm", takes = "2m", waves = 5, every = "10m", purge = false },
  { restart = "api", takes = "2m", purge = true, waves = 1 },
]

[[action]]
at = "1h"
do = [{ purge = "dwfm" }]

[[expect]]
that = "shop recovers"
within = "15h"
`

func TestReadActions(t *testing.T) {
	s, faults := Parse("rescue.toml", []byte(rescue))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if faults := s.Check(loaded(t, plant)); len(faults) > 0 {
		t.Error(faults)
	}
	ignore := cmp.Options{cmpopts.IgnoreTypes(diag.Span{}, []diag.Span{}), cmpopts.IgnoreUnexported(Scenario{})}
	wantFaults := []Fault{
		{ID: "lost", At: 10 * minute, For: 2 * hour, Lease: "droplets", Effect: Lapse, Amount: 0.6},
		{ID: "bad-build", At: 20 * minute, Service: "api", Effect: Errors, Amount: 0.3, Count: 2},
		{At: 20 * minute, For: hour, Service: "kv-a", Effect: Down},
	}
	if diff := cmp.Diff(wantFaults, s.Faults, ignore); diff != "" {
		t.Error(diff)
	}
	wantObservers := []Observer{{ID: "oncall", Needs: []string{"pager", "api"}, Lag: 2 * minute}, {ID: "customers"}}
	if diff := cmp.Diff(wantObservers, s.Observers, ignore); diff != "" {
		t.Error(diff)
	}
	wantActions := []Action{
		{
			ID: "roll-back", Tools: []string{"kv-b"}, Tries: 2, Again: 15 * minute, Takes: 10 * minute,
			After: &Trigger{
				Observed: &Condition{Kind: StateCondition, Text: "api is not healthy", Service: "api", Not: true, Word: "healthy"},
				For:      5 * minute, By: "oncall", Decide: 109 * minute,
			},
			Do: []Deed{
				{Verb: RollBack, Target: "bad-build"},
				{Verb: Restore, Target: "lost"},
				{Verb: Drain, Target: "shop", Zone: "az1"},
				{Verb: Undrain, Target: "shop", Zone: "az1"},
				{Verb: Cut, From: "shop", To: "api"},
				{Verb: Bypass, From: "dwfm", To: "api"},
				{Verb: FailOver, From: "shop", To: "api", Instead: "kv-a"},
				{Verb: Mend, From: "shop", To: "api"},
				{Verb: Shed, Target: "api", Class: 2},
				{Verb: Shed, Target: "api"},
				{Verb: Unshed, Target: "api"},
				{Verb: Disable, Target: "targets"},
				{Verb: Enable, Target: "targets"},
				{Verb: Disable, Target: "dwfm", Autoscale: true},
				{Verb: Enable, Target: "dwfm", Autoscale: true},
				{Verb: Pace, Target: "droplets", Rate: 300},
				{Verb: Unpace, Target: "droplets"},
				{Verb: Pause, Target: "droplets"},
				{Verb: Resume, Target: "droplets"},
				{Verb: DropExpired, Target: "dwfm"},
				{Verb: SetCapacity, Target: "api", Share: 100},
			},
		},
		{
			ID: "restart", After: &Trigger{Done: "roll-back", Decide: 10 * minute},
			Do: []Deed{
				{Verb: Throttle, Target: "dwfm", Share: 0.2, Relax: 2 * hour},
				{Verb: Throttle, Target: "dwfm", Rate: 20, Until: &Condition{
					Kind: NumberCondition, Text: "queue of dwfm is under 50", Service: "dwfm", Measure: QueueMeasure, Relation: Under, Value: 50,
				}},
				{Verb: Restart, Target: "dwfm", Length: 2 * minute, Waves: 5, Every: 10 * minute},
				{Verb: Restart, Target: "api", Length: 2 * minute, Waves: 1, Purge: true},
			},
		},
		{At: hour, Do: []Deed{{Verb: Purge, Target: "dwfm"}}},
	}
	if diff := cmp.Diff(wantActions, s.Actions, ignore); diff != "" {
		t.Error(diff)
	}
	// The last wave begins after forty minutes.
	if got := s.Actions[1].Lasts(); got != 42*minute {
		t.Errorf("the restart lasts %s", got)
	}
}

// TestEveryDeed holds that the table of deeds has them all, each with an example that
// reads.
func TestEveryDeed(t *testing.T) {
	if len(deeds) != len(VerbWords) {
		t.Fatalf("%d deeds of %d", len(deeds), len(VerbWords))
	}
	for v, deed := range deeds {
		for _, example := range strings.Split(deed.example, " or ") {
			s, faults := Parse("a.toml", fmt.Appendf(nil, `horizon = "9h"
fault = [{ id = "zone-outage", at = "1s", service = "a", effect = "down" }, { id = "bad-deployment", at = "1s", service = "b", effect = "down" }]
action = [{ at = "1h", do = [%s] }]`, example))
			if s == nil || len(s.Actions[0].Do) != 1 || s.Actions[0].Do[0].Verb != Verb(v) {
				t.Errorf("%s: %v", example, faults)
			}
		}
		for _, key := range deed.keys {
			if key != "purge" && !strings.Contains(strings.Join(deedKeys, " "), key) {
				t.Errorf("%s has the key %q, which deeds do not", Verb(v), key)
			}
		}
	}
}

func TestConditions(t *testing.T) {
	parse := func(text string) (*Condition, diag.List) {
		s, faults := Parse("a.toml", fmt.Appendf(nil, "horizon = \"9h\"\n[[action]]\nafter = { observed = %q }\ndo = [{ purge = \"a\" }]", text))
		if s == nil {
			return nil, faults
		}
		return s.Actions[0].After.Observed, faults
	}
	for text, want := range map[string]Condition{
		"api is down":                       {Service: "api", Word: "down"},
		"the api is not healthy":            {Service: "the api", Not: true, Word: "healthy"},
		"api is exposed":                    {Service: "api", Word: "exposed"},
		"queue of x is degraded":            {Service: "queue of x", Word: "degraded"},
		"queue of dwfm is over 5000":        {Kind: NumberCondition, Service: "dwfm", Measure: QueueMeasure, Relation: Over, Value: 5000},
		"age of dwfm is over 1m30s":         {Kind: NumberCondition, Service: "dwfm", Measure: Age, Relation: Over, Value: 90},
		"held of droplets is under 50%":     {Kind: NumberCondition, Lease: "droplets", Measure: Held, Relation: Under, Value: 0.5, Share: true},
		"held of droplets is under 50":      {Kind: NumberCondition, Lease: "droplets", Measure: Held, Relation: Under, Value: 50},
		"held-share of droplets is over 5%": {Kind: NumberCondition, Lease: "droplets", Measure: HeldShare, Relation: Over, Value: 0.05},
		"goodput of shop is under 7 %":      {Kind: NumberCondition, Service: "shop", Measure: Goodput, Relation: Under, Value: 0.07, Share: true},
		"goodput of shop is under 120/min":  {Kind: NumberCondition, Service: "shop", Measure: Goodput, Relation: Under, Value: 2},
		"utilisation of x is over 90%":      {Kind: NumberCondition, Service: "x", Measure: Utilisation, Relation: Over, Value: 0.9},
		"amplification of x is over 2.5":    {Kind: NumberCondition, Service: "x", Measure: Amplification, Relation: Over, Value: 2.5},
		"in-rotation of x is under 60%":     {Kind: NumberCondition, Service: "x", Measure: InRotation, Relation: Under, Value: 0.6, Share: true},
		"queue of king of x is over 1":      {Kind: NumberCondition, Service: "king of x", Measure: QueueMeasure, Relation: Over, Value: 1},
		"queue of x is y is over 0":         {Kind: NumberCondition, Service: "x is y", Measure: QueueMeasure, Relation: Over},
	} {
		got, faults := parse(text)
		if got == nil {
			t.Errorf("%s: %v", text, faults)
			continue
		}
		want.Text = text
		if diff := cmp.Diff(want, *got, cmpopts.IgnoreTypes(diag.Span{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for _, text := range []string{
		"", "api", "api is", "api is dwon", "api recovers", "api is not not down", " is down", "dwfm.no_progress",
		"queue of api is over", "queue of api is over 50%", "queue of api is over 5000 requests", "queue of api is above 5000", "queue of api is not over 5000",
		"age of api is over 60", "age of api is over 60 parsecs", "goodput of api is under 50", "goodput of api is under 50 %%",
		"queue is over 5000", "quue of api is over 5000", "recovery of api is over 3s", "retries of a -> b is over 3/s", "queue of a -> b is over 3",
		"queue of api is under 0", "held of droplets is under 0%", "utilisation of x is over inf", "queue of api is over -3", "queue of  is over 3",
	} {
		got, faults := parse(text)
		if got != nil {
			t.Errorf("%q is taken as %+v", text, got)
			continue
		}
		for _, d := range faults {
			if d.Help == "" || d.Span.Line != 3 {
				t.Errorf("%q: %s", text, d)
			}
		}
	}
}

// TestRestored says from when a recovery counts where actions end faults.
func TestRestored(t *testing.T) {
	const down = `fault = [{ id = "f", at = "1m", service = "a", effect = "down" }, { at = "1m", lease = "l", effect = "lapse 10%" }]` + "\n"
	for _, test := range []struct {
		name, text string
		want       unit.Duration
		never      bool
	}{
		{"at a time", `action = [{ at = "10m", do = [{ restore = "f" }] }]`, 10 * minute, false},
		{"rolled back", `action = [{ at = "10m", do = [{ roll_back = "f" }] }]`, 10 * minute, false},
		{"the first of two", `action = [{ at = "20m", do = [{ restore = "f" }] }, { at = "10m", do = [{ restore = "f" }] }]`, 10 * minute, false},
		{"after some tries", `action = [{ at = "10m", tries = { fail = 2, again = "15m" }, takes = "5m", do = [{ restore = "f" }] }]`, 55 * minute, false},
		{"after another", `action = [{ at = "10m", id = "x", takes = "1m", do = [{ restart = "a", takes = "2m", waves = 3, every = "10m" }] }, { after = { done = "x", decide = "5m" }, do = [{ restore = "f" }] }]`, 38 * minute, false},
		{"after another that stands behind", `action = [{ after = { done = "x", decide = "5m" }, do = [{ restore = "f" }] }, { at = "10m", id = "x", do = [{ purge = "a" }] }]`, 15 * minute, false},
		{"by what is observed", `action = [{ after = { observed = "a is down" }, do = [{ restore = "f" }] }]`, 0, true},
		{"with tools", `action = [{ at = "10m", tools = ["t"], do = [{ restore = "f" }] }]`, 0, true},
		{"after what is observed", `action = [{ after = { observed = "a is down" }, id = "x", do = [{ purge = "a" }] }, { after = { done = "x" }, do = [{ restore = "f" }] }]`, 0, true},
		{"too late", `action = [{ at = "8h", takes = "2h", do = [{ restore = "f" }] }]`, 0, true},
		{"by nobody", ``, 0, true},
	} {
		s, faults := Parse("a.toml", []byte("horizon = \"9h\"\n"+down+test.text))
		if s == nil {
			t.Errorf("%s: %v", test.name, faults)
			continue
		}
		if got, ok := s.TriggerEnd(); got != test.want || ok == test.never {
			t.Errorf("%s: %s, %t", test.name, got, ok)
		}
	}
	// What only a run tells, a run tells.
	s, faults := Parse("a.toml", []byte("horizon = \"9h\"\n"+down+`action = [{ after = { observed = "a is down" }, do = [{ restore = "f" }] }]
expect = [{ that = "a recovers", within = "8h" }]`))
	if s == nil {
		t.Fatal(faults)
	}
	ends := s.FaultEnds()
	if ends[0] != Lasting || ends[1] != minute {
		t.Error(ends)
	}
	ends[0] = 3 * hour
	if got, ok := s.TriggerEndOf(ends); got != 3*hour || !ok {
		t.Errorf("%s, %t", got, ok)
	}
}

// TestRestoredTooEarly: what has not begun cannot be ended.
func TestRestoredTooEarly(t *testing.T) {
	for at, ok := range map[string]bool{"59s": false, "60s": true, "61s": true} {
		s, faults := Parse("a.toml", fmt.Appendf(nil, `horizon = "9h"
fault = [{ id = "f", at = "60s", service = "a", effect = "down" }]
action = [{ at = %q, do = [{ restore = "f" }] }]`, at))
		if (s != nil) != ok || !ok && (len(faults) != 1 || !strings.Contains(faults[0].Message, "begins at 1m")) {
			t.Errorf("%s: %v", at, faults)
		}
	}
}

// TestEffectsOfActions compares the times of actions that come after one another
// with following each one to its beginning.
func TestEffectsOfActions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		s := &Scenario{Horizon: hour}
		for i := range n {
			a := Action{ID: fmt.Sprint(i), Takes: unit.Duration(rapid.IntRange(0, 9).Draw(t, "takes")) * second}
			if next := rapid.IntRange(-2, n).Draw(t, "after"); next == -1 {
				a.After = &Trigger{Observed: &Condition{}}
			} else if next >= 0 {
				a.After = &Trigger{Done: fmt.Sprint(next), Decide: second}
			} else {
				a.At = minute
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				a.Do = []Deed{{Verb: Restart, Length: 5 * second}}
			}
			if rapid.IntRange(0, 9).Draw(t, "tools") == 0 {
				a.Tools = []string{"t"}
			}
			s.Actions = append(s.Actions, a)
		}
		var follow func(i, steps int) unit.Duration
		follow = func(i, steps int) unit.Duration {
			a := &s.Actions[i]
			switch {
			case len(a.Tools) > 0 || steps > n:
				return Lasting
			case a.After == nil:
				return a.At + a.Takes
			case a.After.Done == "" || a.After.Done == fmt.Sprint(n):
				return Lasting
			}
			var j int
			fmt.Sscan(a.After.Done, &j)
			before := follow(j, steps+1)
			if before == Lasting {
				return Lasting
			}
			return before + s.Actions[j].Lasts() + second + a.Takes
		}
		got := s.effects()
		for i := range s.Actions {
			if want := follow(i, 0); got[i] != want {
				t.Errorf("action %d takes effect at %s, want %s", i, got[i], want)
			}
		}
		// An action is in a circle when following it leads back to it.
		circles := 0
		for i := range s.Actions {
			least, j := i, i
			for range n {
				a := &s.Actions[j]
				if a.After == nil || a.After.Done == "" || a.After.Done == fmt.Sprint(n) {
					j = -1
					break
				}
				fmt.Sscan(a.After.Done, &j)
				if least = min(least, j); j == i {
					break
				}
			}
			if j == i && least == i {
				circles++
			}
		}
		found := 0
		s.references(s.kinds(), func(_ diag.Span, _, message string) {
			if strings.Contains(message, "wait for one another") || strings.Contains(message, "waits for itself") {
				found++
			}
		})
		if found != circles {
			t.Errorf("%d circles, and we find %d", circles, found)
		}
	})
}

// TestTimesDoNotOverflow: ten years, very often.
func TestTimesDoNotOverflow(t *testing.T) {
	s, faults := Parse("a.toml", []byte(`horizon = "9h"
fault = [{ id = "f", at = "1m", service = "a", effect = "down" }]
action = [
  { at = "1h", tries = { fail = 1000, again = "3650d" }, takes = "3650d", do = [{ restore = "f" }, { restart = "a", takes = "3650d", waves = 10000, every = "3650d" }] },
]`))
	if s == nil {
		t.Fatal(faults)
	}
	if got := s.Actions[0].Lasts(); got != Lasting {
		t.Error(got)
	}
	if _, ok := s.TriggerEnd(); ok || s.FaultEnds()[0] != Lasting {
		t.Error(s.FaultEnds())
	}
}
