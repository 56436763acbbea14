package scenario

import (
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/unit"
)

// idKind is what an id of a scenario is the name of.
type idKind uint8

const (
	faultID idKind = iota
	loadID
	observerID
	actionID
)

var idKindWords = []string{"fault", "load", "observer", "action"}

func (k idKind) String() string { return idKindWords[k] }

// withArticle is "an action".
func (k idKind) withArticle() string {
	if k == observerID || k == actionID {
		return "an " + k.String()
	}
	return "a " + k.String()
}

// identified is what an id names, and where.
type identified struct {
	kind idKind
	at   diag.Span
}

// kinds is what the ids of a scenario name.
func (s *Scenario) kinds() map[string]identified {
	ids := make(map[string]identified)
	for i := range s.Faults {
		ids[s.Faults[i].ID] = identified{faultID, s.Faults[i].Span}
	}
	for i := range s.Loads {
		ids[s.Loads[i].ID] = identified{loadID, s.Loads[i].Span}
	}
	for i := range s.Observers {
		ids[s.Observers[i].ID] = identified{observerID, s.Observers[i].Span}
	}
	for i := range s.Actions {
		ids[s.Actions[i].ID] = identified{actionID, s.Actions[i].Span}
	}
	delete(ids, "")
	return ids
}

// references reports what actions name and the scenario does not have: observers,
// faults, other actions. An action that waits for itself, by whatever way, is one
// that never happens.
func (s *Scenario) references(ids map[string]identified, add func(at diag.Span, help, message string)) {
	suggested := 0
	find := func(name string, want idKind, at diag.Span) bool {
		found, ok := ids[name]
		if ok && found.kind == want {
			return true
		}
		message := "there is no " + want.String() + ` "` + short(name) + `" in the scenario`
		help := "give " + want.withArticle() + " this id, or name another"
		switch {
		case ok && want == faultID && found.kind == loadID:
			message = `"` + short(name) + `" is a load, and not a fault`
			help = "leave it out, and end the load with for: what is offered from outside is not for operators to end"
		case ok:
			message = `"` + short(name) + `" is ` + found.kind.withArticle() + ", and not " + want.withArticle()
		}
		if suggested++; suggested <= maxSuggestions && !ok {
			var names []string
			for id, is := range ids {
				if is.kind == want {
					names = append(names, id)
				}
			}
			slices.Sort(names)
			if near := diag.DidYouMean(name, names); near != "" {
				help = near
			}
		}
		add(at, help, message)
		return false
	}
	next := make([]int, len(s.Actions)) // the action it comes after, -1 without
	index := make(map[string]int, len(s.Actions))
	for i := range s.Actions {
		if id := s.Actions[i].ID; id != "" {
			index[id] = i
		}
	}
	for i := range s.Actions {
		a := &s.Actions[i]
		next[i] = -1
		if w := a.After; w != nil {
			if w.By != "" {
				find(w.By, observerID, or(w.ByAt, w.Span))
			}
			if w.Done != "" && find(w.Done, actionID, or(w.DoneAt, w.Span)) {
				if j, ok := index[w.Done]; ok {
					next[i] = j
				}
			}
		}
		for j := range a.Do {
			if x := &a.Do[j]; deeds[x.Verb].on == onFault && x.Target != "" {
				find(x.Target, faultID, or(x.TargetAt, x.Span))
			}
		}
	}
	s.cycles(next, add)
}

// cycles reports actions that come after one another in a circle, each circle once.
func (s *Scenario) cycles(next []int, add func(at diag.Span, help, message string)) {
	walk := make([]int, len(next)) // the number of the walk that came by, from 1
	for i := range next {
		j := i
		for ; j >= 0 && walk[j] == 0; j = next[j] {
			walk[j] = i + 1
		}
		if j < 0 || walk[j] != i+1 {
			continue
		}
		first := j // of the circle, in the order of the file
		for k := next[j]; k != j; k = next[k] {
			first = min(first, k)
		}
		const most = 8
		names := []string{short(s.Actions[first].ID)}
		for k := next[first]; k != first; k = next[k] {
			if len(names) == most {
				names = append(names, "…")
				break
			}
			names = append(names, short(s.Actions[k].ID))
		}
		names = append(names, names[0])
		w := s.Actions[first].After
		message := "these actions wait for one another, and none ever happens: " + strings.Join(names, " after ")
		if len(names) == 2 {
			message = `"` + names[0] + `" waits for itself, and never happens`
		}
		add(or(w.DoneAt, w.Span), "let one of them be at a time, or after what is observed", message)
	}
}

// refer reports a reference of the file.
func (r *reader) refer(at diag.Span, help, message string) { r.errorf(at, help, "%s", message) }

// trigger is what the file tells of the end of the trigger.
type trigger struct {
	end   unit.Duration
	known bool
	run   bool // a run may tell of an earlier one: an action restores a fault at a time of its own
}

// restored looks at when faults are ended by actions.
func (r *reader) restored() {
	s := r.s
	r.trigger.end, r.trigger.known = s.TriggerEnd()
	at := make(map[string]*Fault)
	for i := range s.Faults {
		if f := &s.Faults[i]; f.ID != "" {
			at[f.ID] = f
		}
	}
	effects := s.effects()
	for i := range s.Actions {
		for j := range s.Actions[i].Do {
			x := &s.Actions[i].Do[j]
			f := at[x.Target]
			if deeds[x.Verb].on != onFault || f == nil {
				continue
			}
			if effects[i] == Lasting {
				r.trigger.run = true
				continue
			}
			switch {
			case r.untimed || s.Horizon == 0:
			case effects[i] < f.At:
				r.errorf(or(x.TargetAt, x.Span), "do it later", "the fault %q begins at %s, and this ends it at %s", short(f.ID), f.At, effects[i])
			case f.For > 0 && effects[i] >= plus(f.At, f.For):
				r.warnf(or(x.TargetAt, x.Span), "leave it out, or do it earlier", "the fault %q is over at %s by itself, and this ends it at %s", short(f.ID), plus(f.At, f.For), effects[i])
			case f.For == 0 && f.Effect == Lapse:
				r.warnf(or(x.TargetAt, x.Span), "leave it out", "the leases of the fault %q are lost at once, and this does not bring them back", short(f.ID))
			}
		}
	}
}
