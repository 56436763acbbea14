package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

func (r *Replay) text(b *strings.Builder, o Options) {
	if o.Picture == Swimlanes {
		r.timeline(b, o)
		return
	}
	paragraph(b, r.Title, bold, o)
	r.ownText(b, o)
	paragraph(b, r.headline(), "", o)
	paragraph(b, r.beaten()+"; played "+r.played(), "", o)
	r.windowsText(b, o)
	r.scoreText(b, o)
	r.unscoredText(b, o)
	r.spreadText(b, o)
	r.hesitationText(b, o)
	r.predictionText(b, o)
	r.fitText(b, o)
	r.parametersText(b, o)
}

// windowsText puts what was recorded beside what came out. On a narrow terminal the states
// are left out, and not the errors.
func (r *Replay) windowsText(b *strings.Builder, o Options) {
	const roomForStates = 110
	t := table{head: []string{"SERVICE", "RECORDED", "SIMULATED", "ONSET", "", "RECOVERY", ""}, right: []bool{false, false, false, true, false, true, false}, key: 0}
	states := o.Width == 0 || o.Width >= roomForStates
	s := r.Replay.Shown()
	rec := r.Replay.Record
	for i := range rec.Windows {
		w, x := &rec.Windows[i], &s.Windows[i]
		if !w.Scores() {
			continue
		}
		recorded, simulated := r.band(w.Start)+"–"+r.band(w.End), r.simulated(x.Impact)
		if states {
			recorded = fmt.Sprintf("%-10s", w.State) + recorded
			if x.Impact != nil {
				simulated = fmt.Sprintf("%-10s", stateWord(x.Impact)) + simulated
			}
		}
		t.row(cell{w.Service, bold}, cell{text: recorded}, cell{text: simulated},
			r.offCell(&x.Onset), classCell(&x.Onset), r.offCell(&x.Recover), classCell(&x.Recover))
	}
	if len(t.rows) == 0 {
		return
	}
	b.WriteString("\n")
	t.write(b, o)
	paragraph(b, fmt.Sprintf("errors in minutes after the tolerance, at %s of demand failing; S (scripted) and early ones are no merit of a model, and count apart", percent(replay.Shown)), dim, o)
}

// offCell is an error in a colour by how large it is.
func (r *Replay) offCell(x *replay.Boundary) cell {
	style := green
	switch {
	case !x.Scored:
		style = dim
	case x.Error > 60:
		style = red
	case x.Error > 15:
		style = yellow
	}
	return cell{off(x), style}
}

func classCell(x *replay.Boundary) cell {
	switch {
	case !x.Scored:
		return cell{}
	case x.Private != "":
		return cell{"private", dim}
	case x.Class == scenario.Emergent:
		return cell{}
	case x.Class == scenario.Scripted:
		return cell{"S", dim}
	}
	return cell{x.Class.String(), dim}
}

// scoreText is the whole score, beside those of the baselines.
func (r *Replay) scoreText(b *strings.Builder, o Options) {
	b.WriteString("\n")
	columns := r.columns()
	t := table{head: []string{"SCORE (emergent boundaries)"}, right: []bool{false}, key: 0}
	for _, c := range columns {
		t.head, t.right = append(t.head, c.name), append(t.right, true)
	}
	for _, n := range scoreLines {
		cells := []cell{{text: n.name}}
		for k := range columns {
			style := dim
			if k == 0 {
				style = bold
			}
			cells = append(cells, cell{n.print(n.of(&columns[k].of)), style})
		}
		t.row(cells...)
	}
	t.write(b, o)
	s := r.Replay.Shown()
	paragraph(b, fmt.Sprintf("the replay is the worst of all thresholds, over %s and %s; apart: early onsets %s and recoveries %s, scripted onsets %s and recoveries %s (median, 90th percentile)",
		plural(s.Onsets[scenario.Emergent].Count, "onset"), recoveries(s.Recoveries[scenario.Emergent].Count),
		errorsText(s.Onsets[scenario.Early]), errorsText(s.Recoveries[scenario.Early]), errorsText(s.Onsets[scenario.Scripted]), errorsText(s.Recoveries[scenario.Scripted])), dim, o)
	for i := range s.Controls {
		if x := &s.Controls[i]; x.False > 0 {
			paragraph(b, fmt.Sprintf("%s was well, and is impaired for %s min here", x.Name, whole(x.False)), yellow, o)
		}
	}
	if r.Replay.Private == nil {
		paragraph(b, "whether a boundary hangs on a fitted value of its own was not looked for; --parameters does, and takes it out of the headline", dim, o)
	}
}

func recoveries(n int) string {
	if n == 1 {
		return "1 recovery"
	}
	return fmt.Sprintf("%d recoveries", n)
}

func errorsText(e replay.Errors) string {
	if e.Count == 0 {
		return "none"
	}
	return whole(e.Median) + " and " + whole(e.P90)
}

// unscoredText lists what is not scored, and why.
func (r *Replay) unscoredText(b *strings.Builder, o Options) {
	t := table{head: []string{"NOT SCORED", "", "RECORDED", "SIMULATED", "BECAUSE"}, right: make([]bool, 5), prose: true}
	rec := r.Replay.Record
	for i := range rec.Windows {
		w := &rec.Windows[i]
		why := w.Unscored
		switch {
		case why != "":
		case !w.Scores():
			why = "neither end is known well enough"
		default:
			continue
		}
		t.row(cell{w.Service, bold}, cell{text: w.State}, cell{text: r.band(w.Start) + "–" + r.band(w.End)}, cell{text: r.allOf(w.Service)}, cell{text: why})
	}
	if len(t.rows) > 0 {
		b.WriteString("\n")
		t.write(b, o)
	}
}

// allOf are the simulated windows of a service in few words.
func (r *Replay) allOf(service string) string {
	var parts []string
	for _, x := range replay.Merge(r.Replay.Impacts) {
		if x.Service == service {
			parts = append(parts, x.State.String()+" "+r.simulated(&x))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	if more := len(parts) - 2; more > 0 {
		parts = append(parts[:2], fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

func (r *Replay) parametersText(b *strings.Builder, o Options) {
	if len(r.Parameters) == 0 {
		return
	}
	b.WriteString("\n")
	if !r.ShowParameters {
		paragraph(b, fmt.Sprintf("%s of the catalog: %s; --parameters lists them, and what hangs on which", plural(len(r.Parameters), "number"), r.known()), dim, o)
		return
	}
	t := table{head: []string{"PARAMETER", "VALUE", "KNOWN", "RANGE", "AT -25 % AND +25 %"}, right: []bool{false, true, false, false, false}, key: 0, prose: true}
	untried := 0
	for i := range r.Parameters {
		p := &r.Parameters[i]
		span := "–"
		if !math.IsNaN(p.Low) {
			span = numberText(p.Low, p.Unit) + "…" + numberText(p.High, p.Unit)
		}
		if !p.Tried {
			untried++
		}
		t.row(cell{p.Name, bold}, cell{text: numberText(p.Value, p.Unit)}, cell{text: evidenceWord(p.Evidence)}, cell{text: span}, cell{text: r.movesText(p)})
	}
	t.write(b, o)
	if untried > 0 {
		paragraph(b, "moved are the values that are fitted, and those that the record names with a range", dim, o)
	}
}
