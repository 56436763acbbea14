package graph

import "math"

// Summary counts services, and adds up their weights, by outcome.
type Summary struct {
	Count  [len(OutcomeWords)]int
	Weight [len(OutcomeWords)]float64
}

// Add counts one service.
func (s *Summary) Add(o Outcome, weight float64) {
	s.Count[o]++
	s.Weight[o] += weight
}

// Impacted returns the number of services that are not safe, and their weight.
func (s *Summary) Impacted() (count int, weight float64) {
	for o := Stale; o <= Down; o++ {
		count += s.Count[o]
		weight += s.Weight[o]
	}
	return count, weight
}

// Summary sums over all services of the graph.
func (b *Blast) Summary() Summary {
	t := b.tally()
	return b.graph.summary(&t)
}

// tally counts from the log, so that it costs what the blast radius has hit and not
// what the graph has. A service counts at the first event of its outcome.
func (b *Blast) tally() tally {
	var t tally
	for _, e := range b.log {
		o := State(1 << e.bit()).Outcome()
		if o == b.state[e.node].Outcome() && (o != Down || e.wave&wasLost == 0) {
			t.add(o, b.graph.weight[e.node])
		}
	}
	return t
}

// tally is a summary in the making, of impaired services only. Its weights are
// whole multiples of one unit: whole numbers add up to the same sum in any order,
// on any number of cores.
type tally struct {
	count  [len(OutcomeWords)]int
	weight [len(OutcomeWords)]int64
}

func (t *tally) add(o Outcome, weight int64) {
	t.count[o]++
	t.weight[o] += weight
}

// impacted is the weight of all services that are not safe.
func (t *tally) impacted() int64 {
	var sum int64
	for o := Stale; o <= Down; o++ {
		sum += t.weight[o]
	}
	return sum
}

// summary turns a tally into a summary; what was not counted is safe.
func (g *Graph) summary(t *tally) Summary {
	s := Summary{Count: t.count}
	s.Count[Safe] = g.Len()
	for o := Stale; o <= Down; o++ {
		s.Count[Safe] -= t.count[o]
		s.Weight[o] = float64(t.weight[o]) / g.perUnit
	}
	s.Weight[Safe] = float64(g.totalWeight-t.impacted()) / g.perUnit
	return s
}

// weigh turns the weights of services into whole numbers of a common unit: of one
// if all are whole, else of the power of ten in which people wrote them, else of
// the finest power of two at which the sum fits into the 53 bits of a float64.
func (g *Graph) weigh() {
	total := 0.0
	for _, s := range g.services {
		total += s.Weight
	}
	whole := func(perUnit float64) bool {
		for _, s := range g.services {
			if math.Round(s.Weight*perUnit)/perUnit != s.Weight {
				return false
			}
		}
		return total*perUnit < 1<<52
	}
	g.perUnit = 1
	for !whole(g.perUnit) {
		if g.perUnit *= 10; g.perUnit > 1e9 {
			_, exponent := math.Frexp(total)
			g.perUnit = math.Ldexp(1, min(52-exponent, 1000))
			break
		}
	}
	g.weight = make([]int64, g.Len())
	for v, s := range g.services {
		g.weight[v] = int64(math.Round(s.Weight * g.perUnit))
		g.totalWeight += g.weight[v]
	}
}
