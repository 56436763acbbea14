package out

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
)

// An animation is a picture of a graph in which boxes and arrows take the colours that
// they have over time, by style sheets alone. Every look of a box is drawn, one over the
// other, and is opaque while the box looks so. What does not play style sheets, a print
// and a reader who wants no motion see the moment at which most is affected.

const (
	animationLength = 18 // seconds of one round
	animationLead   = 0.05
	animationHold   = 0.12 // of a round, at the end
	labelSlots      = 60   // clock faces in a round
	curveHeight     = 96.0
)

// drawAnimation draws a course whose scene is placed.
func drawAnimation(c *course) []byte {
	a := &animation{course: c, classes: make(map[string]string)}
	a.ids, a.signs = make(map[string]bool), make(map[scene.Point]bool)
	return a.draw()
}

type animation struct {
	*course
	canvas
	classes map[string]string // of sequences of opacity
	rules   strings.Builder
	changes []float64
}

// progress is how far into a round a time is shown, 0..1: half by the clock and half by
// how much has changed, so that neither a burst nor a long wait takes it all.
func (a *animation) progress(seconds float64) float64 {
	at := min(1, max(0, seconds/a.length))
	if n := len(a.changes); n > 0 {
		i, _ := slices.BinarySearch(a.changes, math.Nextafter(seconds, math.Inf(1)))
		at = 0.5*at + 0.5*float64(i)/float64(n)
	}
	return animationLead + (1-animationLead-animationHold)*at
}

// percent is a place in a round as style sheets write it, in steps that no eye sees.
func percentOf(progress float64) string {
	return strconv.FormatFloat(math.Round(progress*400)/4, 'f', -1, 64) + "%"
}

// class is the class of what is opaque in some spans, and else not.
func (a *animation) class(spans [][2]float64) string {
	const faint = "0"
	var frames []string
	add := func(at, opacity string) {
		if n := len(frames); n > 0 && strings.HasPrefix(frames[n-1], at+"{") {
			frames = frames[:n-1]
		}
		if n := len(frames); n > 0 && strings.HasSuffix(frames[n-1], "{opacity:"+opacity+"}") {
			return
		}
		frames = append(frames, at+"{opacity:"+opacity+"}")
	}
	add("0%", faint)
	for _, s := range spans {
		from, to := percentOf(a.progress(s[0])), percentOf(a.progress(s[1]))
		if s[1] >= a.length { // it lasts, and is held
			to = ""
		}
		if from == to {
			continue // too short to be seen
		}
		add(from, "1")
		if to != "" {
			add(to, faint)
		}
	}
	sequence := strings.Join(frames, "")
	if class, ok := a.classes[sequence]; ok {
		return class
	}
	class := fmt.Sprintf("a%d", len(a.classes)+1)
	a.classes[sequence] = class
	fmt.Fprintf(&a.rules, "@keyframes %s{%s}\n.%s{animation:%s %ds step-end infinite}\n", class, sequence, class, class, animationLength)
	return class
}

// open begins a group that is opaque in some spans.
func (a *animation) open(spans [][2]float64) {
	still := "0"
	for _, s := range spans {
		if s[0] <= a.peak && a.peak < s[1] {
			still = "1"
		}
	}
	a.printf("<g class=\"move %s\" opacity=\"%s\">", a.class(spans), still)
}

func (a *animation) draw() []byte {
	s := a.scene
	for _, spans := range a.spans {
		for _, span := range spans {
			a.changes = append(a.changes, span.from, min(span.to, a.length))
		}
	}
	slices.Sort(a.changes)
	width := max(s.Size.Width, leastTop) + 2*margin
	head, top := header(s, width-2*margin)
	bottom := curveHeight + 2*margin
	height := top + s.Size.Height + bottom

	for i := range s.Clusters {
		drawCluster(&a.canvas, &s.Clusters[i])
	}
	a.drawArrows()
	for i := range s.Clusters {
		drawCaption(&a.canvas, &s.Clusters[i])
	}
	for i := range s.Nodes {
		a.drawBox(i)
	}
	diagram := a.String()
	a.Reset()
	a.drawClock(width - 2*margin)
	foot := a.String()

	c := &canvas{}
	c.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-labelledby="title desc">`+"\n",
		px(width), px(height), px(width), px(height))
	c.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(s.Title), escape(describeScene(s)))
	c.printf("<style>%s%s%s@media (prefers-reduced-motion:reduce){.move{animation:none}}\n@media print{.move{animation:none}}\n</style>\n", stylesheet(), animationStyle(), a.rules.String())
	c.printf("<rect class=\"page\" width=\"%s\" height=\"%s\"/>\n", px(width), px(height))
	c.printf("<g id=\"head\" transform=\"translate(%d 0)\">\n%s</g>\n", margin, head)
	c.printf("<g id=\"diagram\" transform=\"translate(%s %s)\">\n%s</g>\n", px((width-s.Size.Width)/2), px(top), diagram)
	c.printf("<g id=\"clock\" transform=\"translate(%d %s)\">\n%s</g>\n</svg>\n", margin, px(top+s.Size.Height+margin), foot)
	return c.Bytes()
}

func animationStyle() string {
	rules := func(t *theme, r *runTheme) string {
		return fmt.Sprintf(".curve{fill:%s}\n.ground{fill:%s}\n.hand{stroke:%s}\n.calm .node .card{stroke:%s}\n.calm .node .strip{fill:%s}\n.calm .node .icon *{stroke:%s}\n",
			t.tones["down"].line, r.plot, t.text, t.outline, r.well, t.tones["safe"].line)
	}
	return ".face{font-size:20px;font-weight:700}\n.hand{stroke-width:2}\n.curve{opacity:.8}\n" + rules(&light, &runLight) +
		"@media (prefers-color-scheme:dark){\n" + rules(&dark, &runDark) + "}\n"
}

// drawArrows draws what carries a failure: faint until it does.
func (a *animation) drawArrows() {
	s := a.scene
	for i := range s.Edges { // all ways there are, in one colour
		if e := s.Edges[i]; e.Role == scene.Carries || e.Role == scene.Holds {
			e.Role, e.Outcome = scene.Plain, ""
			a.drawEdgeAlone(&e)
		}
	}
	for i := range s.Edges {
		e := &s.Edges[i]
		if e.Role != scene.Carries && e.Role != scene.Holds {
			continue
		}
		var both [][2]float64
		for _, x := range a.spans[e.From] {
			if e.Role == scene.Holds {
				both = append(both, [2]float64{x.from, x.to})
				continue
			}
			for _, y := range a.spans[e.To] {
				if from, to := max(x.from, y.from), min(x.to, y.to); to > from {
					both = append(both, [2]float64{from, to})
				}
			}
		}
		if len(both) == 0 {
			continue
		}
		a.open(merge(both))
		a.drawEdgeAlone(e)
		a.printf("</g>\n")
	}
}

// drawEdgeAlone draws an arrow with the sign on it, which is elsewhere shared by those
// that leave one place.
func (a *animation) drawEdgeAlone(e *scene.Edge) {
	a.signs = make(map[scene.Point]bool)
	a.front.Reset()
	alone := *a.scene
	if e.Role == scene.Plain { // what it shares has the colour of the node it leaves
		alone.Nodes = slices.Clone(alone.Nodes)
		alone.Nodes[e.From].Outcome = ""
	}
	drawEdge(&a.canvas, &alone, e)
	a.Write(a.front.Bytes())
}

// merge joins spans that touch.
func merge(all [][2]float64) [][2]float64 {
	slices.SortFunc(all, func(x, y [2]float64) int { return slices.Compare(x[:], y[:]) })
	var joined [][2]float64
	for _, s := range all {
		if n := len(joined); n > 0 && s[0] <= joined[n-1][1] {
			joined[n-1][1] = max(joined[n-1][1], s[1])
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// drawBox draws every look of a box: well, and over it each outcome it comes to.
func (a *animation) drawBox(i int) {
	n := a.scene.Nodes[i]
	well := n
	well.Outcome, well.Detail, well.When, well.Shares, well.Marks = graph.Safe.String(), "well", "", nil, nil
	if n.Folded > 0 {
		well.Detail = plural(n.Folded, "service")
	}
	if n.Root {
		well.Root = false
		well.Size.Width -= 2 * haloWidth
		well.Size.Height -= 2 * haloWidth
	}
	a.printf("<g class=\"calm\">")
	drawNode(&a.canvas, &well)
	a.printf("</g>\n")
	looks := make(map[string][][2]float64)
	for _, s := range a.spans[i] {
		looks[s.outcome] = append(looks[s.outcome], [2]float64{s.from, s.to})
	}
	for _, outcome := range outcomeOrder {
		spans, ok := looks[outcome]
		if !ok {
			continue
		}
		look := n
		look.Outcome, look.Detail, look.When, look.Shares, look.Marks = outcome, outcomeWords[outcome], "", nil, nil
		if n.Folded > 0 {
			look.Detail = plural(n.Folded, "service") + ", worst " + look.Detail
		}
		a.open(merge(spans))
		drawNode(&a.canvas, &look)
		a.printf("</g>\n")
	}
}

// drawClock draws the weight that is affected, a hand that goes along it, and the time.
func (a *animation) drawClock(width float64) {
	const face = 250.0 // room on the left for the time
	most := 0.0
	for _, x := range a.radius {
		most = max(most, x.weight)
	}
	b := scene.Box{Left: face, Width: width - face, Height: curveHeight - 20}
	x := func(seconds float64) float64 { return b.Left + b.Width*min(1, max(0, seconds/a.length)) }
	y := func(weight float64) float64 { return b.Top + b.Height*(1-weight/max(most*1.05, 1e-9)) }
	a.printf("<rect class=\"ground\" x=\"%s\" width=\"%s\" height=\"%s\" rx=\"4\"/>", px(b.Left), px(b.Width), px(b.Height))
	var d strings.Builder
	fmt.Fprintf(&d, "M%s %s", px(b.Left), px(b.Height))
	last := ""
	for _, r := range a.radius {
		at, to := px(x(r.at)), px(y(r.weight))
		if to != last {
			d.WriteString("H" + at + "V" + to)
			last = to
		}
	}
	fmt.Fprintf(&d, "H%sV%sZ", px(b.Left+b.Width), px(b.Height))
	a.printf("<path class=\"curve\" d=\"%s\"/>\n", d.String())

	// The hand keeps to the clock: between changes it goes evenly.
	var frames strings.Builder
	const handFrames = 80
	inverse := make([]float64, handFrames+1) // of progress
	at := 0
	const fine = 4000
	for k := range fine + 1 {
		seconds := a.length * float64(k) / fine
		for at <= handFrames && a.progress(seconds) >= float64(at)/handFrames {
			inverse[at] = seconds
			at++
		}
	}
	for ; at <= handFrames; at++ {
		inverse[at] = a.length
	}
	for k, seconds := range inverse {
		fmt.Fprintf(&frames, "%s{transform:translateX(%spx)}", percentOf(float64(k)/handFrames), px(x(seconds)-b.Left))
	}
	fmt.Fprintf(&a.rules, "@keyframes hand{%s}\n.going{animation:hand %ds linear infinite}\n", frames.String(), animationLength)
	a.printf("<g transform=\"translate(%s 0)\"><g class=\"move going\" transform=\"translate(%s 0)\"><path class=\"hand\" d=\"M0-6V%s\"/></g></g>\n", px(b.Left), px(x(a.peak)-b.Left), px(b.Height+6))
	a.printf("<text class=\"note\" x=\"%s\" y=\"%s\">0</text>", px(b.Left), px(b.Height+16))
	a.printf("<text class=\"note\" x=\"%s\" y=\"%s\" text-anchor=\"end\">%s</text>", px(b.Left+b.Width), px(b.Height+16), escape(moment(coarse(math.Round(a.length)))))

	// Clock faces, each for a slot of the round.
	fmt.Fprintf(&a.rules, "@keyframes face{0%%{opacity:1}%s%%{opacity:0}}\n", strconv.FormatFloat(100.0/labelSlots, 'f', 4, 64))
	still := int(a.progress(a.peak) * labelSlots)
	for k := range labelSlots {
		progress := (float64(k) + 0.5) / labelSlots
		seconds := inverse[min(handFrames, int(progress*handFrames+0.5))]
		weight := 0.0
		for _, r := range a.radius {
			if r.at <= seconds {
				weight = r.weight
			}
		}
		opacity := "0"
		if k == still {
			opacity, seconds = "1", a.peak
			for _, r := range a.radius {
				if r.at == a.peak {
					weight = r.weight
				}
			}
		}
		fmt.Fprintf(&a.rules, ".f%d{animation:face %ds step-end %ss infinite both}\n", k, animationLength, strconv.FormatFloat(float64(k)*animationLength/labelSlots-animationLength, 'f', 3, 64))
		a.printf("<g class=\"move f%d\" opacity=\"%s\"><text class=\"face\" y=\"30\">%s</text><text class=\"context\" y=\"54\">%s</text></g>\n", k, opacity,
			escape(a.label(seconds)), escape("affected: "+amount(weight)))
	}
}
