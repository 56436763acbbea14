package out

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/out/raster"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// TestPictureOfManyServices folds what has no room and says so.
func TestPictureOfManyServices(t *testing.T) {
	r := fixedReport(t)
	model := r.Services[3]
	worst := r.Impaired[2]
	for i := range 30 {
		s := model
		s.ID = fmt.Sprintf("copy-%02d", i)
		r.Services = append(r.Services, s)
		worst.Service = len(r.Services) - 1
		r.Impaired = append(r.Impaired, worst)
	}
	for i := range 40 {
		r.Events = append(r.Events, Event{Kind: FaultEvent, Service: "ledger", Text: fmt.Sprintf("ledger slow ×%d", i), At: 50, To: 90})
	}
	r.Map = nil
	svg := drawCharts(r)
	text, err := svgText(svg)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(svg), `class="service"`); n != mostPanels {
		t.Errorf("%d panels", n)
	}
	for _, part := range []string{"26 more services impaired and not drawn: copy-04, ", "and 14 more.", "more events not drawn"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not said", part)
		}
	}
}

// TestHealthyPicture draws those who are offered something when nobody is impaired.
func TestHealthyPicture(t *testing.T) {
	c, res, _ := fixedRun(t)
	for i := range res.Services {
		res.Services[i].Windows, res.Services[i].Faulted = nil, false
	}
	res.Verdict = propagate.Verdict{Word: "healthy"}
	text, err := svgText(written(t, "svg", NewRun(c, res, RunOptions{})))
	if err != nil || !strings.Contains(text, "no service was impaired") && !strings.Contains(text, "No service was impaired") || !strings.Contains(text, "\nclients\n") || strings.Contains(text, "\nledger\n") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestPictureOfUntrustedNames: names break out of nothing.
func TestPictureOfUntrustedNames(t *testing.T) {
	r := fixedReport(t)
	r.Title, r.Catalog = hostile[0], hostile[3]
	for i := range r.Services {
		r.Services[i].ID, r.Services[i].Title = hostile[2*i]+" <b>", hostile[2*i+1]
	}
	for i := range r.Impaired {
		r.Impaired[i].Because, r.Impaired[i].Evidence = strings.Join(hostile, " "), strings.Join(hostile, " ")
	}
	for i := range r.Events {
		r.Events[i].Text = hostile[i]
	}
	for i := range r.Expects {
		r.Expects[i].Text, r.Expects[i].Got, r.Expects[i].Met = hostile[i], hostile[i+1], false
	}
	for i := range r.Map.Services {
		m := &r.Map.Services[i]
		m.ID, m.Title, m.Group = r.Services[i].ID, r.Services[i].Title, hostile[i]+"/"+hostile[i+1]
	}
	for _, p := range Pictures(r) {
		svg, err := svgOf(r, p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := svgText(svg); err != nil {
			t.Errorf("%s: %v", p, err)
		}
		if bytes.ContainsFunc(svg, func(r rune) bool { return r != '\n' && diag.IsHidden(r) }) {
			t.Errorf("%s hides something", p)
		}
		if err := raster.PNG(io.Discard, svg, raster.Options{Scale: 0.2}); err != nil {
			t.Errorf("%s as PNG: %v", p, err)
		}
	}
}

// box is where a text stands, as far as it is measured.
type textBox struct {
	left, right, base float64
	text              string
}

var textElement = regexp.MustCompile(`<text(?: class="([^"]*)")? x="([^"]*)" y="([^"]*)">([^<]*)</text>`)

// TestWordsDoNotCollide measures the words of the plots: none stands on another,
// and none outside the page.
func TestWordsDoNotCollide(t *testing.T) {
	var boxes []textBox
	svg := string(written(t, "svg", fixedReport(t)))
	_, svg, _ = strings.Cut(svg, `<g id="run">`)
	svg, _, _ = strings.Cut(svg, `<g id="foot">`)
	for _, m := range textElement.FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.ParseFloat(m[2], 64)
		y, _ := strconv.ParseFloat(m[3], 64)
		font := tickStyle
		switch {
		case strings.Contains(m[1], "name"):
			font = panelStyle
		case strings.Contains(m[1], "story"):
			font = storyStyle
		case strings.HasPrefix(m[1], "t-"):
			font = bandStyle
		case m[1] == "" && y < 300:
			font = eventStyle
		}
		text := strings.NewReplacer("&#39;", "'", "&gt;", ">").Replace(m[4])
		b := textBox{x, x + font.width(text), y, text}
		switch {
		case strings.Contains(m[1], "end"):
			b.left, b.right = x-font.width(text), x
		case strings.HasPrefix(m[1], "t-"), m[1] == "" && y >= 300:
			b.left, b.right = x-font.width(text)/2, x+font.width(text)/2
		}
		boxes = append(boxes, b)
	}
	if len(boxes) < 30 {
		t.Fatalf("only %d texts were found", len(boxes))
	}
	for i, a := range boxes {
		if a.left < -1 || a.right > runWidth+1 {
			t.Errorf("%q stands from %.0f to %.0f", a.text, a.left, a.right)
		}
		for _, b := range boxes[:i] {
			if math.Abs(a.base-b.base) < 9 && a.left < b.right-1 && b.left < a.right-1 {
				t.Errorf("%q stands on %q", a.text, b.text)
			}
		}
	}
}

// TestTicks: round, rising, within the scale, and never too many.
func TestTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := math.Pow(10, rapid.Float64Range(-6, 12).Draw(t, "log"))
		count := rapid.IntRange(2, 6).Draw(t, "count")
		all := ticks(most, count)
		if len(all) == 0 || len(all) > count || all[len(all)-1] > most {
			t.Fatalf("%v up to %v", all, most)
		}
		if mantissa := all[0] / math.Pow(10, math.Floor(math.Log10(all[0])+1e-9)); math.Abs(mantissa-1) > 1e-6 && math.Abs(mantissa-2) > 1e-6 && math.Abs(mantissa-5) > 1e-6 {
			t.Fatalf("a step of %v", all[0])
		}
	})
	for _, none := range []float64{0, -1, math.Inf(1), math.NaN()} {
		if got := ticks(none, 3); got != nil {
			t.Errorf("%v has ticks %v", none, got)
		}
	}
}

// TestResample: no request gets lost between bins and rows.
func TestResample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Run{Times: []float64{0}}
		var s RunService
		s.Capacity = 1000
		bins := rapid.IntRange(1, 60).Draw(t, "bins")
		offered := 0.0
		for range bins {
			r.Times = append(r.Times, r.Times[len(r.Times)-1]+rapid.SampledFrom([]float64{0.01, 1, 5}).Draw(t, "length"))
			b := propagate.ServiceBin{Offered: rapid.Float64Range(0, 1000).Draw(t, "offered"), Capacity: 1}
			s.Bins = append(s.Bins, b)
			offered += b.Offered
		}
		r.Played = r.Times[bins]
		rows := r.resample(&s, rapid.IntRange(1, 40).Draw(t, "most"))
		sum, at := 0.0, 0.0
		for _, x := range rows {
			if x.from != at || x.to <= x.from {
				t.Fatalf("a row from %v to %v after %v", x.from, x.to, at)
			}
			at = x.to
			sum += x.offered * (x.to - x.from)
			if math.Abs(x.capacity-1000) > 1e-6 {
				t.Fatalf("capacity %v", x.capacity)
			}
		}
		if at != r.Played || math.Abs(sum-offered) > 1e-6*max(1, offered) {
			t.Fatalf("%v of %v offered, until %v of %v", sum, offered, at, r.Played)
		}
	})
}

// TestContrastOfARun: words stand out by 4.5:1, lines by 3:1 (WCAG 2.2).
func TestContrastOfARun(t *testing.T) {
	for name, th := range map[string]struct {
		*theme
		*runTheme
	}{"light": {&light, &runLight}, "dark": {&dark, &runDark}} {
		check := func(what, a, b string, least float64) {
			if c := contrast(a, b); c < least {
				t.Errorf("%s: %s has %.2f:1 instead of %v:1", name, what, c, least)
			}
		}
		for _, state := range scenario.States {
			check("the word "+state, stateText(state), stateStrip(th.theme, state), 4.5)
		}
		for _, ground := range []string{th.plot, th.good, th.age} {
			check("a tick on "+ground, th.soft, ground, 3)
			check("demand on "+ground, th.text, ground, 4.5)
		}
		check("goodput's edge", th.goodLine, th.plot, 3)
		check("the queue's edge", th.ageLine, th.plot, 3)
		check("attempts", th.tones["down"].line, th.plot, 3)
		check("a fault's words", th.text, th.tones["down"].card, 4.5)
		check("a load's words", th.text, th.load, 4.5)
	}
}
