package out

import (
	"fmt"
	"math"
	"strings"

	"github.com/knockon/knockon/out/scene"
)

func drawEdges(c *canvas, s *scene.Scene, role scene.Role) {
	// What is milder first, so that where arrows share a track the worst shows.
	for _, outcome := range append([]string{""}, outcomeOrder...) {
		for i := range s.Edges {
			if e := &s.Edges[i]; e.Role == role && e.Outcome == outcome {
				drawEdge(c, s, e)
			}
		}
	}
}

// drawEdge draws an arrow: what it shares with its siblings in the colour of what
// comes, its own part in the style of its kind and the colour of what becomes of
// it, then its signs, the nearest to the tip first.
func drawEdge(c *canvas, s *scene.Scene, e *scene.Edge) {
	c.printf("<g id=\"%s\" class=\"edge %s k-%s%s\"><title>%s</title>", c.id("e-", e.ID), e.Role, e.Kind, outcomeClass(e.Outcome), escape(e.Title))
	points := append([]scene.Point(nil), e.Points...)
	own, shared := points[e.Own:], points[:e.Own+1]
	leftward := e.Own > 0 && s.Nodes[e.From].Column > s.Nodes[e.To].Column
	if leftward {
		own, shared = shared, own
	}
	tip, direction := points[len(points)-1], arrival(points)
	back := func(distance float64) scene.Point {
		return scene.Point{X: tip.X - direction.X*distance, Y: tip.Y - direction.Y*distance}
	}
	head := map[scene.Role]float64{scene.Carries: 9, scene.Holds: 12, scene.Needs: 7, scene.Plain: 5}[e.Role]
	points[len(points)-1] = back(head - 1)
	if e.Own > 0 {
		c.printf("<path class=\"shared%s\" d=\"%s\"/>", outcomeClass(s.Nodes[e.From].Outcome), pathData(shared))
	}
	c.printf("<path class=\"own\" d=\"%s\"/>", pathData(own))
	if e.Role == scene.Holds {
		at := back(head)
		c.printf("<g class=\"stop\" transform=\"translate(%s %s)\">%s</g>", px(at.X), px(at.Y), shieldSign)
		head += 10
	} else {
		base, half := back(head), head*0.45
		c.printf("<path class=\"tip\" d=\"M%s %sL%s %sL%s %sZ\"/>", px(tip.X), px(tip.Y),
			px(base.X-direction.Y*half), px(base.Y+direction.X*half), px(base.X+direction.Y*half), px(base.Y-direction.X*half))
	}
	switch {
	case leftward:
		drawSign(c, e, scene.Point{X: points[0].X - 16, Y: points[0].Y})
	case !e.Loose:
		drawSign(c, e, back(head+10))
	}
	c.printf("</g>\n")
}

// drawSign puts the sign of a kind, or how many of a group must be up, on an arrow.
func drawSign(c *canvas, e *scene.Edge, at scene.Point) {
	icon, ok := smallIcons[e.Kind]
	if c.signs[at] {
		return
	}
	sign := ""
	switch {
	case e.Badge != "":
		sign = fmt.Sprintf("<rect x=\"-13\" y=\"-8\" width=\"26\" height=\"16\" rx=\"8\"/><text y=\"3.5\">%s</text>", escape(e.Badge))
	case ok:
		sign = "<circle r=\"8.5\"/><g transform=\"translate(-6 -6)\">" + icon + "</g>"
	default:
		return
	}
	c.signs[at] = true
	fmt.Fprintf(&c.front, "<g class=\"edge %s k-%s%s\"><title>%s</title><g class=\"sign\" transform=\"translate(%s %s)\">%s</g></g>\n",
		e.Role, e.Kind, outcomeClass(e.Outcome), escape(e.Title), px(at.X), px(at.Y), sign)
}

// arrival is the direction in which a line arrives.
func arrival(points []scene.Point) scene.Point {
	tip := points[len(points)-1]
	for i := len(points) - 2; i >= 0; i-- {
		dx, dy := tip.X-points[i].X, tip.Y-points[i].Y
		if d := math.Hypot(dx, dy); d > 0.5 {
			return scene.Point{X: dx / d, Y: dy / d}
		}
	}
	return scene.Point{X: 1}
}

// pathData writes cubic Béziers, and those that are straight as lines.
func pathData(points []scene.Point) string {
	var b strings.Builder
	b.WriteString("M" + px(points[0].X) + " " + px(points[0].Y))
	for i := 1; i+2 < len(points); i += 3 {
		from, a, z, to := points[i-1], points[i], points[i+1], points[i+2]
		switch {
		case from.Y == a.Y && a.Y == z.Y && z.Y == to.Y:
			b.WriteString("H" + px(to.X))
		case from.X == a.X && a.X == z.X && z.X == to.X:
			b.WriteString("V" + px(to.Y))
		default:
			b.WriteString("C" + px(a.X) + " " + px(a.Y) + " " + px(z.X) + " " + px(z.Y) + " " + px(to.X) + " " + px(to.Y))
		}
	}
	return b.String()
}
