package plan

import (
	"cmp"
	"math"
	"slices"
)

// lanes sorts the calls to every service into the rows of its queue.
func (p *Plan) lanes(expiries []string) {
	for v := range p.Services {
		s := &p.Services[v]
		for _, i := range s.In {
			e := &p.Calls[i]
			want := Lane{Async: e.Async, Limit: math.Inf(1), Expiry: math.Inf(1)}
			if e.Need != nil {
				want.Priority = e.Need.Priority.Or(0)
				want.Weight = e.Need.Share.Or(0)
			}
			if e.Async {
				want.Priority = math.MaxInt64
				want.Limit = s.Retention
			} else if s.Expires {
				want.Limit = max(0, e.Timeout-s.Margin)
			}
			if !e.Async {
				want.Limit = min(want.Limit, s.Deadline)
			}
			if slices.Contains(expiries, s.ID) {
				want.Expiry = s.expiry(e)
			}
			k := slices.IndexFunc(s.Lanes, func(l Lane) bool {
				return l.Priority == want.Priority && l.Async == want.Async && l.Limit == want.Limit && l.Expiry == want.Expiry && l.Weight == want.Weight
			})
			if k < 0 {
				k = len(s.Lanes)
				want.Newest = !e.Async && s.Decl.Queue != nil && s.Decl.Queue.Discipline == "lifo"
				s.Lanes = append(s.Lanes, want)
			}
			s.Lanes[k].Calls = append(s.Lanes[k].Calls, i)
		}
		s.shareOut()
		slices.SortStableFunc(s.Lanes, func(a, b Lane) int { return cmp.Compare(a.Priority, b.Priority) })
		for k := range s.Lanes {
			for _, i := range s.Lanes[k].Calls {
				p.Calls[i].Lane = int32(k)
			}
		}
	}
}

// shareOut gives the lanes whose callers state no share what the others leave.
func (s *Service) shareOut() {
	rest, without := 1.0, 0
	for k := range s.Lanes {
		rest -= s.Lanes[k].Weight
		if s.Lanes[k].Weight == 0 {
			without++
		}
	}
	for k := range s.Lanes {
		if s.Lanes[k].Weight == 0 {
			s.Lanes[k].Weight = max(1e-6, rest/float64(without))
		}
	}
}
