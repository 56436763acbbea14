package audit

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/toml"
)

func TestReadSuppression(t *testing.T) {
	x, faults := toml.Parse("x.toml", []byte(`
# knockon:allow KO105 reason=a second way, owner = unknown so far owner=team a until="2027-01-02" # and more
a = 1 # knockon:allow KO106 reason='here' owner=b until=2027-01-03
# knockon:allow KO107 reason=x owner=y until=2027-01-04
# between

b = 2
`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	all := suppressions([]toml.Text{x.Text})
	if len(all) != 3 {
		t.Fatalf("%d suppressions", len(all))
	}
	for i, want := range []Suppression{
		{Rule: "KO105", Line: 3, Reason: "a second way,", Owner: "team a", Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)},
		{Rule: "KO106", Line: 3, Reason: "here", Owner: "b", Until: time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC)},
		{Rule: "KO107", Line: 7, Reason: "x", Owner: "y", Until: time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)},
	} {
		if s := all[i]; s.Rule != want.Rule || s.Line != want.Line || s.Reason != want.Reason || s.Owner != want.Owner || s.Until != want.Until || len(s.Faults) > 0 {
			t.Errorf("suppression %d: %+v", i, s)
		}
	}
}

const loop = `
[service.db] # HERE
needs = [{ on = "tooling", to = "repair" }]
[service.tooling]
needs = ["db"]
`

func audited(t *testing.T, text string, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), load(t, fstest.MapFS{"x.toml": &fstest.MapFile{Data: []byte(text)}}, "x"), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSuppressionNeedsItsLine: one that stands elsewhere, is for another rule, has
// expired or is incomplete suppresses nothing.
func TestSuppressionNeedsItsLine(t *testing.T) {
	const good = "# knockon:allow KO105 reason=r owner=o until=2026-11-22\n"
	needs := "needs = [{ on = \"tooling\""
	for what, text := range map[string]string{
		"above":    strings.Replace(loop, needs, good+needs, 1),
		"by name":  strings.Replace(loop, needs, strings.Replace(good, "KO105", "repair-needs-what-it-repairs", 1)+needs, 1),
		"on it":    strings.Replace(loop, "repair\" }]\n", "repair\" }] "+good, 1),
		"far away": good + loop,
		"another":  strings.Replace(loop, needs, strings.Replace(good, "KO105", "KO101", 1)+needs, 1),
		"expired":  strings.Replace(loop, needs, strings.Replace(good, "-22", "-21", 1)+needs, 1),
		"no owner": strings.Replace(loop, needs, strings.Replace(good, "owner=o", "", 1)+needs, 1),
	} {
		r := audited(t, text, Options{Only: []string{"KO105"}, Today: today})
		holds := what == "above" || what == "on it" || what == "by name"
		if n := r.Count(Suppressed); len(r.Findings) != 1 || (n == 1) != holds {
			t.Errorf("%s: %d of %d are suppressed", what, n, len(r.Findings))
		}
	}
}

func TestBaseline(t *testing.T) {
	before := audited(t, loop, Options{})
	var b bytes.Buffer
	if err := NewBaseline(before).Write(&b); err != nil {
		t.Fatal(err)
	}
	baseline, err := ReadBaseline(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	// Lines move, numbers change, a new one comes and an old one goes.
	after := audited(t, "# moved\n\n"+loop+"[service.new]\nneeds = [{ on = \"hand\", to = \"repair\" }]\n[service.hand]\nneeds = [\"new\"]\n", Options{Baseline: baseline})
	if after.Count(Baselined) != 1 || after.Count(Open) != 1 || after.Gone != 0 {
		t.Errorf("%d known, %d new, %d gone", after.Count(Baselined), after.Count(Open), after.Gone)
	}
	clean := audited(t, "[service.a]\nneeds = [\"b\"]\n[service.b]\n", Options{Baseline: baseline})
	if clean.Gone != 1 || len(clean.Findings) != 0 {
		t.Errorf("%d gone, %d found", clean.Gone, len(clean.Findings))
	}
	for _, bad := range []string{"", "[]", `{"schema":"knockon.audit/1"}`} {
		if _, err := ReadBaseline([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a baseline", bad)
		}
	}
}

// TestGlob holds patterns against their meaning: the parts between stars stand in the
// text in this order, the first at its beginning and the last at its end.
func TestGlob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[ab]{0,2}`), 1, 4).Draw(t, "parts")
		fill := rapid.SliceOfN(rapid.StringMatching(`[abc]{0,3}`), len(parts)-1, len(parts)-1).Draw(t, "fill")
		text := parts[0]
		for i, f := range fill {
			text += f + parts[i+1]
		}
		pattern := strings.Join(parts, "*")
		if !glob(pattern, text) {
			t.Errorf("%q does not match %q", pattern, text)
		}
		if !strings.Contains(pattern, "*") && glob(pattern, text+"x") {
			t.Errorf("%q matches %q", pattern, text+"x")
		}
		if last := parts[len(parts)-1]; last != "" && glob(pattern, text+"c") {
			t.Errorf("%q matches %q", pattern, text+"c")
		}
	})
}

// FuzzConfig: whatever a configuration says, it is read or refused.
func FuzzConfig(f *testing.F) {
	f.Add("fail_on = \"error\"\n[rule.KO101]\nleast = 3\nshare = \"5%\"\nseverity = \"note\"\n[[suppress]]\nrule = \"KO1\"\nsubject = \"*\"\nreason = \"r\"\nowner = \"o\"\nuntil = 2027-01-01\n")
	f.Add("[forbidden.x]\nfrom = { id = \"a*\" }\nto = { kind = \"external\", tier = \"0..1\" }\nmessage = \"m\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, faults := ParseConfig("x.toml", []byte(text))
		if (c == nil) != faults.HasErrors() {
			t.Errorf("%v and %v", c, faults)
		}
	})
}
