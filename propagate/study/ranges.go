package study

import (
	"math"
	"strconv"
	"time"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/propagate/mech"
	"github.com/knockon/knockon/propagate/plan"
)

// How far what is assumed is moved: to both ends of what is plausible for a service
// of which nothing else is known. docs/assumptions.md says why for each.
const (
	LoadFactor        = 3.0 // up and down
	LeastHeadroom     = 1.2 // capacity per healthy load
	MostHeadroom      = 4.0
	ServiceTimeFactor = 5.0  // up and down
	ConcurrencyFactor = 4.0  // up and down
	TimeoutDown       = 10.0 // 500ms in place of 5s
	TimeoutUp         = 6.0  // 30s in place of 5s
	RetryAttempts     = 3    // in place of none
	CallsFactor       = 3.0  // up and down
	CycleCallsFactor  = 1.5  // up, of a call that is part of a cycle: more would multiply without end
	FewAttempts       = 2
	ManyAttempts      = 5
	ShortBase         = unit.Duration(10 * time.Millisecond)
	LongBase          = unit.Duration(time.Second)
	TTLFactor         = 10.0 // up and down
	FewHits           = 0.5
	ManyHits          = 0.99
)

// Keys are the keys that are varied, as a catalog writes them, in the order in which
// they are shown.
var Keys = append([]string{"capacity", "load", "timeout", "retry", "calls", "concurrency", "service_time", "retry.attempts", "retry.backoff", "retry.base", "cache.hit_ratio", "cache.ttl"}, fleetKeys()...)

// level is a value that a quantity can have.
type level struct {
	text string // "30s"
	line string // of a catalog, without the name of the service or the target: `timeout = "30s"`
	set  func(*catalog.Service)
}

// An end is one end of a range: what a quantity is there, or on the way there from
// what is assumed, where way is a share of it (1 is the end). It is nil where there
// is nothing between.
type end func(way float64) *level

// known are the values that are assumed of one service besides the one that is
// varied: stating a number must not unsay another that hangs on it.
type known map[string]string // by key

// between makes the ends of a range of numbers. The way goes by equal factors.
func between[T ~int64 | ~float64](assumed, low, high T, at func(T) *level) (now *level, down, up end) {
	to := func(limit T) end {
		return func(way float64) *level {
			if way == 1 {
				return at(limit)
			}
			return at(T(float64(assumed) * mech.Power(float64(limit)/float64(assumed), way)))
		}
	}
	return at(assumed), to(low), to(high)
}

// only is an end with nothing on the way to it.
func only(l *level) end {
	return func(way float64) *level {
		if way == 1 {
			return l
		}
		return nil
	}
}

// levels are what is assumed, and the two ends of its range. An end is nil where
// there is nothing beyond what is assumed; all are nil of a key that is not varied.
func (q *Quantity) levels(of known) (assumed *level, low, high end) {
	switch q.Key {
	case "load":
		if v, err := unit.ParseRate(q.Value); err == nil {
			return between(v, v/LoadFactor, v*LoadFactor, q.load)
		}
	case "capacity":
		if v, err := unit.ParseRate(q.Value); err == nil {
			load := v / plan.AssumedHeadroom
			return between(v, load*LeastHeadroom, load*MostHeadroom, q.capacity)
		}
	case "concurrency":
		if n, err := strconv.ParseFloat(q.Value, 64); err == nil {
			return between(n, n/ConcurrencyFactor, n*ConcurrencyFactor, func(n float64) *level { return q.concurrency(n, of) })
		}
	case "service_time":
		if d, err := unit.ParseDuration(q.Value); err == nil {
			return between(d, d/ServiceTimeFactor, d*ServiceTimeFactor, q.serviceTime)
		}
	case "timeout":
		if d, err := unit.ParseDuration(q.Value); err == nil {
			return between(d, d/TimeoutDown, d*TimeoutUp, q.timeout)
		}
	case "calls":
		if n, err := strconv.ParseFloat(q.Value, 64); err == nil {
			up := CallsFactor
			if n < 1 { // only those of a cycle are assumed to be fewer than one
				up = CycleCallsFactor
			}
			return between(n, n/CallsFactor, n*up, q.calls)
		}
	case "retry":
		return q.retry(1), nil, only(q.retry(RetryAttempts))
	case "retry.attempts":
		return q.attempts(plan.AssumedAttempts), only(q.attempts(FewAttempts)), only(q.attempts(ManyAttempts))
	case "retry.base":
		if d, err := unit.ParseDuration(q.Value); err == nil {
			return between(d, ShortBase, LongBase, q.base)
		}
	case "cache.hit_ratio":
		return between(plan.AssumedHitRatio, FewHits, ManyHits, q.hitRatio)
	case "cache.ttl":
		if d, err := unit.ParseDuration(q.Value); err == nil {
			return between(d, d/TTLFactor, d*TTLFactor, q.ttl)
		}
	case "retry.backoff":
		return q.backoff(q.Value), only(q.backoff("none")), only(q.backoff("exponential"))
	}
	return q.ofFleet()
}

func stated[T any](v T) unit.Value[T] { return unit.Value[T]{V: v, Evidence: unit.Stated} }

func (q *Quantity) load(v unit.Rate) *level {
	v = rounded(v)
	return &level{v.String(), `load = "` + v.String() + `"`, func(s *catalog.Service) { s.Load = stated(v) }}
}

func (q *Quantity) capacity(v unit.Rate) *level {
	v = rounded(v)
	return &level{v.String(), `capacity = "` + v.String() + `"`, func(s *catalog.Service) { s.Capacity = stated(v) }}
}

// concurrency holds the capacity that is assumed besides: a service that states its
// threads alone is taken to have no other limit.
func (q *Quantity) concurrency(n float64, of known) *level {
	count := int64(max(1, math.Round(n)))
	text := strconv.FormatInt(count, 10)
	l := &level{text, "concurrency = " + text, func(s *catalog.Service) { s.Concurrency = stated(count) }}
	if v, err := unit.ParseRate(of["capacity"]); err == nil {
		l.line += "\n" + `capacity = "` + v.String() + `"`
		l.set = func(s *catalog.Service) {
			s.Concurrency = stated(count)
			if !s.Capacity.IsStated() {
				s.Capacity = stated(v)
			}
		}
	}
	return l
}

func (q *Quantity) serviceTime(d unit.Duration) *level {
	d = coarse(d)
	return &level{d.String(), `service_time = "` + d.String() + `"`, func(s *catalog.Service) { s.ServiceTime = stated(unit.Range{Low: d, High: d}) }}
}

func (q *Quantity) timeout(d unit.Duration) *level {
	d = coarse(d)
	return &level{d.String(), `timeout = "` + d.String() + `"`, func(s *catalog.Service) { s.Needs[q.need].Timeout = stated(d) }}
}

func (q *Quantity) calls(n float64) *level {
	n = float64(rounded(unit.Rate(n)))
	text := strconv.FormatFloat(n, 'f', -1, 64)
	return &level{text, "calls = " + text, func(s *catalog.Service) { s.Needs[q.need].Calls = stated(n) }}
}

func (q *Quantity) retry(attempts int64) *level {
	if attempts == 1 {
		return &level{"none", `retry = "none"`, nil}
	}
	text := strconv.FormatInt(attempts, 10)
	return &level{text + " attempts", `retry = { attempts = ` + text + `, backoff = "` + plan.AssumedBackoff + `" }`, func(s *catalog.Service) {
		s.Needs[q.need].Retry = &policy.Retry{Attempts: stated(attempts), Backoff: plan.AssumedBackoff}
	}}
}

// retried changes a copy of the retry of a need.
func (q *Quantity) retried(change func(*policy.Retry)) func(*catalog.Service) {
	return func(s *catalog.Service) {
		r := *s.Needs[q.need].Retry
		change(&r)
		s.Needs[q.need].Retry = &r
	}
}

func (q *Quantity) attempts(n int64) *level {
	text := strconv.FormatInt(n, 10)
	return &level{text, "retry.attempts = " + text, q.retried(func(r *policy.Retry) { r.Attempts = stated(n) })}
}

func (q *Quantity) base(d unit.Duration) *level {
	d = coarse(d)
	return &level{d.String(), `retry.base = "` + d.String() + `"`, q.retried(func(r *policy.Retry) { r.Base = stated(d) })}
}

func (q *Quantity) backoff(word string) *level {
	return &level{word, `retry.backoff = "` + word + `"`, q.retried(func(r *policy.Retry) { r.Backoff = word })}
}

// cached changes a copy of the cache of a need, or of a service.
func (q *Quantity) cached(change func(*policy.Cache)) func(*catalog.Service) {
	return func(s *catalog.Service) {
		of := &s.Cache
		if q.need >= 0 {
			of = &s.Needs[q.need].Cache
		}
		c := **of
		change(&c)
		*of = &c
	}
}

func (q *Quantity) hitRatio(share float64) *level {
	r := unit.Ratio(rounded(unit.Rate(share)))
	return &level{r.String(), `cache.hit_ratio = "` + r.String() + `"`, q.cached(func(c *policy.Cache) { c.HitRatio = stated(r) })}
}

func (q *Quantity) ttl(d unit.Duration) *level {
	d = coarse(d)
	return &level{d.String(), `cache.ttl = "` + d.String() + `"`, q.cached(func(c *policy.Cache) { c.TTL = stated(unit.Range{Low: d, High: d}) })}
}

// rounded is a number to three digits, for people to write.
func rounded(r unit.Rate) unit.Rate {
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(r), 'g', 3, 64), 64)
	if err != nil {
		return r
	}
	return unit.Rate(f)
}

// coarse is a duration to three digits.
func coarse(d unit.Duration) unit.Duration { return unit.Duration(rounded(unit.Rate(d))) }

// rangeText is one end of the range of a key in words, or a point on the way to it,
// whatever is assumed.
func rangeText(key string, e End, way float64) string {
	factor := func(f float64) string {
		text := digits(mech.Power(f, way))
		if e == Low {
			return "÷" + text
		}
		return "×" + text
	}
	from := func(assumed, low, high float64) float64 {
		limit := high
		if e == Low {
			limit = low
		}
		return assumed * mech.Power(limit/assumed, way)
	}
	lasting := func(assumed, low, high float64) string {
		return coarse(unit.Duration(math.Round(1e9 * from(assumed, low, high)))).String()
	}
	either := func(low, high string) string {
		if e == Low {
			return low
		}
		return high
	}
	switch key {
	case "load":
		return factor(LoadFactor)
	case "capacity":
		return digits(from(plan.AssumedHeadroom, LeastHeadroom, MostHeadroom)) + " × load"
	case "concurrency":
		return factor(ConcurrencyFactor)
	case "service_time":
		return factor(ServiceTimeFactor)
	case "calls":
		return factor(CallsFactor)
	case "timeout":
		return lasting(plan.AssumedTimeout, plan.AssumedTimeout/TimeoutDown, plan.AssumedTimeout*TimeoutUp)
	case "retry":
		return strconv.Itoa(RetryAttempts) + " attempts"
	case "retry.attempts":
		return either(strconv.Itoa(FewAttempts), strconv.Itoa(ManyAttempts))
	case "retry.base":
		return lasting(plan.AssumedBase, ShortBase.Seconds(), LongBase.Seconds())
	case "cache.hit_ratio":
		return unit.Ratio(rounded(unit.Rate(from(plan.AssumedHitRatio, FewHits, ManyHits)))).String()
	case "cache.ttl":
		return factor(TTLFactor)
	case "retry.backoff":
		return either("none", "exponential")
	}
	if r := fleetRangeOf(key); r != nil && r.assumed > 0 {
		return lasting(r.assumed, r.assumed/r.down, r.assumed*r.up)
	} else if r != nil && e == Low {
		return factor(r.down)
	} else if r != nil {
		return factor(r.up)
	}
	return ""
}

// digits prints three of them.
func digits(f float64) string {
	return strconv.FormatFloat(float64(rounded(unit.Rate(f))), 'f', -1, 64)
}
