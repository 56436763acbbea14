package study

import (
	"math"
	"strconv"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/plan"
)

// fleetRange is how far a number of instances that come and go is moved. A factor of 1 is
// no end.
type fleetRange struct {
	key      string
	down, up float64
	assumed  float64 // seconds; 0 of a number of replicas
	set      func(*catalog.Service, unit.Duration, int64)
}

// fleetRanges are all of them, in the order in which they are shown.
var fleetRanges = []fleetRange{
	{"replicas", 1, 3, 0, func(s *catalog.Service, _ unit.Duration, n int64) { s.Replicas = replicated(s.Replicas, n) }},
	{"autoscale.every", 3, 4, plan.AssumedLook, scaled(func(a *policy.Autoscale, d unit.Duration, _ int64) { a.Every = stated(d) })},
	{"autoscale.delay", 4, 5, plan.AssumedLaunch, scaled(func(a *policy.Autoscale, d unit.Duration, _ int64) { a.Delay = stated(d) })},
	{"autoscale.min", 2, 1, 0, scaled(func(a *policy.Autoscale, _ unit.Duration, n int64) { a.Min = stated(n) })},
	{"autoscale.max", 5, 3, 0, scaled(func(a *policy.Autoscale, _ unit.Duration, n int64) { a.Max = stated(n) })},
	{"autoscale.down_after", 5, 3, plan.AssumedCalm, scaled(func(a *policy.Autoscale, d unit.Duration, _ int64) { a.DownAfter = stated(d) })},
	{"turnover.start", 4, 5, plan.AssumedLaunch, func(s *catalog.Service, d unit.Duration, _ int64) {
		t := *s.Turnover
		t.Start, s.Turnover = stated(d), &t
	}},
	{"deferred.over", 10, 6, plan.AssumedRelease, func(s *catalog.Service, d unit.Duration, _ int64) {
		r := *s.Deferred
		r.Over, s.Deferred = stated(d), &r
	}},
}

// replicated states a number of replicas beside what else is said of them.
func replicated(old *policy.Replicas, n int64) *policy.Replicas {
	r := policy.Replicas{}
	if old != nil {
		r = *old
	}
	r.Count = stated(n)
	return &r
}

// scaled changes a copy of an autoscaling.
func scaled(change func(*policy.Autoscale, unit.Duration, int64)) func(*catalog.Service, unit.Duration, int64) {
	return func(s *catalog.Service, d unit.Duration, n int64) {
		a := *s.Autoscale
		change(&a, d, n)
		s.Autoscale = &a
	}
}

func fleetKeys() (keys []string) {
	for i := range fleetRanges {
		keys = append(keys, fleetRanges[i].key)
	}
	return keys
}

func fleetRangeOf(key string) *fleetRange {
	for i := range fleetRanges {
		if fleetRanges[i].key == key {
			return &fleetRanges[i]
		}
	}
	return nil
}

// ofFleet is levels of a number of instances that come and go.
func (q *Quantity) ofFleet() (assumed *level, low, high end) {
	r := fleetRangeOf(q.Key)
	switch {
	case r == nil:
		return nil, nil, nil
	case r.assumed > 0:
		d, err := unit.ParseDuration(q.Value)
		if err != nil || d <= 0 {
			return nil, nil, nil
		}
		return between(d, unit.Duration(float64(d)/r.down), unit.Duration(float64(d)*r.up), func(d unit.Duration) *level {
			d = coarse(d)
			return &level{d.String(), q.Key + ` = "` + d.String() + `"`, func(s *catalog.Service) { r.set(s, d, 0) }}
		})
	}
	n, err := strconv.ParseFloat(q.Value, 64)
	if err != nil {
		return nil, nil, nil
	}
	return between(n, n/r.down, n*r.up, func(n float64) *level {
		count := int64(max(1, math.Round(n)))
		text := strconv.FormatInt(count, 10)
		return &level{text, q.Key + " = " + text, func(s *catalog.Service) { r.set(s, 0, count) }}
	})
}

// words is the range in words, as docs/assumptions.md has it.
func (r *fleetRange) words() string {
	switch {
	case r.down == 1:
		return "×" + digits(r.up)
	case r.up == 1:
		return "÷" + digits(r.down)
	}
	return "÷" + digits(r.down) + " to ×" + digits(r.up)
}

// ends reports whether there is nothing beyond what is assumed at an end.
func (r *fleetRange) ends(e End) bool {
	return r != nil && (e == Low && r.down == 1 || e != Low && r.up == 1)
}
