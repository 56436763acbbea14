package replay

import (
	"slices"

	"github.com/knockon/knockon/propagate/scenario"
)

// extent is a recorded window in minutes, as wide as its bands. A beginning that is not
// known lies anywhere from the end of the window before, or the start of the scenario.
type extent struct {
	from, to float64
	begins   bool // From is known
}

// extents are those of windows of one service, which stand in order of their ends.
func extents(windows []*scenario.Recorded, horizon float64) []extent {
	all := make([]extent, len(windows))
	before := 0.0
	for i, w := range windows {
		e := extent{from: before, to: horizon, begins: w.Start.Known}
		if w.End.Known {
			e.to = w.End.High / 60
		}
		if w.Start.Known {
			e.from = w.Start.Low / 60
		}
		all[i] = e
		before = max(before, min(e.to, horizon))
	}
	return all
}

// assign gives recorded windows simulated ones, one to one and in order, so that they
// overlap as much as can be; where that is the same, so that most are in one state.
// Both stand in order. The result is the simulated window of each recorded one, -1 where
// none overlaps it.
func assign(recorded []extent, state func(recorded, simulated int) bool, simulated []Impact) []int {
	type worth struct {
		overlap float64
		alike   int
	}
	better := func(a, b worth) bool {
		if d := a.overlap - b.overlap; d > 1e-9 || d < -1e-9 {
			return d > 0
		}
		return a.alike > b.alike
	}
	n, m := len(recorded), len(simulated)
	best := make([][]worth, n+1) // of the first i and the first j
	for i := range best {
		best[i] = make([]worth, m+1)
	}
	pair := func(i, j int) (worth, bool) {
		overlap := min(recorded[i].to, simulated[j].To) - max(recorded[i].from, simulated[j].From)
		w := worth{overlap: overlap}
		if state(i, j) {
			w.alike = 1
		}
		return w, overlap > 0
	}
	for i := 1; i <= n; i++ {
		for j := 1; j <= m; j++ {
			b := best[i-1][j]
			if c := best[i][j-1]; better(c, b) {
				b = c
			}
			if w, ok := pair(i-1, j-1); ok {
				c := best[i-1][j-1]
				c.overlap, c.alike = c.overlap+w.overlap, c.alike+w.alike
				if better(c, b) {
					b = c
				}
			}
			best[i][j] = b
		}
	}
	partner := slices.Repeat([]int{-1}, n)
	for i, j := n, m; i > 0 && j > 0; {
		switch b := best[i][j]; {
		case !better(b, best[i-1][j]):
			i--
		case !better(b, best[i][j-1]):
			j--
		default:
			i, j = i-1, j-1
			partner[i] = j
		}
	}
	return partner
}
