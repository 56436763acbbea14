package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Queue is where requests wait for a service.
type Queue struct {
	Preset      string                    // the preset it was taken from; may be empty
	Bound       unit.Value[int64]         // requests that may wait; more are rejected
	Discipline  string                    // one of DisciplineWords; "" where not stated
	Deadline    unit.Value[unit.Duration] // work older than this is dropped when a server would take it
	Retention   unit.Value[unit.Duration] // how long a durable queue keeps what nobody takes
	Cancel      bool                      // what its caller has given up leaves the queue at once
	DropExpired bool                      // what its caller has given up, or will before Margin has passed, is dropped when a server would take it
	Margin      unit.Value[unit.Duration] // see DropExpired; 0 where not stated
	RejectCost  unit.Value[unit.Ratio]    // work of a rejection, as a share of a request's
	Classes     string                    // one of ClassWords; "" where not stated
	Target      unit.Value[unit.Duration] // CoDel: longest wait while the queue is never empty; 5 ms where not stated
	Interval    unit.Value[unit.Duration] // CoDel, adaptive LIFO: how long is never; 100 ms where not stated
	Visibility  unit.Value[unit.Duration] // durable: what was taken and not finished by then is given out again
	MaxReceives unit.Value[int64]         // durable: what was given out so often goes to the dead letters
}

// ClassWords are the ways to share a service between the priorities of its
// callers: the more important first, or by shares of the capacity.
var ClassWords = []string{"strict", "weighted"}

// DisciplineWords are the orders in which waiting requests are served. For
// adaptive LIFO and CoDel see Maurer, "Fail at Scale", ACM Queue 13(8), 2015.
var DisciplineWords = []string{"fifo", "lifo", "adaptive-lifo", "codel"}

// QueueKeys reads `queue = { bound = 1000, … }`.
func QueueKeys(d *toml.Decoder, key string) *Queue {
	t := d.Sub(key, "a queue such as { bound = 1000, discipline = \"fifo\" }")
	if t == nil {
		return nil
	}
	q := &Queue{}
	toml.Count(t, "bound", 0, 1e15, &q.Bound)
	if w, ok := t.Enum("discipline", DisciplineWords); ok {
		q.Discipline = w
	}
	t.Duration("deadline", &q.Deadline)
	t.Duration("retention", &q.Retention)
	t.Done()
	return q
}
