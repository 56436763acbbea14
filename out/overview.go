package out

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/audit"
)

// Overview is the first look at a catalog: what it is, which losses are the largest, what
// will hurt most, and what to type next.
type Overview struct {
	From    string   // where the catalog comes from, in words
	Notes   []string // what else there is to know of that, a line each
	Ranking *Ranking // its first few
	Needs   int
	Audit   *Audit
	Next    [][2]string // commands, and what each is for
}

func (*Overview) kind() string { return "overview" }

// few is how many losses and findings an overview shows.
const few = 3

// NewOverview looks at a catalog. The ranking and the findings are of all of it.
func NewOverview(c *catalog.Catalog, g *graph.Graph, damages []graph.Damage, findings *audit.Result) *Overview {
	return &Overview{
		Ranking: NewRanking(c, g, damages, graph.Options{}, few),
		Needs:   g.NeedCount(),
		Audit:   NewAudit(c, findings, few),
	}
}

// Worst is the service whose loss does most damage; empty in an empty catalog.
func (r *Overview) Worst() string {
	if len(r.Ranking.Ranks) == 0 {
		return ""
	}
	return r.Ranking.Ranks[0].ID
}

func (r *Overview) text(b *strings.Builder, o Options) {
	title := ""
	if r.Ranking.Title != "" {
		title = r.Ranking.Title + ": "
	}
	paragraph(b, fmt.Sprintf("%s%s and %s, from %s", title, plural(r.Ranking.Of, "service"), plural(r.Needs, "need"), r.From), bold, o)
	for _, note := range r.Notes {
		paragraph(b, note, dim, o)
	}
	if len(r.Ranking.Ranks) > 0 {
		b.WriteString("\n")
		t := table{head: []string{"IF THIS FAILS", "SO MANY ARE HIT", "OF THEM"}, right: []bool{false, true, false}, key: 0}
		for _, rank := range r.Ranking.Ranks {
			count, _ := rank.Summary.Impacted()
			t.row(cell{rank.ID, bold}, cell{text: fmt.Sprintf("%d of %d", count, r.Ranking.Of)}, cell{text: breakdown(rank.Summary)})
		}
		t.write(b, o)
	}
	b.WriteString("\n")
	r.findings(b, o)
	b.WriteString("\n")
	width := 0
	for _, next := range r.Next {
		width = max(width, len(next[0]))
	}
	for _, next := range r.Next {
		fmt.Fprintf(b, "  %s  %s\n", paint(next[0]+strings.Repeat(" ", width-len(next[0])), bold, o), next[1])
	}
}

// findings are the worst of the audit, a line or two each.
func (r *Overview) findings(b *strings.Builder, o Options) {
	paragraph(b, "Audit: "+r.Audit.headline(), bold, o)
	shown := 0
	for i := range r.Audit.Findings {
		f := &r.Audit.Findings[i]
		if f.State != audit.Open || shown == few {
			continue
		}
		shown++
		head := f.Severity.String() + " " + f.Rule.ID + "  "
		for j, line := range wrapText(printable(f.Message), room(o, len(head))) {
			if j == 0 {
				b.WriteString(paint(f.Severity.String(), severityStyles[f.Severity], o) + " " + paint(f.Rule.ID, bold, o) + "  " + line + "\n")
				continue
			}
			b.WriteString(strings.Repeat(" ", len(head)) + line + "\n")
		}
		b.WriteString(strings.Repeat(" ", len(head)) + paint(printable(f.At.String()), cyan, o) + "\n")
	}
}

type jsonOverview struct {
	Schema   string      `json:"schema"`
	From     string      `json:"from"`
	Notes    []string    `json:"notes"`
	Services int         `json:"services"`
	Needs    int         `json:"needs"`
	Ranking  any         `json:"ranking"`
	Audit    any         `json:"audit"`
	Next     [][2]string `json:"next"`
}

func (r *Overview) json() any {
	return jsonOverview{
		Schema: overviewSchema, From: r.From, Notes: append([]string{}, r.Notes...), Services: r.Ranking.Of, Needs: r.Needs,
		Ranking: r.Ranking.json(), Audit: r.Audit.json(), Next: append([][2]string{}, r.Next...),
	}
}
