package out

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/audit"
)

// Audit is what will hurt, ranked: a report.
type Audit struct {
	Title    string // of the catalog; may be empty
	Services int
	Rules    []*audit.Rule // those that ran, by ID
	Findings []audit.Finding
	Compared bool // with a baseline
	Gone     int  // findings of the baseline that are no more
	Most     int  // findings that text shows with their evidence; the others have a line each
}

func (*Audit) kind() string { return "audit" }

// NewAudit describes the result of an audit. Text shows the first most findings with
// their evidence; 0 shows all so.
func NewAudit(c *catalog.Catalog, r *audit.Result, most int) *Audit {
	return &Audit{
		Title: c.Title, Services: r.Services, Rules: r.Rules,
		Findings: r.Findings, Compared: r.Compared, Gone: r.Gone, Most: most,
	}
}

// tally counts open findings by severity, and the others by their state.
type auditTally struct {
	open  [3]int
	state [3]int
}

func (r *Audit) tally() (t auditTally) {
	for i := range r.Findings {
		f := &r.Findings[i]
		t.state[f.State]++
		if f.State == audit.Open {
			t.open[f.Severity]++
		}
	}
	return t
}

// headline says in one line what an audit comes to. What is suppressed or baselined is
// always counted, so that nobody mistakes a list that was cut for a clean one.
func (r *Audit) headline() string {
	t := r.tally()
	var parts []string
	for s, n := range t.open {
		if n > 0 {
			parts = append(parts, plural(n, audit.SeverityWords[s]))
		}
	}
	text := cmp.Or(strings.Join(parts, ", "), "nothing found")
	text = fmt.Sprintf("%s in %s by %s", text, plural(r.Services, "service"), plural(len(r.Rules), "rule"))
	text += fmt.Sprintf("; %d suppressed, %d in the baseline", t.state[audit.Suppressed], t.state[audit.Baselined])
	if r.Gone > 0 {
		text += fmt.Sprintf("; %d of the baseline are gone", r.Gone)
	}
	return text
}

var severityStyles = [...]string{audit.Error: red, audit.Warning: yellow, audit.Note: blue}

func (r *Audit) text(b *strings.Builder, o Options) {
	title := ""
	if r.Title != "" {
		title = r.Title + ": "
	}
	paragraph(b, title+r.headline(), bold, o)
	shown := 0
	t := table{head: []string{"SEVERITY", "RULE", "PLACE", "FINDING"}, right: make([]bool, 4), key: 3, prose: true}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.State != audit.Open {
			continue
		}
		if shown < r.Most || r.Most == 0 {
			shown++
			b.WriteString("\n")
			findingText(b, shown, f, o)
			continue
		}
		t.row(cell{f.Severity.String(), severityStyles[f.Severity]}, cell{text: f.Rule.ID}, cell{text: f.At.String()}, cell{text: f.Message})
	}
	if len(t.rows) > 0 {
		b.WriteString("\n")
		t.write(b, o)
	}
	if shown > 0 {
		b.WriteString("\n")
		paragraph(b, fmt.Sprintf("\"knockon explain %s\" says why a finding matters, and when it is none.", r.firstRule()), dim, o)
	}
}

// firstRule is the rule of the first open finding.
func (r *Audit) firstRule() string {
	for i := range r.Findings {
		if r.Findings[i].State == audit.Open {
			return r.Findings[i].Rule.ID
		}
	}
	return ""
}

// findingText shows one finding: what, where, how, and what to do.
func findingText(b *strings.Builder, place int, f *audit.Finding, o Options) {
	number := strconv.Itoa(place) + ". "
	indent := strings.Repeat(" ", len(number))
	head := f.Severity.String() + " " + f.Rule.ID
	for i, line := range wrapText(printable(f.Message), room(o, len(indent)+len(head)+2)) {
		if i == 0 {
			b.WriteString(number + paint(f.Severity.String(), severityStyles[f.Severity], o) + " " + paint(f.Rule.ID, bold, o) + "  " + paint(line, bold, o) + "\n")
			continue
		}
		b.WriteString(indent + strings.Repeat(" ", len(head)+2) + paint(line, bold, o) + "\n")
	}
	b.WriteString(indent + paint(printable(f.At.String()), cyan, o) + "\n")
	for i, s := range f.Path {
		if i >= maxPath {
			b.WriteString(indent + "  " + paint(fmt.Sprintf("and %d more", len(f.Path)-i), dim, o) + "\n")
			break
		}
		at := " (" + s.At.String() + ")"
		for j, line := range wrapText(printable(s.Text+at), room(o, len(indent)+4)) {
			lead := "  - "
			if j > 0 {
				lead = "    "
			}
			b.WriteString(indent + lead + line + "\n")
		}
	}
	fix := cmp.Or(f.Fix, f.Rule.Fix)
	for j, line := range wrapText(printable("fix: "+fix), room(o, len(indent)+5)) {
		if j > 0 {
			line = "     " + line
		}
		b.WriteString(indent + paint(line, green, o) + "\n")
	}
}

// maxPath is the number of steps of evidence that text shows.
const maxPath = 8

// room is the width left beside an indent; 0 where there is no limit.
func room(o Options, indent int) int {
	if o.Width == 0 {
		return 0
	}
	return max(wrapLeast, o.Width-indent)
}
