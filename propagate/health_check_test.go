package propagate

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/knockon/knockon/propagate/scenario"
)

// checkedFleet is a service of so many replicas in three zones that can do twice what it is
// offered, 10/s a replica, and a health check of it.
func checkedFleet(replicas int, policy, onFail string) string {
	return fmt.Sprintf(`
[service.clients]
kind  = "external"
load  = "%[1]d0/s"
needs = [{ on = "api", timeout = "1s" }]
[service.api]
replicas     = { count = %[1]d, zones = ["a", "b", "c"] }
concurrency  = %[1]d
service_time = "50ms"
[service.checker]
concurrency  = 1
service_time = "10ms"
load         = "10/s"
[health_check.api]
by      = "checker"
tests   = ["api"]
policy  = { interval = "6s", timeout = "1s", out = 2, in = 2%[2]s }
on_fail = { %[3]s }
`, replicas, policy, onFail)
}

// number is a measure over a span of a run.
func (r *Result) number(t *testing.T, m scenario.Measure, service string, from, to float64) float64 {
	t.Helper()
	sum, time := r.over(m, r.service(service), nil, from, to)
	if time <= 0 {
		t.Fatalf("there is nothing from %v s to %v s", from, to)
	}
	if m == scenario.RotationChanges {
		return sum.part
	}
	if sum.ratio {
		return sum.part / sum.of
	}
	return sum.part / time
}

// TestRotation: what a check takes out of rotation, and what is left to it.
func TestRotation(t *testing.T) {
	const dies = "[[fault]]\nservice = \"api\"\nat = \"30s\"\nfor = \"60s\"\neffect = \"blackhole\"\n"
	for _, x := range []struct {
		name             string
		replicas         int
		policy, onFail   string
		scenario         string
		during, after    float64 // in rotation, long after the fault began and long after it ended
		changes, goodput float64 // replicas, -1: any; share of what is offered, long after the fault began
	}{
		{"instances", 6, "", `remove = "instance"`, dies + "count = 2", 4, 6, 4, 1},
		{"nothing more than may be removed", 6, "", `remove = "instance", max_removed = "20%"`, dies + "count = 2", 5, 6, 2, 4. / 5},
		{"a zone in which half have failed", 6, "", `remove = "zone"`, dies + "count = 1", 4, 6, 4, 1},
		{"no zone in which fewer have", 9, "", `remove = "zone"`, dies + "count = 1", 9, 9, 0, 8. / 9},
		{"all, where half have failed", 6, "", `remove = "region"`, dies + "count = 3", 0, 6, 12, 0},
		{"not all, where fewer have", 6, "", `remove = "region"`, dies + "count = 2", 6, 6, 0, 4. / 6},
		{"a zone that fails", 6, "", `remove = "instance"`, dies + "zone = \"b\"", 4, 6, 4, 1},
		{"none is left: it fails closed", 6, "", `remove = "instance"`, dies, 0, 6, 12, 0},
		// Five out, and in when the last fails too; the same again when the first is well.
		{"none is left: it fails open", 6, "", `remove = "instance", fail_open = "100%"`, dies, 6, 6, 20, 0},
		{"a shallow check", 6, `, depth = "shallow"`, `remove = "instance"`, dies + "count = 2", 4, 6, 4, 1},
		{"slow answers fail a deep check", 6, "", `remove = "instance", max_removed = "50%"`, strings.Replace(dies, "blackhole", "slow 60x", 1), 3, 6, -1, 0},
		{"and pass a shallow one", 6, `, depth = "shallow"`, `remove = "instance"`, strings.Replace(dies, "blackhole", "slow 60x", 1), 6, 6, 0, 0},
		{"errors fail a deep check", 6, "", `remove = "instance"`, strings.Replace(dies, "blackhole", "errors 60%", 1), 0, 6, 12, 0},
		{"a group of replicas is one", 63, "", `remove = "instance"`, dies + "count = 6", 57, 63, 12, 1},
		{"slowly", 6, "", `remove = "instance", rate = "1/min"`, dies + "count = 3", 5, 6, 2, 3. / 5},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := played(t, checkedFleet(x.replicas, x.policy, x.onFail), "horizon = \"240s\"\n"+x.scenario+"\n", Options{})
			near := func(what string, got, want float64) {
				t.Helper()
				if math.Abs(got-want) > 0.02*max(1, math.Abs(want)) {
					t.Errorf("%s: %v, not %v", what, got, want)
				}
			}
			near("in rotation", r.number(t, scenario.InRotation, "api", 60, 90), x.during)
			near("in rotation in the end", r.number(t, scenario.InRotation, "api", 200, 240), x.after)
			if x.changes >= 0 {
				near("changes", r.number(t, scenario.RotationChanges, "api", 0, 240), x.changes)
			}
			offered := r.number(t, scenario.Offered, "clients", 60, 90)
			near("goodput", r.number(t, scenario.Goodput, "clients", 60, 90)/offered, x.goodput)
		})
	}
}

// TestRestartByCheck: an instance that fails is restarted over and over while what
// kills it lasts; each time it is away for its start, and then comes back.
func TestRestartByCheck(t *testing.T) {
	ct := strings.Replace(checkedFleet(6, "", `remove = "instance", via = "restart"`), "[service.api]", "[service.api]\nrecovery = { start = \"20s\" }", 1)
	r := played(t, ct, "horizon = \"240s\"\n[[fault]]\nservice = \"api\"\nat = \"30s\"\nfor = \"60s\"\ncount = 1\neffect = \"blackhole\"\n", Options{})
	// Tested at 0.5 s of each 6 s: failures are known at 31.5 s and 37.5 s. Away until
	// 57.5 s, and dead when tested at 60.5 s and 66.5 s; away from 67.5 s to 87.5 s.
	// The fault lasts to 90 s, and the next test is at 90.5 s.
	if n := r.number(t, scenario.RotationChanges, "api", 0, 240); n != 4 {
		t.Errorf("%v changes", n)
	}
	for _, x := range []struct{ from, to, want float64 }{{32, 37, 6}, {38, 57, 5}, {58, 67, 6}, {68, 87, 5}, {88, 240, 6}} {
		if n := r.number(t, scenario.InRotation, "api", x.from, x.to); math.Abs(n-x.want) > 1e-9 {
			t.Errorf("from %v s to %v s %v are in rotation, not %v", x.from, x.to, n, x.want)
		}
	}
}

// TestChangesAreWork: what a change costs the checker is in its queue with its own
// requests.
func TestChangesAreWork(t *testing.T) {
	fault := "horizon = \"120s\"\n[[fault]]\nservice = \"api\"\nat = \"30s\"\ncount = 2\neffect = \"blackhole\"\n"
	free := played(t, checkedFleet(6, "", `remove = "instance"`), fault, Options{})
	dear := played(t, checkedFleet(6, `, cost = "2s"`, `remove = "instance"`), fault, Options{})
	// Two changes of 2 s of one server.
	more := (dear.number(t, scenario.Utilisation, "checker", 30, 60) - free.number(t, scenario.Utilisation, "checker", 30, 60)) * 30
	if math.Abs(more-4) > 0.05 {
		t.Errorf("the checker was busy for %v s more, not for 4", more)
	}
	if a, b := free.number(t, scenario.Offered, "checker", 0, 120), dear.number(t, scenario.Offered, "checker", 0, 120); math.Abs(a-b) > 1e-9 {
		t.Errorf("the checker is offered %v/s and %v/s: its own work is no load", a, b)
	}
}

// TestLateCheckerIsBlind: a checker that is late itself takes out what is well; its
// own work of doing so keeps it late.
func TestLateCheckerIsBlind(t *testing.T) {
	surge := "horizon = \"240s\"\n[[load]]\nservice = \"checker\"\nat = \"30s\"\nfor = \"40s\"\nrate = \"200/s\"\n"
	r := played(t, checkedFleet(6, "", `remove = "instance"`), surge, Options{})
	if n := r.number(t, scenario.InRotation, "api", 50, 70); n > 0.01 {
		t.Errorf("%v are in rotation while the checker is late", n)
	}
	if n := r.number(t, scenario.InRotation, "api", 200, 240); math.Abs(n-6) > 0.01 {
		t.Errorf("%v are in rotation after it", n)
	}
	r = played(t, checkedFleet(6, `, if_blind = "keep"`, `remove = "instance"`), surge, Options{})
	if n := r.number(t, scenario.RotationChanges, "api", 0, 240); n != 0 {
		t.Errorf("%v changes by a checker that keeps what it cannot see", n)
	}
}

// TestDrainAndDisable: what operators do to a rotation.
func TestDrainAndDisable(t *testing.T) {
	r := played(t, checkedFleet(6, "", `remove = "instance"`), `horizon = "200s"
[[action]]
at = "20s"
do = [{ drain = "api", zone = "a" }]
[[action]]
at = "60s"
do = [{ undrain = "api", zone = "a" }]
[[action]]
at = "100s"
do = [{ disable = "api" }]
[[fault]]
service = "api"
at = "120s"
count = 2
effect = "blackhole"
[[action]]
at = "160s"
do = [{ enable = "api" }]
`, Options{})
	for _, x := range []struct{ from, to, want float64 }{{0, 20, 6}, {20, 60, 4}, {60, 172, 4.5}} {
		n := r.number(t, scenario.InRotation, "api", x.from, x.to)
		if x.to == 172 { // back at once, and nothing is removed while it is disabled
			n, x.want = r.number(t, scenario.InRotation, "api", 60, 160), 6
		}
		if math.Abs(n-x.want) > 1e-9 {
			t.Errorf("from %v s to %v s %v are in rotation, not %v", x.from, x.to, n, x.want)
		}
	}
	if n := r.number(t, scenario.InRotation, "api", 180, 200); math.Abs(n-4) > 1e-9 {
		t.Errorf("%v are in rotation once the check is enabled", n)
	}
	if s := r.service("api").StateAt(110); s != Exposed {
		t.Errorf("without its check the service is %s", s)
	}
	if s := r.service("api").StateAt(50); s != Healthy {
		t.Errorf("without a zone the service is %s", s)
	}
}

// TestFresh: a service that must have something recent fails while it is too old, and
// a check that wants it recent takes out all that it tests.
func TestFresh(t *testing.T) {
	const estate = `
[service.feeder]
load  = "10/s"
needs = [{ on = "pipeline", mode = "async" }]
[service.pipeline]
concurrency  = 1
service_time = "50ms"
[service.web]
load         = "10/s"
patience     = "1s"
concurrency  = 10
service_time = "10ms"
NEED
[service.checker]
CHECK
`
	const stuck = "horizon = \"300s\"\nresolution = \"1s\"\n[[fault]]\nservice = \"pipeline\"\nat = \"60s\"\nfor = \"60s\"\neffect = \"capacity 0%\"\n"
	text := func(need, check string) string {
		return strings.NewReplacer("NEED", need, "CHECK", check).Replace(estate)
	}
	// Nothing leaves from 60 s to 120 s. What waits is older than 30 s from 90 s on, and
	// until the queue of 600 has fallen to the 300 that came in the last 30 s: 20/s leave
	// and 10/s come, so the age falls by a second in a second, from 60 s.
	r := played(t, text(`needs = [{ fresh = "pipeline", within = "30s" }]`, ""), stuck, Options{})
	for _, x := range []struct{ from, to, want float64 }{{70, 89, 10}, {92, 148, 0}, {152, 300, 10}} {
		if g := r.number(t, scenario.Goodput, "web", x.from, x.to); math.Abs(g-x.want) > 0.1 {
			t.Errorf("from %v s to %v s %v/s are answered, not %v/s", x.from, x.to, g, x.want)
		}
	}
	// One that goes on without it is degraded.
	r = played(t, text(`needs = [{ fresh = "pipeline", within = "30s", if_lost = "degrade" }]`, ""), stuck, Options{})
	if g := r.number(t, scenario.Goodput, "web", 92, 148); math.Abs(g-10) > 0.1 {
		t.Errorf("%v/s are answered by one that only degrades", g)
	}
	if s := r.service("web").StateAt(110); s != Degraded {
		t.Errorf("it is %s", s)
	}
	// Of three instances each is tested every 3 s, and out after two failures.
	check := "[health_check.web]\nby = \"checker\"\ntests = [\"web\", { fresh = \"pipeline\", within = \"30s\" }]\npolicy = { interval = \"3s\", timeout = \"1s\", out = 2, in = 2 }\n"
	r = played(t, text("replicas = 3", check), stuck, Options{})
	for _, x := range []struct{ from, to, want float64 }{{70, 90, 3}, {98, 150, 0}, {158, 300, 3}} {
		if n := r.number(t, scenario.InRotation, "web", x.from, x.to); math.Abs(n-x.want) > 1e-9 {
			t.Errorf("from %v s to %v s %v are in rotation, not %v", x.from, x.to, n, x.want)
		}
	}
}

// TestThrottleOfInstances: what operators let through is of all instances together,
// and what they throw away is what waits at any of them.
func TestThrottleOfInstances(t *testing.T) {
	r := played(t, checkedFleet(6, "", `remove = "instance"`), "horizon = \"100s\"\n[[action]]\nat = \"50s\"\ndo = [{ throttle = \"api\", to = \"30/s\" }]\n", Options{})
	if g := r.number(t, scenario.Goodput, "api", 60, 100); math.Abs(g-30) > 0.3 {
		t.Errorf("%v/s pass a throttle of 30/s", g)
	}
	r = played(t, checkedFleet(6, `, depth = "shallow"`, `remove = "instance"`), `horizon = "100s"
[[fault]]
service = "api"
at = "20s"
for = "20s"
effect = "capacity 0%"
[[action]]
at = "40s"
do = [{ purge = "api" }]
`, Options{})
	if q := r.number(t, scenario.QueueMeasure, "api", 39, 40); q < 1000 {
		t.Errorf("%v wait", q)
	}
	if q := r.number(t, scenario.QueueMeasure, "api", 41, 100); q > 1e-6 {
		t.Errorf("%v wait after the purge", q)
	}
}

// TestPutBack: a check that is switched off leaves the rotation as it is, or, where it
// is told to, puts back what it has taken out.
func TestPutBack(t *testing.T) {
	for _, x := range []struct {
		deed string
		want float64
	}{{`{ disable = "api" }`, 4}, {`{ disable = "api", put_back = true }`, 6}} {
		r := played(t, checkedFleet(6, "", `remove = "instance"`), `
horizon = "100s"
[[fault]]
service = "api"
at      = "30s"
effect  = "blackhole"
count   = 2
[[action]]
at = "60s"
do = [`+x.deed+`]
`, Options{})
		if got := r.number(t, scenario.InRotation, "api", 50, 58); got != 4 {
			t.Errorf("%v are in rotation before, not 4", got)
		}
		if got := r.number(t, scenario.InRotation, "api", 62, 100); got != x.want {
			t.Errorf("%s: %v are in rotation, not %v", x.deed, got, x.want)
		}
	}
}
