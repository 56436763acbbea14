package out

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/knockon/knockon/propagate/audit"
	"github.com/knockon/knockon/propagate/study"
)

func fixedDiff(most int) *Diff {
	findings := fixedAudit(0).Findings
	return &Diff{
		Old: "old.toml", New: "new.toml", Most: most,
		Added: []string{"cart"}, Removed: []string{"fax"}, Changed: []DiffService{{"db", []string{"tier", "weight"}}},
		Needs: []DiffNeed{
			{"cart", []string{"db"}, "", "to serve, if lost fail"},
			{"fax", []string{"db", "kv"}, "to serve, if lost fail, at least 1 of 2", ""},
			{"checkout", []string{"db"}, "to serve, if lost degrade", "to serve, if lost fail"},
		},
		Radii: []DiffRadius{{"db", 2, 5, 3, 11.5, true}, {"kv", 4, 3, 4, 3, false}},
		Fresh: findings[:2], Fixed: findings[2:3],
		Scenarios: []DiffScenario{
			{
				ID: "db down", Before: study.Answer{Verdict: "recovered", Minutes: 5, Recovery: 60}, After: study.Answer{Verdict: "metastable", Minutes: 60, Recovery: math.Inf(1)},
				Minutes: 55, Recovery: math.Inf(1), Worse: true, Broken: []string{"checkout is healthy"}, Services: []study.MinutesChange{{ID: "checkout", Before: 5, After: 30}, {ID: "kv", Before: 4, After: 0}},
			},
			{ID: "calm", Before: study.Answer{Verdict: "healthy"}, After: study.Answer{Verdict: "healthy"}},
		},
	}
}

func TestDiffInItsFormats(t *testing.T) {
	r := fixedDiff(0)
	for format, file := range map[string]string{"text": "diff.txt", "json": "diff.json", "markdown": "diff.md"} {
		golden(t, filepath.Join("testdata", file), written(t, format, r))
	}
	golden(t, filepath.Join("testdata", "diff-short.txt"), written(t, "text", fixedDiff(1)))
}

// TestRegressions: findings below the severity, and scenarios that do not come out
// worse, are none.
func TestRegressions(t *testing.T) {
	r := fixedDiff(0)
	for severity, want := range map[audit.Severity]int{audit.Error: 2, audit.Warning: 2} {
		if got := r.Regressions(severity); len(got) != want {
			t.Errorf("%s: %q", severity, got)
		}
	}
	r.Fresh = r.Fresh[1:] // a warning
	r.Scenarios = r.Scenarios[1:]
	if got := r.Regressions(audit.Error); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
