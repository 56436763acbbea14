package audit

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

var staleSuppressions = register(Rule{
	ID:       "KO403",
	Name:     "stale-suppression",
	Severity: Warning,
	Summary:  "A suppression has expired, is incomplete, or is needed by no finding any more.",
	Looks: "Every knockon:allow in a comment of the catalog and every [[suppress]] of the configuration: it " +
		"must name a rule, a reason, an owner and a last day that is not over, and there must be a finding " +
		"that it suppresses. Suppressions of rules that did not run are left alone.",
	Why: "A suppression is a decision to live with a risk for a time. Without a date it is for ever, without " +
		"an owner nobody's, and one that outlives its finding hides the next one.",
	Taught: "No outage of its own; it is what linters learnt: eslint and staticcheck report unused and " +
		"unreasoned directives, because the others rot.",
	FalseAlarm: "The finding comes and goes with a file that is not part of every audit: name the same " +
		"catalogs every time.",
	Fix: "Mend what it hides, or decide again: a new date, by the owner. Remove what is not needed.",
})

func init() { staleSuppressions.Check = checkSuppressions }

func checkSuppressions(p *Pass) {
	ran := func(word string) bool {
		for _, r := range p.ran {
			if strings.EqualFold(r.ID, word) || strings.EqualFold(r.Name, word) {
				return true
			}
		}
		return false
	}
	for _, s := range p.suppressions {
		f := Finding{Subject: strings.TrimSpace(s.Rule+" "+s.Subject) + ": " + s.Reason, At: s.At}
		what := s.Rule
		if s.Subject != "" {
			what += " for " + s.Subject
		}
		_, known := RuleNamed(s.Rule)
		switch {
		case len(s.Faults) > 0:
			f.Message = "a suppression does not hold: " + s.Faults[0]
			f.Fix = "Write # " + Marker + " KO203 reason=… owner=… until=2027-06-30."
		case !known && !ran(s.Rule):
			f.Message = fmt.Sprintf("a suppression of %s, which is no rule", what)
			f.Fix = `"knockon explain" lists the rules.`
		case s.expired(p.today):
			f.Message = fmt.Sprintf("the suppression of %s expired on %s; its owner is %s, its reason %q", what, s.Until.Format(time.DateOnly), s.Owner, s.Reason)
		case s.Uses == 0 && ran(s.Rule):
			f.Message = fmt.Sprintf("nothing needs the suppression of %s any more", what)
			f.Fix = "Remove it."
			f.Edits = p.remove(s)
		default:
			continue
		}
		if f.At.Line == 0 {
			f.At.Line = 1
		}
		p.Report(f)
	}
}

// remove is the edit that takes a suppression out of a comment. One that does not hold
// its line alone leaves it to what stands before it.
func (p *Pass) remove(s *Suppression) []Edit {
	text := p.Text(s.At.File)
	if s.Line == 0 || text == nil {
		return nil
	}
	line := []rune(text.Line(s.At.Line))
	from := min(s.At.Col-1, len(line))
	old := string(line[from:])
	for from > 0 && unicode.IsSpace(line[from-1]) {
		from--
		old = string(line[from]) + old
	}
	at := diag.Span{File: s.At.File, Line: s.At.Line, Col: from + 1}
	return []Edit{{toml.Edit{At: at, Old: old}, "without a suppression that nothing needs"}}
}
