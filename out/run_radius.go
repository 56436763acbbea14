package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/out/gv"
	"github.com/knockon/knockon/out/scene"
)

// The picture of a blast radius over time is its curve, with the area below it, and the
// graph at three moments: when the first service is hit, when most is affected, and when
// half of that is over. The graphs are small multiples: one layout, without words, so
// that all there is to see in them is what differs.

const (
	radiusRoom  = 220 // of the curve
	multipleGap = 24
	readable    = 0.55 // scale from which on names can be read
)

// multiples are the graphs below the axis.
type multiples struct {
	course *course
	width  float64 // of one
	scale  float64
	all    []multiple
	height float64
}

type multiple struct {
	at   float64
	word string
}

// drawRadius draws the blast radius of a run over time.
func drawRadius(r *Run) ([]byte, error) {
	p := &runPicture{Run: r, left: plotLeft, right: runWidth, mostTracks: laneTracks, curve: &scene.Box{}, curveRoom: radiusRoom, until: r.untilSoonAfter(r.lastEvent())}
	if r.Map != nil {
		c := runCourse(r)
		if err := gv.Place(c.scene); err != nil {
			return nil, err
		}
		p.small = newMultiples(r, c)
	}
	return p.draw(), nil
}

func newMultiples(r *Run, c *course) *multiples {
	m := &multiples{course: c}
	if len(c.scene.Nodes) == 0 {
		return nil
	}
	m.all = []multiple{{c.onset, "onset"}, {c.peak, "peak"}}
	if radius := r.Radius(); math.IsNaN(radius.HalfAt) {
		m.all = append(m.all, multiple{r.Played * (1 - 1e-9), "the end"})
	} else {
		m.all = append(m.all, multiple{radius.HalfAt, "half over"})
	}
	if c.onset == c.peak {
		m.all = m.all[1:]
		m.all[0].word = "onset and peak"
	}
	m.width = (runWidth - 2*multipleGap) / 3
	m.scale = min(m.width/c.scene.Size.Width, 0.8)
	m.height = c.scene.Size.Height*m.scale + 46
	return m
}

// drawMoments marks the moments on the curve, and half of the peak.
func (p *runPicture) drawMoments(y func(weight float64) float64) {
	if p.small == nil {
		return
	}
	b := *p.curve
	radius := p.Radius()
	if radius.Peak > 0 {
		p.sign("half")
		to := b.Left + b.Width
		if !math.IsNaN(radius.HalfAt) {
			to = p.x(radius.HalfAt)
		}
		p.printf("<path class=\"half\" d=\"M%s %sH%s\"/>", px(p.x(radius.PeakAt)), px(y(radius.Peak/2)), px(to))
	}
	last := math.Inf(-1)
	for i, m := range p.small.all {
		x := p.x(m.at)
		p.printf("<path class=\"moment\" d=\"M%s %sV%s\"/>", px(x), px(b.Top), px(b.Top+b.Height))
		last = max(min(max(x, b.Left+9), b.Left+b.Width-9), last+18) // beside the one before
		p.badge(last, b.Top+10, i+1)
	}
}

// badge draws a number in a circle.
func (p *runPicture) badge(x, y float64, n int) {
	p.printf("<g class=\"badge\"><circle cx=\"%s\" cy=\"%s\" r=\"8\"/><text x=\"%s\" y=\"%s\">%d</text></g>", px(x), px(y), px(x), px(y+3.8), n)
}

// drawMultiples draws the graphs from y on.
func (p *runPicture) drawMultiples(y float64) {
	if p.small == nil {
		return
	}
	m := p.small
	s := m.course.scene
	for i, moment := range m.all {
		left := float64(i) * (m.width + multipleGap)
		p.badge(left+8, y+8, i+1)
		count := 0
		for k := range s.Nodes {
			if m.course.at(k, moment.at) != "safe" {
				count++
			}
		}
		text := fmt.Sprintf("%s, %s", moment.word, m.course.label(moment.at))
		p.printf("<text class=\"story\" x=\"%s\" y=\"%s\">%s</text>", px(left+23), px(y+12), escape(storyStyle.fit(text, m.width-23)))
		p.printf("<g class=\"multiple\" data-affected=\"%d\" transform=\"translate(%s %s) scale(%.4f)\"><title>%s</title>\n", count, px(left), px(y+28), m.scale,
			escape(fmt.Sprintf("%s: %d of %s affected", text, count, plural(len(s.Nodes), "box"))))
		var ways strings.Builder
		for k := range s.Edges {
			e := &s.Edges[k]
			if e.Role == scene.Carries && m.course.at(e.From, moment.at) != "safe" && m.course.at(e.To, moment.at) != "safe" {
				ways.WriteString(pathData(e.Points))
			}
		}
		if ways.Len() > 0 {
			p.printf("<path class=\"ways\" d=\"%s\"/>\n", ways.String())
		}
		for k := range s.Nodes {
			n := &s.Nodes[k]
			p.printf("<rect class=\"m-%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"6\"><title>%s</title></rect>\n", m.course.at(k, moment.at),
				px(n.At.X-n.Size.Width/2), px(n.At.Y-n.Size.Height/2), px(n.Size.Width), px(n.Size.Height), escape(n.Label))
			if m.scale >= readable {
				class := "mini"
				if m.course.at(k, moment.at) == "safe" {
					class = "mini well"
				}
				p.printf("<text class=\"%s\" x=\"%s\" y=\"%s\">%s</text>\n", class, px(n.At.X), px(n.At.Y+5), escape(labelStyle.fit(n.Label, n.Size.Width-8)))
			}
		}
		p.printf("</g>\n")
	}
}

// radiusStylesheet is what this picture has besides.
func radiusStylesheet() string {
	rules := func(t *theme, r *runTheme) string {
		var b strings.Builder
		for _, o := range outcomeOrder {
			fill, line := t.tones[o].strip, t.tones[o].line
			if o == "safe" {
				fill, line = r.well, t.outline
			}
			fmt.Fprintf(&b, ".m-%s{fill:%s;stroke:%s}\n", o, fill, line)
		}
		fmt.Fprintf(&b, "text.mini{fill:%s}\ntext.mini.well{fill:%s}\n", bandText, t.text)
		fmt.Fprintf(&b, ".ways{stroke:%s}\n.moment,.half{stroke:%s}\n.badge circle{fill:%s}\n.badge text{fill:%s}\n", t.soft, t.text, t.text, t.page)
		return b.String()
	}
	return ".ways{fill:none;stroke-width:1.2;vector-effect:non-scaling-stroke}\n.moment,.half{fill:none;stroke-width:1.2}.half{stroke-dasharray:5 3}\n.mini{font-size:13px;font-weight:700;text-anchor:middle}\n.badge text{font-size:11px;font-weight:700;text-anchor:middle}\n" +
		rules(&light, &runLight) + "@media (prefers-color-scheme:dark){\n" + rules(&dark, &runDark) + "}\n"
}
