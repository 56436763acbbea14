package out

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog/importers"
)

// TestExportAndImportGiveTheSameGraph wherever there is an importer for what we
// write, however strange the names.
func TestExportAndImportGiveTheSameGraph(t *testing.T) {
	for _, format := range []string{"backstage", "csv", "dot", "mermaid", "structurizr"} {
		rapid.Check(t, func(t *rapid.T) {
			name := rapid.StringOfN(rapid.RuneFrom([]rune("aB9 -_./:\\\"'<>|{}[]#%ü漢;,=")), 1, 8, -1).Filter(func(s string) bool { return strings.TrimSpace(s) == s })
			ids := rapid.SliceOfNDistinct(name, 1, 6, func(s string) string { return s }).Draw(t, "services")
			slices.Sort(ids)
			m := &Map{Title: "x"}
			for _, id := range ids {
				m.Services = append(m.Services, Service{ID: id, Title: id, Kind: rapid.SampledFrom([]string{"service", "database"}).Draw(t, "kind"), Group: rapid.SampledFrom([]string{"", "a/b"}).Draw(t, "group")})
			}
			want := [][]string{}
			for i := range ids {
				for j := range ids {
					if i != j && rapid.IntRange(0, 2).Draw(t, "need") == 0 {
						m.Links = append(m.Links, Link{From: i, To: j, Need: len(m.Links)})
						want = append(want, []string{ids[i], ids[j]})
					}
				}
			}
			var b bytes.Buffer
			if to, _ := FormatNamed(format); to.Write(&b, m, Options{}) != nil {
				t.Fatal(format)
			}
			text := b.Bytes()
			f, _ := importers.FormatNamed(format)
			d := importers.Import([]importers.Input{{Format: f, Files: []importers.File{{Name: "export", Data: text}}}}, importers.Options{})
			if diff := cmp.Diff(ids, d.Names()); diff != "" {
				t.Fatalf("%s: -want +got\n%s\n%s", format, diff, text)
			}
			if diff := cmp.Diff(want, append([][]string{}, d.Pairs((*importers.Need).Declared)...)); diff != "" {
				t.Fatalf("%s: -want +got\n%s\n%s", format, diff, text)
			}
			if len(d.Faults) > 0 {
				t.Fatalf("%s: %v\n%s", format, d.Faults, text)
			}
		})
	}
}

// TestGraphMLIsXML: with any name in it.
func TestGraphMLIsXML(t *testing.T) {
	b := untrusted()
	d := xml.NewDecoder(bytes.NewReader(written(t, "graphml", &b.Map)))
	nodes, edges := 0, 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			switch start.Name.Local {
			case "node":
				nodes++
			case "edge":
				edges++
			}
		}
	}
	if nodes != len(b.Services) || edges != len(b.Links) {
		t.Errorf("%d nodes and %d edges", nodes, edges)
	}
}

// TestD2NamesStayNames: every line is of the grammar we mean to write.
func TestD2NamesStayNames(t *testing.T) {
	b := untrusted()
	depth, edges := 0, 0
	for line := range strings.Lines(string(written(t, "d2", &b.Map))) {
		line = strings.TrimSpace(line)
		switch {
		case line == "}":
			depth--
		case strings.HasSuffix(line, `" {`):
			depth++
		case strings.Contains(line, `" -> "`):
			edges++
		case !strings.HasPrefix(line, `"`) && line != "direction: right":
			t.Errorf("%q", line)
		}
	}
	if depth != 0 || edges != len(b.Links) {
		t.Errorf("depth %d, %d edges", depth, edges)
	}
}
