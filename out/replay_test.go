package out

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

const outageScenario = `
scenario = "outage"
title    = "The night of the ledger"
start    = 2025-11-28T23:30:00+01:00
horizon  = "2h"
[[fault]]
id      = "disk"
at      = "5m"
service = "ledger"
effect  = "down"
[[action]]
id = "clear"
at = "40m"
do = [{ restore = "disk" }]
[incident]
once     = ["45m"]
controls = ["idle"]
[[recorded]]
service     = "ledger"
state       = "down"
start       = "5m"
start_class = "scripted"
end         = "45m"
end_class   = "emergent"
confidence  = "A"
facts       = "all writes"
[[recorded]]
service     = "checkout"
state       = "degraded"
start       = "5m..12m"
start_class = "early"
end         = "45m"
end_class   = "emergent"
confidence  = "B"
[[recorded]]
service     = "post"
of          = ["mail", "clients"]
state       = "delayed"
start       = "50m"
start_class = "emergent"
end         = "1h30m"
end_class   = "emergent"
confidence  = "H"
[[recorded]]
service    = "mail"
state      = "delayed"
end        = "1d2h"
confidence = "M"
unscored   = "recalled, and not read again"
[[parameter]]
name  = "what the ledger can do"
of    = 'service "checkout".capacity'
range = ["1000/s", "4000/s"]
why   = "half and twice"
`

// fixedReplay is a replay of a result written by hand, and all that can be asked of one.
func fixedReplay(t testing.TB) *Replay {
	t.Helper()
	c, _ := loadShop(t, storm)
	sc, faults := scenario.Parse("outage.toml", []byte(outageScenario))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if faults := sc.Check(c); len(faults) > 0 {
		t.Fatal(faults)
	}
	return replayOf(c, sc)
}

func replayOf(c *catalog.Catalog, sc *scenario.Scenario) *Replay {
	res := &propagate.Result{Scenario: sc, FaultEnds: []float64{2400}, Verdict: propagate.Verdict{Word: "recovered", TriggerEnd: 2400}}
	for i := range 121 {
		res.Times = append(res.Times, float64(60*i))
	}
	res.Outside = make([]float64, 120)
	res.Actions = []propagate.ActionResult{{ID: "clear", Decided: 2400, Done: 2400, Over: 2400, WaitsSince: math.NaN(), Observed: math.NaN()}}
	for i := range c.Services {
		s := propagate.ServiceResult{ID: c.Services[i].ID, Nominal: 10, Capacity: math.Inf(1), Servers: math.Inf(1)}
		for k := range 120 {
			b := propagate.ServiceBin{Offered: 600, Good: 600}
			switch {
			case s.ID == "ledger" && k >= 5 && k < 52:
				b.Good, b.Failed = 0, 600
			case s.ID == "checkout" && k >= 5 && k < 45:
				b.Good, b.Failed = 550, 50
			case s.ID == "idle" && k >= 60 && k < 64:
				b.Good, b.Failed = 580, 20
			}
			s.Bins = append(s.Bins, b)
		}
		res.Services = append(res.Services, s)
	}
	r := NewReplay(c, replay.New(c, res, map[replay.Ends]string{{Window: 1, End: true}: "what the ledger can do"}), RunOptions{})
	r.ShowParameters = true
	r.Parameters = replay.Parameters(c, sc)
	p := &r.Parameters[0]
	p.Evidence, p.Tried, p.Private = unit.Fitted, true, true
	p.Moves = []replay.Move{{Ends: replay.Ends{Window: 1, End: true}, Down: 12.25, Up: -3}, {Ends: replay.Ends{Window: 0, End: true}, Down: math.Inf(1), Up: 0}}
	r.Spread = &replay.Spread{
		First: 17, Runs: 2, Headlines: []replay.Headline{r.Replay.Headline, r.Replay.Headline},
		Boundaries: []replay.Spanned{{Ends: replay.Ends{Window: 0, End: true}, Low: 50, Median: 52, High: 70, None: 0.25}, {Ends: replay.Ends{Window: 2}, Low: math.NaN(), Median: math.NaN(), High: math.NaN(), None: 1}},
	}
	r.Hesitation = &replay.Hesitation{Grace: 30, Minutes: 700, Actions: []replay.Acted{
		{
			Action: 0, Done: 40, First: 6, Never: 4000, Matters: true, Best: 6, AtBest: 12, PerMin: 20.2, Last: 21, Relapse: 18, Cliff: &replay.Cliff{From: 21, To: 22, Rise: 500, Share: 0.727},
			Tried: []replay.Tried{{At: 6, Minutes: 12, Avoided: true}, {At: 18, Minutes: 30}, {At: 21, Minutes: 20, Avoided: true}, {At: 22, Minutes: 520}, {At: 40, Minutes: 700}},
		},
	}}
	r.Prediction = &replay.Prediction{Until: 45, Horizon: 120, Seed: 3, Draws: 80, Kept: 20, Inside: 1, Before: 2, Chance: 0.5, Guesses: 3, Fixed: []string{"what is not drawn"}, Boundaries: []replay.Predicted{
		{Ends: replay.Ends{Window: 2}, Low: 40, Median: 55, High: 70, None: 0.1, Inside: true},
		{Ends: replay.Ends{Window: 2, End: true}, Low: 100, Median: 110, High: 119},
	}}
	r.Prediction.Parameters = []replay.Narrowed{
		{Parameter: replay.Parameter{Name: "another", Low: 1, High: 3}, From: 1.2345, To: 2.5, Spread: 0.61, Informed: true},
		{Parameter: replay.Parameter{Name: "a time", Unit: catalog.Seconds, Low: 600, High: 7200}, From: 661, To: 7001, Spread: 0.99},
	}
	r.Prediction.False = []replay.Unrecorded{{Service: "checkout", Share: 0.25, Minutes: 12}}
	r.Fit = &replay.Fit{
		Seed: 1, Generations: 40, Runs: 321, Start: 0.5, Cost: 0.125, Pairs: []replay.Pair{{A: 0, B: 1, Opposite: true, Rise: 0.001}},
		Parameters: []replay.Fitted{
			{Parameter: *p, Found: 1234.5678, Down: 0.2, Up: 0.1},
			{Parameter: replay.Parameter{Name: "another", Low: 1, High: 3, Value: 2}, Found: 3, Down: 0.2, Edge: true},
		},
	}
	return r
}

// TestReplayInItsFormats: what is written is golden, and the score in the document is
// that of its own list of windows.
func TestReplayInItsFormats(t *testing.T) {
	r := fixedReplay(t)
	for _, format := range []string{"csv", "svg"} {
		golden(t, filepath.Join("testdata", "replay."+format), written(t, format, r))
	}
	document := written(t, "json", r)
	var j struct {
		Threshold float64
		Impact    []struct {
			Service, State string
			From           float64 `json:"from_min"`
			To             float64 `json:"to_min"`
		}
		Score struct {
			Thresholds []struct {
				Threshold, Overlap float64
				Recovery           struct {
					Median float64 `json:"median_min"`
				}
				False float64 `json:"false_min"`
			}
		}
	}
	if err := json.Unmarshal(document, &j); err != nil {
		t.Fatal(err)
	}
	var impacts []replay.Impact
	for _, x := range j.Impact {
		for s := propagate.Frozen; s <= propagate.Down; s++ {
			if s.String() == x.State {
				impacts = append(impacts, replay.Impact{Service: x.Service, State: s, From: x.From, To: x.To})
			}
		}
	}
	again := replay.Judge(r.Replay.Record, impacts, 120, r.Replay.Private).Headline()
	for _, x := range j.Score.Thresholds {
		if x.Threshold == j.Threshold && (x.Overlap-again.Overlap > 1e-9 || x.Recovery.Median != again.Recovery.Median || x.False != again.False) {
			t.Errorf("the document says %+v, and its windows %+v", x, again)
		}
	}
	if len(impacts) != len(j.Impact) || len(impacts) == 0 {
		t.Errorf("%d of %d windows have a state that is known", len(impacts), len(j.Impact))
	}
	rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", r))).ReadAll()
	if err != nil || len(rows) != 1+len(r.Replay.Record.Windows) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestHostileReplay: names and facts come from files that nobody trusts.
func TestHostileReplay(t *testing.T) {
	c, _ := loadShop(t, storm)
	for _, text := range hostile {
		sc, faults := scenario.Parse("outage.toml", []byte(outageScenario))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		sc.Title, sc.Record.Windows[0].Facts, sc.Record.Windows[3].Unscored, sc.Actions[0].ID = text, text, text, text
		sc.Record.Windows[0].Service, sc.Record.Parameters[0].Name = text, text
		r := replayOf(c, sc)
		d := xml.NewDecoder(bytes.NewReader(written(t, "svg", r)))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "a") {
				t.Errorf("%q: an element %s", text, e.Name.Local)
			}
		}
		if !json.Valid(written(t, "json", r)) {
			t.Errorf("%q: not JSON", text)
		}
		if text := string(written(t, "text", r)); strings.ContainsAny(text, "\x00\x07\x1b") {
			t.Errorf("%q: a terminal would obey it", text)
		}
	}
}

// TestReplayFitsATerminal: no line is wider than it was said to be.
func TestReplayFitsATerminal(t *testing.T) {
	var b bytes.Buffer
	f, _ := FormatNamed("text")
	if err := f.Write(&b, fixedReplay(t), Options{Width: 80}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
