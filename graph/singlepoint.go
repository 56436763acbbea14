package graph

import "context"

// SinglePoint is a service that loses others by itself alone: a minimal cut set of one
// member, of each of them.
type SinglePoint struct {
	Damage
	Loses int // how many it loses of those that were asked about, itself excluded
}

// SinglePoints returns the services that alone lose any of some others, worst first in
// the order of Rank; and by service how many lose it alone, itself included. Lost is
// down or answering wrongly. Both are of the services that have been tried, where the
// context ended.
func (g *Graph) SinglePoints(ctx context.Context, others func(Node) bool, progress func(done, total int)) ([]SinglePoint, []int, error) {
	half := func(before int) func(done, total int) {
		if progress == nil {
			return nil
		}
		return func(done, total int) { progress(before*total+done, 2*total) }
	}
	// The weight of what is down, where nothing weighs anything but those others.
	asked := *g
	asked.weight = make([]int64, g.Len())
	for v := range asked.weight {
		if others(Node(v)) {
			asked.weight[v] = 1
		}
	}
	tallies := make([]tally, g.Len())
	if err := asked.sweepAll(ctx, tallies, nil, half(0)); err != nil {
		return nil, nil, err
	}
	ranking, exposure, err := g.RankAndExposure(ctx, half(1))
	var points []SinglePoint
	for _, d := range ranking {
		if loses := tallies[d.Root].weight[Down] - asked.weight[d.Root]; loses > 0 {
			points = append(points, SinglePoint{d, int(loses)})
		}
	}
	return points, exposure, err
}
