package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Baseline is the findings that were there when it was taken: what is new since then
// is told from what is old. It is written as JSON.
type Baseline struct {
	Schema   string          `json:"schema"`
	Findings []BaselineEntry `json:"findings"`
}

// BaselineEntry is one finding of a baseline. Rule and Subject are for the reader.
type BaselineEntry struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	Subject     string `json:"subject"`
}

const baselineSchema = "knockon.baseline/1"

// MaxBaseline is the size in bytes of a baseline file.
const MaxBaseline = 64 << 20

// NewBaseline takes down the findings of an audit that are not suppressed.
func NewBaseline(r *Result) *Baseline {
	b := &Baseline{Schema: baselineSchema, Findings: []BaselineEntry{}}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.State != Suppressed {
			b.Findings = append(b.Findings, BaselineEntry{f.Fingerprint(), f.Rule.ID, f.Subject})
		}
	}
	return b
}

// Write writes a baseline so that a change of one finding is a change of its lines.
func (b *Baseline) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(b)
}

// ReadBaseline reads what Write wrote.
func ReadBaseline(data []byte) (*Baseline, error) {
	if len(data) > MaxBaseline {
		return nil, fmt.Errorf("it is larger than %d MiB", MaxBaseline>>20)
	}
	var b Baseline
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&b); err != nil {
		return nil, fmt.Errorf("it is not a baseline: %w", err)
	}
	if b.Schema != baselineSchema {
		return nil, fmt.Errorf("it is not a baseline: its schema is %q, not %q", b.Schema, baselineSchema)
	}
	return &b, nil
}

// mark tells the findings that are known from those that are new, and returns how many
// entries have no finding any more.
func (b *Baseline) mark(findings []Finding) (gone int) {
	known := make(map[string]int, len(b.Findings))
	for _, e := range b.Findings {
		known[e.Fingerprint]++
	}
	for i := range findings {
		f := &findings[i]
		if f.State == Open && known[f.Fingerprint()] > 0 {
			f.State = Baselined
		}
	}
	for i := range findings {
		delete(known, findings[i].Fingerprint())
	}
	for _, n := range known { // a sum: the order does not matter
		gone += n
	}
	return gone
}
