package out

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/out/scene"
)

// The fonts of headline and legend.
var (
	headlineStyle = style{28, true}
	summaryStyle  = style{16, false}
	chipStyle     = style{13, false}
	noteStyle     = style{11.5, false}
)

// header draws the headline, the summary, a bar of all services by outcome and
// what its colours mean. It returns the height it takes.
func header(s *scene.Scene, width float64) (svg string, height float64) {
	c := &canvas{}
	y := 36.0
	if s.Context != "" {
		c.printf("<text class=\"context\" y=\"%s\">%s</text>\n", px(y), escape(chipStyle.fit(s.Context, width)))
		y += 6
	}
	y += 26
	c.printf("<text class=\"headline\" y=\"%s\">%s</text>\n", px(y), escape(headlineStyle.fit(s.Title, width)))
	y += 4
	for _, line := range s.Summary {
		y += 24
		c.printf("<text class=\"summary\" y=\"%s\">%s</text>\n", px(y), escape(summaryStyle.fit(line, width)))
	}
	if len(s.Counts) > 0 {
		total := 0
		for _, n := range s.Counts {
			total += n.Count
		}
		y += 18
		drawShares(c, s.Counts, total, scene.Box{Top: y, Width: width, Height: 8})
		y += 20
		x := 0.0
		for _, n := range s.Counts {
			x = drawChip(c, n, x, y)
		}
		y += 22
	}
	return c.String(), y + 26
}

// drawChip draws the sign of an outcome and how often it occurs, and returns
// where the next may stand.
func drawChip(c *canvas, n scene.Share, x, y float64) float64 {
	count := fmt.Sprint(n.Count)
	c.printf("<g class=\"chip%s\" transform=\"translate(%s %s)\"><rect class=\"strip\" width=\"22\" height=\"22\" rx=\"5\"/><g class=\"icon\" transform=\"translate(3 3)\">%s</g><text x=\"29\" y=\"15.5\"><tspan class=\"n\">%s</tspan> %s</text></g>\n",
		outcomeClass(n.Outcome), px(x), px(y), icons[n.Outcome], count, outcomeWords[n.Outcome])
	return x + 29 + style{13, true}.width(count) + chipStyle.width(" "+outcomeWords[n.Outcome]) + 24
}

// footer draws the legend and the notes.
func footer(s *scene.Scene, width float64) (svg string, height float64) {
	const (
		gap  = 26.0
		line = 25.0
	)
	c := &canvas{}
	x, y := 0.0, 40.0
	for _, e := range s.Legend {
		sample := 50.0
		if !strings.HasPrefix(e.Sign, "role") && !strings.HasPrefix(e.Sign, "kind") && e.Sign != "badge" {
			sample = 30
		}
		w := sample + noteStyle.width(e.Text) + gap
		if x > 0 && x+w-gap > width {
			x, y = 0, y+line
		}
		c.printf("<g class=\"entry\" transform=\"translate(%s %s)\">%s<text x=\"%s\" y=\"4\">%s</text></g>\n", px(x), px(y), legendSign(e.Sign), px(sample), escape(e.Text))
		x += w
	}
	if len(s.Legend) > 0 {
		y += line + 5
	}
	for _, note := range s.Notes {
		for _, text := range wrapWords(note, noteStyle, width, 3) {
			c.printf("<text class=\"note\" y=\"%s\">%s</text>\n", px(y), escape(text))
			y += 17
		}
	}
	return c.String(), y + 22
}

// legendSign draws a sample, 42 pixels wide, its middle at y = 0.
func legendSign(sign string) string {
	what, which, _ := strings.Cut(sign, " ")
	switch what {
	case "role":
		end := `<path class="tip" d="M42 0L33 4V-4Z"/>`
		outcome := "down"
		switch scene.Role(which) {
		case scene.Holds:
			end, outcome = `<g class="stop" transform="translate(32 0)">`+shieldSign+`</g>`, ""
		case scene.Plain:
			end, outcome = `<path class="tip" d="M42 0L37 2.500V-2.500Z"/>`, ""
		}
		return fmt.Sprintf(`<g class="edge %s%s"><path class="own" d="M0 0H34"/>%s</g>`, which, outcomeClass(outcome), end)
	case "kind":
		icon := ""
		if i, ok := smallIcons[which]; ok {
			icon = `<g class="sign" transform="translate(21 0)"><circle r="8.5"/><g transform="translate(-6 -6)">` + i + `</g></g>`
		}
		return fmt.Sprintf(`<g class="edge sample k-%s"><path class="own" d="M0 0H42"/>%s</g>`, which, icon)
	case "badge":
		return `<g class="edge sample"><path class="own" d="M0 0H42"/><g class="sign" transform="translate(21 0)"><rect x="-13" y="-8" width="26" height="16" rx="8"/><text y="3.5">2/3</text></g></g>`
	case "mark":
		return `<g class="mark ` + which + `" transform="translate(8 -6)">` + smallIcons[which] + `</g>`
	case "icon":
		return `<g class="node kind"><rect class="strip" x="0" y="-11" width="22" height="22" rx="5"/><g class="icon" transform="translate(3 -8)">` + icons[which] + `</g></g>`
	case "folded":
		return `<g class="node o-safe"><rect class="pile" x="3" y="-5" width="24" height="14" rx="3"/><rect class="pile" x="0" y="-8" width="24" height="14" rx="3"/></g>`
	}
	return ""
}

// wrapWords breaks a text into lines of a width, most of them at the end.
func wrapWords(text string, t style, width float64, most int) []string {
	var lines []string
	line, taken := "", 0.0
	for word := range strings.SplitSeq(text, " ") {
		longer := taken + t.width(" "+word)
		if longer > width && len(lines) == most-1 && line != "" {
			line += " " + word // for the ellipsis
			break
		}
		if line != "" && longer <= width {
			line, taken = line+" "+word, longer
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line, taken = word, t.width(word)
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = t.fit(lines[i], width)
	}
	return lines
}
