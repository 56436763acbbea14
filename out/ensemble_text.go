package out

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/knockon/knockon/propagate/ensemble"
)

func (e *Ensemble) text(b *strings.Builder, o Options) {
	paragraph(b, e.Title, bold, o)
	paragraph(b, e.headline(), verdictStyles[e.Verdict], o)
	paragraph(b, "played "+e.played(), "", o)
	b.WriteString("\n")
	t := table{head: []string{"VERDICT", "RUNS", "SHARE", "PROBABILITY (95 %)"}, right: []bool{false, true, true, false}, key: 0}
	for i := len(e.Many.Verdicts) - 1; i >= 0; i-- {
		if v := &e.Many.Verdicts[i]; v.Count > 0 {
			t.row(cell{v.Word, verdictStyles[v.Word]}, cell{text: strconv.Itoa(v.Count)}, cell{text: percent(v.Share.Share)}, cell{text: likely(v.Share)})
		}
	}
	t.write(b, o)
	e.servicesText(b, o)
	e.expectsText(b, o)
	for _, d := range e.Doubts {
		b.WriteString("\n")
		paragraph(b, "doubtful: "+d.Text, yellow, o)
	}
	e.assumptionsText(b, o)
	if e.ShowSteps {
		b.WriteString("\n")
		paragraph(b, "the first of them: "+e.steps(), dim, o)
		if len(e.Ignored) > 0 {
			paragraph(b, "declared and not played: "+strings.Join(e.Ignored, ", "), dim, o)
		}
	}
}

func (e *Ensemble) servicesText(b *strings.Builder, o Options) {
	if len(e.order) == 0 {
		return
	}
	b.WriteString("\n")
	t := table{
		head:  []string{"IMPAIRED", "METASTABLE", "FROM", "RECOVERY", "FAILED", "MEAN GOODPUT", "SERVICE"},
		right: []bool{true, true, false, false, true, false, false}, key: 6,
	}
	shown := e.order[:min(len(e.order), mostImpaired)]
	for _, i := range shown {
		s := &e.Many.Services[i]
		t.row(cell{text: percent(s.Impaired.Share)}, cell{text: percent(s.Metastable.Share)}, cell{text: among(s.From, moment)}, cell{text: among(s.Recovery, moment)},
			cell{text: amount(s.Failed.Mean)}, cell{text: e.sparkline(&e.Services[i], sparks)}, cell{s.ID, bold})
	}
	t.write(b, o)
	if rest := len(e.order) - len(shown); rest > 0 {
		paragraph(b, fmt.Sprintf("and %d more; --format json has them", rest), "", o)
	}
}

// among is a number of many runs: its median, and between which nineteen of twenty lie.
func among(s ensemble.Spread, word func(float64) string) string {
	switch {
	case s.Of == 0:
		return "–"
	case word(s.Low) == word(s.High):
		return word(s.Median)
	}
	return word(s.Median) + " (" + word(s.Low) + "–" + word(s.High) + ")"
}
