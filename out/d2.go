package out

import (
	"fmt"
	"io"
	"strings"
)

// d2Shapes draw the kinds of services that have a shape of their own.
var d2Shapes = map[string]string{"database": "cylinder", "queue": "queue", "cache": "cylinder", "external": "cloud"}

// writeD2 writes a diagram of D2, groups as containers. An arrow leads from a service
// to what it needs.
//
// Source: https://d2lang.com/tour/intro
func writeD2(w io.Writer, r Report, _ Options) error {
	m, ok := r.(*Map)
	if !ok {
		return unsupported("d2", r)
	}
	var b strings.Builder
	b.WriteString("direction: right\n")
	top := framesOf(m.Services)
	paths := make([]string, len(m.Services))
	top.d2(&b, m, "", "", paths)
	for i := range m.Links {
		l := &m.Links[i]
		label := l.Kind.String()
		if l.For != "" {
			label = l.For
		}
		fmt.Fprintf(&b, "%s -> %s: %s", paths[l.From], paths[l.To], jsonQuote(printable(label)))
		if l.Kind != Hard {
			b.WriteString(" {style.stroke-dash: 4}")
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// d2 writes a group and what is in it, and notes the path of every service. Names of
// groups and of services are told apart by what they begin with.
func (f *frame) d2(b *strings.Builder, m *Map, indent, path string, paths []string) {
	for _, g := range f.inside {
		id := jsonQuote("group " + printable(g.name))
		fmt.Fprintf(b, "%s%s: %s {\n", indent, id, jsonQuote(printable(g.name)))
		g.d2(b, m, indent+"  ", path+id+".", paths)
		fmt.Fprintf(b, "%s}\n", indent)
	}
	for _, i := range f.services {
		s := &m.Services[i]
		id := jsonQuote(printable(s.ID))
		paths[i] = path + id
		fmt.Fprintf(b, "%s%s: %s", indent, id, jsonQuote(printable(s.Title)))
		if shape := d2Shapes[s.Kind]; shape != "" {
			fmt.Fprintf(b, " {shape: %s}", shape)
		}
		b.WriteByte('\n')
	}
}
