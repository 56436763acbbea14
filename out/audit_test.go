package out

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/audit"
)

// fixedAudit has a finding of each severity and state, with all that a finding can
// have.
func fixedAudit(most int) *Audit {
	storm := &audit.Rule{
		ID: "KO901", Name: "storm", Severity: audit.Error, Summary: "It storms.", Looks: "Wind above \"least\".",
		Why: "Roofs fly.", Taught: "The storm of 1987.", FalseAlarm: "It is a fan.", Fix: "Close the windows.",
		Params: []audit.Param{{Key: "least", Default: int64(8), What: "of the Beaufort scale"}},
	}
	rain := &audit.Rule{ID: "KO902", Name: "rain", Severity: audit.Warning, Summary: "It rains.", Fix: "Take an umbrella."}
	at := func(line, col, width int) diag.Span {
		return diag.Span{File: "shop/a b.toml", Line: line, Col: col, Width: width}
	}
	return &Audit{
		Title: "Shop", Services: 12, Rules: []*audit.Rule{storm, rain},
		Compared: true, Gone: 2, Most: most,
		Findings: []audit.Finding{
			{
				Rule: storm, Severity: audit.Error, Subject: "checkout -> kv|é", Service: "checkout", At: at(3, 9, 4),
				Message: "checkout <b>loses</b> 100% of its *roof*: at 9, 8 is enough",
				Path:    []audit.Step{{At: at(3, 9, 4), Text: "checkout needs the roof"}, {At: at(7, 1, 2), Text: "the roof flies, | [and](x) `all`"}},
				Edits:   []audit.Edit{{Edit: toml.Edit{At: at(3, 9, 1), Old: "é", New: "ok"}, What: "close it"}}, Damage: 20,
			},
			{Rule: rain, Severity: audit.Warning, Subject: "cart", At: at(1, 1, 1), Message: "cart is wet", Fix: "Dry it.", Damage: 5},
			{Rule: rain, Severity: audit.Note, Subject: "mail", At: at(4, 0, 0), Message: "mail is damp", Damage: 4},
			{
				Rule: rain, Severity: audit.Warning, Subject: "web", At: at(5, 1, 1), Message: "web is wet", State: audit.Suppressed, Damage: 3,
				Suppression: &audit.Suppression{At: at(4, 1, 9), Line: 5, Rule: "KO902", Reason: "it swims", Owner: "team-a", Until: time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)},
			},
			{Rule: rain, Severity: audit.Warning, Subject: "db", At: diag.Span{File: "builtin:aws-us-east-1/data.toml", Line: 6, Col: 2, Width: 3}, Message: "db is wet", State: audit.Baselined, Damage: 2},
		},
	}
}

func TestAuditInItsFormats(t *testing.T) {
	r := fixedAudit(1)
	for format, file := range map[string]string{"text": "audit.txt", "json": "audit.json", "junit": "audit.xml", "markdown": "audit.md", "github": "audit.annotations"} {
		golden(t, filepath.Join("testdata", file), written(t, format, r))
	}
	for _, f := range Formats() {
		var one, two bytes.Buffer
		err := f.Write(&one, r, Options{})
		if (err == nil) != f.Shows(r) {
			t.Errorf("%s: %v", f.Name, err)
		}
		if f.Write(&two, r, Options{}); !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: two runs differ", f.Name)
		}
	}
	var x any
	if err := xml.Unmarshal(written(t, "junit", r), &struct{ XMLName xml.Name }{}); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal(written(t, "json", r), &x); err != nil {
		t.Error(err)
	}
}

func TestRuleInItsFormats(t *testing.T) {
	r := &Rule{fixedAudit(0).Rules[0]}
	golden(t, filepath.Join("testdata", "rule.txt"), written(t, "text", r))
	golden(t, filepath.Join("testdata", "rule.md"), written(t, "markdown", r))
	golden(t, filepath.Join("testdata", "rule.json"), written(t, "json", r))
	list := &RuleList{fixedAudit(0).Rules}
	golden(t, filepath.Join("testdata", "rules.txt"), written(t, "text", list))
	golden(t, filepath.Join("testdata", "rules.json"), written(t, "json", list))
}

// TestAuditOnANarrowTerminal: no line is wider, and nothing is lost.
func TestAuditOnANarrowTerminal(t *testing.T) {
	var b strings.Builder
	fixedAudit(0).text(&b, Options{Width: 60})
	for line := range strings.Lines(b.String()) {
		if n := diag.Columns(strings.TrimSuffix(line, "\n")); n > 60 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

// sarifLog decodes what was written and holds it against the published schema.
func sarifOf(t *testing.T, r *Audit) (log sarifLog, results json.RawMessage) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile(filepath.Join("testdata", "sarif-schema-2.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := written(t, "sarif", r)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Errorf("not SARIF 2.1.0: %v", err)
	}
	var raw struct {
		Runs []struct{ Results json.RawMessage }
	}
	for _, into := range []any{&log, &raw} {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
	return log, raw.Runs[0].Results
}

// TestSARIF: what is written is SARIF as published, declares every rule, marks what is
// suppressed, and points at a place for every finding.
func TestSARIF(t *testing.T) {
	log, _ := sarifOf(t, fixedAudit(0))
	run := log.Runs[0]
	if len(run.Results) != 5 {
		t.Errorf("%d results: what is suppressed or in the baseline is marked, not left out", len(run.Results))
	}
	for i, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("result %d is of %s, its index says %s", i, r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
		if r.Locations[0].Physical.Region.StartLine < 1 {
			t.Errorf("result %d points nowhere", i)
		}
		run.Results[i].RuleIndex = 0 // it changes with every rule that is added
	}
	results, err := json.MarshalIndent(run.Results, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "audit.sarif"), append(results, '\n'))
	for _, rule := range audit.Rules() {
		if !slices.ContainsFunc(run.Tool.Driver.Rules, func(x sarifRule) bool { return x.ID == rule.ID }) {
			t.Errorf("%s is not declared", rule.ID)
		}
	}
}

// TestSARIFOfACleanCatalog: an empty list of results, not none, or code scanning would
// keep the alerts of the last run.
func TestSARIFOfACleanCatalog(t *testing.T) {
	_, results := sarifOf(t, &Audit{Rules: audit.Rules()})
	if string(results) != "[]" {
		t.Errorf("results: %s", results)
	}
}

// TestSARIFOfTheBuiltInCatalogs holds real findings against the schema, at paths inside
// the module.
func TestSARIFOfTheBuiltInCatalogs(t *testing.T) {
	for _, name := range catalog.Builtins() {
		s, _ := catalog.Builtin(name)
		c, texts, _, err := catalog.LoadWithTexts(s)
		if err != nil {
			t.Fatal(err)
		}
		result, err := audit.Run(t.Context(), audit.Input{Catalog: c, Graph: graph.Build(c), Texts: texts}, audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		log, _ := sarifOf(t, NewAudit(c, result, 0))
		for _, r := range log.Runs[0].Results {
			file := r.Locations[0].Physical.Artifact.URI
			if rel, ok := strings.CutPrefix(file, "catalog/builtin/"+name+"/"); !ok || rel == "" {
				t.Errorf("%s: a finding at %s", name, file)
			}
		}
	}
}

// TestAuditOfUntrustedNames: names from a catalog cannot become markup, commands or
// control codes of any format.
func TestAuditOfUntrustedNames(t *testing.T) {
	evil := "a\x1b[31m\u202e</failure>]]>\n::error::x%0A<script>|@everyone[x](http://x)`"
	r := fixedAudit(0)
	f := &r.Findings[0]
	f.Subject, f.Message, f.Fix = evil, evil, evil
	f.Path[0].Text = evil
	f.At.File, f.Path[0].At.File, r.Title = evil, evil, evil
	for _, format := range []string{"text", "json", "sarif", "junit", "markdown", "github"} {
		text := string(written(t, format, r))
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && diag.IsHidden(r) }); i >= 0 {
			t.Errorf("%s: %q", format, text[max(0, i-20):i+5])
		}
		switch format {
		case "github":
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "::error::x") {
					t.Errorf("a name became a command: %q", line)
				}
			}
		case "markdown":
			text = regexp.MustCompile("`[^`]*`").ReplaceAllString(strings.ReplaceAll(text, "\\`", ""), "") // code is shown as it is
			if strings.Contains(text, "<script>") || strings.Contains(text, "@everyone") || strings.Contains(text, "[x](http") {
				t.Errorf("a name became markup: %s", text)
			}
		case "junit":
			d := xml.NewDecoder(strings.NewReader(text))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		case "sarif":
			sarifOf(t, r)
		}
	}
}
