package out

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/ensemble"
)

// fixedRuns are twenty results written by hand: those of every third seed are the storm
// of fixedRun, in the others everyone recovers, each after another time.
func fixedRuns(t testing.TB, seeds int) *Ensemble {
	t.Helper()
	var c *catalog.Catalog
	many, err := ensemble.Run(t.Context(), func(_ context.Context, seed uint64) (*propagate.Result, error) {
		one, r, _ := fixedRun(t)
		if seed == 1 {
			c = one
		}
		for i := range r.Services {
			for k := range r.Services[i].Bins {
				r.Services[i].Bins[k].Offered *= 1 + float64(seed)/1000
			}
		}
		for i := range r.Expects {
			r.Expects[i].So = r.Expects[i].Met
		}
		if seed%3 == 0 {
			return r, nil
		}
		r.Verdict.Word = "recovered"
		for i := range r.Verdict.Services {
			v := &r.Verdict.Services[i]
			v.Word, v.To, v.Recovery = "recovered", 130+float64(seed), 10+float64(seed)
		}
		for i := range r.Services {
			s := &r.Services[i]
			if n := len(s.Windows); n > 0 && s.Windows[n-1].Open {
				s.Windows[n-1].To, s.Windows[n-1].Open = 130+float64(seed), false
			}
			for k := range s.Bins {
				if r.Times[k] >= 130+float64(seed) {
					s.Bins[k].Good, s.Bins[k].Failed, s.Bins[k].State = s.Bins[k].Offered, 0, propagate.Healthy
				}
			}
		}
		r.Expects[1].So, r.Expects[1].Met = false, false
		return r, nil
	}, ensemble.Options{Seeds: seeds, First: 1})
	if err != nil {
		t.Fatal(err)
	}
	return NewEnsemble(c, many, "stochastic", RunOptions{})
}

// TestManyRunsInEveryFormat keeps what each format makes of many runs.
func TestManyRunsInEveryFormat(t *testing.T) {
	e := fixedRuns(t, 20)
	for _, f := range []struct{ name, file string }{{"text", "txt"}, {"json", "json"}, {"csv", "csv"}, {"svg", "svg"}} {
		golden(t, filepath.Join("testdata", "ensemble."+f.file), written(t, f.name, e))
	}
	for _, format := range []string{"dot", "mermaid"} {
		f, _ := FormatNamed(format)
		if err := f.Write(&bytes.Buffer{}, e, Options{}); err == nil || !strings.Contains(err.Error(), "set of runs") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// TestColumnsOfManyRuns reads the document and the table back: as many entries as bins,
// edges of the band on their sides of the mean, and what is no number is null.
func TestColumnsOfManyRuns(t *testing.T) {
	for _, seeds := range []int{1, 20} {
		e := fixedRuns(t, seeds)
		var j struct {
			Schema   string
			Planned  int
			Times    []float64
			Verdicts []struct {
				Word  string
				Count int
			}
			Services []struct {
				ID       string
				Recovery *struct {
					Runs int
					Half *float64
				}
				Series map[string][]*float64
			}
			Runs []struct {
				Seed     string
				Recovery *float64
			}
		}
		if err := json.Unmarshal(written(t, "json", e), &j); err != nil {
			t.Fatal(err)
		}
		if j.Schema != "knockon.ensemble/1" || j.Planned != seeds || len(j.Runs) != seeds || len(j.Verdicts) != 5 {
			t.Errorf("%+v", j)
		}
		for _, s := range j.Services {
			if len(s.Series) != len(manySeries) {
				t.Errorf("%s has %d series", s.ID, len(s.Series))
			}
			for name, column := range s.Series {
				if len(column) != len(j.Times)-1 {
					t.Errorf("%s of %s has %d entries", name, s.ID, len(column))
				}
			}
			for k := range s.Series["goodput"] {
				low, mean, high := *s.Series["goodput_low"][k], *s.Series["goodput"][k], *s.Series["goodput_high"][k]
				if low > mean+1e-6 || high < mean-1e-6 {
					t.Errorf("%s, bin %d: %v, %v, %v", s.ID, k, low, mean, high)
				}
				if half := s.Series["goodput_half"][k]; (half == nil) != (seeds == 1) {
					t.Errorf("of %d runs half the interval is %v", seeds, half)
				}
			}
		}
		rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", e))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if want := 1 + len(e.Services)*(len(e.Times)-1); len(rows) != want {
			t.Errorf("%d rows, not %d", len(rows), want)
		}
	}
}

// TestManyRunsOnANarrowTerminal: no line is wider than the terminal, and the verdicts
// come first.
func TestManyRunsOnANarrowTerminal(t *testing.T) {
	e := fixedRuns(t, 20)
	for _, width := range []int{40, 60, 80, 120} {
		var b bytes.Buffer
		if err := writeText(&b, e, Options{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := diag.Columns(strings.TrimRight(line, "\n")); n > width && width > wrapLeast+20 {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
	}
	lines := strings.Split(string(written(t, "text", e)), "\n")
	if want := "metastable: in 6 of 20 runs (probability 14 % to 52 %); recovered in 14"; lines[1] != want {
		t.Errorf("%q, not %q", lines[1], want)
	}
}

// TestInterruptedRuns: an ensemble that was interrupted early has what there is.
func TestInterruptedRuns(t *testing.T) {
	e := fixedRuns(t, 3)
	e.Many.Planned, e.Many.Partial = 100, true
	c, _, _ := fixedRun(t)
	e = NewEnsemble(c, e.Many, "stochastic", RunOptions{})
	for _, format := range []string{"text", "json", "csv", "svg"} {
		text := string(written(t, format, e))
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s: %s", format, text)
		}
		if said := strings.Contains(text, "interrupted after 3 of 100 runs"); !said && format != "csv" {
			t.Errorf("%s does not say that it was interrupted", format)
		}
	}
}

// TestAmong writes a number of many runs.
func TestAmong(t *testing.T) {
	word := func(f float64) string { return fmt.Sprintf("%.0f", f) }
	for want, s := range map[string]ensemble.Spread{
		"–":        {Mean: math.NaN(), Median: math.NaN()},
		"7":        {Of: 1, Median: 7.1, Low: 7, High: 7.2},
		"7 (3–12)": {Of: 9, Median: 7, Low: 3, High: 12},
	} {
		if got := among(s, word); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
