package closedform

import (
	"math"
	"testing"
)

// TestCollapseByChance: one service at 60 % whose callers make three attempts, as
// simulated request by request for two hours (reference case D-30). Two servers are
// where the estimate is wrong, and it is wrong to the side of caution.
func TestCollapseByChance(t *testing.T) {
	for _, c := range []struct {
		servers   int
		simulated float64 // share of the runs that collapsed
		met       bool
	}{{1, 1, true}, {2, 0.65, false}, {3, 0.02, true}, {5, 0, true}, {10, 0, true}} {
		r := RetryingClient{Service: MMC{6 * float64(c.servers), 0.1, c.servers}, Timeout: 1, Attempts: 3}
		share := 1 - math.Exp(-7200/r.CollapseTime())
		if met := math.Abs(share-c.simulated) <= 0.15; met != c.met {
			t.Errorf("%d servers: %.3f collapse, simulated %.2f: met %t", c.servers, share, c.simulated, met)
		}
		if share < c.simulated-0.15 {
			t.Errorf("%d servers: %.3f is too hopeful", c.servers, share)
		}
	}
	calm := RetryingClient{Service: MMC{3, 0.1, 1}, Timeout: 1, Attempts: 3} // 9/s of 10/s at the worst
	if x := calm.CollapseTime(); !math.IsInf(x, 1) {
		t.Errorf("without a collapsed state: %g", x)
	}
	large := RetryingClient{Service: MMC{600, 0.1, 100}, Timeout: 1, Attempts: 3}
	if x := large.CollapseTime(); x < 1e15 {
		t.Errorf("a hundred servers: %g s", x)
	}
}
