package raster

import (
	"fmt"
	"image/color"
	"slices"
	"strconv"
	"strings"
)

// style is what an element looks like. A nil colour is none.
type style struct {
	fill, stroke *color.NRGBA
	width        float64 // of the stroke
	dashes       []float64
	roundCap     bool
	size         float64 // of a font
	bold         bool
	anchor       string // start, middle or end
	strokeFirst  bool   // paint-order: the edge, then what is inside
	effect       string // vector-effect; not inherited
}

func initial() style {
	return style{fill: &color.NRGBA{A: 255}, width: 1, size: 16, anchor: "start"}
}

// set takes one declaration. What only moves or hints changes nothing in a still.
func (s *style) set(name, value string) (err error) {
	switch name {
	case "fill":
		s.fill, err = parseColor(value)
	case "stroke":
		s.stroke, err = parseColor(value)
	case "stroke-width":
		s.width, err = parseLength(value)
	case "stroke-dasharray":
		s.dashes = nil
		if value == "none" {
			return nil
		}
		for _, f := range strings.Fields(strings.ReplaceAll(value, ",", " ")) {
			d, err := parseLength(f)
			if err != nil {
				return err
			}
			s.dashes = append(s.dashes, d)
		}
	case "stroke-linecap":
		s.roundCap = value == "round"
	case "font-size":
		s.size, err = parseLength(value)
	case "font-weight":
		weight, e := strconv.Atoi(value)
		s.bold, err = weight >= 600, e
	case "text-anchor":
		s.anchor = value
	case "paint-order":
		s.strokeFirst = value == "stroke"
	case "vector-effect":
		s.effect = value
	case "font-family", "stroke-linejoin", "pointer-events", "animation":
	default:
		return fmt.Errorf("style %q is not known", name)
	}
	return err
}

func parseLength(text string) (float64, error) {
	return strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), "px"), 64)
}

// parseColor reads "#rrggbb" and "none".
func parseColor(text string) (*color.NRGBA, error) {
	text = strings.TrimSpace(text)
	if text == "none" {
		return nil, nil
	}
	hex, ok := strings.CutPrefix(text, "#")
	v, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return nil, fmt.Errorf("colour %q", text)
	}
	return &color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}, nil
}

// rule is one rule of a style sheet: a chain of parts, each in the one before.
type rule struct {
	parts        []part
	weight       int // of its selector: classes count more than names
	declarations []declaration
}

// part matches an element by its name, "" for any, and by classes.
type part struct {
	name    string
	classes []string
}

type declaration struct{ name, value string }

// parseStyle reads a style sheet without what holds only in other media: dark, print,
// and without what moves.
func parseStyle(text string) ([]rule, error) {
	var rules []rule
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		head, rest, ok := strings.Cut(text, "{")
		if !ok {
			return nil, fmt.Errorf("style sheet ends in %q", head)
		}
		if strings.HasPrefix(head, "@") { // to the brace that closes it
			depth, end := 1, -1
			for i := range len(rest) {
				switch rest[i] {
				case '{':
					depth++
				case '}':
					depth--
				}
				if depth == 0 {
					end = i
					break
				}
			}
			if end < 0 {
				return nil, fmt.Errorf("style sheet ends in %q", head)
			}
			text = rest[end+1:]
			continue
		}
		body, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil, fmt.Errorf("style sheet ends in %q", head)
		}
		var declarations []declaration
		for d := range strings.SplitSeq(body, ";") {
			name, value, ok := strings.Cut(d, ":")
			if ok {
				declarations = append(declarations, declaration{strings.TrimSpace(name), strings.TrimSpace(value)})
			}
		}
		for selector := range strings.SplitSeq(head, ",") {
			r := rule{declarations: declarations}
			for _, word := range strings.Fields(selector) {
				name, classes, _ := strings.Cut(word, ".")
				if name == "*" {
					name = ""
				}
				q := part{name: name}
				if classes != "" {
					q.classes = strings.Split(classes, ".")
				}
				r.weight += 100 * len(q.classes)
				if name != "" {
					r.weight++
				}
				r.parts = append(r.parts, q)
			}
			if len(r.parts) > 0 {
				rules = append(rules, r)
			}
		}
		text = after
	}
	slices.SortStableFunc(rules, func(a, b rule) int { return a.weight - b.weight })
	return rules, nil
}

func (q *part) matches(n *node) bool {
	if q.name != "" && q.name != n.name {
		return false
	}
	for _, c := range q.classes {
		if !slices.Contains(n.classes, c) {
			return false
		}
	}
	return true
}

// matches goes from an element outward.
func (r *rule) matches(n *node) bool {
	last := len(r.parts) - 1
	if !r.parts[last].matches(n) {
		return false
	}
	n = n.parent
	for i := last - 1; i >= 0; i-- {
		for n != nil && !r.parts[i].matches(n) {
			n = n.parent
		}
		if n == nil {
			return false
		}
		n = n.parent
	}
	return true
}

// matching are the rules for an element, the weakest first.
func (p *painter) matching(n *node) []*rule {
	var all []*rule
	for i := range p.rules {
		if p.rules[i].matches(n) {
			all = append(all, &p.rules[i])
		}
	}
	return all
}
