package propagate

import (
	"math"
	"testing"
)

// TestBaseStepsOfCalls: a step is held against the time-out of the call that changes, and
// of those who wait for its caller, not against the shortest in the catalog.
func TestBaseStepsOfCalls(t *testing.T) {
	const ct = `
[service.clients]
kind  = "external"
load  = "100/s"
needs = [{ on = "front", timeout = "2s", retry = "none" }]
[service.front]
needs = [{ on = "slow", timeout = "60s", retry = "none" }]
[service.slow]
[service.batch]
load  = "10/s"
needs = [{ on = "archive", timeout = "20s", retry = "none" }, { on = "names", timeout = "1s", retry = "none" }]
[service.archive]
[service.names]
`
	en := readied(t, mustLoad(t, ct), mustParse(t, "horizon = \"10h\"\n"))
	want := map[string]float64{"clients>front": 0.1, "front>slow": 0.1, "batch>archive": 1, "batch>names": 0.05}
	for i := range en.m.calls {
		e := &en.m.calls[i]
		if e.From < 0 {
			continue
		}
		name := en.m.servers[e.From].ID + ">" + en.m.servers[e.To].ID
		if math.Abs(e.base-want[name]) > 1e-9 {
			t.Errorf("%s: %v s, not %v", name, e.base, want[name])
		}
	}
	if en.base != 0.05 {
		t.Errorf("the shortest is %v", en.base)
	}
}
