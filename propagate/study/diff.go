package study

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/audit"
	"github.com/knockon/knockon/propagate/scenario"
)

// Diff is what a change of a catalog comes to: in structure, in findings, and in the
// minutes of scenarios.
type Diff struct {
	Structure *graph.Diff
	New       []audit.Finding // open ones, ranked
	Fixed     []audit.Finding // those of the older catalog, ranked
	Scenarios []Compared
}

// Compared is one scenario, played on both catalogs.
type Compared struct {
	Scenario      *scenario.Scenario
	Before, After *Answer
	Move          Move            // from Before to After; what is within the steps of a run is none
	Services      []MinutesChange // whose impairment changed, most first
}

// MinutesChange is how long a service is impaired, in minutes.
type MinutesChange struct {
	ID            string
	Before, After float64
}

// Worse reports whether the scenario comes out worse than before: by its verdict, the
// expectations that are met, the minutes impaired, or when all are healthy again.
func (c *Compared) Worse() bool {
	return c.Move.Verdict > 0 || len(c.Broken()) > 0 || c.Move.Minutes > 0 || c.Move.Recovery > 0
}

// Broken returns the expectations, as the scenario says them, that were met and are not
// any more.
func (c *Compared) Broken() (texts []string) {
	for i := range c.Before.Met {
		if c.Before.Met[i] && !c.After.Met[i] {
			texts = append(texts, c.Scenario.Expects[i].Text)
		}
	}
	return texts
}

// DiffOptions of Compare.
type DiffOptions struct {
	Audit     audit.Options
	Scenarios []*scenario.Scenario // that have been checked against both catalogs
	Run       propagate.Options
	Progress  func(done, total int) // may be nil
}

// Compare finds what differs between two catalogs.
func Compare(ctx context.Context, older, newer audit.Input, o DiffOptions) (*Diff, error) {
	steps := 3 + 2*len(o.Scenarios)
	at := 0
	tick := func() {
		if at++; o.Progress != nil {
			o.Progress(at, steps)
		}
	}
	structure, err := graph.Compare(ctx, older.Graph, newer.Graph, nil)
	if err != nil {
		return nil, err
	}
	tick()
	var results [2]*audit.Result
	for i, in := range []audit.Input{older, newer} {
		if results[i], err = audit.Run(ctx, in, o.Audit); err != nil {
			return nil, err
		}
		tick()
	}
	d := &Diff{Structure: structure}
	d.New, d.Fixed = audit.Compare(results[0], results[1])
	for _, sc := range o.Scenarios {
		var runs [2]*propagate.Result
		for i, c := range []*catalog.Catalog{older.Catalog, newer.Catalog} {
			if runs[i], err = propagate.Run(ctx, c, sc, o.Run); err != nil {
				return nil, fmt.Errorf("%s: %w", sc.File, err)
			}
			tick()
		}
		x := Compared{Scenario: sc, Before: answer(older.Catalog, runs[0]), After: answer(newer.Catalog, runs[1])}
		x.Move = x.After.from(x.Before)
		x.Services = minutesChanged(older.Catalog, newer.Catalog, runs[0], runs[1])
		d.Scenarios = append(d.Scenarios, x)
	}
	return d, nil
}

// minutesChanged compares services that are in both catalogs, and names new ones that
// are impaired.
func minutesChanged(older, newer *catalog.Catalog, before, after *propagate.Result) []MinutesChange {
	was := make(map[string]float64)
	for i := range before.Services {
		was[older.Services[i].ID] = impaired(&before.Services[i])
	}
	var all []MinutesChange
	for i := range after.Services {
		id := newer.Services[i].ID
		x := MinutesChange{id, was[id], impaired(&after.Services[i])}
		if math.Abs(x.After-x.Before) >= max(LeastMinutes, LeastRelative*x.Before) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(a, b MinutesChange) int {
		return cmp.Or(cmp.Compare(b.After-b.Before, a.After-a.Before), strings.Compare(a.ID, b.ID))
	})
	return all
}

func impaired(s *propagate.ServiceResult) (minutes float64) {
	for _, w := range s.Windows {
		minutes += (w.To - w.From) / 60
	}
	return minutes
}
