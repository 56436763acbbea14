package event

import (
	"fmt"
	"math"

	"github.com/knockon/knockon/propagate/plan"
)

// Caches are played key by key: see mech.Cache for what becomes of a call that a
// request would make. Which key it is about is drawn, and how long an answer or an
// error is remembered is drawn when it comes. What a connection adds to the life of a
// key is that of the plan: connections are not played one by one.

// memory is the cache of a need.
type memory struct {
	*plan.Cache
	keys   []key
	pinned int32   // of the keys, the first ones: kept for ever once they are known
	longer float64 // lives, where keys that follow from a hit ratio are no whole number
	stale  int64

	choice, life stream
}

// key is what is known of one.
type key struct {
	until      int64 // end of its life: long ago where it never was valid
	barred     int64 // until when it is known to fail
	fetch      bool  // one is under way, with coalesce
	head, tail int32 // who waits for it
}

// wait is a request that waits for the fetch of another.
type wait struct {
	visit int32
	mark  uint32 // of its leg
	next  int32
}

const longAgo = math.MinInt64 / 4

// newMemory is the cache of an edge as it is at the start; nil without one.
func newMemory(e *edge, p *plan.Plan, seed uint64) *memory {
	c := e.Cache
	if c == nil {
		return nil
	}
	n := max(1, math.Round(c.Keys))
	m := &memory{
		Cache: c, keys: make([]key, int(n)), pinned: int32(math.Round(c.Pinned * n)), longer: n / c.Keys, stale: min(nanos(c.Stale), -longAgo),
		choice: newStream(seed, "key", e.name), life: newStream(seed, "time to live", e.name),
	}
	for k := range m.keys {
		m.keys[k] = key{until: longAgo, head: none, tail: none}
	}
	if c.Cold {
		return m
	}
	for k := range m.pinned {
		m.keys[k].until = never
	}
	// A cycle of a key: until it is asked for, until it is fetched, until its life ends.
	// At a time taken at random long lives are met more often, at any age.
	rate, mean := c.Asked/n, m.longer*c.Life.Mean()
	rest := m.keys[m.pinned:]
	valid := int(math.Round(float64(len(rest)) * rate * mean / (1 + float64(rate*(mean+p.Services[e.To].Latency)))))
	low, high := c.Life.Low, c.Life.Low+c.Life.Spread
	for k := range valid {
		long := math.Sqrt(float64(low*low) + float64(m.life.share()*(float64(high*high)-float64(low*low))))
		rest[k].until = nanos(m.longer * long * (float64(k) + m.life.share()) / float64(valid))
	}
	return m
}

// lasts is how long something is remembered, in nanoseconds.
func (m *memory) lasts(l plan.Lasting, times float64) int64 {
	x := l.Low
	if l.Spread > 0 {
		x += float64(l.Spread * m.life.share())
	}
	return nanos(x * times)
}

// old reports whether a key has a value that may be used where no new one can be had.
func (m *memory) old(k *key, now int64) bool { return m.stale > 0 && now-k.until < m.stale }

// want is that a visit needs a call, which its cache may spare it.
func (en *engine) want(i, vi int32, mark uint32) {
	e := &en.edges[i]
	m := e.memory
	if m == nil || e.barrier == bypassed { // nothing is learnt of what is not asked
		en.begin(i, vi, mark, none)
		return
	}
	at := int32(m.choice.below(len(m.keys)))
	k := &m.keys[at]
	switch {
	case en.now < k.until || en.now < k.barred && m.old(k, en.now):
		e.n.hits++
		en.told(i, vi, mark, true)
	case en.now < k.barred:
		e.n.barred++
		en.told(i, vi, mark, false)
	case m.Coalesce && k.fetch:
		e.n.joined++
		w := en.queued.take()
		*en.queued.at(w) = wait{vi, mark, none}
		if k.tail == none {
			k.head = w
		} else {
			en.queued.at(k.tail).next = w
		}
		k.tail = w
	default:
		k.fetch = m.Coalesce
		en.begin(i, vi, mark, at)
	}
}

// told settles what a visit needed of a need with a cache.
func (en *engine) told(i, vi int32, mark uint32, ok bool) {
	if n := &en.edges[i].n; ok {
		n.served++
	} else {
		n.unserved++
	}
	if v := en.visits.at(vi); v.mark == mark && v.service >= 0 {
		en.settled(vi, mark, i, ok)
	}
}

// fetched is that a call for a key is over. A failure is remembered where it came as an
// answer.
func (en *engine) fetched(i, at, parent int32, mark uint32, ok, answered bool) {
	m := en.edges[i].memory
	k := &m.keys[at]
	switch {
	case ok:
		if at < m.pinned {
			k.until = never
		} else {
			k.until = max(k.until, en.now+m.lasts(m.Life, m.longer))
		}
		k.barred = 0
	case answered && en.now >= k.until && m.Negative.Low+m.Negative.Spread > 0:
		k.barred = en.now + m.lasts(m.Negative, 1)
	}
	ok = ok || en.now < k.until || m.old(k, en.now)
	w := k.head
	k.fetch, k.head, k.tail = false, none, none
	en.told(i, parent, mark, ok)
	for w != none {
		x := *en.queued.at(w)
		en.queued.leave(w)
		en.edges[i].n.parted++
		en.told(i, x.visit, x.mark, ok)
		w = x.next
	}
}

// weighCaches holds that nobody who waits for another's fetch was lost or made.
func (en *engine) weighCaches() {
	under := 0
	for i := range en.edges {
		e := &en.edges[i]
		if e.memory == nil {
			continue
		}
		waiting := 0
		for k := range e.memory.keys {
			for w := e.memory.keys[k].head; w != none; w = en.queued.at(w).next {
				waiting++
			}
		}
		if e.n.joined != e.n.parted+int64(waiting) {
			panic(fmt.Sprintf("event: of %d who waited for a fetch of %s, %d have left and %d are there", e.n.joined, e.name, e.n.parted, waiting))
		}
		under += waiting
	}
	if under != en.queued.taken() {
		panic(fmt.Sprintf("event: %d wait for a fetch, and %d are counted", en.queued.taken(), under))
	}
}
