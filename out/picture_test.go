package out

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"gonum.org/v1/gonum/graph/formats/dot"
	"gonum.org/v1/gonum/graph/formats/dot/ast"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/gv"
)

// TestPictures: the placed scene shows whether the model or the layout has
// changed, the SVG whether the drawing has.
func TestPictures(t *testing.T) {
	all := reports(t)
	for _, name := range []string{"blast", "short", "map"} {
		s, err := sceneOf("svg", all[name])
		if err != nil {
			t.Fatal(err)
		}
		if err := gv.Place(s); err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(s, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name+".scene.json"), append(text, '\n'))
		for _, f := range Formats() {
			if f.Name != "json" && f.Name != "text" && f.Name != "html" && f.Name != "png" && f.Shows(all[name]) {
				extension := f.Name
				if len(f.Extensions) > 0 {
					extension = f.Extensions[0]
				}
				golden(t, filepath.Join("testdata", name+"."+extension), written(t, f.Name, all[name]))
			}
		}
	}
}

func written(t testing.TB, format string, r Report) []byte {
	t.Helper()
	f, _ := FormatNamed(format)
	var b bytes.Buffer
	if err := f.Write(&b, r, Options{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostile are names that break out of one format or another.
var hostile = []string{
	`<script>alert(1)</script>`, `"];evil[label="`, `a & b < c > "d" 'e'`, `]]>`, `-->`, "two\nlines", "nul\x00bell\x07",
	"over\u202eride\u2066", "hid\u200bden\ufeff\u061c\U000e0061", `back\slash\N\`, `%%{init: {"theme":"x"}}%%`, "```\n# heading", "end", "graph", "subgraph", "日本語のサービス名前", "emoji 🔥🧯",
	strings.Repeat("long ", 100), "\u00a0", "invalid \xff\xfe utf-8", "non\ufffeჼcharacter\uffff", `javascript:alert(1)`, `onload=alert(1)`, "{{7*7}}", "#quot;", "a;b|c",
}

// untrusted is a blast radius in which every text is hostile.
func untrusted() *Blast {
	b := &Blast{Map: Map{Title: hostile[0], Description: hostile[3]}, Roots: []int{0}, As: "down"}
	for i, text := range hostile {
		s := Service{
			ID: fmt.Sprint(text, i), Title: text, Description: text, Kind: "service", Group: hostile[i/3] + "/" + text, Owner: text, Weight: 1,
			Outcome: graph.Down, Distance: min(i, 1), Cause: min(i, 1) - 1, Because: text,
			Phases: []Phase{{Outcome: graph.Down}},
		}
		if i > 0 {
			b.Links = append(b.Links, Link{From: i, To: 0, Need: i - 1, Carries: true, For: text, Kind: LinkKind(i % len(linkWords))})
		}
		b.Services = append(b.Services, s)
		b.Summary.Count[graph.Down]++
	}
	b.Services[0].Root = true
	b.Services[1].Group = b.Services[2].ID // a group named like a service
	b.Assumed = hostile
	return b
}

// TestPicturesOfUntrustedNames: names stay text, whatever they say.
func TestPicturesOfUntrustedNames(t *testing.T) {
	b := untrusted()
	for _, r := range []Report{b, &b.Map} {
		for _, f := range Formats() {
			if !f.Shows(r) {
				continue
			}
			if s := string(written(t, f.Name, r)); f.Name != "png" && strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && diag.IsHidden(r) }) {
				t.Errorf("%T: %s hides something", r, f.Name)
			}
		}
		text, err := svgText(written(t, "svg", r))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range hostile {
			if want := strings.Map(xmlRune, printable(name)); !strings.Contains(text, want) {
				t.Errorf("%T: %q is not in the picture", r, want)
			}
		}
		nodes, err := dotNodes(written(t, "dot", r))
		if err != nil {
			t.Fatal(err)
		}
		if nodes != len(hostile) {
			t.Errorf("%T: DOT has %d nodes instead of %d", r, nodes, len(hostile))
		}
		for line := range strings.Lines(string(written(t, "mermaid", r))) {
			quoted := strings.Split(line, `"`)
			if comment, ok := strings.CutPrefix(strings.TrimSpace(line), "%% "); ok {
				if strings.ContainsAny(comment, "%{}<>") && !strings.HasPrefix(line, "%% ") { // it looks for directives in comments too
					t.Errorf("%T: mermaid comment %q", r, comment)
				}
				continue
			}
			for i := 1; i < len(quoted); i += 2 {
				if strings.ContainsAny(strings.ReplaceAll(quoted[i], "<br/>", ""), "<>`{}[]|%\\") {
					t.Errorf("%T: mermaid label %q", r, quoted[i])
				}
			}
			for i := 0; i < len(quoted); i += 2 {
				if strings.Contains(quoted[i], "evil") || strings.Contains(quoted[i], "script") {
					t.Errorf("%T: mermaid line %q", r, line)
				}
			}
		}
	}
}

// xmlRune is a character as XML can hold it.
func xmlRune(r rune) rune {
	if r == 0xfffe || r == 0xffff {
		return utf8.RuneError
	}
	return r
}

// svgText checks that a picture is well-formed and has nothing that acts or that
// comes from elsewhere, and returns its text.
func svgText(svg []byte) (string, error) {
	var text strings.Builder
	ids := make(map[string]bool)
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return text.String(), nil
		case err != nil:
			return "", err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
			text.WriteByte('\n')
		case xml.StartElement:
			if !slices.Contains([]string{"svg", "title", "desc", "style", "g", "rect", "path", "circle", "ellipse", "text", "tspan"}, token.Name.Local) {
				return "", fmt.Errorf("an element %s", token.Name.Local)
			}
			for _, a := range token.Attr {
				switch {
				case strings.HasPrefix(strings.ToLower(a.Name.Local), "on"), strings.Contains(a.Name.Local, "href"):
					return "", fmt.Errorf("an attribute %s", a.Name.Local)
				case a.Name.Local == "id" && ids[a.Value]:
					return "", fmt.Errorf("a second id %q", a.Value)
				case a.Name.Local == "id":
					ids[a.Value] = true
				}
			}
		}
	}
}

// dotNodes parses DOT and counts its nodes. The parser takes U+FFFD for bad UTF-8
// even where it is written as such, so it does not get to see it.
func dotNodes(text []byte) (int, error) {
	file, err := dot.ParseBytes(bytes.ReplaceAll(text, []byte("\ufffd"), []byte("?")))
	if err != nil {
		return 0, err
	}
	if len(file.Graphs) != 1 {
		return 0, fmt.Errorf("%d graphs", len(file.Graphs))
	}
	ids := make(map[string]bool)
	var walk func(all []ast.Stmt)
	walk = func(all []ast.Stmt) {
		for _, s := range all {
			switch s := s.(type) {
			case *ast.NodeStmt:
				ids[s.Node.ID] = true
			case *ast.Subgraph:
				walk(s.Stmts)
			}
		}
	}
	walk(file.Graphs[0].Stmts)
	return len(ids), nil
}

// FuzzLabels: whatever a label says, SVG and DOT stay what they are and say it.
func FuzzLabels(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var text string
		if err := xml.Unmarshal([]byte("<text a=\""+escape(s)+"\">"+escape(s)+"</text>"), &text); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		nodes, err := dotNodes([]byte("digraph { " + dotQuote(s) + " [label=" + dotQuote(s) + "] }"))
		if err != nil || nodes != 1 {
			t.Fatalf("%q: %d nodes, %v", s, nodes, err)
		}
		label := mermaidQuote(s)
		if inner := label[1 : len(label)-1]; strings.ContainsAny(strings.ReplaceAll(inner, "<br/>", ""), "\"<>`\n") {
			t.Fatalf("%q: mermaid label %s", s, label)
		}
	})
}

// layered is a blast radius over n services in groups of twelve: every service
// needs an earlier one, hubs are many, the last tenth is safe behind a fallback.
func layered(n int) *Blast {
	b := &Blast{Map: Map{Title: "Layers"}, Roots: []int{0}, As: "down"}
	for i := range n {
		tier := int64(i % 7)
		s := Service{ID: fmt.Sprintf("s%04d", i), Kind: "service", Group: fmt.Sprintf("area-%d/team-%d", i%5, i/12), Tier: &tier, Weight: 1, Cause: -1}
		up := i * i % 97 % max(1, i) / 2
		l := Link{From: i, To: up, Need: i, Kind: LinkKind(i % 4)}
		switch {
		case i == 0:
			s.Root, s.Outcome = true, graph.Down
		case i >= n-n/10:
			l.Held = "fallback"
			b.Contained = append(b.Contained, Containment{Service: i, Lost: []int{up}, Held: "fallback"})
		default:
			s.Outcome = []graph.Outcome{graph.Down, graph.Degraded, graph.Delayed}[i%3]
			s.Earliest = unit.Duration(i%4) * 60e9
			s.Cause = up
			l.Carries = true
		}
		b.Services = append(b.Services, s)
		b.Summary.Add(s.Outcome, s.Weight)
		if i > 0 {
			b.Links = append(b.Links, l)
			b.Links = append(b.Links, Link{From: i, To: i / 2, Need: i})
		}
	}
	return b
}

// TestFolding: a picture never has more boxes than it may, every service is in
// one of them, and the roots and the paths to tier 0 stay.
func TestFolding(t *testing.T) {
	for _, n := range []int{8, 80, 100, 120, 800, 3000} {
		b := layered(n)
		p := newBlastPicture(b)
		if len(p.boxes) > foldAbove {
			t.Errorf("%d services are %d boxes", n, len(p.boxes))
		}
		count := 0
		for i := range p.boxes {
			for _, s := range p.boxes[i].services {
				if p.boxOf[s] != i {
					t.Errorf("%d services: service %d is in two boxes", n, s)
				}
				count++
			}
		}
		if count != n {
			t.Errorf("%d services: %d are in boxes", n, count)
		}
		if root := &p.boxes[p.boxOf[0]]; root.folded() || root.column != 0 {
			t.Errorf("%d services: the root is not itself", n)
		}
		folded := 0
		for i := range p.Nodes {
			sum := 0
			for _, s := range p.Nodes[i].Shares {
				sum += s.Count
			}
			if sum != p.Nodes[i].Folded {
				t.Errorf("%d services: shares of %s add up to %d of %d", n, p.Nodes[i].Label, sum, p.Nodes[i].Folded)
			}
			folded += sum
		}
		if (folded > 0) != (n > foldAbove) {
			t.Errorf("%d services: %d are folded", n, folded)
		}
		if p.boxes[p.boxOf[7]].folded() { // tier 0, near the root
			t.Errorf("%d services: one of tier 0 is folded", n)
		}
		for _, format := range []string{"svg", "mermaid", "dot"} {
			if one, two := written(t, format, b), written(t, format, b); !bytes.Equal(one, two) {
				t.Errorf("%d services: two runs of %s differ", n, format)
			}
			if one, two := written(t, format, &b.Map), written(t, format, &b.Map); !bytes.Equal(one, two) {
				t.Errorf("%d services: two runs of %s of the catalog differ", n, format)
			}
		}
		if _, err := svgText(written(t, "svg", b)); err != nil {
			t.Errorf("%d services: %v", n, err)
		}
	}
}

func TestPicturesOfNothing(t *testing.T) {
	for _, r := range []Report{&Map{}, &Blast{}, &Blast{Map: Map{Services: []Service{{ID: "a", Kind: "service"}}}}} {
		if _, err := svgText(written(t, "svg", r)); err != nil {
			t.Errorf("%T: %v", r, err)
		}
		written(t, "dot", r)
		written(t, "mermaid", r)
	}
}

// TestEverythingHasASign: a kind of service or of need, or an outcome, that a
// catalog can have and a picture cannot show.
func TestEverythingHasASign(t *testing.T) {
	for _, word := range catalog.KindWords {
		if icons[word] == "" {
			t.Errorf("services of kind %s have no icon", word)
		}
	}
	for k, word := range linkWords {
		if word != "hard" && !strings.Contains(shapes, ".k-"+word+" .own") {
			t.Errorf("needs of kind %s look like hard ones", word)
		}
		if linkMeanings[k] == "" || dotStyles[k] == "" {
			t.Errorf("needs of kind %s are not explained", word)
		}
	}
	for _, word := range append([]string{"corrupt"}, graph.OutcomeWords[:]...) {
		if icons[word] == "" || outcomeWords[word] == "" || light.tones[word] == (tone{}) || dark.tones[word] == (tone{}) || !slices.Contains(outcomeOrder, word) {
			t.Errorf("outcome %s cannot be shown", word)
		}
	}
}

// TestContrast: texts stand out by 4.5:1, signs and lines by 3:1 (WCAG 2.2, 1.4.3
// and 1.4.11).
func TestContrast(t *testing.T) {
	for name, th := range map[string]*theme{"light": &light, "dark": &dark} {
		check := func(what, a, b string, least float64) {
			if c := contrast(a, b); c < least {
				t.Errorf("%s: %s has %.2f:1 instead of %v:1", name, what, c, least)
			}
		}
		for _, ground := range []string{th.page, th.frame, th.card} {
			check("text", th.text, ground, 4.5)
			check("lesser text", th.soft, ground, 4.5)
		}
		check("root", th.rootText, th.root, 4.5)
		check("detail of root", th.rootSoft, th.root, 4.5)
		check("icon of a kind", th.stripIcon, th.strip, 3)
		for _, o := range outcomeOrder {
			c := th.tones[o]
			check("text of "+o, th.text, c.card, 4.5)
			check("detail of "+o, th.soft, c.card, 4.5)
			check("icon of "+o, c.icon, c.strip, 3)
			check("line of "+o, c.line, th.page, 3)
			check("line of "+o+" in a frame", c.line, th.frame, 3)
		}
	}
}

// contrast is the ratio of WCAG 2.2.
func contrast(a, b string) float64 {
	luminance := func(color string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
			if err != nil {
				panic(err)
			}
			c := float64(v) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	high, low := luminance(a), luminance(b)
	if high < low {
		high, low = low, high
	}
	return (high + 0.05) / (low + 0.05)
}

func TestFit(t *testing.T) {
	for _, s := range append(hostile, "", "i", "WWWWWWWWWWWWWWW") {
		for _, limit := range []float64{30, 80, 200} {
			got := labelStyle.fit(s, limit)
			if labelStyle.width(got) > limit {
				t.Errorf("%q in %v is %q, %v wide", s, limit, got, labelStyle.width(got))
			}
			if got != s && !strings.HasSuffix(got, "…") {
				t.Errorf("%q became %q", s, got)
			}
		}
	}
}

func BenchmarkLayout(b *testing.B) {
	for _, n := range []int{30, 100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := layered(n)
			for b.Loop() {
				if err := gv.Place(blastScene(r)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSVG(b *testing.B) {
	for _, n := range []int{30, 100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := blastScene(layered(n))
			if err := gv.Place(s); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				drawSVG(s)
			}
		})
	}
}
