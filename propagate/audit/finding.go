package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// Finding is one thing that will hurt, at its place in the catalog.
type Finding struct {
	Rule     *Rule
	Severity Severity

	// Subject says what the finding is about by names alone ("checkout",
	// "checkout -> auth"), without lines and numbers: it is the same after every
	// edit that does not mend it. With the rule it identifies the finding, in
	// suppressions, baselines and SARIF. Empty: the catalog as a whole.
	Subject string
	Service string    // the service it is about; may be empty
	At      diag.Span // the line to look at first
	Message string    // one sentence with the numbers that made it fire; lower case, no full stop
	Path    []Step    // how one thing leads to the other, in the order to read it
	Fix     string    // what to do here; the rule's where empty
	Edits   []Edit    // does it, where that is mechanical

	// Damage is the weight of the services that are hit when it happens, of all
	// services of the catalog; findings of one severity are ranked by it.
	Damage float64

	State       State
	Suppression *Suppression // by which it is suppressed; else nil
}

// State says whether somebody knows of a finding already.
type State uint8

// The states of a finding.
const (
	Open       State = iota
	Suppressed       // with a reason
	Baselined        // it was there when the baseline was taken
)

// StateWords are the states as outputs write them, by value.
var StateWords = []string{"open", "suppressed", "baselined"}

func (s State) String() string { return StateWords[s] }

// Step is one piece of evidence: what the catalog says, and where.
type Step struct {
	At   diag.Span
	Text string
}

// Edit is a change of a file that mends a finding.
type Edit struct {
	toml.Edit
	What string // for the preview, a few words
}

// Fingerprint identifies a finding as long as it is about the same thing, wherever
// that stands and whatever its numbers are.
func (f *Finding) Fingerprint() string {
	sum := sha256.Sum256([]byte(f.Rule.ID + "\x00" + f.Subject))
	return hex.EncodeToString(sum[:8])
}

// distinct drops what says the same of the same thing again, as of two needs that a
// service declares alike. The findings must be ranked.
func distinct(findings []Finding) []Finding {
	type saying struct{ rule, subject, message string }
	seen := make(map[saying]bool, len(findings))
	return slices.DeleteFunc(findings, func(f Finding) bool {
		s := saying{f.Rule.ID, f.Subject, f.Message}
		if seen[s] {
			return true
		}
		seen[s] = true
		return false
	})
}

// rank orders findings: the worst severity first, then the greatest damage, then by
// rule and subject. The second finding of a rule counts half of its damage, the third
// a quarter: it says less than the first of another.
func rank(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(b.Damage, a.Damage),
			strings.Compare(a.Rule.ID, b.Rule.ID),
			strings.Compare(a.Subject, b.Subject),
			a.At.Compare(b.At),
			strings.Compare(a.Message, b.Message),
		)
	})
	type key struct {
		severity Severity
		rule     *Rule
	}
	seen := make(map[key]int)
	type counted struct {
		Finding
		counts float64
	}
	order := make([]counted, len(findings))
	for i, f := range findings {
		k := key{f.Severity, f.Rule}
		order[i] = counted{f, math.Ldexp(f.Damage, -seen[k])}
		seen[k]++
	}
	slices.SortStableFunc(order, func(a, b counted) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.counts, a.counts))
	})
	for i := range order {
		findings[i] = order[i].Finding
	}
}
