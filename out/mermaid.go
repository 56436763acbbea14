package out

import (
	"fmt"
	"io"
	"strings"

	"github.com/knockon/knockon/out/scene"
)

// writeMermaid writes a flowchart for Markdown pages. It shows the boxes of the
// picture that writeSVG draws, folded as there, because Mermaid lays out a few
// dozen boxes well and hundreds not at all.
func writeMermaid(w io.Writer, r Report, _ Options) error {
	s, err := sceneOf("mermaid", r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, drawMermaid(s))
	return err
}

// mermaidEdges is how many arrows Mermaid draws without being told to (maxEdges).
// Above it those that do not shape the picture are left out.
const mermaidEdges = 500

func drawMermaid(s *scene.Scene) string {
	var b strings.Builder
	// A title could end the front matter it would stand in.
	fmt.Fprintf(&b, "%%%% %s\n", strings.ReplaceAll(s.Title, "%%", "% %"))
	b.WriteString("flowchart LR\n")
	for i := range s.Nodes { // names of services are not IDs of nodes; our importer reads this
		if n := &s.Nodes[i]; n.Folded == 0 {
			fmt.Fprintf(&b, "  %%%% n%d is %s\n", i, mermaidName(n.ID))
		}
	}
	drawn := make([]bool, len(s.Nodes))
	groups := 0
	for i := range s.Nodes {
		if drawn[i] {
			continue
		}
		if s.Nodes[i].Cluster < 0 {
			mermaidNode(&b, s, i, "  ")
			continue
		}
		label := s.Clusters[s.Nodes[i].Cluster].Label
		fmt.Fprintf(&b, "  subgraph g%d[%s]\n", groups, mermaidQuote(label))
		groups++
		for j := i; j < len(s.Nodes); j++ {
			if k := s.Nodes[j].Cluster; k >= 0 && s.Clusters[k].Label == label {
				mermaidNode(&b, s, j, "    ")
				drawn[j] = true
			}
		}
		b.WriteString("  end\n")
	}
	for i := range s.Edges {
		if e := &s.Edges[i]; !e.Loose || len(s.Edges) <= mermaidEdges {
			fmt.Fprintf(&b, "  n%d %s n%d\n", e.From, mermaidArrow(e), e.To)
		}
	}
	for _, o := range outcomeOrder {
		var ids []string
		for i := range s.Nodes {
			if s.Nodes[i].Outcome == o {
				ids = append(ids, fmt.Sprintf("n%d", i))
			}
		}
		if len(ids) > 0 {
			t := light.tones[o]
			fmt.Fprintf(&b, "  classDef %s fill:%s,stroke:%s,color:%s\n  class %s %s\n", o, t.card, t.line, light.text, strings.Join(ids, ","), o)
		}
	}
	for i := range s.Nodes {
		if s.Nodes[i].Root {
			fmt.Fprintf(&b, "  style n%d stroke-width:4px\n", i)
		}
	}
	return b.String()
}

func mermaidNode(b *strings.Builder, s *scene.Scene, i int, indent string) {
	n := &s.Nodes[i]
	label := n.Label
	if detail := strings.TrimSpace(n.Detail + " " + n.When); detail != "" {
		label += "\n" + detail
	}
	fmt.Fprintf(b, "%sn%d[%s]\n", indent, i, mermaidQuote(label))
}

// mermaidArrow is thick on the way of a failure, a cross where it stopped, dotted
// where a need is not hard.
func mermaidArrow(e *scene.Edge) string {
	label := e.Kind
	if e.Badge != "" {
		label += " " + e.Badge
	}
	text := "|" + mermaidQuote(label) + "|"
	if label == Hard.String() {
		text = ""
	}
	switch {
	case e.Role == scene.Carries:
		return "==>" + text
	case e.Role == scene.Holds:
		return "--x" + text
	case e.Kind == Hard.String():
		return "-->" + text
	}
	return "-.->" + text
}

// mermaidName is a name as a Go string literal in which nothing stands that Mermaid could
// take for a directive, which it looks for in comments too.
func mermaidName(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if mermaidHarmless(r) && r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// mermaidHarmless reports whether a character is one of text wherever Mermaid reads it.
func mermaidHarmless(r rune) bool {
	switch {
	case r >= 0x80, r == ' ', r == '.', r == ',', r == '-', r == '/', r == '(', r == ')', r == ':',
		'0' <= r && r <= '9', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z':
		return true
	}
	return false
}

// mermaidQuote makes a quoted label. Mermaid puts labels into a page, and within
// quotes reads Markdown, HTML and entity codes; whatever is not a letter, a digit
// or harmless becomes an entity code.
// https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
func mermaidQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteString("<br/>")
		}
		for _, r := range printable(line) {
			if mermaidHarmless(r) {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, "#%d;", r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
