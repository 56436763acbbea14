package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/plan"
)

// stateStyles colour a word that is also written out.
var stateStyles = [...]string{
	propagate.Healthy: green, propagate.Recovering: blue, propagate.Exposed: dim, propagate.Frozen: blue, propagate.Throttled: cyan,
	propagate.Delayed: cyan, propagate.Degraded: yellow, propagate.Down: red,
}

// verdictStyles colour a word that is also written out.
var verdictStyles = map[string]string{
	"healthy": green, "recovered": green, "degraded": yellow, "ongoing": yellow, "metastable": red,
}

func (r *Run) text(b *strings.Builder, o Options) {
	if o.Picture == Swimlanes {
		r.timeline(b, o)
		return
	}
	paragraph(b, r.Title, bold, o)
	paragraph(b, r.headline(), verdictStyles[r.Verdict], o)
	paragraph(b, fmt.Sprintf("%d of %s impaired; played %s", len(r.Impaired), plural(len(r.Services), "service"), r.played()), "", o)
	r.impairedText(b, o)
	r.actionsText(b, o)
	r.expectsText(b, o)
	for _, d := range r.Doubts {
		b.WriteString("\n")
		paragraph(b, "doubtful: "+d.Text, yellow, o)
	}
	r.assumptionsText(b, o)
	if r.ShowSteps {
		b.WriteString("\n")
		paragraph(b, r.steps(), dim, o)
		if len(r.Ignored) > 0 {
			paragraph(b, "declared and not played: "+strings.Join(r.Ignored, ", "), dim, o)
		}
	}
}

func (r *Run) impairedText(b *strings.Builder, o Options) {
	if len(r.Impaired) == 0 {
		return
	}
	b.WriteString("\n")
	t := table{
		head:  []string{"WORST", "FROM", "TO", "FAILED", "", "GOODPUT", "SERVICE", "BECAUSE"},
		right: []bool{false, false, false, true, true, false, false, false}, key: 6, prose: true,
	}
	shown := r.Impaired[:min(len(r.Impaired), mostImpaired)]
	for i := range shown {
		m := &shown[i]
		s := &r.Services[m.Service]
		to := moment(m.To)
		if m.Open {
			to = "the end"
			if r.Partial {
				to = "…"
			}
		}
		t.row(cell{m.Worst.String(), stateStyles[m.Worst]}, cell{text: moment(m.From)}, cell{text: to},
			cell{text: amount(m.Lost)}, cell{text: m.lost()}, cell{text: r.sparkline(s, sparks)}, cell{s.ID, bold}, cell{text: m.Because})
	}
	t.write(b, o)
	if rest := len(r.Impaired) - len(shown); rest > 0 {
		paragraph(b, fmt.Sprintf("and %d more; --format json has them", rest), "", o)
	}
}

// mostImpaired is how many services a text lists, the worst of them.
const mostImpaired = 20

// sparks is how many columns a sparkline takes.
const sparks = 16

// sparkline draws the goodput of a service over the run, in eighths of the most that
// it was offered or did. A space is none at all.
func (r *Run) sparkline(s *RunService, columns int) string {
	const eighths = "▁▂▃▄▅▆▇█"
	rows := r.resample(s, columns)
	most := 0.0
	for i := range rows {
		most = max(most, rows[i].offered, rows[i].good)
	}
	if most <= 0 {
		return ""
	}
	blocks := []rune(eighths)
	line := make([]rune, len(rows))
	for i := range rows {
		line[i] = ' '
		if share := rows[i].good / most; share > 0.005 {
			line[i] = blocks[min(len(blocks)-1, int(share*float64(len(blocks))))]
		}
	}
	return string(line)
}

func (r *Run) expectsText(b *strings.Builder, o Options) {
	if len(r.Expects) == 0 {
		return
	}
	b.WriteString("\n")
	t := table{head: []string{"", "EXPECTED", "FOUND"}, right: make([]bool, 3), key: 1, prose: true}
	for _, x := range r.Expects {
		mark := cell{"✓ met", green}
		switch {
		case r.Partial:
			mark = cell{"– not known", dim}
		case !x.Met:
			mark = cell{"✗ not met", red}
		}
		t.row(mark, cell{text: x.Text}, cell{text: x.Got})
	}
	t.write(b, o)
}

func (r *Run) assumptionsText(b *strings.Builder, o Options) {
	n := len(r.Assumptions)
	if n == 0 {
		return
	}
	b.WriteString("\n")
	if !r.ShowAssumptions {
		first := &r.Assumptions[0]
		paragraph(b, fmt.Sprintf("%s %s not stated and assumed, such as %s = %s of %s; --assumptions shows all", plural(n, "number"), wasWere(n),
			first.Key, first.Value, subjectOf(first)), dim, o)
		return
	}
	t := table{head: []string{"ASSUMED OF", "KEY", "VALUE", "BECAUSE"}, right: make([]bool, 4), prose: true}
	for i := range r.Assumptions {
		a := &r.Assumptions[i]
		t.row(cell{subjectOf(a), bold}, cell{text: a.Key}, cell{text: a.Value}, cell{text: a.Why})
	}
	t.write(b, o)
}

// subjectOf is whose value an assumption is: a service's, or a need's.
func subjectOf(a *plan.Assumption) string {
	if a.Need == "" {
		return a.Service
	}
	return a.Service + " -> " + a.Need
}

func wasWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// steps says how a run was stepped, for those who doubt it.
func (r *Run) steps() string {
	text := fmt.Sprintf("%s at tolerance %s: %s to %s, %d taken again", plural(r.Steps.Taken, "step"), percent(r.Tolerance),
		moment(r.Steps.Shortest), moment(r.Steps.Longest), r.Steps.Refused)
	if !math.IsNaN(r.Balance) {
		text += fmt.Sprintf("; requests balance to %.1g", r.Balance)
	}
	return text
}
