package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate"
)

// The swim-lanes of a terminal: a row for each service, a column for a stretch of time,
// in it a sign of the worst state. Signs differ without colour.

// stateSigns are the states in a column.
var stateSigns = [...]rune{
	propagate.Healthy: '·', propagate.Recovering: '~', propagate.Exposed: ',', propagate.Frozen: '*', propagate.Throttled: '-',
	propagate.Delayed: '░', propagate.Degraded: '▒', propagate.Down: '█',
}

// eventSigns are the kinds of events above them.
var eventSigns = [...]rune{FaultEvent: '▼', LoadEvent: '△', ActionEvent: '◆'}

const (
	timelineWidth = 100 // where a terminal does not say how wide it is
	timelineRows  = mostLanes
	leastBar      = 12
	mostEvents    = 12 // below the rows
	recordedRow   = "  recorded"
)

// timeline writes the lanes of a run.
func (r *Run) timeline(b *strings.Builder, o Options) {
	width := o.Width
	if width <= 0 {
		width = timelineWidth
	}
	paragraph(b, r.Title, bold, o)
	paragraph(b, r.headline(), verdictStyles[r.Verdict], o)
	radius := r.Radius()
	paragraph(b, capitalFirst(radius.words()), "", o)
	b.WriteString("\n")
	lanes := r.swimlanes(timelineRows)
	name := 0
	for i := range lanes.lanes {
		name = max(name, diag.Columns(r.rowName(&lanes.lanes[i])))
		if len(lanes.lanes[i].recorded) > 0 {
			name = max(name, len(recordedRow))
		}
	}
	name = min(name, max(8, width/3))
	const total = 8 // for how long, on the right
	bar := width - name - 2 - total
	if bar < leastBar { // a narrow terminal has no room for it
		bar = max(leastBar, width-name-2)
	}
	tail := width-name-2-bar >= total
	line := func(head, body, end string) {
		text := head + strings.Repeat(" ", max(0, name-diag.Columns(head))) + "  " + body
		if tail && end != "" {
			text += strings.Repeat(" ", max(1, total-diag.Columns(end))) + end
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	column := func(seconds float64) int { return min(bar-1, max(0, int(seconds/r.eventful()*float64(bar)))) }

	marks := []rune(strings.Repeat(" ", bar))
	for i := range r.Events {
		if e := &r.Events[i]; !e.Constant {
			marks[column(e.At)] = eventSigns[e.Kind]
		}
	}
	line("", string(marks), "")
	signs := make([]bool, len(stateSigns))
	for i := range lanes.lanes {
		l := &lanes.lanes[i]
		head := cut(r.rowName(l), name)
		if l.group != "" {
			b.WriteString(paint(cut(l.group, width), dim, o) + "\n")
			continue
		}
		services := l.crowd
		if services == nil {
			services = []int{l.service}
		}
		states, affected := r.columnStates(services, bar)
		end := ""
		if affected > 0 && l.crowd == nil {
			end = moment(coarse(math.Round(affected)))
		}
		line(head, r.bar(states, signs, o), end)
		if len(l.recorded) > 0 {
			line(cut(recordedRow, name), r.bar(recordedStates(l.recorded, r.eventful(), bar), signs, o), "")
		}
	}
	line("", r.axis(bar), "")
	b.WriteString("\n")
	var key []string
	for s := len(stateSigns) - 1; s >= 0; s-- {
		if signs[s] {
			key = append(key, string(stateSigns[s])+" "+propagate.State(s).String())
		}
	}
	paragraph(b, strings.Join(key, "   "), "", o)
	if n := len(lanes.quiet); n > 0 {
		paragraph(b, plural(n, "service")+" healthy all along", dim, o)
	}
	shown := 0
	for i := range r.Events {
		e := &r.Events[i]
		if e.Constant {
			continue
		}
		if shown++; shown > mostEvents {
			continue
		}
		paragraph(b, fmt.Sprintf("%c %s  %s", eventSigns[e.Kind], moment(e.At), e.Text), "", o)
	}
	if shown > mostEvents {
		paragraph(b, fmt.Sprintf("and %d more events", shown-mostEvents), dim, o)
	}
}

// rowName is what stands before a row.
func (r *Run) rowName(l *swimlane) string {
	switch {
	case l.group != "":
		return ""
	case l.crowd != nil:
		return fmt.Sprintf("and %d more", len(l.crowd))
	}
	return r.title(l.service)
}

// columnStates are the worst states of services, column by column, and for how many
// seconds the first is affected.
func (r *Run) columnStates(services []int, columns int) (states []propagate.State, affected float64) {
	states = make([]propagate.State, columns)
	width := r.eventful() / float64(columns)
	for n, i := range services {
		for _, w := range r.Services[i].Windows {
			if affects(w.State) && n == 0 {
				affected += w.To - w.From
			}
			paintColumns(states, w.From/width, w.To/width, w.State)
		}
	}
	return states, affected
}

// recordedStates are recorded windows, column by column.
func recordedStates(all []Recorded, length float64, columns int) []propagate.State {
	states := make([]propagate.State, columns)
	width := length / float64(columns)
	for _, w := range all {
		paintColumns(states, w.From.Least/width, w.To.Most/width, w.State)
	}
	return states
}

// paintColumns sets a state, where none is worse, in every column that a stretch
// touches.
func paintColumns(states []propagate.State, from, to float64, state propagate.State) {
	if to <= from {
		return
	}
	for k := max(0, int(from)); k < len(states) && float64(k) < to; k++ {
		states[k] = max(states[k], state)
	}
}

// bar draws a row.
func (r *Run) bar(states []propagate.State, signs []bool, o Options) string {
	var b strings.Builder
	for i := 0; i < len(states); {
		k := i
		for k < len(states) && states[k] == states[i] {
			k++
		}
		signs[states[i]] = true
		style := stateStyles[states[i]]
		if states[i] == propagate.Healthy {
			style = dim
		}
		b.WriteString(paint(strings.Repeat(string(stateSigns[states[i]]), k-i), style, o))
		i = k
	}
	return b.String()
}

// axis has round times below their columns.
func (r *Run) axis(columns int) string {
	step := timeStep(r.eventful(), max(1, columns/12))
	line := []rune(strings.Repeat(" ", columns))
	for k := 0; float64(k)*step < r.eventful(); k++ {
		label := []rune(moment(float64(k) * step))
		if k == 0 {
			label = []rune("0")
		}
		at := int(float64(k) * step / r.eventful() * float64(columns))
		if at+len(label) <= columns {
			copy(line[at:], label)
		}
	}
	return string(line)
}
