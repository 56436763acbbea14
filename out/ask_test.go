package out

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate/scenario"
	"github.com/knockon/knockon/propagate/study"
)

// fixedStudy is written by hand, so that it stays the same whatever becomes of the
// engine.
func fixedStudy() *study.Study {
	inf := math.Inf(1)
	base := study.Answer{Verdict: "recovered", Failed: 12345, Share: 0.12, Minutes: 42, Recovery: 192, Met: []bool{true}}
	effect := func(value, verdict string, share, failed, minutes, recovery float64, m study.Move) study.Effect {
		return study.Effect{Value: value, Answer: &study.Answer{Verdict: verdict, Share: share, Failed: failed, Minutes: minutes, Recovery: recovery, Met: []bool{m.Expects == 0}}, Move: m}
	}
	same := func(value string) study.Effect {
		return effect(value, "recovered", 0.12, 12345, 42, 192, study.Move{})
	}
	at := func(line, column int) diag.Span {
		return diag.Span{File: "shop.toml", Line: line, Col: column, Width: 8}
	}
	return &study.Study{
		Scenario: &scenario.Scenario{ID: "redis", Title: "Redis down for 10m", File: "redis.toml"},
		Base:     base,
		Quantities: []study.Quantity{
			{Service: "checkout", Target: "payments", Key: "timeout", Value: "5s", Why: "not stated", TOML: `{ on = "payments", timeout = "5s" }`, At: at(12, 3)},
			{Service: "checkout", Target: "2 of kv-a, kv-b, kv-c", Key: "retry", Value: "none", Why: "not stated: one attempt", TOML: `{ at_least = 2, of = ["kv-a", "kv-b", "kv-c"], retry = "none" }`, At: at(13, 3)},
			{Service: "payments", Key: "concurrency", Value: "200", TOML: "[service.payments]\nconcurrency = 200\ncapacity = \"80/s\"", At: at(20, 10)},
			{Service: "payments", Key: "load", Value: "100/s", TOML: "[service.payments]\nload = \"100/s\"", At: at(20, 10)},
			{Service: "rates", Key: "load", Value: "100/s", TOML: "[service.rates]\nload = \"100/s\"", At: at(25, 10)},
		},
		Singles: []study.Finding{
			{Members: []int{0}, Low: same("500ms"), High: effect("30s", "metastable", 0.5, 53345, 120, inf, study.Move{Verdict: 3, Expects: 1, Share: 0.38, Failed: 41000, Minutes: 78, Recovery: inf})},
			{Members: []int{1}, High: effect("3 attempts", "recovered", 0.14, 12000, 42, 250, study.Move{Share: 0.02, Failed: -345, Recovery: 58})},
			{Members: []int{2}, Low: effect("50", "recovered", 0.12, 12345, 60.5, 180, study.Move{Minutes: 18.5, Recovery: -12}), High: study.Effect{Value: "800", Fault: "not plausible: rates would be impaired with nothing wrong"}},
		},
		Families: []study.Finding{{Members: []int{3, 4}, Low: same("÷3"), High: effect("×1.73", "recovered", 0.1, 9000, 42, 192, study.Move{Share: -0.02, Failed: -3345})}},
		Groups:   []study.Finding{{Members: []int{3, 4}, High: effect("×3", "healthy", 0, 0, 0, 0, study.Move{Verdict: -1, Share: -0.12, Failed: -12345, Minutes: -42, Recovery: -192})}},
		Untaken:  1, Alone: 3, Faults: 1, Runs: 17,
	}
}

func fixedAsk(most int) *Ask {
	return NewAsk(&catalog.Catalog{Title: "Shop"}, fixedStudy(), most)
}

func TestAskInItsFormats(t *testing.T) {
	r := fixedAsk(0)
	golden(t, filepath.Join("testdata", "ask.txt"), written(t, "text", r))
	j := written(t, "json", r)
	golden(t, filepath.Join("testdata", "ask.json"), j)
	if !json.Valid(j) {
		t.Error("not JSON")
	}
	for _, f := range Formats() {
		var b bytes.Buffer
		err := f.Write(&b, r, Options{})
		var unsupported *unsupportedError
		if shows := f.Name == "text" || f.Name == "json"; shows != f.Shows(r) || shows != (err == nil) {
			t.Errorf("%s: %v", f.Name, err)
		} else if !shows && (!errors.As(err, &unsupported) || unsupported.Report == "") {
			t.Errorf("%s is refused: %v", f.Name, err)
		}
	}
}

// TestAskCutToTheFirst keeps the count of them all.
func TestAskCutToTheFirst(t *testing.T) {
	r := fixedAsk(1)
	text := string(written(t, "text", r))
	if len(r.Questions) != 1 || r.Changed != 3 || !strings.Contains(text, "\nand 2 more; --top 0 shows all\n") {
		t.Error(text)
	}
}

// TestAskSaysHowMuchItTried.
func TestAskSaysHowMuchItTried(t *testing.T) {
	for want, change := range map[string]func(*Ask){
		"every number that this run needs is stated: there is nothing to ask": func(r *Ask) { r.Assumed = 0 },
		"1 number is not stated; none of them changes the answer by itself (2 runs, 1 tried one by one)": func(r *Ask) {
			r.Assumed, r.Changed, r.Alone, r.Runs, r.Complete, r.Untaken = 1, 0, 1, 2, true, 0
		},
		"5 numbers are not stated; 1 of them changes the answer by itself (17 runs, 5 tried one by one)": func(r *Ask) {
			r.Changed, r.Alone, r.Complete, r.Untaken = 1, 5, true, 0
		},
		"5 numbers are not stated; 3 of them change the answer by themselves (17 runs, 5 tried one by one)": func(r *Ask) {
			r.Alone, r.Complete, r.Untaken = 5, true, 0
		},
		"5 numbers are not stated; at least 3 of them change the answer (17 runs, 3 tried one by one)": func(r *Ask) { r.Partial = true },
	} {
		r := fixedAsk(0)
		change(r)
		if got := r.closing(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	r := fixedAsk(0)
	r.Partial = true
	if text := string(written(t, "text", r)); !strings.Contains(text, "\ninterrupted: ") {
		t.Error(text)
	}
}

// TestAskOfTheBase in its words.
func TestAskOfTheBase(t *testing.T) {
	for want, base := range map[string]study.Answer{
		"healthy: no service was impaired": {Verdict: "healthy"},
		"ongoing: on average a service failed 50 % of its requests, 10 service-minutes impaired, and the trigger does not end":                 {Verdict: "ongoing", Share: 0.5, Minutes: 10, Recovery: math.NaN()},
		"metastable: on average a service failed 50 % of its requests, 10 service-minutes impaired, and not all are healthy when the run ends": {Verdict: "metastable", Share: 0.5, Minutes: 10, Recovery: math.Inf(1)},
	} {
		if got := (&Ask{Base: base}).baseline(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestAskOnANarrowTerminal: only what is there to be copied is wider.
func TestAskOnANarrowTerminal(t *testing.T) {
	r := fixedAsk(0)
	for _, width := range []int{20, 40, 80} {
		var b bytes.Buffer
		if err := writeText(&b, r, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimRight(line, "\n")
			if n := diag.Columns(line); n > width && !strings.HasPrefix(line, "     {") && !strings.HasPrefix(line, "     [") && !strings.Contains(line, " = ") {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
	}
}

// TestAskOfUntrustedNames: a name cannot move the cursor or turn what follows.
func TestAskOfUntrustedNames(t *testing.T) {
	s := fixedStudy()
	evil := "x\x1b[2J\u202e"
	s.Scenario.Title = evil
	s.Quantities[0].Service, s.Quantities[0].Target, s.Quantities[0].TOML = evil, evil, evil
	s.Quantities[0].At.File = evil
	s.Singles[2].High.Fault = "not plausible: " + evil
	s.Quantities[3].Service, s.Quantities[4].Service = evil, evil
	r := NewAsk(&catalog.Catalog{Title: evil}, s, 0)
	for _, format := range []string{"text", "json"} {
		text := string(written(t, format, r))
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && diag.IsHidden(r) }); i >= 0 {
			t.Errorf("%s: %q", format, text[max(0, i-20):i+5])
		}
	}
}
