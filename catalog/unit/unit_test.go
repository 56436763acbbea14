package unit

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0s", "0s": "0s", "250ms": "250ms", "1h30m": "1h30m", "90m": "1h30m", "1 h 30 min": "1h30m",
		"2d": "2d", "1 w": "7d", "1.5s": "1s500ms", "0.1us": "100ns", "7µs": "7us", "7μs": "7us",
		" 5s ": "5s", "3650d": "3650d", "3649d23h59m59s999ms999us999ns": "3649d23h59m59s999ms999us999ns",
		"0.5ns": "1ns", "0.4ns": "0s",
	} {
		if d, err := ParseDuration(text); err != nil || d.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, d, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "an empty duration", "  ": "an empty duration", "5": `"5" has no unit`, "5 ": `"5 " has no unit`,
		"soon": `"soon" is not a duration`, "-5s": `"-5s" is not a duration`, "1.2.3s": `"1.2.3s" is not a duration`,
		"5 parsecs": `"5 parsecs" has an unknown unit "parsecs"`, "5S": `"5S" has an unknown unit "S"`,
		"1e3s": `"1e3s" has an unknown unit "e"`, "s": `"s" is not a duration`, "1h30": `"1h30" has no unit`,
		"30m1h": `"30m1h" has its units out of order`, "1s1s": `"1s1s" has its units out of order`,
		"3651d": `"3651d" is longer than ten years`, "99999999999999999999s": `"99999999999999999999s" is longer than ten years`,
		"5.s": `"5.s" has an unknown unit ".s"`, "١s": `"١s" is not a duration`,
	} {
		if d, err := ParseDuration(text); err == nil || err.Error() != want {
			t.Errorf("%q is %s, %v; want %s", text, d, err, want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]string{
		"400/s": "400/s", "1.5k/s": "1500/s", "2M/s": "2000000/s", "90/min": "1.5/s", "30/min": "30/min",
		"5 requests/h": "5/h", "1 / d": "1/d", "0/s": "0/s", "2k calls/s": "2000/s", "3 kilos/s": "3/s",
	} {
		if r, err := ParseRate(text); err != nil || r.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, r, err, want)
		}
	}
	for text, want := range map[string]string{
		"400": "has no unit", "": "has no unit", "/s": "is not a rate", "x/s": "is not a rate", "-1/s": "is not a rate",
		"1/fortnight": "unknown unit", "1/": "unknown unit", "9999999999G/s": "is not a rate", "9999999999M/s": "is too large",
		"1" + strings.Repeat("0", 400) + "/s": "is not a rate",
	} {
		if r, err := ParseRate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want %s", text, r, err, want)
		}
	}
}

func TestParseRatio(t *testing.T) {
	for text, want := range map[string]string{
		"20%": "20%", "0.1 %": "0.1%", "0%": "0%", "100%": "100%", "7%": "7%", "0.07%": "0.07%", "99.99%": "99.99%",
		"0.0000001%": "0.0000001%", "29%": "29%", "00.5%": "0.5%",
	} {
		if r, err := ParseRatio(text); err != nil || r.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, r, err, want)
		}
	}
	for text, want := range map[string]string{
		"0.2": "has no unit", "": "is not a percentage", "20": "has no unit", "101%": "more than the whole",
		"-1%": "is not a percentage", "20%%": "is not a percentage", "20 per cent": "is not a percentage",
	} {
		if r, err := ParseRatio(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want %s", text, r, err, want)
		}
	}
}

func TestParseRange(t *testing.T) {
	for text, want := range map[string]string{
		"3m": "3m", "3m..3h": "3m..3h", "3m .. 3h": "3m..3h", "3m..3m": "3m", "0..5s": "0s..5s",
	} {
		if r, err := ParseRange(text); err != nil || r.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, r, err, want)
		}
	}
	for _, text := range []string{"3h..3m", "..3m", "3m..", "3m...3h", "3..5m", "1m..2m..3m"} {
		if r, err := ParseRange(text); err == nil {
			t.Errorf("%q is %s; want an error", text, r)
		}
	}
}

// Any value, not only those that somebody would write, must read as printed.
func TestRoundTrip(t *testing.T) {
	durations := rapid.Map(rapid.Int64Range(0, int64(MaxDuration)), func(n int64) Duration { return Duration(n) })
	rapid.Check(t, func(t *rapid.T) {
		d := durations.Draw(t, "duration")
		if back, err := ParseDuration(d.String()); err != nil || back != d {
			t.Errorf("duration %d: %s is %d, %v", d, d, back, err)
		}
		r := Rate(rapid.Float64Range(0, 1e15).Draw(t, "rate"))
		if back, err := ParseRate(r.String()); err != nil || back != r {
			t.Errorf("rate %v: %s is %v, %v", float64(r), r, float64(back), err)
		}
		p := Ratio(rapid.Float64Range(0, 1).Draw(t, "ratio"))
		if back, err := ParseRatio(p.String()); err != nil || back != p {
			t.Errorf("ratio %v: %s is %v, %v", float64(p), p, float64(back), err)
		}
		low, high := durations.Draw(t, "low"), durations.Draw(t, "high")
		s := Range{min(low, high), max(low, high)}
		if back, err := ParseRange(s.String()); err != nil || back != s {
			t.Errorf("range %v: %s is %v, %v", s, s, back, err)
		}
	})
}

func TestValue(t *testing.T) {
	var v Value[Duration]
	if v.IsStated() || v.Or(7) != 7 || v.Evidence.String() != "not stated" {
		t.Errorf("the zero value is %+v", v)
	}
	v = Value[Duration]{Evidence: Guess}
	if !v.IsStated() || v.Or(7) != 0 || v.Evidence.String() != "guess" {
		t.Errorf("a stated zero is %+v", v)
	}
}

// roundTrip is the property of all fuzz targets here.
func roundTrip[T interface {
	comparable
	String() string
}](t *testing.T, text string, parse func(string) (T, error)) {
	x, err := parse(text)
	if err != nil {
		return
	}
	if back, err := parse(x.String()); err != nil || back != x {
		t.Errorf("%q is %s, which is %v, %v", text, x, back, err)
	}
}

func FuzzDuration(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, text, ParseDuration) })
}

func FuzzRate(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, text, ParseRate) })
}

func FuzzRatio(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, text, ParseRatio) })
}

func FuzzRange(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, text, ParseRange) })
}
