package out

import (
	"math"

	"github.com/knockon/knockon/propagate"
)

// row is what a service did in a stretch of time: rates per second averaged over
// it, and the greatest age and queue in it.
type row struct {
	from, to                          float64 // seconds
	offered, attempts, good, capacity float64 // per second; capacity +Inf without limit
	age, queue                        float64
	replicas, inRotation              float64 // averaged
}

// resample joins bins into at most so many rows of equal length, or keeps them
// where there are no more.
func (r *Run) resample(s *RunService, most int) []row {
	bins := len(s.Bins)
	if bins == 0 || most <= 0 {
		return nil
	}
	// The last bin that begins in a row ends it, so that no bin is in two rows.
	width := r.Played / float64(most)
	var rows []row
	for i := 0; i < bins; {
		x := row{from: r.Times[i]}
		end := x.from
		if bins > most {
			end = (math.Floor(x.from/width+1e-9) + 1) * width
		}
		for ; i < bins && (r.Times[i] == x.from || r.Times[i] < end-1e-9); i++ {
			x.add(&s.Bins[i], r.Times[i+1]-r.Times[i], s.Capacity)
			x.to = r.Times[i+1]
		}
		x.mean()
		rows = append(rows, x)
	}
	return rows
}

func (x *row) add(b *propagate.ServiceBin, length, capacity float64) {
	x.offered += finite(b.Offered)
	x.attempts += finite(b.Attempts)
	x.good += finite(b.Good)
	if b.Capacity > 0 { // 0 of an unlimited capacity is 0
		x.capacity += float64(capacity*b.Capacity) * length
	}
	x.replicas += float64(finite(b.Replicas) * length)
	x.inRotation += float64(finite(b.InRotation) * length)
	x.age = max(x.age, finite(b.Age))
	x.queue = max(x.queue, finite(b.MaxQueue))
}

// finite is a number that can be drawn.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

func (x *row) mean() {
	length := x.to - x.from
	x.offered /= length
	x.attempts /= length
	x.good /= length
	x.capacity /= length
	x.replicas /= length
	x.inRotation /= length
}

// heldRows are the leases held over time, as the goodput of rows.
func (r *Run) heldRows(l *propagate.LeaseResult, most int) []row {
	s := &RunService{}
	s.Bins = make([]propagate.ServiceBin, min(len(l.Bins), max(0, len(r.Times)-1)))
	for k := range s.Bins { // what is held on average is added up as a rate is
		s.Bins[k].Good = l.Bins[k].Mean * (r.Times[k+1] - r.Times[k])
	}
	return r.resample(s, most)
}

// lengths are the lengths of the bins in seconds.
func (r *Run) lengths() []float64 {
	all := make([]float64, max(0, len(r.Times)-1))
	for i := range all {
		all[i] = r.Times[i+1] - r.Times[i]
	}
	return all
}

// series is a number of a service or a need, bin by bin. The words are those of
// docs/measures.md where there is such a measure.
type series[B any] struct {
	name string // as JSON writes it
	unit string // as a column of a table names it: "per_s", "s", "share"
	of   func(b *B, length float64) float64
}

// serviceSeries are the numbers of a service over time, the first ones first asked
// for.
var serviceSeries = []series[propagate.ServiceBin]{
	{"offered", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Offered / l }},
	{"attempts", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Attempts / l }},
	{"goodput", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Good / l }},
	{"failed", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Failed / l }},
	{"timeouts", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Timeouts / l }},
	{"errors", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Errors / l }},
	{"rejected", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return (b.Refused + b.Throttled + b.Full) / l }},
	{"refused", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Refused / l }},
	{"throttled", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Throttled / l }},
	{"full", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Full / l }},
	{"throughput", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Finished / l }},
	{"wasted", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Wasted / l }},
	{"expired", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Expired / l }},
	{"dead_letters", "per_s", func(b *propagate.ServiceBin, l float64) float64 { return b.Dead / l }},
	{"latency", "s", func(b *propagate.ServiceBin, _ float64) float64 { return b.Latency / b.Finished }},
	{"queue", "", func(b *propagate.ServiceBin, _ float64) float64 { return b.Queue }},
	{"mean_queue", "", func(b *propagate.ServiceBin, _ float64) float64 { return b.MeanQueue }},
	{"max_queue", "", func(b *propagate.ServiceBin, _ float64) float64 { return b.MaxQueue }},
	{"age", "s", func(b *propagate.ServiceBin, _ float64) float64 { return b.Age }},
	{"wait", "s", func(b *propagate.ServiceBin, _ float64) float64 { return b.Wait }},
	{"utilisation", "share", func(b *propagate.ServiceBin, _ float64) float64 { return b.Busy }},
	{"capacity", "share", func(b *propagate.ServiceBin, _ float64) float64 { return b.Capacity }},
}

// needSeries are the numbers of a need over time. What services have as well has
// the same name.
var needSeries = []series[propagate.NeedBin]{
	{"calls", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Calls / l }},
	{"attempts", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Attempts / l }},
	{"goodput", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Good / l }},
	{"failed", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Failed / l }},
	{"timeouts", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Timeouts / l }},
	{"errors", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Errors / l }},
	{"rejected", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Rejected / l }},
	{"retries", "per_s", func(b *propagate.NeedBin, l float64) float64 { return max(0, b.Attempts-b.Calls) / l }},
	{"stopped", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Stopped / l }},
	{"denied", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Denied / l }},
	{"lost", "per_s", func(b *propagate.NeedBin, l float64) float64 { return b.Lost / l }},
	{"in_flight", "", func(b *propagate.NeedBin, _ float64) float64 { return b.InFlight }},
	{"open", "share", func(b *propagate.NeedBin, _ float64) float64 { return b.Open }},
}
