package out

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// graphMLKeys are what is said of nodes and edges beside their names.
var graphMLKeys = []struct{ of, name string }{
	{"node", "title"}, {"node", "kind"}, {"node", "group"}, {"node", "owner"}, {"node", "tier"}, {"edge", "kind"}, {"edge", "for"},
}

// writeGraphML writes a graph for yEd, Gephi and libraries of graphs. An edge leads
// from a service to what it needs.
//
// Source: http://graphml.graphdrawing.org/specification.html
func writeGraphML(w io.Writer, r Report, _ Options) error {
	m, ok := r.(*Map)
	if !ok {
		return unsupported("graphml", r)
	}
	var b strings.Builder
	b.WriteString(xml.Header + `<graphml xmlns="http://graphml.graphdrawing.org/xmlns">` + "\n")
	for _, k := range graphMLKeys {
		fmt.Fprintf(&b, "  <key id=\"%s-%s\" for=%q attr.name=%q attr.type=\"string\"/>\n", k.of, k.name, k.of, k.name)
	}
	b.WriteString("  <graph edgedefault=\"directed\">\n")
	data := func(of, name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "      <data key=\"%s-%s\">%s</data>\n", of, name, escape(printable(value)))
		}
	}
	for i := range m.Services {
		s := &m.Services[i]
		fmt.Fprintf(&b, "    <node id=\"%s\">\n", escape(printable(s.ID)))
		data("node", "title", s.Title)
		data("node", "kind", s.Kind)
		data("node", "group", s.Group)
		data("node", "owner", s.Owner)
		if s.Tier != nil {
			data("node", "tier", fmt.Sprint(*s.Tier))
		}
		b.WriteString("    </node>\n")
	}
	for i := range m.Links {
		l := &m.Links[i]
		fmt.Fprintf(&b, "    <edge source=\"%s\" target=\"%s\">\n", escape(printable(m.Services[l.From].ID)), escape(printable(m.Services[l.To].ID)))
		data("edge", "kind", l.Kind.String())
		data("edge", "for", l.For)
		b.WriteString("    </edge>\n")
	}
	b.WriteString("  </graph>\n</graphml>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
