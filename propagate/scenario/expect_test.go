package scenario

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/unit"
)

func expectation(t *testing.T, text string) (Expect, bool) {
	t.Helper()
	s, faults := Parse("a.toml", []byte("horizon = \"400s\"\nfault = [{ at = \"60s\", for = \"10s\", service = \"api\", effect = \"down\" }]\n[[expect]]\n"+text))
	if s == nil {
		for _, d := range faults {
			if d.Help == "" || d.Span.Line < 3 {
				t.Errorf("%s: %s", text, d)
			}
		}
		return Expect{}, false
	}
	return s.Expects[0], true
}

func TestSentences(t *testing.T) {
	for _, test := range []struct {
		text    string
		kind    ExpectKind
		service string
		not     bool
		word    string
	}{
		{"api is down", ExpectState, "api", false, "down"},
		{" api  is  down ", ExpectState, "api", false, "down"},
		{"api is not healthy", ExpectState, "api", true, "healthy"},
		{"api is is down", ExpectState, "api is", false, "down"},
		{"recovers is recovering", ExpectState, "recovers", false, "recovering"},
		{"big api recovers", ExpectRecovery, "big api", false, ""},
		{"api does not recover", ExpectRecovery, "api", true, ""},
		{"the api that recovers recovers", ExpectRecovery, "the api that recovers", false, ""},
		{"verdict is metastable", ExpectVerdict, "", false, "metastable"},
		{"verdict is not recovered", ExpectVerdict, "", true, "recovered"},
		{"verdict recovers", ExpectRecovery, "verdict", false, ""},
	} {
		x, ok := expectation(t, fmt.Sprintf("that = %q", test.text))
		if !ok || x.Kind != test.kind || x.Service != test.service || x.Not != test.not || x.Word != test.word {
			t.Errorf("%q: %+v", test.text, x)
		}
	}
	for _, text := range []string{
		"", "down", "api", "is", "api is", "api is not", "api is not not down", "api is Down", "is is", "api was down",
		"api doesn't recover", "api never recovers at all", "verdict is down", "api is metastable", " recovers", "api is healthy and well",
		strings.Repeat("a", 300) + " is down", "a\tb recovers",
	} {
		if x, ok := expectation(t, fmt.Sprintf("that = %q", text)); ok {
			t.Errorf("%q is taken as %+v", text, x)
		}
	}
}

// TestProbability holds in how many runs a verdict is expected.
func TestProbability(t *testing.T) {
	x, ok := expectation(t, "that = \"verdict is recovered\"\nprobability = \"56%\"\ntolerance = 0.15")
	if !ok || x.Kind != ExpectVerdict || x.Probability.V != 0.56 || x.Absolute != 0.15 || x.Text != "verdict is recovered with probability 56% ± 0.15" {
		t.Errorf("%+v", x)
	}
	if x, ok := expectation(t, `that = "verdict is recovered"`); !ok || x.Probability.IsStated() {
		t.Errorf("%+v", x)
	}
	for _, text := range []string{
		"that = \"verdict is recovered\"\nprobability = \"56%\"",
		"that = \"verdict is recovered\"\ntolerance = 0.15",
		"that = \"verdict is recovered\"\nprobability = \"56%\"\ntolerance = \"15%\"",
		"that = \"verdict is recovered\"\nprobability = \"56%\"\ntolerance = 1.5",
		"that = \"verdict is recovered\"\nprobability = 0.56\ntolerance = 0.1",
		"that = \"verdict is recovered\"\nprobability = \"156%\"\ntolerance = 0.1",
		"that = \"verdict is recovered\"\nprobability = \"56%\"\ntolerance = 0.1\nis = 3",
		"that = \"api is down\"\nprobability = \"56%\"\ntolerance = 0.1",
		"measure = \"queue\"\nof = \"api\"\nis = 3\nprobability = \"56%\"",
	} {
		if x, ok := expectation(t, text); ok {
			t.Errorf("%s is taken as %+v", text, x)
		}
	}
}

// TestShareHeld holds that the time until leases are held says which share of them.
func TestShareHeld(t *testing.T) {
	x, ok := expectation(t, "measure = \"time-to-held\"\nof = \"droplets\"\nshare = \"99%\"\nat_most = \"9h\"")
	if !ok || x.Lease != "droplets" || x.Service != "" || x.Share != 0.99 || x.Text != "time-to-held of droplets to 99% at most 9h" {
		t.Errorf("%+v", x)
	}
	for _, text := range []string{
		"measure = \"time-to-held\"\nof = \"droplets\"\nat_most = \"9h\"",
		"measure = \"time-to-held\"\nof = \"droplets\"\nshare = \"0%\"\nat_most = \"9h\"",
		"measure = \"time-to-held\"\nof = \"droplets\"\nshare = 0.99\nat_most = \"9h\"",
		"measure = \"held\"\nof = \"droplets\"\nshare = \"99%\"\nat_most = 3",
		"measure = \"held\"\nof = \"a -> b\"\nat_most = 3",
	} {
		if x, ok := expectation(t, text); ok {
			t.Errorf("%s is taken as %+v", text, x)
		}
	}
}

// TestStates holds that every state and verdict has a sentence, and no word is
// taken for another.
func TestStates(t *testing.T) {
	for _, word := range States {
		if x, ok := expectation(t, `that = "api is `+word+`"`); !ok || x.Word != word {
			t.Errorf("%q: %+v", word, x)
		}
	}
	for _, word := range Verdicts {
		if x, ok := expectation(t, `that = "verdict is `+word+`"`); !ok || x.Word != word {
			t.Errorf("%q: %+v", word, x)
		}
	}
}

// TestNumbers tries every measure with every way to write an amount.
func TestNumbers(t *testing.T) {
	amounts := map[Unit]map[string]float64{
		PerSecond: {`"600/s"`: 600, `"1.2k/s"`: 1200, `"90/min"`: 1.5},
		Requests:  {`1500`: 1500, `0.5`: 0.5},
		Share:     {`"20%"`: 0.2, `0.2`: 0.2, `3`: 3, `"300%"`: 3, `"0.1 %"`: 0.001},
		Seconds:   {`"33s"`: 33, `"250ms"`: 0.25, `"1h"`: 3600},
	}
	// A number without a unit is a count and a ratio; it stands in both lists.
	valid := func(u Unit, amount string) (float64, bool) {
		if want, ok := amounts[u][amount]; ok {
			return want, true
		}
		if u == Requests || u == Share {
			for _, of := range []Unit{Requests, Share} {
				if want, ok := amounts[of][amount]; ok && !strings.HasPrefix(amount, `"`) {
					return want, true
				}
			}
		}
		return 0, false
	}
	for m, info := range Measures {
		of := "api"
		if info.Need && !info.Service {
			of = "shop -> api"
		}
		share := ""
		if Measure(m) == TimeToHeld {
			share = "share = \"99%\"\n"
		}
		for as, word := range AggregateWords {
			for _, list := range amounts {
				for amount := range list {
					text := fmt.Sprintf("measure = %q\nof = %q\nis = %s\n%s", info.Word, of, amount, share)
					if word != "" {
						text += fmt.Sprintf("as = %q\n", word)
					}
					u := info.Unit
					if Aggregate(as) == Total && u == PerSecond {
						u = Requests
					}
					want, ok := valid(u, amount)
					ok = ok && (Aggregate(as) == Auto || info.Aggregate) && (Aggregate(as) != Total || info.Unit == PerSecond)
					x, got := expectation(t, text)
					if ok != got || ok && (x.Value != want || x.Measure != Measure(m) || x.As != Aggregate(as) || (x.Lease != "") != info.Lease) {
						t.Errorf("%s: %t, %+v", text, got, x)
					}
				}
			}
		}
		if _, ok := expectation(t, fmt.Sprintf("measure = %q\nof = \"api\"\nat_least = %s\n%s", info.Word, formOf(Measure(m), Auto).sample(), share)); ok != (info.Service || info.Lease) {
			t.Errorf("%s of a service or lease: %t", info.Word, ok)
		}
		if _, ok := expectation(t, fmt.Sprintf("measure = %q\nof = \"shop -> api\"\nat_most = %s", info.Word, formOf(Measure(m), Auto).sample())); ok != info.Need {
			t.Errorf("%s of a need: %t", info.Word, ok)
		}
		for _, when := range []string{`at = "400s"`, `during = "0s..400s"`} {
			if _, ok := expectation(t, fmt.Sprintf("measure = %q\nof = %q\n%s\nat_most = %s\n%s", info.Word, of, when, formOf(Measure(m), Auto).sample(), share)); ok != info.Aggregate {
				t.Errorf("%s %s: %t", info.Word, when, ok)
			}
		}
	}
}

// sample is one of the examples of a form.
func (f form) sample() string {
	first, _, _ := strings.Cut(f.example, ", ")
	return first
}

func TestTolerances(t *testing.T) {
	for _, test := range []struct {
		measure, is, tolerance string
		relative, absolute     float64
		bad                    bool
	}{
		{"goodput", `"600/s"`, "", defaultRelative, defaultAbsolute, false},
		{"breaker-opens", "2", "", 0, defaultAbsolute, false},
		{"goodput", `"600/s"`, `"3%"`, 0.03, 0, false},
		{"goodput", `"600/s"`, `"18/s"`, 0, 18, false},
		{"goodput", `"600/s"`, `["5%", "60/s"]`, 0.05, 60, false},
		{"goodput", `"600/s"`, `["60/s", "5%"]`, 0.05, 60, false},
		{"goodput", `"600/s"`, `["60/s"]`, 0, 60, false},
		{"goodput", `"600/s"`, `"0/s"`, 0, 0, false},
		{"queue", "1500", `["5%", 60]`, 0.05, 60, false},
		{"latency", `"33s"`, `["5%", "500ms"]`, 0.05, 0.5, false},
		{"utilisation", "0.5", `["5%", 0.02]`, 0.05, 0.02, false},
		{"goodput", `"600/s"`, `60`, 0, 0, true},
		{"goodput", `"600/s"`, `["5%", 60]`, 0, 0, true},
		{"queue", "1500", `"60/s"`, 0, 0, true},
		{"queue", "1500", `-3`, 0, 0, true},
		{"latency", `"33s"`, `0.5`, 0, 0, true},
		{"goodput", `"600/s"`, `[]`, 0, 0, true},
		{"goodput", `"600/s"`, `["5%", "6%"]`, 0, 0, true},
		{"goodput", `"600/s"`, `["5/s", "6/s"]`, 0, 0, true},
		{"goodput", `"600/s"`, `["5%", "6/s", "7/s"]`, 0, 0, true},
		{"goodput", `"600/s"`, `["5%", ["6/s"]]`, 0, 0, true},
		{"goodput", `"600/s"`, `true`, 0, 0, true},
		{"goodput", `"600/s"`, `"±3%"`, 0, 0, true},
	} {
		of := "api"
		if test.measure == "breaker-opens" {
			of = "shop -> api"
		}
		text := fmt.Sprintf("measure = %q\nof = %q\nis = %s\n", test.measure, of, test.is)
		if test.tolerance != "" {
			text += "tolerance = " + test.tolerance
		}
		x, ok := expectation(t, text)
		if ok == test.bad || ok && (x.Relative != test.relative || x.Absolute != test.absolute) {
			t.Errorf("%s: %t, %v and %v", text, ok, x.Relative, x.Absolute)
		}
	}
}

// TestQuantitiesReadAsPrinted holds on any value that what an expectation says is
// what was written.
func TestQuantitiesReadAsPrinted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := unit.Rate(rapid.Float64Range(0, 1e9).Draw(rt, "rate"))
		share := unit.Ratio(rapid.Float64Range(1e-9, 1).Draw(rt, "share"))
		at := unit.Duration(rapid.Int64Range(0, int64(400*second)).Draw(rt, "at"))
		x, ok := expectation(t, fmt.Sprintf("measure = \"goodput\"\nof = \"api\"\nat = %q\nis = %q\ntolerance = %q", at, rate, share))
		if !ok || x.Value != float64(rate) || x.Relative != float64(share) || x.At.V != at {
			rt.Errorf("%s ± %s at %s is %+v", rate, share, at, x)
		}
	})
}
