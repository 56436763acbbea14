package graph

import (
	"slices"

	"github.com/knockon/knockon/catalog/unit"
)

// Roots returns the roots, sorted, each once.
func (b *Blast) Roots() []Root { return b.roots }

// Graph returns the graph the blast radius was computed on.
func (b *Blast) Graph() *Graph { return b.graph }

// For returns how long the roots stay failed; zero means as long as it lasts.
func (b *Blast) For() unit.Duration { return b.option.For }

// State returns all impairments of a service.
func (b *Blast) State(v Node) State { return b.state[v] }

// Outcome returns the worst impairment of a service.
func (b *Blast) Outcome(v Node) Outcome { return b.state[v].Outcome() }

// Corrupt reports whether a service is shown as down because it answers wrongly.
func (b *Blast) Corrupt(v Node) bool { return b.state[v]&isLost == IsCorrupt }

// Size returns the number of services that are not safe, roots included.
func (b *Blast) Size() int {
	n := 0
	for _, s := range b.state {
		if s != 0 {
			n++
		}
	}
	return n
}

// Phase is the beginning of one outcome of a service.
type Phase struct {
	Outcome  Outcome
	Earliest unit.Duration // from the failure of the roots
	Distance int           // hops along the chain of needs that brings it
}

// Phases returns the outcomes a service goes through, each worse than the last: a
// holder of a lease is safe, then down; a cache is stale, then down. Of what
// begins at the same time only the worst is in it.
func (b *Blast) Phases(v Node) []Phase {
	var phases []Phase
	for _, i := range b.events(v) {
		p := b.phase(b.log[i])
		last := len(phases) - 1
		switch {
		case last >= 0 && p.Outcome <= phases[last].Outcome:
		case last >= 0 && p.Earliest == phases[last].Earliest:
			phases[last] = p
		default:
			phases = append(phases, p)
		}
	}
	return phases
}

// AllPhases returns the phases of every service, by node.
func (b *Blast) AllPhases() [][]Phase {
	all := make([][]Phase, len(b.state))
	for v := range all {
		all[v] = b.Phases(Node(v))
	}
	return all
}

// events returns the events of a node in order of time and hops. The search does
// not need them by node; they are sorted when the first question comes.
func (b *Blast) events(v Node) []int32 {
	b.index.Do(func() {
		b.firstOf = make([]int32, len(b.state)+1)
		for _, e := range b.log {
			b.firstOf[e.node+1]++
		}
		for v := range b.state {
			b.firstOf[v+1] += b.firstOf[v]
		}
		next := slices.Clone(b.firstOf)
		b.eventsOf = make([]int32, len(b.log))
		for i, e := range b.log {
			b.eventsOf[next[e.node]] = int32(i)
			next[e.node]++
		}
	})
	return b.eventsOf[b.firstOf[v]:b.firstOf[v+1]]
}

func (b *Blast) phase(e event) Phase {
	w := b.waves[e.wave>>waveShift]
	return Phase{State(1 << e.bit()).Outcome(), w.at, int(w.hops)}
}

// Worst returns the outcome of a service with the earliest time at which it can
// begin and the distance along the chain that brings it; ok is false for a
// service that is safe.
func (b *Blast) Worst(v Node) (p Phase, ok bool) {
	i := b.worstEvent(v)
	if i < 0 {
		return Phase{}, false
	}
	return b.phase(b.log[i]), true
}

// worstEvent finds the first event of the worst outcome of a node, or -1.
func (b *Blast) worstEvent(v Node) int32 {
	for _, i := range b.events(v) {
		if State(1<<b.log[i].bit()).Outcome() == b.state[v].Outcome() {
			return i
		}
	}
	return -1
}

// need returns the need that passed an event on; nil for a root.
func (b *Blast) need(e event) *Need {
	if e.arc < 0 {
		return nil
	}
	return &b.graph.needs[b.graph.via[e.arc]]
}

// Step is one link of the chain that explains an outcome: Node became Outcome
// because its Need lost the node of the step before.
type Step struct {
	Node     Node
	Outcome  Outcome
	Earliest unit.Duration
	Need     *Need // nil for a root
}

// Path returns the chain from a root to a service that explains its outcome; nil
// for a service that is safe.
func (b *Blast) Path(v Node) []Step {
	var path []Step
	for i := b.worstEvent(v); i >= 0; i = b.log[i].cause {
		e := b.log[i]
		p := b.phase(e)
		path = append(path, Step{e.node, p.Outcome, p.Earliest, b.need(e)})
	}
	slices.Reverse(path)
	return path
}

// CausedBy returns the service whose failure passed the outcome on to v, and the
// need it came through; ok is false for roots and for services that are safe.
func (b *Blast) CausedBy(v Node) (cause Node, need *Need, ok bool) {
	i := b.worstEvent(v)
	if i < 0 || b.log[i].cause < 0 {
		return 0, nil, false
	}
	return b.log[b.log[i].cause].node, b.need(b.log[i]), true
}

// Barrier is what keeps a failure from a service that needs what failed.
type Barrier uint8

// The barriers.
const (
	ByFallback        Barrier = iota // another answers as well
	ByRedundancy                     // enough of a group is left
	ByCache                          // the failure ends before the cache does
	ByLease                          // the failure ends before the lease does
	ByQueue                          // the failure ends before the work is too old
	ByStaticStability                // what runs does not need it to go on
	ByTolerance                      // needs less of it than what is left
)

// BarrierWords are the barriers as outputs write them, by value.
var BarrierWords = [...]string{"fallback", "redundancy", "cache", "lease", "queue", "static-stability", "tolerance"}

func (h Barrier) String() string { return BarrierWords[h] }

// Containment is a need through which a failure did not pass.
type Containment struct {
	Need    *Need
	Barrier Barrier
	Lost    []Node // targets that are impaired, in order
}

// Contained returns the needs that kept what failed from their service, ordered
// by service and then by need. A service can be in it and still be hit by way of
// another need.
func (b *Blast) Contained() []Containment {
	var found []Containment
	for _, i := range b.reached() {
		need := &b.graph.needs[i]
		lost := b.impaired(b.graph.Targets(need))
		if len(lost) == 0 {
			continue // only its fallback is gone
		}
		if barrier, held := b.barrier(i); held {
			found = append(found, Containment{need, barrier, lost})
		}
	}
	return found
}

// Recovery returns the needs for repair whose target is lost: nothing falls by
// them, but healing depends on what has failed itself.
func (b *Blast) Recovery() []Containment {
	var found []Containment
	for _, i := range b.reached() {
		need := &b.graph.needs[i]
		f, named := need.Fallback()
		if need.rule != ruleRepair || b.seen(i)&isLost == 0 || named && b.state[f]&isLost == 0 {
			continue
		}
		lost := slices.DeleteFunc(b.impaired(b.graph.Targets(need)), func(v Node) bool { return b.state[v]&isLost == 0 })
		found = append(found, Containment{need, ByStaticStability, lost})
	}
	return found
}

// Assumed returns the needs on whose unstated time a result rests: it was taken
// to be zero.
func (b *Blast) Assumed() []*Need {
	var rests []int32
	for _, e := range b.log {
		if e.arc < 0 || !b.need(e).assumed {
			continue
		}
		if now := rows[b.need(e).rule].now[b.log[e.cause].bit()]; now&(1<<e.bit()) == 0 {
			rests = append(rests, b.graph.via[e.arc])
		}
	}
	slices.Sort(rests)
	var found []*Need
	for _, i := range slices.Compact(rests) {
		found = append(found, &b.graph.needs[i])
	}
	return found
}

// reached returns, in order, the needs that have an impaired target or fallback.
func (b *Blast) reached() []int32 {
	g := b.graph
	var needs []int32
	for v, s := range b.state {
		if s != 0 {
			needs = append(needs, g.via[g.usersOf[v]:g.usersOf[v+1]]...)
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}

func (b *Blast) impaired(nodes []Node) []Node {
	var found []Node
	for _, v := range nodes {
		if b.state[v] != 0 {
			found = append(found, v)
		}
	}
	return found
}

// seen is the state of what a need is on, as the need sees it: a group is down
// once it has lost too many, and well before that.
func (b *Blast) seen(need int32) State {
	e := &b.graph.needs[need]
	if e.arcRule() == ruleJoint {
		return b.joints[need].target
	}
	var s State
	for _, v := range b.graph.Targets(e) {
		s |= b.state[v]
	}
	return s
}

// barrier says what held at a need with an impaired target, if anything did.
func (b *Blast) barrier(i int32) (Barrier, bool) {
	need := &b.graph.needs[i]
	if b.outlived[i] {
		return outlasted[need.rule], true
	}
	state := b.seen(i)
	now, later := rows[need.rule].of(state)
	if need.arcRule() == ruleJoint {
		now, later = b.joints[i].of(need)
	}
	switch {
	case state == 0 && b.joints[i].lost > 0:
		return ByRedundancy, true
	case state == 0:
		return ByTolerance, true // a group counts only what is lost
	case need.rule.isForever() && state&isLost != 0:
		return ByStaticStability, now == IsStale
	case now|later != 0:
		return 0, false
	case need.rule == ruleRepair, state&^(IsFrozen|IsStale) == 0:
		return ByStaticStability, true
	case state&isLost != 0:
		return ByFallback, true
	}
	return ByTolerance, true
}

// outlasted names what a rule's delay is.
var outlasted = [ruleCount]Barrier{
	ruleStale: ByCache, ruleStaleBelieving: ByCache, ruleAsyncStale: ByCache, ruleChangeStale: ByCache,
	ruleAsyncWithin: ByQueue, ruleLease: ByLease, ruleFresh: ByTolerance,
}
