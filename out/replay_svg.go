package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
	"github.com/knockon/knockon/propagate/scenario"
)

// The picture of a replay is a lane for every recorded service, what was recorded above
// what came out, on one axis of time. A band in which a recorded boundary lies is drawn
// paler than what is certain.

// Sizes of the picture of a replay, in pixels.
const (
	nameWidth = 196 // room for names
	barHeight = 11
	barGap    = 3
	laneSpace = 12 // between services
	deedRow   = 17
)

var deedStyle = style{11, false}

type replayPicture struct {
	*Replay
	canvas
	names []string
	last  float64 // minutes; end of the axis
	top   float64 // of the first lane
}

func drawReplay(r *Replay) []byte {
	p := &replayPicture{Replay: r}
	p.choose()
	body := p.body()
	foot, height := p.foot()
	width := float64(runWidth + 2*margin)
	c := &canvas{}
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="title desc">`+"\n", px(width), px(height), px(width), px(height))
	c.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(printable(r.Title)), escape(printable(r.headline())))
	c.printf("<style>%s</style>\n<rect class=\"page\" width=\"%s\" height=\"%s\"/>\n", replayStylesheet(), px(width), px(height))
	c.printf("<g transform=\"translate(%d 0)\">\n%s%s</g>\n</svg>\n", margin, body, foot)
	return c.Bytes()
}

// choose takes the services that are recorded and as much time as anything lasts that is
// scored, and a quarter more.
func (p *replayPicture) choose() {
	rec := p.Replay.Replay.Record
	seen := make(map[string]bool)
	for i := range rec.Windows {
		w := &rec.Windows[i]
		if w.Scores() && !seen[w.Service] {
			seen[w.Service] = true
			p.names = append(p.names, w.Service)
		}
	}
	p.last = rec.Last() / 60
	for _, x := range p.Replay.Replay.Impacts {
		if seen[x.Service] {
			p.last = max(p.last, min(x.To, 1.25*p.last))
		}
	}
	p.last = max(1, min(1.06*p.last, p.Horizon/60))
}

func (p *replayPicture) x(minute float64) float64 {
	return nameWidth + (runWidth-nameWidth)*min(1, max(0, minute/p.last))
}

func (p *replayPicture) laneTop(i int) float64 {
	return p.top + float64(i)*(2*barHeight+barGap+laneSpace)
}

func (p *replayPicture) bottom() float64 { return p.laneTop(len(p.names)) }

func (p *replayPicture) body() string {
	y := 36.0
	context := p.played()
	if p.Catalog != "" {
		context = p.Catalog + "  ·  " + context
	}
	p.printf("<text class=\"context\" y=\"%s\">%s</text>\n", px(y), escape(chipStyle.fit(printable(context), runWidth)))
	y += 34
	p.printf("<text class=\"headline\" y=\"%s\">%s</text>\n", px(y), escape(headlineStyle.fit(printable(p.Title), runWidth)))
	y += 14
	for _, line := range wrapWords(capital(printable(p.Replay.headline()+"; "+p.beaten())), summaryStyle, runWidth, 3) {
		y += 22
		p.printf("<text class=\"summary\" y=\"%s\">%s</text>\n", px(y), escape(line))
	}
	y += 22
	y = p.events(y)
	p.top = y + 12
	p.grid()
	for i, name := range p.names {
		p.lane(i, name)
	}
	return p.String()
}

// events lists what happened and was done, each with a number that stands at its line.
func (p *replayPicture) events(y float64) float64 {
	const columns = 3
	var shown []Event
	for _, e := range p.Events {
		if !e.Constant && e.Kind != LoadEvent && e.At/60 <= p.last {
			shown = append(shown, e)
		}
	}
	const most = 18
	for i := range shown {
		if i == most {
			break
		}
		e := &shown[i]
		x := float64(i%columns) * (runWidth / columns)
		row := y + float64(i/columns)*deedRow
		text := fmt.Sprintf("%d  %s  %s", i+1, p.minute(e.At/60), printable(e.Text))
		p.printf("<text class=\"deed k-%s\" x=\"%s\" y=\"%s\">%s</text>\n", e.Kind, px(x), px(row+11), escape(deedStyle.fit(text, runWidth/columns-12)))
	}
	rows := (min(len(shown), most) + columns - 1) / columns
	lines := y + float64(rows)*deedRow + 16
	end := lines + 12 + float64(len(p.names))*(2*barHeight+barGap+laneSpace)
	at := math.Inf(-1)
	for i := range shown {
		if i == most {
			break
		}
		x := p.x(shown[i].At / 60)
		p.printf("<path class=\"line k-%s\" d=\"M%s %sV%s\"/>", shown[i].Kind, px(x), px(lines), px(end))
		if x-at > 13 {
			p.printf("<text class=\"sign\" x=\"%s\" y=\"%s\">%d</text>", px(x), px(lines-3), i+1)
			at = x
		}
	}
	p.printf("\n")
	return lines
}

// grid draws the axis of time: on the wall clock where there is one.
func (p *replayPicture) grid() {
	y := p.bottom()
	step := timeStep(60*p.last, 12) / 60
	for k := 0; float64(k)*step <= p.last+1e-9; k++ {
		m := float64(k) * step
		if !p.Start.IsZero() { // round on the clock
			offset := float64(p.Start.Hour()*60+p.Start.Minute()) + float64(p.Start.Second())/60
			m = math.Ceil(offset/step)*step - offset + float64(k)*step
			if m > p.last {
				break
			}
		}
		p.printf("<path class=\"grid\" d=\"M%s %sV%s\"/><text class=\"tick\" x=\"%s\" y=\"%s\">%s</text>\n", px(p.x(m)), px(p.top), px(y), px(p.x(m)), px(y+16), escape(p.minute(m)))
	}
}

func (p *replayPicture) lane(i int, name string) {
	y := p.laneTop(i)
	p.printf("<g class=\"lane\" id=\"%s\"><text class=\"name\" x=\"%d\" y=\"%s\">%s</text>\n", escape("lane-"+laneID(i)), nameWidth-12, px(y+barHeight+6), escape(panelStyle.fit(printable(name), nameWidth-16)))
	p.printf("<rect class=\"well\" x=\"%d\" y=\"%s\" width=\"%d\" height=\"%d\"/><rect class=\"well\" x=\"%d\" y=\"%s\" width=\"%d\" height=\"%d\"/>\n",
		nameWidth, px(y), runWidth-nameWidth, barHeight, nameWidth, px(y+barHeight+barGap), runWidth-nameWidth, barHeight)
	rec := p.Replay.Replay.Record
	s := p.Replay.Replay.Shown()
	for k := range rec.Windows {
		if w := &rec.Windows[k]; w.Service == name && w.Scores() {
			p.recorded(w, &s.Windows[k], y)
		}
	}
	for _, x := range p.Replay.Replay.Impacts {
		if x.Service == name {
			p.bar(x.State.String(), "", x.From, x.To, y+barHeight+barGap, "simulated: "+x.State.String()+" "+p.simulated(&x))
		}
	}
	p.printf("</g>\n")
}

func laneID(i int) string { return fmt.Sprint(i + 1) }

// recorded draws a window, and paler where its boundaries may lie.
func (p *replayPicture) recorded(w *scenario.Recorded, x *replay.Window, y float64) {
	from, to := 0.0, p.last
	text := fmt.Sprintf("recorded: %s %s–%s, known as %s", w.State, p.band(w.Start), p.band(w.End), w.Confidence)
	if w.Facts != "" {
		text += ": " + w.Facts
	}
	if x.Onset.Scored || x.Recover.Scored {
		text += fmt.Sprintf("; onset off by %s min, recovery by %s", off(&x.Onset), off(&x.Recover))
	}
	if w.Start.Known {
		from = w.Start.High / 60
		if w.Start.Low < w.Start.High {
			p.bar(w.State, " pale", w.Start.Low/60, from, y, text)
		}
	} else if x.Impact != nil {
		from = x.Impact.From
	}
	if w.End.Known {
		to = w.End.Low / 60
		if w.End.Low < w.End.High {
			p.bar(w.State, " pale", to, w.End.High/60, y, text)
		}
	}
	class := ""
	if !w.Start.Known {
		class = " open"
	}
	p.bar(w.State, class, from, to, y, text)
}

func (p *replayPicture) bar(state, class string, from, to, y float64, text string) {
	left, right := p.x(from), p.x(to)
	if to <= 0 || from >= p.last {
		return
	}
	p.printf("<rect class=\"b-%s%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\"><title>%s</title></rect>\n", state, class, px(left), px(y), px(max(1.5, right-left)), barHeight, escape(printable(text)))
}

// foot is the legend, and how high the picture is.
func (p *replayPicture) foot() (string, float64) {
	y := p.bottom() + 44
	c := &canvas{}
	x := 0.0
	for _, state := range []string{"down", "degraded", "delayed", "throttled", "frozen"} {
		c.printf("<rect class=\"b-%s\" x=\"%s\" y=\"%s\" width=\"22\" height=\"11\"/><text class=\"note\" x=\"%s\" y=\"%s\">%s</text>\n", state, px(x), px(y-9), px(x+29), px(y), state)
		x += 29 + noteStyle.width(state) + 22
	}
	c.printf("<text class=\"note\" x=\"%s\" y=\"%s\">above: recorded, pale where sources disagree; below: simulated, at %s of demand failing</text>\n", px(x), px(y), percent(replay.Shown))
	return c.String(), y + 24
}

func replayStylesheet() string {
	rules := func(t *theme, r *runTheme) string {
		var b strings.Builder
		fmt.Fprintf(&b, ".page{fill:%s}\ntext{fill:%s}\n.context,.summary,.note,.tick,.deed{fill:%s}\n.well{fill:%s}\n.grid{stroke:%s}\n", t.page, t.text, t.soft, r.plot, r.grid)
		fmt.Fprintf(&b, ".line{stroke:%s}\n.line.k-fault{stroke:%s}\n", t.soft, t.tones["down"].line)
		for s := propagate.Frozen; s <= propagate.Down; s++ {
			fmt.Fprintf(&b, ".b-%s{fill:%s}\n", s, stateStrip(t, s.String()))
		}
		return b.String()
	}
	const shapes = `text{font-family:-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans","DejaVu Sans",sans-serif}
.headline{font-size:28px;font-weight:700}
.context{font-size:13px}
.summary{font-size:16px}
.name{font-size:13px;font-weight:700;text-anchor:end}
.note{font-size:11.5px}
.tick{font-size:10.5px;text-anchor:middle}
.deed{font-size:11px}
.sign{font-size:10px;font-weight:700;text-anchor:middle}
.grid,.line{fill:none;stroke-width:1}
.line{stroke-dasharray:4 3}
.pale{opacity:.4}
.open{opacity:.7}
`
	return "\n" + shapes + rules(&light, &runLight) + "@media (prefers-color-scheme:dark){\n" + rules(&dark, &runDark) + "}\n"
}
