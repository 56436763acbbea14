package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/out/scene"
	"github.com/knockon/knockon/propagate"
)

// A swim-lane is a service against the clock: its states as bands, and an arrow from
// the lane of the service that passed the impairment on. Lanes stand in groups; groups
// and lanes are in the order in which they were hit. Above them is the blast radius
// over time. Everything has the axis of the charts and the shape of a page of A4.

// Sizes of the lanes, in pixels.
const (
	lanesLeft  = 232 // names, and room for arrows before the axis begins
	lanesRight = runWidth - 62
	laneName   = 186 // of the room on the left
	laneHeight = 19
	bandInset  = 3.5
	twinHeight = 26 // of a lane with recorded windows
	groupRow   = 17
	groupGap   = 5
	laneCurve  = 92 // of the curve above them
	mostLanes  = 60
	laneTracks = 12 // rows of events
	trunkGap   = 4
	trunkMost  = 5 // side by side
)

var (
	laneStyle  = style{11.5, false}
	groupStyle = style{10.5, true}
)

// swimlanes are the lanes of a run.
type swimlanes struct {
	lanes []swimlane
	quiet []int // services without a lane: they were healthy all along
	box   scene.Box
	rows  map[int]int // of services, their lanes

	trunks []trunk
}

// swimlane is one row: a service, a group's name, or the services of a group that have
// no lane of their own.
type swimlane struct {
	group    string // of a row that is its name
	service  int
	impaired *Impairment // nil for one of which there are only recorded windows
	recorded []Recorded
	crowd    []int // services folded into the lane
	top      float64
	height   float64
}

// drawSwimlanes draws the swim-lanes of a run.
func drawSwimlanes(r *Run) []byte {
	return newSwimlanes(r).draw()
}

// newSwimlanes prepares a picture of the swim-lanes of a run.
func newSwimlanes(r *Run) *runPicture {
	return &runPicture{Run: r, left: lanesLeft, right: lanesRight, mostTracks: laneTracks, swim: r.swimlanes(mostLanes), curve: &scene.Box{}, curveRoom: laneCurve, until: r.eventful()}
}

// onset is when a service was first struck or hit, or is known to have been.
func (r *Run) onset(service int, m *Impairment, recorded []Recorded) float64 {
	at := math.Inf(1)
	if m != nil {
		at = m.From
	}
	for i := range r.Events {
		if e := &r.Events[i]; e.Kind == FaultEvent && e.Service == r.Services[service].ID {
			at = min(at, e.At)
		}
	}
	for i := range recorded {
		at = min(at, recorded[i].From.Least)
	}
	return at
}

// swimlanes puts the services that were impaired, or are known to have been, into
// lanes. When there are more than so many the worst keep one, and the rest of a group
// shares one.
func (r *Run) swimlanes(most int) *swimlanes {
	s := &swimlanes{rows: make(map[int]int)}
	recorded := make(map[string][]Recorded)
	for _, w := range r.Recorded {
		recorded[w.Service] = append(recorded[w.Service], w)
	}
	impaired := make([]*Impairment, len(r.Services))
	var shown []int // the worst first
	for i := range r.Impaired {
		m := &r.Impaired[i]
		impaired[m.Service] = m
		shown = append(shown, m.Service)
	}
	for i := range r.Services {
		switch {
		case impaired[i] != nil:
		case len(recorded[r.Services[i].ID]) > 0:
			shown = append(shown, i)
		default:
			s.quiet = append(s.quiet, i)
		}
	}
	pile := func(i int) string { return r.group(i) }
	if len(shown) > most && r.Map != nil {
		of, _ := pileOf(r.Map.Services, shown)
		pile = func(i int) string { return of(r.group(i)) }
	}
	type flock struct {
		name   string
		lanes  []swimlane
		crowd  []int
		onset  float64
		struck bool // a fault strikes one of them
	}
	index := make(map[string]int)
	var flocks []flock
	kept := 0
	for _, i := range shown {
		name := pile(i)
		at, ok := index[name]
		if !ok {
			at = len(flocks)
			index[name] = at
			flocks = append(flocks, flock{name: name, onset: math.Inf(1)})
		}
		f := &flocks[at]
		id := r.Services[i].ID
		f.onset = min(f.onset, r.onset(i, impaired[i], recorded[id]))
		f.struck = f.struck || r.Services[i].Faulted
		if kept >= most && len(shown) > most {
			f.crowd = append(f.crowd, i)
			continue
		}
		kept++
		f.lanes = append(f.lanes, swimlane{service: i, impaired: impaired[i], recorded: recorded[id]})
	}
	slices.SortStableFunc(flocks, func(a, b flock) int {
		if a.onset == b.onset && a.struck != b.struck {
			return map[bool]int{true: -1, false: 1}[a.struck]
		}
		return cmp.Or(cmp.Compare(a.onset, b.onset), strings.Compare(a.name, b.name))
	})
	for k := range flocks {
		f := &flocks[k]
		slices.SortStableFunc(f.lanes, func(a, b swimlane) int {
			return cmp.Or(cmp.Compare(r.onset(a.service, a.impaired, a.recorded), r.onset(b.service, b.impaired, b.recorded)),
				cmp.Compare(a.source(), b.source()), cmp.Compare(a.service, b.service))
		})
		if len(flocks) > 1 {
			s.lanes = append(s.lanes, swimlane{group: cmp.Or(groupLabel(f.name), "other services"), service: -1})
		}
		for i := range f.lanes {
			s.rows[f.lanes[i].service] = len(s.lanes)
			s.lanes = append(s.lanes, f.lanes[i])
		}
		if len(f.crowd) > 0 {
			for _, i := range f.crowd {
				s.rows[i] = len(s.lanes)
			}
			s.lanes = append(s.lanes, swimlane{service: -1, crowd: f.crowd})
		}
	}
	return s
}

// group is the group of a service; "" where it has none.
func (r *Run) group(i int) string {
	if r.Map == nil {
		return ""
	}
	return r.Map.Services[i].Group
}

// source is the service that passed the impairment of a lane on; -1 for none.
func (l *swimlane) source() int {
	if l.impaired == nil {
		return -1
	}
	return l.impaired.By
}

// placeLanes gives the curve and the lanes their places from y on, and returns where
// the next may stand.
func (p *runPicture) placeLanes(y float64) float64 {
	if p.curve != nil {
		*p.curve = scene.Box{Left: p.left, Top: y + titleRow, Width: p.right - p.left, Height: p.curveRoom - titleRow - panelGap}
		y += p.curveRoom
	}
	if p.swim == nil {
		return y
	}
	top := y
	for i := range p.swim.lanes {
		l := &p.swim.lanes[i]
		switch {
		case l.group != "":
			if i > 0 {
				y += groupGap
			}
			l.height = groupRow
		case len(l.recorded) > 0:
			l.height = twinHeight
		default:
			l.height = laneHeight
		}
		l.top = y
		y += l.height
	}
	if len(p.swim.lanes) == 0 {
		return y
	}
	p.swim.box = scene.Box{Left: p.left, Top: top, Width: p.right - p.left, Height: y - top + 3}
	return y + 3 + panelGap
}

// lanePlots are the plots of the curve and of the lanes.
func (p *runPicture) lanePlots() []scene.Box {
	var all []scene.Box
	if p.curve != nil {
		all = append(all, *p.curve)
	}
	if p.swim != nil && len(p.swim.lanes) > 0 {
		all = append(all, p.swim.box)
	}
	return all
}

// drawCurve draws the weight that is affected, the worst states at the bottom.
func (p *runPicture) drawCurve() {
	if p.curve == nil {
		return
	}
	b, radius := *p.curve, p.Radius()
	p.printf("<g id=\"radius\"><title>%s</title>\n", escape(radius.words()))
	p.printf("<text class=\"name\" x=\"0\" y=\"%s\">Blast radius</text>", px(b.Top-8.5))
	left := panelStyle.width("Blast radius") + 12
	p.printf("<text class=\"story\" x=\"%s\" y=\"%s\">%s</text>\n", px(left), px(b.Top-8.5), escape(storyStyle.fit(radius.words(), runWidth-left)))
	most := max(radius.Peak*1.08, 1e-9)
	y := func(weight float64) float64 { return b.Top + b.Height*(1-min(1, weight/most)) }
	if radius.Peak > 0 {
		p.ticksOf(b, ticks(most, max(2, int(b.Height/30))), y, amount)
		p.sign("affected")
	}
	for state := propagate.Frozen; state <= propagate.Down; state++ {
		if !slices.ContainsFunc(radius.Steps, func(s RadiusStep) bool { return s.Weight[state] > 0 }) {
			continue
		}
		// All that is as bad, or worse: what is milder is drawn first and looks out above.
		rows := radius.rows(p.Run, func(s *RadiusStep) (sum float64) {
			for k := state; k <= propagate.Down; k++ {
				sum += s.Weight[k]
			}
			return sum
		}, (p.right-p.left)/2)
		p.printf("<path class=\"b-%s\" d=\"%s\"/>", state, p.area(rows, b.Top+b.Height, func(x *row) float64 { return y(x.good) }))
		p.sign("state " + state.String())
	}
	p.drawMoments(y)
	p.printf("\n</g>\n")
}

// rows is a number of a radius over time in as many rows at most; each has the mean.
func (x *Radius) rows(r *Run, of func(*RadiusStep) float64, most float64) []row {
	var rows []row
	if len(x.Steps) <= int(most) {
		for i := range x.Steps {
			if end := x.end(r, i); end > x.Steps[i].At {
				rows = append(rows, row{from: x.Steps[i].At, to: end, good: of(&x.Steps[i])})
			}
		}
		return rows
	}
	width := r.Played / math.Floor(most)
	at := 0
	for k := range int(most) {
		from, to := float64(k)*width, float64(k+1)*width
		sum := 0.0
		for i := at; i < len(x.Steps) && x.Steps[i].At < to; i++ {
			if over := min(to, x.end(r, i)) - max(from, x.Steps[i].At); over > 0 {
				sum += float64(over * of(&x.Steps[i]))
			}
			if x.end(r, i) <= to {
				at = i
			}
		}
		rows = append(rows, row{from: from, to: to, good: sum / width})
	}
	return rows
}

// drawLanes draws the lanes, then the arrows over all of them.
func (p *runPicture) drawLanes() {
	if p.swim == nil {
		return
	}
	p.swim.trunks = p.trunks()
	for i := range p.swim.lanes {
		switch l := &p.swim.lanes[i]; {
		case l.group != "":
			p.printf("<text class=\"group\" y=\"%s\">%s</text><path class=\"grid\" d=\"M0 %sH%d\"/>\n",
				px(l.top+12), escape(groupStyle.fit(l.group, lanesLeft-10)), px(l.top+groupRow-1), runWidth)
		case len(l.crowd) > 0:
			p.drawCrowd(l)
		default:
			p.drawLane(l)
		}
	}
	p.drawCauses()
}

func (p *runPicture) drawLane(l *swimlane) {
	s := &p.Services[l.service]
	worst, story, why := propagate.Healthy, "not impaired in this run", ""
	if l.impaired != nil {
		worst, story, why = l.impaired.Worst, p.story(l.impaired), l.impaired.Because
	}
	base := l.top + l.height/2 + 4
	hover := s.ID + ": " + story
	if why != "" {
		hover += "; because " + why
	}
	p.printf("<g id=\"%s\" class=\"lane\" data-service=\"%d\" data-worst=\"%s\"><title>%s</title>", p.id("l-", s.ID), l.service, worst, escape(printable(hover)))
	p.printf("<rect class=\"hit\" y=\"%s\" width=\"%d\" height=\"%s\"/>", px(l.top), runWidth, px(l.height))
	p.printf("<rect class=\"b-%s\" y=\"%s\" width=\"9\" height=\"9\" rx=\"2.5\"/>", worst, px(base-8))
	p.printf("<text class=\"lane-name\" x=\"15\" y=\"%s\">%s</text>\n", px(base), escape(laneStyle.fit(p.title(l.service), laneName-15)))
	top, height := l.top+bandInset, l.height-2*bandInset
	if len(l.recorded) > 0 {
		height = (l.height-2*bandInset-2)*0.62 - 1
		p.drawRecorded(l.recorded, top+height+2, l.height-2*bandInset-height-2)
	}
	p.printf("<g class=\"band\"><rect class=\"well\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", px(p.left), px(top), px(p.x(p.Played)-p.left), px(height))
	total := 0.0
	for _, w := range s.Windows {
		if affects(w.State) {
			total += w.To - w.From
		}
	}
	for _, w := range p.visible(s.Windows) {
		left, right := p.x(w.From), p.x(w.To)
		word := w.State.String()
		p.sign("state " + word)
		p.printf("<rect class=\"b-%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"><title>%s</title></rect>", word, px(left), px(top), px(max(1.5, right-left)), px(height),
			escape(word+" "+p.span(w.From, w.To, w.Open)))
		if at, ok := p.swim.room(left, right, bandStyle.width(word), top+height/2); ok && height >= 11 {
			p.printf("<text class=\"t-%s\" x=\"%s\" y=\"%s\">%s</text>", word, px(at), px(top+height/2+3.7), word)
		}
	}
	p.printf("</g>")
	if total > 0 {
		p.printf("<text class=\"tick end\" x=\"%d\" y=\"%s\">%s</text>", runWidth, px(base), moment(coarse(total)))
	}
	p.printf("</g>\n")
}

// coarse rounds a length to what a column of a few letters can say.
func coarse(seconds float64) float64 {
	if seconds >= 3600 {
		return math.Round(seconds/60) * 60
	}
	return seconds
}

// title is how a picture calls a service.
func (r *Run) title(i int) string {
	title := cmp.Or(strings.TrimSpace(r.Services[i].Title), r.Services[i].ID)
	return cut(printable(title), 120)
}

// drawRecorded draws what is known to have happened, paler where it is not known when.
func (p *runPicture) drawRecorded(all []Recorded, top, height float64) {
	p.sign("recorded")
	p.printf("<g class=\"recorded\">")
	for i := range all {
		w := &all[i]
		rect := func(class string, from, to float64) {
			if to > from || class == "maybe" {
				p.printf("<rect class=\"%s b-%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", class, w.State, px(p.x(from)), px(top), px(max(1.5, p.x(to)-p.x(from))), px(height))
			}
		}
		p.sign("state " + w.State.String())
		text := "recorded: " + w.State.String() + " " + p.band(w.From) + " – " + p.band(w.To)
		if w.Source != "" {
			text += " (" + w.Source + ")"
		}
		p.printf("<g><title>%s</title>", escape(printable(text)))
		rect("maybe", w.From.Least, w.To.Most)
		rect("sure", w.From.Most, w.To.Least)
		p.printf("<path class=\"rule\" d=\"M%s %sH%s\"/></g>", px(p.x(w.From.Least)), px(top+height), px(max(p.x(w.From.Least)+1.5, p.x(w.To.Most))))
	}
	p.printf("</g>")
}

// band is a time that is not known exactly, in words.
func (r *Run) band(b Band) string {
	if b.Least == b.Most {
		return moment(b.Least)
	}
	return moment(b.Least) + ".." + moment(b.Most)
}

// drawCrowd draws how many of the services of a group that share a lane are affected.
func (p *runPicture) drawCrowd(l *swimlane) {
	p.sign("crowd")
	one := &Run{Played: p.Played}
	for _, i := range l.crowd {
		one.Services = append(one.Services, p.Services[i])
	}
	radius := one.Radius()
	base, top, height := l.top+l.height/2+4, l.top+bandInset, l.height-2*bandInset
	text := fmt.Sprintf("and %d more", len(l.crowd))
	p.printf("<g class=\"lane\"><title>%s</title><text class=\"lane-name\" x=\"15\" y=\"%s\">%s</text>", escape(text+", "+radius.words()), px(base), text)
	p.printf("<rect class=\"well\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", px(p.left), px(top), px(p.x(p.Played)-p.left), px(height))
	rows := radius.rows(one, func(s *RadiusStep) float64 {
		_, n := s.affected()
		return float64(n)
	}, (p.right-p.left)/2)
	p.printf("<path class=\"crowd\" d=\"%s\"/></g>\n", p.area(rows, top+height, func(x *row) float64 { return top + height*(1-min(1, x.good/float64(len(l.crowd)))) }))
}

// trunk is the upright part of arrows from one lane at one time to others.
type trunk struct {
	from     int // lane
	at       float64
	to       []int // lanes
	slot     int
	low, top float64 // its extent
}

// middle is where arrows leave and enter a lane: in the middle of what was simulated.
func (s *swimlanes) middle(i int) float64 {
	l := &s.lanes[i]
	if len(l.recorded) > 0 {
		return l.top + bandInset + (l.height-2*bandInset-2)*0.31
	}
	return l.top + l.height/2
}

// x is where a trunk stands, beside the bands it leads to.
func (t *trunk) x() float64 { return t.at - 8 - float64(t.slot*trunkGap) }

// room finds a place for a word in a band where no arrow crosses it: in the middle, on
// the left, on the right.
func (s *swimlanes) room(left, right, width, y float64) (at float64, ok bool) {
	if width+10 > right-left {
		return 0, false
	}
	for _, at := range []float64{(left + right) / 2, left + 5 + width/2, right - 5 - width/2} {
		if !slices.ContainsFunc(s.trunks, func(t trunk) bool {
			return t.top-3 <= y && y <= t.low+3 && math.Abs(t.x()-at) < width/2+4
		}) {
			return at, true
		}
	}
	return 0, false
}

// trunks are the arrows from the lane that passed an impairment on to that which got
// it, where they are not the same. Arrows from one lane at one time share a trunk;
// trunks side by side take slots.
func (p *runPicture) trunks() (trunks []trunk) {
	middle := p.swim.middle
	for i := range p.swim.lanes {
		m := p.swim.lanes[i].impaired
		if m == nil || m.By < 0 {
			continue
		}
		from, ok := p.swim.rows[m.By]
		if !ok || from == i {
			continue
		}
		at := p.x(m.Since)
		k := slices.IndexFunc(trunks, func(t trunk) bool { return t.from == from && math.Abs(t.at-at) < 6 })
		if k < 0 {
			k = len(trunks)
			trunks = append(trunks, trunk{from: from, at: at, low: middle(from), top: middle(from)})
		}
		t := &trunks[k]
		t.to = append(t.to, i)
		t.at, t.low, t.top = min(t.at, at), max(t.low, middle(i)), min(t.top, middle(i))
	}
	for i := range trunks { // the first slot in which nothing stands in its way
		t := &trunks[i]
		for t.slot = 0; t.slot < trunkMost-1; t.slot++ {
			if !slices.ContainsFunc(trunks[:i], func(o trunk) bool {
				return o.slot == t.slot && math.Abs(o.at-t.at) < trunkGap*(trunkMost+1) && o.top < t.low+2 && t.top < o.low+2
			}) {
				break
			}
		}
	}
	return trunks
}

func (p *runPicture) drawCauses() {
	middle := p.swim.middle
	for i := range p.swim.trunks {
		t := &p.swim.trunks[i]
		p.sign("cause")
		x := t.x()
		from := middle(t.from)
		parent := p.swim.lanes[t.from]
		name := "several services"
		if parent.service >= 0 {
			name = p.title(parent.service)
		}
		p.printf("<g class=\"cause\"><title>%s</title>", escape(name+" passed it on to "+plural(len(t.to), "service")))
		p.printf("<circle class=\"tip\" cx=\"%s\" cy=\"%s\" r=\"2.2\"/><path class=\"own\" d=\"M%s %sV%s", px(x), px(from), px(x), px(t.top), px(t.low))
		for _, to := range t.to {
			p.printf("M%s %sH%s", px(x), px(middle(to)), px(p.x(p.swim.lanes[to].impaired.Since)-5))
		}
		p.printf("\"/><path class=\"tip\" d=\"")
		for _, to := range t.to {
			p.printf("M%s %sl-5.5-2.8v5.6Z", px(p.x(p.swim.lanes[to].impaired.Since)), px(middle(to)))
		}
		p.printf("\"/>")
		p.printf("</g>\n")
	}
}

// laneNotes say what has no lane.
func (p *runPicture) laneNotes() []string {
	if p.swim == nil || len(p.swim.quiet) == 0 {
		return nil
	}
	var names []string
	for i, at := range p.swim.quiet {
		if i == 24 {
			names = append(names, fmt.Sprintf("and %d more", len(p.swim.quiet)-i))
			break
		}
		names = append(names, p.Services[at].ID)
	}
	return []string{fmt.Sprintf("Healthy all along: %s: %s.", plural(len(p.swim.quiet), "service"), strings.Join(names, ", "))}
}
