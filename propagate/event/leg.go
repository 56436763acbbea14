package event

// leg is where a visit is in the stages of what it asks of others.
type leg struct {
	stage   int16
	failing bool   // one that it cannot do without has failed
	pending int32  // calls under way
	good    int32  // of alternatives, that have answered
	left    int32  // calls, or rounds of alternatives, still to be made
	asked   uint64 // of alternatives, by place
	lost    uint64 // calls of the stage that failed, by place
	owed    uint64 // fallbacks that are needed, by number
}

// proceed brings a visit into its next leg, or to its end.
func (en *engine) proceed(vi int32) {
	v := en.visits.at(vi)
	s := &en.services[v.service]
	for {
		if int(v.stage) == len(s.Stages) {
			en.finished(vi, true)
			return
		}
		k := v.stage
		st := &s.Stages[k]
		if st.Fallback && v.owed>>(s.stand[k]-1)&1 == 0 {
			v.stage++
			continue
		}
		v.mark++
		v.pending, v.good, v.left, v.asked, v.lost = 0, 0, 0, 0, 0
		switch {
		case st.AtLeast > 0:
			v.left = int32(en.edges[st.Calls[0]].number.whole(en.edges[st.Calls[0]].PerRequest))
		case st.Parallel:
			if en.together(vi) {
				return
			}
		default:
			e := &en.edges[st.Calls[0]]
			v.left = int32(e.number.whole(e.PerRequest))
		}
		if v.left == 0 {
			v.stage++
			continue
		}
		if st.AtLeast > 0 {
			en.ask(vi)
		} else {
			v.left--
			v.pending++
			en.want(st.Calls[0], vi, v.mark)
		}
		return
	}
}

// together makes all calls of a stage at once. It reports whether there are any.
func (en *engine) together(vi int32) bool {
	v := en.visits.at(vi)
	st := &en.services[v.service].Stages[v.stage]
	var counts [64]int32
	for j, i := range st.Calls {
		counts[j] = int32(en.edges[i].number.whole(en.edges[i].PerRequest))
		v.pending += counts[j]
	}
	if v.pending == 0 {
		return false
	}
	mark := v.mark
	for j, i := range st.Calls {
		for range counts[j] {
			// The visit stays until the last of them is over, or dies.
			if v.mark != mark {
				return true
			}
			en.want(i, vi, mark)
		}
	}
	return true
}

// probe is the weight of an alternative that never answers beside one that always
// does: so many requests find out that it is back.
const probe = 0.001

// ask asks as many alternatives as have to answer besides those that did: by lot, with
// more for those that have answered of late.
func (en *engine) ask(vi int32) {
	v := en.visits.at(vi)
	s := &en.services[v.service]
	k := v.stage
	st := &s.Stages[k]
	mark := v.mark
	for int(v.good+v.pending) < st.AtLeast {
		total := 0.0
		for j, i := range st.Calls {
			if v.asked>>j&1 == 0 {
				total += probe + en.edges[i].good
			}
		}
		at, chosen := float64(s.members[k].share()*total), -1
		for j, i := range st.Calls {
			if v.asked>>j&1 != 0 {
				continue
			}
			chosen = j
			if at -= probe + en.edges[i].good; at < 0 {
				break
			}
		}
		if chosen < 0 {
			break // all were asked
		}
		v.asked |= 1 << chosen
		v.pending++
		en.want(st.Calls[chosen], vi, mark)
		if v.mark != mark {
			return
		}
	}
}

// settled tells a visit that a call it made in its present leg is over.
func (en *engine) settled(vi int32, mark uint32, i int32, ok bool) {
	v := en.visits.at(vi)
	s := &en.services[v.service]
	st := &s.Stages[v.stage]
	e := &en.edges[i]
	v.pending--
	if !ok {
		place := 0
		for st.Calls[place] != i {
			place++
		}
		if v.lost>>place&1 == 0 {
			v.lost |= 1 << place
			e.n.lost++
		}
	}
	if st.AtLeast > 0 {
		en.counted(vi, mark, ok)
		return
	}
	goesOn := ok || e.enough(en.now)
	if !goesOn {
		if e.fallback > 0 && !st.Fallback {
			v.owed |= 1 << (e.fallback - 1)
		} else {
			v.failing = true
		}
		v.left = 0 // the rest is not asked any more
	}
	if v.pending > 0 {
		return
	}
	if v.left > 0 {
		v.left--
		v.pending++
		en.want(i, vi, mark)
		return
	}
	en.close(vi)
}

// counted goes on with a group of alternatives: when enough have answered, or no longer
// can, nobody waits for the others.
func (en *engine) counted(vi int32, mark uint32, ok bool) {
	v := en.visits.at(vi)
	st := &en.services[v.service].Stages[v.stage]
	first := &en.edges[st.Calls[0]]
	if ok {
		v.good++
	}
	if int(v.good) < st.AtLeast {
		en.ask(vi)
		if v.mark != mark || int(v.good+v.pending) >= st.AtLeast {
			return
		}
		// It cannot be done.
		if first.fallback > 0 {
			v.owed |= 1 << (first.fallback - 1)
		} else if !first.enough(en.now) {
			v.failing = true
		}
		v.left = 0
		en.close(vi)
		return
	}
	if v.left--; v.left > 0 && v.pending == 0 {
		v.good, v.asked = 0, 0
		en.ask(vi)
		return
	}
	en.close(vi)
}

// close ends a leg.
func (en *engine) close(vi int32) {
	v := en.visits.at(vi)
	if v.failing {
		en.finished(vi, false)
		return
	}
	v.stage++
	en.proceed(vi)
}
