package raster

import (
	"encoding/xml"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Go's fonts, by Bigelow & Holmes, have Latin, Greek and Cyrillic letters and the common
// signs. For what they have not there is a box, as there is in a browser.
var goFonts = sync.OnceValue(func() [2]*sfnt.Font {
	var all [2]*sfnt.Font
	for i, data := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := sfnt.Parse(data)
		if err != nil {
			panic("raster: " + err.Error())
		}
		all[i] = f
	}
	return all
})

// stand are letters that stand for others, which the fonts have not.
var stand = strings.NewReplacer("✓", "√", "✗", "×", "⚠", "!")

// faces keeps glyphs once they have been read.
type faces struct {
	buffer sfnt.Buffer
	glyphs map[glyphKey]glyph
}

type glyphKey struct {
	r    rune
	bold bool
}

// glyph is a letter at a size of one em.
type glyph struct {
	outline shape
	advance float64
}

// em is the size glyphs are read at, in pixels.
const em = 512

func (f *faces) glyph(r rune, bold bool) glyph {
	key := glyphKey{r, bold}
	if g, ok := f.glyphs[key]; ok {
		return g
	}
	if f.glyphs == nil {
		f.glyphs = make(map[glyphKey]glyph)
	}
	g := f.read(r, bold)
	f.glyphs[key] = g
	return g
}

func (f *faces) read(r rune, bold bool) glyph {
	face := goFonts()[0]
	if bold {
		face = goFonts()[1]
	}
	index, err := face.GlyphIndex(&f.buffer, r)
	if err != nil || index == 0 {
		box := rectangle(0.08, -0.72, 0.64, 0.74, 0)
		return glyph{append(box, reversed(rectangle(0.14, -0.66, 0.52, 0.62, 0))...), 0.8}
	}
	advance, err := face.GlyphAdvance(&f.buffer, index, fixed.I(em), font.HintingNone)
	if err != nil {
		return glyph{advance: 0.5}
	}
	g := glyph{advance: float64(advance) / 64 / em}
	segments, err := face.LoadGlyph(&f.buffer, index, fixed.I(em), nil)
	if err != nil {
		return g
	}
	b := &pathBuilder{}
	at := func(p fixed.Point26_6) point { return point{float64(p.X) / 64, float64(p.Y) / 64} }
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			b.close()
			to := at(s.Args[0])
			b.move(to.x, to.y)
		case sfnt.SegmentOpLineTo:
			to := at(s.Args[0])
			b.line(to.x, to.y)
		case sfnt.SegmentOpQuadTo:
			b.smooth(6, at(s.Args[0]), at(s.Args[1]))
		case sfnt.SegmentOpCubeTo:
			b.cubic(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
		}
	}
	b.close()
	g.outline = b.done().moved(matrix{scale: 1.0 / em})
	return g
}

// smooth is a quadratic curve of so many pieces: letters are small.
func (b *pathBuilder) smooth(pieces int, c, to point) {
	from := b.at
	for i := 1; i <= pieces; i++ {
		t := float64(i) / float64(pieces)
		u := 1 - t
		b.line(u*u*from.x+2*u*t*c.x+t*t*to.x, u*u*from.y+2*u*t*c.y+t*t*to.y)
	}
}

func reversed(s shape) shape {
	for _, line := range s {
		for i, k := 0, len(line.points)-1; i < k; i, k = i+1, k-1 {
			line.points[i], line.points[k] = line.points[k], line.points[i]
		}
	}
	return s
}

// span is a part of a text in one style.
type span struct {
	node *node
	text string
}

// text paints a text element, to the end of which it reads.
func (p *painter) text(d *xml.Decoder, n *node, attributes map[string]string) error {
	var spans []span
	at := n
	for at != n.parent {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			spans = append(spans, span{at, stand.Replace(string(t))})
		case xml.StartElement: // a tspan
			inner := make(map[string]string)
			for _, a := range t.Attr {
				inner[a.Name.Local] = a.Value
			}
			if at, err = p.child(at, t.Name.Local, inner); err != nil {
				return err
			}
		case xml.EndElement:
			at = at.parent
		}
	}
	number := func(name string) float64 {
		v, _ := strconv.ParseFloat(attributes[name], 64)
		return v
	}
	natural, allowed := 0.0, 0.0
	for _, s := range spans {
		natural += p.natural(s)
		if p.width != nil {
			allowed += p.width(s.text, s.node.style.size, s.node.style.bold)
		}
	}
	narrow := 1.0
	if p.width != nil && natural > allowed && natural > 0 {
		narrow = allowed / natural
	}
	x, y := number("x"), number("y")
	switch n.style.anchor {
	case "middle":
		x -= natural * narrow / 2
	case "end":
		x -= natural * narrow
	}
	for _, s := range spans {
		st := &s.node.style
		var letters shape
		for _, r := range s.text {
			g := p.faces.glyph(r, st.bold)
			for _, line := range g.outline {
				moved := polyline{points: make([]point, len(line.points)), closed: true}
				for i, v := range line.points {
					moved.points[i] = n.matrix.point(x+v.x*st.size*narrow, y+v.y*st.size)
				}
				letters = append(letters, moved)
			}
			x += g.advance * st.size * narrow
		}
		if st.strokeFirst {
			p.stroke(s.node, letters)
			p.fill(letters, st.fill, s.node.opacity)
		} else {
			p.fill(letters, st.fill, s.node.opacity)
		}
	}
	return nil
}

// natural is how wide a text is in its own font.
func (p *painter) natural(s span) float64 {
	w := 0.0
	for _, r := range s.text {
		w += p.faces.glyph(r, s.node.style.bold).advance * s.node.style.size
	}
	return w
}
