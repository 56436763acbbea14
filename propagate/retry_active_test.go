package propagate

import (
	"fmt"
	"math"
	"testing"
)

// TestActiveRetriesThatTimeOut: retries at one time are counted from when they are
// allowed until they are given up. Three places of each of four processes, held for a
// pause and a time-out of a second, let 12/(1 s + pause) through (Little's law), however
// many are wanted.
func TestActiveRetriesThatTimeOut(t *testing.T) {
	for _, x := range []struct {
		backoff  string
		pause    float64
		attempts int
	}{
		{`"none"`, 0, 2},
		{`"none"`, 0, 3},
		{`"fixed", base = "100ms"`, 0.1, 2},
		{`"fixed", base = "100ms"`, 0.1, 3},
		{`"full-jitter", base = "100ms"`, 0.05, 2},
	} {
		r := played(t, fmt.Sprintf(`
[service.clients]
kind = "external"
load = "200/s"
[[service.clients.need]]
on      = "api"
timeout = "1s"
clients = 4
retry   = { attempts = %d, backoff = %s, budget = { max_active = 3 } }
[service.api]
concurrency  = 50
service_time = "100ms"
`, x.attempts, x.backoff), "horizon = \"100s\"\n[[fault]]\nservice = \"api\"\neffect = \"blackhole\"\nat = \"10s\"\n", Options{})
		retries := 0.0
		for i, b := range r.Needs[0].Bins {
			if r.Times[i] >= 20 {
				retries += b.Attempts - b.Calls
			}
		}
		if got, want := retries/80, 12/(1+x.pause); math.Abs(got-want) > 0.02*want {
			t.Errorf("%d attempts, backoff %s: %.3f retries a second, and there is room for %.3f", x.attempts, x.backoff, got, want)
		}
	}
}
