package policy

import (
	"time"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Queue is where requests wait for a service.
type Queue struct {
	Preset      string                    // the preset it was taken from; may be empty
	Bound       unit.Value[int64]         // requests that may wait; more are rejected; no limit where not stated
	Discipline  string                    // one of DisciplineWords; fifo where not stated
	Deadline    unit.Value[unit.Duration] // work older than this is dropped when a server would take it; no limit where not stated
	Retention   unit.Value[unit.Duration] // how long a durable queue keeps what nobody takes; for ever where not stated
	Cancel      bool                      // what its caller has given up leaves the queue at once
	DropExpired bool                      // what its caller has given up, or will before Margin has passed, is dropped when a server would take it
	Margin      unit.Value[unit.Duration] // see DropExpired; 0 where not stated
	RejectCost  unit.Value[unit.Ratio]    // work of a rejection, as a share of a request's; 0 where not stated
	Classes     string                    // one of ClassWords; strict where not stated
	Target      unit.Value[unit.Duration] // CoDel: longest wait while the queue is never empty; 5 ms where not stated
	Interval    unit.Value[unit.Duration] // CoDel, adaptive LIFO: how long is never; 100 ms where not stated
	Visibility  unit.Value[unit.Duration] // durable: what was taken and not finished by then is given out again; 30 s where not stated
	MaxReceives unit.Value[int64]         // durable: what was given out so often goes to the dead letters; for ever where not stated
}

// ClassWords are the ways to share a service between the priorities of its
// callers: the more important first, or by shares of the capacity.
var ClassWords = []string{"strict", "weighted"}

// DisciplineWords are the orders in which waiting requests are served. For
// adaptive LIFO and CoDel see Maurer, "Fail at Scale", ACM Queue 13(8), 2015.
var DisciplineWords = []string{"fifo", "lifo", "adaptive-lifo", "codel"}

// QueuePreset is the queue of real software, by name.
type QueuePreset struct {
	Queue  Queue
	Source string
}

// QueuePresets are sorted by name. Facebook serves the newest first besides while
// there is a queue; a queue here has one discipline.
var QueuePresets = []QueuePreset{
	codelPreset("codel-facebook", "5ms", "100ms", "Maurer, Fail at Scale, ACM Queue 13(8), 2015"),
	redeliveryPreset("sqs-redelivery", "30s", "4d", 10, "Amazon SQS CreateQueue"),
}

func codelPreset(name, target, interval, source string) QueuePreset {
	return QueuePreset{Queue{
		Preset:     name,
		Discipline: "codel",
		Target:     documentedDuration(target, source),
		Interval:   documentedDuration(interval, source),
	}, source}
}

func redeliveryPreset(name, visibility, retention string, maxReceives int64, source string) QueuePreset {
	return QueuePreset{Queue{
		Preset:      name,
		Retention:   documentedDuration(retention, source),
		Visibility:  documentedDuration(visibility, source),
		MaxReceives: documented(maxReceives, source),
	}, source}
}

// QueueKeys reads `queue = "preset"` or `queue = { bound = 1000, … }`.
func QueueKeys(d *toml.Decoder, key string) *Queue {
	if p, isName := preset(d, key, "queue preset", QueuePresets, func(p *QueuePreset) string { return p.Queue.Preset }); isName {
		if p == nil {
			return nil
		}
		found := p.Queue
		return &found
	}
	t := d.Sub(key, `a queue, by the name of a preset or as a table such as { bound = 1000, discipline = "fifo" }`)
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
	t.Bool("cancel", &q.Cancel)
	t.Bool("drop_expired", &q.DropExpired)
	t.Duration("margin", &q.Margin)
	t.Ratio("reject_cost", &q.RejectCost)
	if w, ok := t.Enum("classes", ClassWords); ok {
		q.Classes = w
	}
	t.Duration("target", &q.Target)
	t.Duration("interval", &q.Interval)
	t.Duration("visibility", &q.Visibility)
	toml.Count(t, "max_receives", 1, 1e6, &q.MaxReceives)
	q.check(t)
	t.Done()
	return q
}

// CoDel's parameters where a catalog does not state them.
const (
	CoDelTarget   = unit.Duration(5 * time.Millisecond)
	CoDelInterval = unit.Duration(100 * time.Millisecond)
)

// check refuses what goes with something that is not there, and what cannot be.
func (q *Queue) check(t *toml.Decoder) {
	if q.Margin.IsStated() && !q.DropExpired {
		t.Errorf(t.Key("margin"), "add drop_expired = true", "a margin is added to what drop_expired drops, and nothing is dropped here")
	}
	codel := q.Discipline == "codel"
	// An unknown discipline has been answered, and may have been meant for either.
	answered := t.Has("discipline") && q.Discipline == ""
	if q.Target.IsStated() && !codel && !answered {
		t.Errorf(t.Key("target"), `add discipline = "codel"`, "a target is a wait that CoDel holds, and this queue is not served by CoDel")
	}
	if q.Interval.IsStated() && !codel && q.Discipline != "adaptive-lifo" && !answered {
		t.Errorf(t.Key("interval"), `add discipline = "codel" or discipline = "adaptive-lifo"`, "an interval belongs to CoDel or adaptive LIFO, and this queue is served by neither")
	}
	target, interval := q.Target.Or(CoDelTarget), q.Interval.Or(CoDelInterval)
	if codel && (q.Target.IsStated() || q.Interval.IsStated()) && target >= interval {
		at := q.Target.At
		if !q.Target.IsStated() {
			at = q.Interval.At
		}
		t.Errorf(at, `write a target far below the interval, such as target = "5ms", interval = "100ms"`, "CoDel's target %s is not shorter than its interval %s", target, interval)
	}
	if q.Visibility.IsStated() && q.Retention.IsStated() && q.Visibility.V >= q.Retention.V {
		t.Errorf(q.Visibility.At, "write a visibility shorter than the retention", "what was taken is given out again after %s, when the queue has forgotten it after %s", q.Visibility.V, q.Retention.V)
	}
}
