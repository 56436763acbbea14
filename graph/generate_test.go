package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/knockon/knockon/catalog"
)

// generate makes a catalog in the shape of large microservice estates: 8 layers, a
// lognormal number of callees (4 on average), callees by a truncated Zipf law, so
// that some are hubs. Back is the share of calls that lead back up at random: 2 %
// of them tie a fifth of the services into one knot, and raise what a service takes
// with it from 0.3 % of 100,000 services to 30 %. Names are in no relation to layers,
// as in life. The same seed makes the same catalog.
//
// Shape after Luo et al., "Characterizing Microservice Dependency and Performance:
// Alibaba Trace Analysis", SoCC 2021.
func generate(n int, back float64, seed uint64) *catalog.Catalog {
	const layers, zipf = 8, 2.5
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("s%07d", i)
	}
	service := random.Perm(n) // position, top layer first, to service
	begins := func(layer int) int { return layer * n / layers }
	callees := make([][]int, n)
	calls := 0
	for layer := range layers - 1 {
		for p := begins(layer); p < begins(layer+1); p++ {
			// exp(mu + sigma²/2) = 4 · 8/7, because the last layer calls nobody
			degree := int(math.Round(math.Exp(1.2 + 0.8*random.NormFloat64())))
			for range min(degree, 200) {
				below := layer + 1 + min(random.IntN(layers-layer-1), random.IntN(layers-layer-1))
				width := float64(begins(below+1) - begins(below))
				// Rank of a callee by a Zipf law with exponent 1 - 1/zipf.
				rank := int(width * math.Pow(random.Float64(), zipf))
				if width > 0 {
					callees[p] = append(callees[p], begins(below)+rank)
					calls++
				}
			}
		}
	}
	for range int(back * float64(calls)) {
		p := random.IntN(n)
		if to := random.IntN(n); to != p {
			callees[p] = append(callees[p], to)
			calls++
		}
	}
	c := &catalog.Catalog{Services: make([]catalog.Service, n)}
	needs, targets := make([]catalog.Need, 0, calls), make([]string, 0, calls)
	for p, callees := range callees {
		for i := range callees {
			callees[i] = service[callees[i]]
		}
		slices.Sort(callees)
		first := len(needs)
		for _, callee := range slices.Compact(callees) {
			targets = append(targets, ids[callee])
			needs = append(needs, catalog.Need{Targets: targets[len(targets)-1:]})
		}
		c.Services[service[p]] = catalog.Service{ID: ids[service[p]], Weight: 1, Needs: needs[first:len(needs):len(needs)]}
	}
	return c
}

// mix makes other needs of some: soft, cached, asynchronous, for change, groups.
func mix(c *catalog.Catalog, seed uint64) *catalog.Catalog {
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range c.Services {
		s := &c.Services[i]
		s.Weight = float64(random.IntN(5))
		if len(s.Needs) > 3 && random.IntN(4) == 0 {
			group := catalog.Need{AtLeast: 2}
			for _, n := range s.Needs[:3] {
				group.Targets = append(group.Targets, n.Targets...)
			}
			s.Needs = append([]catalog.Need{group}, s.Needs[3:]...)
		}
		for j := range s.Needs {
			switch n := &s.Needs[j]; random.IntN(8) {
			case 0:
				n.IfLost = catalog.Degrade
			case 1:
				n.IfLost = catalog.Fallback
			case 2:
				n.IfLost, n.TTL = catalog.Stale, lasting(hour)
			case 3:
				n.Mode = catalog.Async
			case 4:
				n.To = catalog.ToScale
			}
		}
		slices.SortStableFunc(s.Needs, compareNeeds)
	}
	return c
}

// hub is the service whose loss hits most, of those that most need.
func hub(g *Graph) Node {
	byUsers := make([]Node, g.Len())
	for v := range byUsers {
		byUsers[v] = Node(v)
	}
	users := func(v Node) int32 { return g.usersOf[v+1] - g.usersOf[v] }
	slices.SortFunc(byUsers, func(v, w Node) int { return int(users(w) - users(v)) })
	best, size := Node(0), 0
	for _, v := range byUsers[:min(20, len(byUsers))] {
		if n := g.Blast([]Root{{v, IsDown}}, Options{}).Size(); n > size {
			best, size = v, n
		}
	}
	return best
}

func TestGenerate(t *testing.T) {
	for _, back := range []float64{0, 0.02} {
		c := generate(2000, back, 1)
		if err := c.CheckValid(); err != nil {
			t.Fatal(err)
		}
		g := Build(c)
		if mean := float64(g.NeedCount()) / float64(g.Len()); mean < 3 || mean > 5 {
			t.Errorf("%.1f needs a service", mean)
		}
		if err := mix(c, 1).CheckValid(); err != nil {
			t.Fatal(err)
		}
	}
}
