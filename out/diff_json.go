package out

import (
	"math"

	"github.com/knockon/knockon/propagate/audit"
	"github.com/knockon/knockon/propagate/study"
)

const diffSchema = "knockon.diff/1"

type jsonDiff struct {
	Schema    string             `json:"schema"`
	Old       string             `json:"old"`
	New       string             `json:"new"`
	Added     []string           `json:"added"`
	Removed   []string           `json:"removed"`
	Changed   []jsonDiffService  `json:"changed"`
	Needs     []jsonDiffNeed     `json:"needs"`
	Radii     []jsonDiffRadius   `json:"radii"`
	Fresh     []jsonFinding      `json:"findings_new"`
	Fixed     []jsonFinding      `json:"findings_fixed"`
	Scenarios []jsonDiffScenario `json:"scenarios"`
}

type jsonDiffService struct {
	ID   string   `json:"id"`
	Keys []string `json:"keys"`
}

type jsonDiffNeed struct {
	Service string   `json:"service"`
	On      []string `json:"on"`
	Old     string   `json:"old,omitempty"`
	New     string   `json:"new,omitempty"`
}

type jsonDiffRadius struct {
	ID     string         `json:"id"`
	Grown  bool           `json:"grown"`
	Before jsonDiffImpact `json:"before"`
	After  jsonDiffImpact `json:"after"`
}

type jsonDiffImpact struct {
	Impacted int     `json:"impacted"`
	Weight   float64 `json:"weight"`
}

type jsonDiffScenario struct {
	ID       string            `json:"id"`
	Worse    bool              `json:"worse"`
	Before   jsonDiffAnswer    `json:"before"`
	After    jsonDiffAnswer    `json:"after"`
	Broken   []string          `json:"expectations_broken"`
	Services []jsonDiffMinutes `json:"services"`
}

type jsonDiffAnswer struct {
	Verdict  string   `json:"verdict"`
	Failed   float64  `json:"failed"`
	Minutes  float64  `json:"service_minutes"`
	Recovery *float64 `json:"recovery"` // seconds; null where it does not recover or the trigger does not end
}

type jsonDiffMinutes struct {
	ID     string  `json:"id"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}

func (r *Diff) json() any {
	j := jsonDiff{
		Schema: diffSchema, Old: r.Old, New: r.New, Added: append([]string{}, r.Added...), Removed: append([]string{}, r.Removed...),
		Changed: []jsonDiffService{}, Needs: []jsonDiffNeed{}, Radii: []jsonDiffRadius{},
		Fresh: findingsJSON(r.Fresh), Fixed: findingsJSON(r.Fixed), Scenarios: []jsonDiffScenario{},
	}
	for _, c := range r.Changed {
		j.Changed = append(j.Changed, jsonDiffService(c))
	}
	for _, n := range r.Needs {
		j.Needs = append(j.Needs, jsonDiffNeed(n))
	}
	for _, x := range r.Radii {
		j.Radii = append(j.Radii, jsonDiffRadius{x.ID, x.Grown, jsonDiffImpact{x.OldCount, x.OldWeight}, jsonDiffImpact{x.NewCount, x.NewWeight}})
	}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		x := jsonDiffScenario{ID: s.ID, Worse: s.Worse, Before: diffAnswer(&s.Before), After: diffAnswer(&s.After), Broken: append([]string{}, s.Broken...), Services: []jsonDiffMinutes{}}
		for _, m := range s.Services {
			x.Services = append(x.Services, jsonDiffMinutes{m.ID, m.Before, m.After})
		}
		j.Scenarios = append(j.Scenarios, x)
	}
	return j
}

func diffAnswer(a *study.Answer) jsonDiffAnswer {
	j := jsonDiffAnswer{Verdict: a.Verdict, Failed: a.Failed, Minutes: a.Minutes}
	if !math.IsInf(a.Recovery, 0) && !math.IsNaN(a.Recovery) {
		j.Recovery = &a.Recovery
	}
	return j
}

func findingsJSON(findings []audit.Finding) []jsonFinding {
	list := make([]jsonFinding, 0, len(findings))
	for i := range findings {
		list = append(list, findingJSON(&findings[i]))
	}
	return list
}
