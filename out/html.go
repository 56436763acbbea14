package out

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/knockon/knockon/out/gv"
)

// The page is one file that opens from disk and asks for nothing: its pictures, its
// data and its scripts are in it, and its policy (Content-Security-Policy) lets nothing
// else run or load. Words, swim-lanes and tables are written here and need no script;
// what moves is made of the data by page/page.js. Names come from untrusted catalogs:
// they are escaped in what is written, and the script only ever sets them as text.

// uPlot draws the charts that a reader can zoom: github.com/leeoniya/uPlot, version
// 1.6.32, as it is published. Its licence stands beside it.
var (
	//go:embed page/uPlot.iife.min.js
	uplotScript string
	//go:embed page/uPlot.min.css
	uplotStyle string
	//go:embed page/uPlot.LICENSE
	uplotLicence string
	//go:embed page/page.js
	pageScript string
	//go:embed page/page.css
	pageStyle string
)

// page is what is written of a report.
type page struct {
	title, context, verdict, verdictText string
	words                                []string // the summary, a paragraph each
	pictures                             []pagePicture
	tables                               []pageTable
	tabs                                 []Tab
	data                                 pageData
	live                                 bool
}

// pagePicture is a picture that needs no script.
type pagePicture struct {
	id, title string
	svg       []byte
	style     string // rules its classes need
}

// pageTable is a table, or where it has no head a list.
type pageTable struct {
	id, title string
	head      []string
	rows      [][]string
}

func writeHTML(w io.Writer, r Report, o Options) error {
	var p *page
	switch r := r.(type) {
	case *Run:
		p = runPage(r)
	case *Replay:
		p = replayPage(r)
	case *Blast:
		scene := blastScene(r)
		if err := gv.Place(scene); err != nil {
			return err
		}
		p = blastPage(r, scene)
	default:
		return unsupported("html", r)
	}
	p.live = o.Live
	_, err := w.Write(p.write())
	return err
}

func (p *page) write() []byte {
	var b bytes.Buffer
	data, err := json.Marshal(p.data) // escapes <, > and &, so that no name ends the element
	if err != nil {
		panic("out: " + err.Error())
	}
	style := pageTheme() + pageStyle + stateRules() + uplotStyle
	for _, x := range p.pictures {
		style += x.style
	}
	licence := "/*\nuPlot 1.6.32, https://github.com/leeoniya/uPlot\n" + strings.TrimSpace(uplotLicence) + "\n*/\n"
	scripts := licence + uplotScript + "\n" + pageScript
	put := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	live, ask := "", "" // it may ask where it came from, and nobody else
	if p.live {
		live, ask = ` data-live="1"`, " connect-src 'self';"
	}
	put("<!DOCTYPE html>\n<html lang=\"en\"%s>\n<head>\n<meta charset=\"utf-8\">\n", live)
	put("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none';%s style-src '%s'; script-src '%s'\">\n", ask, hashOf(style), hashOf(scripts))
	put("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
	put("<title>%s</title>\n<style>%s</style>\n</head>\n<body>\n", escape(p.title), style)
	put("<a class=\"skip\" href=\"#services\">Skip to the services</a>\n<header class=\"top\">\n")
	if p.context != "" {
		put("<p class=\"sub\">%s</p>\n", escape(p.context))
	}
	put("<h1>%s</h1>\n", escape(p.title))
	put("<p class=\"lead\">")
	if p.verdict != "" {
		put("<strong class=\"verdict v-%s\">%s</strong> ", p.verdict, escape(p.verdict))
	}
	put("%s</p>\n", escape(p.verdictText))
	put("</header>\n<main>\n")
	put("<section id=\"summary\" aria-labelledby=\"h-summary\"><h2 id=\"h-summary\">In words</h2>\n<ul>\n")
	for _, text := range p.words {
		put("<li>%s</li>\n", escape(text))
	}
	put("</ul></section>\n")
	put("<noscript><p class=\"hint\">Scripts are off: the pictures and tables below say it all, without the clock.</p></noscript>\n")
	put("<div id=\"app\" hidden></div>\n")
	for _, x := range p.pictures {
		put("<section id=\"%s\" class=\"picture\" aria-labelledby=\"h-%s\"><h2 id=\"h-%s\">%s</h2>\n<div class=\"frame\">%s</div></section>\n",
			x.id, x.id, x.id, escape(x.title), inlineSVG(x.svg, x.id))
	}
	put("<div id=\"charts\" hidden></div>\n<div id=\"tabs\">\n")
	for _, t := range p.tables {
		p.writeTable(&b, t)
	}
	for i, t := range p.tabs {
		var text strings.Builder
		if err := writeText(&text, t.Report, Options{Width: 110}); err != nil {
			continue // a report without words
		}
		put("<section id=\"tab-%d\" class=\"tab\" aria-labelledby=\"h-tab-%d\"><h2 id=\"h-tab-%d\">%s</h2><pre>%s</pre></section>\n", i, i, i, escape(printable(t.Title)), escape(text.String()))
	}
	put("</div>\n</main>\n<footer><p>Made by knockon. This page asks for nothing and sends nothing.</p></footer>\n")
	put("<script type=\"application/json\" id=\"data\">%s</script>\n", data)
	put("<script>%s</script>\n</body>\n</html>\n", scripts)
	return b.Bytes()
}

func (p *page) writeTable(b *bytes.Buffer, t pageTable) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(b, "<section id=\"%s\" class=\"tab\" aria-labelledby=\"h-%s\"><h2 id=\"h-%s\">%s</h2>\n<div class=\"scroll\"><table>\n<thead><tr>", t.id, t.id, t.id, escape(t.title))
	for _, h := range t.head {
		fmt.Fprintf(b, "<th scope=\"col\">%s</th>", escape(h))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range t.rows {
		b.WriteString("<tr>")
		for i, cell := range row {
			switch {
			case i == 0:
				fmt.Fprintf(b, "<th scope=\"row\">%s</th>", escape(printable(cell)))
			default:
				fmt.Fprintf(b, "<td>%s</td>", escape(printable(cell)))
			}
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table></div></section>\n")
}

// hashOf names an inline style or script for a policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// inlineSVG takes a picture into a page: its style goes into the page's, and its
// names, which have to be the only ones there, get a prefix.
func inlineSVG(svg []byte, prefix string) []byte {
	from := bytes.Index(svg, []byte("<style>"))
	to := bytes.Index(svg, []byte("</style>"))
	if from >= 0 && to > from {
		svg = append(append([]byte{}, svg[:from]...), svg[to+len("</style>"):]...)
	}
	svg = bytes.ReplaceAll(svg, []byte(` id="`), []byte(` id="`+prefix+`-`))
	return bytes.Replace(svg, []byte(`aria-labelledby="title desc"`), []byte(`aria-labelledby="`+prefix+`-title `+prefix+`-desc"`), 1)
}

// pageTheme is the colours of the page as custom properties: those of the pictures.
func pageTheme() string {
	return ":root{" + light.properties(&runLight) + "}\n@media screen and (prefers-color-scheme:dark){:root{" + dark.properties(&runDark) + "}}\n"
}

// stateRules colour the boxes and arrows of the graph by their state.
func stateRules() string {
	var b strings.Builder
	for _, s := range pageStates {
		fmt.Fprintf(&b, ".box[data-state=%s]>.back{fill:var(--c-%s);stroke:var(--l-%s)}.box[data-state=%s]>.mark{fill:var(--s-%s)}.link[data-state=%s]{stroke:var(--l-%s)}\n", s, s, s, s, s, s, s)
	}
	return b.String()
}

func (t *theme) properties(r *runTheme) string {
	var b strings.Builder
	for _, c := range [][2]string{
		{"page", t.page},
		{"frame", t.frame},
		{"card", t.card},
		{"text", t.text},
		{"soft", t.soft},
		{"faint", t.faint},
		{"outline", t.outline},
		{"plot", r.plot},
		{"grid", r.grid},
		{"well", r.well},
		{"good", r.good},
		{"good-line", r.goodLine},
		{"age-line", r.ageLine},
		{"load-line", r.loadLine},
		{"bad-line", t.tones["down"].line},
	} {
		fmt.Fprintf(&b, "--%s:%s;", c[0], c[1])
	}
	for _, state := range pageStates {
		tone := t.tones[stateTones[state]]
		switch state {
		case "stale", "corrupt":
			tone = t.tones[state]
		case "recovering":
			tone = t.tones["frozen"]
			tone.line = t.tones["frozen"].line
		case "exposed":
			tone.card, tone.line = t.card, t.outline
		}
		strip, ink := stateStrip(t, state), stateText(state)
		if tone.strip != "" && (state == "stale" || state == "corrupt") {
			strip = tone.strip
		}
		card, line := tone.card, tone.line
		if state == "healthy" {
			card, line = t.card, t.outline
		}
		fmt.Fprintf(&b, "--s-%s:%s;--i-%s:%s;--c-%s:%s;--l-%s:%s;", state, strip, state, ink, state, card, state, line)
	}
	return b.String()
}
