package out

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/out/gv"
	"github.com/knockon/knockon/out/scene"
)

// writeSVG draws a picture that stands alone: no scripts, no fonts and nothing
// from elsewhere, light or dark as the reader prefers, every part with an id, its
// outcome as data and a title to hover over.
func writeSVG(w io.Writer, r Report, o Options) error {
	picture, err := svgOf(r, o.Picture)
	if err != nil {
		return err
	}
	_, err = w.Write(picture)
	return err
}

// svgOf draws a picture of a report.
func svgOf(r Report, p Picture) ([]byte, error) {
	switch r := r.(type) {
	case *Run:
		return drawRun(r, p)
	case *Ensemble:
		return drawEnsemble(r), nil
	case *Replay:
		switch p {
		case Usual, Record:
			return drawReplay(r), nil
		case Card:
			return drawCard(r), nil
		}
		return drawRun(r.Run, p)
	case *Blast:
		switch p {
		case Animation:
			return drawOver(blastCourse(r))
		case Rings:
			return drawRings(blastRings(r)), nil
		}
	}
	s, err := sceneOf("svg", r)
	if err != nil {
		return nil, err
	}
	if err := gv.Place(s); err != nil {
		return nil, err
	}
	return drawSVG(s), nil
}

// sceneOf is the picture of a report, not yet placed.
func sceneOf(format string, r Report) (*scene.Scene, error) {
	switch r := r.(type) {
	case *Blast:
		return blastScene(r), nil
	case *Map:
		return mapScene(r), nil
	}
	return nil, unsupported(format, r)
}

// Spaces of a page, in pixels.
const (
	margin   = 36
	leastTop = 860 // the narrowest page: headline and legend need it
)

// canvas writes SVG elements.
type canvas struct {
	bytes.Buffer
	ids   map[string]bool
	signs map[scene.Point]bool // where arrows have one: those of a group start at one place
	front bytes.Buffer         // the signs, which no other arrow may cross out
}

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(c, format, args...) }

// px prints a coordinate: a tenth of a pixel is enough.
func px(f float64) string {
	f = math.Round(f*10) / 10
	if f == 0 {
		f = 0 // never "-0"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// escape makes a text safe between tags and in quoted attributes. What XML cannot
// hold becomes U+FFFD.
func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// id makes an XML name of any text, different for different calls: letters and
// digits stay, so that a style or a script written by hand can find a service.
func (c *canvas) id(prefix, text string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, text)
	name := prefix + slug
	for n := 2; c.ids[name]; n++ {
		name = prefix + slug + "-" + strconv.Itoa(n)
	}
	c.ids[name] = true
	return name
}

func drawSVG(s *scene.Scene) []byte {
	width := max(s.Size.Width, leastTop) + 2*margin
	c := &canvas{ids: make(map[string]bool), signs: make(map[scene.Point]bool)}
	head, top := header(s, width-2*margin)
	foot, bottom := footer(s, width-2*margin)
	height := top + s.Size.Height + bottom
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="title desc">`+"\n",
		px(width), px(height), px(width), px(height))
	c.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(s.Title), escape(describeScene(s)))
	c.printf("<style>%s</style>\n", stylesheet())
	c.printf("<rect class=\"page\" width=\"%s\" height=\"%s\"/>\n", px(width), px(height))
	c.printf("<g id=\"head\" transform=\"translate(%d 0)\">\n%s</g>\n", margin, head)
	// A diagram narrower than its page stands in the middle.
	c.printf("<g id=\"diagram\" transform=\"translate(%s %s)\">\n", px((width-s.Size.Width)/2), px(top))
	for i := range s.Clusters {
		drawCluster(c, &s.Clusters[i])
	}
	for _, role := range []scene.Role{scene.Plain, scene.Needs, scene.Holds, scene.Carries} {
		drawEdges(c, s, role)
	}
	c.Write(c.front.Bytes())
	for i := range s.Clusters { // over the arrows, which may pass behind
		drawCaption(c, &s.Clusters[i])
	}
	for i := range s.Nodes {
		drawNode(c, &s.Nodes[i])
	}
	c.printf("</g>\n<g id=\"foot\" transform=\"translate(%d %s)\">\n%s</g>\n</svg>\n", margin, px(top+s.Size.Height), foot)
	return c.Bytes()
}

// describeScene is what a screen reader reads.
func describeScene(s *scene.Scene) string {
	parts := append([]string{}, s.Summary...)
	for _, n := range s.Counts {
		parts = append(parts, fmt.Sprintf("%d %s", n.Count, outcomeWords[n.Outcome]))
	}
	return strings.Join(append(parts, s.Notes...), ". ")
}

func drawCluster(c *canvas, k *scene.Cluster) {
	b := k.Box
	c.printf("<g id=\"%s\" class=\"group\"><title>%s</title><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"8\"/></g>\n",
		c.id("g-", k.ID), escape(k.Label), px(b.Left), px(b.Top), px(b.Width), px(b.Height))
}

func drawCaption(c *canvas, k *scene.Cluster) {
	c.printf("<text class=\"caption\" x=\"%s\" y=\"%s\">%s</text>\n", px(k.Box.Left+9), px(k.Box.Top+15), escape(captionStyle.fit(k.Label, k.Box.Width-18)))
}

// outcomeClass is the class of an outcome, with a space before it. Outcomes and
// kinds of needs share words, so their classes have prefixes.
func outcomeClass(outcome string) string {
	if outcome == "" {
		return ""
	}
	return " o-" + outcome
}

func drawNode(c *canvas, n *scene.Node) {
	class, icon, label := "node"+outcomeClass(n.Outcome), n.Outcome, labelStyle
	switch {
	case n.Root:
		class, icon, label = class+" root", "root", rootStyle
	case n.Outcome == "":
		class, icon = "node kind", n.Kind
	}
	if n.Tier == "0" {
		class += " first-tier"
	}
	w, h := n.Size.Width, n.Size.Height
	if n.Root {
		w, h = w-2*haloWidth, h-2*haloWidth
	}
	data := ""
	if n.Outcome != "" {
		data = fmt.Sprintf(` data-outcome="%s" data-begins="%s"`, n.Outcome, strconv.FormatFloat(n.Begins, 'f', -1, 64))
	}
	c.printf("<g id=\"%s\" class=\"%s\"%s transform=\"translate(%s %s)\"><title>%s</title>",
		c.id("n-", n.ID), class, data, px(n.At.X-w/2), px(n.At.Y-h/2), escape(n.Title))
	if n.Root {
		c.printf("<rect class=\"halo\" x=\"-4\" y=\"-4\" width=\"%s\" height=\"%s\" rx=\"10\"/>", px(w+8), px(h+8))
	}
	if n.Folded > 0 { // a pile of boxes
		c.printf("<rect class=\"pile\" x=\"6\" y=\"6\" width=\"%s\" height=\"%s\" rx=\"6\"/><rect class=\"pile\" x=\"3\" y=\"3\" width=\"%s\" height=\"%s\" rx=\"6\"/>",
			px(w), px(h), px(w), px(h))
	}
	c.printf("<rect class=\"card\" width=\"%s\" height=\"%s\" rx=\"6\"/>", px(w), px(h))
	c.printf("<path class=\"strip\" d=\"M%d 0V%sH6a6 6 0 0 1-6-6V6a6 6 0 0 1 6-6Z\"/>", stripWidth, px(h))
	c.printf("<g class=\"icon\" transform=\"translate(%d %s)\">%s</g>", (stripWidth-16)/2, px(h/2-8), icons[icon])
	left, right := float64(stripWidth+boxPad), w-boxPad
	middle := h / 2
	if len(n.Shares) > 0 {
		middle -= 4 // room for the bar
		drawShares(c, n.Shares, n.Folded, scene.Box{Left: left, Top: h - 10, Width: right - left, Height: 5})
	}
	room := right - left + 2
	for k, m := range n.Marks {
		c.printf("<g class=\"mark %s\" transform=\"translate(%s %s)\">%s</g>", m, px(right-float64((k+1)*markWidth)+4), px(middle-15), smallIcons[m])
	}
	c.printf("<text class=\"label\" x=\"%s\" y=\"%s\">%s</text>", px(left), px(middle-3), escape(label.fit(n.Label, room-float64(len(n.Marks)*markWidth))))
	if n.When != "" {
		c.printf("<text class=\"when\" x=\"%s\" y=\"%s\">%s</text>", px(right), px(middle+12), escape(n.When))
		room -= detailStyle.width(n.When) + 8
	}
	c.printf("<text class=\"detail\" x=\"%s\" y=\"%s\">%s</text></g>\n", px(left), px(middle+12), escape(detailStyle.fit(n.Detail, room)))
}

// drawShares draws a bar in the proportions of the outcomes.
func drawShares(c *canvas, all []scene.Share, total int, b scene.Box) {
	left := b.Left
	c.printf("<g class=\"bar\">")
	for _, s := range all {
		w := b.Width * float64(s.Count) / float64(total)
		c.printf("<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", outcomeClass(s.Outcome)[1:], px(left), px(b.Top), px(max(w-1, 1)), px(b.Height))
		left += w
	}
	c.printf("</g>")
}
