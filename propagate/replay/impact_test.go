package replay

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/scenario"
)

// minutes is a service that was offered 100 requests in each minute.
func minutes(id string, bins ...propagate.ServiceBin) propagate.ServiceResult {
	s := propagate.ServiceResult{ID: id, Nominal: 100.0 / 60}
	for _, b := range bins {
		b.Offered = 100
		if b.Capacity == 0 && b.State != propagate.Down {
			b.Capacity = 1
		}
		s.Bins = append(s.Bins, b)
	}
	return s
}

func failing(n float64) propagate.ServiceBin { return propagate.ServiceBin{Good: 100 - n, Failed: n} }

func played(services ...propagate.ServiceResult) *propagate.Result {
	res := &propagate.Result{Services: services}
	for i := range len(services[0].Bins) + 1 {
		res.Times = append(res.Times, 60*float64(i))
	}
	return res
}

func repeat(n int, b propagate.ServiceBin) []propagate.ServiceBin {
	all := make([]propagate.ServiceBin, n)
	for i := range all {
		all[i] = b
	}
	return all
}

func join(parts ...[]propagate.ServiceBin) (all []propagate.ServiceBin) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestImpacts: what becomes a window, at which threshold, and of which state.
func TestImpacts(t *testing.T) {
	well, dark := failing(0), propagate.ServiceBin{}
	throttled := propagate.ServiceBin{Good: 60, Failed: 40, Throttled: 40}
	late := propagate.ServiceBin{Good: 100, Age: 700}
	frozen := propagate.ServiceBin{Good: 100, State: propagate.Frozen}
	for _, test := range []struct {
		name      string
		bins      []propagate.ServiceBin
		threshold float64
		limit     float64 // seconds
		want      []Impact
	}{
		{"at the threshold", join(repeat(3, well), repeat(4, failing(5)), repeat(3, well)), 0.05, 0, []Impact{impact("a", propagate.Degraded, 3, 7)}},
		{"below the threshold", join(repeat(3, well), repeat(4, failing(4.9)), repeat(3, well)), 0.05, 0, nil},
		{"for too short a time", join(repeat(3, well), repeat(1, failing(100)), repeat(3, well)), 0.05, 0, nil},
		{"down", join(repeat(2, well), repeat(3, failing(90)), repeat(3, failing(89)), repeat(2, well)), 0.05, 0, []Impact{impact("a", propagate.Down, 2, 5), impact("a", propagate.Degraded, 5, 8)}},
		{"a minute on the way", join(repeat(2, well), repeat(1, failing(50)), repeat(3, failing(100)), repeat(2, well)), 0.05, 0, []Impact{impact("a", propagate.Down, 2, 6)}},
		{"throttled", join(repeat(2, well), repeat(3, throttled), repeat(2, well)), 0.05, 0, []Impact{impact("a", propagate.Throttled, 2, 5)}},
		{"late", join(repeat(2, well), repeat(3, late), repeat(2, well)), 0.05, 600, []Impact{impact("a", propagate.Delayed, 2, 5)}},
		{"late within the limit", join(repeat(2, well), repeat(3, late), repeat(2, well)), 0.05, 800, nil},
		{"frozen", join(repeat(2, well), repeat(3, frozen), repeat(2, well)), 0.05, 0, []Impact{impact("a", propagate.Frozen, 2, 5)}},
		// Callers that neither hear nor give up: it is as it was.
		{"nothing settled", join(repeat(2, well), repeat(2, failing(100)), repeat(3, dark), repeat(2, well)), 0.05, 0, []Impact{impact("a", propagate.Down, 2, 7)}},
		{"stopped, and nobody gives up", join(repeat(2, well), repeat(3, propagate.ServiceBin{Age: 700, State: propagate.Down}), repeat(3, propagate.ServiceBin{Age: 700}), repeat(2, well)), 0.05, 600, []Impact{impact("a", propagate.Down, 2, 5), impact("a", propagate.Delayed, 5, 8)}},
		{"to the end", join(repeat(2, well), repeat(3, failing(100))), 0.05, 0, []Impact{{Service: "a", State: propagate.Down, From: 2, To: 5, Open: true}}},
	} {
		rec := &scenario.Record{}
		if test.limit > 0 {
			rec.Windows = []scenario.Recorded{{Service: "a", Of: []string{"a"}, State: "delayed", Limit: unit.FromSeconds(test.limit)}}
		}
		got := Impacts(&catalog.Catalog{}, played(minutes("a", test.bins...)), rec, test.threshold)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// TestTogether: services that a record takes together are as impaired as their demand
// together, and keep names of their own besides.
func TestTogether(t *testing.T) {
	rec := &scenario.Record{Windows: []scenario.Recorded{{Service: "ab", Of: []string{"a", "b"}, State: "degraded"}}}
	res := played(minutes("a", repeat(5, failing(8))...), minutes("b", repeat(5, failing(0))...))
	want := []Impact{{Service: "a", State: propagate.Degraded, From: 0, To: 5, Open: true}}
	if diff := cmp.Diff(want, Impacts(&catalog.Catalog{}, res, rec, 0.05)); diff != "" {
		t.Errorf("4%% of the demand together: %s", diff)
	}
	want = append(want, Impact{Service: "ab", State: propagate.Degraded, From: 0, To: 5, Open: true})
	if diff := cmp.Diff(want, Impacts(&catalog.Catalog{}, res, rec, 0.02)); diff != "" {
		t.Error(diff)
	}
}

const chain = `
[service.root]
[service.mid]
needs = ["root"]
[service.leaf]
needs = [{ on = "mid", to = "scale" }]
[service.medic]
needs = [{ on = "root", to = "repair" }]
[service.alone]
`

// TestBaselines: what anybody could say without a model.
func TestBaselines(t *testing.T) {
	c, faults, err := catalog.Load(catalog.Source{Name: "chain.toml", Data: []byte(chain)})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	sc, faults := scenario.Parse("chain", []byte(`
horizon = "5h"
[[fault]]
id = "f"
at = "10m"
service = "root"
effect = "down"
[[action]]
at = "1h"
do = [{ restore = "f" }]
[[action]]
at = "2h"
do = [{ purge = "mid" }]
`))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	res, err := propagate.Run(t.Context(), c, sc, propagate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := Baselines(c, res, &scenario.Record{})
	for i, want := range [][]Impact{
		{impact("leaf", propagate.Down, 10, 60), impact("mid", propagate.Down, 10, 60), impact("root", propagate.Down, 10, 60)},
		{impact("leaf", propagate.Down, 10, 120), impact("mid", propagate.Down, 10, 120), impact("root", propagate.Down, 10, 60)},
		{impact("root", propagate.Down, 10, 60)},
	} {
		if diff := cmp.Diff(want, got[i].Impacts); diff != "" {
			t.Errorf("%s: %s", got[i].Name, diff)
		}
	}
}
