package out

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
)

// outcomeName is the outcome as pictures tell it apart: a wrong answer is shown
// as down, with a sign of its own.
func outcomeName(s *Service) string {
	if s.Corrupt {
		return "corrupt"
	}
	return s.Outcome.String()
}

// labelOf is the name of a service in a picture.
func labelOf(s *Service) string {
	if strings.TrimSpace(s.Title) == "" {
		return printable(s.ID)
	}
	return printable(s.Title)
}

// fate says what becomes of a service, and when at the earliest.
func (p *blastPicture) fate(i int) (detail, when string) {
	s := &p.Services[i]
	word := s.Outcome.String()
	if s.Corrupt {
		word = "wrong answers"
	}
	switch {
	case s.Root:
		return word, "fails first"
	case s.Outcome == graph.Safe:
		return "safe", p.Contained[p.held[i]].Held
	}
	if len(s.Phases) > 1 {
		word = fmt.Sprintf("%s, then %s", s.Phases[0].Outcome, word)
	}
	return word, soonest(s)
}

// soonest is the earliest time of an outcome.
func soonest(s *Service) string {
	if s.Earliest == 0 {
		return "at once"
	}
	return "≥ " + s.Earliest.String()
}

// story is what hovering over a service tells.
func (p *blastPicture) story(i int) string {
	s := &p.Services[i]
	lines := []string{nameOf(s)}
	switch {
	case s.Root:
		lines = append(lines, "fails first: "+s.Outcome.String())
	case s.Outcome == graph.Safe:
		lines = append(lines, "safe")
	default:
		for _, phase := range s.Phases {
			lines = append(lines, fmt.Sprintf("%s %s at the earliest", outcomeWord(phase.Outcome, s.Corrupt && phase.Outcome == graph.Down), when(phase.Earliest)))
		}
		lines = append(lines, "because it "+s.Because)
	}
	for _, c := range p.containedAt(i) {
		lines = append(lines, fmt.Sprintf("%s: held by %s, %s", c.Where, c.Held, c.Because))
	}
	for _, c := range p.Recovery {
		if c.Service == i {
			lines = append(lines, c.Where+": repair depends on what is lost")
		}
	}
	return printableLines(lines)
}

// nameOf is a service with what the catalog says to place it.
func nameOf(s *Service) string {
	var facts []string
	if s.Title != "" && s.Title != s.ID {
		facts = append(facts, s.ID)
	}
	facts = append(facts, s.Kind)
	if s.Tier != nil {
		facts = append(facts, fmt.Sprintf("tier %d", *s.Tier))
	}
	if s.Group != "" {
		facts = append(facts, s.Group)
	}
	if s.Owner != "" {
		facts = append(facts, "owner "+s.Owner)
	}
	return fmt.Sprintf("%s (%s)", labelOf(s), strings.Join(facts, ", "))
}

// rosterMost is how many services hovering over a folded box names.
const rosterMost = 20

// roster lists the services of a folded box.
func (p *blastPicture) roster(b *box) string {
	lines := []string{fmt.Sprintf("%s: %s", b.label, plural(len(b.services), "service"))}
	for k, i := range b.services {
		if k == rosterMost {
			lines = append(lines, fmt.Sprintf("and %d more", len(b.services)-k))
			break
		}
		detail, when := p.fate(i)
		lines = append(lines, fmt.Sprintf("%s: %s, %s", p.Services[i].ID, detail, when))
	}
	return printableLines(lines)
}

func printableLines(lines []string) string {
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// containedAt returns the containments of one service, which stand together.
func (p *blastPicture) containedAt(i int) []Containment {
	first := p.held[i]
	if first < 0 {
		return nil
	}
	after := first
	for after < len(p.Contained) && p.Contained[after].Service == i {
		after++
	}
	return p.Contained[first:after]
}

// sentence says what an arrow is about.
func (p *blastPicture) sentence(l Link) string {
	from, to := &p.Services[l.From], &p.Services[l.To]
	switch {
	case l.Carries:
		return printable(from.ID + " " + from.Because)
	case l.Held != "":
		for _, c := range p.containedAt(l.From) {
			if c.Held == l.Held && slices.Contains(c.Lost, l.To) {
				return printable(fmt.Sprintf("%s %s. Held by %s: %s", from.ID, c.Where, c.Held, c.Because))
			}
		}
	case l.Alternative:
		return printable(fmt.Sprintf("%s turns to %s when what it needs is lost", from.ID, to.ID))
	}
	return printable(fmt.Sprintf("%s needs %s: %s", from.ID, to.ID, linkMeanings[l.Kind]))
}

// linkMeanings explain the kinds of links in a legend.
var linkMeanings = [...]string{
	Hard: "hard need", Soft: "works with less", FallsBack: "answers from elsewhere", GoesStale: "goes on with what it knew",
	Queued: "through a queue", Fresh: "must be recent", Leased: "lease", Changes: "to start, scale or change", Repairs: "to repair",
}

// addWords adds the headline, what to know and the legend.
func (p *blastPicture) addWords() {
	p.Title = p.headline()
	p.Context = printable(p.Blast.Title)
	count, _ := p.Blast.Summary.Impacted()
	summary := fmt.Sprintf("%d of %s impacted", count, plural(len(p.Services), "service"))
	if last := p.last(); last > 0 {
		summary += fmt.Sprintf(", the last of them %s at the earliest", when(last))
	} else if count > len(p.Roots) {
		summary += ", all at once"
	}
	if n := p.spared(); n > 0 {
		summary += fmt.Sprintf("; %d safe because something held", n)
	}
	p.Scene.Summary = []string{summary}
	p.Counts = p.counts()
	p.addLegend()
	var aside []string
	for i := range p.Services {
		if p.boxOf[i] < 0 {
			aside = append(aside, p.Services[i].ID)
		}
	}
	if len(aside) > 0 {
		p.Notes = append(p.Notes, printable(fmt.Sprintf("%s not impacted and not shown: %s.", plural(len(aside), "service"), some(aside, ", "))))
	}
	folded, groups := 0, 0
	for i := range p.boxes {
		if p.boxes[i].folded() {
			folded += len(p.boxes[i].services)
			groups++
		}
	}
	if folded > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s folded into %s; roots, paths to tier 0 and 1, what held and what is nearest are shown first.", plural(folded, "service"), plural(groups, "group")))
	}
	if p.hidden > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s by which nothing came first not drawn.", plural(p.hidden, "more need")))
	}
	p.Notes = append(p.Notes, "Times are the earliest at which an outcome can begin: load, capacity and recovery do not enter.")
	if n := len(p.Assumed); n > 0 {
		p.Notes = append(p.Notes, printable(fmt.Sprintf("Assumed where the catalog is silent: %s.", some(p.Assumed, "; "))))
	}
}

// some joins the first of many names and says how many more there are.
func some(names []string, separator string) string {
	const most = 40
	if n := len(names); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], separator), n-most)
	}
	return strings.Join(names, separator)
}

// headline says what the picture shows.
func (p *blastPicture) headline() string {
	var names []string
	for _, i := range p.Roots {
		names = append(names, labelOf(&p.Services[i]))
	}
	const most = 3
	who, one := "", len(names) == 1
	switch n := len(names); {
	case n == 0:
		return "Nothing fails"
	case one:
		who = names[0]
	case n <= most:
		who = strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	default:
		who = fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), n-most+1)
	}
	verb := "fail"
	switch {
	case p.As == "corrupt" && one:
		verb = "answers wrongly"
	case p.As == "corrupt":
		verb = "answer wrongly"
	case p.As != "down" && one:
		verb = "is " + p.As
	case p.As != "down":
		verb = "are " + p.As
	case one:
		verb = "fails"
	}
	during := ""
	if p.For > 0 {
		during = " for " + p.For.String()
	}
	return printable(fmt.Sprintf("When %s %s%s", who, verb, during))
}

// last is the latest of all times at which an outcome can begin.
func (p *blastPicture) last() (d unit.Duration) {
	for i := range p.Services {
		if p.Services[i].Outcome != graph.Safe {
			d = max(d, p.Services[i].Earliest)
		}
	}
	return d
}

// spared counts the services that are safe because something held.
func (p *blastPicture) spared() int {
	n := 0
	for i := range p.Services {
		if p.Services[i].Outcome == graph.Safe && p.held[i] >= 0 {
			n++
		}
	}
	return n
}

// counts are the services by outcome, wrong answers apart, the safe ones last.
func (p *blastPicture) counts() []scene.Share {
	wrong := 0
	for i := range p.Services {
		if p.Services[i].Corrupt {
			wrong++
		}
	}
	var all []scene.Share
	for _, s := range shares(p.Blast.Summary) {
		if s.Outcome == graph.Down.String() && wrong > 0 {
			if s.Count -= wrong; s.Count > 0 {
				all = append(all, s)
			}
			s = scene.Share{Outcome: "corrupt", Count: wrong}
		}
		all = append(all, s)
	}
	return all
}

// addLegend explains the signs that occur.
func (p *blastPicture) addLegend() {
	roles := make(map[scene.Role]bool)
	kinds := make(map[string]bool)
	group := false
	for i := range p.Edges {
		e := &p.Edges[i]
		roles[e.Role] = true
		// A hard need has no sign: only where nothing came by it does it look like one.
		if e.Kind != Hard.String() || e.Role == scene.Plain {
			kinds[e.Kind] = true
		}
		group = group || e.Badge != ""
	}
	marks := make(map[string]bool)
	folded := false
	for i := range p.Nodes {
		for _, m := range p.Nodes[i].Marks {
			marks[m] = true
		}
		folded = folded || p.Nodes[i].Folded > 0
	}
	add := func(occurs bool, sign, text string) {
		if occurs {
			p.Legend = append(p.Legend, scene.Entry{Sign: sign, Text: text})
		}
	}
	add(roles[scene.Carries], "role carries", "how the failure came")
	add(roles[scene.Holds], "role holds", "where it was stopped")
	add(roles[scene.Plain], "role plain", "another need on something lost")
	for k, word := range linkWords {
		add(kinds[word], "kind "+word, linkMeanings[k])
	}
	add(group, "badge", "so many of these must be up")
	add(marks["holds"], "mark holds", "one of its needs was held")
	add(marks["repair"], "mark repair", "its repair needs something lost")
	add(folded, "folded", "several services")
}
