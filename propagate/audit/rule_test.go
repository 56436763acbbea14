package audit

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/graph"
)

// want is the comment that says which finding belongs to a line, and a part of its
// message: "# want KO203 9 attempts".
var want = regexp.MustCompile(`#\s*want (KO\d+)(?: (.+?))?(?:;|$)`)

// also names a rule without which the one under test has nothing to say.
var also = regexp.MustCompile(`also run (KO\d+)`)

// today is the day of all tests.
var today = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// TestRules runs every rule alone on the catalogs of its txtar: each folder is one
// catalog, with a knockon-audit.toml of its own where the rule needs one. What
// stands in a folder whose name begins with "silent" must find nothing.
func TestRules(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("testdata", r.ID+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			fired, silent := 0, 0
			for _, name := range folders(t, archive) {
				wanted := runFolder(t, archive, name, r.ID)
				switch isSilent := strings.HasPrefix(name, "silent"); {
				case isSilent && wanted > 0:
					t.Errorf("%s wants a finding and is said to be silent", name)
				case isSilent:
					silent++
				case wanted == 0:
					t.Errorf("%s wants no finding and is not said to be silent", name)
				default:
					fired++
				}
			}
			if fired == 0 || silent == 0 {
				t.Errorf("%d catalogs fire and %d are silent; there must be one of each", fired, silent)
			}
		})
	}
}

func folders(t *testing.T, a *txtar.Archive) []string {
	t.Helper()
	var names []string
	for _, f := range a.Files {
		name, _, ok := strings.Cut(f.Name, "/")
		if !ok {
			t.Errorf("%s stands in no folder", f.Name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// runFolder audits one folder of an archive with one rule, holds the findings against
// what its comments want, and returns how many that are.
func runFolder(t *testing.T, a *txtar.Archive, folder, rule string) (wanted int) {
	t.Helper()
	files := fstest.MapFS{}
	options := Options{Only: []string{rule}, Today: today}
	for _, m := range also.FindAllStringSubmatch(string(a.Comment), -1) {
		options.Only = append(options.Only, m[1])
	}
	var wants []string // "file:line"
	parts := make(map[string]string)
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, folder+"/")
		if !ok {
			continue
		}
		if name != ConfigFile {
			files[name] = &fstest.MapFile{Data: f.Data}
		}
		for i, line := range strings.Split(string(f.Data), "\n") {
			for _, m := range want.FindAllStringSubmatch(line, -1) {
				place := fmt.Sprintf("%s:%d", folder+"/"+name, i+1)
				if m[1] != rule {
					t.Errorf("%s wants %s, which is not run", place, m[1])
				}
				wants = append(wants, place)
				parts[place] = strings.TrimSpace(m[2])
			}
		}
		if name == ConfigFile {
			config, faults := ParseConfig(f.Name, f.Data)
			if len(faults) > 0 {
				t.Fatalf("%s: %v", folder, faults)
			}
			options.Config = config
		}
	}
	in := load(t, files, folder)
	result, err := Run(context.Background(), in, options)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range result.Findings {
		f := &result.Findings[i]
		if f.Rule.ID != rule {
			continue
		}
		place := fmt.Sprintf("%s:%d", f.At.File, f.At.Line)
		got = append(got, place)
		if part, ok := parts[place]; ok && !strings.Contains(f.Message, part) {
			t.Errorf("%s: the message does not say %q: %s", place, part, f.Message)
		}
		if !slices.Contains(wants, place) {
			t.Errorf("%s: nobody wants: %s", place, f.Message)
		}
		checkFinding(t, f)
	}
	checkEdits(t, in, result, options)
	for _, w := range wants {
		if !slices.Contains(got, w) {
			t.Errorf("%s: a finding is missing", w)
		}
	}
	return len(wants)
}

// checkEdits makes the edits of each finding and audits what they leave: the catalog
// loads, and the finding is gone.
func checkEdits(t *testing.T, in Input, result *Result, options Options) {
	t.Helper()
	for i := range result.Findings {
		f := &result.Findings[i]
		if len(f.Edits) == 0 {
			continue
		}
		files := fstest.MapFS{}
		for j := range in.Texts {
			text := &in.Texts[j]
			var edits []toml.Edit
			for _, e := range f.Edits {
				if e.What == "" {
					t.Errorf("%s: an edit does not say what it does", f.Rule.ID)
				}
				if e.At.File == text.File {
					edits = append(edits, e.Edit)
				}
			}
			after, err := text.Splice(edits)
			if err != nil {
				t.Fatal(err)
			}
			_, name, _ := strings.Cut(text.File, "/")
			files[name] = &fstest.MapFile{Data: []byte(after)}
		}
		folder, _, _ := strings.Cut(f.At.File, "/")
		again, err := Run(context.Background(), load(t, files, folder), options)
		if err != nil {
			t.Fatal(err)
		}
		for j := range again.Findings {
			if again.Findings[j].Fingerprint() == f.Fingerprint() {
				t.Errorf("%s is still there after its edits: %s", f.Rule.ID, again.Findings[j].Message)
			}
		}
	}
}

// checkFinding holds what every finding owes to its reader.
func checkFinding(t *testing.T, f *Finding) {
	t.Helper()
	switch {
	case f.At.Line == 0:
		t.Errorf("%s points nowhere: %s", f.Rule.ID, f.Message)
	case f.Message == "" || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "\n"):
		t.Errorf("%s: a message is one line without a full stop: %q", f.Rule.ID, f.Message)
	case strings.Contains(f.Message, "NaN") || strings.Contains(f.Message, "Inf") || strings.Contains(f.Message, "%!"):
		t.Errorf("%s: a number is none: %s", f.Rule.ID, f.Message)
	}
	for _, s := range f.Path {
		if s.At.Line == 0 || s.Text == "" {
			t.Errorf("%s: a step points nowhere: %q at %v", f.Rule.ID, s.Text, s.At)
		}
	}
}

func load(t testing.TB, files fs.FS, name string) Input {
	t.Helper()
	c, texts, faults, err := catalog.LoadWithTexts(catalog.Source{FS: files, Path: ".", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if faults.HasErrors() {
		t.Fatal(faults)
	}
	return Input{Catalog: c, Graph: graph.Build(c), Texts: texts}
}

// TestRegistry: every rule is complete, and told from the others.
func TestRegistry(t *testing.T) {
	rules := Rules()
	names := make(map[string]string)
	for i, r := range rules {
		if i > 0 && rules[i-1].ID >= r.ID {
			t.Errorf("%s is registered twice", r.ID)
		}
		if other := names[r.Name]; other != "" {
			t.Errorf("%s and %s are both called %s", other, r.ID, r.Name)
		}
		names[r.Name] = r.ID
		if !regexp.MustCompile(`^KO[1-4]\d\d$`).MatchString(r.ID) {
			t.Errorf("%q is not the ID of a rule", r.ID)
		}
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(r.Name) {
			t.Errorf("%s: %q is not a name in words with hyphens", r.ID, r.Name)
		}
		for what, text := range map[string]string{
			"Summary": r.Summary, "Looks": r.Looks, "Why": r.Why, "Taught": r.Taught, "FalseAlarm": r.FalseAlarm, "Fix": r.Fix,
		} {
			if len(text) < 20 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s is no sentence: %q", r.ID, what, text)
			}
		}
		for _, p := range r.Params {
			if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(p.Key) || p.What == "" {
				t.Errorf("%s: parameter %q says nothing", r.ID, p.Key)
			}
			if !strings.Contains(r.Looks, p.Key) {
				t.Errorf("%s: Looks does not say what %q is for", r.ID, p.Key)
			}
		}
		if r.Check == nil {
			t.Errorf("%s checks nothing", r.ID)
		}
	}
	if len(rules) == 0 {
		t.Fatal("there are no rules")
	}
	left, err := filepath.Glob(filepath.Join("testdata", "KO*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left {
		id := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if _, ok := RuleNamed(id); !ok {
			t.Errorf("%s belongs to no rule", file)
		}
	}
}

// TestEvidenceLeads: the steps of a path hang together, from what is lost to the one
// that falls farthest away, and round a cycle back to where it began.
func TestEvidenceLeads(t *testing.T) {
	texts := func(f *Finding) (all []string) {
		for _, s := range f.Path {
			all = append(all, s.Text)
		}
		return all
	}
	for _, c := range []struct {
		rule, catalog string
		want          []string
	}{
		{"KO101", `
[service.a]
tier = 0
needs = ["b"]
[service.b]
tier = 0
needs = ["c"]
[service.c]
tier = 0
needs = ["d"]
[service.d]
`, []string{"d is lost", "c needs d", "b needs c", "a needs b"}},
		{
			"KO102", "[service.a]\nneeds = [\"b\"]\n[service.b]\nneeds = [\"c\"]\n[service.c]\nneeds = [{ on = \"a\", if_lost = \"stale\", ttl = \"1h\" }]\n",
			[]string{"a needs b", "b needs c", "c needs a, and goes on without it for 1h"},
		},
		{
			"KO105", "[service.a]\nneeds = [\"b\", { on = \"t\", to = \"repair\", for = \"mending\" }]\n[service.b]\n[service.t]\nneeds = [\"u\"]\n[service.u]\nneeds = [\"a\"]\n",
			[]string{"a needs t to repair: mending", "t needs u", "u needs a"},
		},
	} {
		r := audited(t, c.catalog, Options{Only: []string{c.rule}})
		if len(r.Findings) == 0 {
			t.Errorf("%s found nothing", c.rule)
			continue
		}
		if got := texts(&r.Findings[0]); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
}

// TestRanking: the worst severity first, then damage; the second finding of a rule
// counts half.
func TestRanking(t *testing.T) {
	a, b := &Rule{ID: "A"}, &Rule{ID: "B"}
	findings := []Finding{
		{Rule: a, Subject: "1", Damage: 10},
		{Rule: a, Subject: "2", Damage: 9},
		{Rule: b, Subject: "3", Damage: 5},
		{Rule: b, Subject: "4", Damage: 90, Severity: Warning},
		{Rule: a, Subject: "5", Damage: 8},
	}
	rank(findings)
	var got []string
	for i := range findings {
		got = append(got, findings[i].Subject)
	}
	if want := []string{"1", "3", "2", "5", "4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	again := slices.Clone(findings)
	if rank(again); !slices.EqualFunc(findings, again, func(x, y Finding) bool { return x.Subject == y.Subject }) {
		t.Error("ranked twice they stand otherwise")
	}
}
