package out

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate/audit"
	"github.com/knockon/knockon/propagate/study"
)

// Diff is what a change of a catalog comes to: a report.
type Diff struct {
	Old, New  string // the catalogs, as they were named
	Added     []string
	Removed   []string
	Changed   []DiffService
	Needs     []DiffNeed
	Radii     []DiffRadius // most grown first
	Fresh     []audit.Finding
	Fixed     []audit.Finding
	Scenarios []DiffScenario
	Most      int // rows of each table of text and Markdown; 0 for all
}

// DiffService is a service of both catalogs that says something else.
type DiffService struct {
	ID   string
	Keys []string
}

// DiffNeed is a need that came, went or changed; Old or New is empty where there is none.
type DiffNeed struct {
	Service  string
	On       []string
	Old, New string // in words
}

// DiffRadius is how many services, and of what weight, are hit when one is lost.
type DiffRadius struct {
	ID                   string
	OldCount, NewCount   int
	OldWeight, NewWeight float64
	Grown                bool
}

// DiffScenario is one scenario on both catalogs.
type DiffScenario struct {
	ID            string
	Before, After study.Answer
	Minutes       float64 // service-minutes impaired, more or fewer; 0 within the steps of a run
	Recovery      float64 // seconds until all are healthy again, more or fewer
	Worse         bool
	Broken        []string // expectations that are not met any more
	Services      []study.MinutesChange
}

func (*Diff) kind() string { return "difference" }

// NewDiff describes a comparison. Text shows the first most rows of each table; 0 all.
func NewDiff(older, newer string, d *study.Diff, most int) *Diff {
	s := d.Structure
	r := &Diff{Old: older, New: newer, Added: s.Added, Removed: s.Removed, Fresh: d.New, Fixed: d.Fixed, Most: most}
	for _, c := range s.Changed {
		r.Changed = append(r.Changed, DiffService{c.ID, c.Keys})
	}
	for _, c := range s.Needs {
		r.Needs = append(r.Needs, DiffNeed{c.From, c.On, needWords(c.Old), needWords(c.New)})
	}
	for i := range s.Radii {
		c := &s.Radii[i]
		x := DiffRadius{ID: c.ID, Grown: c.Grown}
		x.OldCount, x.OldWeight = c.Old.Impacted()
		x.NewCount, x.NewWeight = c.New.Impacted()
		r.Radii = append(r.Radii, x)
	}
	for i := range d.Scenarios {
		c := &d.Scenarios[i]
		r.Scenarios = append(r.Scenarios, DiffScenario{
			ID: cmp.Or(c.Scenario.Title, c.Scenario.ID), Before: *c.Before, After: *c.After,
			Minutes: c.Move.Minutes, Recovery: c.Move.Recovery, Worse: c.Worse(), Broken: c.Broken(), Services: c.Services,
		})
	}
	return r
}

// needWords says what a need is in words; "" for none.
func needWords(n *graph.Need) string {
	switch {
	case n == nil:
		return ""
	case n.Lease != nil:
		return "lease " + n.Lease.ID
	}
	d := n.Declared
	words := []string{d.Mode.String(), "to " + d.To.String(), "if lost " + d.IfLost.String()}
	if d.Mode == catalog.Sync {
		words = words[1:]
	}
	if d.IsGroup() {
		words = append(words, fmt.Sprintf("at least %d of %d", d.AtLeast, len(d.Targets)))
	}
	if d.Fallback != "" {
		words = append(words, "falls back to "+d.Fallback)
	}
	if d.TTL.IsStated() {
		words = append(words, "for "+d.TTL.V.String())
	}
	if d.Believes {
		words = append(words, "believes wrong answers")
	}
	return strings.Join(words, ", ")
}

// Grown is how many services have a larger blast radius than before.
func (r *Diff) Grown() (grown, shrunk int) {
	for i := range r.Radii {
		if r.Radii[i].Grown {
			grown++
		} else {
			shrunk++
		}
	}
	return grown, shrunk
}

// Regressions says, in a few words each, what is worse than before: findings of a
// severity or worse that are new, and scenarios that come out worse.
func (r *Diff) Regressions(from audit.Severity) (what []string) {
	n := 0
	for i := range r.Fresh {
		if r.Fresh[i].Severity <= from {
			n++
		}
	}
	if n > 0 {
		what = append(what, plural(n, "new finding"))
	}
	for i := range r.Scenarios {
		if r.Scenarios[i].Worse {
			what = append(what, r.Scenarios[i].ID+" comes out worse")
		}
	}
	return what
}

// headline says in one line what a change comes to.
func (r *Diff) headline() string {
	needs := [3]int{}
	for i := range r.Needs {
		switch n := &r.Needs[i]; {
		case n.Old == "":
			needs[0]++
		case n.New == "":
			needs[1]++
		default:
			needs[2]++
		}
	}
	grown, shrunk := r.Grown()
	parts := []string{
		signs("service", len(r.Added), len(r.Removed), len(r.Changed)),
		signs("need", needs[0], needs[1], needs[2]),
	}
	if grown+shrunk > 0 {
		parts = append(parts, fmt.Sprintf("blast radius larger for %d, smaller for %d", grown, shrunk))
	}
	parts = append(parts, fmt.Sprintf("findings: %d new, %d fixed", len(r.Fresh), len(r.Fixed)))
	for i := range r.Scenarios {
		parts = append(parts, r.Scenarios[i].words())
	}
	return strings.Join(parts, "; ")
}

// signs counts what was added, removed and changed: "services +2 -1 ~3".
func signs(noun string, added, removed, changed int) string {
	if added+removed+changed == 0 {
		return "no change of " + noun + "s"
	}
	text := noun + "s"
	for _, x := range []struct {
		sign string
		n    int
	}{{"+", added}, {"-", removed}, {"~", changed}} {
		if x.n > 0 {
			text += " " + x.sign + strconv.Itoa(x.n)
		}
	}
	return text
}

// words says what a scenario gained or lost.
func (s *DiffScenario) words() string {
	var parts []string
	if s.Before.Verdict != s.After.Verdict {
		parts = append(parts, s.After.Verdict+" instead of "+s.Before.Verdict)
	}
	if s.Minutes != 0 {
		parts = append(parts, signed(s.Minutes)+" service-minutes impaired")
	}
	switch {
	case math.IsInf(s.Recovery, 1):
		parts = append(parts, "does not recover any more")
	case math.IsInf(s.Recovery, -1):
		parts = append(parts, "recovers now")
	case s.Recovery != 0:
		parts = append(parts, signed(s.Recovery/60)+" minutes until all are healthy")
	}
	if n := len(s.Broken); n > 0 {
		parts = append(parts, plural(n, "expectation")+" not met any more")
	}
	return s.ID + ": " + cmp.Or(strings.Join(parts, ", "), "no change")
}

// diffTable is one part of a difference, in the words of text and Markdown alike.
type diffTable struct {
	title string
	head  []string
	rows  [][]string
}

func (r *Diff) tables() []diffTable {
	var all []diffTable
	add := func(title string, head []string, rows [][]string) {
		if len(rows) > 0 {
			all = append(all, diffTable{title, head, rows})
		}
	}
	findings := func(list []audit.Finding) (rows [][]string) {
		for i := range list {
			f := &list[i]
			rows = append(rows, []string{f.Severity.String(), f.Rule.ID, f.At.String(), f.Message})
		}
		return rows
	}
	add("New findings", []string{"severity", "rule", "place", "finding"}, findings(r.Fresh))
	add("Fixed findings", []string{"severity", "rule", "place", "finding"}, findings(r.Fixed))
	var rows [][]string
	for i := range r.Scenarios {
		for _, s := range r.Scenarios[i].Services {
			rows = append(rows, []string{r.Scenarios[i].ID, s.ID, amount(s.Before), amount(s.After), signed(s.After - s.Before)})
		}
	}
	add("Minutes impaired", []string{"scenario", "service", "before", "after", "change"}, rows)
	rows = nil
	for i := range r.Radii {
		c := &r.Radii[i]
		rows = append(rows, []string{
			c.ID, fmt.Sprintf("%d of weight %s", c.OldCount, number(c.OldWeight)),
			fmt.Sprintf("%d of weight %s", c.NewCount, number(c.NewWeight)), signed(c.NewWeight - c.OldWeight),
		})
	}
	add("Blast radii", []string{"service lost", "hit before", "hit now", "change"}, rows)
	rows = nil
	for _, id := range r.Added {
		rows = append(rows, []string{"+", id, "", ""})
	}
	for _, id := range r.Removed {
		rows = append(rows, []string{"-", id, "", ""})
	}
	for _, c := range r.Changed {
		rows = append(rows, []string{"~", c.ID, "", strings.Join(c.Keys, ", ")})
	}
	for _, n := range r.Needs {
		sign, words := "~", n.New+" (before: "+n.Old+")"
		switch {
		case n.Old == "":
			sign, words = "+", n.New
		case n.New == "":
			sign, words = "-", n.Old
		}
		rows = append(rows, []string{sign, n.Service, strings.Join(n.On, ", "), words})
	}
	add("Services and needs", []string{"", "service", "needs", "what"}, rows)
	return all
}

// cutTo is how many of some rows are shown.
func (r *Diff) cutTo(rows int) int {
	if r.Most > 0 {
		return min(r.Most, rows)
	}
	return rows
}

func (r *Diff) text(b *strings.Builder, o Options) {
	paragraph(b, r.Old+" -> "+r.New+": "+r.headline(), bold, o)
	for _, part := range r.tables() {
		b.WriteString("\n")
		paragraph(b, part.title, dim, o)
		t := table{right: make([]bool, len(part.head)), key: 1, prose: true}
		for _, h := range part.head {
			t.head = append(t.head, strings.ToUpper(h))
		}
		n := r.cutTo(len(part.rows))
		for _, row := range part.rows[:n] {
			var cells []cell
			for _, text := range row {
				cells = append(cells, cell{text: text})
			}
			t.row(cells...)
		}
		t.write(b, o)
		if n < len(part.rows) {
			paragraph(b, fmt.Sprintf("and %d more", len(part.rows)-n), dim, o)
		}
	}
}

func (r *Diff) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "### knockon diff: %s\n", escapeMarkdown(r.headline()))
	for _, part := range r.tables() {
		folded := part.title == "Services and needs" || part.title == "Fixed findings"
		if folded {
			fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n", part.title)
		} else {
			fmt.Fprintf(b, "\n#### %s\n\n", part.title)
		}
		fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(part.head, " | "), strings.Repeat("---|", len(part.head)))
		n := r.cutTo(len(part.rows))
		for _, row := range part.rows[:n] {
			b.WriteString("|")
			for _, text := range row {
				b.WriteString(" " + escapeMarkdown(text) + " |")
			}
			b.WriteString("\n")
		}
		if n < len(part.rows) {
			fmt.Fprintf(b, "\nand %d more\n", len(part.rows)-n)
		}
		if folded {
			b.WriteString("\n</details>\n")
		}
	}
}
