package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/propagate"
)

// A card shows what an incident does to services that are laid over its own, in the size
// in which pages preview a link: to be shared where nobody opens a report.

// Sizes of a card, in pixels.
const (
	cardWidth  = 1200
	cardHeight = 630
	cardMargin = 56
	cardInner  = cardWidth - 2*cardMargin
	cardNames  = 240 // room for the names of lanes
	cardRight  = 84  // and for their minutes
	cardLanes  = 6   // at most
	cardSpace  = 162 // of all lanes
	cardTall   = 36  // a lane at most
	tierWidth  = 34
	cardTiles  = 4
	cardGap    = 16 // between tiles
	tileHeight = 108
)

var (
	cardSmall = style{15, false}
	cardTitle = style{40, true}
	cardText  = style{20, false}
	tileValue = style{32, true}
	tileLabel = style{14.5, false}
	cardName  = style{15, true}
)

// cardPicture is the work of drawing a card.
type cardPicture struct {
	*Replay
	*fallout
	canvas
	shown []ownService
	tall  float64 // of a lane
	bar   float64 // of a band in it
	last  float64 // minute at which the axis ends
}

// drawCard draws a card.
func drawCard(r *Replay) []byte {
	p := &cardPicture{Replay: r, fallout: r.fallout()}
	p.choose()
	count := capitalFirst(p.count(p.fallout))
	sentence := capitalFirst(p.sentence(p.fallout)) + "."
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc">`+"\n", cardWidth, cardHeight, cardWidth, cardHeight)
	p.printf("<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(printable(r.Title+": "+count)), escape(p.describe(sentence)))
	p.printf("<style>%s</style>\n<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n<rect class=\"edge v-%s\" width=\"%d\" height=\"8\"/>\n", cardStylesheet(), cardWidth, cardHeight, p.worstState(), cardWidth)
	context := "What that day would have done to us  ·  " + p.Title
	if p.Title == "" {
		context = "What it would have done to us"
	}
	p.text("context", cardMargin, 58, cardSmall.fit(printable(context), cardInner))
	p.text("headline", cardMargin, 110, cardTitle.fit(count, cardInner))
	for i, line := range wrapWords(printable(sentence), cardText, cardInner, 2) {
		p.text("verdict", cardMargin, 148+float64(i)*27, line)
	}
	p.tiles(196)
	p.lanes(334)
	p.foot()
	p.printf("</svg>\n")
	return p.Bytes()
}

// describe is what a screen reader reads.
func (p *cardPicture) describe(sentence string) string {
	parts := []string{sentence}
	for _, text := range []string{p.beginning(p.fallout), p.through(p.fallout)} {
		if text != "" {
			parts = append(parts, capitalFirst(text)+".")
		}
	}
	return printable(strings.Join(parts, " "))
}

// choose takes the most important services that are hit, then others, and as much time
// as anything lasts.
func (p *cardPicture) choose() {
	for _, hit := range []bool{true, false} {
		for i := range p.services {
			if s := &p.services[i]; len(s.windows) > 0 == hit && len(p.shown) < cardLanes {
				p.shown = append(p.shown, *s)
			}
		}
	}
	for i := range p.services {
		for _, x := range p.services[i].windows {
			p.last = max(p.last, x.To)
		}
	}
	if !math.IsInf(p.mended, 1) {
		p.last = max(p.last, p.mended)
	}
	p.last = max(1, min(1.08*p.last, p.Played/60))
}

// worstState is the worst that any of them is in.
func (p *cardPicture) worstState() string {
	worst := propagate.Healthy
	for i := range p.services {
		for _, x := range p.services[i].windows {
			worst = max(worst, x.State)
		}
	}
	return worst.String()
}

func (p *cardPicture) text(class string, x, y float64, text string) {
	p.printf("<text class=\"%s\" x=\"%s\" y=\"%s\">%s</text>\n", class, px(x), px(y), escape(text))
}

// tiles are the four numbers that people ask for.
func (p *cardPicture) tiles(y float64) {
	type tile struct{ value, label, detail string }
	all := []tile{{fmt.Sprintf("%d of %d", p.hit, len(p.services)), "services hit", ""}}
	for i, n := range p.tiers() {
		if i > 0 {
			all[0].detail += ",  "
		}
		all[0].detail += fmt.Sprintf("%s: %d/%d", strings.Replace(n.name, "tier ", "T", 1), n.hit, n.of)
	}
	if first, worst := p.first(), p.worst(); first != nil {
		by := ""
		if first.by >= 0 {
			by = "by " + p.title(first.by)
		}
		all = append(all,
			tile{p.minute(first.from), "first hit: " + p.title(first.index), by},
			tile{minutesText(worst.impaired), "longest: " + p.title(worst.index), strings.ReplaceAll(worst.states(), " for ", " ")})
		if math.IsInf(p.mended, 1) {
			all = append(all, tile{"–", "the fault was not over", ""})
		} else {
			all = append(all, tile{minutesText(worst.after), "of it after the repair at " + p.minute(p.mended), p.deed})
		}
	} else {
		all = append(all, tile{"–", "first hit", "never"}, tile{"0", "minutes impaired", ""}, tile{"0", "minutes after the repair", ""})
	}
	const width = (cardInner - (cardTiles-1)*cardGap) / float64(cardTiles)
	for i, t := range all {
		x := cardMargin + float64(i)*(width+cardGap)
		p.printf("<rect class=\"tile\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\" rx=\"8\"/>\n", px(x), px(y), px(width), tileHeight)
		room := width - 32
		p.text("value", x+16, y+43, tileValue.fit(printable(t.value), room))
		p.text("label", x+16, y+69, tileLabel.fit(printable(t.label), room))
		p.text("detail", x+16, y+91, tileLabel.fit(printable(t.detail), room))
	}
}

func (p *cardPicture) x(minute float64) float64 {
	return cardMargin + cardNames + (cardInner-cardNames-cardRight)*min(1, max(0, minute/p.last))
}

// lanes are the services against the clock.
func (p *cardPicture) lanes(y float64) {
	if len(p.shown) == 0 {
		return
	}
	p.tall = min(cardTall, cardSpace/float64(len(p.shown)))
	p.bar = math.Round(0.56 * p.tall)
	bottom := y + float64(len(p.shown))*p.tall
	step := timeStep(60*p.last, 8) / 60
	first := 0.0
	if !p.Start.IsZero() { // round on the clock
		offset := float64(p.Start.Hour()*60+p.Start.Minute()) + float64(p.Start.Second())/60
		first = math.Ceil(offset/step)*step - offset
	}
	for k := 0; first+float64(float64(k)*step) <= p.last; k++ {
		m := first + float64(float64(k)*step)
		p.printf("<path class=\"grid\" d=\"M%s %sV%s\"/>", px(p.x(m)), px(y-2), px(bottom))
		p.text("tick", p.x(m), bottom+16, p.minute(m))
	}
	for i := range p.shown {
		p.lane(&p.shown[i], y+float64(i)*p.tall)
	}
	if !math.IsInf(p.mended, 1) {
		x := p.x(p.mended)
		p.printf("<path class=\"repair\" d=\"M%s %sV%s\"><title>%s</title></path>\n", px(x), px(y-6), px(bottom), escape(printable(p.deed+" at "+p.minute(p.mended))))
		p.text("sign", x, y-10, "repaired "+p.minute(p.mended))
	}
}

func (p *cardPicture) lane(s *ownService, y float64) {
	top := y + (p.tall-p.bar)/2
	base := y + p.tall/2 + 5
	name := p.title(s.index)
	length := "not hit"
	if len(s.windows) > 0 {
		length = minutesText(s.impaired)
	}
	hover := name + ": " + p.allOf(p.Services[s.index].ID)
	if s.because != "" {
		hover += "; because " + s.because
	}
	p.printf("<g class=\"lane\"><title>%s</title>\n", escape(printable(hover)))
	badge := 0.0
	if len(p.tiers()) > 0 {
		badge = tierWidth
	}
	if s.tier != nil {
		p.text("tier", cardMargin, base, cut("T"+tier(s.tier), 3))
	}
	p.text("name", cardMargin+badge, base, cardName.fit(name, cardNames-badge-16))
	p.printf("<rect class=\"well\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"2\"/>", px(p.x(0)), px(top), px(p.x(p.last)-p.x(0)), px(p.bar))
	for _, w := range s.windows {
		p.printf("<rect class=\"v-%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>", w.State, px(p.x(w.From)), px(top), px(max(2, p.x(w.To)-p.x(w.From))), px(p.bar))
	}
	p.text("length", cardWidth-cardMargin, base, length)
	p.printf("</g>\n")
}

// foot says through what it came, what the colours mean, and how it is known.
func (p *cardPicture) foot() {
	if len(p.ways) > 0 {
		p.text("way", cardMargin, cardHeight-80, cardName.fit(printable(capitalFirst(p.through(p.fallout))), cardInner))
	}
	if why := p.reasons(); why != "" {
		p.text("because", cardMargin, cardHeight-57, cardSmall.fit(printable("Because "+why), cardInner))
	}
	seen := make(map[propagate.State]bool)
	for i := range p.shown {
		for _, w := range p.shown[i].windows {
			seen[w.State] = true
		}
	}
	x := float64(cardMargin)
	for state := propagate.Down; state > propagate.Exposed; state-- {
		if !seen[state] {
			continue
		}
		p.printf("<rect class=\"v-%s\" x=\"%s\" y=\"%d\" width=\"18\" height=\"12\" rx=\"2\"/>", state, px(x), cardHeight-37)
		p.text("legend", x+25, cardHeight-27, state.String())
		x += 25 + cardSmall.width(state.String()) + 20
	}
	source := "a simulation by knockon, not a record"
	switch {
	case p.Partial:
		source = "interrupted after " + moment(p.Played) + ": " + source
	case p.Chance != "":
		source = p.Chance + ": " + source
	}
	if more := len(p.services) - len(p.shown); more > 0 {
		source = plural(more, "service") + " not shown  ·  " + source
	}
	p.text("source", cardWidth-cardMargin, cardHeight-27, cardSmall.fit(printable(source), cardWidth-cardMargin-x-20))
}

func cardStylesheet() string {
	rules := func(t *theme, r *runTheme) string {
		var b strings.Builder
		fmt.Fprintf(&b, ".page{fill:%s}\ntext{fill:%s}\n.context,.verdict,.label,.detail,.because,.tick,.tier,.legend,.source,.sign{fill:%s}\n.tile{fill:%s;stroke:%s}\n.well{fill:%s}\n.grid{stroke:%s}\n.repair{stroke:%s}\n",
			t.page, t.text, t.soft, t.card, r.grid, r.well, r.grid, t.text)
		fmt.Fprintf(&b, ".v-healthy{fill:%s}\n", stateStrip(t, "healthy"))
		for s := propagate.Frozen; s <= propagate.Down; s++ {
			fmt.Fprintf(&b, ".v-%s{fill:%s}\n", s, stateStrip(t, s.String()))
		}
		return b.String()
	}
	const shapes = `text{font-family:-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans","DejaVu Sans",sans-serif}
.context,.way,.because,.legend,.source,.tier,.length{font-size:15px}
.headline{font-size:40px;font-weight:700}
.verdict{font-size:20px}
.value{font-size:32px;font-weight:700}
.label,.detail{font-size:14.5px}
.name{font-size:15px;font-weight:700}
.way{font-weight:700}
.tick,.sign{font-size:12.5px;text-anchor:middle}
.length,.source{text-anchor:end}
.tile,.grid{stroke-width:1}
.repair{stroke-width:1.5;stroke-dasharray:4 3}
.grid,.repair{fill:none}
`
	return "\n" + shapes + rules(&light, &runLight) + "@media (prefers-color-scheme:dark){\n" + rules(&dark, &runDark) + "}\n"
}
