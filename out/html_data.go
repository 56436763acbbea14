package out

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
	"github.com/knockon/knockon/propagate"
)

// pageStates are the states of services on a page, the worst last: those of runs and the
// outcomes of a blast radius.
var pageStates = []string{"healthy", "recovering", "exposed", "stale", "frozen", "throttled", "delayed", "degraded", "corrupt", "down"}

// pageState is the number of a state on a page.
func pageState(word string) int { return max(0, slices.Index(pageStates, word)) }

// affectedState is the first state that counts as part of a blast radius.
var affectedState = pageState("stale")

// mostNumbers is how many numbers of series a page holds, at four or five bytes each;
// rows get longer where there are many services.
const (
	mostNumbers = 140_000
	mostRows    = 360
	leastRows   = 16
	mostWindows = 16_000 // windows are joined where there are more
)

// pageData is what the script of a page works on. Services are called by their index,
// states by theirs in States, times are seconds from the start.
type pageData struct {
	Kind     string        `json:"kind"` // "run" or "blast"
	Start    string        `json:"start,omitempty"`
	Length   jsonNumber    `json:"length"` // of the axis
	Played   jsonNumber    `json:"played"`
	States   []string      `json:"states"`
	Affected int           `json:"affected"` // the first of States that counts
	Frame    *pageFrame    `json:"frame,omitempty"`
	Services []pageService `json:"services"`
	Links    [][3]int      `json:"links"` // who needs whom, and the index of the kind
	Kinds    []string      `json:"kinds"`
	Events   []pageEvent   `json:"events"`
	Grid     jsonColumn    `json:"grid,omitempty"` // borders of the rows of all series
	Leases   []pageLease   `json:"leases,omitempty"`
}

// pageFrame is where time runs in the picture of the lanes.
type pageFrame struct {
	Left   jsonNumber `json:"left"`
	Right  jsonNumber `json:"right"`
	Top    jsonNumber `json:"top"`
	Bottom jsonNumber `json:"bottom"`
	Length jsonNumber `json:"length"` // of its axis
}

type pageService struct {
	ID      string                `json:"id"`
	Title   string                `json:"title"`
	Group   string                `json:"group,omitempty"`
	Kind    string                `json:"kind,omitempty"`
	Weight  jsonNumber            `json:"weight"`
	Column  int                   `json:"col"`
	By      int                   `json:"by"` // -1 for none
	Root    bool                  `json:"root,omitempty"`
	Loop    int                   `json:"loop,omitempty"`
	Windows [][3]jsonNumber       `json:"w,omitempty"`     // from, to, state
	Known   [][5]jsonNumber       `json:"known,omitempty"` // recorded: from least, from most, to least, to most, state
	Story   string                `json:"story,omitempty"`
	Because []string              `json:"because,omitempty"` // the chain of causes, the nearest first
	Facts   [][2]string           `json:"facts,omitempty"`
	Where   string                `json:"where,omitempty"` // file and line of its declaration
	Source  string                `json:"source,omitempty"`
	Series  map[string]jsonColumn `json:"series,omitempty"` // one number where it never changes
}

type pageEvent struct {
	Kind string     `json:"kind"`
	Text string     `json:"text"`
	At   jsonNumber `json:"at"`
	To   jsonNumber `json:"to"`
}

type pageLease struct {
	ID     string     `json:"id"`
	Keeper int        `json:"keeper"`
	Holder int        `json:"holder"`
	Count  jsonNumber `json:"count"`
	Held   jsonColumn `json:"held"`
}

// runPage is the page of a run.
func runPage(r *Run) *page {
	picture := newSwimlanes(r)
	picture.bare = true
	lanes := picture.draw()
	p := &page{
		title: printable(r.Title), verdict: r.Verdict, words: r.pageWords(), tabs: r.Tabs,
		pictures: []pagePicture{{"lanes", "Who was hit, when, and by whom", lanes, picture.stylesheet()}},
	}
	p.context = printable(strings.Trim(r.Catalog+"  ·  "+r.played(), " ·"))
	_, text, ok := strings.Cut(r.headline(), ": ")
	if !ok {
		p.verdict, text = "", r.headline()
	}
	p.verdictText = printable(capital(text))
	p.data = r.pageData()
	p.data.Frame = &pageFrame{jsonNumber(margin + picture.left), jsonNumber(margin + picture.right), jsonNumber(picture.from), jsonNumber(picture.to), jsonNumber(picture.length())}
	p.tables = r.pageTables()
	return p
}

// pageWords is the summary of a run, a paragraph each.
func (r *Run) pageWords() []string {
	const most = 6
	var words []string
	if r.Description != "" {
		words = append(words, cut(printable(r.Description), 2000))
	}
	radius := r.Radius()
	words = append(words, capitalFirst(fmt.Sprintf("%d of %s impaired. %s.", len(r.Impaired), plural(len(r.Services), "service"), capitalFirst(radius.words()))))
	for i := range r.Impaired {
		if i == most {
			words = append(words, fmt.Sprintf("And %s more, below.", plural(len(r.Impaired)-most, "service")))
			break
		}
		m := &r.Impaired[i]
		text := r.title(m.Service) + ": " + r.story(m)
		if m.Because != "" {
			text += " ← " + m.Because
		}
		words = append(words, cut(printable(text), 600)+".")
	}
	if tally := r.tally(); tally != "" {
		words = append(words, capitalFirst(tally)+".")
	}
	for _, d := range r.Doubts {
		words = append(words, "Doubtful: "+printable(d.Text)+".")
	}
	return words
}

// capitalFirst begins a sentence of ours.
func capitalFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (r *Run) pageData() pageData {
	d := pageData{Kind: "run", Length: jsonNumber(r.eventful()), Played: jsonNumber(r.Played), States: pageStates, Affected: affectedState, Kinds: linkWords[:], Links: [][3]int{}, Events: []pageEvent{}}
	if !r.Start.IsZero() {
		d.Start = r.Start.Format(time.RFC3339)
	}
	impaired := make([]*Impairment, len(r.Services))
	for i := range r.Impaired {
		impaired[r.Impaired[i].Service] = &r.Impaired[i]
	}
	rows := r.pageRows(&d)
	grain := r.pageGrain()
	for i := range r.Services {
		s := &r.Services[i]
		x := pageService{ID: printable(s.ID), Title: r.title(i), Weight: jsonNumber(r.weight(i)), By: -1, Root: s.Faulted, Story: "healthy all along"}
		if m := impaired[i]; m != nil {
			x.By, x.Story, x.Because = m.By, printable(r.story(m)), r.because(m)
		}
		for _, w := range joined(s.Windows, grain) {
			x.Windows = append(x.Windows, [3]jsonNumber{jsonNumber(tenth(w.From)), jsonNumber(tenth(w.To)), jsonNumber(pageState(w.State.String()))})
		}
		r.pageDeclared(i, &x)
		if rows > 0 && (impaired[i] != nil || s.Load || s.Faulted) {
			x.Series = r.pageSeries(s, rows)
		}
		d.Services = append(d.Services, x)
	}
	for i := range r.Recorded {
		w := &r.Recorded[i]
		at := slices.IndexFunc(r.Services, func(s RunService) bool { return s.ID == w.Service })
		d.Services[at].Known = append(d.Services[at].Known, [5]jsonNumber{
			jsonNumber(w.From.Least), jsonNumber(w.From.Most), jsonNumber(w.To.Least), jsonNumber(w.To.Most), jsonNumber(pageState(w.State.String())),
		})
	}
	if r.Map != nil {
		d.Links = r.Map.pageLinks()
	}
	pageColumns(d.Services, d.Links)
	for _, e := range r.Events {
		if !e.Constant {
			d.Events = append(d.Events, pageEvent{e.Kind.String(), printable(e.Text), jsonNumber(e.At), jsonNumber(e.To)})
		}
	}
	return d
}

// because is the chain of causes of an impairment, a link each.
func (r *Run) because(m *Impairment) []string {
	if m.Because == "" {
		return nil
	}
	all := strings.Split(m.Because, " ← ")
	for i := range all {
		all[i] = printable(all[i])
	}
	return all
}

// pageDeclared is what the catalog says of a service.
func (r *Run) pageDeclared(i int, x *pageService) {
	if r.Map != nil {
		r.Map.pageDeclared(i, x, r.Source)
	}
}

func (m *Map) pageDeclared(i int, x *pageService, source func(diag.Span) string) {
	s := &m.Services[i]
	x.Group, x.Kind, x.Loop = printable(s.Group), s.Kind, s.Loop
	if s.declared != nil {
		for _, f := range serviceFacts(s.declared) {
			if f[0] != "group" && f[0] != "kind" {
				x.Facts = append(x.Facts, [2]string{f[0], printable(f[1])})
			}
		}
	}
	if !s.At.IsZero() {
		x.Where = printable(fmt.Sprintf("%s:%d", s.At.File, s.At.Line))
		if source != nil {
			x.Source = printableText(source(s.At))
		}
	}
}

// printableText is printable line by line.
func printableText(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(strings.ReplaceAll(lines[i], "\t", "  "))
	}
	return strings.Join(lines, "\n")
}

// pageLinks are the needs of a map, one for each pair of services and kind.
func (m *Map) pageLinks() [][3]int {
	all := make([][3]int, 0, len(m.Links))
	for _, l := range m.Links {
		if l.From != l.To {
			all = append(all, [3]int{l.From, l.To, int(l.Kind)})
		}
	}
	slices.SortFunc(all, func(a, b [3]int) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(all)
}

// pageColumns puts who was hit by another one column right of it, and who was never hit
// one right of what it needs.
func pageColumns(services []pageService, links [][3]int) {
	const unknown, open = -1, -2
	for i := range services {
		services[i].Column = unknown
	}
	hit := func(i int) bool { return len(services[i].Windows) > 0 }
	before := slices.Repeat([]int{-1}, len(services)) // the need that was hit first, and before its user
	for _, l := range links {
		if from, to := l[0], l[1]; hit(from) && hit(to) && services[to].Windows[0][0] < services[from].Windows[0][0] {
			if b := before[from]; b < 0 || services[to].Windows[0][0] < services[b].Windows[0][0] {
				before[from] = to
			}
		}
	}
	var find func(i int) int
	find = func(i int) int {
		s := &services[i]
		switch {
		case s.Column == open: // each owes it to the other
			return 0
		case s.Column >= 0:
			return s.Column
		}
		from := s.By
		if from < 0 {
			from = before[i]
		}
		if from < 0 || s.Root {
			s.Column = 0
			return 0
		}
		s.Column = open
		s.Column = find(from) + 1
		return s.Column
	}
	for i := range services {
		if hit(i) {
			find(i)
		}
	}
	for _, l := range links {
		if hit(l[1]) && !hit(l[0]) {
			services[l[0]].Column = max(services[l[0]].Column, services[l[1]].Column+1)
		}
	}
	for i := range services {
		services[i].Column = max(0, services[i].Column)
	}
}

// pageRows finds how many rows the series of a page have, and their borders.
func (r *Run) pageRows(d *pageData) int {
	shown := 1
	for i := range r.Services {
		if s := &r.Services[i]; len(s.Windows) > 0 || s.Load || s.Faulted {
			shown++
		}
	}
	rows := min(mostRows, max(leastRows, mostNumbers/(8*shown)))
	if len(r.Services) == 0 || len(r.Services[0].Bins) == 0 {
		return 0
	}
	for _, x := range r.resample(&r.Services[0], rows) {
		d.Grid = append(d.Grid, tenth(x.from))
	}
	d.Grid = append(d.Grid, tenth(r.Played))
	index := func(id string) int {
		return slices.IndexFunc(r.Services, func(s RunService) bool { return s.ID == id })
	}
	for i := range r.Leases {
		l := &r.Leases[i]
		x := pageLease{ID: printable(l.ID), Keeper: index(l.Keeper), Holder: index(l.Holder), Count: jsonNumber(l.Count)}
		for _, row := range r.heldRows(l, rows) {
			x.Held = append(x.Held, short(row.good))
		}
		d.Leases = append(d.Leases, x)
	}
	return rows
}

// pageSeries are the series of a service that say something.
func (r *Run) pageSeries(s *RunService, most int) map[string]jsonColumn {
	rows := r.resample(s, most)
	all := make(map[string]jsonColumn)
	put := func(name string, of func(*row) float64) {
		column := make(jsonColumn, len(rows))
		same := true
		for i := range rows {
			column[i] = short(of(&rows[i]))
			same = same && column[i] == column[0]
		}
		switch {
		case len(column) > 0 && same && column[0] == 0:
		case same:
			all[name] = column[:1]
		default:
			all[name] = column
		}
	}
	put("offered", func(x *row) float64 { return x.offered })
	put("attempts", func(x *row) float64 { return x.attempts })
	put("good", func(x *row) float64 { return x.good })
	put("queue", func(x *row) float64 { return x.queue })
	put("age", func(x *row) float64 { return x.age })
	if !math.IsInf(s.Capacity, 1) {
		put("capacity", func(x *row) float64 { return x.capacity })
	}
	if s.Replicas > 1 {
		put("rotation", func(x *row) float64 { return x.inRotation })
	}
	return all
}

// pageGrain is below which length gaps between windows are not kept apart, so that a
// page stays small however often services flap.
func (r *Run) pageGrain() float64 {
	for grain := 0.0; ; grain = max(2*grain, r.length()/2000) {
		count := 0
		for i := range r.Services {
			count += len(joined(r.Services[i].Windows, grain))
		}
		if count <= mostWindows || grain > r.length() {
			return grain
		}
	}
}

// joined are windows without the gaps that are shorter than a grain, and without the
// changes: windows that follow each other so closely are one, of the worst state.
func joined(windows []propagate.Window, grain float64) []propagate.Window {
	if grain == 0 {
		return windows
	}
	var all []propagate.Window
	for _, w := range windows {
		if n := len(all); n > 0 && w.From-all[n-1].To < grain && (w.State == all[n-1].State || w.To-w.From < grain || all[n-1].To-all[n-1].From < grain) {
			last := &all[n-1]
			last.To, last.Open, last.State = w.To, w.Open, max(last.State, w.State)
			continue
		}
		all = append(all, w)
	}
	return all
}

// short rounds to four digits, as many as a chart shows.
func short(f float64) float64 {
	f = finite(f)
	f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 4, 64), 64)
	return f
}

// tenth rounds a time to a tenth of a second.
func tenth(seconds float64) float64 { return math.Round(seconds*10) / 10 }

// pageTables are what a reader without scripts, or of a print, has besides the lanes.
func (r *Run) pageTables() []pageTable {
	services := pageTable{id: "services", title: "Services", head: []string{"Service", "Worst", "From", "To", "Failed", "Why"}}
	for i := range r.Impaired {
		m := &r.Impaired[i]
		to := moment(m.To)
		if m.Open {
			to = "the end"
		}
		lost := amount(m.Lost)
		if share := m.lost(); share != "" {
			lost += " (" + share + ")"
		}
		services.rows = append(services.rows, []string{r.title(m.Service), m.Worst.String(), moment(m.From), to, lost, m.Because})
	}
	if len(r.Impaired) == 0 {
		services.rows = append(services.rows, []string{"none", "healthy", "", "", "", "no service was impaired"})
	}
	events := pageTable{id: "events", title: "What happened", head: []string{"What", "Kind", "From", "To"}}
	for i := range r.Events {
		e := &r.Events[i]
		to := moment(e.To)
		switch {
		case e.Constant:
			continue
		case e.Kind == ActionEvent:
			to = ""
		case e.Open:
			to = "the end"
		}
		events.rows = append(events.rows, []string{e.Text, e.Kind.String(), moment(e.At), to})
	}
	actions := pageTable{id: "actions", title: "What operators did", head: []string{"Action", "How far it came"}}
	for i := range r.Actions {
		actions.rows = append(actions.rows, []string{r.Actions[i].name(), r.Actions[i].course()})
	}
	expects := pageTable{id: "expectations", title: "What was expected", head: []string{"Expected", "", "Found"}}
	for _, x := range r.Expects {
		expects.rows = append(expects.rows, []string{x.Text, mark(x.Met) + " " + map[bool]string{true: "met", false: "not met"}[x.Met], x.Got})
	}
	assumed := pageTable{id: "assumed", title: "What was assumed", head: []string{"Of", "Key", "Value", "Because"}}
	const mostAssumed = 400
	for i := range r.Assumptions {
		a := &r.Assumptions[i]
		if i == mostAssumed {
			assumed.rows = append(assumed.rows, []string{fmt.Sprintf("and %d more", len(r.Assumptions)-i), "", "", "--format json has them"})
			break
		}
		assumed.rows = append(assumed.rows, []string{subjectOf(a), a.Key, a.Value, a.Why})
	}
	return []pageTable{services, events, actions, expects, assumed}
}

// blastPage is the page of a blast radius, of which the picture is placed: its clock runs through the earliest times at
// which outcomes can begin.
func blastPage(b *Blast, placed *scene.Scene) *page {
	p := &page{title: placed.Title, context: placed.Context, tabs: b.Tabs, pictures: []pagePicture{{"picture", "The blast radius", drawSVG(placed), stylesheet()}}}
	p.verdictText = strings.Join(placed.Summary, " ")
	p.words = append(p.words, placed.Notes...)
	last := 1.0
	for i := range b.Services {
		for _, phase := range b.Services[i].Phases {
			last = max(last, phase.Earliest.Seconds())
		}
	}
	length := math.Ceil(last * 1.1)
	d := pageData{Kind: "blast", Length: jsonNumber(length), Played: jsonNumber(length), States: pageStates, Affected: affectedState, Kinds: linkWords[:], Links: b.pageLinks(), Events: []pageEvent{}}
	services := pageTable{id: "services", title: "Services", head: []string{"Service", "Outcome", "At the earliest", "Why"}}
	for i := range b.Services {
		s := &b.Services[i]
		x := pageService{ID: printable(s.ID), Title: labelOf(s), Weight: jsonNumber(s.Weight), By: s.Cause, Root: s.Root, Story: "safe"}
		for k, phase := range s.Phases {
			to, word := length, phase.Outcome.String()
			if k+1 < len(s.Phases) {
				to = s.Phases[k+1].Earliest.Seconds()
			}
			if s.Corrupt && phase.Outcome == graph.Down {
				word = "corrupt"
			}
			x.Windows = append(x.Windows, [3]jsonNumber{jsonNumber(phase.Earliest.Seconds()), jsonNumber(to), jsonNumber(pageState(word))})
		}
		if s.Outcome != graph.Safe {
			x.Story = outcomeName(s) + " " + when(s.Earliest) + " at the earliest"
			if s.Because != "" {
				x.Because = []string{printable(s.Because)}
			}
			services.rows = append(services.rows, []string{labelOf(s), outcomeName(s), when(s.Earliest), s.Because})
		}
		b.pageDeclared(i, &x, b.Source)
		d.Services = append(d.Services, x)
	}
	for _, root := range b.Roots {
		d.Events = append(d.Events, pageEvent{"fault", printable(b.Services[root].ID) + " fails", 0, jsonNumber(length)})
	}
	pageColumns(d.Services, d.Links)
	held := pageTable{id: "held", title: "What held", head: []string{"Service", "By", "Why"}}
	for _, c := range b.Contained {
		held.rows = append(held.rows, []string{b.Services[c.Service].ID, c.Held, c.Because})
	}
	p.data, p.tables = d, []pageTable{services, held}
	return p
}
