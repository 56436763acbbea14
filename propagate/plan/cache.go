package plan

import (
	"slices"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

// What is assumed of a cache that does not say it.
const (
	AssumedHitRatio = 0.9
	AssumedTTL      = 60.0 // seconds
)

// Cache is what the callers of one need remember, in seconds. It has keys, each as
// popular as the others, and asks for each at Asked/Keys.
type Cache struct {
	Keys     float64
	Asked    float64 // calls per second that would be made without it, when all is well
	TTL      Lasting // how long an answer is good
	Life     Lasting // how long a key makes no call: TTL, and what a connection adds to it
	Negative Lasting // how long an error is remembered; zero: it is not
	Stale    float64 // how long after its life a value serves where no new one can be had
	Pinned   float64 // share of the requests that keep their first answer for ever
	Coalesce bool    // one fetch for a key at a time
	Cold     bool    // empty at the start

	ratio     float64 // of hits when all is well; 0 where keys are stated
	keepalive Lasting // of a connection; zero: none
	stale     float64 // as stated, after the TTL
}

// Lasting is how long something lasts, in seconds: at least Low, at most Low+Spread,
// evenly.
type Lasting struct{ Low, Spread float64 }

// Mean is how long it lasts in the mean.
func (l Lasting) Mean() float64 { return l.Low + float64(0.5*l.Spread) }

func (l Lasting) high() float64 { return l.Low + l.Spread }

func lasting(v unit.Value[unit.Range]) Lasting {
	low, high := v.V.Low.Seconds(), v.V.High.Seconds()
	return Lasting{low, max(0, high-low)}
}

// newCache is the cache of a need: its own, or else that of the service. It is nil
// where there is none, and for a fallback: what is remembered is of the other's
// answers. Members of a group share the keys, as they share the calls.
func (p *Plan) newCache(s *Service, n *catalog.Need, target string) *Cache {
	stated, of := n.Cache, target
	if stated == nil {
		stated, of = s.Decl.Cache, "" // one for all
	}
	if stated == nil || n.Mode == catalog.Async || n.To != catalog.ToServe || !slices.Contains(n.Targets, target) {
		return nil
	}
	c := &Cache{
		Keys: 1, TTL: Lasting{AssumedTTL, 0},
		stale:    stated.StaleOnError.Or(0).Seconds(),
		Pinned:   float64(stated.Pinned.Or(0)),
		Coalesce: stated.Coalesce, Cold: stated.Cold,
	}
	c.sized(stated)
	if n.IsGroup() {
		c.Keys *= float64(n.AtLeast) / float64(len(n.Targets))
	}
	say := func(key, value string) {
		a := Assumption{s.ID, of, key, value, "not stated"}
		if !slices.Contains(p.Assumptions, a) {
			p.Assumptions = append(p.Assumptions, a)
		}
	}
	if stated.TTL.IsStated() {
		c.TTL = lasting(stated.TTL)
	} else {
		say("cache.ttl", unit.FromSeconds(AssumedTTL).String())
	}
	if !stated.Keys.IsStated() && !stated.HitRatio.IsStated() {
		say("cache.hit_ratio", unit.Ratio(AssumedHitRatio).String())
	}
	if stated.NegativeTTL.IsStated() {
		c.Negative = lasting(stated.NegativeTTL)
	}
	if stated.Keepalive.IsStated() {
		c.keepalive = lasting(stated.Keepalive)
	}
	c.healthy(0)
	return c
}

// sized says how many keys there are, or what follows from them.
func (c *Cache) sized(stated *policy.Cache) {
	if stated.Keys.IsStated() {
		c.Keys = float64(stated.Keys.V)
		return
	}
	// Neither never nor always: a cache that never misses was never filled.
	c.ratio = min(1-1e-6, max(1e-6, float64(stated.HitRatio.Or(AssumedHitRatio))))
}

// healthy takes the calls per second that would be made without the cache when all is
// well, and returns the share of them that is made with it.
func (c *Cache) healthy(asked float64) float64 {
	c.Asked = asked
	if c.ratio > 0 {
		// l life = h/(1-h), and where a connection is shorter than an answer is good its
		// part of the life hangs on l.
		hits := c.ratio / (1 - c.ratio)
		rate := hits / max(1e-9, c.TTL.Mean())
		for range 40 {
			c.live(rate)
			rate = hits / max(1e-9, c.Life.Mean())
		}
		if asked > 0 {
			c.Keys = asked / rate
		}
		return (1 - c.Pinned) * (1 - c.ratio)
	}
	rate := asked / c.Keys
	c.live(rate)
	return (1 - c.Pinned) / (1 + float64(rate*c.Life.Mean()))
}

// live finds how long a key that is asked for at a rate makes no call after a fetch:
// while the answer is good, and then while the connection lasts that was opened with
// it. One that outlives the answer is opened with the fetch. Shorter ones follow one
// another; one is open when the answer has had its time with probability l K/(1+l K),
// and is at any age then.
func (c *Cache) live(rate float64) {
	c.Life = c.TTL
	switch k := c.keepalive; {
	case k.Mean() >= c.TTL.Mean():
		low := max(k.Low, c.TTL.Low)
		c.Life = Lasting{low, max(k.high(), c.TTL.high()) - low}
	case k.Mean() > 0:
		busy := rate * k.Mean()
		c.Life.Spread += k.Mean() * busy / (1 + busy)
	}
	c.Stale = max(0, c.stale-(c.Life.Mean()-c.TTL.Mean()))
}

// flow gives a call the rate at which it is made when all is well, of the rate at
// which it would be made without a cache.
func (e *Call) flow(asked float64) {
	e.Nominal = asked
	if e.Cache != nil {
		e.Nominal = asked * e.Cache.healthy(asked)
	}
}

// made is the share of the calls that are made when all is well.
func (e *Call) made() float64 {
	if e.Cache == nil {
		return 1
	}
	return e.Cache.healthy(e.Cache.Asked)
}
