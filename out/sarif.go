package out

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate/audit"
)

// SARIF 2.1.0, the part of it that an audit has to say (OASIS, Static Analysis Results
// Interchange Format Version 2.1.0, errata 01). Viewers differ in what they show:
// GitHub shows the message and the help of a rule and no related locations, so the
// message stands on its own. Suppressed results are marked and never left out.

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// projectURL is where pages about rules are read.
const projectURL = "https://github.com/knockon/knockon"

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Short     sarifMessage  `json:"shortDescription"`
	Full      sarifMessage  `json:"fullDescription"`
	Help      sarifMessage  `json:"help"`
	HelpURI   string        `json:"helpUri,omitempty"`
	Default   sarifDefault  `json:"defaultConfiguration"`
	Relations *sarifTagging `json:"properties,omitempty"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

type sarifTagging struct {
	Tags []string `json:"tags"`
}

type sarifMessage struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifResult struct {
	RuleID        string             `json:"ruleId"`
	RuleIndex     int                `json:"ruleIndex"`
	Level         string             `json:"level"`
	Message       sarifMessage       `json:"message"`
	Locations     []sarifLocation    `json:"locations"`
	Related       []sarifLocation    `json:"relatedLocations,omitempty"`
	Fingerprints  map[string]string  `json:"partialFingerprints"`
	Suppressions  []sarifSuppression `json:"suppressions"` // empty: not suppressed; without it a viewer would not know
	BaselineState string             `json:"baselineState,omitempty"`
	Rank          float64            `json:"rank"`
	Fixes         []sarifFix         `json:"fixes,omitempty"`
}

type sarifLocation struct {
	ID       int           `json:"id,omitempty"`
	Physical sarifPhysical `json:"physicalLocation"`
	Message  *sarifMessage `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"` // behind the last code point
}

type sarifSuppression struct {
	Kind          string         `json:"kind"`
	Status        string         `json:"status"`
	Justification string         `json:"justification"`
	Location      *sarifLocation `json:"location,omitempty"`
}

type sarifFix struct {
	Description sarifMessage  `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRegion  `json:"deletedRegion"`
	Inserted sarifMessage `json:"insertedContent"`
}

func writeSARIF(w io.Writer, r Report, _ Options) error {
	a, ok := r.(*Audit)
	if !ok {
		return unsupported("sarif", r)
	}
	e := json.NewEncoder(hiddenEscaper{w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(a.sarif())
}

func (r *Audit) sarif() *sarifLog {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "knockon", InformationURI: projectURL, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
	}
	index := make(map[string]int)
	for i, rule := range r.declared() {
		index[rule.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(rule))
	}
	worst := 0.0
	for i := range r.Findings {
		worst = max(worst, r.Findings[i].Damage)
	}
	for i := range r.Findings {
		run.Results = append(run.Results, r.sarifResult(&r.Findings[i], index, worst))
	}
	return &sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

// declared are the rules that come with knockon, whether they ran or not, and the
// user's own.
func (r *Audit) declared() []*audit.Rule {
	rules := audit.Rules()
	for _, rule := range r.Rules {
		if _, ours := audit.RuleNamed(rule.ID); !ours {
			rules = append(rules, rule)
		}
	}
	return rules
}

func sarifRuleOf(r *audit.Rule) sarifRule {
	page := &Rule{r}
	x := sarifRule{
		ID: r.ID, Name: r.Name, Short: sarifMessage{Text: r.Summary}, Full: sarifMessage{Text: cmp.Or(r.Why, r.Summary)},
		Help:    sarifMessage{Text: page.plain(), Markdown: page.body()},
		Default: sarifDefault{sarifLevels[r.Severity]}, Relations: &sarifTagging{[]string{"reliability"}},
	}
	if _, ours := audit.RuleNamed(r.ID); ours {
		x.HelpURI = projectURL + "/blob/main/docs/rules/" + r.ID + ".md"
	}
	return x
}

var sarifLevels = [...]string{audit.Error: "error", audit.Warning: "warning", audit.Note: "note"}

func (r *Audit) sarifResult(f *audit.Finding, index map[string]int, worst float64) sarifResult {
	x := sarifResult{
		RuleID: f.Rule.ID, RuleIndex: index[f.Rule.ID], Level: sarifLevels[f.Severity],
		Message:   sarifMessage{Text: sentence(f.Message) + " " + cmp.Or(f.Fix, f.Rule.Fix)},
		Locations: []sarifLocation{{Physical: physical(f.At)}}, Suppressions: []sarifSuppression{},
		Fingerprints: map[string]string{"knockon/v1": f.Fingerprint()},
	}
	if worst > 0 {
		x.Rank = 100 * f.Damage / worst
	}
	for i, s := range f.Path {
		x.Related = append(x.Related, sarifLocation{ID: i + 1, Physical: physical(s.At), Message: &sarifMessage{Text: s.Text}})
	}
	if s := f.Suppression; s != nil {
		kind := "external"
		if s.Line > 0 {
			kind = "inSource"
		}
		x.Suppressions = append(x.Suppressions, sarifSuppression{
			Kind: kind, Status: "accepted", Location: &sarifLocation{Physical: physical(s.At)},
			Justification: s.Reason + " (" + s.Owner + ", until " + s.Until.Format(time.DateOnly) + ")",
		})
	}
	if r.Compared {
		x.BaselineState = "new"
		if f.State != audit.Open {
			x.BaselineState = "unchanged"
		}
	}
	for _, e := range f.Edits {
		region := sarifRegion{StartLine: e.At.Line, StartColumn: e.At.Col, EndColumn: e.At.Col + len([]rune(e.Old))}
		x.Fixes = append(x.Fixes, sarifFix{
			Description: sarifMessage{Text: e.What},
			Changes:     []sarifChange{{artifact(e.At.File), []sarifReplacement{{region, sarifMessage{Text: e.New}}}}},
		})
	}
	return x
}

// physical is a place.
func physical(s diag.Span) sarifPhysical {
	p := sarifPhysical{Artifact: artifact(s.File), Region: &sarifRegion{StartLine: max(1, s.Line), StartColumn: s.Col}}
	if s.Col > 0 && s.Width > 0 {
		p.Region.EndColumn = s.Col + s.Width
	}
	return p
}

// artifact is the address of a file: as it was named, and for a built-in catalog its
// path inside the module.
func artifact(file string) sarifArtifact { return sarifArtifact{fileURI(file)} }

func fileURI(file string) string {
	u := url.URL{Path: filePath(file)}
	if path.IsAbs(u.Path) {
		u.Scheme = "file"
	}
	return strings.TrimPrefix(u.String(), "./") // which url puts before a colon
}

// filePath is the path of a file of a catalog, for a built-in one inside the module.
func filePath(file string) string {
	if name, ok := strings.CutPrefix(file, "builtin:"); ok {
		return "catalog/builtin/" + name
	}
	return file
}

// sentence makes one of a message.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	return message + "."
}
