package out

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
	"github.com/knockon/knockon/out/scene"
	"github.com/knockon/knockon/propagate"
)

// course is a graph over time: a placed scene, and what each of its boxes goes through.
// A run has it from its windows, a blast radius from the earliest times of its outcomes.
type course struct {
	scene  *scene.Scene
	spans  [][]outcomeSpan // of each node, by time; between them it is safe
	length float64         // seconds
	radius []radiusAt      // affected weight, by time
	peak   float64         // when most is affected
	tail   float64         // a time at which half of that is over, or the end
	onset  float64         // when the first is hit
	label  func(seconds float64) string
}

// outcomeSpan is an outcome that a box has for a while.
type outcomeSpan struct {
	from, to float64
	outcome  string
}

// radiusAt is what is affected from a time on.
type radiusAt struct{ at, weight float64 }

// stateOutcomes are the outcomes that stand for states in a graph; who recovers or is
// exposed answers as ever.
var stateOutcomes = map[propagate.State]graph.Outcome{
	propagate.Frozen: graph.Frozen, propagate.Throttled: graph.Stale, propagate.Delayed: graph.Delayed,
	propagate.Degraded: graph.Degraded, propagate.Down: graph.Down,
}

// runCourse lays a run out as a graph: a column for each step that impairment was passed
// on, in the manner of a blast radius.
func runCourse(r *Run) *course {
	b := r.asBlast()
	p := newBlastPicture(b)
	s := &p.Scene
	radius := r.Radius()
	c := &course{scene: s, length: r.untilSoonAfter(r.lastEvent()), label: r.timeLabel}
	for i := range p.boxes {
		n := &s.Nodes[i]
		box := &p.boxes[i]
		c.spans = append(c.spans, r.boxSpans(box))
		if box.folded() {
			n.When = ""
			continue
		}
		at := box.services[0]
		n.Title, n.When = printable(r.Services[at].ID+": not impaired"), ""
		n.Marks = nil
		for k := range r.Impaired {
			if m := &r.Impaired[k]; m.Service == at {
				text := r.title(at) + ": " + r.story(m)
				if m.Because != "" {
					text += "\nbecause " + m.Because
				}
				n.Title, n.Detail, n.When, n.Begins = printableLines([]string{text}), m.Worst.String(), moment(m.From), m.From
			}
		}
	}
	s.Title, s.Context = printable(r.Title), printable(r.Catalog)
	s.Summary = []string{printable(capitalFirst(r.headline())), printable(capitalFirst(radius.words()))}
	s.Notes = r.graphNotes(p)
	for _, x := range radius.Steps {
		weight, _ := x.affected()
		c.radius = append(c.radius, radiusAt{x.At, weight})
	}
	c.mark()
	s.Counts = c.counts(c.peak, len(r.Services), p)
	return c
}

// timeLabel is a time on the clock where there is one, and since the start.
func (r *Run) timeLabel(seconds float64) string {
	text := moment(coarse(math.Round(seconds)))
	if !r.Start.IsZero() {
		text = r.clock(seconds).Format("15:04") + "  ·  " + text
	}
	return text
}

// asBlast is a run as a blast radius: each service with the worst it comes to, when
// first, and who passed it on.
func (r *Run) asBlast() *Blast {
	b := &Blast{Map: *r.Map, As: graph.Down.String()}
	b.Services = slices.Clone(r.Map.Services)
	b.Links = slices.Clone(r.Map.Links)
	for k := range r.Impaired {
		m := &r.Impaired[k]
		s := &b.Services[m.Service]
		outcome, hit := stateOutcomes[m.Worst]
		if !hit {
			continue
		}
		s.Outcome, s.Cause = outcome, m.By
		s.Earliest = unit.Duration(math.Round(m.From * 1e9))
		s.Phases = []Phase{{outcome, s.Earliest}}
		s.Because = m.Because
	}
	for i := range b.Services {
		s := &b.Services[i]
		if s.Outcome == graph.Safe || s.Cause >= 0 && b.Services[s.Cause].Outcome == graph.Safe {
			s.Cause = -1
		}
		if r.Services[i].Faulted && s.Outcome != graph.Safe {
			s.Root, s.Cause = true, -1
			b.Roots = append(b.Roots, i)
		}
		b.Summary.Add(s.Outcome, s.Weight)
	}
	for i := range b.Services { // how far from its root, for folding; a circle of causes ends
		for at, n := b.Services[i].Cause, 0; at >= 0 && n < len(b.Services); at, n = b.Services[at].Cause, n+1 {
			b.Services[i].Distance++
		}
		b.Services[i].Distance = min(b.Services[i].Distance, len(b.Services))
	}
	by := slices.Repeat([]int{-1}, len(b.Services))
	for i := range b.Services {
		by[i] = b.Services[i].Cause
	}
	for i := range b.Links {
		l := &b.Links[i]
		l.Carries = by[l.From] == l.To
		l.Held = ""
		// Who is not known to be hit by another stands behind what it needs, if that was hit
		// before.
		user, target := &b.Services[l.From], &b.Services[l.To]
		if by[l.From] < 0 && !user.Root && user.Outcome != graph.Safe && target.Outcome != graph.Safe && target.Earliest < user.Earliest &&
			(user.Cause < 0 || target.Earliest < b.Services[user.Cause].Earliest) {
			user.Cause = l.To
		}
	}
	return b
}

// boxSpans are the outcomes of a box over time: of several services the worst.
func (r *Run) boxSpans(b *box) []outcomeSpan {
	var all []outcomeSpan
	for _, i := range b.services {
		for _, w := range r.Services[i].Windows {
			if o, hit := stateOutcomes[w.State]; hit {
				all = append(all, outcomeSpan{from: w.From, to: w.To, outcome: o.String()})
			}
		}
	}
	return worstOf(all, len(b.services) > 1)
}

// worstOf joins spans that lie over each other into the worst of them at a time.
func worstOf(all []outcomeSpan, several bool) []outcomeSpan {
	if !several {
		return all
	}
	rank := func(outcome string) int { return slices.Index(outcomeOrder, outcome) }
	var borders []float64
	for _, s := range all {
		borders = append(borders, s.from, s.to)
	}
	slices.Sort(borders)
	borders = slices.Compact(borders)
	worst := make([]int, len(borders))
	for _, s := range all {
		from, _ := slices.BinarySearch(borders, s.from)
		for k := from; k < len(borders) && borders[k] < s.to; k++ {
			worst[k] = max(worst[k], rank(s.outcome))
		}
	}
	var joined []outcomeSpan
	for k := range max(0, len(borders)-1) {
		if worst[k] == 0 {
			continue
		}
		if n := len(joined); n > 0 && joined[n-1].to == borders[k] && joined[n-1].outcome == outcomeOrder[worst[k]] {
			joined[n-1].to = borders[k+1]
			continue
		}
		joined = append(joined, outcomeSpan{from: borders[k], to: borders[k+1], outcome: outcomeOrder[worst[k]]})
	}
	return joined
}

// blastCourse is a blast radius over time: when an outcome can begin at the earliest.
func blastCourse(b *Blast) *course {
	p := newBlastPicture(b)
	last := 1.0
	for i := range b.Services {
		for _, phase := range b.Services[i].Phases {
			last = max(last, phase.Earliest.Seconds())
		}
	}
	c := &course{scene: &p.Scene, length: last * 1.15, label: func(seconds float64) string { return "after " + moment(math.Round(seconds)) }}
	type change struct{ at, weight float64 }
	var changes []change
	for i := range b.Services {
		s := &b.Services[i]
		if s.Outcome != graph.Safe {
			changes = append(changes, change{s.Phases[0].Earliest.Seconds(), s.Weight})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	weight := 0.0
	for _, x := range changes {
		weight += x.weight
		if n := len(c.radius); n > 0 && c.radius[n-1].at == x.at {
			c.radius[n-1].weight = weight
			continue
		}
		c.radius = append(c.radius, radiusAt{x.at, weight})
	}
	for i := range p.boxes {
		var all []outcomeSpan
		for _, at := range p.boxes[i].services {
			s := &b.Services[at]
			for k, phase := range s.Phases {
				span := outcomeSpan{from: phase.Earliest.Seconds(), to: c.length, outcome: phase.Outcome.String()}
				if k+1 < len(s.Phases) {
					span.to = s.Phases[k+1].Earliest.Seconds()
				}
				if s.Corrupt && phase.Outcome == graph.Down {
					span.outcome = "corrupt"
				}
				if span.to > span.from {
					all = append(all, span)
				}
			}
		}
		c.spans = append(c.spans, worstOf(all, len(p.boxes[i].services) > 1))
	}
	c.mark()
	return c
}

// mark finds the moments that a reader wants to see.
func (c *course) mark() {
	most := 0.0
	c.onset, c.tail = 0, c.length
	for _, x := range c.radius {
		if x.weight > 0 && most == 0 {
			c.onset = x.at
		}
		if x.weight > most {
			most, c.peak = x.weight, x.at
		}
	}
	for i := len(c.radius) - 1; i >= 0 && most > 0; i-- {
		if c.radius[i].weight > most/2 {
			break
		}
		c.tail = c.radius[i].at
	}
	if c.tail <= c.peak {
		c.tail = c.length
	}
}

// at is the outcome of a box at a time; "safe" outside its spans.
func (c *course) at(box int, seconds float64) string {
	for _, s := range c.spans[box] {
		if s.from <= seconds && seconds < s.to {
			return s.outcome
		}
	}
	return graph.Safe.String()
}

// counts are the boxes by outcome at a time, as shares of all services: those in no box
// of their own are safe.
func (c *course) counts(seconds float64, services int, p *blastPicture) []scene.Share {
	count := make([]int, len(outcomeOrder))
	seen := 0
	for i := range p.boxes {
		for range p.boxes[i].services {
			count[slices.Index(outcomeOrder, c.at(i, seconds))]++
			seen++
		}
	}
	count[0] += services - seen
	var all []scene.Share
	for o := len(count) - 1; o >= 0; o-- {
		if count[o] > 0 {
			all = append(all, scene.Share{Outcome: outcomeOrder[o], Count: count[o]})
		}
	}
	return all
}

// graphNotes say what a graph of a run leaves out.
func (r *Run) graphNotes(p *blastPicture) []string {
	var aside []string
	for i := range p.Services {
		if p.boxOf[i] < 0 {
			aside = append(aside, p.Services[i].ID)
		}
	}
	var notes []string
	if len(aside) > 0 {
		notes = append(notes, printable(fmt.Sprintf("%s not impaired and not shown: %s.", plural(len(aside), "service"), some(aside, ", "))))
	}
	folded, groups := 0, 0
	for i := range p.boxes {
		if p.boxes[i].folded() {
			folded += len(p.boxes[i].services)
			groups++
		}
	}
	if folded > 0 {
		notes = append(notes, fmt.Sprintf("%s folded into %s.", plural(folded, "service"), plural(groups, "group")))
	}
	return notes
}
