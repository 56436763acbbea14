package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// HealthCheck is how often something is tested, when it counts as failed, and
// what is then done to it.
type HealthCheck struct {
	Interval unit.Value[unit.Duration]
	Timeout  unit.Value[unit.Duration]
	Out      unit.Value[int64] // failures in a row that take a target out
	In       unit.Value[int64] // successes in a row that bring it back
	OnFail   OnFail
}

// OnFail is the automatic reaction to a failed check.
type OnFail struct {
	Remove     string                    // one of RemoveWords; "" where not stated
	Via        string                    // one of ViaWords; "" where not stated
	TTL        unit.Value[unit.Duration] // how long clients go on using what was removed
	MaxRemoved unit.Value[unit.Ratio]    // share of capacity it may remove
	FailOpen   unit.Value[unit.Ratio]    // share removed at which it stops believing itself
}

// Words of health checks.
var (
	RemoveWords = []string{"instance", "zone", "region"}
	ViaWords    = []string{"load-balancer", "dns", "restart"}
)

// HealthCheckKeys reads `policy` and `on_fail` of a [health_check.ID] table.
func HealthCheckKeys(d *toml.Decoder) HealthCheck {
	var h HealthCheck
	if t := d.Sub("policy", `how it tests, such as { interval = "10s", out = 3, in = 3 }`); t != nil {
		t.Duration("interval", &h.Interval)
		t.Duration("timeout", &h.Timeout)
		toml.Count(t, "out", 1, 1e6, &h.Out)
		toml.Count(t, "in", 1, 1e6, &h.In)
		t.Done()
	}
	if t := d.Sub("on_fail", `what a failed check does, such as { remove = "instance" }`); t != nil {
		if w, ok := t.Enum("remove", RemoveWords); ok {
			h.OnFail.Remove = w
		}
		if w, ok := t.Enum("via", ViaWords); ok {
			h.OnFail.Via = w
		}
		t.Duration("ttl", &h.OnFail.TTL)
		t.Ratio("max_removed", &h.OnFail.MaxRemoved)
		t.Ratio("fail_open", &h.OnFail.FailOpen)
		t.Done()
	}
	return h
}
