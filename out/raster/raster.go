// Package raster makes pixels of the SVG that package out draws: of the elements,
// attributes and selectors that occur there, and of nothing else. It is no viewer of
// other people's files. What it does not know is an error, so that a picture is never
// silently another one.
//
// Graphviz' own pixels are not used: see package gv. Fonts are Go's, which are part of
// the program, so that the same picture has the same bytes everywhere.
package raster

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/vector"
)

// Options say how to paint.
type Options struct {
	Scale float64 // pixels for each unit; less where the picture would have more than MostPixels

	// Width is how wide a text may be: it is narrowed where a font would make it wider.
	// Nil lets it be.
	Width func(text string, size float64, bold bool) float64
}

// MostPixels is how many pixels a picture has at most.
const MostPixels = 60_000_000

// PNG paints an SVG.
func PNG(w io.Writer, svg []byte, o Options) error {
	m, err := paint(svg, o)
	if err != nil {
		return fmt.Errorf("raster: %w", err)
	}
	return png.Encode(w, m)
}

// painter is the work of painting one picture.
type painter struct {
	image *image.RGBA
	rules []rule
	width func(string, float64, bool) float64
	faces faces
	pen   vector.Rasterizer
}

// node is an element, and what it takes from those around it.
type node struct {
	name    string
	classes []string
	parent  *node
	style   style
	matrix  matrix
	opacity float64
}

// matrix maps a point to pixels: scaled and moved, never turned.
type matrix struct{ scale, x, y float64 }

func (m matrix) point(x, y float64) point { return point{m.x + x*m.scale, m.y + y*m.scale} }

type point struct{ x, y float64 }

func paint(svg []byte, o Options) (*image.RGBA, error) {
	p := &painter{width: o.Width}
	d := xml.NewDecoder(bytes.NewReader(svg))
	var at *node
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			attributes := make(map[string]string, len(t.Attr))
			for _, a := range t.Attr {
				attributes[a.Name.Local] = a.Value
			}
			switch t.Name.Local {
			case "title", "desc":
				if err := d.Skip(); err != nil {
					return nil, err
				}
				continue
			case "style":
				text, err := textOf(d)
				if err != nil {
					return nil, err
				}
				if p.rules, err = parseStyle(text); err != nil {
					return nil, err
				}
				continue
			case "svg":
				if at != nil {
					return nil, errors.New("a picture in a picture")
				}
				if at, err = p.begin(attributes, o.Scale); err != nil {
					return nil, err
				}
				continue
			}
			if at == nil {
				return nil, fmt.Errorf("<%s> is no picture", t.Name.Local)
			}
			n, err := p.child(at, t.Name.Local, attributes)
			if err != nil {
				return nil, err
			}
			if t.Name.Local == "text" {
				if err := p.text(d, n, attributes); err != nil {
					return nil, err
				}
				continue
			}
			if err := p.draw(n, attributes); err != nil {
				return nil, fmt.Errorf("<%s>: %w", t.Name.Local, err)
			}
			at = n
		case xml.EndElement:
			if at != nil {
				at = at.parent
			}
		}
	}
	if p.image == nil {
		return nil, errors.New("no picture")
	}
	return p.image, nil
}

// textOf is the text of the element that has begun.
func textOf(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return b.String(), nil
		}
	}
}

// begin makes the picture.
func (p *painter) begin(attributes map[string]string, scale float64) (*node, error) {
	width, err := strconv.ParseFloat(attributes["width"], 64)
	if err != nil {
		return nil, err
	}
	height, err := strconv.ParseFloat(attributes["height"], 64)
	if err != nil {
		return nil, err
	}
	if !(width > 0 && height > 0) {
		return nil, fmt.Errorf("a picture of %v by %v", width, height)
	}
	if scale <= 0 {
		scale = 1
	}
	scale = min(scale, math.Sqrt(MostPixels/(width*height)))
	p.image = image.NewRGBA(image.Rect(0, 0, max(1, int(math.Floor(width*scale))), max(1, int(math.Floor(height*scale)))))
	draw.Draw(p.image, p.image.Bounds(), image.White, image.Point{}, draw.Src)
	return &node{name: "svg", style: initial(), matrix: matrix{scale: scale}, opacity: 1}, nil
}

// child is an element in another.
func (p *painter) child(parent *node, name string, attributes map[string]string) (*node, error) {
	n := &node{name: name, classes: strings.Fields(attributes["class"]), parent: parent, style: parent.style, matrix: parent.matrix, opacity: parent.opacity}
	opacity := 1.0
	if text, ok := attributes["opacity"]; ok {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		opacity = v
	}
	if text, ok := attributes["text-anchor"]; ok {
		n.style.anchor = text
	}
	if text, ok := attributes["fill"]; ok {
		if err := n.style.set("fill", text); err != nil {
			return nil, err
		}
	}
	n.style.effect = ""
	for _, r := range p.matching(n) {
		for _, d := range r.declarations {
			if d.name == "opacity" {
				v, err := strconv.ParseFloat(d.value, 64)
				if err != nil {
					return nil, err
				}
				opacity = v
				continue
			}
			if err := n.style.set(d.name, d.value); err != nil {
				return nil, err
			}
		}
	}
	n.opacity *= opacity
	if text, ok := attributes["transform"]; ok {
		if err := n.transform(text); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// transform reads "translate(x y)" and "scale(s)".
func (n *node) transform(text string) error {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		name, rest, ok := strings.Cut(text, "(")
		inside, after, closed := strings.Cut(rest, ")")
		if !ok || !closed {
			return fmt.Errorf("transform %q", text)
		}
		var numbers []float64
		for _, f := range strings.Fields(strings.ReplaceAll(inside, ",", " ")) {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return err
			}
			numbers = append(numbers, v)
		}
		switch {
		case name == "translate" && len(numbers) == 2:
			at := n.matrix.point(numbers[0], numbers[1])
			n.matrix.x, n.matrix.y = at.x, at.y
		case name == "scale" && len(numbers) == 1:
			n.matrix.scale *= numbers[0]
		default:
			return fmt.Errorf("transform %q", name)
		}
		text = after
	}
	return nil
}

// draw paints one element that is not text.
func (p *painter) draw(n *node, attributes map[string]string) error {
	number := func(name string) (v float64) {
		v, _ = strconv.ParseFloat(attributes[name], 64) // absent: 0
		return v
	}
	var outline shape
	switch n.name {
	case "g":
		return nil
	case "rect":
		outline = rectangle(number("x"), number("y"), number("width"), number("height"), number("rx"))
	case "circle":
		outline = ellipse(number("cx"), number("cy"), number("r"), number("r"))
	case "ellipse":
		outline = ellipse(number("cx"), number("cy"), number("rx"), number("ry"))
	case "path":
		var err error
		if outline, err = parsePath(attributes["d"]); err != nil {
			return err
		}
	default:
		return errors.New("not known")
	}
	p.shape(n, outline.moved(n.matrix))
	return nil
}

// shape paints an outline in pixels: what is inside, then its edge.
func (p *painter) shape(n *node, s shape) {
	if n.opacity <= 0 {
		return
	}
	p.fill(s, n.style.fill, n.opacity)
	p.stroke(n, s)
}

func (p *painter) stroke(n *node, s shape) {
	if n.style.stroke == nil || n.style.width <= 0 {
		return
	}
	scale := n.matrix.scale
	if n.style.effect == "non-scaling-stroke" {
		root := n
		for root.parent != nil {
			root = root.parent
		}
		scale = root.matrix.scale
	}
	dashes := make([]float64, len(n.style.dashes))
	for i, d := range n.style.dashes {
		dashes[i] = d * scale
	}
	p.fill(s.dashed(dashes).stroked(n.style.width*scale, n.style.roundCap), n.style.stroke, n.opacity)
}

// fill paints what is inside an outline.
func (p *painter) fill(s shape, c *color.NRGBA, opacity float64) {
	if c == nil || opacity <= 0 {
		return
	}
	low, high, ok := s.bounds()
	if !ok {
		return
	}
	// Only as much of the picture as the shape takes.
	box := image.Rect(int(math.Floor(low.x)), int(math.Floor(low.y)), int(math.Ceil(high.x))+1, int(math.Ceil(high.y))+1).Intersect(p.image.Bounds())
	if box.Empty() {
		return
	}
	p.pen.Reset(box.Dx(), box.Dy())
	p.pen.DrawOp = draw.Over
	at := func(v point) (float32, float32) {
		return float32(v.x - float64(box.Min.X)), float32(v.y - float64(box.Min.Y))
	}
	for _, line := range s {
		if len(line.points) < 2 {
			continue
		}
		x, y := at(line.points[0])
		p.pen.MoveTo(x, y)
		for _, v := range line.points[1:] {
			x, y := at(v)
			p.pen.LineTo(x, y)
		}
		p.pen.ClosePath()
	}
	ink := *c
	ink.A = uint8(math.Round(float64(ink.A) * min(1, opacity)))
	p.pen.Draw(p.image, box, image.NewUniform(ink), image.Point{})
}
