package study

import (
	"context"
	"math"
	"slices"
)

// screen finds the few numbers that matter among many. Where all can be tried, all
// are. Else, as in sequential bifurcation (Bettonville and Kleijnen, European Journal
// of Operational Research 96, 1997), groups are tried at one end of their ranges, and
// a group that changes the answer is halved, the one that changes it most first,
// until single numbers are left or the runs are used up.
//
// Bifurcation takes effects to be of one direction. Numbers that undo each other in a
// group are missed: for example, all time-outs at once keep their order, and one
// alone does not. Therefore no family is dropped as a whole. Each is cut into about
// as many groups as a group has members, which Dorfman (Annals of Mathematical
// Statistics 14, 1943) found to be about right for testing in two rounds.
type screen struct {
	*player
	most     int // runs
	families []*trial
	singles  [2][]*trial // by end and quantity; nil: not tried
	stuck    []*trial    // groups that change the answer, of which no half does
	open     []*trial    // groups that change the answer
}

// batch is how many groups are halved at a time. It is the same on any number of
// processors, since it shows in what is found.
const batch = 8

func newScreen(p *player, most int) *screen {
	s := &screen{player: p, most: most}
	for e := range s.singles {
		s.singles[e] = make([]*trial, len(p.quantities))
	}
	return s
}

// family are the quantities of a key that have an end to try.
func (s *screen) family(key string, e End) (members []int) {
	for i := range s.quantities {
		if q := &s.quantities[i]; q.Key == key && q.end(e) != nil {
			members = append(members, i)
		}
	}
	return members
}

var ends = [...]End{Low, High}

func (s *screen) run(ctx context.Context) error {
	s.planned = s.most
	var alone []*trial
	groups := 0
	for _, key := range Keys {
		for _, e := range ends {
			members := s.family(key, e)
			for _, i := range members {
				alone = append(alone, &trial{members: []int{i}, end: e})
			}
			if len(members) > 1 {
				groups++
				s.families = append(s.families, &trial{members: members, end: e})
			}
		}
	}
	if 1+groups+len(alone) <= s.most {
		s.planned = 1 + groups + len(alone)
		s.keep(alone)
		return s.play(ctx, append(slices.Clone(s.families), alone...))
	}
	if err := s.play(ctx, s.families); err != nil {
		return err
	}
	var first []*trial
	for _, f := range s.families {
		// Half of the runs are for halving.
		n := min(int(math.Ceil(math.Sqrt(float64(len(f.members))))), max(2, s.most/2/groups))
		for i := range n {
			part := f.members[i*len(f.members)/n : (i+1)*len(f.members)/n]
			first = append(first, &trial{members: part, end: f.end})
		}
	}
	for _, t := range alone { // of a family of one
		if len(s.family(s.quantities[t.members[0]].Key, t.end)) == 1 {
			first = append(first, t)
		}
	}
	if err := s.try(ctx, first); err != nil {
		return err
	}
	if err := s.halve(ctx); err != nil {
		return err
	}
	return s.otherEnds(ctx)
}

// keep remembers what was tried by itself.
func (s *screen) keep(trials []*trial) {
	for _, t := range trials {
		if len(t.members) == 1 {
			s.singles[t.end][t.members[0]] = t
		}
	}
}

// try plays trials and keeps the groups that change the answer.
func (s *screen) try(ctx context.Context, trials []*trial) error {
	err := s.play(ctx, trials)
	s.keep(trials)
	for _, t := range trials {
		if len(t.members) > 1 && t.moved() {
			s.open = append(s.open, t)
		}
	}
	return err
}

func (s *screen) halve(ctx context.Context) error {
	for len(s.open) > 0 && s.runs+2 <= s.most {
		slices.SortStableFunc(s.open, func(a, b *trial) int { return -a.move.compare(b.move) })
		n := min(batch, len(s.open), (s.most-s.runs)/2)
		groups := slices.Clone(s.open[:n])
		s.open = slices.Clone(s.open[n:])
		halves := make([]*trial, 0, 2*n)
		for _, g := range groups {
			mid := len(g.members) / 2
			halves = append(halves, &trial{members: g.members[:mid], end: g.end}, &trial{members: g.members[mid:], end: g.end})
		}
		if err := s.try(ctx, halves); err != nil {
			s.open = append(s.open, groups...)
			return err
		}
		for i, g := range groups {
			if !halves[2*i].moved() && !halves[2*i+1].moved() {
				s.stuck = append(s.stuck, g)
			}
		}
	}
	return nil
}

// otherEnds plays the end that is missing of what was found to matter.
func (s *screen) otherEnds(ctx context.Context) error {
	var missing []*trial
	for i := range s.quantities {
		for _, e := range ends {
			if t := s.singles[1-e][i]; t != nil && t.moved() && s.singles[e][i] == nil && s.quantities[i].end(e) != nil {
				missing = append(missing, &trial{members: []int{i}, end: e})
			}
		}
	}
	err := s.play(ctx, missing)
	s.keep(missing)
	return err
}

// study is what has been found.
func (s *screen) study() *Study {
	st := &Study{Base: *s.base, Quantities: s.quantities, Runs: s.runs}
	for i := range s.quantities {
		q := &s.quantities[i]
		low, high := s.singles[Low][i], s.singles[High][i]
		if !q.Varied() {
			st.Fixed++
		}
		if low != nil || high != nil {
			st.Alone++
		}
		if low.played() && low.moved() || high.played() && high.moved() {
			st.Singles = append(st.Singles, Finding{[]int{i}, s.effect(q, Low, low), s.effect(q, High, high)})
		}
		for _, t := range []*trial{low, high} {
			if t != nil && t.fault != "" {
				st.Faults++
			}
		}
	}
	for k := 0; k < len(s.families); k++ {
		t := s.families[k]
		f := s.finding(t)
		if k+1 < len(s.families) { // the other end of the same family
			if o := s.families[k+1]; s.quantities[o.members[0]].Key == s.quantities[t.members[0]].Key {
				f.High = s.finding(o).High
				f.Members = union(f.Members, o.members)
				k++
			}
		}
		if f.move().Moved() {
			st.Families = append(st.Families, f)
		}
	}
	st.Untaken = len(s.open)
	for _, t := range append(slices.Clone(s.open), s.stuck...) {
		st.Groups = append(st.Groups, s.finding(t))
	}
	sorted(st.Singles)
	sorted(st.Families)
	sorted(st.Groups)
	return st
}

// reached is how far towards its end a trial was played; the end itself where it was
// not.
func (t *trial) reached() float64 {
	if t.played() {
		return t.way
	}
	return 1
}

func (t *trial) played() bool { return t != nil && t.answer != nil }

func (s *screen) effect(q *Quantity, e End, t *trial) Effect {
	f := Effect{}
	if t != nil {
		f.Answer, f.Move, f.Fault = t.answer, t.move, t.fault
	}
	if at := q.end(e); at != nil {
		f.Value = at(t.reached()).text
	}
	return f
}

// finding is what a group comes to at its one end.
func (s *screen) finding(t *trial) Finding {
	f := Finding{Members: t.members}
	e := s.effect(&s.quantities[t.members[0]], t.end, t)
	e.Value = rangeText(s.quantities[t.members[0]].Key, t.end, t.reached())
	if t.end == Low {
		f.Low = e
	} else {
		f.High = e
	}
	return f
}

func union(a, b []int) []int {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
