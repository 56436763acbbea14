package out

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/graph"
)

func writeText(w io.Writer, r Report, o Options) error {
	var b strings.Builder
	r.text(&b, o)
	_, err := io.WriteString(w, b.String())
	return err
}

// outcomeStyles colour a word that is also written out.
var outcomeStyles = [...]string{graph.Safe: green, graph.Stale: dim, graph.Frozen: blue, graph.Delayed: cyan, graph.Degraded: yellow, graph.Down: red}

// Headline says in one line what a blast radius comes to.
func (r *Blast) Headline() string {
	count, _ := r.Summary.Impacted()
	during := ""
	if r.For > 0 {
		during = " for " + r.For.String()
	}
	return fmt.Sprintf("%s %s%s: %d of %s impacted",
		strings.Join(r.ids(r.Roots), ", "), r.As, during, count, plural(len(r.Services), "service"))
}

// breakdown counts the outcomes, worst first: "22 down, 9 degraded".
func breakdown(s graph.Summary) string {
	var parts []string
	for o := graph.Down; o > graph.Safe; o-- {
		if s.Count[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", s.Count[o], o))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *Blast) text(b *strings.Builder, o Options) {
	paragraph(b, r.Headline(), bold, o)
	_, weight := r.Summary.Impacted()
	total := weight + r.Summary.Weight[graph.Safe]
	paragraph(b, fmt.Sprintf("%s; weight %s of %s", breakdown(r.Summary), number(weight), number(total)), "", o)
	b.WriteString("\n")

	t := table{head: []string{"OUTCOME", "EARLIEST", "HOPS", "SERVICE", "BECAUSE"}, right: []bool{false, false, true, false, false}, key: 3, prose: true}
	for _, i := range r.byTime() {
		s := &r.Services[i]
		why := s.Because
		if s.Root {
			why = "fails first"
		}
		t.row(cell{s.Outcome.String(), outcomeStyles[s.Outcome]}, cell{text: when(s.Earliest)},
			cell{text: strconv.Itoa(s.Distance)}, cell{s.ID, bold}, cell{text: why})
	}
	t.write(b, o)

	r.containedText(b, o)
	if len(r.Recovery) > 0 {
		b.WriteString("\n")
		t := table{head: []string{"REPAIR OF", "DEPENDS ON", "WHICH IS LOST"}, right: make([]bool, 3), prose: true}
		for _, c := range r.Recovery {
			s := &r.Services[c.Service]
			t.row(cell{s.ID, bold}, cell{text: strings.Join(r.ids(c.Lost), ", ")}, cell{text: c.Where})
		}
		t.write(b, o)
	}
	b.WriteString("\n")
	summaryTable(b, o, "GROUP", r.ByGroup)
	if len(r.Assumed) > 0 {
		b.WriteString("\n")
	}
	for _, a := range r.Assumed {
		paragraph(b, "assumed: "+a, "", o)
	}
	b.WriteString("\n")
	paragraph(b, "Times are the earliest at which an outcome can begin: load, capacity and recovery do not enter.", dim, o)
}

// containedText shows what kept safe services safe. Needs that held at services
// which are hit another way are only counted.
func (r *Blast) containedText(b *strings.Builder, o Options) {
	t := table{head: []string{"CONTAINED AT", "HELD BY", "BECAUSE"}, right: make([]bool, 3), prose: true}
	elsewhere := 0
	for _, c := range r.Contained {
		if s := &r.Services[c.Service]; s.Outcome <= graph.Stale {
			t.row(cell{s.ID, bold}, cell{c.Held, green}, cell{text: c.Because})
		} else {
			elsewhere++
		}
	}
	if len(t.rows) > 0 {
		b.WriteString("\n")
		t.write(b, o)
	}
	if elsewhere > 0 {
		b.WriteString("\n")
		paragraph(b, plural(elsewhere, "need")+" held at services that are hit another way; --format json has them", "", o)
	}
}

// byTime returns the impacted services in the order in which they can be hit.
func (r *Blast) byTime() []int {
	var hit []int
	for i := range r.Services {
		if r.Services[i].Outcome != graph.Safe {
			hit = append(hit, i)
		}
	}
	slices.SortStableFunc(hit, func(x, y int) int {
		a, b := &r.Services[x], &r.Services[y]
		return cmp.Or(cmp.Compare(a.Earliest, b.Earliest), cmp.Compare(a.Distance, b.Distance), cmp.Compare(b.Outcome, a.Outcome))
	})
	return hit
}

// summaryTable shows how the parts of a catalog fare; parts without a name or
// without an impact are left out.
func summaryTable(b *strings.Builder, o Options, what string, all []Slice) {
	t := table{head: []string{what, "IMPACTED", "OF", "OUTCOMES"}, right: []bool{false, true, true, false}}
	for _, s := range all {
		count, _ := s.Summary.Impacted()
		if s.Name == "" || count == 0 {
			continue
		}
		t.row(cell{s.Name, bold}, cell{text: strconv.Itoa(count)}, cell{text: strconv.Itoa(count + s.Summary.Count[graph.Safe])}, cell{text: breakdown(s.Summary)})
	}
	if len(t.rows) > 0 {
		t.write(b, o)
	}
}

func (m *Map) text(b *strings.Builder, o Options) {
	if m.Title != "" {
		paragraph(b, m.Title, bold, o)
	}
	needs := 0
	if n := len(m.Links); n > 0 {
		needs = m.Links[n-1].Need + 1
	}
	paragraph(b, plural(len(m.Services), "service")+", "+plural(needs, "need"), "", o)
	b.WriteString("\n")
	t := table{head: []string{"SERVICE", "GROUP", "TIER", "NEEDS"}, right: []bool{false, false, true, false}}
	next := 0
	for i := range m.Services {
		s := &m.Services[i]
		var names []string
		for ; next < len(m.Links) && m.Links[next].From == i; next++ {
			if l := m.Links[next]; !l.Alternative {
				names = append(names, m.Services[l.To].ID)
			}
		}
		t.row(cell{s.ID, bold}, cell{text: s.Group}, cell{text: tier(s.Tier)}, cell{text: strings.Join(names, ", ")})
	}
	t.write(b, o)
}

func (r *Ranking) text(b *strings.Builder, o Options) {
	what := plural(r.Of, "service") + " by what their loss impacts"
	if r.Total < r.Of {
		what = fmt.Sprintf("%d of %s, interrupted: by what their loss impacts", r.Total, plural(r.Of, "service"))
	}
	if r.For > 0 {
		what += " within " + r.For.String()
	}
	paragraph(b, what, bold, o)
	if len(r.Ranks) < r.Total {
		fmt.Fprintf(b, "the first %d are shown\n", len(r.Ranks))
	}
	b.WriteString("\n")
	t := table{head: []string{"RANK", "SERVICE", "IMPACTED", "WEIGHT", "OUTCOMES"}, right: []bool{true, false, true, true, false}, key: 1}
	for _, k := range r.Ranks {
		count, weight := k.Summary.Impacted()
		t.row(cell{text: strconv.Itoa(k.Place)}, cell{k.ID, bold}, cell{text: strconv.Itoa(count)},
			cell{text: number(weight)}, cell{text: breakdown(k.Summary)})
	}
	t.write(b, o)
}

// paragraph prints a text in lines that fit the terminal.
func paragraph(b *strings.Builder, text, style string, o Options) {
	for _, line := range wrapText(printable(text), o.Width) {
		b.WriteString(paint(line, style, o) + "\n")
	}
}

func tier(t *int64) string {
	if t == nil {
		return ""
	}
	return strconv.FormatInt(*t, 10)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }
