package out

import (
	"slices"

	"github.com/knockon/knockon/out/gv"
)

// Picture is what a picture shows of a report.
type Picture string

// The pictures.
const (
	Usual     Picture = ""          // what suits the report; see usual
	Graph     Picture = "graph"     // who is hit, and by which way
	Charts    Picture = "charts"    // what is asked of services and what comes of it
	Swimlanes Picture = "lanes"     // the states of services against the clock
	Curve     Picture = "radius"    // the blast radius over time
	Animation Picture = "animation" // the graph over time, by style sheets
	Record    Picture = "record"    // what was recorded of an incident, and what came out
	Card      Picture = "card"      // what an incident does to services laid over its own
	Rings     Picture = "rings"     // who is hit, the later or further the further out
)

// Pictures are the pictures that there are of a report; the contents of it do not
// matter.
func Pictures(r Report) []Picture {
	switch r.(type) {
	case *Run:
		return []Picture{Charts, Swimlanes, Curve, Rings, Animation}
	case *Replay:
		return []Picture{Record, Charts, Swimlanes, Curve, Rings, Animation, Card}
	case *Ensemble:
		return []Picture{Charts}
	case *Blast:
		return []Picture{Graph, Rings, Animation}
	case *Map:
		return []Picture{Graph}
	}
	return nil
}

// Draws reports whether there is such a picture of a report.
func (p Picture) Draws(r Report) bool { return p == Usual || slices.Contains(Pictures(r), p) }

// drawOver draws a graph over time.
func drawOver(c *course) ([]byte, error) {
	if err := gv.Place(c.scene); err != nil {
		return nil, err
	}
	return drawAnimation(c), nil
}

// drawRun draws a picture of a run. The usual one is the charts, and where they have no
// room for every service that was impaired, the lanes.
func drawRun(r *Run, p Picture) ([]byte, error) {
	switch {
	case p == Animation && r.Map != nil:
		return drawOver(runCourse(r))
	case p == Rings && r.Map != nil:
		return drawRings(runRings(r)), nil
	case p == Curve:
		return drawRadius(r)
	case p == Swimlanes, p == Usual && (len(r.Impaired) > mostPanels || len(r.Recorded) > 0):
		return drawSwimlanes(r), nil
	default:
		return drawCharts(r), nil
	}
}
