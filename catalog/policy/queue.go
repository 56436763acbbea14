package policy

import (
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Queue is where requests wait for a service.
type Queue struct {
	Bound      unit.Value[int64]         // requests that may wait; more are rejected
	Discipline string                    // one of DisciplineWords; "" where not stated
	Deadline   unit.Value[unit.Duration] // work older than this is dropped
	Retention  unit.Value[unit.Duration] // how long a durable queue keeps what nobody takes
}

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
