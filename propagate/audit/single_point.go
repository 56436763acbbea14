package audit

import (
	"fmt"
	"slices"

	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

var _ = register(Rule{
	ID:       "KO101",
	Name:     "single-point-of-failure",
	Severity: Error,
	Summary:  "The loss of one service takes down many of the most important ones.",
	Looks: `A service whose loss alone takes down at least "least" other services of tier "tier" or ` +
		`better, and at least "share" of them. Services are tried in the order of the damage they do. ` +
		`Services that fall together are one finding, at the one where the paths meet; ` +
		`what it cannot do without itself is listed and not found again. Of more than "most" findings the ` +
		`greatest are reported.`,
	Why: "What everything stands on decides how available everything is: nothing above it can be better " +
		"than it is. Which services these are is seldom what people would guess, because it is the " +
		"sum over all paths.",
	Taught: "AWS, 19 October 2025: one DNS record of DynamoDB went empty and took EC2 launches, Lambda, " +
		"IAM, Redshift and over a hundred other services with it (aws.amazon.com/message/101925).",
	FalseAlarm: "The service is a stand-in for something that is redundant inside and cannot fail as a " +
		"whole. Few things cannot: one configuration, one deployment and one name reach all replicas.",
	Fix: "Make the needs on it soft (if_lost), give the callers an alternative that does not share it, or " +
		"divide it into cells so that one failure reaches a part of its users.",
	Params: []Param{
		{"tier", int64(1), "services of this tier or better count"},
		{"least", int64(3), "so many others must fall"},
		{"share", unit.Ratio(0.05), "and such a share of all of them"},
		{"most", int64(5), "findings at most; the greatest damage first"},
	},
	Check: singlePoints,
})

func singlePoints(p *Pass) {
	tier := int64(p.Count("tier"))
	var all []graph.Node
	for v := range graph.Node(p.Graph.Len()) {
		if t, ok := p.Tier(v); ok && t <= tier {
			all = append(all, v)
		}
	}
	least := max(p.Count("least"), int(float64(p.Ratio("share"))*float64(len(all))))
	var clusters []*singlePoint
	misses := 0
	for _, d := range p.Ranking() {
		// The ranking is by all that is hit. Where many in a row take too little down,
		// those below do too.
		if misses >= enoughMisses || p.stopped() {
			break
		}
		if d.Count[graph.Down]-1 < least {
			misses++
			continue
		}
		b := p.Graph.Blast([]graph.Root{{Node: d.Root, As: graph.IsDown}}, graph.Options{})
		s := &singlePoint{root: d.Root, blast: b}
		for _, v := range all {
			if v != d.Root && b.Outcome(v) == graph.Down {
				s.fall = append(s.fall, v)
			}
		}
		if len(s.fall) < least {
			misses++
			continue
		}
		// A few more than are reported, because those that follow may join them.
		if clusters = join(clusters, s); len(clusters) > 2*p.Count("most") {
			break
		}
	}
	clusters = clusters[:min(len(clusters), p.Count("most"))]
	for _, s := range clusters {
		p.Report(s.finding(p, len(all), tier))
	}
}

// enoughMisses is after how many services that take too little down the search ends.
const enoughMisses = 100

// singlePoint is a service that takes important ones down.
type singlePoint struct {
	root  graph.Node
	blast *graph.Blast
	fall  []graph.Node // important, without the root
	below []graph.Node // what does the same, because the root cannot do without it
}

// join adds a service to the others. Of those that fall with each other and take down
// nearly the same, the one where the paths meet stays: it falls with all below it.
func join(clusters []*singlePoint, s *singlePoint) []*singlePoint {
	var stays []*singlePoint
	for i, c := range clusters {
		falls, fells := c.blast.Outcome(s.root) == graph.Down, s.blast.Outcome(c.root) == graph.Down
		switch same := c.nearly(s); {
		case same && fells: // s stands below it, or they stand on each other
			c.below = append(append(c.below, s.root), s.below...)
			return append(stays, clusters[i:]...)
		case same && falls:
			s.below = append(append(s.below, c.root), c.below...)
		default:
			stays = append(stays, c)
		}
	}
	return append(stays, s)
}

// nearly reports whether two services take down nearly the same.
func (s *singlePoint) nearly(t *singlePoint) bool {
	common := 0
	for _, v := range t.fall {
		if s.blast.Outcome(v) == graph.Down {
			common++
		}
	}
	small, large := min(len(s.fall), len(t.fall)), max(len(s.fall), len(t.fall))
	return common*10 >= small*9 && small*10 >= large*7
}

func (s *singlePoint) finding(p *Pass, all int, tier int64) Finding {
	g := p.Graph
	id := g.ID(s.root)
	message := fmt.Sprintf("%s takes down %d of the other %d services of tier 0 to %d when it is lost", id, len(s.fall), all-1, tier)
	if t, ok := p.Tier(s.root); !ok || t > tier {
		message = fmt.Sprintf("%s takes down %d of %d services of tier 0 to %d when it is lost", id, len(s.fall), all, tier)
	}
	if tier == 0 {
		message = fmt.Sprintf("%s takes down %d services of tier 0 when it is lost", id, len(s.fall))
	}
	slices.Sort(s.below)
	switch n := len(s.below); n {
	case 0:
	case 1:
		message += fmt.Sprintf("; so does %s, on which it stands", g.ID(s.below[0]))
	default:
		message += fmt.Sprintf("; so does each of the %d it stands on: %s", n, p.Names(s.below))
	}
	f := Finding{Service: id, At: g.Service(s.root).At, Message: message, Damage: p.Damage(s.root)}
	// The evidence is the farthest of those that fall: it shows how far it goes.
	far, hops := s.root, -1
	for _, v := range s.fall {
		if w, ok := s.blast.Worst(v); ok && w.Distance > hops {
			far, hops = v, w.Distance
		}
	}
	cause := s.root
	for i, step := range s.blast.Path(far) {
		if i == 0 {
			f.Path = append(f.Path, p.At(cause, "%s is lost", id))
			continue
		}
		f.Path = append(f.Path, p.Needs(step.Need, cause))
		cause = step.Node
	}
	return f
}
