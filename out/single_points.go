package out

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

// SinglePoints are services whose loss alone loses others.
type SinglePoints struct {
	Title    string
	Of       string // the service they are of; "" for all of some tiers
	Tier     int64  // these tiers and more important ones; meaningless with Of
	Untiered bool   // no tier is stated, and all services were asked about
	Asked    int    // services that were asked about
	Total    int    // single points; Points may be fewer
	Partial  bool   // interrupted: more may be to be found
	Points   []SinglePoint
	Exposed  []Exposure // of what was asked about, the most exposed first
}

// SinglePoint is one of them.
type SinglePoint struct {
	Place   int
	ID      string
	Title   string
	Group   string
	Owner   string
	Tier    *int64
	Loses   []string // of what was asked about
	Summary graph.Summary
	Path    []string // with Of: from the point to the service
	Because string   // with Of: the last step, in words
}

// Exposure is how many services lose one alone, itself not counted.
type Exposure struct {
	ID   string
	Tier *int64
	To   int
}

func (*SinglePoints) kind() string { return "list of single points of failure" }

// NewSinglePoints describes single points of one service, or where of is "" of the
// services for which asked is true. Only the first most are kept; 0 keeps all.
func NewSinglePoints(c *catalog.Catalog, g *graph.Graph, points []graph.SinglePoint, exposure []int, asked func(graph.Node) bool, of string, most int) *SinglePoints {
	r := &SinglePoints{Title: c.Title, Of: of, Total: len(points)}
	for v := range graph.Node(g.Len()) {
		if asked(v) {
			r.Asked++
			s := newService(g.Service(v))
			r.Exposed = append(r.Exposed, Exposure{s.ID, s.Tier, max(0, exposure[v]-1)})
		}
	}
	slices.SortStableFunc(r.Exposed, func(a, b Exposure) int { return b.To - a.To })
	if most > 0 {
		points = points[:min(most, len(points))]
	}
	for i, p := range points {
		s := newService(g.Service(p.Root))
		point := SinglePoint{
			Place: i + 1, ID: s.ID, Title: s.Title, Group: s.Group, Owner: s.Owner, Tier: s.Tier, Summary: p.Summary,
		}
		if i > 0 && points[i-1].Summary.Weight == p.Summary.Weight {
			point.Place = r.Points[i-1].Place
		}
		b := g.Blast([]graph.Root{{Node: p.Root, As: graph.IsDown}}, graph.Options{})
		for v := range graph.Node(g.Len()) {
			if v != p.Root && asked(v) && b.Outcome(v) == graph.Down {
				point.Loses = append(point.Loses, g.ID(v))
			}
		}
		if target, ok := g.Node(of); ok {
			for _, step := range b.Path(target) {
				point.Path = append(point.Path, g.ID(step.Node))
			}
			if cause, need, ok := b.CausedBy(target); ok {
				point.Because = because(g, b, cause, need)
			}
		}
		r.Points = append(r.Points, point)
	}
	return r
}

// what names the services that were asked about.
func (r *SinglePoints) what() string {
	switch {
	case r.Of != "":
		return r.Of
	case r.Untiered:
		return fmt.Sprintf("any of %s; no tier is stated", plural(r.Asked, "service"))
	case r.Tier == 0:
		return "tier 0, " + plural(r.Asked, "service")
	}
	return fmt.Sprintf("tiers 0 to %d, %s", r.Tier, plural(r.Asked, "service"))
}

func (r *SinglePoints) text(b *strings.Builder, o Options) {
	head := plural(r.Total, "single point") + " of failure of " + r.what()
	if r.Partial {
		head += " (interrupted: there may be more)"
	}
	paragraph(b, head, bold, o)
	if len(r.Points) < r.Total {
		paragraph(b, fmt.Sprintf("the first %d are shown", len(r.Points)), "", o)
	}
	if r.Total == 0 {
		return
	}
	b.WriteString("\n")
	last := "LOSES"
	if r.Of != "" {
		last = "PATH"
	}
	t := table{
		head: []string{"RANK", "SERVICE", "IMPACTED", "WEIGHT", last}, right: []bool{true, false, true, true, false}, key: 1, prose: true,
	}
	for _, p := range r.Points {
		count, weight := p.Summary.Impacted()
		text := fmt.Sprintf("%d: %s", len(p.Loses), strings.Join(p.Loses, ", "))
		if r.Of != "" {
			text = strings.Join(p.Path, " > ")
		}
		t.row(cell{text: strconv.Itoa(p.Place)}, cell{p.ID, bold}, cell{text: strconv.Itoa(count)},
			cell{text: number(weight)}, cell{text: text})
	}
	t.write(b, o)
	if r.Of != "" {
		return
	}
	b.WriteString("\n")
	paragraph(b, "the most exposed", bold, o)
	b.WriteString("\n")
	t = table{head: []string{"SERVICE", "TIER", "SINGLE POINTS"}, right: []bool{false, true, true}}
	for _, e := range r.Exposed[:min(5, len(r.Exposed))] {
		t.row(cell{e.ID, bold}, cell{text: tier(e.Tier)}, cell{text: strconv.Itoa(e.To)})
	}
	t.write(b, o)
}
