package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// HealthCheck is how often something is tested, when it counts as failed, and
// what is then done to it. All that is not stated and assumed is said in a run.
type HealthCheck struct {
	Interval unit.Value[unit.Duration] // from test to test of one instance; 10s where not stated
	Timeout  unit.Value[unit.Duration] // in which a test must be answered; 5s where not stated, and no more than the interval
	Out      unit.Value[int64]         // failures in a row that take a target out; 3 where not stated
	In       unit.Value[int64]         // successes in a row that bring it back; 2 where not stated
	Depth    string                    // what a test tests, one of DepthWords; deep where not stated
	IfBlind  string                    // without its checker, one of BlindWords; fail where not stated
	Cost     unit.Value[unit.Duration] // work of the checker for a change it makes, in server time
	OnFail   OnFail
}

// OnFail is the automatic reaction to a failed check.
type OnFail struct {
	Remove     string                    // one of RemoveWords; instance where not stated
	Via        string                    // one of ViaWords; load-balancer where not stated
	TTL        unit.Value[unit.Duration] // how long clients go on using what was removed by DNS; 60s where not stated
	MaxRemoved unit.Value[unit.Ratio]    // share of the replicas that may be out at once; all where not stated
	FailOpen   unit.Value[unit.Ratio]    // share that counts as failed at which it stops believing itself; never where not stated
	Rate       unit.Value[unit.Rate]     // removals at most; any number where not stated
}

// RemoveWords are what leaves the rotation: an instance that failed, or all of its
// zone, or of the service, once half of these have failed.
var RemoveWords = []string{"instance", "zone", "region"}

// ViaWords are how it leaves: at once, as old answers of DNS expire, or by a restart.
var ViaWords = []string{"load-balancer", "dns", "restart"}

// DepthWords are what a test tests: a deep one waits in the queue as a request does, a
// shallow one asks whether anybody is there.
var DepthWords = []string{"deep", "shallow"}

// BlindWords are what happens while the checker itself is down or late: its tests
// fail, or everything stays as it is.
var BlindWords = []string{"fail", "keep"}

// HealthCheckKeys reads `policy` and `on_fail` of a [health_check.ID] table.
func HealthCheckKeys(d *toml.Decoder) HealthCheck {
	var h HealthCheck
	if t := d.Sub("policy", `how it tests, such as { interval = "10s", out = 3, in = 3 }`); t != nil {
		t.Duration("interval", &h.Interval)
		t.Duration("timeout", &h.Timeout)
		toml.Count(t, "out", 1, 1e6, &h.Out)
		toml.Count(t, "in", 1, 1e6, &h.In)
		if w, ok := t.Enum("depth", DepthWords); ok {
			h.Depth = w
		}
		if w, ok := t.Enum("if_blind", BlindWords); ok {
			h.IfBlind = w
		}
		t.Duration("cost", &h.Cost)
		refuseZero(t, h.Interval, `write a time such as "10s"`, "it tests every 0s, and so never stops testing")
		refuseZero(t, h.Timeout, "leave timeout out when there is none", "no test can be passed within 0s")
		t.Done()
	}
	if t := d.Sub("on_fail", `what a failed check does, such as { remove = "instance" }`); t != nil {
		h.OnFail.keys(t)
	}
	return h
}

func (o *OnFail) keys(t *toml.Decoder) {
	if w, ok := t.Enum("remove", RemoveWords); ok {
		o.Remove = w
	}
	if w, ok := t.Enum("via", ViaWords); ok {
		o.Via = w
	}
	t.Duration("ttl", &o.TTL)
	t.Ratio("max_removed", &o.MaxRemoved)
	t.Ratio("fail_open", &o.FailOpen)
	t.Rate("rate", &o.Rate)
	refuseZero(t, o.Rate, `write a rate such as "6/min", or max_removed = "0%"`, "at a rate of 0/s nothing is ever removed")
	t.Done()
}
