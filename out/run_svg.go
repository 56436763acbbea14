package out

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/out/scene"
	"github.com/knockon/knockon/propagate"
)

// The picture of a run is a column of small multiples on one axis of time (Tufte,
// "Envisioning Information", 1990), a panel for every service that matters: what it
// is asked and what comes of it, how old its queue is, and what state it is in. Its
// shape is that of a page of A4.

// Sizes of the picture of a run, in pixels.
const (
	runWidth    = 1008 // without margins
	plotLeft    = 58   // room for what the ticks say
	plotWidth   = runWidth - plotLeft
	titleRow    = 21
	rateHeight  = 66 // of the strip of rates, in a picture of many panels
	rateMost    = 104
	ageHeight   = 24
	bandHeight  = 15
	stripGap    = 3
	panelGap    = 16
	trackHeight = 18
	trackGap    = 4
	mostPanels  = 8
	mostTracks  = 6
)

// Fonts of the picture of a run, beside those of the others.
var (
	panelStyle = style{14, true}
	storyStyle = style{12, false}
	tickStyle  = style{10.5, false}
	bandStyle  = style{10.5, true}
	eventStyle = style{11.5, false}
)

// runPicture draws a run.
type runPicture struct {
	*Run
	canvas
	left       float64 // where the axis of time begins
	right      float64 // and where it ends
	panels     []panel
	curve      *scene.Box // of what is affected; nil for none
	swim       *swimlanes // nil for none
	bare       bool       // without a headline: it stands on a page that has one
	until      float64    // where the axis of time ends; 0: at the end of the run
	curveRoom  float64    // of the curve
	small      *multiples // graphs below the axis; nil for none
	folded     []int      // impaired services without a panel
	tracks     []track
	crowd      int // events that no track has room for
	mostTracks int
	from       float64
	to         float64 // where the plots begin and end on the page
	signs      map[string]bool
	many       *Ensemble // of which this is the picture; nil of one run
}

// panel is one service in the picture.
type panel struct {
	service  int
	impaired *Impairment // nil for one that was well
	rows     []row
	top      float64                // on the page
	rate     float64                // height of the strip of rates
	most     float64                // rate at the top of it
	cut      float64                // attempts per second where they leave the strip; else 0
	age      float64                // most seconds of the queue's age; 0 without a strip
	queue    float64                // greatest length, where the strip is of that
	lease    *propagate.LeaseResult // that it holds and lost some of; nil for none
	held     []row
}

// track is a row of events that do not touch.
type track struct{ events []placedEvent }

// placedEvent is an event and the stretch it takes, its words included.
type placedEvent struct {
	*Event
	left, right float64 // of the bar
	text        string
	at          float64 // where the words begin
	inside      bool    // they stand in the bar
}

// drawCharts draws the charts of a run.
func drawCharts(r *Run) []byte {
	p := &runPicture{Run: r}
	p.chooseCharts()
	return p.draw()
}

// chooseCharts makes a picture of panels.
func (p *runPicture) chooseCharts() {
	p.left, p.right, p.mostTracks = plotLeft, runWidth, mostTracks
	p.choose()
}

func (p *runPicture) draw() []byte {
	r := p.Run
	p.signs = make(map[string]bool)
	p.ids = make(map[string]bool)
	p.addTracks()
	head, y := "", 12.0
	if !p.bare {
		head, y = p.header()
	}
	y += p.tracksHeight()
	p.from = y
	y = p.placeLanes(y)
	for i := range p.panels {
		p.panels[i].top = y
		y += p.panels[i].height() + panelGap
	}
	p.to = y - panelGap
	body := p.body()
	foot, bottom := p.footer()
	width, height := float64(runWidth+2*margin), p.to+bottom

	c := &canvas{}
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="title desc">`+"\n",
		px(width), px(height), px(width), px(height))
	c.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(printable(r.Title)), escape(printable(p.describe())))
	c.printf("<style>%s</style>\n", p.stylesheet())
	c.printf("<rect class=\"page\" width=\"%s\" height=\"%s\"/>\n", px(width), px(height))
	c.printf("<g transform=\"translate(%d 0)\">\n<g id=\"head\">\n%s</g>\n<g id=\"run\">\n%s</g>\n<g id=\"foot\">\n%s</g>\n</g>\n</svg>\n", margin, head, body, foot)
	return c.Bytes()
}

// choose takes the impaired services, the worst first, and then those that faults
// strike or that are offered something, while there is room.
func (p *runPicture) choose() {
	taken := make([]bool, len(p.Services))
	add := func(i int, m *Impairment) {
		switch {
		case taken[i]:
		case len(p.panels) < mostPanels:
			p.panels = append(p.panels, panel{service: i, impaired: m})
		case m != nil:
			p.folded = append(p.folded, i)
		}
		taken[i] = true
	}
	for i := range p.Impaired {
		add(p.Impaired[i].Service, &p.Impaired[i])
	}
	for i := range p.Services {
		if p.Services[i].Faulted {
			add(i, nil)
		}
	}
	for i := range p.Services {
		if p.Services[i].Load {
			add(i, nil)
		}
	}
	height := min(rateMost, max(rateHeight, 1140/max(1, float64(len(p.panels)))-75))
	for i := range p.panels {
		p.panels[i].rate = math.Round(height)
		p.scale(&p.panels[i])
	}
}

// mostAttempts is how many times the demand the strip of rates goes: what callers
// send beyond would press all else to the ground.
const mostAttempts = 4

// scale looks at the series of a panel for the greatest of each.
func (p *runPicture) scale(n *panel) {
	s := &p.Services[n.service]
	n.rows = p.resample(s, plotWidth/2)
	attempts := 0.0
	for i := range n.rows {
		x := &n.rows[i]
		n.most = max(n.most, x.offered, x.good)
		attempts = max(attempts, x.attempts)
		n.age, n.queue = max(n.age, x.age), max(n.queue, x.queue)
	}
	if p.many != nil {
		_, high := p.spreadOf(n.service)
		for i := range high {
			n.most = max(n.most, high[i].good)
		}
	}
	if n.most <= 0 {
		n.most = attempts
	}
	if attempts > mostAttempts*n.most*1.02 {
		n.cut = attempts
	}
	n.most = max(n.most, min(attempts, mostAttempts*n.most)) * 1.06
	if n.most <= 0 {
		n.most = 1
	}
	p.findLease(n)
	// A queue that nobody notices gets no strip.
	if n.queue < 1 || n.age < 0.001 {
		n.age = 0
	}
	if n.age > 0 || n.queue < 10 {
		n.queue = 0
	}
}

// findLease takes the lease of which the service lost most, if it lost any.
func (p *runPicture) findLease(n *panel) {
	worst := 0.995
	for i := range p.Leases {
		l := &p.Leases[i]
		if l.Holder != p.Services[n.service].ID || l.Count <= 0 {
			continue
		}
		rows := p.heldRows(l, plotWidth/2)
		for k := range rows {
			if share := rows[k].good / l.Count; share < worst {
				worst, n.lease, n.held = share, l, rows
			}
		}
	}
}

func (n *panel) hasStrip() bool { return n.age > 0 || n.queue > 0 }

func (n *panel) height() float64 {
	h := titleRow + n.rate + stripGap + bandHeight
	if n.hasStrip() {
		h += ageHeight + stripGap
	}
	if n.lease != nil {
		h += ageHeight + stripGap
	}
	return h
}

// plots are all the plots of a picture.
func (p *runPicture) plots() []scene.Box {
	all := p.lanePlots()
	for i := range p.panels {
		all = append(all, p.panels[i].strips()...)
	}
	return all
}

// strips are the plots of a panel: of rates and, where there are any, of the queue and
// of leases.
func (n *panel) strips() []scene.Box {
	all := []scene.Box{{Left: plotLeft, Top: n.top + titleRow, Width: plotWidth, Height: n.rate}}
	if n.hasStrip() {
		all = append(all, scene.Box{Left: plotLeft, Top: all[0].Top + n.rate + stripGap, Width: plotWidth, Height: ageHeight})
	}
	if n.lease != nil {
		last := all[len(all)-1]
		all = append(all, scene.Box{Left: plotLeft, Top: last.Top + last.Height + stripGap, Width: plotWidth, Height: ageHeight})
	}
	return all
}

// x is where a time stands.
func (p *runPicture) x(seconds float64) float64 {
	return p.left + (p.right-p.left)*min(1, max(0, seconds/p.length()))
}

// length is the length of the axis of time.
func (r *Run) length() float64 {
	if length := max(r.Horizon, r.Played); length > 0 {
		return length
	}
	return 1
}

// eventful is how much of a run there is something to see of: where nothing happens any
// more long before the end, not much more than that. What is recorded counts where it is
// drawn.
func (r *Run) eventful() float64 {
	length, last := r.length(), r.lastEvent()
	for i := range r.Recorded {
		if w := &r.Recorded[i]; w.To.Most < length {
			last = max(last, w.To.Most)
		}
	}
	return r.untilSoonAfter(last)
}

// lastEvent is when the last service was well again, or somebody did something.
func (r *Run) lastEvent() float64 {
	last := 0.0
	for i := range r.Services {
		if n := len(r.Services[i].Windows); n > 0 {
			last = max(last, r.Services[i].Windows[n-1].To)
		}
	}
	for i := range r.Events {
		e := &r.Events[i]
		if last = max(last, e.At); !e.Open {
			last = max(last, e.To)
		}
	}
	return last
}

// untilSoonAfter is a round time after another, or the end where that is near.
func (r *Run) untilSoonAfter(last float64) float64 {
	length := r.length()
	step := timeStep(length, 24)
	if end := math.Ceil(last*1.05/step) * step; last > 0 && end < 0.8*length {
		return end
	}
	return length
}

// length is the length of the axis of time in this picture.
func (p *runPicture) length() float64 {
	if p.until > 0 {
		return p.until
	}
	return p.Run.length()
}

// describe is what a screen reader reads.
func (p *runPicture) describe() string {
	parts := []string{p.headline()}
	for i := range p.Impaired {
		if i == mostPanels {
			parts = append(parts, fmt.Sprintf("and %d more", len(p.Impaired)-i))
			break
		}
		parts = append(parts, p.Services[p.Impaired[i].Service].ID+" "+p.story(&p.Impaired[i]))
	}
	if text := p.tally(); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(parts, ". ")
}

// story is what became of an impaired service: "down 41s–3m12s, 12.4k failed (20 %)".
func (r *Run) story(m *Impairment) string {
	if m.told != "" {
		return m.told
	}
	text := m.Worst.String() + " " + r.span(m.From, m.To, m.Open)
	if share := m.lost(); share != "" {
		text += fmt.Sprintf(", %s failed (%s)", amount(m.Lost), share)
	}
	return text
}

func (p *runPicture) body() string {
	p.Reset()
	for _, b := range p.plots() {
		p.printf("<rect class=\"plot\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>\n", px(b.Left), px(b.Top), px(b.Width), px(b.Height))
	}
	p.drawGrid()
	p.drawEvents()
	p.drawCurve()
	p.drawLanes()
	for i := range p.panels {
		p.drawPanel(&p.panels[i])
	}
	p.drawAxis()
	p.drawMultiples(p.to + p.axisRoom() + 12)
	return p.String()
}

func (p *runPicture) drawPanel(n *panel) {
	s := &p.Services[n.service]
	state, story, why := propagate.Healthy, "healthy all along", ""
	if n.impaired != nil {
		state, story, why = n.impaired.Worst, p.story(n.impaired), n.impaired.Because
	}
	p.printf("<g id=\"%s\" class=\"service\" data-worst=\"%s\"><title>%s</title>\n", p.id("s-", s.ID), state, escape(printable(p.hover(n, story, why))))

	// The headline of the panel.
	name := panelStyle.fit(printable(s.ID), runWidth/2)
	p.printf("<rect class=\"b-%s\" y=\"%s\" width=\"12\" height=\"12\" rx=\"3\"/>", state, px(n.top+1.5))
	p.printf("<text class=\"name\" x=\"19\" y=\"%s\">%s</text>", px(n.top+12.5), escape(name))
	left := 19 + panelStyle.width(name) + 12
	if why != "" {
		story += "  ←  " + why
	}
	p.printf("<text class=\"story\" x=\"%s\" y=\"%s\">%s</text>\n", px(left), px(n.top+12.5), escape(storyStyle.fit(printable(story), runWidth-left)))

	strips := n.strips()
	p.drawRates(n, s, strips[0])
	if n.hasStrip() {
		p.drawQueue(n, s, strips[1])
	}
	if n.lease != nil {
		p.drawHeld(n, strips[len(strips)-1])
	}
	if p.many != nil {
		p.drawShare(n, n.top+n.height()-bandHeight)
	} else {
		p.drawBand(s, n.top+n.height()-bandHeight)
	}
	p.printf("</g>\n")
}

// hover is all there is to say of a panel.
func (p *runPicture) hover(n *panel, story, why string) string {
	s := &p.Services[n.service]
	lines := []string{s.ID + ": " + story}
	if n.impaired != nil && n.impaired.Evidence != "" {
		lines = append(lines, n.impaired.Evidence)
	}
	if why != "" {
		lines = append(lines, "because "+why)
	}
	if !math.IsInf(s.Capacity, 1) && s.Capacity > 0 {
		lines = append(lines, "capacity "+amount(s.Capacity)+"/s")
	}
	return strings.Join(lines, "; ")
}

// drawRates draws demand, attempts, goodput and capacity.
func (p *runPicture) drawRates(n *panel, s *RunService, b scene.Box) {
	y := func(rate float64) float64 { return b.Top + b.Height*(1-min(1, rate/n.most)) }
	p.ticksOf(b, ticks(n.most, max(2, int(b.Height/30))), y, func(v float64) string { return amount(v) + "/s" })
	p.printf("<path class=\"good\" d=\"%s\"/>", p.area(n.rows, b.Top+b.Height, func(x *row) float64 { return y(x.good) }))
	p.sign("good")
	if p.many != nil {
		p.drawSpread(n, y)
	}
	if limit := s.Capacity; !math.IsInf(limit, 1) && slices.ContainsFunc(n.rows, func(x row) bool { return x.capacity <= n.most }) {
		p.printf("<path class=\"limit\" d=\"%s\"/>", p.line(n.rows, func(x *row) float64 { return y(x.capacity) }))
		p.sign("limit")
	}
	if slices.ContainsFunc(n.rows, func(x row) bool { return x.attempts > 1.005*x.offered+n.most/1000 }) {
		p.printf("<path class=\"attempts\" d=\"%s\"/>", p.line(n.rows, func(x *row) float64 { return y(x.attempts) }))
		p.sign("attempts")
	}
	p.printf("<path class=\"offered\" d=\"%s\"/>\n", p.line(n.rows, func(x *row) float64 { return y(x.offered) }))
	p.sign("offered")
	if n.cut > 0 {
		p.drawCut(n, b)
	}
}

// drawCut says how high attempts are where they leave the strip.
func (p *runPicture) drawCut(n *panel, b scene.Box) {
	i := slices.IndexFunc(n.rows, func(x row) bool { return x.attempts >= n.cut*(1-1e-9) })
	text := "▲ attempts up to " + amount(n.cut) + "/s"
	w := tickStyle.width(text)
	x := min(max(p.x((n.rows[i].from+n.rows[i].to)/2)-4, b.Left+4), b.Left+b.Width-w-4)
	p.printf("<text class=\"tick over\" x=\"%s\" y=\"%s\">%s</text>\n", px(x), px(b.Top+12), escape(text))
}

// drawQueue draws how old the queue is, and how long its callers wait.
func (p *runPicture) drawQueue(n *panel, s *RunService, b scene.Box) {
	most, label, of, sign := n.age, "the oldest waits up to "+moment(n.age), func(x *row) float64 { return x.age }, "age"
	if n.age <= 0 {
		most, label, of, sign = n.queue, "up to "+amount(n.queue)+" wait", func(x *row) float64 { return x.queue }, "queue"
	}
	deadline := !math.IsInf(s.Deadline, 1) && n.age > 0.3*s.Deadline && s.Deadline > 0
	if deadline {
		most = max(most, s.Deadline*1.15)
	}
	y := func(v float64) float64 { return b.Top + 1 + (b.Height-1)*(1-min(1, v/most)) }
	p.printf("<path class=\"age\" d=\"%s\"/>", p.area(n.rows, b.Top+b.Height, func(x *row) float64 { return y(of(x)) }))
	p.sign(sign)
	labelAt := b.Top + 11
	if at := y(s.Deadline); deadline && at < labelAt+2 {
		labelAt = at + 10.5 // below the line
	}
	p.printf("<text class=\"tick end\" x=\"%d\" y=\"%s\">queue</text><text class=\"tick over\" x=\"%s\" y=\"%s\">%s</text>",
		plotLeft-6, px(b.Top+15.5), px(b.Left+6), px(labelAt), escape(label))
	if deadline {
		at := y(s.Deadline)
		text := "callers wait " + moment(s.Deadline)
		p.printf("<path class=\"deadline\" d=\"M%s %sH%s\"/>", px(b.Left), px(at), px(b.Left+b.Width))
		p.printf("<text class=\"tick over end\" x=\"%s\" y=\"%s\">%s</text>", px(b.Left+b.Width-6), px(roomFor(at, b)), escape(text))
		p.sign("deadline")
	}
	p.printf("\n")
}

// drawHeld draws how many leases a service holds.
func (p *runPicture) drawHeld(n *panel, b scene.Box) {
	least := n.lease.Count
	for i := range n.held {
		least = min(least, n.held[i].good)
	}
	y := func(v float64) float64 { return b.Top + 1 + (b.Height-1)*(1-min(1, v/n.lease.Count)) }
	p.printf("<path class=\"held\" d=\"%s\"/>", p.area(n.held, b.Top+b.Height, func(x *row) float64 { return y(x.good) }))
	p.sign("held")
	text := fmt.Sprintf("%s: at the least %s of %s", n.lease.ID, amount(least), amount(n.lease.Count))
	p.printf("<text class=\"tick end\" x=\"%d\" y=\"%s\">leases</text><text class=\"tick over\" x=\"%s\" y=\"%s\">%s</text>\n",
		plotLeft-6, px(b.Top+15.5), px(b.Left+6), px(b.Top+b.Height-5), escape(tickStyle.fit(printable(text), plotWidth-12)))
}

// drawBand draws the states of a service, each with its word where it has room.
func (p *runPicture) drawBand(s *RunService, y float64) {
	p.printf("<g class=\"band\"><rect class=\"well\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\"/>", px(p.left), px(y), px(p.x(p.Played)-p.left), bandHeight)
	for _, w := range p.visible(s.Windows) {
		left, right := p.x(w.From), p.x(w.To)
		word := w.State.String()
		p.printf("<rect class=\"b-%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\"><title>%s</title></rect>", word, px(left), px(y), px(max(1.5, right-left)), bandHeight,
			escape(word+" "+p.span(w.From, w.To, w.Open)))
		p.sign("state " + word)
		if bandStyle.width(word)+8 <= right-left {
			p.printf("<text class=\"t-%s\" x=\"%s\" y=\"%s\">%s</text>", word, px((left+right)/2), px(y+11.2), word)
		}
	}
	p.printf("</g>\n")
}

// roomFor is where a word stands at a line: above it, or below one near the top.
func roomFor(at float64, b scene.Box) float64 {
	if at-b.Top >= 12 {
		return at - 3
	}
	return at + 10.5
}

// visible joins windows that are too narrow to be told apart into one of the worst
// state among them.
func (p *runPicture) visible(windows []propagate.Window) []propagate.Window {
	const narrow = 2.5
	var all []propagate.Window
	width := func(w propagate.Window) float64 { return p.x(w.To) - p.x(w.From) }
	tiny := func(w propagate.Window) bool { return width(w) < narrow }
	joins := false // the last of all is made of narrow ones, or is one
	for _, w := range windows {
		if n := len(all); n > 0 && joins && tiny(w) && p.x(w.From)-p.x(all[n-1].To) < narrow {
			last := &all[n-1]
			last.To, last.Open, last.State = w.To, w.Open, max(last.State, w.State)
			continue
		}
		joins = tiny(w)
		all = append(all, w)
	}
	return all
}

// sign notes that the legend has to explain something.
func (p *runPicture) sign(name string) { p.signs[name] = true }

// drawn are the rows that begin before the axis ends.
func (p *runPicture) drawn(rows []row) []row {
	n := len(rows)
	for n > 0 && rows[n-1].from >= p.length() {
		n--
	}
	return rows[:n]
}

// line is a path through the rows, level within each: a mean has no slope.
func (p *runPicture) line(rows []row, y func(*row) float64) string {
	var b strings.Builder
	last := ""
	rows = p.drawn(rows)
	for i := range rows {
		at := px(y(&rows[i]))
		switch {
		case i == 0:
			b.WriteString("M" + px(p.x(rows[i].from)) + " " + at)
		case at != last:
			b.WriteString("H" + px(p.x(rows[i].from)) + "V" + at)
		}
		last = at
	}
	if len(rows) > 0 {
		b.WriteString("H" + px(p.x(rows[len(rows)-1].to)))
	}
	return b.String()
}

// area is what is below such a path.
func (p *runPicture) area(rows []row, ground float64, y func(*row) float64) string {
	if len(rows) == 0 {
		return ""
	}
	return p.line(rows, y) + "V" + px(ground) + "H" + px(p.x(rows[0].from)) + "Z"
}
