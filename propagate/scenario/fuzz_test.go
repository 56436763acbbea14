package scenario

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	f.Add([]byte(rescue))
	f.Add([]byte(incident))
	c, _, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: []byte(plant)})
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
		if diff := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Scenario{}, Record{})); diff != "" {
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

// FuzzParseRecord checks the same of a record that stands in a file of its own.
func FuzzParseRecord(f *testing.F) {
	_, record, _ := strings.Cut(incident, "[[recorded]]")
	f.Add([]byte("[[recorded]]" + record))
	f.Add([]byte("[incident]\nonce = [\"-1m..2m\"]\n[[recorded]]\nservice = \"a\"\nof = [\"b\"]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, faults := ParseRecord("fuzz.toml", data)
		lines := bytes.Count(data, []byte("\n")) + 1
		for _, d := range faults {
			if d.Message == "" || d.Span.Line < 1 || d.Span.Line > lines || d.Span.Col < 1 {
				t.Errorf("%+v", d)
			}
		}
		if (rec == nil) != faults.HasErrors() || len(faults) > maxFaults+1 {
			t.Fatalf("%v with %v", rec, faults)
		}
		if rec != nil {
			checkScorable(t, rec)
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
		ok := (f.Service != "") == (f.Effect != Lapse) && (f.Lease != "") == (f.Effect == Lapse) && f.Count >= 0 && f.Count <= maxCount && f.At >= 0 && f.At < s.Horizon && f.For >= 0
		switch f.Effect {
		case Slow:
			ok = ok && f.Amount >= 1 && f.Amount <= maxTimes
		case Errors, Capacity, Lapse:
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
	for _, o := range s.Observers {
		if o.ID == "" || o.Lag < 0 || len(o.Needs) != len(o.NeedsAt) {
			t.Errorf("%+v", o)
		}
	}
	for _, a := range s.Actions {
		ok := a.At >= 0 && a.At < s.Horizon && len(a.Do) > 0 && a.Takes >= 0 && len(a.Tools) == len(a.ToolsAt)
		ok = ok && a.Tries >= 0 && a.Tries <= maxTries && (a.Again > 0) == (a.Tries > 0)
		if w := a.After; w != nil {
			ok = ok && a.At == 0 && (w.Observed != nil) != (w.Done != "") && w.For >= 0 && w.Decide >= 0
			ok = ok && (w.Done == "" || w.For == 0 && w.By == "")
			checkCondition(t, w.Observed)
		}
		if !ok {
			t.Errorf("%+v", a)
		}
		for _, x := range a.Do {
			need := deeds[x.Verb].on == onNeed
			ok := (x.Target == "") == need && (x.From != "" && x.To != "" && x.From != x.To) == need
			ok = ok && x.Rate >= 0 && x.Share >= 0 && (x.Length > 0) == (x.Verb == Restart)
			ok = ok && (x.Instead != "") == (x.Verb == FailOver) && (x.Zone != "") == (x.Verb == Drain || x.Verb == Undrain)
			ok = ok && x.Waves >= 0 && x.Waves <= maxWaves && (x.Waves > 1) == (x.Every > 0) && x.Class >= 0 && x.Class <= maxClass
			ok = ok && (x.Rate > 0 || x.Verb != Pace) && (x.Verb == Restart || !x.Purge) && x.Lasts() >= 0
			checkCondition(t, x.Until)
			if !ok {
				t.Errorf("%+v", x)
			}
		}
	}
	ends := s.FaultEnds()
	for i, end := range ends {
		if end < s.Faults[i].At {
			t.Errorf("%+v ends at %s", s.Faults[i], end)
		}
	}
	if len(ends) != len(s.Faults) {
		t.Errorf("%d ends of %d faults", len(ends), len(s.Faults))
	}
	if end, ok := s.TriggerEnd(); ok && (end < 0 || end > s.Horizon) {
		t.Errorf("the trigger ends at %s", end)
	}
	if s.Record != nil {
		checkScorable(t, s.Record)
	}
	for _, x := range s.Expects {
		ok := x.Text != "" && x.At.V >= 0 && x.At.V <= s.Horizon && x.To <= s.Horizon && (x.From < x.To) == x.During
		ok = ok && (x.Service == "" && x.Lease == "") == (x.Kind == ExpectVerdict) && x.Value >= 0 && x.Relative >= 0 && x.Absolute >= 0
		if x.Kind == ExpectNumber {
			info := Measures[x.Measure]
			ok = ok && (x.Need == "" && info.Service || x.Need != "" && info.Need || x.Lease != "" && info.Lease)
			ok = ok && (x.Service == "") == info.Lease && (x.Share > 0) == (x.Measure == TimeToHeld) && x.Share <= 1
		}
		if !ok {
			t.Errorf("%+v", x)
		}
	}
}

// checkScorable checks what a score may rely on.
func checkScorable(t *testing.T, rec *Record) {
	t.Helper()
	moment := func(m Moment) bool {
		return m.Low <= m.High && m.High-m.Low < 1e9 && (m.Known || m == Moment{})
	}
	for _, w := range rec.Windows {
		ok := w.Service != "" && len(w.Of) > 0 && len(w.Of) == len(w.OfAt) && slices.Contains(RecordedStates, w.State) && moment(w.Start) && moment(w.End)
		ok = ok && (w.Start.Known || w.StartClass == Unscored) && (w.End.Known || w.EndClass == Unscored) && (w.Limit == 0 || w.State == "delayed")
		ok = ok && (!w.Scores() || Tolerance(w.Confidence) > 0) && (!w.Start.Known || !w.End.Known || w.End.High > w.Start.Low)
		if !ok {
			t.Errorf("%+v", w)
		}
	}
	for _, p := range rec.Parameters {
		if p.Name == "" || len(p.Paths) == 0 || len(p.Paths) != len(p.PathsAt) || !(0 < p.Low && p.Low < p.High) {
			t.Errorf("%+v", p)
		}
	}
	for _, m := range rec.Once {
		if !moment(m) || !m.Known {
			t.Errorf("%+v", m)
		}
	}
}

func checkCondition(t *testing.T, c *Condition) {
	t.Helper()
	if c == nil {
		return
	}
	ok := c.Text != "" && (c.Service == "") != (c.Lease == "")
	switch c.Kind {
	case StateCondition:
		ok = ok && slices.Contains(States, c.Word) && c.Service != ""
	case NumberCondition:
		info := Measures[c.Measure]
		ok = ok && info.Aggregate && (c.Lease != "") == info.Lease && (c.Relation == Over || c.Relation == Under)
		ok = ok && c.Value >= 0 && c.Value <= maxNumber && (!c.Share || info.Nominal)
	}
	if !ok {
		t.Errorf("%+v", c)
	}
}
