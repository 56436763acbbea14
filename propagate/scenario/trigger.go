package scenario

import (
	"math"
	"slices"

	"github.com/knockon/knockon/catalog/unit"
)

// Lasting is the end of what lasts beyond any horizon, or of which only a run tells.
const Lasting = unit.Duration(math.MaxInt64)

// plus adds two lengths of time; what cannot be said in nanoseconds is Lasting.
func plus(a, b unit.Duration) unit.Duration {
	if a > Lasting-b {
		return Lasting
	}
	return a + b
}

// many is n times a length of time; what cannot be said in nanoseconds is Lasting.
func many(n int, d unit.Duration) unit.Duration {
	if n > 0 && d > Lasting/unit.Duration(n) {
		return Lasting
	}
	return unit.Duration(n) * d
}

// delay is the time from the decision to the effect, the tools being there: attempts
// that fail take as long as the one that works, and each is followed by a pause.
func (a *Action) delay() unit.Duration {
	return plus(many(a.Tries, plus(a.Takes, a.Again)), a.Takes)
}

// Lasts is the time from the effect of an action to its completion, from which the
// actions count that come after it: until what was restarted is back.
func (a *Action) Lasts() unit.Duration {
	longest := unit.Duration(0)
	for i := range a.Do {
		longest = max(longest, a.Do[i].Lasts())
	}
	return longest
}

// effects are when the actions take effect, as far as the file tells, by index of
// Actions. An action that waits for what is observed, or for its tools, and what
// comes after it, is Lasting: only a run tells.
func (s *Scenario) effects() []unit.Duration {
	at := make(map[string]int, len(s.Actions))
	for i := range s.Actions {
		if id := s.Actions[i].ID; id != "" {
			at[id] = i
		}
	}
	effects := make([]unit.Duration, len(s.Actions))
	known := make([]bool, len(s.Actions))
	var chain []int
	for i := range s.Actions {
		chain = chain[:0]
		begin := Lasting // from when the last of the chain counts
		for j := i; ; {
			a := &s.Actions[j]
			if known[j] {
				begin = plus(effects[j], a.Lasts())
				break
			}
			known[j], effects[j] = true, Lasting // until it is told better; ends a cycle
			chain = append(chain, j)
			if a.After == nil {
				begin = a.At
				break
			}
			next, ok := at[a.After.Done]
			if !ok {
				break
			}
			j = next
		}
		for _, j := range slices.Backward(chain) {
			a := &s.Actions[j]
			if a.After != nil {
				begin = plus(begin, a.After.Decide)
			}
			if len(a.Tools) == 0 {
				effects[j] = plus(begin, a.delay())
			}
			begin = plus(effects[j], a.Lasts())
		}
	}
	return effects
}

// FaultEnds are when the faults are over, as far as the file tells, by index of
// Faults: by themselves, or restored by an action whose time is known. A fault to
// the horizon is Lasting. One that an action restores which waits for what is
// observed, or for its tools, may be over earlier; a run puts that time here before
// it asks TriggerEndOf.
func (s *Scenario) FaultEnds() []unit.Duration {
	ends := make([]unit.Duration, len(s.Faults))
	at := make(map[string]int)
	for i := range s.Faults {
		f := &s.Faults[i]
		switch {
		case f.For > 0:
			ends[i] = plus(f.At, f.For)
		case f.Effect == Lapse:
			ends[i] = f.At
		default:
			ends[i] = Lasting
		}
		if f.ID != "" {
			at[f.ID] = i
		}
	}
	effects := s.effects()
	for i := range s.Actions {
		for j := range s.Actions[i].Do {
			x := &s.Actions[i].Do[j]
			if deeds[x.Verb].on != onFault {
				continue
			}
			if f, ok := at[x.Target]; ok && effects[i] >= s.Faults[f].At {
				ends[f] = min(ends[f], effects[i])
			}
		}
	}
	return ends
}

// TriggerEnd is when the last fault, or change of what is offered, is over as far as
// the file tells, and false when one lasts to the horizon. A load that stays is over
// once it is there; one that follows the day is no trigger.
func (s *Scenario) TriggerEnd() (end unit.Duration, ok bool) {
	return s.TriggerEndOf(s.FaultEnds())
}

// TriggerEndOf is TriggerEnd of a run in which the faults were over at these times,
// by index of Faults; see FaultEnds.
func (s *Scenario) TriggerEndOf(faultEnds []unit.Duration) (end unit.Duration, ok bool) {
	for i := range s.Faults {
		if faultEnds[i] > s.Horizon {
			return 0, false
		}
		end = max(end, faultEnds[i])
	}
	for i := range s.Loads {
		l := &s.Loads[i]
		switch {
		case l.For > 0:
			end = max(end, min(l.At+l.For, s.Horizon))
		case l.Daily != nil:
		case len(l.Points) > 0:
			end = max(end, min(l.Points[len(l.Points)-1].At, s.Horizon))
		default:
			end = max(end, min(l.At+l.Ramp, s.Horizon))
		}
	}
	return end, true
}
