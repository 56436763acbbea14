package out

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/propagate/scenario"
)

// stateTones are the outcomes whose colours the states have: what is alike in a
// blast radius and over time looks alike.
var stateTones = map[string]string{
	"healthy": "safe", "frozen": "frozen", "throttled": "stale", "delayed": "delayed", "degraded": "degraded", "down": "down",
}

// The colour of recovering is the one of Okabe and Ito that no outcome has, and its
// words are white on it. Who is exposed still works: grey.
const (
	exposedStrip    = "#b8bec9"
	recoveringStrip = "#0072b2"
	recoveringText  = "#ffffff"
	bandText        = "#10141a" // on all other strips, at 4.5:1 or more
)

func stateStrip(t *theme, state string) string {
	switch state {
	case "recovering":
		return recoveringStrip
	case "exposed":
		return exposedStrip
	}
	return t.tones[stateTones[state]].strip
}

func stateText(state string) string {
	if state == "recovering" {
		return recoveringText
	}
	return bandText
}

// verdictTones are the states whose colours the verdicts have.
var verdictTones = []struct{ verdict, state string }{
	{"healthy", "healthy"}, {"recovered", "healthy"}, {"degraded", "degraded"}, {"metastable", "down"}, {"ongoing", "delayed"},
}

// runTheme is what only the picture of a run has.
type runTheme struct{ plot, grid, well, good, goodLine, age, ageLine, load, loadLine string }

var (
	runLight = runTheme{
		plot: "#f3f4f0", grid: "#dfe3e0", well: "#d5e9e1", good: "#a6dac7", goodLine: "#1f9a76",
		age: "#c3bcd8", ageLine: "#7d6fa8", load: "#e4f3fd", loadLine: "#2a86bf",
	}
	runDark = runTheme{
		plot: "#181e26", grid: "#2a323c", well: "#1c3a31", good: "#17594a", goodLine: "#2bbd92",
		age: "#453d63", ageLine: "#9a8cc9", load: "#172a39", loadLine: "#56b4e9",
	}
)

func runStylesheet() string {
	return "\n" + runShapes + light.runRules(&runLight) + "@media (prefers-color-scheme:dark){\n" + dark.runRules(&runDark) + "}\n"
}

// laneStylesheet is what swim-lanes have besides.
func laneStylesheet() string {
	return laneShapes + light.laneRules() + "@media (prefers-color-scheme:dark){\n" + dark.laneRules() + "}\n"
}

const laneShapes = `.group{font-size:10.5px;font-weight:700}.lane-name{font-size:11.5px}
.hit{fill:none;pointer-events:all}
.cause .own{fill:none;stroke-width:1.1;stroke-linejoin:round}
.recorded .maybe{opacity:.3}.recorded .rule{fill:none;stroke-width:2}
`

func (t *theme) laneRules() string {
	return fmt.Sprintf(".cause .own{stroke:%s}\n.cause .tip{fill:%s}\n.recorded .rule{stroke:%s}\n.crowd{fill:%s}\ntext.group{fill:%s}\n", t.text, t.text, t.text, t.outline, t.soft)
}

const runShapes = `text{font-family:-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans","DejaVu Sans",sans-serif}
.headline{font-size:28px;font-weight:700}
.context{font-size:13px}
.summary{font-size:16px}
.verdict text{font-size:13px;font-weight:700;text-anchor:middle}
.name{font-size:14px;font-weight:700}
.story{font-size:12px}
.note,.entry,.event text{font-size:11.5px}
.tick,.axis text{font-size:10.5px}.end{text-anchor:end}
.over{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}
.axis text{text-anchor:middle}
.axis path,.grid{fill:none;stroke-width:1}
.offered,.attempts,.limit,.deadline,.event .edge{fill:none}
.offered{stroke-width:1.8;stroke-linejoin:round}
.attempts{stroke-width:1.1;stroke-linejoin:round}
.limit{stroke-width:1.2;stroke-dasharray:1.5 3}
.deadline{stroke-width:1.2;stroke-dasharray:5 3}
.good,.age,.held{stroke-width:1}
.tint{opacity:.55}
.event .bar{stroke-width:1.2}
.event .edge{stroke-width:1;stroke-dasharray:4 3}
.band text{font-size:10.5px;font-weight:700;text-anchor:middle}
`

func (t *theme) runRules(r *runTheme) string {
	var b strings.Builder
	rule := func(selector, format string, args ...any) {
		fmt.Fprintf(&b, "%s{%s}\n", selector, fmt.Sprintf(format, args...))
	}
	rule(".page", "fill:%s", t.page)
	rule("text", "fill:%s", t.text)
	rule(".context,.summary,.story,.note,.entry text,.tick,.axis text", "fill:%s", t.soft)
	rule(".plot", "fill:%s", r.plot)
	rule(".grid", "stroke:%s", r.grid)
	rule(".axis path", "stroke:%s", t.outline)
	rule(".over", "stroke:%s", r.plot)
	rule(".offered", "stroke:%s", t.text)
	rule(".attempts", "stroke:%s", t.tones["down"].line)
	rule(".limit", "stroke:%s", t.soft)
	rule(".deadline", "stroke:%s", t.tones["down"].line)
	rule(".good", "fill:%s;stroke:%s", r.good, r.goodLine)
	rule(".age", "fill:%s;stroke:%s", r.age, r.ageLine)
	rule(".held", "fill:%s;stroke:%s", r.load, r.loadLine)
	rule(".well", "fill:%s", r.well)
	for _, e := range []struct{ class, card, line string }{
		{"e-fault", t.tones["down"].card, t.tones["down"].line},
		{"e-load", r.load, r.loadLine},
		{"e-action", t.card, t.soft},
	} {
		rule("."+e.class+" .bar", "fill:%s;stroke:%s", e.card, e.line)
		rule("."+e.class+" .tint", "fill:%s", e.card)
		rule("."+e.class+" .edge", "stroke:%s", e.line)
	}
	for _, state := range scenario.States {
		rule(".b-"+state, "fill:%s", stateStrip(t, state))
		rule(".band .t-"+state, "fill:%s", stateText(state))
	}
	for _, v := range verdictTones {
		rule(".v-"+v.verdict+" rect", "fill:%s", stateStrip(t, v.state))
		rule(".v-"+v.verdict+" text", "fill:%s", stateText(v.state))
	}
	return b.String()
}
