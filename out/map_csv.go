package out

import (
	"io"
	"strings"
)

// writeMapCSV writes a row for every need, and one with an empty "to" for every
// service that is in none. RFC 4180, but for line feeds alone, as other tools than
// spreadsheets want them, and quotes around what begins like a comment.
func writeMapCSV(w io.Writer, m *Map) error {
	var b strings.Builder
	b.WriteString("from,to,kind,for\n")
	row := func(fields ...string) {
		for i, f := range fields {
			if i > 0 {
				b.WriteByte(',')
			}
			if f = printable(f); strings.ContainsAny(f, ",\"") || strings.HasPrefix(f, "#") || strings.HasPrefix(f, " ") {
				f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
			}
			b.WriteString(f)
		}
		b.WriteByte('\n')
	}
	in := make([]bool, len(m.Services))
	for _, l := range m.Links {
		in[l.From], in[l.To] = true, true
		row(m.Services[l.From].ID, m.Services[l.To].ID, l.Kind.String(), l.For)
	}
	for i := range m.Services {
		if !in[i] {
			row(m.Services[i].ID, "", "", "")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
