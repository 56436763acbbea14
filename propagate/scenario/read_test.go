package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

const (
	second = unit.Duration(time.Second)
	minute = unit.Duration(time.Minute)
	hour   = unit.Duration(time.Hour)
)

const storm = `
scenario    = "storm"
title       = "A storm of retries"
description = "What a trigger of ten seconds leaves behind."
format      = 1
catalog     = ["shop.toml", "builtin:web-shop"]
start       = 2025-10-19T23:48:00-07:00
horizon     = "400s"
resolution  = "500ms"

[[fault]]
id      = "zone"
at      = "60s"
for     = "10s"
service = "api"
effect  = "down"
zone    = "az1"

[[fault]]
at      = "1m"
until   = "90s"
service = "db"
effect  = "slow ×4"

[[fault]]
at      = "2m"
service = "db"
effect  = "flapping"
up      = "20s"
down    = "10s"

[[load]]
service = "api"
rate    = { documented = "600/s", source = "load test" }

[[fault]]
id      = "sale"
at      = "60s"
for     = "10s"
service = "api"
effect  = "load ×3"

[[load]]
id      = "more"
service = "api"
at      = "100s"
until   = "200s"
times   = 4
ramp    = "30s"

[[load]]
service = "web"
points  = [["10s", "600/s"], ["60s", "2.4k/s"]]
shape   = "linear"
until   = "300s"

[[load]]
service = "db"
daily   = { peak = "14h30m", trough = "30%" }

[[action]]
id = "heal"
at = "120s"
do = [
  { purge = "api" },
  { throttle = "api", to = "100/s" },
  { throttle = "api", to = "20%" },
  { unthrottle = "api" },
  { stop_retries = "api" },
  { let_retry = "api" },
  { set_capacity = "api", to = "150%" },
  { restart = "api", takes = "30s" },
]

[[expect]]
that = "api is not healthy"
at   = "65s"

[[expect]]
that   = "the web is down is degraded"
during = "80s..120s"

[[expect]]
that   = "api recovers"
within = "3m"
after  = "70s"

[[expect]]
that = "verdict is not metastable"

[[expect]]
measure   = "goodput"
of        = "api"
during    = "250s..350s"
is        = "600/s"
tolerance = ["3%", "18/s"]

[[expect]]
measure  = "retries"
of       = "web -> api"
as       = "max"
bin      = "100ms"
at_least = "90/min"

[[expect]]
measure = "amplification"
of      = "web→api"
at      = "400s"
at_most = "300%"
`

func TestReadFile(t *testing.T) {
	fsys := fstest.MapFS{"runs/storm.toml": {Data: []byte(storm)}}
	s, faults, err := ReadFile(fsys, "runs/storm.toml", "")
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	stated := func(d unit.Duration) unit.Value[unit.Duration] {
		return unit.Value[unit.Duration]{V: d, Evidence: unit.Stated}
	}
	want := &Scenario{
		ID: "storm", Title: "A storm of retries", Description: "What a trigger of ten seconds leaves behind.",
		Catalogs: []string{"shop.toml", "builtin:web-shop"},
		Start:    time.Date(2025, 10, 19, 23, 48, 0, 0, time.FixedZone("", -7*3600)),
		Horizon:  400 * second, Resolution: second / 2, File: "runs/storm.toml",
		Faults: []Fault{
			{ID: "zone", At: minute, For: 10 * second, Service: "api", Effect: Down, Zone: "az1"},
			{At: minute, For: 30 * second, Service: "db", Effect: Slow, Amount: 4},
			{At: 2 * minute, Service: "db", Effect: Flapping, Up: 20 * second, Down: 10 * second},
		},
		Loads: []Load{ // in the order of the file, whatever they are written as
			{Service: "api", Rate: unit.Value[unit.Rate]{V: 600, Evidence: unit.Documented, Source: "load test"}},
			{ID: "sale", Service: "api", At: minute, For: 10 * second, Times: 3},
			{ID: "more", Service: "api", At: 100 * second, For: 100 * second, Ramp: 30 * second, Times: 4},
			{Service: "web", At: 10 * second, For: 290 * second, Points: []Point{{10 * second, 600}, {minute, 2400}}, Linear: true},
			{Service: "db", Daily: &Daily{Peak: 14*hour + 30*minute, Trough: 0.3}},
		},
		Actions: []Action{{ID: "heal", At: 2 * minute, Do: []Deed{
			{Verb: Purge, Target: "api"},
			{Verb: Throttle, Target: "api", Rate: 100},
			{Verb: Throttle, Target: "api", Share: 0.2},
			{Verb: Unthrottle, Target: "api"},
			{Verb: StopRetries, Target: "api"},
			{Verb: LetRetry, Target: "api"},
			{Verb: SetCapacity, Target: "api", Share: 1.5},
			{Verb: Restart, Target: "api", Length: 30 * second, Purge: true},
		}}},
		Expects: []Expect{
			{Kind: ExpectState, Text: "api is not healthy at 1m5s", Service: "api", Not: true, Word: "healthy", At: stated(65 * second)},
			{Kind: ExpectState, Text: "the web is down is degraded during 1m20s..2m", Service: "the web is down", Word: "degraded", From: 80 * second, To: 2 * minute, During: true},
			{Kind: ExpectRecovery, Text: "api recovers within 3m after 1m10s", Service: "api", Within: stated(3 * minute), After: stated(70 * second)},
			{Kind: ExpectVerdict, Text: "verdict is not metastable", Not: true, Word: "metastable"},
			{
				Kind: ExpectNumber, Text: "goodput of api during 4m10s..5m50s is 600/s", Service: "api", From: 250 * second, To: 350 * second, During: true,
				Measure: Goodput, Relation: Is, Value: 600, Relative: 0.03, Absolute: 18,
			},
			{
				Kind: ExpectNumber, Text: "max retries of web -> api at least 90/min", Service: "web", Need: "api",
				Measure: Retries, As: Max, Bin: second / 10, Relation: AtLeast, Value: 1.5,
			},
			{
				Kind: ExpectNumber, Text: "amplification of web -> api at 6m40s at most 300%", Service: "web", Need: "api", At: stated(400 * second),
				Measure: Amplification, Relation: AtMost, Value: 3,
			},
		},
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreTypes(diag.Span{}), cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
		t.Error(diff)
	}
	if _, offset := s.Start.Zone(); offset != -7*3600 {
		t.Errorf("the day of the start is %s", s.Start)
	}
}

// TestPlaces holds that what names something points at it.
func TestPlaces(t *testing.T) {
	s, _ := Parse("storm.toml", []byte(storm))
	lines := strings.Split(storm, "\n")
	text := func(at diag.Span) string {
		line := []rune(lines[at.Line-1])
		return string(line[at.Col-1 : at.Col-1+at.Width])
	}
	for _, test := range []struct {
		at   diag.Span
		want string
	}{
		{s.CatalogAt, `["shop.toml", "builtin:web-shop"]`},
		{s.Faults[0].Span, "fault"},
		{s.Faults[0].ServiceAt, `"api"`},
		{s.Faults[0].ZoneAt, `"az1"`},
		{s.Loads[2].ServiceAt, `"api"`},
		{s.Actions[0].Do[7].TargetAt, `"api"`},
		{s.Expects[0].Span, `"api is not healthy"`},
		{s.Expects[0].ServiceAt, "api"},
		{s.Expects[1].ServiceAt, "the web is down"},
		{s.Expects[4].Span, `"goodput"`},
		{s.Expects[5].ServiceAt, "web"},
		{s.Expects[5].NeedAt, "api"},
		{s.Expects[6].NeedAt, "api"},
	} {
		if got := text(test.at); got != test.want {
			t.Errorf("%s is %s, want %s", test.at, got, test.want)
		}
	}
}

func TestWhatIsAbsent(t *testing.T) {
	for name, id := range map[string]string{
		"storm.toml": "storm", "runs/big storm.toml": "big storm", `C:\runs\a.b.toml`: "a.b", "-": "-", "": "scenario", ".toml": ".toml", "a\x1bb.toml": "ab",
	} {
		s, faults := Parse(name, []byte(`horizon = "1s"`))
		if len(faults) > 0 || s.ID != id || s.Title != id || !s.Start.IsZero() || s.Resolution != 0 || len(s.Catalogs) > 0 {
			t.Errorf("%q: %+v %v, want the id %q", name, s, faults, id)
		}
	}
}

// TestStart holds that a time is the same on every machine, and a day begins
// where it was written.
func TestStart(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("HERE", 2*3600)
	for text, want := range map[string]string{
		"2025-10-19T23:48:00-07:00":  "2025-10-19 23:48:00 -0700 -0700",
		"2025-10-19 23:48:00.5z":     "2025-10-19 23:48:00.5 +0000 UTC",
		"2025-10-19t23:48:00+02:00":  "2025-10-19 23:48:00 +0200 +0200",
		"2025-10-19T23:48:00-00:00":  "2025-10-19 23:48:00 +0000 UTC",
		"2025-10-19T23:48:01+00:30":  "2025-10-19 23:48:01 +0030 +0030",
		"2025-10-19T23:48:00+05:30 ": "2025-10-19 23:48:00 +0530 +0530",
	} {
		s, faults := Parse("a.toml", []byte("horizon = \"1s\"\nstart = "+text+"\n"))
		if len(faults) > 0 || s.Start.String() != want {
			t.Errorf("%s: %v, %v", text, s, faults)
		}
	}
	for _, text := range []string{"2025-10-19T23:48:00", "2025-10-19", "23:48:00", `"2025-10-19T23:48:00Z"`, "7"} {
		if s, faults := Parse("a.toml", []byte("horizon = \"1s\"\nstart = "+text+"\n")); s != nil || len(faults) != 1 || faults[0].Help == "" {
			t.Errorf("%s: %v, %v", text, s, faults)
		}
	}
}

func TestUnreadable(t *testing.T) {
	fsys := fstest.MapFS{"runs/storm.toml": {Data: []byte(storm)}}
	_, _, err := ReadFile(fsys, "none.toml", "../none.toml")
	if err == nil || err.Error() != "cannot read ../none.toml: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, _, err = ReadFile(fsys, "runs", ""); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
}

// TestBounds holds that no file makes us do more than it should.
func TestBounds(t *testing.T) {
	if testing.Short() {
		t.Skip("large files")
	}
	expect := "[[expect]]\nthat = \"a is healthy\"\n"
	if s, faults := Parse("a.toml", []byte("horizon = \"1s\"\n"+strings.Repeat(expect, maxEntries))); s == nil || len(s.Expects) != maxEntries {
		t.Errorf("%d entries are refused: %v", maxEntries, faults)
	}
	s, faults := Parse("a.toml", []byte("horizon = \"1s\"\n"+strings.Repeat(expect, maxEntries+1)))
	if s != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, "100000 entries") {
		t.Errorf("%v", faults)
	}
	// The points of loads and the deeds of actions count as well.
	var points strings.Builder
	points.WriteString("horizon = \"1d\"\n[[load]]\nservice = \"a\"\npoints = [")
	for i := range maxEntries {
		fmt.Fprintf(&points, "[\"%dms\", \"1/s\"],", i)
	}
	if s, faults := Parse("a.toml", []byte(points.String()+"]")); s != nil || len(faults) != 1 {
		t.Errorf("%v", faults)
	}
	// So do the services that an action needs; and each comes after another.
	var chain strings.Builder
	chain.WriteString("horizon = \"1d\"\n")
	for i := range maxEntries / 2 {
		fmt.Fprintf(&chain, "[[action]]\nid = \"a%d\"\nafter = { done = \"a%d\" }\ndo = [{ purge = \"a\" }]\n", i, (i+1)%(maxEntries/2))
	}
	if s, faults := Parse("a.toml", []byte(chain.String())); s != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, "a0 after a1 after") {
		t.Errorf("%v", faults)
	}
	if s, faults := Parse("a.toml", []byte("horizon = \"1d\"\n[[action]]\nat = \"1s\"\ndo = [{ purge = \"a\" }]\ntools = ["+strings.Repeat(`"a",`, maxEntries)+"]")); s != nil || len(faults) != 1 {
		t.Errorf("%v", faults)
	}
	// Everything on one line, at fault each time.
	bad := "horizon = \"1s\"\nexpect = [" + strings.Repeat(`{that="a is dwon"},`, 50_000) + "]"
	if _, faults := Parse("a.toml", []byte(bad)); len(faults) > maxFaults+1 {
		t.Errorf("%d diagnostics", len(faults))
	}
	if _, faults := Parse("a.toml", []byte("horizon = \"30d\"\nresolution = \"1s\"")); len(faults) != 1 || !strings.Contains(faults[0].Help, `"3s"`) {
		t.Errorf("%v", faults)
	}
}

// TestWarnings holds what is played, but was probably meant otherwise.
func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		`fault = [{ at = "60s", until = "401s", service = "a", effect = "down" }]`: "this fault ends at 6m41s, and the scenario is over at 6m40s",
		`fault = [{ at = "60s", until = "400s", service = "a", effect = "down" }]`: "",
		`fault = [{ id = "f", at = "60s", for = "60s", service = "a", effect = "down" }]
		action = [{ at = "121s", do = [{ restore = "f" }] }]`: `the fault "f" is over at 2m by itself, and this ends it at 2m1s`,
		`fault = [{ id = "f", at = "60s", lease = "a", effect = "lapse 9%" }]
		action = [{ at = "121s", do = [{ restore = "f" }] }]`: `the leases of the fault "f" are lost at once, and this does not bring them back`,
		`action = [{ at = "300s", takes = "100s", do = [{ purge = "a" }] }]`:                                       "this action takes effect at 6m40s, and the scenario is over at 6m40s",
		`action = [{ after = { observed = "a is down", for = "200s", decide = "200s" }, do = [{ purge = "a" }] }]`: "this action is decided after 6m40s at the earliest, and the scenario is over at 6m40s",
		`load = [{ service = "a", points = [["0s", "5/s"], ["400s", "9/s"]] }]`:                                    "the point at 6m40s is not reached: this load is over at 6m40s",
		`load = [{ service = "a", points = [["0s", "5/s"], ["500s", "9/s"]], shape = "linear" }]`:                  "",
		`load = [{ service = "a", for = "1m", points = [["0s", "5/s"], ["70s", "9/s"]] }]`:                         "the point at 1m10s is not reached: this load is over at 1m",
		`load = [{ service = "a", points = [["0s", "5/s"], ["1h", "9/s"], ["2h", "1/s"]], shape="linear"}]`:        "the point at 2h is not reached: this load is over at 6m40s",
	} {
		s, faults := Parse("a.toml", []byte("horizon = \"400s\"\n"+text))
		switch {
		case s == nil, len(faults) > 1, (want == "") != (len(faults) == 0):
			t.Errorf("%s: %v", text, faults)
		case want != "" && (faults[0].Message != want || faults[0].Severity != diag.Warning || faults[0].Text == ""):
			t.Errorf("%s: %v", text, faults)
		}
	}
}

// TestTriggerEnd says from when a recovery counts.
func TestTriggerEnd(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       unit.Duration
		never      bool
	}{
		{"nothing", "", 0, false},
		{"a fault", `fault = [{ at = "60s", for = "10s", service = "a", effect = "down" }]`, 70 * second, false},
		{"the later of two", `fault = [{ at = "60s", for = "10s", service = "a", effect = "down" }, { at = "10s", for = "80s", service = "b", effect = "down" }]`, 90 * second, false},
		{"a fault for ever", `fault = [{ at = "60s", service = "a", effect = "down" }]`, 0, true},
		{"a fault longer than the run", `fault = [{ at = "60s", for = "1h", service = "a", effect = "down" }]`, 0, true},
		{"the load all along", `load = [{ service = "a", rate = "5/s" }]`, 0, false},
		{"a step that stays", `load = [{ service = "a", rate = "5/s", at = "60s", ramp = "10s" }]`, 70 * second, false},
		{"a step that goes", `load = [{ service = "a", times = 5, at = "60s", for = "40s" }]`, 100 * second, false},
		{"points", `load = [{ service = "a", points = [["0s", "5/s"], ["60s", "9/s"], ["70s", "5/s"]] }]`, 70 * second, false},
		{"every day", `load = [{ service = "a", daily = { peak = "14h", trough = "0%" } }]`, 0, false},
	} {
		s, faults := Parse("a.toml", []byte("horizon = \"400s\"\n"+test.text))
		if s == nil {
			t.Errorf("%s: %v", test.name, faults)
			continue
		}
		if got, ok := s.TriggerEnd(); got != test.want || ok == test.never {
			t.Errorf("%s: %s, %t", test.name, got, ok)
		}
	}
}
