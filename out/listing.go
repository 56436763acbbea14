package out

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

// Listing is services, one a line.
type Listing struct {
	Title string
	Word  string // what the services contain
	Total int    // in the catalog
	Rows  []ListingRow
}

// ListingRow is one line of a Listing.
type ListingRow struct {
	Service
	Needs int // needs it has
	Users int // services that need it
}

// Detail is all that a catalog says of one service.
type Detail struct {
	Service
	Facts [][2]string // what is stated beside the needs: name and value
	Needs []DetailNeed
	Users []DetailNeed // needs of others for it
}

// DetailNeed is one need in words.
type DetailNeed struct {
	Service string // whose need it is
	Text    string
	IfLost  string
	Facts   [][2]string
	Sources []string
}

func (*Listing) kind() string { return "list" }
func (*Detail) kind() string  { return "service" }

// NewListing lists the services whose ID, title, group or owner contains word.
func NewListing(c *catalog.Catalog, g *graph.Graph, word string) *Listing {
	l := &Listing{Title: c.Title, Word: word, Total: g.Len()}
	word = strings.ToLower(word)
	for v := range graph.Node(g.Len()) {
		s := newService(g.Service(v))
		if !strings.Contains(strings.ToLower(strings.Join([]string{s.ID, s.Title, s.Group, s.Owner}, "\n")), word) {
			continue
		}
		row := ListingRow{Service: s}
		for range g.Needs(v) {
			row.Needs++
		}
		last := graph.Node(-1)
		for e := range g.Users(v) {
			if e.From != last {
				row.Users++
				last = e.From
			}
		}
		l.Rows = append(l.Rows, row)
	}
	return l
}

// NewDetail describes one service.
func NewDetail(g *graph.Graph, v graph.Node) *Detail {
	s := g.Service(v)
	d := &Detail{Service: newService(s), Facts: serviceFacts(s)}
	for e := range g.Needs(v) {
		d.Needs = append(d.Needs, detailNeed(g, e))
	}
	for e := range g.Users(v) {
		d.Users = append(d.Users, detailNeed(g, e))
	}
	return d
}

func detailNeed(g *graph.Graph, e *graph.Need) DetailNeed {
	d := DetailNeed{Service: g.ID(e.From), Text: describe(g, e), IfLost: ifLost(g, e), Facts: needFacts(e)}
	if e.Declared != nil {
		d.Sources = e.Declared.Sources
	} else {
		d.Sources = e.Lease.Sources
	}
	return d
}

// ifLost says what happens to a service without what it needs.
func ifLost(g *graph.Graph, e *graph.Need) string {
	n := e.Declared
	if n == nil {
		return "loses its work when the lease runs out"
	}
	switch {
	case n.To == catalog.ToRepair:
		return "runs on, cannot be repaired"
	case n.IfLost == catalog.Fallback && n.Fallback != "":
		return "falls back on " + n.Fallback
	case n.IfLost == catalog.Fallback:
		return "falls back"
	case n.IfLost == catalog.Stale && n.TTL.IsStated():
		return "goes on with what it knows for " + n.TTL.V.String()
	case n.IfLost == catalog.Stale:
		return "goes on with what it knows"
	case n.To != catalog.ToServe:
		return "frozen"
	case n.Fresh:
		return "degraded"
	case n.Mode == catalog.Async:
		return "delayed"
	case n.IfLost == catalog.Degrade:
		return "degraded"
	}
	return "down"
}

func (l *Listing) text(b *strings.Builder, o Options) {
	if len(l.Rows) == 0 && l.Word != "" {
		paragraph(b, fmt.Sprintf("no service has %q in its name, title, group or owner", l.Word), "", o)
		return
	}
	t := table{
		head:  []string{"SERVICE", "TITLE", "GROUP", "TIER", "NEEDS", "USED BY", "OWNER"},
		right: []bool{false, false, false, true, true, true, false},
	}
	for _, r := range l.Rows {
		t.row(cell{r.ID, bold}, cell{text: r.Title}, cell{text: r.Group}, cell{text: tier(r.Tier)},
			cell{text: strconv.Itoa(r.Needs)}, cell{text: strconv.Itoa(r.Users)}, cell{text: r.Owner})
	}
	t.write(b, o)
	if len(l.Rows) < l.Total {
		fmt.Fprintf(b, "\n%d of %s\n", len(l.Rows), plural(l.Total, "service"))
	}
}

func (d *Detail) text(b *strings.Builder, o Options) {
	b.WriteString(paint(printable(d.ID), bold, o))
	if d.Title != d.ID {
		b.WriteString("  " + printable(d.Title))
	}
	b.WriteString("\n")
	if d.Description != "" {
		b.WriteString(printable(d.Description) + "\n")
	}
	for _, f := range d.Facts {
		fmt.Fprintf(b, "  %-12s %s\n", f[0], printable(f[1]))
	}
	needs := func(head string, all []DetailNeed, whose bool) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintf(b, "\n%s\n", paint(head, dim, o))
		for _, n := range all {
			text := n.Text
			if whose {
				text = n.Service + " " + n.Text
			}
			fmt.Fprintf(b, "  %s\n      if lost: %s\n", printable(text), printable(n.IfLost))
			for _, f := range n.Facts {
				fmt.Fprintf(b, "      %s: %s\n", f[0], printable(f[1]))
			}
			if len(n.Sources) > 0 && !whose {
				fmt.Fprintf(b, "      source: %s\n", printable(strings.Join(n.Sources, ", ")))
			}
		}
	}
	needs("NEEDS", d.Needs, false)
	needs("IS NEEDED BY", d.Users, true)
}
