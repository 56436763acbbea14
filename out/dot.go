package out

import (
	"fmt"
	"io"
	"strings"

	"github.com/knockon/knockon/graph"
)

// dotFills are the colours of outcomes, from the palette of Okabe and Ito, light
// enough for black text. The outcome stands in the label too.
var dotFills = [...]string{graph.Safe: "#ffffff", graph.Stale: "#f0d9e6", graph.Frozen: "#cfe8f8", graph.Delayed: "#f8f4b8", graph.Degraded: "#f7dc9c", graph.Down: "#f3b98f"}

// dotStyles draw the kinds of needs.
var dotStyles = [...]string{
	Hard: "solid", Soft: "dashed", FallsBack: "dashed", GoesStale: "dashed",
	Queued: "dotted", Fresh: "dashed", Leased: "solid", Changes: "dashed", Repairs: "dotted",
}

// writeDOT writes a graph that Graphviz draws, for those who want to change it by
// hand. It shows every service; arrows of a blast radius lead the way failure
// goes, those of a catalog from a service to what it needs.
func writeDOT(w io.Writer, r Report, _ Options) error {
	var b strings.Builder
	switch r := r.(type) {
	case *Blast:
		writeGraph(&b, &r.Map, r)
	case *Map:
		writeGraph(&b, r, nil)
	default:
		return unsupported("dot", r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeGraph(b *strings.Builder, m *Map, blast *Blast) {
	title := m.Title
	if blast != nil {
		title = blast.Headline()
	}
	b.WriteString("digraph knockon {\n")
	fmt.Fprintf(b, "  graph [label=%s labelloc=t rankdir=LR newrank=true fontname=\"Helvetica\"]\n", dotQuote(title))
	b.WriteString("  node [shape=box style=\"rounded,filled\" fillcolor=white fontname=\"Helvetica\"]\n")
	b.WriteString("  edge [fontname=\"Helvetica\" fontsize=10]\n")
	top, frames := framesOf(m.Services), 0
	for _, f := range top.inside {
		f.write(b, m, blast != nil, "  ", &frames)
	}
	for _, i := range top.services {
		dotNode(b, m, i, blast != nil, "  ")
	}
	for i := range m.Links {
		dotEdge(b, m, &m.Links[i], blast != nil)
	}
	b.WriteString("}\n")
}

func (f *frame) write(b *strings.Builder, m *Map, outcomes bool, indent string, count *int) {
	fmt.Fprintf(b, "%ssubgraph cluster_%d {\n%s  label=%s\n", indent, *count, indent, dotQuote(f.name))
	*count++
	for _, i := range f.services {
		dotNode(b, m, i, outcomes, indent+"  ")
	}
	for _, g := range f.inside {
		g.write(b, m, outcomes, indent+"  ", count)
	}
	fmt.Fprintf(b, "%s}\n", indent)
}

func dotNode(b *strings.Builder, m *Map, i int, outcomes bool, indent string) {
	s := &m.Services[i]
	label, more := labelOf(s), ""
	if outcomes {
		label += "\n" + outcomeLine(s)
		more = fmt.Sprintf(" fillcolor=%q", dotFills[s.Outcome])
		if s.Root {
			more += " penwidth=4"
		}
	}
	fmt.Fprintf(b, "%s%s [label=%s%s]\n", indent, dotQuote(s.ID), dotQuote(label), more)
}

// outcomeLine is an outcome and its time in a few words.
func outcomeLine(s *Service) string {
	switch {
	case s.Root:
		return s.Outcome.String() + ", fails first"
	case s.Outcome == graph.Safe:
		return "safe"
	}
	return outcomeWord(s.Outcome, s.Corrupt) + ", " + soonest(s)
}

func dotEdge(b *strings.Builder, m *Map, l *Link, outcomes bool) {
	from, to := m.Services[l.From].ID, m.Services[l.To].ID
	more := ""
	if outcomes {
		from, to = to, from
		switch {
		case l.Carries:
			more = " penwidth=2.5 color=\"#c45400\""
		case l.Held != "":
			more = " color=\"#008a64\" arrowhead=tee"
		default:
			more = " color=\"#9aa3ad\""
		}
	}
	label := l.Kind.String()
	if l.Alternative {
		label = "fallback answers"
	}
	if l.AtLeast > 0 {
		label += fmt.Sprintf(" %d of %d", l.AtLeast, l.Of)
	}
	if l.Held != "" {
		label += ", held by " + l.Held
	}
	if label == Hard.String() {
		label = ""
	}
	fmt.Fprintf(b, "  %s -> %s [style=%s label=%s%s]\n", dotQuote(from), dotQuote(to), dotStyles[l.Kind], dotQuote(label), more)
}

// dotQuote makes a quoted string of DOT. Inside it only the quote needs a
// backslash for the grammar, but a backslash also begins escapes such as \N in
// labels, so it is doubled. https://graphviz.org/doc/info/lang.html
func dotQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for line := range strings.SplitSeq(s, "\n") {
		if b.Len() > 1 {
			b.WriteString(`\n`)
		}
		b.WriteString(dotEscapes.Replace(printable(line)))
	}
	b.WriteByte('"')
	return b.String()
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// frame is a group of services with the groups inside it.
type frame struct {
	name     string // the last part of its path
	services []int
	inside   []*frame // in order of appearance
	named    map[string]*frame
}

// framesOf nests services by the paths of their groups.
func framesOf(services []Service) *frame {
	top := &frame{named: make(map[string]*frame)}
	for i := range services {
		at := top
		if group := services[i].Group; group != "" {
			for part := range strings.SplitSeq(group, "/") {
				at = at.find(part)
			}
		}
		at.services = append(at.services, i)
	}
	return top
}

func (f *frame) find(name string) *frame {
	g, ok := f.named[name]
	if !ok {
		g = &frame{name: name, named: make(map[string]*frame)}
		f.named[name] = g
		f.inside = append(f.inside, g)
	}
	return g
}
