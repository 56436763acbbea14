package event_test

import (
	"context"
	"testing"

	"github.com/knockon/knockon/propagate/event"
)

// BenchmarkRun plays a storm at one service and one through three, and says how many
// events a second are.
func BenchmarkRun(b *testing.B) {
	for _, f := range []caseFile{
		{"D-01-retry-storm", "storm"},
		{"D-03-no-retries", "storm"},
		{"D-21-threads-as-valve", "slow-backend"},
	} {
		b.Run(f.folder, func(b *testing.B) {
			c, s := f.open(b)
			events, attempts := 0, 0.0
			for b.Loop() {
				r, err := event.Run(context.Background(), c, s, event.Options{Seed: 1})
				if err != nil {
					b.Fatal(err)
				}
				events += r.Steps.Taken
				for i := range r.Services {
					for j := range r.Services[i].Bins {
						attempts += r.Services[i].Bins[j].Attempts
					}
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(attempts/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
