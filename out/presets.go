package out

import (
	"fmt"
	"strings"

	"github.com/knockon/knockon/catalog/policy"
)

// Presets is the defaults of real software that a catalog can name.
type Presets struct {
	Word    string // what they contain
	Presets []policy.Preset
}

func (*Presets) kind() string { return "list of presets" }

// NewPresets lists the presets whose key, name or source contains word.
func NewPresets(word string) *Presets {
	r := &Presets{Word: word}
	for _, p := range policy.Presets() {
		if strings.Contains(strings.ToLower(p.Key+"\n"+p.Name+"\n"+p.Source), strings.ToLower(word)) {
			r.Presets = append(r.Presets, p)
		}
	}
	return r
}

func (r *Presets) text(b *strings.Builder, o Options) {
	key := ""
	for _, p := range r.Presets {
		if p.Key != key {
			if key != "" {
				b.WriteByte('\n')
			}
			key = p.Key
		}
		fmt.Fprintf(b, "%s = %q\n", paint(p.Key, bold, o), p.Name)
		for _, line := range []string{p.Values, p.Source} {
			b.WriteString("  " + line + "\n")
		}
	}
	if len(r.Presets) == 0 {
		fmt.Fprintf(b, "no preset has %q in its key, name or source\n", r.Word)
	}
}

type jsonPresets struct {
	Schema  string       `json:"schema"`
	Presets []jsonPreset `json:"presets"`
}

type jsonPreset struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Values string `json:"values"`
	Source string `json:"source"`
}

func (r *Presets) json() any {
	j := jsonPresets{Schema: presetsSchema, Presets: []jsonPreset{}}
	for _, p := range r.Presets {
		j.Presets = append(j.Presets, jsonPreset(p))
	}
	return j
}
