package audit

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// Suppression says that a finding is known and accepted: by whom, why, and until
// when. One that leaves any of this out suppresses nothing and is itself a finding
// (KO403), as is one that has expired and one that no finding needs any more.
//
// It stands in a comment on the line of the finding, or alone on the line above:
//
//	# knockon:allow KO203 reason=the pool is divided owner=team-a until=2027-06-30
//
// or in the configuration, as [[suppress]] with rule, subject, reason, owner, until.
type Suppression struct {
	At      diag.Span
	Rule    string // ID
	Subject string // of the finding, "*" stands for anything; empty in a comment
	Line    int    // of the findings, in the file of At; 0 in a configuration
	Reason  string
	Owner   string
	Until   time.Time // the last day on which it holds; zero where that is missing

	Faults []string // why it does not hold: what is missing, or cannot be read
	Uses   int      // findings it suppresses
}

// Marker begins a comment that suppresses a finding.
const Marker = "knockon:allow"

var (
	suppressionKey = regexp.MustCompile(`(?:^|\s)(reason|owner|until)\s*=\s*`)
	rulePattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
)

// suppressions reads those in the comments of files.
func suppressions(texts []toml.Text) []*Suppression {
	var found []*Suppression
	for i := range texts {
		var waiting []*Suppression // alone on their lines: they are about what comes next
		for c := range texts[i].Comments() {
			rest, ok := strings.CutPrefix(c.Body, Marker)
			if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				continue
			}
			s := readSuppression(c.At, rest)
			s.Line = c.At.Line
			if c.Alone {
				waiting = append(waiting, s)
			}
			found = append(found, s)
		}
		for _, s := range waiting {
			s.Line = texts[i].NextStatement(s.At.Line)
		}
	}
	return found
}

// readSuppression reads what follows the marker.
func readSuppression(at diag.Span, text string) *Suppression {
	s := &Suppression{At: at}
	text, _, _ = strings.Cut(text, " #") // another comment within the comment
	keys := suppressionKey.FindAllStringSubmatchIndex(text, -1)
	head := text
	if len(keys) > 0 {
		head = text[:keys[0][0]]
	}
	s.Rule = strings.TrimSpace(head)
	for i, k := range keys {
		end := len(text)
		if i+1 < len(keys) {
			end = keys[i+1][0]
		}
		s.set(text[k[2]:k[3]], strings.Trim(strings.TrimSpace(text[k[1]:end]), `"'`))
	}
	s.check()
	return s
}

func (s *Suppression) set(key, value string) {
	switch key {
	case "reason":
		s.Reason = value
	case "owner":
		s.Owner = value
	case "until":
		day, err := time.Parse(time.DateOnly, value)
		if err != nil {
			s.Faults = append(s.Faults, fmt.Sprintf("%q is no date such as 2027-06-30", value))
		}
		s.Until = day
	}
}

// check notes what is missing.
func (s *Suppression) check() {
	switch {
	case s.Rule == "":
		s.Faults = append(s.Faults, "it does not say which rule")
	case !rulePattern.MatchString(s.Rule):
		s.Faults = append(s.Faults, fmt.Sprintf("%q is not the ID of a rule", s.Rule))
	}
	if s.Reason == "" {
		s.Faults = append(s.Faults, "it gives no reason")
	}
	if s.Owner == "" {
		s.Faults = append(s.Faults, "it has no owner")
	}
	if s.Until.IsZero() && len(s.Faults) == 0 {
		s.Faults = append(s.Faults, "it does not say until when")
	}
}

// expired reports whether the last day of a suppression is over. A zero today knows of
// no day.
func (s *Suppression) expired(today time.Time) bool {
	return !today.IsZero() && !s.Until.IsZero() && s.Until.Before(today)
}

// holds reports whether a suppression is one for a finding.
func (s *Suppression) holds(f *Finding, today time.Time) bool {
	switch {
	case len(s.Faults) > 0, s.expired(today), !strings.EqualFold(s.Rule, f.Rule.ID) && !strings.EqualFold(s.Rule, f.Rule.Name):
		return false
	case s.Line > 0:
		return s.At.File == f.At.File && s.Line == f.At.Line
	}
	return glob(s.Subject, f.Subject)
}

// suppress marks the findings that are suppressed, and counts for each suppression how
// often it was needed.
func suppress(findings []Finding, all []*Suppression, today time.Time) {
	slices.SortStableFunc(all, func(a, b *Suppression) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Rule, b.Rule))
	})
	for i := range findings {
		f := &findings[i]
		for _, s := range all {
			if s.holds(f, today) {
				f.State, f.Suppression = Suppressed, s
				s.Uses++
				break
			}
		}
	}
}

// glob matches a pattern in which a star stands for any number of characters.
func glob(pattern, text string) bool {
	first, rest, stars := strings.Cut(pattern, "*")
	if !stars {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
