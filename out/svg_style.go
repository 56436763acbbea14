package out

import (
	"fmt"
	"strings"
)

// outcomeOrder is every outcome a picture tells apart, mildest first.
var outcomeOrder = []string{"safe", "stale", "frozen", "delayed", "degraded", "corrupt", "down"}

// outcomeWords are the outcomes in a legend.
var outcomeWords = map[string]string{
	"safe": "safe", "stale": "stale", "frozen": "frozen", "delayed": "delayed", "degraded": "degraded", "corrupt": "wrong answers", "down": "down",
}

// tone is the colours of one outcome: of the strip with the icon, of the icon on
// it, of the box, of its border and of arrows.
type tone struct{ strip, icon, card, line string }

// theme is the colours of a picture. Strips are the palette of Okabe and Ito
// ("Color Universal Design", 2008), which people with any kind of colour vision
// tell apart; lines are darkened or lightened from it to 3:1 against the page, and
// texts stand at 4.5:1 or more (WCAG 2.2, 1.4.3 and 1.4.11). A test computes it.
type theme struct {
	page, frame, card         string
	text, soft, faint         string // of words, of lesser words, of arrows behind
	root, rootText, rootSoft  string
	strip, stripIcon, outline string // of boxes without an outcome
	tones                     map[string]tone
}

var light = theme{
	page: "#fcfcfa", frame: "#f0f1ed", card: "#ffffff",
	text: "#1a1f26", soft: "#4b5560", faint: "#b6bec7",
	root: "#1a1f26", rootText: "#ffffff", rootSoft: "#d3d9e0",
	strip: "#4b5c70", stripIcon: "#ffffff", outline: "#8b97a5",
	tones: map[string]tone{
		"safe":     {"#009e73", "#ffffff", "#ffffff", "#008a64"},
		"stale":    {"#cc79a7", "#1a1f26", "#faeaf2", "#b4558a"},
		"frozen":   {"#56b4e9", "#1a1f26", "#e4f3fd", "#2a86bf"},
		"delayed":  {"#f0e442", "#1a1f26", "#fdfbdd", "#8f8500"},
		"degraded": {"#e69f00", "#1a1f26", "#fdf1d6", "#b27800"},
		"corrupt":  {"#d55e00", "#ffffff", "#fde5d8", "#c45400"},
		"down":     {"#d55e00", "#ffffff", "#fde5d8", "#c45400"},
	},
}

var dark = theme{
	page: "#10141a", frame: "#1a2029", card: "#141920",
	text: "#eef2f6", soft: "#b3bdc8", faint: "#48525e",
	root: "#f4f6f8", rootText: "#10141a", rootSoft: "#3c4650",
	strip: "#8fa3b8", stripIcon: "#10141a", outline: "#64748b",
	tones: map[string]tone{
		"safe":     {"#009e73", "#ffffff", "#12231f", "#1fb58a"},
		"stale":    {"#cc79a7", "#10141a", "#32202b", "#cc79a7"},
		"frozen":   {"#56b4e9", "#10141a", "#172a39", "#56b4e9"},
		"delayed":  {"#f0e442", "#10141a", "#2d2b14", "#cfc437"},
		"degraded": {"#e69f00", "#10141a", "#35270c", "#e69f00"},
		"corrupt":  {"#d55e00", "#ffffff", "#3d2010", "#f07b22"},
		"down":     {"#d55e00", "#ffffff", "#3d2010", "#f07b22"},
	},
}

// stylesheet writes the light theme, and the dark one for readers who prefer it.
// Colours are written out in each rule: several viewers of SVG know neither
// custom properties nor media queries, and theirs is the light theme.
func stylesheet() string {
	return "\n" + shapes + light.rules() + "@media (prefers-color-scheme:dark){\n" + dark.rules() + "}\n"
}

// shapes is what does not depend on the theme. Kinds of needs differ in their
// dashes.
const shapes = `text{font-family:-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans","DejaVu Sans",sans-serif}
.headline{font-size:28px;font-weight:700}
.context{font-size:13px}
.summary{font-size:16px}
.chip{font-size:13px}.chip .n{font-weight:700}
.note,.entry{font-size:11.5px}
.caption{font-size:10.5px;font-weight:700;paint-order:stroke;stroke-width:3px;stroke-linejoin:round}
.label{font-size:13px;font-weight:700}
.detail,.when{font-size:11px}.when{text-anchor:end}
.root .label{font-size:16px}
.card{stroke-width:1.2}.first-tier .card{stroke-width:2.4}.halo{fill:none;stroke-width:2.5}
.icon *,.mark *,.sign g *{fill:none;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.mark *,.sign g *{stroke-width:1.3}
.edge path{fill:none;stroke-width:1}
.edge.carries path{stroke-width:2}.edge.holds path{stroke-width:1.7}.edge.needs path{stroke-width:1.2}
.edge path.tip{stroke:none}
.edge .stop .shield{stroke-width:1.5}.edge .stop .check{stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
.sign text{font-size:9.5px;font-weight:700;text-anchor:middle}
.edge .sign g path{stroke-width:1.3}.sign circle,.sign rect{stroke-width:1.2}
.k-soft .own{stroke-dasharray:6 3}
.k-fallback .own{stroke-dasharray:6 3 1.5 3}
.k-stale .own{stroke-dasharray:9 3 3 3}
.k-async .own{stroke-dasharray:2 3}
.k-fresh .own{stroke-dasharray:4 2}
.k-lease .own{stroke-dasharray:11 3}
.k-change .own{stroke-dasharray:8 2 1.5 2 1.5 2}
.k-repair .own{stroke-dasharray:1.5 2.5}
`

func (t *theme) rules() string {
	var b strings.Builder
	rule := func(selector, format string, args ...any) {
		fmt.Fprintf(&b, "%s{%s}\n", selector, fmt.Sprintf(format, args...))
	}
	rule(".page", "fill:%s", t.page)
	rule("text", "fill:%s", t.text)
	rule(".context,.summary,.detail,.when,.note,.entry text,.caption", "fill:%s", t.soft)
	rule(".group rect", "fill:%s", t.frame)
	rule(".caption", "stroke:%s", t.frame)
	rule(".mark *", "stroke:%s", t.soft)
	rule(".pile", "fill:%s;stroke:%s", t.card, t.outline)
	rule(".kind .card", "fill:%s;stroke:%s", t.card, t.outline)
	rule(".kind .strip", "fill:%s", t.strip)
	rule(".kind .icon *", "stroke:%s", t.stripIcon)
	rule(".edge path", "stroke:%s", t.faint)
	rule(".edge .tip", "fill:%s", t.faint)
	rule(".edge.sample path,.edge.needs path", "stroke:%s", t.soft)
	rule(".edge.needs .tip", "fill:%s", t.soft)
	rule(".sample .sign circle,.sample .sign rect,.needs .sign circle,.needs .sign rect", "stroke:%s", t.soft)
	for _, o := range outcomeOrder {
		c := t.tones[o]
		rule(fmt.Sprintf(".o-%s .card", o), "fill:%s;stroke:%s", c.card, c.line)
		rule(fmt.Sprintf(".o-%s .strip,.bar .o-%s", o, o), "fill:%s", c.strip)
		rule(fmt.Sprintf(".o-%s .icon *", o), "stroke:%s", c.icon)
		rule(fmt.Sprintf(".o-%s .icon .solid", o), "fill:%s", c.icon)
		if o != "safe" {
			rule(fmt.Sprintf(".edge.carries.o-%s path", o), "stroke:%s", c.line)
			rule(fmt.Sprintf(".edge.carries.o-%s .tip", o), "fill:%s", c.line)
			rule(fmt.Sprintf(".carries.o-%s .sign circle,.carries.o-%s .sign rect", o, o), "stroke:%s", c.line)
		}
	}
	// Behind the rules above, so that it wins where both match.
	for _, o := range outcomeOrder {
		rule(fmt.Sprintf(".edge path.shared.o-%s", o), "stroke:%s", t.tones[o].line)
	}
	safe, down := t.tones["safe"], t.tones["down"]
	rule(".edge.holds path", "stroke:%s", safe.line)
	rule(".edge .stop .shield,.mark.holds *", "fill:%s;stroke:%s", safe.strip, t.page)
	rule(".edge .stop .check", "stroke:%s", safe.icon)
	rule(".sign circle,.sign rect", "fill:%s", t.page)
	rule(".holds .sign circle,.holds .sign rect", "stroke:%s", safe.line)
	rule(".edge .sign g *", "stroke:%s", t.text)
	rule(".root .card", "fill:%s;stroke:%s", t.root, t.root)
	rule(".halo", "stroke:%s", down.strip)
	rule(".root .label", "fill:%s", t.rootText)
	rule(".root .detail,.root .when", "fill:%s", t.rootSoft)
	rule(".root .mark *", "stroke:%s", t.rootSoft)
	return b.String()
}
