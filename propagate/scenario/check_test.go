package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
)

const shop = `
[service.shop]
load     = "400/s"
needs    = ["api", { at_least = 1, of = ["kv-a", "kv-b"] }]
replicas = { zones = ["az1", "az2"] }

[service.api]
replicas = 3

[service.kv-a]
[service.kv-b]
`

func loaded(t *testing.T, text string) *catalog.Catalog {
	t.Helper()
	c, faults, err := catalog.Load(catalog.Source{Name: "shop.toml", Data: []byte(text)})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	return c
}

func TestCheck(t *testing.T) {
	c := loaded(t, shop)
	s, faults := Parse("storm.toml", []byte(`horizon = "400s"
fault = [
  { at = "1s", service = "shop", effect = "down", zone = "az1" },
  { at = "1s", service = "shop", effect = "down", zone = "az3" },
  { at = "1s", service = "api", effect = "down", zone = "az1" },
  { at = "1s", service = "apo", effect = "down", zone = "az1" },
  { at = "1s", service = "nothing like it", effect = "load ×3" },
]
load = [
  { service = "shop", times = 3 },
  { service = "api", times = 3 },
  { service = "kv-a", times = 3 },
  { service = "kv-a", rate = "5/s" },
  { service = "kv-b", daily = { peak = "14h", trough = "30%" } },
]
action = [{ at = "1s", do = [{ purge = "shop" }, { restart = "shpo", takes = "1s" }] }]
expect = [
  { that = "verdict is healthy" },
  { that = "api is healthy" },
  { that = "the aip is healthy" },
  { measure = "retries", of = "shop -> api", is = "0/s" },
  { measure = "retries", of = "shop -> kv-b", is = "0/s" },
  { measure = "retries", of = "shop -> shop", is = "0/s" },
  { measure = "retries", of = "shop -> ap", is = "0/s" },
  { measure = "retries", of = "api -> shop", is = "0/s" },
  { measure = "retries", of = "shap -> kvb", is = "0/s" },
]
`))
	if s == nil {
		t.Fatal(faults)
	}
	var text strings.Builder
	for _, d := range s.Check(c) {
		text.WriteString(d.String())
	}
	golden(t, "testdata/check.txt", text.String())
}

// TestCheckOperators holds what is said of the names that observers and actions use.
func TestCheckOperators(t *testing.T) {
	s, faults := Parse("rescue.toml", []byte(`horizon = "400s"
fault = [
  { at = "1s", lease = "droplet", effect = "lapse 50%" },
  { at = "1s", lease = "shop", effect = "lapse 50%" },
  { at = "1s", service = "api", effect = "down", count = 3 },
  { at = "1s", service = "dwfm", effect = "down", count = 6 },
  { at = "1s", service = "shop", effect = "down", count = 2 },
  { at = "1s", service = "pager", effect = "down", count = 1 },
]
observer = [{ id = "oncall", needs = ["pager", "pagr"] }]
[[action]]
after = { observed = "dwmf is down", by = "oncall" }
tools = ["kv-a", "kv-d"]
do = [
  { drain = "shop", zone = "az3" },
  { drain = "api", zone = "az1" },
  { cut = "shop -> dwfm" },
  { cut = "shp -> apo" },
  { fail_over = "shop -> api", to = "ap" },
  { disable = "target" },
  { disable = "autoscale of target" },
  { disable = "autoscale of shop" },
  { pace = "drops", to = "5/s" },
  { throttle = "api", to = "5/s", until = "held of droplet is over 50%" },
  { throttle = "api", to = "5/s", until = "queue of droplets is over 50" },
]
[[expect]]
measure = "held"
of = "dorplets"
is = 3
`))
	if s == nil {
		t.Fatal(faults)
	}
	var text strings.Builder
	for _, d := range s.Check(loaded(t, plant)) {
		text.WriteString(d.String())
	}
	golden(t, "testdata/check-operators.txt", text.String())
}

// TestCheckMade: what a program has made was not looked at when it was read.
func TestCheckMade(t *testing.T) {
	s := &Scenario{Horizon: minute, File: "made", Actions: []Action{
		{ID: "a", After: &Trigger{Done: "b", By: "oncall"}, Do: []Deed{{Verb: Restore, Target: "f"}}},
		{ID: "b", After: &Trigger{Done: "a"}},
	}}
	var got []string
	for _, d := range s.Check(loaded(t, plant)) {
		got = append(got, d.Message)
	}
	want := []string{
		`there is no observer "oncall" in the scenario`, `there is no fault "f" in the scenario`,
		"these actions wait for one another, and none ever happens: a after b after a",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCheckWithoutFile: a scenario made by a program has no lines to show.
func TestCheckWithoutFile(t *testing.T) {
	s := &Scenario{Horizon: minute, File: "made", Faults: []Fault{{Service: "apo"}}}
	got := s.Check(loaded(t, shop))
	if len(got) != 1 || got[0].String() != "made: error: there is no service \"apo\" in the catalog, named in [[fault]]; did you mean \"api\"?\n" {
		t.Error(got)
	}
	s.Faults[0].Service = "api"
	if got := s.Check(loaded(t, shop)); len(got) != 0 {
		t.Error(got)
	}
}

// TestCheckIsBounded: nobody reads 50,000 diagnostics.
func TestCheckIsBounded(t *testing.T) {
	var many strings.Builder
	many.WriteString("horizon = \"1s\"\n")
	for i := range 50_000 {
		fmt.Fprintf(&many, "[[expect]]\nthat = \"x%d is healthy\"\n", i)
	}
	s, faults := Parse("a.toml", []byte(many.String()))
	if s == nil {
		t.Fatal(faults)
	}
	got := s.Check(loaded(t, shop))
	if len(got) != maxFaults+1 || got[maxFaults].Message != "49000 more faults are not listed" {
		t.Errorf("%d diagnostics, the last %v", len(got), got[len(got)-1])
	}
	if severity := got[0].Severity; severity != diag.Error {
		t.Error(severity)
	}
}
