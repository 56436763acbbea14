package out

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate/study"
)

// Ask is which numbers a catalog should state next: those that would change the
// answer most. A report.
type Ask struct {
	ID        string // of the scenario
	Title     string
	File      string // of the scenario, as it was named; empty where there is none
	Catalog   string // title of the catalog; may be empty
	Base      study.Answer
	Questions []Question // single numbers that change the answer, most first
	Families  []Together // all numbers of one key, where they change it, most first
	Groups    []Together // numbers that change it together, and no half of them, or that were not taken apart; most first
	Untaken   int        // of Groups: those that were not taken apart
	Assumed   int        // numbers that are not stated
	Changed   int        // of them, those that change the answer by themselves
	Alone     int        // of them, those that were tried by themselves
	Fixed     int        // of them, those that have no range to try
	Faults    int        // ends of ranges that are not plausible
	Runs      int
	Complete  bool // every number was tried by itself
	Partial   bool // interrupted
}

// Question is one number to find out.
type Question struct {
	Place     int // from 1
	Service   string
	Target    string // of a need; empty for a number of the service
	Key       string
	Value     string // that is assumed
	Why       string // from what it was derived; may be empty
	TOML      string // what to write in the catalog
	At        diag.Span
	Low, High study.Effect
}

// Together is several numbers that were moved at once.
type Together struct {
	Key         string
	Numbers     int
	Part        bool   // of what has this key, not all
	First, Last string // whose they are, in the order of the catalog
	Low, High   study.Effect
}

func (*Ask) kind() string { return "list of questions" }

// NewAsk describes a study. Only the first most questions are kept; 0 keeps all.
func NewAsk(c *catalog.Catalog, s *study.Study, most int) *Ask {
	sc := s.Scenario
	r := &Ask{
		ID: sc.ID, Title: cmp.Or(sc.Title, sc.ID), File: sc.File, Catalog: c.Title, Base: s.Base,
		Assumed: len(s.Quantities), Changed: len(s.Singles), Alone: s.Alone, Fixed: s.Fixed, Faults: s.Faults, Runs: s.Runs,
		Untaken: s.Untaken, Complete: s.Exhaustive(), Partial: s.Partial,
	}
	for i := range s.Singles {
		if most > 0 && i >= most {
			break
		}
		f := &s.Singles[i]
		q := &s.Quantities[f.Members[0]]
		r.Questions = append(r.Questions, Question{
			Place: i + 1, Service: q.Service, Target: q.Target, Key: q.Key, Value: q.Value, Why: q.Why, TOML: q.TOML, At: q.At, Low: f.Low, High: f.High,
		})
	}
	together := func(all []study.Finding, part bool) (list []Together) {
		for i := range all {
			f := &all[i]
			first, last := &s.Quantities[f.Members[0]], &s.Quantities[f.Members[len(f.Members)-1]]
			list = append(list, Together{first.Key, len(f.Members), part, subject(first.Service, first.Target), subject(last.Service, last.Target), f.Low, f.High})
		}
		return list
	}
	r.Families, r.Groups = together(s.Families, false), together(s.Groups, true)
	return r
}

// subject is whose a number is: a service's, or a need's.
func subject(service, target string) string {
	if target == "" {
		return service
	}
	return service + " -> " + target
}

// baseline says what a run comes to as everything is assumed.
func (r *Ask) baseline() string {
	b := &r.Base
	text := fmt.Sprintf("%s: on average a service failed %s of its requests, %s service-minutes impaired", b.Verdict, percent(b.Share), amount(b.Minutes))
	switch {
	case b.Minutes == 0:
		return b.Verdict + ": no service was impaired"
	case math.IsNaN(b.Recovery):
		return text + ", and the trigger does not end"
	case math.IsInf(b.Recovery, 1):
		return text + ", and not all are healthy when the run ends"
	}
	return text + ", all healthy " + moment(b.Recovery) + " after the trigger"
}

// change says what another value does to the answer.
func (r *Ask) change(e *study.Effect) string {
	switch {
	case e.Fault != "":
		return e.Fault
	case e.Answer == nil:
		return "not played"
	}
	m, a := &e.Move, e.Answer
	var parts []string
	if m.Verdict != 0 {
		parts = append(parts, a.Verdict+" instead of "+r.Base.Verdict)
	}
	if m.Expects != 0 {
		verb := " come out otherwise"
		if m.Expects == 1 {
			verb = " comes out otherwise"
		}
		parts = append(parts, plural(m.Expects, "expectation")+verb)
	}
	if m.Share != 0 {
		now, before := percent(a.Share), percent(r.Base.Share)
		if now == before { // it moved by less than a whole one
			now, before = strconv.FormatFloat(100*a.Share, 'f', 1, 64)+" %", strconv.FormatFloat(100*r.Base.Share, 'f', 1, 64)+" %"
		}
		text := now + " failed instead of " + before
		if m.Share*m.Failed > 0 { // else there is more or less of everything
			text += " (" + signed(m.Failed) + ")"
		}
		parts = append(parts, text)
	}
	if a.Minutes == 0 && r.Base.Minutes > 0 {
		return strings.Join(append(parts, "no service impaired"), ", ")
	}
	if m.Minutes != 0 {
		parts = append(parts, signed(m.Minutes)+" service-minutes")
	}
	switch later := m.Recovery; {
	case later == 0:
	case math.IsInf(later, 1):
		parts = append(parts, "not healthy when the run ends")
	case math.IsInf(later, -1):
		parts = append(parts, "healthy "+moment(a.Recovery)+" after the trigger")
	case later > 0:
		parts = append(parts, "healthy "+moment(later)+" later")
	default:
		parts = append(parts, "healthy "+moment(-later)+" sooner")
	}
	if len(parts) == 0 {
		return "the same"
	}
	return strings.Join(parts, ", ")
}

// signed is an amount that is more or less than another.
func signed(f float64) string {
	if f < 0 {
		return "−" + amount(-f)
	}
	return "+" + amount(f)
}

// closing says how many numbers are assumed and how many of them matter.
func (r *Ask) closing() string {
	if r.Assumed == 0 {
		return "every number that this run needs is stated: there is nothing to ask"
	}
	text := plural(r.Assumed, "number") + " " + isAre(r.Assumed) + " not stated; "
	switch {
	case !r.Complete:
		text += fmt.Sprintf("at least %d of them change the answer", r.Changed)
	case r.Changed == 0:
		text += "none of them changes the answer by itself"
	case r.Changed == 1:
		text += "1 of them changes the answer by itself"
	default:
		text += fmt.Sprintf("%d of them change the answer by themselves", r.Changed)
	}
	text += fmt.Sprintf(" (%s, %d tried one by one", plural(r.Runs, "run"), r.Alone)
	if rest := r.Assumed - r.Fixed - r.Alone; rest > 0 && !r.Partial {
		text += fmt.Sprintf(", %d in groups", rest)
	}
	text += ")"
	if r.Untaken > 0 && !r.Partial {
		text += fmt.Sprintf("; %s %s not taken apart, --runs makes more", plural(r.Untaken, "group"), wasWere(r.Untaken))
	}
	return text
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (r *Ask) text(b *strings.Builder, o Options) {
	paragraph(b, r.Title, bold, o)
	paragraph(b, r.baseline(), verdictStyles[r.Base.Verdict], o)
	if r.Partial {
		paragraph(b, "interrupted: this is what was found until then", "", o)
	}
	for i := range r.Questions {
		q := &r.Questions[i]
		b.WriteString("\n")
		paragraph(b, fmt.Sprintf("%d. %s of %s: assumed %s", q.Place, q.Key, subject(q.Service, q.Target), q.Value), bold, o)
		r.ends(b, &q.Low, &q.High, o)
		indented(b, "write it in "+q.At.String()+":", dim, 3, o)
		for line := range strings.Lines(q.TOML) {
			b.WriteString("     " + printable(strings.TrimRight(line, "\n")) + "\n") // not wrapped: it is there to be copied
		}
	}
	if rest := r.Changed - len(r.Questions); rest > 0 {
		b.WriteString("\n")
		paragraph(b, fmt.Sprintf("and %d more; --top 0 shows all", rest), "", o)
	}
	r.togetherText(b, "All of a kind at once:", r.Families, mostFamilies, o)
	r.togetherText(b, "Only together:", r.Groups, mostGroups, o)
	b.WriteString("\n")
	paragraph(b, r.closing(), "", o)
}

// togetherText lists numbers that were moved at once, the first few.
func (r *Ask) togetherText(b *strings.Builder, title string, all []Together, most int, o Options) {
	if len(all) == 0 {
		return
	}
	b.WriteString("\n")
	paragraph(b, title, bold, o)
	for i := range all[:min(len(all), most)] {
		t := &all[i]
		text := fmt.Sprintf("%s of %s", t.Key, plural(t.Numbers, "need"))
		switch {
		case t.Part:
			text = fmt.Sprintf("%s of %s … %s (%d)", t.Key, t.First, t.Last, t.Numbers)
		case !strings.Contains(t.First, " -> "):
			text = fmt.Sprintf("%s of %s", t.Key, plural(t.Numbers, "service"))
		}
		indented(b, text, "", 3, o)
		r.ends(b, &t.Low, &t.High, o)
	}
	if rest := len(all) - most; rest > 0 {
		indented(b, fmt.Sprintf("and %d more; --format json has them", rest), dim, 3, o)
	}
}

// How many families and groups a text lists: every key has its family.
const (
	mostFamilies = 10
	mostGroups   = 3
)

// ends lists what comes of the two ends of a range, as far as there are two.
func (r *Ask) ends(b *strings.Builder, low, high *study.Effect, o Options) {
	width := max(len([]rune(low.Value)), len([]rune(high.Value)))
	for _, e := range []*study.Effect{low, high} {
		if e.Value == "" {
			continue
		}
		style := ""
		switch {
		case e.Answer == nil || !e.Move.Moved():
			style = dim
		case e.Move.Verdict > 0:
			style = red
		}
		pad := strings.Repeat(" ", width-len([]rune(e.Value)))
		indented(b, "at "+e.Value+pad+"  "+r.change(e), style, 5, o)
	}
}

// indented prints a text in lines that fit the terminal, some columns in.
func indented(b *strings.Builder, text, style string, columns int, o Options) {
	room := 0
	if o.Width > 0 {
		room = max(1, o.Width-columns)
	}
	for _, line := range wrapText(printable(text), room) {
		b.WriteString(strings.Repeat(" ", columns) + paint(line, style, o) + "\n")
	}
}
