package importers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// Limits on a draft, and on the names in it: see the limits of catalogs.
const (
	maxServices = 100_000
	maxNeeds    = 1_000_000
	maxName     = 200
	maxText     = 2_000
	maxGroups   = 16 // in one another
	maxSources  = 4  // places listed for one need; more are counted
	maxWarnings = 1_000
)

// Draft is a catalog in the making: what the files of an import say. After Import
// it is complete, and nothing in it is written again.
type Draft struct {
	Services []*Service // sorted by ID
	Needs    []*Need    // sorted by From, then On
	Entries  []string   // services that requests enter by, sorted
	Faults   diag.List  // sorted by place

	from     []string // the files it is made of, in words
	files    []string // their names
	services map[string]*Service
	needs    map[edge]*Need
	entries  map[string]bool

	suggested int // how often
	full      bool
}

// edge is a pair of services, the one that needs first.
type edge struct{ from, on string }

// Service is what is known of one service. Empty and zero fields are not known.
type Service struct {
	ID          string
	Title       string
	Description string
	Kind        catalog.Kind
	KindGuess   string // what the kind was guessed from; "" where it is known
	Group       string
	Owner       string
	Tier        unit.Value[int64]
	Replicas    unit.Value[int64]
	Load        unit.Value[unit.Rate]
	ServiceTime unit.Value[unit.Range]
	Declared    bool      // false: others name it, and no file says what it is
	Sources     []string  // where it is declared, without repetitions
	At          diag.Span // where it is declared first; without a file where it is not
}

// Need is what one service needs of another.
type Need struct {
	From, On string
	Mode     catalog.Mode
	To       catalog.Purpose
	IfLost   catalog.Loss
	For      string
	Guess    string              // what was guessed, and from what; "" where nothing was
	Calls    unit.Value[float64] // for each request of From
	Claims   []Claim             // where it is known from, in the order of the files

	calls float64 // as they were counted in the source that has most
	more  int     // claims that are like others and were not kept
}

// Claim is what one place says of a need.
type Claim struct {
	At   diag.Span // file, and the line where one is known
	Rule string    // what it says there, in a few words: "depends_on", "9 calls"

	Mode   catalog.Mode
	To     catalog.Purpose
	IfLost catalog.Loss
	For    string
	// Known says how Mode, To and IfLost are known: Stated by the source, a Guess,
	// or NotStated, which is a plain call until somebody knows better.
	Known unit.Evidence
	Guess string // with Known == Guess: from what

	// Inferred marks what stands in no list of dependencies and follows from
	// something else, such as an address in an environment variable.
	Inferred bool
	// Observed marks calls that were seen, and not only declared.
	Observed bool
}

// Observed reports whether calls were seen.
func (n *Need) Observed() bool {
	return slices.ContainsFunc(n.Claims, func(c Claim) bool { return c.Observed })
}

// Declared reports whether a list of dependencies, or a call that was seen, says so.
func (n *Need) Declared() bool {
	return slices.ContainsFunc(n.Claims, func(c Claim) bool { return !c.Inferred })
}

// Inferred reports whether anything else than that says so.
func (n *Need) Inferred() bool {
	return slices.ContainsFunc(n.Claims, func(c Claim) bool { return c.Inferred })
}

func newDraft() *Draft {
	return &Draft{services: make(map[string]*Service), needs: make(map[edge]*Need), entries: make(map[string]bool)}
}

// cleanName makes an ID of a foreign name: without white space at its ends, without
// control characters, and no longer than IDs are.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || diag.IsHidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxName {
		name = strings.TrimSpace(string([]rune(name)[:maxName]))
	}
	return name
}

// cleanText makes a text of a catalog of a foreign one.
func cleanText(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText]) + "…"
	}
	return s
}

// cleanGroup makes the path of a group of foreign words, without the empty ones.
func cleanGroup(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = cleanName(strings.ReplaceAll(p, "/", "-")); p != "" {
			kept = append(kept, p)
		}
	}
	kept = kept[:min(len(kept), maxGroups)]
	if group := strings.Join(kept, "/"); utf8.RuneCountInString(group) <= maxName {
		return group
	}
	return ""
}

// service returns the service of a name, which is new where nobody has named it
// yet; nil for a name of nothing, or when there are too many.
func (d *Draft) service(name string) *Service {
	id := cleanName(name)
	if id == "" {
		return nil
	}
	s := d.services[id]
	if s == nil {
		if len(d.services) >= maxServices {
			d.tooMany(fmt.Sprintf("more than %d services; the rest is left out", maxServices))
			return nil
		}
		s = &Service{ID: id}
		d.services[id] = s
	}
	return s
}

// Declare returns the service of a name and notes where it is declared. It is never
// nil: what is beyond the limits is not kept.
func (d *Draft) Declare(name string, at diag.Span) *Service {
	s := d.service(name)
	if s == nil {
		return &Service{}
	}
	s.Declared = true
	if s.At.File == "" {
		s.At = at
	}
	if source := place(at); at.File != "" && !slices.Contains(s.Sources, source) && len(s.Sources) < maxSources {
		s.Sources = append(s.Sources, source)
	}
	return s
}

// Enter notes that requests from outside enter by a service.
func (d *Draft) Enter(name string) {
	if id := cleanName(name); id != "" {
		d.entries[id] = true
	}
}

// Need notes that one service needs another, and where that is said. A service
// that needs itself is left out; nil then.
func (d *Draft) Need(from, on string, c Claim) *Need {
	a, b := d.service(from), d.service(on)
	if a == nil || b == nil || a == b {
		return nil
	}
	n := d.needs[edge{a.ID, b.ID}]
	if n == nil {
		if len(d.needs) >= maxNeeds {
			d.tooMany(fmt.Sprintf("more than %d needs; the rest is left out", maxNeeds))
			return nil
		}
		n = &Need{From: a.ID, On: b.ID}
		d.needs[edge{a.ID, b.ID}] = n
	}
	n.claim(c)
	return n
}

// claim keeps what a place says. Of very many places, only those that say something
// else than the others are kept, and the rest is counted.
func (n *Need) claim(c Claim) {
	const many = 8
	for _, k := range n.Claims {
		if k.At == c.At && k.Rule == c.Rule {
			return
		}
	}
	if len(n.Claims) >= many {
		c := c
		alike := func(k Claim) bool {
			k.At, k.Rule, k.For, k.Guess = c.At, c.Rule, c.For, c.Guess
			return k == c
		}
		if slices.ContainsFunc(n.Claims, alike) {
			n.more++
			return
		}
	}
	n.Claims = append(n.Claims, c)
}

// settle decides what a need is from all that is claimed of it. A need to serve
// outweighs the others, what it is for outweighs the order of starting, what a source states outweighs a guess, and of two that
// are known as well the one counts that fails harder.
func (n *Need) settle() {
	best := slices.MinFunc(n.Claims, func(a, b Claim) int {
		purpose := func(c Claim) int {
			return [...]int{catalog.ToServe: 0, catalog.ToRepair: 1, catalog.ToStart: 2, catalog.ToScale: 3, catalog.ToChange: 4}[c.To]
		}
		known := func(c Claim) int { // best first
			return [...]int{unit.NotStated: 2, unit.Stated: 0, unit.Documented: 0, unit.Fitted: 0, unit.Guess: 1}[c.Known]
		}
		return cmp.Or(
			cmp.Compare(purpose(a), purpose(b)),
			cmp.Compare(known(a), known(b)),
			cmp.Compare(a.Mode, b.Mode),
			cmp.Compare(a.IfLost, b.IfLost),
		)
	})
	n.Mode, n.To, n.IfLost, n.For = best.Mode, best.To, best.IfLost, cleanText(best.For)
	n.Guess = ""
	if best.Known == unit.Guess {
		n.Guess = cleanText(best.Guess)
	}
}

// finish sorts what was collected.
func (d *Draft) finish() {
	for _, s := range d.services {
		d.Services = append(d.Services, s)
		s.Title, s.Description, s.Owner = cleanText(s.Title), cleanText(s.Description), cleanText(s.Owner)
		if s.Title == s.ID {
			s.Title = ""
		}
	}
	slices.SortFunc(d.Services, func(a, b *Service) int { return strings.Compare(a.ID, b.ID) })
	for _, n := range d.needs {
		n.settle()
		d.Needs = append(d.Needs, n)
	}
	slices.SortFunc(d.Needs, func(a, b *Need) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.On, b.On))
	})
	for id := range d.entries {
		if d.services[id] != nil {
			d.Entries = append(d.Entries, id)
		}
	}
	slices.Sort(d.Entries)
	d.Faults.Sort()
}

// Service returns the service of an ID, or nil.
func (d *Draft) Service(id string) *Service { return d.services[id] }

// Warnf notes something a person should know about a file.
func (d *Draft) Warnf(at diag.Span, help, format string, args ...any) {
	d.fault(diag.Warning, at, help, format, args...)
}

// Errorf notes that a file, or a part of it, cannot be read.
func (d *Draft) Errorf(at diag.Span, help, format string, args ...any) {
	d.fault(diag.Error, at, help, format, args...)
}

func (d *Draft) fault(severity diag.Severity, at diag.Span, help, format string, args ...any) {
	switch {
	case len(d.Faults) > maxWarnings:
		return
	case len(d.Faults) == maxWarnings:
		severity, at, help, format, args = diag.Warning, diag.Span{File: at.File}, "", "more warnings are not listed", nil
	}
	d.Faults.Add(diag.Diagnostic{Severity: severity, Span: at, Message: fmt.Sprintf(format, args...), Help: help})
}

// suggest is the help for a word that is none of those it could be. Each takes a look
// at all of them, so that only the first few get one.
func (d *Draft) suggest(word string, words []string) string {
	if d.suggested++; d.suggested > maxSuggested {
		return ""
	}
	if near := diag.Closest(word, words); near != "" {
		return "did you mean " + strconv.Quote(near) + "?"
	}
	return ""
}

// tooMany says once that a limit is reached.
func (d *Draft) tooMany(message string) {
	if !d.full {
		d.full = true
		d.Warnf(diag.Span{}, "", "%s", message)
	}
}

// Traffic is the calls that one source has counted. Calls for each request follow
// from them: those of A to B, divided by all that came in at A. The ratio survives
// sampling of whole traces, and is not known for a service at which nothing was
// counted.
type Traffic struct {
	draft    *Draft
	source   string
	links    map[edge]*link
	received map[edge]*link     // messages, by consumer and broker
	requests map[string]float64 // counted at the service itself, where a source does
	outside  map[string]float64 // counted at the service, from those that are no services
}

type link struct {
	calls, failed float64
	claim         Claim
}

// Traffic starts a count; source is what is cited for its numbers.
func (d *Draft) Traffic(source string) *Traffic {
	return &Traffic{draft: d, source: source, links: make(map[edge]*link), received: make(map[edge]*link), requests: make(map[string]float64)}
}

// Call adds calls from one service to another, and how many of them failed. What
// the claim says beside its rule holds for the need.
func (t *Traffic) Call(from, on string, calls, failed float64, c Claim) {
	e := edge{cleanName(from), cleanName(on)}
	if e.from == "" || e.on == "" || !(calls >= 0) || math.IsInf(calls, 0) {
		return
	}
	l := t.links[e]
	if l == nil {
		if len(t.links) >= maxNeeds {
			t.draft.tooMany(fmt.Sprintf("more than %d needs; the rest is left out", maxNeeds))
			return
		}
		l = &link{claim: c}
		t.links[e] = l
	}
	l.calls += calls
	l.failed += failed
	if c.Known == unit.Stated && (l.claim.Known != unit.Stated || c.Mode < l.claim.Mode) {
		l.claim = c
	}
}

// Receive adds messages that a service takes from a broker. It needs the broker,
// and what it takes are requests to itself and none to the broker.
func (t *Traffic) Receive(service, broker string, messages float64, c Claim) {
	e := edge{cleanName(service), cleanName(broker)}
	if e.from == "" || e.on == "" || !(messages >= 0) || math.IsInf(messages, 0) {
		return
	}
	l := t.received[e]
	if l == nil {
		l = &link{claim: c}
		t.received[e] = l
	}
	l.calls += messages
}

// Request adds requests that a service has received, counted at itself.
func (t *Traffic) Request(service string, n float64) {
	if id := cleanName(service); id != "" && n >= 0 && !math.IsInf(n, 0) {
		t.requests[id] += n
	}
}

// Done turns the counts into needs.
func (t *Traffic) Done() {
	in := make(map[string]float64)
	edges := sortedEdges(t.links)
	for _, e := range edges {
		if e.from != e.on {
			in[e.on] += t.links[e].calls
		}
	}
	for _, e := range sortedEdges(t.received) {
		l := t.received[e]
		in[e.from] += l.calls
		l.claim.Observed = true
		l.claim.Rule = strings.TrimSpace(l.claim.Rule + " " + counted(l.calls, "message") + " taken")
		t.draft.Declare(e.from, diag.Span{})
		t.draft.Declare(e.on, diag.Span{})
		t.draft.Need(e.from, e.on, l.claim)
	}
	for id, n := range t.outside {
		in[id] += n
	}
	for id, n := range t.requests {
		in[id] = n
	}
	for _, e := range edges {
		l := t.links[e]
		c := l.claim
		c.Observed = true
		c.Rule = strings.TrimSpace(c.Rule + " " + counted(l.calls, "call"))
		if l.failed > 0 {
			c.Rule += ", " + number(l.failed) + " failed"
		}
		t.draft.Declare(e.from, diag.Span{})
		t.draft.Declare(e.on, diag.Span{})
		n := t.draft.Need(e.from, e.on, c)
		if n == nil {
			continue
		}
		requests := in[e.from]
		if ratio := l.calls / requests; requests > 0 && l.calls > n.calls && ratio <= 1e6 {
			n.calls = l.calls
			n.Calls = unit.Value[float64]{
				V: significant(ratio), Evidence: unit.Documented,
				Source: t.source + ": " + counted(l.calls, "call") + ", " + counted(requests, "request"),
			}
		}
	}
}

func sortedEdges(links map[edge]*link) []edge {
	edges := make([]edge, 0, len(links))
	for e := range links {
		edges = append(edges, e)
	}
	slices.SortFunc(edges, func(a, b edge) int {
		return cmp.Or(strings.Compare(a.from, b.from), strings.Compare(a.on, b.on))
	})
	return edges
}

// significant rounds to four digits: what was counted is not known more exactly,
// and people read it.
func significant(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	if err != nil {
		panic("importers: " + err.Error())
	}
	return rounded
}

// counted prints "1 call" or "30489 calls".
func counted(n float64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

// number prints a count as a person would.
func number(n float64) string {
	if n != math.Trunc(n) {
		n = significant(n)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// Names are the IDs of the services that a file declares, sorted.
func (d *Draft) Names() []string {
	var names []string
	for _, s := range d.Services {
		if s.Declared {
			names = append(names, s.ID)
		}
	}
	return names
}

// Pairs are the needs between declared services of which keep is true, as [A, B]
// where A needs B, sorted.
func (d *Draft) Pairs(keep func(*Need) bool) [][]string {
	var pairs [][]string
	for _, n := range d.Needs {
		if keep(n) && d.services[n.From].Declared && d.services[n.On].Declared {
			pairs = append(pairs, []string{n.From, n.On})
		}
	}
	return pairs
}

// Dangling are the needs for what no file declares, as [A, B].
func (d *Draft) Dangling() [][]string {
	var pairs [][]string
	for _, n := range d.Needs {
		if !d.services[n.From].Declared || !d.services[n.On].Declared {
			pairs = append(pairs, []string{n.From, n.On})
		}
	}
	return pairs
}
