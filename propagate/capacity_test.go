package propagate

import (
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/propagate/closedform"
	"github.com/knockon/knockon/propagate/plan"
)

// TestScaleOutAgreesWithTheClosedForm: the backlog when the first launches serve, and the
// time until it is gone, for loads and delays that are drawn.
func TestScaleOutAgreesWithTheClosedForm(t *testing.T) {
	checks(t, 20, func(t *rapid.T) {
		load := float64(rapid.IntRange(105, 180).Draw(t, "load"))
		delay := float64(rapid.IntRange(1, 400).Draw(t, "delay"))
		every := float64(rapid.SampledFrom([]int{5, 15, 60}).Draw(t, "every"))
		ct := fmt.Sprintf(`
[service.api]
load         = "48/s"
capacity     = "100/s"
service_time = "10ms"
replicas     = 10
autoscale    = { target = "50%%", every = "%gs", delay = "%gs", min = 10, max = 20 }
`, every, delay)
		st := fmt.Sprintf(`
horizon = "2h"
resolution = "10s"
[[load]]
at = "60s"
service = "api"
rate = "%g/s"
`, load)
		r := played(t, ct, st, Options{})
		s := r.service("api")
		// The look at the end of the first period that is busy throughout.
		long := every + delay
		if want := closedform.ScaleOutBacklog(load, 100, long); math.Abs(s.MaxQueue-want) > 0.005*want+1 {
			t.Errorf("%v wait at the most, not %v", s.MaxQueue, want)
		}
		if want := 60 + closedform.ScaleOutRecovery(load, 100, long, 200); math.Abs(s.EmptyAt-want) > 0.005*want+1 {
			t.Errorf("nobody waits from %v on, not %v", s.EmptyAt, want)
		}
	})
}

// A service of each mechanism, and all of them together.
const comesAndGoes = `
[service.clients]
kind = "external"
load = "80/s"
patience = "10s"
deferred = { share = "70%%", %s }
[[service.clients.need]]
on      = "api"
timeout = "1s"
retry   = { attempts = 2, backoff = "full-jitter", base = "100ms" }
[service.api]
capacity     = "%d/s"
service_time = "10ms"
replicas     = { count = 12, zones = ["a", "b", "c"], at_least = 2 }
queue        = { bound = %d }
autoscale    = { target = "60%%", every = "15s", delay = "30s", min = 4, max = 30, down_after = "1m" }
turnover     = { lifetime = "%dm", start = "20s", terminate_first = true }
recovery     = { %s, rate = "12/min", start = "10s" }
needs        = [{ on = "launcher", to = "scale" }]
[service.launcher]
load         = "10/s"
capacity     = "100/s"
service_time = "10ms"
`

func drawComesAndGoes(t *rapid.T) (catalog, scenario string) {
	pick := func(name string, words ...string) string { return rapid.SampledFrom(words).Draw(t, name) }
	catalog = fmt.Sprintf(comesAndGoes,
		pick("deferred", `after = "5s..60s"`, `after = "30s"`, `after = "0s"`, `until = "recovery", over = "1m"`, `until = "recovery", over = "0s"`),
		rapid.IntRange(60, 200).Draw(t, "capacity"), rapid.SampledFrom([]int{20, 1000, 100000}).Draw(t, "bound"),
		rapid.IntRange(2, 500).Draw(t, "lifetime"), pick("by", `by = "hand", after = "20s"`, `by = "itself"`))
	scenario = "horizon = \"15m\"\n"
	for k, service := range []string{"api", "launcher"} {
		scenario += fmt.Sprintf("[[fault]]\nat = \"%ds\"\nfor = \"%ds\"\nservice = %q\neffect = %q\n",
			rapid.IntRange(10, 300).Draw(t, "at"), rapid.IntRange(5, 300).Draw(t, "for"), service,
			pick(fmt.Sprint("effect ", k), "down", "capacity 0%", "capacity 50%", "blackhole", "errors 50%", "slow ×3"))
	}
	scenario += fmt.Sprintf("[[action]]\nat = \"%ds\"\ndo = [{ restart = \"api\", takes = \"%ds\", waves = %d, every = \"%ds\", purge = %s }]\n",
		rapid.IntRange(100, 500).Draw(t, "restart"), rapid.IntRange(1, 60).Draw(t, "takes"), rapid.IntRange(2, 6).Draw(t, "waves"), rapid.IntRange(1, 90).Draw(t, "every"), pick("purge", "true", "false"))
	return catalog, scenario
}

// TestWhatComesAndGoesIsKept: requests, and those withheld, are conserved; replicas are
// never fewer than none nor more than there may be; the same bytes come out twice. That
// steps are taken again changes nothing about it.
func TestWhatComesAndGoesIsKept(t *testing.T) {
	checks(t, 25, func(t *rapid.T) {
		ct, st := drawComesAndGoes(t)
		r := played(t, ct, st, Options{}) // panics where requests are lost
		if r.Balance > 1e-9 {
			t.Errorf("the balance is off by %v", r.Balance)
		}
		clients, api := r.service("clients"), r.service("api")
		failed, again := 0.0, 0.0
		for i := range clients.Bins {
			again += clients.Bins[i].Deferred
			failed += clients.Bins[i].Failed
			if again > 0.7*failed+1e-6 {
				t.Fatalf("%v came again of %v by %v", again, failed, r.Times[i+1])
			}
			if n := api.Bins[i].Replicas; !(n >= -1e-9 && n <= 30+1e-6) {
				t.Fatalf("%v replicas at %v", n, r.Times[i])
			}
		}
		if a, b := fmt.Sprintf("%+v", r.Services), fmt.Sprintf("%+v", played(t, ct, st, Options{}).Services); a != b {
			t.Error("it comes out otherwise the second time")
		}
	})
}

// TestARefusedStepLeavesNothing: a step that is taken again is the same step.
func TestARefusedStepLeavesNothing(t *testing.T) {
	checks(t, 10, func(t *rapid.T) {
		ct, st := drawComesAndGoes(t)
		c := mustLoad(t, ct)
		sc := mustParse(t, st)
		p, err := plan.New(c, sc)
		if err != nil {
			t.Fatal(err)
		}
		en := newEngine(c, newModel(p), sc, Options{})
		en.rec.index = map[string]int32{}
		for v := range en.m.servers {
			en.rec.index[en.m.servers[v].ID] = int32(v)
		}
		if en.rec.marks, err = borders(sc, len(en.m.servers)+len(en.m.calls)); err != nil {
			t.Fatal(err)
		}
		sc.Horizon = 400e9
		if err := en.run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		state := func() string {
			text := ""
			for v := range en.m.servers {
				s := &en.m.servers[v]
				text += fmt.Sprintf("%+v %v\n", s.bin, s.fleetShare)
				if f := s.fleet; f != nil {
					text += fmt.Sprintf("%v %v %+v %+v %+v %+v %v %v %v\n", f.serving, f.turn.Starting(), f.scale, f.launches, f.back, f.hand, f.waves, f.busy, f.there)
				}
				if s.again != nil {
					text += fmt.Sprintf("%v\n", s.again.Waiting())
				}
			}
			return text
		}
		en.save()
		en.step(0.3)
		once := state()
		en.restore()
		en.step(0.3)
		if again := state(); again != once {
			t.Fatalf("%s\nis not\n%s", again, once)
		}
	})
}

// TestOffFleetIsAbsent: instances that do not come, go or matter change no bit.
func TestOffFleetIsAbsent(t *testing.T) {
	const ct = `
[service.api]
load         = "80/s"
patience     = "1s"
capacity     = "100/s"
service_time = "10ms"
replicas     = 4
`
	const st = `
horizon = "5m"
[[fault]]
at = "60s"
for = "30s"
service = "api"
effect = "capacity 30%"
`
	without := bytesOf(played(t, ct, st, Options{}))
	for _, off := range []string{
		`recovery = "itself"`,
		`recovery = { by = "hand", after = "1h" }`,
		`turnover = { lifetime = "1h" }`,
		`deferred = { share = "0%", until = "recovery" }`,
	} {
		if with := bytesOf(played(t, ct+off, st, Options{})); string(with) != string(without) {
			t.Errorf("%s: %s", off, firstDifference(without, with))
		}
	}
}

// TestLaunchableOfAGroup: of alternatives the last that is needed counts.
func TestLaunchableOfAGroup(t *testing.T) {
	en := &engine{m: &model{servers: make([]server, 4)}}
	for v, failing := range []float64{0, 0.25, 0.5, 0.5} {
		en.m.servers[v].watch.share = failing
	}
	for _, x := range []struct {
		atLeast int
		want    float64
	}{{1, 1}, {2, 0.75}, {3, 0.5}, {4, 0.5}} {
		f := &fleet{of: &plan.Fleet{Launch: []plan.Launch{{Targets: []int32{2, 0, 3, 1}, AtLeast: x.atLeast}}}}
		if got := f.of.Launchable(en.goodShare); got != x.want {
			t.Errorf("%d of them: %v, not %v", x.atLeast, got, x.want)
		}
	}
	en.m.servers[0].down = true
	f := &fleet{of: &plan.Fleet{Launch: []plan.Launch{{Targets: []int32{0}, AtLeast: 1}, {Targets: []int32{1}, AtLeast: 1}}}}
	if got := f.of.Launchable(en.goodShare); got != 0 {
		t.Errorf("%v go through without one of two needs", got)
	}
}
