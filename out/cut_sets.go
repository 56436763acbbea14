package out

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
)

// FaultTree is what the reports on a fault tree have in common.
type FaultTree struct {
	Title       string
	Of          string   // the service that is lost
	Outcome     string   // from which outcome on it counts as lost
	Given       []string // services that are lost already
	Probability *float64 // that it is lost; nil if nobody asked
	Assumed     *float64 // of every cause that has none of its own; nil if all have
}

// CutSets are the minimal cut sets of a service.
type CutSets struct {
	FaultTree
	Total  *big.Int
	Orders []*big.Int // by the number of members
	Order  int        // up to which they are listed; -1 if they are only counted
	Listed int        // how many there are up to it; Sets may be fewer
	Sets   []CutSet
}

// CutSet is one of them.
type CutSet struct {
	Causes      []string
	Probability *float64 // that all have happened
}

// Importance is what each cause means for a service being lost.
type Importance struct {
	FaultTree
	Total  int // causes that matter; Causes may be fewer
	Causes []CauseImportance
}

// CauseImportance is that of one cause.
type CauseImportance struct {
	Place int
	Name  string
	graph.Importance
}

func (*CutSets) kind() string    { return "list of cut sets" }
func (*Importance) kind() string { return "list of causes" }

// Chances are probabilities of the causes of a fault tree.
type Chances struct {
	Of      []float64 // by cause; nil if there are none
	Assumed *float64  // of those that have none of their own
}

func newFaultTree(c *catalog.Catalog, t *graph.FaultTree, given []string, chances Chances) FaultTree {
	r := FaultTree{Title: c.Title, Of: t.Target(), Outcome: t.Outcome().String(), Given: given, Assumed: chances.Assumed}
	if chances.Of != nil {
		p := t.Probability(chances.Of)
		r.Probability = &p
	}
	return r
}

// NewCutSets describes minimal cut sets: those of at most so many members are listed,
// the first most of them, or all with 0; none where order is negative.
func NewCutSets(c *catalog.Catalog, t *graph.FaultTree, given []string, chances Chances, order, most int) *CutSets {
	r := &CutSets{FaultTree: newFaultTree(c, t, given, chances), Total: t.Count(), Orders: t.Orders(), Order: order}
	if order < 0 {
		return r
	}
	sets := t.CutSets(order)
	r.Listed = len(sets)
	if most > 0 {
		sets = sets[:min(most, len(sets))]
	}
	for _, s := range sets {
		set := CutSet{}
		p := 1.0
		for _, cause := range s {
			set.Causes = append(set.Causes, t.Causes()[cause].Name)
			if chances.Of != nil {
				p *= chances.Of[cause]
			}
		}
		if chances.Of != nil {
			set.Probability = &p
		}
		r.Sets = append(r.Sets, set)
	}
	return r
}

// NewImportance describes importance, the greatest first: by how much more probable the
// loss is with a cause than without, then by name. Only the first most are kept; 0 keeps
// all that matter.
func NewImportance(c *catalog.Catalog, t *graph.FaultTree, given []string, chances Chances, most int) *Importance {
	r := &Importance{FaultTree: newFaultTree(c, t, given, chances)}
	all := slices.DeleteFunc(t.Importance(chances.Of), func(i graph.Importance) bool { return i.Birnbaum == 0 })
	r.Total = len(all)
	name := func(i graph.Importance) string { return t.Causes()[i.Cause].Name }
	// What is equal but for rounding shares a place.
	compare := func(a, b graph.Importance) int {
		return cmp.Or(cmp.Compare(rounded(b.Criticality), rounded(a.Criticality)), cmp.Compare(rounded(b.Birnbaum), rounded(a.Birnbaum)))
	}
	slices.SortFunc(all, func(a, b graph.Importance) int { return cmp.Or(compare(a, b), strings.Compare(name(a), name(b))) })
	for i, x := range all {
		if most > 0 && i >= most {
			break
		}
		place := i + 1
		if i > 0 && compare(all[i-1], x) == 0 {
			place = r.Causes[i-1].Place
		}
		r.Causes = append(r.Causes, CauseImportance{place, name(x), x})
	}
	return r
}

// rounded keeps nine digits, as tables and documents do.
func rounded(x float64) float64 {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 9, 64), 64)
	return x
}

// lost says what the fault tree is of, in words.
func (r *FaultTree) lost() string {
	text := r.Of + " down"
	if r.Outcome != graph.Down.String() {
		text = r.Of + " " + r.Outcome + " or worse"
	}
	if len(r.Given) > 0 {
		text += ", " + strings.Join(r.Given, ", ") + " being down already"
	}
	return text
}

// chance writes what is known of probabilities.
func (r *FaultTree) chance(b *strings.Builder, o Options) {
	if r.Probability == nil {
		return
	}
	paragraph(b, "probability "+number(*r.Probability), "", o)
	if r.Assumed != nil {
		paragraph(b, fmt.Sprintf("Where nothing else is stated, each fails by itself with probability %s, which is assumed, and independently of the others.", number(*r.Assumed)), dim, o)
	}
}

func (r *CutSets) text(b *strings.Builder, o Options) {
	noun := " minimal cut sets"
	if r.Total.IsInt64() && r.Total.Int64() == 1 {
		noun = " minimal cut set"
	}
	paragraph(b, r.lost()+": "+r.Total.String()+noun, bold, o)
	r.chance(b, o)
	if r.Total.Sign() == 0 {
		return
	}
	b.WriteString("\n")
	t := table{head: []string{"MEMBERS", "CUT SETS"}, right: []bool{true, true}}
	for n, count := range r.Orders {
		if count.Sign() > 0 {
			t.row(cell{text: strconv.Itoa(n)}, cell{text: count.String()})
		}
	}
	t.write(b, o)
	if r.Order < 0 || r.Listed == 0 {
		return
	}
	b.WriteString("\n")
	if len(r.Sets) < r.Listed {
		paragraph(b, fmt.Sprintf("the first %d of %d with at most %s", len(r.Sets), r.Listed, plural(r.Order, "member")), "", o)
		b.WriteString("\n")
	}
	t = table{head: []string{"MEMBERS", "PROBABILITY", "TOGETHER"}, right: []bool{true, true, false}, key: 2, prose: true}
	if r.Probability == nil {
		t = table{head: []string{"MEMBERS", "TOGETHER"}, right: []bool{true, false}, key: 1, prose: true}
	}
	for _, s := range r.Sets {
		row := []cell{{text: strconv.Itoa(len(s.Causes))}}
		if s.Probability != nil {
			row = append(row, cell{text: number(*s.Probability)})
		}
		t.row(append(row, cell{text: strings.Join(s.Causes, " + ")})...)
	}
	t.write(b, o)
}

func (r *Importance) text(b *strings.Builder, o Options) {
	paragraph(b, r.lost()+": "+plural(r.Total, "cause")+" by importance", bold, o)
	r.chance(b, o)
	if len(r.Causes) < r.Total {
		paragraph(b, fmt.Sprintf("the first %d are shown", len(r.Causes)), "", o)
	}
	if len(r.Causes) == 0 {
		return
	}
	b.WriteString("\n")
	t := table{
		head:  []string{"RANK", "CAUSE", "PROBABILITY", "CRITICALITY", "FUSSELL-VESELY", "BIRNBAUM", "RAW", "RRW"},
		right: []bool{true, false, true, true, true, true, true, true}, key: 1,
	}
	for _, i := range r.Causes {
		t.row(cell{text: strconv.Itoa(i.Place)}, cell{i.Name, bold}, cell{text: number(i.Probability)},
			cell{text: measured(i.Criticality)}, cell{text: measured(i.FussellVesely)}, cell{text: measured(i.Birnbaum)},
			cell{text: measured(i.Achievement)}, cell{text: measured(i.Reduction)})
	}
	t.write(b, o)
}

// measured writes a measure of importance: four digits, "infinite", or "-" where there
// is none.
func measured(x float64) string {
	switch {
	case x != x:
		return "-"
	case x > 1e300:
		return "infinite"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}
