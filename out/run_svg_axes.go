package out

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/knockon/knockon/out/scene"
	"github.com/knockon/knockon/propagate/scenario"
)

// header draws the title, how the run ends, and what was expected of it. It returns
// where the next may stand.
func (p *runPicture) header() (svg string, y float64) {
	c := &canvas{}
	context := p.played()
	if p.Catalog != "" {
		context = p.Catalog + "  ·  " + context
	}
	y = 36
	c.printf("<text class=\"context\" y=\"%s\">%s</text>\n", px(y), escape(chipStyle.fit(printable(context), runWidth)))
	y += 34
	c.printf("<text class=\"headline\" y=\"%s\">%s</text>\n", px(y), escape(headlineStyle.fit(printable(p.Title), runWidth)))
	y += 12
	word, text, _ := strings.Cut(p.headline(), ": ")
	left := 0.0
	if text != "" {
		w := style{13, true}.width(word) + 18
		y += 8
		c.printf("<g class=\"verdict v-%s\" transform=\"translate(0 %s)\"><rect width=\"%s\" height=\"22\" rx=\"5\"/><text x=\"%s\" y=\"15.5\">%s</text></g>\n",
			word, px(y), px(w), px(w/2), escape(word))
		left = w + 12
	} else {
		text = word
		y += 8
	}
	for i, line := range wrapWords(capital(printable(text)), summaryStyle, runWidth-left, 2) {
		c.printf("<text class=\"summary\" x=\"%s\" y=\"%s\">%s</text>\n", px(left), px(y+16.5+float64(i)*22), escape(line))
		if i > 0 {
			y += 22
		}
	}
	y += 22
	if tally := p.tally(); tally != "" {
		y += 20
		c.printf("<text class=\"context\" y=\"%s\">%s</text>\n", px(y), escape(chipStyle.fit(mark(p.unmet() == 0)+" "+capital(tally), runWidth)))
		const most = 3
		shown := 0
		for _, x := range p.Expects {
			if x.Met {
				continue
			}
			if shown++; shown > most {
				continue
			}
			y += 18
			c.printf("<text class=\"context\" y=\"%s\">%s</text>\n", px(y), escape(chipStyle.fit(printable("✗ expected: "+x.Text+"; found: "+x.Got), runWidth)))
		}
	}
	return c.String(), y + 26
}

func mark(met bool) string {
	if met {
		return "✓"
	}
	return "✗"
}

// capital makes a sentence of a text that begins with a word of ours: names of
// services keep their letters.
func capital(s string) string {
	for _, word := range []string{"all ", "the ", "no "} {
		if strings.HasPrefix(s, word) {
			return strings.ToUpper(s[:1]) + s[1:]
		}
	}
	return s
}

// addTracks puts the events into as few rows as keep them apart, the first that has
// room for each.
func (p *runPicture) addTracks() {
	ends := make([]float64, 0, p.mostTracks)
	for i := range p.Events {
		if p.Events[i].Constant {
			continue
		}
		e := p.place(&p.Events[i])
		from, to := min(e.left, e.at)-6, max(e.right, e.at+eventStyle.width(e.text))
		k := 0
		for k < len(ends) && from < ends[k] {
			k++
		}
		if k == p.mostTracks {
			p.crowd++
			continue
		}
		if k == len(ends) {
			ends = append(ends, 0)
			p.tracks = append(p.tracks, track{})
		}
		ends[k] = to
		p.tracks[k].events = append(p.tracks[k].events, e)
	}
}

// place finds a place for the words of an event: in its bar, behind it, before it.
func (p *runPicture) place(event *Event) placedEvent {
	e := placedEvent{Event: event, left: p.x(event.At), right: p.x(event.To), text: eventStyle.fit(printable(event.Text), 360)}
	e.right = max(e.right, e.left+2)
	w := eventStyle.width(e.text)
	switch {
	case w+12 <= e.right-e.left:
		e.inside, e.at = true, e.left+6
	case e.right+7+w <= runWidth:
		e.at = e.right + 7
	default:
		e.at = max(0, e.left-7-w)
	}
	return e
}

func (p *runPicture) tracksHeight() float64 {
	if len(p.tracks) == 0 {
		return 0
	}
	return float64(len(p.tracks))*(trackHeight+trackGap) + 10
}

// drawEvents draws what happens, above the panels and across them.
func (p *runPicture) drawEvents() {
	y := p.from - p.tracksHeight()
	top := func(track int) float64 { return y + float64(track)*(trackHeight+trackGap) }
	for k, l := range p.tracks {
		for _, e := range l.events {
			p.printf("<g class=\"event e-%s\">", e.Kind)
			for _, b := range p.plots() {
				if e.Kind != ActionEvent {
					p.printf("<rect class=\"tint\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", px(e.left), px(b.Top), px(e.right-e.left), px(b.Height))
				}
			}
			p.drawEdge(e.left, top(k))
			if !e.Open && e.Kind != ActionEvent {
				p.drawEdge(e.right, top(k))
			}
			p.printf("</g>\n")
		}
	}
	for k, l := range p.tracks { // over the edges of all
		top := top(k)
		for _, e := range l.events {
			class := "event e-" + e.Kind.String()
			p.sign(class)
			p.printf("<g id=\"%s\" class=\"%s\"><title>%s</title>", p.id("e-", e.Text), class, escape(printable(e.Kind.String()+": "+e.Text+" "+p.eventSpan(e.Event))))
			if e.Kind == ActionEvent {
				p.printf("<path class=\"bar\" d=\"M%s %sl5 5-5 5-5-5Z\"/>", px(e.left), px(top+4))
			} else {
				p.printf("<rect class=\"bar\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\" rx=\"3\"/>", px(e.left), px(top), px(e.right-e.left), trackHeight)
			}
			if !e.inside { // the edges of others pass behind it
				p.printf("<rect class=\"page\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\"/>", px(e.at-2), px(top+2), px(eventStyle.width(e.text)), trackHeight-4)
			}
			p.printf("<text x=\"%s\" y=\"%s\">%s</text></g>\n", px(e.at), px(top+13), escape(e.text))
		}
	}
}

// drawEdge draws where something begins or ends, across the plots but not across
// the words above them.
func (p *runPicture) drawEdge(x, top float64) {
	var d strings.Builder
	fmt.Fprintf(&d, "M%s %sV%s", px(x), px(top+trackHeight), px(p.from-3))
	for _, b := range p.lanePlots() {
		fmt.Fprintf(&d, "M%s %sV%s", px(x), px(b.Top), px(b.Top+b.Height))
	}
	for i := range p.panels {
		n := &p.panels[i]
		fmt.Fprintf(&d, "M%s %sV%s", px(x), px(n.top+titleRow), px(n.top+n.height()))
	}
	p.printf("<path class=\"edge\" d=\"%s\"/>", d.String())
}

func (p *runPicture) eventSpan(e *Event) string {
	if e.Kind == ActionEvent {
		return "at " + moment(e.At)
	}
	return p.span(e.At, e.To, e.Open)
}

// ticks are round numbers above zero up to a most: at least one, and no more than
// so many, which is two or more.
func ticks(most float64, count int) []float64 {
	if most <= 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		return nil
	}
	unit := math.Pow(10, math.Floor(math.Log10(most))-1)
	step := unit
	for _, m := range []float64{1, 2, 5, 10, 20, 50, 100} {
		if step = m * unit; most/step < float64(count)+1 {
			break
		}
	}
	var all []float64
	for i := 1; float64(i)*step <= most && i <= count; i++ {
		all = append(all, float64(i)*step)
	}
	return all
}

// ticksOf draws the scale of a strip.
func (p *runPicture) ticksOf(b scene.Box, values []float64, y func(float64) float64, word func(float64) string) {
	for _, v := range values {
		p.printf("<path class=\"grid\" d=\"M%s %sH%s\"/><text class=\"tick end\" x=\"%s\" y=\"%s\">%s</text>",
			px(b.Left), px(y(v)), px(b.Left+b.Width), px(b.Left-6), px(y(v)+3.7), escape(word(v)))
	}
	p.printf("<text class=\"tick end\" x=\"%s\" y=\"%s\">0</text>", px(b.Left-6), px(b.Top+b.Height))
}

// timeSteps are the round steps of an axis of time, in seconds.
var timeSteps = []float64{
	0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
	3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 91 * 86400, 364 * 86400,
}

// timeStep is the smallest round step that gives at most so many ticks.
func timeStep(length float64, most int) float64 {
	for _, s := range timeSteps {
		if length/s <= float64(most) {
			return s
		}
	}
	return length
}

func (p *runPicture) drawGrid() {
	step := timeStep(p.length(), 12)
	for i := 1; float64(i)*step < p.length(); i++ {
		x := px(p.x(float64(i) * step))
		for _, b := range p.plots() {
			p.printf("<path class=\"grid\" d=\"M%s %sV%s\"/>", x, px(b.Top), px(b.Top+b.Height))
		}
	}
	p.printf("\n")
}

// drawAxis draws the time since the start and, where the scenario has one, the wall
// clock, each with round ticks of its own.
func (p *runPicture) drawAxis() {
	y := p.to + 8
	step := timeStep(p.length(), 12)
	p.printf("<g class=\"axis\"><path d=\"M%s %sH%s\"/>", px(p.left), px(y), px(p.right))
	for i := 0; float64(i)*step <= p.length()*(1+1e-9); i++ {
		t := float64(i) * step
		label := moment(t)
		if i == 0 {
			label = "0"
		}
		p.tick(p.x(t), y, label)
	}
	p.printf("</g>\n")
	if p.Start.IsZero() {
		return
	}
	y += 28
	p.printf("<g class=\"axis clock\"><path d=\"M%s %sH%s\"/>", px(p.left), px(y), px(p.right))
	step = max(1, timeStep(p.length(), 10))
	// Round in the offset that the scenario is written with.
	_, offset := p.Start.Zone()
	begin := float64(p.Start.Unix()+int64(offset)) + float64(p.Start.Nanosecond())/1e9
	for k := math.Ceil(begin/step - 1e-9); k*step-begin <= p.length()+1e-6; k++ {
		t := k*step - begin
		p.tick(p.x(t), y, clockLabel(p.clock(t).Round(time.Millisecond), step))
	}
	p.printf("</g>\n")
}

// axisRoom is what the axes take below the plots.
func (p *runPicture) axisRoom() float64 {
	if p.Start.IsZero() {
		return 36
	}
	return 64
}

// tick draws a tick of an axis, its words within the page.
func (p *runPicture) tick(x, y float64, label string) {
	half := tickStyle.width(label) / 2
	at := min(max(x, half), runWidth-half)
	p.printf("<path d=\"M%s %sv5\"/><text x=\"%s\" y=\"%s\">%s</text>", px(x), px(y), px(at), px(y+17), escape(label))
}

func clockLabel(t time.Time, step float64) string {
	switch {
	case step >= 86400 || t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0:
		return t.Format("2 Jan")
	case step < 60:
		return t.Format("15:04:05")
	}
	return t.Format("15:04")
}

// footer draws the legend and the notes. It returns the height it takes.
func (p *runPicture) footer() (svg string, height float64) {
	const (
		sample = 30.0
		gap    = 24.0
		line   = 22.0
	)
	c := &canvas{}
	x, y := 0.0, p.to+p.axisRoom()+20
	if p.small != nil {
		y += p.small.height
	}
	for _, e := range p.legend() {
		w := sample + noteStyle.width(e.Text) + gap
		if x > 0 && x+w-gap > runWidth {
			x, y = 0, y+line
		}
		c.printf("<g class=\"entry\" transform=\"translate(%s %s)\">%s<text x=\"%s\" y=\"4\">%s</text></g>\n", px(x), px(y), runSign(e.Sign), px(sample), escape(e.Text))
		x += w
	}
	y += line
	for _, note := range p.notes() {
		for _, text := range wrapWords(printable(note), noteStyle, runWidth, 3) {
			y += 17
			c.printf("<text class=\"note\" y=\"%s\">%s</text>\n", px(y-11), escape(text))
		}
	}
	return c.String(), y + 12 - p.to
}

// legend explains the signs that occur.
func (p *runPicture) legend() []scene.Entry {
	all := []scene.Entry{
		{Sign: "affected", Text: "weight of the services impaired, by their state"},
		{Sign: "half", Text: "half of the peak"},
		{Sign: "cause", Text: "passed its impairment on"},
		{Sign: "recorded", Text: "recorded in the incident; paler where it is not known when"},
		{Sign: "crowd", Text: "so many of the services that have no lane of their own"},
		{Sign: "offered", Text: "demand: requests offered, without retries"},
		{Sign: "attempts", Text: "attempts, with retries"},
		{Sign: "good", Text: "goodput: answered rightly and in time"},
		{Sign: "spread", Text: "goodput of 19 in 20 runs"},
		{Sign: "ill", Text: "share of the runs in which it is impaired"},
		{Sign: "limit", Text: "capacity"},
		{Sign: "age", Text: "age of the oldest waiting request"},
		{Sign: "queue", Text: "requests waiting"},
		{Sign: "held", Text: "leases held"},
		{Sign: "deadline", Text: "shortest time-out of its callers"},
		{Sign: "event e-fault", Text: "fault"},
		{Sign: "event e-load", Text: "change of load"},
		{Sign: "event e-action", Text: "operators act"},
	}
	for i := len(scenario.States) - 1; i > 0; i-- {
		all = append(all, scene.Entry{Sign: "state " + scenario.States[i], Text: scenario.States[i]})
	}
	var shown []scene.Entry
	for _, e := range all {
		if p.signs[e.Sign] {
			shown = append(shown, e)
		}
	}
	return shown
}

// runSign draws a sample, 22 pixels wide, its middle at y = 0.
func runSign(sign string) string {
	what, which, _ := strings.Cut(sign, " ")
	switch what {
	case "offered", "attempts", "limit", "deadline", "half":
		return `<path class="` + what + `" d="M0 0H22"/>`
	case "spread", "ill":
		return `<path class="` + what + `" d="M0 7V-2H8V-6H22V7Z"/>`
	case "affected":
		return `<path class="b-degraded" d="M0 7V2H8V-2H22V7Z"/><path class="b-down" d="M0 7V4H8V2H22V7Z"/>`
	case "crowd":
		return `<path class="crowd" d="M0 7V-2H8V-6H22V7Z"/>`
	case "cause":
		return `<g class="cause"><path class="own" d="M4-8V3H15"/><path class="tip" d="M22 3L15 0V6Z"/></g>`
	case "recorded":
		return `<g class="recorded"><rect class="maybe b-down" y="-4" width="22" height="7"/><rect class="sure b-down" x="5" y="-4" width="12" height="7"/><path class="rule" d="M0 3H22"/></g>`
	case "good", "age", "queue", "held":
		if what == "queue" {
			what = "age"
		}
		return `<path class="` + what + `" d="M0 7V-2H8V-6H22V7Z"/>`
	case "event":
		if which == "e-action" {
			return `<g class="event e-action"><path class="bar" d="M11-5l5 5-5 5-5-5Z"/></g>`
		}
		return `<g class="event ` + which + `"><rect class="bar" y="-7" width="22" height="14" rx="3"/></g>`
	}
	return `<rect class="b-` + which + `" y="-7" width="22" height="14" rx="2"/>`
}

// notes say what the picture leaves out.
func (p *runPicture) notes() []string {
	var notes []string
	notes = append(notes, p.laneNotes()...)
	if rest := p.Run.length() - p.length(); rest > 0 {
		notes = append(notes, fmt.Sprintf("The last %s, in which nothing happens, are not drawn.", moment(rest)))
	}
	if n := len(p.folded); n > 0 {
		var names []string
		for i, at := range p.folded {
			if i == 12 {
				names = append(names, fmt.Sprintf("and %d more", n-i))
				break
			}
			names = append(names, p.Services[at].ID)
		}
		notes = append(notes, fmt.Sprintf("%s impaired and not drawn: %s.", plural(n, "more service"), strings.Join(names, ", ")))
	}
	if p.crowd > 0 {
		notes = append(notes, fmt.Sprintf("%s not drawn.", plural(p.crowd, "more event")))
	}
	for _, d := range p.Doubts {
		notes = append(notes, "Doubtful: "+d.Text+".")
	}
	if n := len(p.Assumptions); n > 0 {
		notes = append(notes, fmt.Sprintf("%s not stated in the catalog and assumed.", plural(n, "number")+" "+wasWere(n)))
	}
	return notes
}
