package propagate

import (
	"math"
	"testing"
)

// TestALaterLegIsForeseen: calls of a second leg are begun ahead by as many as will
// come, and not by more or less, whatever the first leg is. What is missing is held to
// hold a thread until it is made good; what is too much is taken back when steps
// become shorter, and a steady flow would ring.
func TestALaterLegIsForeseen(t *testing.T) {
	for _, x := range []struct {
		name, catalog string
		latency       float64 // seconds, of a request to "front" when all is well
		within        float64 // a share of it
	}{
		// A third each of 2, 100 and 200 ms, then 10 ms, and 10 ms of its own.
		{"alternatives that take different times", `
[service.front]
load         = "300/s"
service_time = "10ms"
concurrency  = 100
needs        = [{ at_least = 1, of = ["quick", "middling", "slow"], timeout = "20s" }, { on = "then", timeout = "10s" }]
`, 0.010 + (0.002+0.100+0.200)/3 + 0.010, 0.01},
		// The slow call is made by a quarter, the quick one by a half.
		{"at once, of which few call", `
[service.front]
load         = "300/s"
service_time = "10ms"
concurrency  = 100
needs        = [{ on = "slow", calls = 0.25, parallel = true, timeout = "20s" }, { on = "quick", calls = 0.5, parallel = true, timeout = "20s" }, { on = "then", timeout = "10s" }]
`, 0.010 + 0.25*0.200 + 0.25*0.002 + 0.010, 0.05},
		// "front" is called by what it calls, in one request of ten. What is answered
		// against the order holds no thread until the next step.
		{"a call back", `
[service.outer]
load         = "300/s"
service_time = "1ms"
concurrency  = 100
needs        = [{ on = "back", timeout = "20s" }]
[service.back]
service_time = "10ms"
concurrency  = 200
needs        = [{ on = "front", timeout = "20s" }]
[service.front]
service_time = "10ms"
concurrency  = 200
needs        = [{ on = "back", calls = 0.1, timeout = "20s" }, { on = "then", timeout = "10s" }]
`, 0.020 + (0.010+0.020)/9, 0.06},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := played(t, x.catalog+`
[service.quick]
service_time = "2ms"
concurrency  = 1000
[service.middling]
service_time = "100ms"
concurrency  = 1000
[service.slow]
service_time = "200ms"
concurrency  = 1000
[service.then]
service_time = "10ms"
concurrency  = 1000
`, "horizon = \"300s\"\n", Options{})
			for i := range r.Services {
				s := &r.Services[i]
				if s.MaxQueue > 1 || len(s.Windows) > 0 {
					t.Errorf("%s: %.4g wait, %v", s.ID, s.MaxQueue, s.Windows)
				}
				if b := s.Bins[len(s.Bins)-1]; s.ID == "front" && math.Abs(b.Latency/b.Finished-x.latency) > x.within*x.latency {
					t.Errorf("a request takes %.4g s, and should %.4g s", b.Latency/b.Finished, x.latency)
				}
			}
			for i := range r.Needs {
				n := &r.Needs[i]
				for j := 60; j < len(n.Bins); j++ {
					if calls := n.Bins[j].Calls / (r.Times[j+1] - r.Times[j]); math.Abs(calls-n.Nominal) > 1e-4*n.Nominal {
						t.Errorf("%s -> %s: %.6g calls a second at %v, and %.6g when all is well", n.Service, n.Target, calls, r.Times[j], n.Nominal)
						break
					}
				}
			}
			// A step in each second that is recorded, and some before it is steady.
			if r.Steps.Taken > 400 {
				t.Errorf("%d steps", r.Steps.Taken)
			}
		})
	}
}
