package out

import (
	"fmt"
	"strings"
)

// drawEnsemble draws the mean of many runs as one run, and around its goodput the band
// in which nineteen of twenty lie. Where a run has its states it has the share of the
// runs in which the service is impaired.
func drawEnsemble(e *Ensemble) []byte {
	p := &runPicture{Run: e.Run, many: e}
	p.chooseCharts()
	return p.draw()
}

func (p *runPicture) stylesheet() string {
	switch {
	case p.swim != nil:
		return runStylesheet() + laneStylesheet()
	case p.small != nil:
		return runStylesheet() + radiusStylesheet()
	case p.many == nil:
		return runStylesheet()
	}
	rules := func(t *theme, r *runTheme) string {
		return fmt.Sprintf(".spread{fill:%s}\n.ill{fill:%s}\n", r.goodLine, stateStrip(t, "degraded"))
	}
	return runStylesheet() + ".spread{opacity:.35}\n" + rules(&light, &runLight) + "@media (prefers-color-scheme:dark){\n" + rules(&dark, &runDark) + "}\n"
}

// drawSpread draws between which rates of goodput nineteen of twenty runs lie.
func (p *runPicture) drawSpread(n *panel, y func(rate float64) float64) {
	low, high := p.spreadOf(n.service)
	if len(low) == 0 {
		return
	}
	// There along the upper edge, back along the lower.
	var b strings.Builder
	b.WriteString(p.line(high, func(x *row) float64 { return y(x.good) }))
	for i := len(low) - 1; i >= 0; i-- {
		b.WriteString("V" + px(y(low[i].good)) + "H" + px(p.x(low[i].from)))
	}
	p.printf("<path class=\"spread\" d=\"%sZ\"/>", b.String())
	p.sign("spread")
}

// spreadOf are the lower and the upper edge of the goodput of a service, in the rows of
// its panel.
func (p *runPicture) spreadOf(service int) (low, high []row) {
	edge := func(of func(k int) float64) []row {
		s := p.Services[service]
		s.Bins = append(s.Bins[:0:0], s.Bins...)
		for k := range s.Bins {
			s.Bins[k].Good = of(k) * (p.Times[k+1] - p.Times[k])
		}
		return p.resample(&s, plotWidth/2)
	}
	x := &p.many.Many.Services[service]
	return edge(func(k int) float64 { return x.Goodput[k].Low }), edge(func(k int) float64 { return x.Goodput[k].High })
}

// drawShare draws in which share of the runs a service is impaired.
func (p *runPicture) drawShare(n *panel, y float64) {
	ill := p.many.Many.Services[n.service].Ill
	s := p.Services[n.service]
	s.Bins = append(s.Bins[:0:0], s.Bins...)
	most := 0.0
	for k := range s.Bins {
		s.Bins[k].Good = ill[k] * (p.Times[k+1] - p.Times[k])
		most = max(most, ill[k])
	}
	rows := p.resample(&s, plotWidth/2)
	p.printf("<g class=\"band\"><rect class=\"well\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\"/>", px(p.left), px(y), px(p.x(p.Played)-p.left), bandHeight)
	if most > 0 {
		p.printf("<path class=\"ill\" d=\"%s\"><title>%s</title></path>",
			p.area(rows, y+bandHeight, func(x *row) float64 { return y + bandHeight*(1-min(1, x.good)) }), escape("impaired in up to "+percent(most)+" of the runs"))
		p.sign("ill")
	}
	p.printf("</g>\n")
}
