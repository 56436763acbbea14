package event

import (
	"math"

	"github.com/knockon/knockon/propagate/plan"
)

// list is visits in a row, by their links: any of them can leave at once. A visit is
// in one list at most.
type list struct {
	head, tail int32
	size       int
}

func (en *engine) append(l *list, vi int32) {
	v := en.visits.at(vi)
	v.prev, v.next = l.tail, none
	if l.tail != none {
		en.visits.at(l.tail).next = vi
	} else {
		l.head = vi
	}
	l.tail = vi
	l.size++
}

func (en *engine) remove(l *list, vi int32) {
	v := en.visits.at(vi)
	if v.prev != none {
		en.visits.at(v.prev).next = v.next
	} else {
		l.head = v.next
	}
	if v.next != none {
		en.visits.at(v.next).prev = v.prev
	} else {
		l.tail = v.prev
	}
	l.size--
}

// lane is a row of a service's queue, in order of arrival.
type lane struct {
	*plan.Lane
	row    list
	limit  int64   // of waiting; never without
	newest bool    // the newest is served first
	served float64 // work done for it per weight, where classes are weighted
	lapse  int64   // when an event is planned that drops what has waited too long; past: none is
}

// enqueue lets a visit wait.
func (en *engine) enqueue(s *service, vi int32) {
	v := en.visits.at(vi)
	v.phase = queued
	l := &s.lanes[en.edges[v.edge].Lane]
	if s.waiting == 0 {
		s.idleSince = en.now
	}
	if l.row.size == 0 {
		l.served = max(l.served, s.clock) // who was not there has saved nothing up
	}
	en.append(&l.row, vi)
	s.wait(1, en.now)
	if !l.Async {
		s.sync++
	}
	en.lapses(s, l)
}

// unqueue takes a visit out of the queue, wherever it stands.
func (en *engine) unqueue(s *service, vi int32) {
	l := &s.lanes[en.edges[en.visits.at(vi).edge].Lane]
	en.remove(&l.row, vi)
	s.wait(-1, en.now)
	if !l.Async {
		s.sync--
	}
}

// oldest is when what has waited longest came; ok is false where nobody waits.
func (en *engine) oldest(s *service) (at int64, ok bool) {
	at = never
	for _, i := range s.parts {
		if a, is := en.oldest(&en.services[i]); is {
			at, ok = min(at, a), true
		}
	}
	for k := range s.lanes {
		if h := s.lanes[k].row.head; h != none {
			at, ok = min(at, en.visits.at(h).arrived), true
		}
	}
	return at, ok
}

// choose is the lane whose turn it is, none where nobody waits who may still be begun:
// what has waited too long is dropped.
func (en *engine) choose(s *service) int32 {
	best := none
	for k := range s.lanes {
		l := &s.lanes[k]
		if best != none && (s.lanes[best].Async != l.Async || !s.Weighted && s.lanes[best].Priority != l.Priority) {
			break // the more important first
		}
		en.shorten(s, l)
		if l.row.size == 0 {
			continue
		}
		if best == none || en.sooner(s, l, &s.lanes[best]) {
			best = int32(k)
		}
	}
	return best
}

// sooner reports whether lane a goes before lane b of the same rank: by what was done
// for each where classes are weighted (Demers, Keshav and Shenker 1989), else as if
// they were one row.
func (en *engine) sooner(s *service, a, b *lane) bool {
	switch {
	case s.Weighted:
		return a.served < b.served
	case en.newestFirst(s, a):
		return en.visits.at(a.row.tail).arrived > en.visits.at(b.row.tail).arrived
	}
	return en.visits.at(a.row.head).arrived < en.visits.at(b.row.head).arrived
}

// newestFirst is the order of a lane now. An adaptive queue is first come first served
// while it is empty now and then, and serves the newest first otherwise (Maurer 2015).
func (en *engine) newestFirst(s *service, l *lane) bool {
	if s.AdaptiveLIFO && !l.Async {
		return en.now-s.idleSince > s.interval
	}
	return l.newest
}

// shorten drops what has waited in a lane for too long. Where CoDel drops it, its
// callers are refused (Maurer 2015); otherwise they learn of it by time-out.
func (en *engine) shorten(s *service, l *lane) {
	limit, refused := l.limit, false
	if s.CoDel && !l.Async {
		most := s.interval
		if en.now-s.idleSince > s.interval {
			most = s.target
		}
		limit, refused = min(limit, most), true
	}
	if limit == never {
		return
	}
	for l.row.head != none {
		vi := l.row.head
		v := en.visits.at(vi)
		if en.now-v.arrived <= limit {
			break
		}
		ci := v.call
		s.n.expired++
		en.unqueue(s, vi)
		en.leave(s, vi)
		if ci == none {
			continue
		}
		if refused {
			s.n.full++
			en.edges[en.calls.at(ci).edge].n.rejected++
			en.failed(ci)
			continue
		}
		en.unanswered(ci)
	}
	en.lapses(s, l)
}

// lapses plans a look at a durable lane when its head has been kept too long: that
// does not wait for a server.
func (en *engine) lapses(s *service, l *lane) {
	if l.Async && l.limit != never && l.lapse <= en.now && l.row.head != none {
		l.lapse = max(en.now, en.visits.at(l.row.head).arrived+l.limit) + 1
		en.plan(l.lapse, wakes, s.index, 0)
	}
}

// unanswered leaves a call to its time-out, and ends it where it has none: nobody
// would ever tell its caller.
func (en *engine) unanswered(ci int32) {
	c := en.calls.at(ci)
	c.visit = none
	if en.edges[c.edge].timeout == never {
		en.over(ci, false)
	}
}

// level is a number over time, for its mean.
type level[N int | float64] struct {
	value N
	most  N
	area  float64 // value times nanoseconds, up to since
	since int64
	sum   float64 // as area, since the beginning
}

func (l *level[N]) add(n N, now int64) {
	area := float64(l.value) * float64(now-l.since)
	l.area, l.sum = l.area+area, l.sum+area
	l.since = now
	l.value += n
	l.most = max(l.most, l.value)
}

// total is the value times seconds since the beginning.
func (l *level[N]) total(now int64) float64 {
	l.add(0, now)
	return l.sum / 1e9
}

// mean is that since a time, at which it began to count; now it begins anew.
func (l *level[N]) mean(from, now int64) float64 {
	l.add(0, now)
	m := l.area / float64(now-from)
	l.area, l.most = 0, l.value
	if math.IsNaN(m) {
		return 0
	}
	return m
}
