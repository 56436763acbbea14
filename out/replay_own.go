package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/knockon/knockon/propagate"
	"github.com/knockon/knockon/propagate/replay"
)

// What an incident does to services that are laid over its own: would it have gone
// through them? A text and a card tell it in the same words.

// fallout is what an incident does to all services laid over its own.
type fallout struct {
	services []ownService // the most important first: by tier, then the longest impaired
	hit      int          // that are impaired at any time
	minutes  float64      // of all of them
	ways     []way        // through which it came, the longest first

	mended float64 // minute at which the last fault was over; +Inf where it is not
	deed   string  // what was over then: "db was restored"
}

// ownService is what an incident does to one service. Times are minutes.
type ownService struct {
	index    int // in the run
	tier     *int64
	windows  []replay.Impact // in order of time
	from     float64         // of the first; +Inf where there is none
	impaired float64         // minutes in any of them
	after    float64         // of impaired: after the last fault was over
	open     bool            // not over when the run ended
	by       int             // the service that passed the first of them on; -1 for none that is known
	entry    int             // the service of the incident by which that came in; -1 for none that is known
	because  string          // of the worst
}

// way is a service of the incident by which it came in.
type way struct {
	service int
	hit     int     // services laid over it that were hit this way
	minutes float64 // of all of them
	last    int     // the last of them
	longest float64 // minutes of the window that because is of
	because string
}

// fallout sums up what the incident does to the services laid over its own.
func (r *Replay) fallout() *fallout {
	f := &fallout{}
	f.mended, f.deed = r.repair()
	own := make(map[int]bool, len(r.Own))
	for i := range r.Services {
		if _, ok := slices.BinarySearch(r.Own, r.Services[i].ID); ok {
			own[i] = true
		}
	}
	impaired := make([]*Impairment, len(r.Services))
	for i := range r.Impaired {
		impaired[r.Impaired[i].Service] = &r.Impaired[i]
	}
	for i := range r.Services {
		if !own[i] {
			continue
		}
		s := ownService{index: i, from: math.Inf(1), by: -1, entry: -1}
		if r.Map != nil {
			s.tier = r.Map.Services[i].Tier
		}
		for _, x := range r.Replay.Impacts {
			if x.Service != r.Services[i].ID {
				continue
			}
			by, entry, because := r.origin(i, &x, own, impaired)
			if len(s.windows) == 0 {
				s.from, s.by, s.entry = x.From, by, entry
			}
			s.windows = append(s.windows, x)
			s.impaired += x.To - x.From
			s.after += max(0, x.To-max(x.From, f.mended))
			s.open = x.Open
			if entry >= 0 {
				f.add(i, entry, x.To-x.From, because)
			}
		}
		if len(s.windows) > 0 {
			f.hit++
			f.minutes += s.impaired
			if m := impaired[i]; m != nil {
				s.because = m.Because
			}
		}
		f.services = append(f.services, s)
	}
	slices.SortStableFunc(f.ways, func(a, b way) int {
		return cmp.Or(cmp.Compare(b.minutes, a.minutes), cmp.Compare(a.service, b.service))
	})
	slices.SortStableFunc(f.services, func(a, b ownService) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.impaired, a.impaired), cmp.Compare(a.index, b.index))
	})
	return f
}

// add counts a window of a service in the way by which it came.
func (f *fallout) add(service, entry int, minutes float64, because string) {
	k := slices.IndexFunc(f.ways, func(w way) bool { return w.service == entry })
	if k < 0 {
		k = len(f.ways)
		f.ways = append(f.ways, way{service: entry, last: -1})
	}
	w := &f.ways[k]
	if w.last != service {
		w.last = service
		w.hit++
	}
	w.minutes += minutes
	if minutes > w.longest {
		w.longest, w.because = minutes, because
	}
}

// origin is who passed a window of a service on, the first service on the way that is of
// the incident, and why in a few words. Each wave of an outage has its own.
func (r *Replay) origin(service int, x *replay.Impact, own map[int]bool, impaired []*Impairment) (by, entry int, because string) {
	by, entry = -1, service
	for links := 0; links <= len(r.Own); links++ {
		up, why := -1, ""
		if m := impaired[entry]; m != nil {
			up, why = m.By, m.Because
		}
		if r.explain != nil {
			if cause := r.explain(r.Services[entry].ID, 30*(x.From+x.To)); cause != nil {
				m := Impairment{Service: entry, By: -1}
				r.trace(&m, cause)
				up, why = m.By, r.chain(cause, chainLinks)
			}
		}
		if links == 0 {
			by, because = up, why
		}
		if entry = up; entry < 0 || !own[entry] {
			return by, entry, because
		}
	}
	return by, -1, because // each owes it to the other
}

// reasons says why, the longest way first.
func (f *fallout) reasons() string {
	var parts []string
	for _, w := range f.ways[:min(len(f.ways), mostWays)] {
		if w.because != "" && !slices.Contains(parts, w.because) {
			parts = append(parts, w.because)
		}
	}
	return strings.Join(parts, "; ")
}

// rank is the tier; services without one come last.
func (s *ownService) rank() int64 {
	if s.tier == nil {
		return math.MaxInt64
	}
	return *s.tier
}

// in is how many minutes it was in a state.
func (s *ownService) in(state propagate.State) float64 {
	sum := 0.0
	for _, x := range s.windows {
		if x.State == state {
			sum += x.To - x.From
		}
	}
	return sum
}

// repair is when the last fault of the incident was over, in minutes, and what was
// over then.
func (r *Replay) repair() (minute float64, what string) {
	var last *Event
	faults := 0
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind != FaultEvent {
			continue
		}
		faults++
		if e.Open {
			return math.Inf(1), ""
		}
		if last == nil || e.To > last.To {
			last = e
		}
	}
	switch {
	case last == nil:
		return math.Inf(1), ""
	case faults > 1:
		return last.To / 60, "the last fault was over"
	}
	return last.To / 60, last.Service + " was restored"
}

// first is the service that is hit first; of several, one that the incident reaches
// without another of them between. It is nil where none is hit.
func (f *fallout) first() *ownService {
	var first *ownService
	for i := range f.services {
		s := &f.services[i]
		if len(s.windows) == 0 {
			continue
		}
		if first == nil || s.from < first.from || s.from == first.from && s.by == s.entry && first.by != first.entry {
			first = s
		}
	}
	return first
}

// worst is the service that is impaired for longest; of several, the most important. It
// is nil where none is.
func (f *fallout) worst() *ownService {
	var worst *ownService
	for i := range f.services {
		if s := &f.services[i]; len(s.windows) > 0 && (worst == nil || s.impaired > worst.impaired) {
			worst = s
		}
	}
	return worst
}

// tierCount is how many services of a tier are hit.
type tierCount struct {
	name    string // "tier 0", or "no tier"
	hit, of int
}

// tiers counts who is hit in each tier; empty where no tier is stated.
func (f *fallout) tiers() []tierCount {
	var all []tierCount
	for i := range f.services { // by tier
		s := &f.services[i]
		name := "no tier"
		if s.tier != nil {
			name = "tier " + tier(s.tier)
		}
		if n := len(all); n == 0 || all[n-1].name != name {
			all = append(all, tierCount{name: name})
		}
		n := &all[len(all)-1]
		n.of++
		if len(s.windows) > 0 {
			n.hit++
		}
	}
	if len(all) == 1 && all[0].name == "no tier" {
		return nil
	}
	return all
}

// minutesText prints a length of minutes: "2h48m".
func minutesText(minutes float64) string { return moment(math.Round(minutes) * 60) }

// whose are the services laid over the incident: "Parcel Desk", or "yours".
func (r *Replay) whose() string {
	if title := strings.TrimSpace(r.OwnTitle); title != "" {
		return "of " + cut(printable(title), 60)
	}
	return "of yours"
}

// count is how many of them are hit.
func (r *Replay) count(f *fallout) string {
	switch n := len(f.services); {
	case n == 0:
		return "no services are laid over those of the incident"
	case f.hit == 0 && n == 1:
		return "the one service " + r.whose() + " is not hit"
	case f.hit == 0:
		return fmt.Sprintf("none of %d services %s is hit", n, r.whose())
	case n == 1:
		return "the one service " + r.whose() + " is hit"
	case f.hit == n:
		return fmt.Sprintf("all %d services %s are hit", n, r.whose())
	case f.hit == 1:
		return fmt.Sprintf("1 of %d services %s is hit", n, r.whose())
	default:
		return fmt.Sprintf("%d of %d services %s are hit", f.hit, n, r.whose())
	}
}

// states is how long a service is in which state, the worst first: "down for 2h40m,
// degraded for 8m".
func (s *ownService) states() string {
	var parts []string
	for state := propagate.Down; state > propagate.Exposed; state-- {
		if m := s.in(state); m > 0 {
			parts = append(parts, state.String()+" for "+minutesText(m))
		}
	}
	return strings.Join(parts, ", ")
}

// sentence is the verdict: who is hit worst, for how long, and how much of it lay after
// the repair.
func (r *Replay) sentence(f *fallout) string {
	worst := f.worst()
	if worst == nil {
		return "no two minutes in which " + percent(replay.Shown) + " of what is asked of them fails"
	}
	text := "longest " + r.title(worst.index) + ": " + worst.states()
	if f.hit == 1 {
		text = "hit is " + r.title(worst.index) + ": " + worst.states()
	}
	switch {
	case math.IsInf(f.mended, 1):
	case worst.after >= 0.5:
		text += fmt.Sprintf("; %s of it after %s at %s", minutesText(worst.after), f.deed, r.minute(f.mended))
	default:
		text += fmt.Sprintf("; over when %s at %s", f.deed, r.minute(f.mended))
	}
	if worst.open {
		text += ", and not over at the end"
	}
	return text
}

// beginning is when and by whom the first of them is hit.
func (r *Replay) beginning(f *fallout) string {
	first := f.first()
	if first == nil {
		return ""
	}
	text := fmt.Sprintf("first hit at %s: %s", r.minute(first.from), r.title(first.index))
	if first.by >= 0 {
		text += ", by " + r.title(first.by)
	}
	return text
}

// mostWays are shown.
const mostWays = 3

// through says by which services of the incident it came in.
func (r *Replay) through(f *fallout) string {
	if len(f.ways) == 0 {
		return ""
	}
	var parts []string
	for i, w := range f.ways {
		if i == mostWays {
			parts = append(parts, fmt.Sprintf("%d more", len(f.ways)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%s)", r.title(w.service), plural(w.hit, "service")))
	}
	return "through " + strings.Join(parts, ", ")
}

// ownText says what the incident does to services that are laid over its own.
func (r *Replay) ownText(b *strings.Builder, o Options) {
	if len(r.Own) == 0 {
		return
	}
	f := r.fallout()
	text := r.count(f)
	var tiers []string
	for _, n := range f.tiers() {
		tiers = append(tiers, fmt.Sprintf("%s: %d of %d", n.name, n.hit, n.of))
	}
	if len(tiers) > 0 {
		text += " (" + strings.Join(tiers, ", ") + ")"
	}
	paragraph(b, text+"; "+r.sentence(f), bold, o)
	if begins := r.beginning(f); begins != "" {
		paragraph(b, strings.TrimSuffix(begins+"; "+r.through(f), "; "), "", o)
	}
	if why := f.reasons(); why != "" {
		paragraph(b, "because: "+why, dim, o)
	}
	b.WriteString("\n")
	t := table{head: []string{"ON TOP", "IMPAIRED", "FAILED", "", "BECAUSE"}, right: []bool{false, false, true, true, false}, key: 0, prose: true}
	for i := range f.services {
		s := &f.services[i]
		id := r.Services[s.index].ID
		row := []cell{{id, bold}, {text: r.allOf(id)}, {}, {}, {text: s.because}}
		for k := range r.Impaired {
			if m := &r.Impaired[k]; m.Service == s.index {
				row[2].text, row[3].text = amount(m.Lost), m.lost()
			}
		}
		t.row(row...)
	}
	t.write(b, o)
	b.WriteString("\n")
}
