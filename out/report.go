package out

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

// Report is what a format writes. It holds words and numbers only; nothing behind it
// looks at the model again.
type Report interface {
	kind() string // in a few words, for messages
	json() any    // the document that encoding/json writes
	text(b *strings.Builder, o Options)
}

// Map is the services of a catalog and the needs between them.
type Map struct {
	Title       string // of the catalog; may be empty
	Description string
	Services    []Service // sorted by ID
	Links       []Link    // by From, then in the catalog's canonical order
}

// Service is one service of a Map. What a blast radius says of it is zero in a
// map of the whole catalog.
type Service struct {
	ID          string
	Title       string
	Description string
	Kind        string
	Group       string
	Owner       string
	Tier        *int64 // nil: not stated
	Weight      float64
	Sources     []string
	At          diag.Span // where it is declared
	Loop        int       // the number, from 1, of the circle of needs it stands in; 0 for none

	declared *catalog.Service // for a page, which shows all of it; may be nil

	Root     bool
	Outcome  graph.Outcome
	Corrupt  bool          // down because it answers wrongly
	Earliest unit.Duration // when the outcome can begin; meaningless if safe
	Distance int           // hops along the path; meaningless if safe
	Phases   []Phase       // the outcomes it goes through
	Cause    int           // index of the service that passed the outcome on; -1 for a root and if safe
	Because  string        // why, in words; empty for a root and if safe
}

// Phase is the beginning of one outcome.
type Phase struct {
	Outcome  graph.Outcome
	Earliest unit.Duration
}

// LinkKind is the kind of a need, as a picture tells them apart.
type LinkKind uint8

// The kinds of links.
const (
	Hard LinkKind = iota
	Soft
	FallsBack
	GoesStale
	Queued
	Fresh
	Leased
	Changes // to start, to scale or to change
	Repairs
)

// linkWords are the kinds of links as outputs write them, by value.
var linkWords = [...]string{"hard", "soft", "fallback", "stale", "async", "fresh", "lease", "change", "repair"}

func (k LinkKind) String() string { return linkWords[k] }

// Link is one need for one target. A group of alternatives is one link for each.
type Link struct {
	From, To    int // indices of services: From needs To
	Kind        LinkKind
	Need        int    // links of one need share its number
	AtLeast     int    // of a group, how many must be up; 0 otherwise
	Of          int    // of a group, how many there are
	Alternative bool   // To is what answers instead
	For         string // what for; may be empty
	Carries     bool   // the outcome of From came this way
	Held        string // what kept the failure from passing here; may be empty
}

// Blast is the blast radius of some services.
type Blast struct {
	Map
	Roots     []int
	As        string        // how the roots failed: an outcome, or "corrupt"
	For       unit.Duration // 0: as long as it lasts
	Summary   graph.Summary
	ByGroup   []Slice
	ByTier    []Slice
	ByOwner   []Slice
	Contained []Containment
	Recovery  []Containment
	Assumed   []string               // what was assumed because the catalog does not state it
	Source    func(diag.Span) string // the lines of a declaration; nil where they are not at hand
	Tabs      []Tab                  // other reports, which a page shows beside this one

	detours map[int][]int // by service; see back
}

// Slice is the summary of the services that share a group, a tier or an owner.
type Slice struct {
	Name    string // "" for those without
	Summary graph.Summary
}

// Containment is a need through which a failure did not pass.
type Containment struct {
	Service int
	Lost    []int  // what it needs and has lost
	Held    string // what held
	Where   string // the need, in words
	Because string // a sentence
}

// Ranking orders services by the damage their loss does.
type Ranking struct {
	Title  string
	For    unit.Duration
	Of     int // services in the catalog
	Total  int // services ranked: fewer if the ranking was interrupted
	Weight float64
	Ranks  []Rank
}

// Rank is one line of a Ranking.
type Rank struct {
	Place   int // from 1; equal damage shares a place
	ID      string
	Title   string
	Group   string
	Owner   string
	Tier    *int64
	Summary graph.Summary // of everything impaired, itself included
}

func (*Map) kind() string     { return "catalog" }
func (*Blast) kind() string   { return "blast radius" }
func (*Ranking) kind() string { return "ranking" }

// NewMap describes a whole catalog.
func NewMap(c *catalog.Catalog, g *graph.Graph) *Map {
	m := &Map{Title: c.Title, Description: c.Description, Services: make([]Service, g.Len())}
	need := 0
	for v := range graph.Node(g.Len()) {
		m.Services[v] = newService(g.Service(v))
		for e := range g.Needs(v) {
			m.Links = append(m.Links, links(g, e, need)...)
			need++
		}
	}
	loops := 0
	for _, circle := range g.Components(nil) {
		if len(circle) > 1 {
			loops++
			for _, v := range circle {
				m.Services[v].Loop = loops
			}
		}
	}
	return m
}

func newService(s *catalog.Service) Service {
	r := Service{
		ID: s.ID, Title: s.Title, Description: s.Description, Kind: s.Kind.String(),
		Group: s.Group, Owner: s.Owner, Weight: s.Weight, Sources: s.Sources, At: s.At, declared: s, Cause: -1,
	}
	if s.Tier.IsStated() {
		tier := s.Tier.V
		r.Tier = &tier
	}
	return r
}

func links(g *graph.Graph, e *graph.Need, need int) []Link {
	base := Link{From: int(e.From), Need: need, Kind: kindOf(e)}
	if e.Declared != nil {
		base.For = e.Declared.For
	}
	targets := g.Targets(e)
	if e.AtLeast() > 0 {
		base.AtLeast, base.Of = e.AtLeast(), len(targets)
	}
	all := make([]Link, 0, len(targets)+1)
	for _, t := range targets {
		l := base
		l.To = int(t)
		all = append(all, l)
	}
	if f, ok := e.Fallback(); ok {
		l := base
		l.To, l.Alternative = int(f), true
		all = append(all, l)
	}
	return all
}

func kindOf(e *graph.Need) LinkKind {
	n := e.Declared
	switch {
	case n == nil:
		return Leased
	case n.To == catalog.ToRepair:
		return Repairs
	case n.To != catalog.ToServe:
		return Changes
	case n.Fresh:
		return Fresh
	case n.Mode == catalog.Async:
		return Queued
	case n.IfLost == catalog.Degrade:
		return Soft
	case n.IfLost == catalog.Fallback:
		return FallsBack
	case n.IfLost == catalog.Stale:
		return GoesStale
	}
	return Hard
}

// NewBlast describes a blast radius.
func NewBlast(c *catalog.Catalog, b *graph.Blast) *Blast {
	g := b.Graph()
	r := &Blast{Map: *NewMap(c, g), For: b.For(), Summary: b.Summary(), detours: make(map[int][]int)}
	for _, root := range b.Roots() {
		r.Roots = append(r.Roots, int(root.Node))
		r.Services[root.Node].Root = true
		r.As = root.As.String()
	}
	numbers := needNumbers(g)
	phases := b.AllPhases()
	for v := range graph.Node(g.Len()) {
		worst, ok := b.Worst(v)
		if !ok {
			continue
		}
		s := &r.Services[v]
		s.Outcome, s.Earliest, s.Distance, s.Corrupt = worst.Outcome, worst.Earliest, worst.Distance, b.Corrupt(v)
		for _, p := range phases[v] {
			s.Phases = append(s.Phases, Phase{p.Outcome, p.Earliest})
		}
		if cause, need, ok := b.CausedBy(v); ok {
			s.Cause = int(cause)
			if by := b.State(cause); by&(by-1) != 0 { // it has several impairments
				r.addDetour(b, v)
			}
			s.Because = because(g, b, cause, need)
			r.mark(numbers[need], func(l *Link) {
				if l.To == int(cause) {
					l.Carries = true
				}
			})
		}
	}
	for _, h := range b.Contained() {
		if isRepair(h.Need) && b.Outcome(h.Need.From) != graph.Safe {
			continue // it does not run on; see Recovery
		}
		r.Contained = append(r.Contained, r.containment(g, h))
		r.mark(numbers[h.Need], func(l *Link) {
			if !l.Alternative && r.Services[l.To].Outcome != graph.Safe {
				l.Held = h.Barrier.String()
			}
		})
	}
	for _, h := range b.Recovery() {
		r.Recovery = append(r.Recovery, r.containment(g, h))
	}
	for _, need := range b.Assumed() {
		r.Assumed = append(r.Assumed, assumption(g, need))
	}
	r.ByGroup = r.slices(func(s *Service) string { return s.Group })
	r.ByOwner = r.slices(func(s *Service) string { return s.Owner })
	r.ByTier = r.slices(func(s *Service) string {
		if s.Tier == nil {
			return ""
		}
		return fmt.Sprint(*s.Tier)
	})
	return r
}

func isRepair(e *graph.Need) bool {
	return e.Declared != nil && e.Declared.To == catalog.ToRepair
}

// needNumbers gives every need the number that NewMap gave it.
func needNumbers(g *graph.Graph) map[*graph.Need]int {
	numbers := make(map[*graph.Need]int, g.NeedCount())
	for v := range graph.Node(g.Len()) {
		for e := range g.Needs(v) {
			numbers[e] = len(numbers)
		}
	}
	return numbers
}

// mark changes the links of one need. Links stand in the order of their needs.
func (m *Map) mark(need int, change func(*Link)) {
	i, _ := slices.BinarySearchFunc(m.Links, need, func(l Link, need int) int { return l.Need - need })
	for ; i < len(m.Links) && m.Links[i].Need == need; i++ {
		change(&m.Links[i])
	}
}

func (m *Map) slices(key func(*Service) string) []Slice {
	index := make(map[string]int)
	var all []Slice
	for i := range m.Services {
		s := &m.Services[i]
		name := key(s)
		at, ok := index[name]
		if !ok {
			at = len(all)
			index[name] = at
			all = append(all, Slice{Name: name})
		}
		all[at].Summary.Add(s.Outcome, s.Weight)
	}
	slices.SortFunc(all, func(a, b Slice) int {
		if (a.Name == "") != (b.Name == "") {
			return strings.Compare(b.Name, a.Name) // those without come last
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

func (m *Map) containment(g *graph.Graph, h graph.Containment) Containment {
	c := Containment{Service: int(h.Need.From), Held: h.Barrier.String(), Where: describe(g, h.Need)}
	for _, v := range h.Lost {
		c.Lost = append(c.Lost, int(v))
	}
	c.Because = held(g, h)
	return c
}

// NewRanking describes a ranking. Only the first most lines are kept; 0 keeps all.
func NewRanking(c *catalog.Catalog, g *graph.Graph, damages []graph.Damage, option graph.Options, most int) *Ranking {
	r := &Ranking{Title: c.Title, For: option.For, Of: g.Len(), Total: len(damages)}
	for v := range graph.Node(g.Len()) {
		r.Weight += g.Service(v).Weight
	}
	for i, d := range damages {
		if most > 0 && i >= most {
			break
		}
		s := newService(g.Service(d.Root))
		rank := Rank{Place: i + 1, ID: s.ID, Title: s.Title, Group: s.Group, Owner: s.Owner, Tier: s.Tier, Summary: d.Summary}
		if i > 0 && damages[i-1].Summary.Weight == d.Summary.Weight {
			rank.Place = r.Ranks[i-1].Place
		}
		r.Ranks = append(r.Ranks, rank)
	}
	return r
}
