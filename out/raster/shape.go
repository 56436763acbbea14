package raster

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// shape is an outline made of straight pieces, short enough to look round.
type shape []polyline

type polyline struct {
	points []point
	closed bool
}

// flatness is how far a piece may be from the curve, in units of the picture.
const flatness = 0.04

func (s shape) moved(m matrix) shape {
	all := make(shape, len(s))
	for i, line := range s {
		moved := polyline{points: make([]point, len(line.points)), closed: line.closed}
		for k, v := range line.points {
			moved.points[k] = m.point(v.x, v.y)
		}
		all[i] = moved
	}
	return all
}

func (s shape) bounds() (low, high point, ok bool) {
	low, high = point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, line := range s {
		for _, v := range line.points {
			low.x, low.y = min(low.x, v.x), min(low.y, v.y)
			high.x, high.y = max(high.x, v.x), max(high.y, v.y)
			ok = true
		}
	}
	return low, high, ok && !math.IsNaN(low.x+low.y+high.x+high.y) && math.Abs(low.x)+math.Abs(low.y)+math.Abs(high.x)+math.Abs(high.y) < 1e7
}

// rectangle has rounded corners where r is more than 0.
func rectangle(x, y, w, h, r float64) shape {
	if w <= 0 || h <= 0 {
		return nil
	}
	r = min(r, w/2, h/2)
	b := &pathBuilder{}
	b.move(x+r, y)
	b.line(x+w-r, y)
	b.quarter(x+w-r, y+r, r, -math.Pi/2)
	b.line(x+w, y+h-r)
	b.quarter(x+w-r, y+h-r, r, 0)
	b.line(x+r, y+h)
	b.quarter(x+r, y+h-r, r, math.Pi/2)
	b.line(x, y+r)
	b.quarter(x+r, y+r, r, math.Pi)
	b.close()
	return b.done()
}

func ellipse(cx, cy, rx, ry float64) shape {
	if rx <= 0 || ry <= 0 {
		return nil
	}
	n := max(16, int(math.Ceil(math.Sqrt(max(rx, ry)/flatness)*2)))
	line := polyline{closed: true}
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		line.points = append(line.points, point{cx + rx*cos, cy + ry*sin})
	}
	return shape{line}
}

// pathBuilder takes the commands of a path.
type pathBuilder struct {
	all     shape
	now     polyline
	at      point
	control point // of the last curve, for those that go on smoothly
}

func (b *pathBuilder) move(x, y float64) {
	b.flush()
	b.at = point{x, y}
	b.now.points = append(b.now.points, b.at)
}

func (b *pathBuilder) line(x, y float64) {
	if len(b.now.points) == 0 {
		b.now.points = append(b.now.points, b.at)
	}
	b.at = point{x, y}
	b.now.points = append(b.now.points, b.at)
}

func (b *pathBuilder) quarter(cx, cy, r, from float64) {
	if r <= 0 {
		return
	}
	n := max(4, int(math.Ceil(math.Sqrt(r/flatness))))
	for i := 1; i <= n; i++ {
		sin, cos := math.Sincos(from + math.Pi/2*float64(i)/float64(n))
		b.line(cx+r*cos, cy+r*sin)
	}
}

func (b *pathBuilder) cubic(a, z, to point) {
	from := b.at
	length := math.Hypot(a.x-from.x, a.y-from.y) + math.Hypot(z.x-a.x, z.y-a.y) + math.Hypot(to.x-z.x, to.y-z.y)
	n := min(400, max(4, int(math.Ceil(math.Sqrt(length/flatness)))))
	for i := 1; i <= n; i++ {
		t := float64(i) / float64(n)
		u := 1 - t
		p, q, r, s := u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
		b.line(p*from.x+q*a.x+r*z.x+s*to.x, p*from.y+q*a.y+r*z.y+s*to.y)
	}
	b.control = z
}

func (b *pathBuilder) quadratic(c, to point) {
	from := b.at
	b.cubic(point{from.x + 2*(c.x-from.x)/3, from.y + 2*(c.y-from.y)/3}, point{to.x + 2*(c.x-to.x)/3, to.y + 2*(c.y-to.y)/3}, to)
}

// arc goes along an ellipse that is not turned; see "Elliptical arc implementation
// notes" of SVG 2, B.2.4.
func (b *pathBuilder) arc(rx, ry float64, large, sweep bool, to point) {
	from := b.at
	if rx == 0 || ry == 0 || from == to {
		b.line(to.x, to.y)
		return
	}
	rx, ry = math.Abs(rx), math.Abs(ry)
	x, y := (from.x-to.x)/2, (from.y-to.y)/2
	if l := x*x/(rx*rx) + y*y/(ry*ry); l > 1 {
		rx, ry = rx*math.Sqrt(l), ry*math.Sqrt(l)
	}
	k := math.Sqrt(max(0, (rx*rx*ry*ry-rx*rx*y*y-ry*ry*x*x)/(rx*rx*y*y+ry*ry*x*x)))
	if large == sweep {
		k = -k
	}
	cx, cy := k*rx*y/ry, -k*ry*x/rx
	begin := math.Atan2((y-cy)/ry, (x-cx)/rx)
	turn := math.Atan2((-y-cy)/ry, (-x-cx)/rx) - begin
	switch {
	case sweep && turn < 0:
		turn += 2 * math.Pi
	case !sweep && turn > 0:
		turn -= 2 * math.Pi
	}
	mx, my := (from.x+to.x)/2+cx, (from.y+to.y)/2+cy
	n := max(4, int(math.Ceil(math.Abs(turn)*math.Sqrt(max(rx, ry)/flatness))))
	for i := 1; i < n; i++ {
		sin, cos := math.Sincos(begin + turn*float64(i)/float64(n))
		b.line(mx+rx*cos, my+ry*sin)
	}
	b.line(to.x, to.y)
}

func (b *pathBuilder) close() {
	if len(b.now.points) == 0 {
		return
	}
	b.now.closed = true
	first := b.now.points[0]
	b.flush()
	b.at = first
}

func (b *pathBuilder) flush() {
	if len(b.now.points) > 0 {
		b.all = append(b.all, b.now)
	}
	b.now = polyline{}
}

func (b *pathBuilder) done() shape {
	b.flush()
	return b.all
}

// parsePath reads the data of a path.
func parsePath(d string) (shape, error) {
	b := &pathBuilder{}
	s := &scanner{text: d}
	var command, last byte
	for {
		s.space()
		if s.end() {
			return b.done(), nil
		}
		if c := s.text[s.at]; c >= 'A' && c != 'e' && c != 'E' {
			command = c
			s.at++
		} else if command == 0 {
			return nil, fmt.Errorf("path %.20q", s.text[s.at:])
		}
		origin := point{}
		if command >= 'a' {
			origin = b.at
		}
		pair := func() point { return point{origin.x + s.number(), origin.y + s.number()} }
		switch command {
		case 'M', 'm':
			to := pair()
			b.move(to.x, to.y)
		case 'L', 'l':
			to := pair()
			b.line(to.x, to.y)
		case 'H', 'h':
			b.line(origin.x+s.number(), b.at.y)
		case 'V', 'v':
			b.line(b.at.x, origin.y+s.number())
		case 'C', 'c':
			a, z, to := pair(), pair(), pair()
			b.cubic(a, z, to)
		case 'S', 's':
			a := b.at
			if last == 'C' || last == 'c' || last == 'S' || last == 's' {
				a = point{2*b.at.x - b.control.x, 2*b.at.y - b.control.y}
			}
			z, to := pair(), pair()
			b.cubic(a, z, to)
		case 'Q', 'q':
			c, to := pair(), pair()
			b.quadratic(c, to)
		case 'A', 'a':
			rx, ry, turned, large, sweep := s.number(), s.number(), s.number(), s.flag(), s.flag()
			to := pair()
			if turned != 0 && rx != ry {
				return nil, errors.New("an arc that is turned")
			}
			b.arc(rx, ry, large, sweep, to)
		case 'Z', 'z':
			b.close()
		default:
			return nil, fmt.Errorf("path command %q", command)
		}
		if s.failed {
			return nil, fmt.Errorf("path %.40q", d)
		}
		last = command
		switch command { // more pairs go on as lines
		case 'M':
			command = 'L'
		case 'm':
			command = 'l'
		case 'Z', 'z':
			command = 0
		}
	}
}

// scanner reads the numbers of a path.
type scanner struct {
	text   string
	at     int
	failed bool
}

func (s *scanner) end() bool { return s.at >= len(s.text) }

func (s *scanner) space() {
	for !s.end() && (s.text[s.at] == ' ' || s.text[s.at] == ',' || s.text[s.at] == '\n') {
		s.at++
	}
}

func (s *scanner) flag() bool {
	s.space()
	if s.end() || s.text[s.at] != '0' && s.text[s.at] != '1' {
		s.failed = true
		return false
	}
	s.at++
	return s.text[s.at-1] == '1'
}

func (s *scanner) number() float64 {
	s.space()
	from, dot := s.at, false
	for !s.end() {
		c := s.text[s.at]
		switch {
		case c >= '0' && c <= '9':
		case c == '.' && !dot:
			dot = true
		case (c == '-' || c == '+') && (s.at == from || s.text[s.at-1] == 'e'):
		case c == 'e' && s.at > from:
		default:
			c = 0
		}
		if c == 0 {
			break
		}
		s.at++
	}
	v, err := strconv.ParseFloat(s.text[from:s.at], 64)
	if err != nil {
		s.failed = true
	}
	return v
}

// dashed cuts lines into dashes.
func (s shape) dashed(pattern []float64) shape {
	total := 0.0
	for _, d := range pattern {
		total += d
	}
	if total <= 0 {
		return s
	}
	var all shape
	for _, line := range s {
		points := line.points
		if line.closed {
			points = append(append([]point{}, points...), points[0])
		}
		k, left, on := 0, pattern[0], true
		now := polyline{}
		if len(points) > 0 {
			now.points = []point{points[0]}
		}
		for i := 1; i < len(points); i++ {
			from, to := points[i-1], points[i]
			length := math.Hypot(to.x-from.x, to.y-from.y)
			for done := 0.0; length-done > 1e-9; {
				step := min(left, length-done)
				done += step
				left -= step
				at := point{from.x + (to.x-from.x)*done/length, from.y + (to.y-from.y)*done/length}
				now.points = append(now.points, at)
				if left <= 1e-9 {
					if on && len(now.points) > 1 {
						all = append(all, now)
					}
					now = polyline{points: []point{at}}
					on = !on
					k = (k + 1) % len(pattern)
					left = max(pattern[k], 1e-6)
				}
			}
		}
		if on && len(now.points) > 1 {
			all = append(all, now)
		}
	}
	return all
}

// stroked is the outline of lines of a width: a box for each piece and a disc at each
// joint. All turn the same way, so that where they overlap they add up.
func (s shape) stroked(width float64, roundCap bool) shape {
	half := width / 2
	var all shape
	for _, line := range s {
		points := line.points
		n := len(points)
		if line.closed && n > 1 {
			points = append(append([]point{}, points...), points[0])
			n++
		}
		for i := 1; i < n; i++ {
			a, b := points[i-1], points[i]
			length := math.Hypot(b.x-a.x, b.y-a.y)
			if length < 1e-9 {
				continue
			}
			x, y := (b.x-a.x)/length*half, (b.y-a.y)/length*half
			all = append(all, polyline{points: []point{{a.x + y, a.y - x}, {b.x + y, b.y - x}, {b.x - y, b.y + x}, {a.x - y, a.y + x}}, closed: true})
		}
		for i := range n {
			inner := i > 0 && i < n-1 || line.closed
			if (inner || roundCap) && half > 0.4 && turns(points, i) {
				all = append(all, ellipse(points[i].x, points[i].y, half, half)...)
			}
		}
	}
	return all
}

// turns reports whether a line bends so much at a point that a gap would show.
func turns(points []point, i int) bool {
	if i == 0 || i == len(points)-1 {
		return true
	}
	a, b, c := points[i-1], points[i], points[i+1]
	x1, y1, x2, y2 := b.x-a.x, b.y-a.y, c.x-b.x, c.y-b.y
	return math.Abs(x1*y2-y1*x2) > 0.08*math.Hypot(x1, y1)*math.Hypot(x2, y2) || x1*x2+y1*y2 < 0
}
