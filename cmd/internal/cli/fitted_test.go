package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate/replay"
)

// toldFit is what a test reads of a fit in a replay's document.
type toldFit struct {
	Fit struct {
		Seed       string
		Runs       int
		Cost       *float64
		Parameters []struct {
			Name, Text, Held string
			Was, Found       *float64
			Down             *float64 `json:"cost_rise_down"`
			Up               *float64 `json:"cost_rise_up"`
		}
		Pairs []struct {
			A, B     string
			Opposite bool
			Rise     *float64 `json:"cost_rise"`
		}
	}
}

// TestFittedValues: the values that stand in the catalog and the incident as fitted are
// those that one command finds, and docs/validation.md says which of them the record holds.
func TestFittedValues(t *testing.T) {
	if os.Getenv("KNOCKON_LONG") == "" {
		t.Skip("skipped: a fit of the outage plays it hundreds of times, for ten minutes; KNOCKON_LONG=1 does, with -timeout 1h")
	}
	page := filepath.Join("..", "..", "..", "docs", "validation.md")
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(old)
	for _, name := range slow {
		code, document, errs := run(t, "", "replay", name, "--fit", "--seed", "1", "--format", "json")
		if code != exitFine {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
			continue
		}
		var x toldFit
		if err := json.Unmarshal([]byte(document), &x); err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Fit.Parameters {
			if was, found := number(p.Was), number(p.Found); !(math.Abs(was-found) <= 1e-9*found) {
				t.Errorf("%s: %s is found to be %s (%v), and stated as %v", name, p.Name, p.Text, found, was)
			}
		}
		text = section(text, name+" --fit", x.page(name))
	}
	sameFile(t, page, []byte(text))
}

// page is what docs/validation.md says of the fitted values of an incident.
func (x *toldFit) page(name string) string {
	f := &x.Fit
	var b strings.Builder
	fmt.Fprintf(&b, "`knockon replay %s --fit --seed %s` finds these in %d runs. How much the cost rises when one\nis a quarter less, or more, says on which side the record holds it; it is %s, and half a minute\nin the mean of all errors is %.4f.\n\n", name, f.Seed, f.Runs, digitsOf(f.Cost, 3), replay.LeastRise)
	b.WriteString("| fitted | found | a quarter less | a quarter more | held by the record |\n|---|--:|--:|--:|---|\n")
	for _, p := range f.Parameters {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.Name, p.Text, digitsOf(p.Down, 3), digitsOf(p.Up, 3), p.Held)
	}
	for _, p := range f.Pairs {
		way := "together"
		if p.Opposite {
			way = "against each other"
		}
		fmt.Fprintf(&b, "\nNot told apart: %s and %s, which change little when they are moved %s (%s).\n", p.A, p.B, way, digitsOf(p.Rise, 3))
	}
	return b.String()
}
