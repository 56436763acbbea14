package graph

import (
	"math"
)

// Importance is what a cause means for a service being lost. P is the probability of
// that; P1 and P0 are what it is when the cause has happened for certain, and when it
// never does.
//
// Definitions after Vesely, Goldberg, Roberts and Haasl, "Fault Tree Handbook",
// NUREG-0492, 1981, and van der Borst and Schoonakker, "An overview of PSA importance
// measures", Reliability Engineering and System Safety 72(3), 2001.
type Importance struct {
	Cause       int     // of Causes
	Probability float64 // of the cause

	// Birnbaum is P1 - P0: the derivative of P by the probability of the cause, and the
	// probability that all hangs on it.
	Birnbaum float64
	// FussellVesely is by cut sets: the probability that one with the cause in it has
	// happened, given that the service is lost. NaN where working it out would take too
	// long.
	FussellVesely float64
	// Criticality is by conditional probability, which some tools call Fussell-Vesely:
	// (P - P0) / P, the share of P that would go if the cause never happened. It is at
	// most FussellVesely: with two cut sets at once, doing away with one does not help.
	Criticality float64
	// Achievement is the risk achievement worth (RAW), P1 / P: how many times more
	// probable the loss is once the cause has happened.
	Achievement float64
	// Reduction is the risk reduction worth (RRW), P / P0: how many times less probable
	// the loss is if the cause never happens. Infinite if it is in every cut set.
	Reduction float64
}

// Importance returns the importance of every cause, in the order of Causes, where
// cause i has happened with probability p[i]. Of causes that do not matter Birnbaum is 0
// and the worths are 1. Ratios to a P of zero are NaN.
func (t *FaultTree) Importance(p []float64) []Importance {
	modules := t.probabilities(p)
	last := len(t.solver.modules) - 1
	whole := modules[last]
	all := make([]Importance, len(t.causes))
	for c := range all {
		all[c] = t.importance(c, p[c], whole, place{without: whole, with: whole})
	}
	// What the top is worth, seen from each module; callers come after what they name.
	places := make([]place, len(t.solver.modules))
	places[last] = place{with: 1, slope: 1, covered: 1}
	for i := last; i >= 0; i-- {
		m := &t.solver.modules[i]
		q := t.leafProbabilities(m, p, modules)
		covered := m.covered(q)
		for l, given := range m.space.Conditional(m.fails, q) {
			in := places[i].within(given.False, given.True, given.Slope)
			in.covered = float64(places[i].covered * covered[l])
			if c := m.leaves[l]; c < t.solver.causes {
				all[c] = t.importance(c, p[c], whole, in)
			} else {
				places[c-t.solver.causes] = in
			}
		}
	}
	return all
}

// place is the probability of the top without and with a leaf, the slope between, and
// the probability that what else a cut set with the leaf needs has happened.
type place struct{ without, with, slope, covered float64 }

// within is the place of a leaf of the module in a place.
func (in place) within(without, with, slope float64) place {
	between := in.with - in.without
	return place{
		without: in.without + float64(between*without),
		with:    in.without + float64(between*with),
		slope:   float64(in.slope * slope),
	}
}

func (t *FaultTree) importance(c int, p, whole float64, in place) Importance {
	i := Importance{
		Cause: c, Probability: p, Birnbaum: in.slope,
		FussellVesely: float64(p*in.covered) / whole,
		Criticality:   float64(p*in.slope) / whole, // P - P0 = p (P1 - P0)
		Achievement:   in.with / whole,
		Reduction:     whole / in.without,
	}
	if whole == 0 {
		i.FussellVesely, i.Criticality, i.Achievement, i.Reduction = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	}
	return i
}

// maxCovering bounds the work on Fussell-Vesely: vertices times leaves.
const maxCovering = 20_000_000

// covered returns by leaf the probability that all else has happened in some minimal
// cut set with it: NaN if that is too much work.
func (m *module) covered(q []float64) []float64 {
	all := make([]float64, len(m.leaves))
	for l := range all {
		all[l] = math.NaN()
		if m.size*len(m.leaves) <= maxCovering {
			others := m.space.Cover(m.space.Containing(m.minimal, l))
			if p := m.space.Probability(others, q); m.space.Err() == nil {
				all[l] = p
			}
		}
	}
	return all
}
