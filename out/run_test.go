package out

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
	"github.com/knockon/knockon/propagate/scenario"
)

const storm = `
title = "Shop"
[service.clients]
kind = "external"
load = "600/s"
needs = [{ on = "checkout", timeout = "5s" }]
[service.checkout]
title = "Checkout"
capacity = "2000/s"
needs = [{ on = "ledger", timeout = "2s", retry = { attempts = 3, backoff = "none" } }, { on = "mail", mode = "async" }]
[service.ledger]
concurrency = 100
service_time = "100ms"
[service.mail]
[service.idle]
`

const stormScenario = `
scenario = "ledger-at-noon"
title    = "The ledger loses most of its capacity"
start    = 2025-11-28T11:59:30+01:00
horizon  = "4m"
[[load]]
service = "clients"
at = "30s"
for = "90s"
times = 1.5
ramp = "10s"
[[fault]]
id = "ledger"
at = "40s"
for = "30s"
service = "ledger"
effect = "capacity 20%"
[[action]]
at = "3m"
do = [{ throttle = "clients", to = "100/s" }, { stop_retries = "ledger" }]
[[expect]]
that = "checkout recovers"
within = "1m"
[[expect]]
that = "verdict is metastable"
[[expect]]
measure = "goodput"
of = "checkout"
during = "0s..30s"
is = "600/s"
`

// fixedRun is a result written by hand, so that it stays the same whatever becomes
// of the engine.
func fixedRun(t testing.TB) (*catalog.Catalog, *propagate.Result, Explain) {
	t.Helper()
	c, _ := loadShop(t, storm)
	sc, faults := scenario.Parse("noon.toml", []byte(stormScenario))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if faults := sc.Check(c); len(faults) > 0 {
		t.Fatal(faults)
	}
	const bins, width = 48, 5.0
	r := &propagate.Result{Scenario: sc, Balance: 3e-15, Ignored: []string{"health checks"}}
	for i := range bins + 1 {
		r.Times = append(r.Times, float64(i)*width)
	}
	inf := math.Inf(1)
	r.Services = []propagate.ServiceResult{
		{ID: "checkout", Capacity: 2000, Servers: inf, Nominal: 600, Windows: []propagate.Window{{From: 42, To: 60, State: propagate.Degraded}, {From: 60, To: 240, State: propagate.Down, Open: true}}},
		{ID: "clients", Capacity: inf, Servers: inf, Nominal: 600, Windows: []propagate.Window{{From: 45, To: 240, State: propagate.Down, Open: true}}},
		{ID: "idle", Capacity: inf, Servers: inf},
		{ID: "ledger", Capacity: 1000, Servers: 100, Nominal: 600, Faulted: true, MaxQueue: 40000, Windows: []propagate.Window{{From: 40, To: 70, State: propagate.Delayed}, {From: 70, To: 240, State: propagate.Down, Open: true}}},
		{ID: "mail", Capacity: inf, Servers: inf, Nominal: 600, Windows: []propagate.Window{{From: 60, To: 61.5, State: propagate.Recovering}}},
	}
	r.Needs = []propagate.NeedResult{
		{Service: "checkout", Target: "ledger", Timeout: 2, Retries: 2, Nominal: 600},
		{Service: "checkout", Target: "mail", Index: 1, Async: true, Timeout: inf, Nominal: 600},
		{Service: "clients", Target: "checkout", Timeout: 5, Nominal: 600},
	}
	for i := range bins {
		at := r.Times[i]
		demand, good, attempts, age, queue, left := 600.0, 600.0, 600.0, 0.0, 0.0, 1.0
		if at >= 30 && at < 120 {
			demand = 900
		}
		good, attempts = demand, demand
		switch {
		case at >= 40 && at < 70:
			good, attempts, left = 200-4*(at-40), demand*2.2, 0.2
			age, queue = (at-35)*0.6, (at-35)*400
		case at >= 70:
			good, attempts, age, queue = 0, demand*3, 30+(at-70)*0.1, 20000+(at-70)*100
		}
		state := func(s *propagate.ServiceResult) propagate.State {
			for _, w := range s.Windows {
				if at+width > w.From && at+width <= w.To {
					return w.State
				}
			}
			return propagate.Healthy
		}
		for v := range r.Services {
			s := &r.Services[v]
			b := propagate.ServiceBin{Capacity: 1, State: state(s)}
			switch s.ID {
			case "idle":
			case "mail":
				b.Offered, b.Attempts, b.Good, b.Finished, b.Latency = good*width, good*width, good*width, good*width, good*width*0.01
			default:
				b.Offered, b.Good, b.Failed = demand*width, good*width, (demand-good)*width
				b.Attempts, b.Finished, b.Latency = b.Offered, b.Good, b.Good*0.12
			}
			if s.ID == "ledger" {
				b.Attempts, b.Capacity, b.Busy, b.Age, b.Queue, b.MaxQueue, b.MeanQueue = attempts*width, left, 1, age, queue, queue, queue
				b.Finished, b.Wasted, b.Wait = 1000*left*width, (1000*left-good)*width, queue/(1000*left)
				if at >= 235 {
					b.Wait = inf
				}
			}
			s.Bins = append(s.Bins, b)
		}
		for k := range r.Needs {
			n := &r.Needs[k]
			b := propagate.NeedBin{Calls: demand * width, Attempts: demand * width, Good: good * width, Failed: (demand - good) * width}
			if n.Target == "ledger" {
				b.Attempts, b.Timeouts, b.InFlight = attempts*width, (attempts-good)*width, attempts*2
			}
			n.Bins = append(n.Bins, b)
		}
	}
	r.Assumptions = []plan.Assumption{
		{Service: "checkout", Key: "service_time", Value: `"10ms"`, Why: "half of what its callers wait is far longer"},
		{Service: "clients", Need: "checkout", Key: "calls", Value: "1", Why: "one call per request"},
	}
	r.Steps = propagate.Steps{Taken: 512, Refused: 7, Shortest: 0.025, Longest: 4, Base: 0.1}
	nan := math.NaN()
	r.Verdict = propagate.Verdict{Word: "metastable", TriggerEnd: 120, Services: []propagate.ServiceVerdict{
		{ID: "checkout", Word: "metastable", From: 42, To: 240, Worst: propagate.Down, Lost: 126000, Recovery: nan, Evidence: "ledger is offered 600/s and could do 1000/s, but answers 0/s in time: its callers send 1800/s, 3 attempts a request"},
		{ID: "clients", Word: "metastable", From: 45, To: 240, Worst: propagate.Down, Lost: 126000, Recovery: nan},
		{ID: "ledger", Word: "metastable", From: 40, To: 240, Worst: propagate.Down, Lost: 126000, Recovery: nan},
		{ID: "mail", Word: "recovered", From: 60, To: 61.5, Worst: propagate.Recovering, Recovery: 0},
	}}
	r.Expects = []propagate.Outcome{
		{Expect: sc.Expects[0], Got: "checkout is down at the end", Value: nan},
		{Expect: sc.Expects[1], Met: true, Got: "verdict is metastable", Value: nan},
		{Expect: sc.Expects[2], Met: true, Got: "600/s", Value: 600},
	}
	return c, r, fixedCauses
}

// fixedCauses explains the ledger and who needs it.
func fixedCauses(service string, at float64) *propagate.Cause {
	window := func(c propagate.Cause, from, to float64, s propagate.State) propagate.Cause {
		c.From, c.To, c.State = from, to, s
		if c.Kind != propagate.FaultCause {
			c.Fault = -1
		}
		if c.Kind != propagate.LoadCause {
			c.Load = -1
		}
		return c
	}
	fault := window(propagate.Cause{Service: "ledger", Kind: propagate.FaultCause, Share: 0.8}, 40, 240, propagate.Down)
	load := window(propagate.Cause{Service: "ledger", Kind: propagate.LoadCause, Share: 0.195}, 40, 240, propagate.Down)
	tiny := window(propagate.Cause{Service: "ledger", Kind: propagate.ThreadsCause, Share: 0.005}, 40, 240, propagate.Down)
	retries := window(propagate.Cause{Service: "ledger", Kind: propagate.RetryCause, Amplification: 3, Callers: 1, Share: 1, Because: []propagate.Cause{fault, load, tiny}}, 40, 240, propagate.Down)
	queue := window(propagate.Cause{Service: "ledger", Kind: propagate.QueueCause, Age: 47, Deadline: 2, Queue: 37000, Share: 1, Because: []propagate.Cause{retries}}, 40, 240, propagate.Down)
	need := window(propagate.Cause{Service: "checkout", Kind: propagate.NeedCause, Target: "ledger", Share: 1, Because: []propagate.Cause{queue}}, 42, 240, propagate.Down)
	front := window(propagate.Cause{Service: "clients", Kind: propagate.NeedCause, Target: "checkout", Share: 1, Because: []propagate.Cause{need}}, 45, 240, propagate.Down)
	if at >= 0 && at < 40 {
		return nil
	}
	switch service {
	case "ledger":
		return &queue
	case "checkout":
		return &need
	case "clients":
		return &front
	}
	return nil
}

func fixedReport(t testing.TB) *Run {
	c, res, explain := fixedRun(t)
	return NewRun(c, res, RunOptions{Explain: explain})
}

func fixedWhy(t testing.TB, service string, at float64) *Why {
	c, res, explain := fixedRun(t)
	return NewWhy(c, res, explain, service, at)
}

// TestRunAsPictureAndTable are the formats that TestEveryReportInEveryFormat does
// not hold.
func TestRunAsPictureAndTable(t *testing.T) {
	r := fixedReport(t)
	golden(t, filepath.Join("testdata", "run.svg"), written(t, "svg", r))
	golden(t, filepath.Join("testdata", "run.csv"), written(t, "csv", r))
	r.ShowAssumptions, r.ShowSteps = true, true
	golden(t, filepath.Join("testdata", "run-verbose.txt"), written(t, "text", r))
}

// TestColumnsOfARun: every series has one entry per bin, and what is no finite
// number is null.
func TestColumnsOfARun(t *testing.T) {
	var j struct {
		Schema   string
		Times    []float64
		Services []struct {
			ID     string
			State  []string
			Series map[string][]*float64
		}
		Needs []struct{ Series map[string][]*float64 }
	}
	doc := written(t, "json", fixedReport(t))
	if err := json.Unmarshal(doc, &j); err != nil {
		t.Fatal(err)
	}
	bins := len(j.Times) - 1
	check := func(what string, series map[string][]*float64, want int) {
		if len(series) != want {
			t.Errorf("%s has %d series", what, len(series))
		}
		for name, column := range series {
			if len(column) != bins {
				t.Errorf("%s of %s has %d entries for %d bins", name, what, len(column), bins)
			}
		}
	}
	for _, s := range j.Services {
		check(s.ID, s.Series, len(serviceSeries))
		if len(s.State) != bins {
			t.Errorf("%s has %d states", s.ID, len(s.State))
		}
		if last := s.Series["wait"][bins-1]; (last == nil) != (s.ID == "ledger") {
			t.Errorf("the last wait of %s is %v", s.ID, last)
		}
	}
	for _, n := range j.Needs {
		check("a need", n.Series, len(needSeries))
	}
	if lines := bytes.Count(doc, []byte("\n")); lines > 600 {
		t.Errorf("the document has %d lines: are series on one each?", lines)
	}
}

// TestInlineLists: nothing but white space changes.
func TestInlineLists(t *testing.T) {
	value := map[string]any{"a": []any{1, "[x]\n\"", nil}, "b": []any{map[string]any{"c": []int{}}}, "d": []any{[]any{1, 2}, []any{}}, "e]": `\"[`}
	doc, _ := json.MarshalIndent(value, "", "  ")
	got := inlineLists(doc)
	var one, two bytes.Buffer
	if json.Compact(&one, doc) != nil || json.Compact(&two, got) != nil || one.String() != two.String() {
		t.Errorf("%s", got)
	}
	if !bytes.Contains(got, []byte(`"a": [1, "[x]\n\"", null]`)) {
		t.Errorf("%s", got)
	}
}

// TestTableOfARun reads the table back: as wide in every row, one row per bin of
// every service and need, and lines as RFC 4180 ends them.
func TestTableOfARun(t *testing.T) {
	r := fixedReport(t)
	r.Services[0].ID = `=cmd|"/c calc"!A1`
	doc := written(t, "csv", r)
	rows, err := csv.NewReader(bytes.NewReader(doc)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + (len(r.Services)+len(r.Needs))*(len(r.Times)-1); len(rows) != want {
		t.Errorf("%d rows, not %d", len(rows), want)
	}
	if n := bytes.Count(doc, []byte("\n")); n != bytes.Count(doc, []byte("\r\n")) || n != len(rows) {
		t.Errorf("%d ends of lines", n)
	}
	index := make(map[string]int)
	for i, name := range rows[0] {
		index[name] = i
	}
	first := rows[1]
	if got := first[index["service"]]; got != `'=cmd|"/c calc"!A1` {
		t.Errorf("a name that is a formula is written as %s", got)
	}
	if first[index["clock"]] != "2025-11-28T11:59:30+01:00" || first[index["offered_per_s"]] != "600" || first[index["calls_per_s"]] != "" || first[index["state"]] != "healthy" {
		t.Errorf("%q", first)
	}
	for _, row := range rows[1:] {
		for i, text := range row[firstNumber:] {
			if _, err := strconv.ParseFloat(text, 64); text != "" && (err != nil || strings.Contains(strings.ToLower(text), "n")) {
				t.Fatalf("%s is %q", rows[0][firstNumber+i], text)
			}
		}
	}
}

// TestRunOnANarrowTerminal: no line is wider than the terminal.
func TestRunOnANarrowTerminal(t *testing.T) {
	run := fixedReport(t)
	run.ShowAssumptions, run.ShowSteps = true, true
	for _, r := range []Report{run, fixedWhy(t, "clients", -1)} {
		for _, width := range []int{30, 40, 60, 80, 120} {
			var b bytes.Buffer
			if err := writeText(&b, r, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := diag.Columns(strings.TrimRight(line, "\n")); n > width && width > wrapLeast+20 {
					t.Errorf("%T: at %d columns a line has %d: %s", r, width, n, line)
				}
			}
			if !strings.Contains(b.String(), "checkout") {
				t.Errorf("%T: at %d columns no service is named:\n%s", r, width, b.String())
			}
		}
	}
}

func TestHeadlines(t *testing.T) {
	for _, test := range []struct {
		change func(*Run)
		want   string
	}{
		{func(r *Run) {}, "metastable: ledger is offered 600/s and could do 1000/s, but answers 0/s in time: its callers send 1800/s, 3 attempts a request"},
		{func(r *Run) { r.Impaired[0].Evidence = "" }, "metastable: the trigger was over at 2m, and checkout is still down"},
		{func(r *Run) { r.Verdict = "degraded" }, "degraded: checkout is still down when the run ends, 2m after the trigger"},
		{func(r *Run) { r.Verdict, r.TriggerEnd = "ongoing", math.Inf(1) }, "ongoing: checkout is down when the run ends, and the trigger is not over"},
		{func(r *Run) { r.Verdict = "ongoing" }, "ongoing: checkout is down when the run ends, and it is not yet clear whether it recovers"},
		{func(r *Run) { r.Verdict, r.Impaired = "recovered", r.Impaired[3:] }, "recovered: 1 service was impaired and is healthy again, since before the trigger was over"},
		{func(r *Run) { r.Verdict, r.Impaired = "recovered", r.Impaired[3:]; r.Impaired[0].Recovery = 12.34 }, "recovered: 1 service was impaired and is healthy again, the last 12s after the trigger"},
		{func(r *Run) { r.Verdict, r.Impaired = "healthy", nil }, "healthy: no service was impaired"},
		{func(r *Run) { r.Partial, r.Played = true, 61 }, "interrupted after 1m1s of 4m"},
	} {
		r := fixedReport(t)
		test.change(r)
		if got := r.headline(); got != test.want {
			t.Errorf("%q, not %q", got, test.want)
		}
	}
}

// TestAnInterruptedRun has borders of bins that it did not reach, and may have no
// verdict.
func TestAnInterruptedRun(t *testing.T) {
	for _, bins := range []int{0, 1, 10} {
		c, res, _ := fixedRun(t)
		res.Partial, res.Verdict, res.Expects = true, propagate.Verdict{}, nil
		for i := range res.Services {
			s := &res.Services[i]
			s.Bins = s.Bins[:bins]
			s.Windows = slices.DeleteFunc(slices.Clone(s.Windows), func(w propagate.Window) bool { return w.From >= res.Times[bins] })
		}
		for i := range res.Needs {
			res.Needs[i].Bins = res.Needs[i].Bins[:bins]
		}
		r := NewRun(c, res, RunOptions{})
		if r.Played != float64(5*bins) {
			t.Errorf("%d bins: played %v", bins, r.Played)
		}
		for _, format := range []string{"text", "json", "csv", "svg"} {
			text := string(written(t, format, r))
			if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Errorf("%d bins as %s: %s", bins, format, text)
			}
		}
		if text := string(written(t, "text", r)); !strings.Contains(text, fmt.Sprintf("interrupted after %s of 4m", moment(r.Played))) {
			t.Error(text)
		}
	}
}

func TestWhyInWords(t *testing.T) {
	want := "clients down from 45s to the end ← ledger's queue 47s behind a 2s deadline ← retries ×3 from 1 caller of ledger ← ledger at 20% capacity 40s–1m10s\n"
	text := string(written(t, "text", fixedWhy(t, "clients", -1)))
	if first, _, _ := strings.Cut(text, "\n"); first+"\n" != want {
		t.Errorf("%s", text)
	}
	for _, part := range []string{"80 %  ", "20 %  ", "load ×1.5 on clients 30s–2m", "and 1 with less than 1 %"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said:\n%s", part, text)
		}
	}
	if got := string(written(t, "text", fixedWhy(t, "clients", 10))); got != "clients is healthy at 10s\n" {
		t.Errorf("%q", got)
	}
	if got := string(written(t, "text", fixedWhy(t, "mail", -1))); got != "mail recovering 1m–1m2s: nothing in this run is known to explain it\n" {
		t.Errorf("%q", got)
	}
	if got := string(written(t, "text", fixedWhy(t, "idle", -1))); got != "idle is healthy all along\n" {
		t.Errorf("%q", got)
	}
}

func TestMoments(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0s", 0.0254: "25ms400us", 0.5004: "500ms", 1: "1s", 3.46: "3.5s", 9.96: "10s", 59.7: "1m", 61.4: "1m1s", 5400: "1h30m",
		90061: "1d1h1m", math.Inf(1): "for ever", math.NaN(): "never", -1: "0s",
	} {
		if got := moment(seconds); got != want {
			t.Errorf("%v is %q, not %q", seconds, got, want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, test := range []struct {
		f    float64
		want string
	}{
		{0, "0"},
		{0.00001, "0"},
		{0.5, "0.5"},
		{3.14159, "3.14"},
		{31.4159, "31.4"},
		{99.96, "100"},
		{600, "600"},
		{9999.4, "9999"},
		{9999.6, "10k"},
		{12345, "12.3k"},
		{999499, "999k"},
		{999600, "1M"},
		{2.5e9, "2.5G"},
		{math.Inf(1), "∞"},
		{math.NaN(), "–"},
	} {
		if got := amount(test.f); got != test.want {
			t.Errorf("%v is %q, not %q", test.f, got, test.want)
		}
	}
	for share, want := range map[float64]string{0: "0 %", 0.0001: "<0.1 %", 0.0123: "1.2 %", 0.2: "20 %", 0.999: "99.9 %", 0.9999: "99.9 %", 1: "100 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v is %q, not %q", share, got, want)
		}
	}
}
