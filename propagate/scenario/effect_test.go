package scenario

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/unit"
)

func TestEffects(t *testing.T) {
	for _, test := range []struct {
		text   string
		effect Effect
		amount float64
		load   float64 // times, of a load
		bad    bool
	}{
		{text: "down", effect: Down},
		{text: " down ", effect: Down},
		{text: "blackhole", effect: Blackhole},
		{text: "corrupt", effect: Corrupt},
		{text: "slow ×4", effect: Slow, amount: 4},
		{text: "slow x4", effect: Slow, amount: 4},
		{text: "slow 4x", effect: Slow, amount: 4},
		{text: "slow 4 ×", effect: Slow, amount: 4},
		{text: "slow×1.5", effect: Slow, amount: 1.5},
		{text: "slow ×1", effect: Slow, amount: 1},
		{text: "slow ×1000000", effect: Slow, amount: 1e6},
		{text: "errors 30%", effect: Errors, amount: 0.3},
		{text: "errors 0.1 %", effect: Errors, amount: 0.001},
		{text: "errors 100%", effect: Errors, amount: 1},
		{text: "errors 0%", effect: Errors},
		{text: "capacity 50%", effect: Capacity, amount: 0.5},
		{text: "capacity 0%", effect: Capacity},
		{text: "load ×3", load: 3},
		{text: "load x0.5", load: 0.5},
		{text: "", bad: true},
		{text: "Down", bad: true},
		{text: "slowx4", bad: true},
		{text: "slow ×", bad: true},
		{text: "slow ×x4", bad: true},
		{text: "slow ×4x", bad: true},
		{text: "slow ×-4", bad: true},
		{text: "slow ×inf", bad: true},
		{text: "slow ×0x10", bad: true},
		{text: "slow ×1000001", bad: true},
		{text: "slow ×0.9", bad: true},
		{text: "slow 50%", bad: true},
		{text: "errors", bad: true},
		{text: "errors ×3", bad: true},
		{text: "errors 101%", bad: true},
		{text: "capacity -1%", bad: true},
		{text: "corrupt 5%", bad: true},
		{text: "load", bad: true},
		{text: "load ×0", bad: true},
		{text: "load 3", bad: true},
		{text: "load +50%", bad: true},
	} {
		s, faults := Parse("a.toml", fmt.Appendf(nil, "horizon = \"9s\"\n[[fault]]\nat = \"1s\"\nservice = \"a\"\neffect = %q\n", test.text))
		switch {
		case test.bad && s != nil:
			t.Errorf("%q is taken", test.text)
		case test.bad:
			if len(faults) != 1 || faults[0].Span.Line != 5 || !strings.HasPrefix(faults[0].Help, "write ") && !strings.Contains(faults[0].Help, `"slow"`) && !strings.Contains(faults[0].Help, `"down"`) {
				t.Errorf("%q: %v", test.text, faults)
			}
		case s == nil:
			t.Errorf("%q: %v", test.text, faults)
		case test.load > 0:
			if len(s.Faults) != 0 || len(s.Loads) != 1 || s.Loads[0].Times != test.load || s.Loads[0].At != second {
				t.Errorf("%q: %+v", test.text, s.Loads)
			}
		case len(s.Faults) != 1 || s.Faults[0].Effect != test.effect || s.Faults[0].Amount != test.amount:
			t.Errorf("%q: %+v", test.text, s.Faults)
		}
	}
}

// TestEffectText holds that an effect reads as it is printed.
func TestEffectText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Fault{Effect: Effect(rapid.IntRange(0, len(EffectWords)-1).Draw(t, "effect"))}
		extra, struck := "", "service"
		switch f.Effect {
		case Slow:
			f.Amount = rapid.Float64Range(1, maxTimes).Draw(t, "times")
		case Errors, Capacity, Lapse:
			f.Amount = rapid.Float64Range(0, 1).Draw(t, "share")
			if f.Amount < 1e-9 {
				f.Amount = 0 // as few digits as a person writes
			}
		case Flapping:
			f.Up = unit.Duration(rapid.Int64Range(1, int64(unit.MaxDuration)).Draw(t, "up"))
			f.Down = unit.Duration(rapid.Int64Range(1, int64(unit.MaxDuration)).Draw(t, "down"))
			extra = fmt.Sprintf("up = %q\ndown = %q\n", f.Up, f.Down)
		}
		if f.Effect == Lapse {
			struck = "lease"
		}
		s, faults := Parse("a.toml", fmt.Appendf(nil, "horizon = \"9s\"\n[[fault]]\nat = \"1s\"\n%s = \"a\"\neffect = %q\n%s", struck, f.EffectText(), extra))
		if s == nil {
			t.Fatal(f.EffectText(), faults)
		}
		if g := s.Faults[0]; g.Effect != f.Effect || g.Amount != f.Amount || g.Up != f.Up || g.Down != f.Down {
			t.Errorf("%q is read as %+v, and was %+v", f.EffectText(), g, f)
		}
	})
}

// TestOverlaps compares with looking at every pair.
func TestOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type fault struct {
			service, effect, zone string
			at, length            int
		}
		var text strings.Builder
		text.WriteString("horizon = \"20s\"\n")
		var faults []fault
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			f := fault{
				rapid.SampledFrom([]string{"a", "b"}).Draw(t, "service"),
				rapid.SampledFrom([]string{"down", "blackhole", "slow ×2", "slow ×3", "corrupt"}).Draw(t, "effect"),
				rapid.SampledFrom([]string{"", "az1"}).Draw(t, "zone"),
				rapid.IntRange(0, 19).Draw(t, "at"), rapid.IntRange(0, 8).Draw(t, "length"),
			}
			fmt.Fprintf(&text, "[[fault]]\nservice = %q\neffect = %q\nat = \"%ds\"\n", f.service, f.effect, f.at)
			if f.zone != "" {
				fmt.Fprintf(&text, "zone = %q\n", f.zone)
			}
			if f.length > 0 {
				fmt.Fprintf(&text, "for = \"%ds\"\n", f.length)
			} else {
				f.length = 20 - f.at
			}
			faults = append(faults, f)
		}
		exclusive := map[string]string{"down": "x", "blackhole": "x", "slow ×2": "slow", "slow ×3": "slow", "corrupt": "corrupt"}
		overlap := false
		for i, f := range faults {
			for _, g := range faults[:i] {
				overlap = overlap || f.service == g.service && f.zone == g.zone && exclusive[f.effect] == exclusive[g.effect] &&
					f.at < g.at+g.length && g.at < f.at+f.length
			}
		}
		s, found := Parse("a.toml", []byte(text.String()))
		if overlap != found.HasErrors() {
			t.Errorf("overlap is %t, and we say %v", overlap, found)
		}
		if s != nil && len(s.Faults) != len(faults) {
			t.Errorf("%d faults of %d", len(s.Faults), len(faults))
		}
	})
}
