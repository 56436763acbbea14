package propagate

import (
	"context"
	"errors"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/propagate/scenario"
)

// Run plays a scenario on a catalog. A cancelled context gives what there is, with
// Partial set, and the context's error.
func Run(ctx context.Context, c *catalog.Catalog, s *scenario.Scenario, opt Options) (*Result, error) {
	return nil, errors.New("propagate: no engine yet")
}

// Why explains the window of a service that contains a time (in seconds; its worst
// window when at is negative). It is nil for a service that was healthy then.
func (r *Result) Why(service string, at float64) *Cause { return nil }
