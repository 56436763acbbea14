package propagate

import (
	"fmt"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/propagate/scenario"
)

// still is a scenario in which nothing happens; storm one in which the last
// layer answers nobody any more, so that everything above it times out and retries,
// for good.
func still(*catalog.Catalog) *scenario.Scenario {
	return &scenario.Scenario{ID: "still", Horizon: 3600e9}
}

func storm(c *catalog.Catalog) *scenario.Scenario {
	s := &scenario.Scenario{ID: "storm", Horizon: 3600e9}
	for i := range c.Services {
		if len(c.Services[i].Needs) == 0 {
			s.Faults = append(s.Faults, scenario.Fault{Service: c.Services[i].ID, Effect: scenario.Blackhole, At: 1e9})
		}
	}
	return s
}

// TestAStepAllocatesNothing once the rows of masses have grown to what is under way:
// neither a step, nor what a step that is refused is taken back with.
func TestAStepAllocatesNothing(t *testing.T) {
	for _, n := range []int{30, 1_000} {
		for _, x := range []struct {
			name string
			of   func(*catalog.Catalog) *scenario.Scenario
			warm float64 // seconds
		}{{"calm", still, 3}, {"storm", storm, 24}} {
			t.Run(fmt.Sprintf("%s of %d", x.name, n), func(t *testing.T) {
				c := estateOf(n)
				for i := range c.Services {
					c.Services[i].Queue = &policy.Queue{Bound: documentedAs(int64(20))}
				}
				en := readied(t, c, x.of(c))
				for en.t < x.warm {
					en.baseStep()
				}
				en.save()
				timeouts, steps := 0.0, 0
				// One run of many steps: a mean of many runs is rounded down.
				allocated := testing.AllocsPerRun(1, func() {
					for range 60 {
						if steps%8 == 0 {
							en.save()
							en.step(en.base)
							en.restore()
						}
						en.baseStep()
						steps++
					}
				})
				for i := range en.m.calls {
					timeouts += en.m.calls[i].rateLost
				}
				if stormy := x.name == "storm"; stormy != (timeouts > 1) {
					t.Fatalf("%.3g attempts fail a second", timeouts)
				}
				if allocated > 0 {
					t.Errorf("%v allocations in 60 steps", allocated)
				}
			})
		}
	}
}

// TestRowsStayShort: cells that are over are forgotten, also where no new one is ever
// begun because all arrive at one rate and only answers cut them.
func TestRowsStayShort(t *testing.T) {
	c := estateOf(30)
	en := readied(t, c, tremor(c, 3600e9))
	for en.t < 60 {
		en.baseStep()
	}
	// What is sent in a second, in steps of a fortieth of it, cut twice at most.
	const most = 4 * 40
	for i := range en.m.calls {
		if k := cap(en.m.calls[i].flight.cells); k > most {
			t.Errorf("call %d keeps %d cells", i, k)
		}
	}
	for v := range en.m.servers {
		for k := range en.m.servers[v].lanes {
			l := &en.m.servers[v].lanes[k]
			if a, b := l.queue.Cells(), l.started.Cells(); max(a, b) > most {
				t.Errorf("%s keeps %d and %d cells", en.m.servers[v].ID, a, b)
			}
		}
	}
}
