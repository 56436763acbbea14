package scenario

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const numbered = `
horizon = "10h"
[[load]]
service = "shop"
times   = 2
for     = "1h"
[[load]]
id      = "day"
service = "api"
daily   = { peak = "14h", trough = "40%" }
[[load]]
service = "shop"
at      = "2h"
rate    = "40/s"
[[fault]]
id      = "disk"
at      = "10m"
for     = "1h"
service = "db"
effect  = "down"
[[action]]
id = "rescue"
at = "1h"
takes = "5m"
do = [
  { throttle = "api", to = "20%", relax = "30m" },
  { throttle = "shop", to = "10/s" },
  { pace = "leases", to = "300/s" },
  { restart = "db", takes = "2m" },
]
[[action]]
after = { done = "rescue", decide = "3m" }
do = [{ unpace = "leases" }]
`

// TestNumbersOfAScenario: each is listed once, can be set in a clone, and is then another
// there and nowhere else.
func TestNumbersOfAScenario(t *testing.T) {
	s, faults := Parse("numbered.toml", []byte(numbered))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	for _, n := range Numbers(s) {
		got = append(got, n.Path+" = "+n.Text())
	}
	want := []string{
		`action "rescue" pace "leases".to = 300/s`,
		`action "rescue" restart "db".takes = 2m`,
		`action "rescue" throttle "api".relax = 30m`,
		`action "rescue" throttle "api".to = 20%`,
		`action "rescue" throttle "shop".to = 10/s`,
		`action "rescue".at = 1h`,
		`action "rescue".takes = 5m`,
		`fault "disk".at = 10m`,
		`fault "disk".for = 1h`,
		`load "day".peak = 14h`,
		`load "day".trough = 40%`,
		`load "shop".at = 2h`,
		`load "shop".for = 1h`,
		`load "shop".rate = 40/s`,
		`load "shop".times = 2`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	before, _ := Parse("numbered.toml", []byte(numbered))
	for i := range want {
		c := s.Clone()
		if diff := cmp.Diff(s, c, cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
			t.Fatal(diff)
		}
		n := &Numbers(c)[i]
		half := 0.5 * n.Value()
		n.Set(half)
		if got := Numbers(c)[i].Value(); got != half {
			t.Errorf("%s is %v after it was set to %v", n.Path, got, half)
		}
		if diff := cmp.Diff(before, s, cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
			t.Fatalf("%s was set in another: %s", n.Path, diff)
		}
	}
}
