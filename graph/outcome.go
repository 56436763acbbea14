package graph

import (
	"math/bits"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/unit"
)

// Outcome is what a failure comes to for one service, in order of severity.
type Outcome uint8

// The outcomes, mildest first.
const (
	Safe     Outcome = iota // works as before
	Stale                   // works with what it last knew
	Frozen                  // works, but cannot start, scale or change
	Delayed                 // takes work, finishes it late
	Degraded                // works with less, or for some
	Down                    // does not work, or answers wrongly
)

// OutcomeWords are the outcomes as outputs write them, by value.
var OutcomeWords = [...]string{"safe", "stale", "frozen", "delayed", "degraded", "down"}

func (o Outcome) String() string { return OutcomeWords[o] }

// State is the set of impairments a service has. It is a set and not only the
// worst of them, because the algebra is not monotone in severity: who hands work
// over through a queue does not feel a degraded target but does feel a delayed
// one, and a target can be both. Over sets, ordered by inclusion, every rule is
// monotone, and a least fixed point exists (Knaster-Tarski).
type State uint8

// The impairments, one bit each.
const (
	IsStale State = 1 << iota
	IsFrozen
	IsDelayed
	IsDegraded
	IsDown
	IsCorrupt // answers, wrongly

	impairments = 6
	isLost      = IsDown | IsCorrupt
)

// Outcome is the worst impairment of a state. Corrupt is shown as down.
func (s State) Outcome() Outcome {
	if s&isLost != 0 {
		return Down
	}
	return Outcome(bits.Len8(uint8(s)))
}

// StateWords are the impairments as outputs write them, by bit number.
var StateWords = [impairments]string{"stale", "frozen", "delayed", "degraded", "down", "corrupt"}

// String joins the words of the impairments with "and"; it is "safe" without any.
func (s State) String() string {
	if s == 0 {
		return OutcomeWords[Safe]
	}
	var words []string
	for bit, word := range StateWords {
		if s&(1<<bit) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " and ")
}

// rule is a row of the algebra: what a need makes of the state of its target.
type rule uint8

// The rows. A believing need takes a wrong answer for a right one.
const (
	ruleHard rule = iota
	ruleHardBelieving
	ruleSoft
	ruleSoftBelieving
	rulePartial // only some requests make the call
	rulePartialBelieving
	ruleFallback
	ruleFallbackBelieving
	ruleStale // later: the ttl has run out
	ruleStaleBelieving
	ruleStaleForever
	ruleStaleForeverBelieving
	ruleAsync
	ruleAsyncWithin // later: the work is older than tolerated
	ruleAsyncStale  // later: the ttl has run out
	ruleChange      // to start, scale or change
	ruleChangeStale // later: the ttl has run out
	ruleRepair
	ruleLease // later: the shortest ttl has run out
	ruleFresh // later: older than tolerated
	ruleCount

	// ruleJoint marks the arcs of needs that look at several services, a group or a
	// target and its fallback. What such a need makes of them together stands in
	// Need.rule.
	ruleJoint
)

func (r rule) isForever() bool { return r == ruleStaleForever || r == ruleStaleForeverBelieving }

// row is what a need makes of each impairment of its target, by bit number: at
// once, and after the delay of the need.
type row struct{ now, later [impairments]State }

// The bit numbers of State, for the table.
const (
	stale = iota
	frozen
	delayed
	degraded
	down
	corrupt
)

// rows is the algebra. docs/outcomes.md is generated from it. Where a rule is not
// named for a state, the state is not felt.
var rows = [ruleCount]row{
	ruleHard:                  {now: [impairments]State{down: IsDown, corrupt: IsDown, degraded: IsDegraded, delayed: IsDegraded}},
	ruleHardBelieving:         {now: [impairments]State{down: IsDown, corrupt: IsCorrupt, degraded: IsDegraded, delayed: IsDegraded}},
	ruleSoft:                  {now: [impairments]State{down: IsDegraded, corrupt: IsDegraded}},
	ruleSoftBelieving:         {now: [impairments]State{down: IsDegraded, corrupt: IsCorrupt}},
	rulePartial:               {now: [impairments]State{down: IsDegraded, corrupt: IsDegraded, degraded: IsDegraded, delayed: IsDegraded}},
	rulePartialBelieving:      {now: [impairments]State{down: IsDegraded, corrupt: IsCorrupt, degraded: IsDegraded, delayed: IsDegraded}},
	ruleFallback:              {},
	ruleFallbackBelieving:     {now: [impairments]State{corrupt: IsCorrupt}},
	ruleStale:                 {now: [impairments]State{down: IsStale, corrupt: IsStale}, later: [impairments]State{down: IsDown, corrupt: IsDown}},
	ruleStaleBelieving:        {now: [impairments]State{down: IsStale, corrupt: IsCorrupt}, later: [impairments]State{down: IsDown}},
	ruleStaleForever:          {now: [impairments]State{down: IsStale, corrupt: IsStale}},
	ruleStaleForeverBelieving: {now: [impairments]State{down: IsStale, corrupt: IsCorrupt}},
	ruleAsync:                 {now: [impairments]State{down: IsDelayed, corrupt: IsDelayed, delayed: IsDelayed}},
	ruleAsyncWithin:           {later: [impairments]State{down: IsDelayed, corrupt: IsDelayed, delayed: IsDelayed}},
	ruleAsyncStale:            {now: [impairments]State{down: IsStale, corrupt: IsStale, delayed: IsStale}, later: [impairments]State{down: IsDelayed, corrupt: IsDelayed, delayed: IsDelayed}},
	ruleChange:                {now: [impairments]State{down: IsFrozen, corrupt: IsFrozen, frozen: IsFrozen}},
	ruleChangeStale:           {now: [impairments]State{down: IsStale, corrupt: IsStale, frozen: IsStale}, later: [impairments]State{down: IsFrozen, corrupt: IsFrozen, frozen: IsFrozen}},
	ruleRepair:                {},
	ruleLease:                 {now: [impairments]State{degraded: IsDegraded, delayed: IsDegraded}, later: [impairments]State{down: IsDown, corrupt: IsDown}},
	ruleFresh:                 {later: [impairments]State{down: IsDegraded, corrupt: IsDegraded, delayed: IsDegraded, stale: IsDegraded}},
}

// ruleOf finds the row of a declared need: by its purpose, then freshness, then
// mode, then by what happens on a loss. For a need with several targets it is the
// row that applies once the need is lost.
func ruleOf(n *catalog.Need) (r rule, delay unit.Duration, assumed bool) {
	contained := n.IfLost == catalog.Fallback && n.Fallback == ""
	keeps := n.IfLost == catalog.Stale && n.TTL.IsStated()
	forever := n.IfLost == catalog.Stale && !n.TTL.IsStated()
	believing := func(r rule) rule { // each believing row stands behind its twin
		if n.Believes {
			return r + 1
		}
		return r
	}
	switch {
	case n.To != catalog.ToServe && contained, n.Fresh && contained, n.Mode == catalog.Async && contained:
		return ruleFallback, 0, false
	case n.To == catalog.ToRepair:
		return ruleRepair, 0, false
	case n.To != catalog.ToServe && keeps:
		return ruleChangeStale, n.TTL.V.Low, false
	case n.To != catalog.ToServe && forever:
		return ruleStaleForever, 0, false
	case n.To != catalog.ToServe:
		return ruleChange, 0, false
	case n.Fresh:
		return ruleFresh, n.Within.V, !n.Within.IsStated()
	case n.Mode == catalog.Async && keeps:
		return ruleAsyncStale, n.TTL.V.Low, false
	case n.Mode == catalog.Async && forever:
		return ruleStaleForever, 0, false
	case n.Mode == catalog.Async && n.Within.IsStated():
		return ruleAsyncWithin, n.Within.V, false
	case n.Mode == catalog.Async:
		return ruleAsync, 0, false
	}
	switch {
	case contained:
		return believing(ruleFallback), 0, false
	case keeps:
		return believing(ruleStale), n.TTL.V.Low, false
	case forever:
		return believing(ruleStaleForever), 0, false
	case n.IfLost == catalog.Degrade:
		return believing(ruleSoft), 0, false
	case n.Calls.IsStated() && n.Calls.V < 1 && !n.IsGroup() && n.Fallback == "":
		return believing(rulePartial), 0, false
	}
	return believing(ruleHard), 0, false
}

// arcRule is what an arc of the need carries.
func (e *Need) arcRule() rule {
	if e.atLeast > 0 || e.fallback >= 0 {
		return ruleJoint
	}
	return e.rule
}

// of applies a row to a state.
func (r *row) of(s State) (now, later State) {
	for ; s != 0; s &= s - 1 {
		bit := bits.TrailingZeros8(uint8(s))
		now |= r.now[bit]
		later |= r.later[bit]
	}
	return now, later
}

// joint is what a need sees that looks at several services.
type joint struct {
	lost     int32 // members of a group that are down or corrupt
	target   State // of its target; IsDown for a group that has lost too many
	fallback State // of the service that answers instead
}

// spare returns how many members a group can lose.
func (e *Need) spare() int32 { return e.end - e.first - e.atLeast }

// of is what a need makes of several services. With a named fallback that is
// nothing while the target works, and what a need for the fallback alone would
// make of it when the target does not. A wrong answer that is believed is not a
// loss: nothing falls back.
func (j joint) of(e *Need) (now, later State) {
	r := &rows[e.rule]
	if e.fallback < 0 {
		return r.of(j.target)
	}
	lost := j.target & isLost
	if lost&IsCorrupt != 0 && r.now[corrupt] == IsCorrupt {
		now = IsCorrupt
		lost &^= IsCorrupt
	}
	if lost == 0 {
		return now, 0
	}
	n, l := r.of(j.fallback)
	return now | n, l
}
