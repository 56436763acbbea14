package propagate

import (
	"slices"
	"testing"
)

// links are the kinds of the main chain of a cause, from the nearest to the root.
func links(c *Cause) (kinds []CauseKind, last *Cause) {
	for ; c != nil; c = &c.Because[0] {
		kinds, last = append(kinds, c.Kind), c
		if len(c.Because) == 0 {
			break
		}
	}
	return kinds, last
}

// TestWhyOfASecondWave: what is late because its work was held up elsewhere, and what is
// taken out of rotation because of that, is told back to the fault, though that was over
// long before. A store is down for a minute; changes wait for it, and come to the routes
// together; a check that goes by the routes takes the fronts out.
func TestWhyOfASecondWave(t *testing.T) {
	r := played(t, `
[service.clients]
kind  = "external"
load  = "60/s"
needs = [{ on = "front", timeout = "1s" }]
[service.front]
replicas     = 6
concurrency  = 12
service_time = "100ms"
queue        = { bound = 10 }
[service.checker]
load         = "1/s"
[health_check.front]
by      = "checker"
tests   = ["front", { fresh = "routes", within = "5s" }]
policy  = { interval = "2s", timeout = "1s", out = 2, in = 2, depth = "shallow" }
on_fail = { remove = "instance", max_removed = "67%" }
[service.changes]
load         = "50/s"
concurrency  = 20
service_time = "50ms"
needs = [
  { on = "store", timeout = "1s", retry = { attempts = 1000, backoff = "fixed", base = "1s" } },
  { on = "routes", mode = "async" },
]
[service.store]
capacity     = "1000/s"
service_time = "1ms"
[service.routes]
capacity     = "100/s"
service_time = "10ms"
`, `
horizon = "5m"
[[fault]]
at      = "20s"
for     = "1m"
service = "store"
effect  = "down"
`, Options{})
	c := r.Why("clients", 95)
	kinds, last := links(c)
	want := []CauseKind{NeedCause, FullCause, RotationCause, StaleCause, QueueCause, SurgeCause, QueueCause, ThreadsCause, FaultCause}
	if !slices.Equal(kinds, want) {
		t.Fatalf("%v, not %v", kinds, want)
	}
	if last.Service != "store" || last.Fault != 0 {
		t.Errorf("it ends with %+v", last)
	}
	rotation := c.Because[0].Because[0]
	if rotation.Target != "front" || rotation.Capacity > 0.4 || rotation.Because[0].Target != "routes" || rotation.Because[0].Age < 5 {
		t.Errorf("%+v", rotation)
	}
	// A third of the replicas has a third of the queue.
	if full := c.Because[0]; full.Queue > 10./3+1e-9 {
		t.Errorf("its queue of 10 is full at %v", full.Queue)
	}
}

// TestWhyOfALeaseStorm: who keeps leases that are asked for again and again says so, and
// for want of what they lapsed.
func TestWhyOfALeaseStorm(t *testing.T) {
	r := played(t, `
[service.clients]
load  = "10/s"
needs = [{ on = "keeper", timeout = "1s" }]
[service.keeper]
concurrency  = 20
service_time = "50ms"
needs        = [{ on = "store", timeout = "1s" }]
[service.store]
capacity     = "5000/s"
service_time = "1ms"
[lease.hosts]
keeper  = "keeper"
holder  = "clients"
lost    = "nothing"
count   = 6000
ttl     = "30s"
renew   = { every = "10s", cost = "5ms", timeout = "5s" }
regrant = { cost = "50ms", deadline = "5s", pause = "0s" }
`, `
horizon = "4m"
[[fault]]
at      = "20s"
for     = "1m"
service = "store"
effect  = "down"
`, Options{})
	kinds, last := links(r.Why("clients", 200))
	if !slices.Contains(kinds, RegrantCause) || last.Kind != FaultCause {
		t.Errorf("%v", kinds)
	}
}
