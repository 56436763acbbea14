package scenario

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/knockon/knockon/catalog"
)

// FuzzParse checks on any bytes that Parse comes back with few diagnostics that
// point into the file, the same twice, and that what it lets through can be played.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/broken/*.toml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(storm))
	c, _, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: []byte(shop)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, faults := Parse("fuzz.toml", data)
		lines := bytes.Count(data, []byte("\n")) + 1
		if len(faults) > maxFaults+1 {
			t.Errorf("%d diagnostics", len(faults))
		}
		for _, d := range faults {
			if d.Message == "" || d.Span.Line < 1 || d.Span.Line > lines || d.Span.Col < 1 || d.Span.Width < 1 {
				t.Errorf("%+v", d)
			}
		}
		if (s == nil) != faults.HasErrors() {
			t.Fatalf("%v with %v", s, faults)
		}
		again, faultsAgain := Parse("fuzz.toml", bytes.Clone(data))
		if diff := cmp.Diff(faults, faultsAgain); diff != "" {
			t.Error(diff)
		}
		if s == nil {
			return
		}
		if diff := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
			t.Error(diff)
		}
		checkPlayable(t, s)
		for _, d := range s.Check(c) {
			if d.Message == "" || d.Span.Line < 1 || d.Span.Line > lines || d.Text == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}

// checkPlayable checks what an engine may rely on.
func checkPlayable(t *testing.T, s *Scenario) {
	t.Helper()
	if s.ID == "" || s.Title == "" && len(s.ID) == 0 || s.Horizon <= 0 || s.Resolution < 0 || s.Resolution > s.Horizon {
		t.Errorf("%+v", s)
	}
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	for _, f := range s.Faults {
		ok := f.Service != "" && f.At >= 0 && f.At < s.Horizon && f.For >= 0
		switch f.Effect {
		case Slow:
			ok = ok && f.Amount >= 1 && f.Amount <= maxTimes
		case Errors, Capacity:
			ok = ok && share(f.Amount)
		case Flapping:
			ok = ok && f.Up > 0 && f.Down > 0
		}
		if !ok || (f.Up != 0 || f.Down != 0) != (f.Effect == Flapping) {
			t.Errorf("%+v", f)
		}
	}
	for _, l := range s.Loads {
		ways := 0
		for _, is := range []bool{l.Rate.IsStated(), l.Times > 0, len(l.Points) > 0, l.Daily != nil} {
			if is {
				ways++
			}
		}
		if ways != 1 || l.Service == "" || l.At < 0 || l.At >= s.Horizon || l.For < 0 || l.Ramp < 0 || l.For > 0 && 2*l.Ramp > l.For {
			t.Errorf("%+v", l)
		}
		for i, p := range l.Points {
			if p.Rate < 0 || i == 0 && p.At != l.At || i > 0 && p.At <= l.Points[i-1].At {
				t.Errorf("%+v", l)
			}
		}
	}
	for _, a := range s.Actions {
		if a.At < 0 || a.At >= s.Horizon || len(a.Do) == 0 {
			t.Errorf("%+v", a)
		}
		for _, x := range a.Do {
			if x.Target == "" || x.Rate < 0 || x.Share < 0 || (x.Length > 0) != (x.Verb == Restart) {
				t.Errorf("%+v", x)
			}
		}
	}
	for _, x := range s.Expects {
		ok := x.Text != "" && x.At.V >= 0 && x.At.V <= s.Horizon && x.To <= s.Horizon && (x.From < x.To) == x.During
		ok = ok && (x.Service == "") == (x.Kind == ExpectVerdict) && x.Value >= 0 && x.Relative >= 0 && x.Absolute >= 0
		if x.Kind == ExpectNumber {
			info := Measures[x.Measure]
			ok = ok && (x.Need == "" && info.Service || x.Need != "" && info.Need)
		}
		if !ok {
			t.Errorf("%+v", x)
		}
	}
}
