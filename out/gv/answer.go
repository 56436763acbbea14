package gv

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// output is what is read of Graphviz' json0 format.
// https://graphviz.org/docs/outputs/json/
type output struct {
	Objects []struct {
		Name string `json:"name"`
		Pos  string `json:"pos"` // "x,y" of a node, y upward
	} `json:"objects"`
	Edges []struct {
		ID string `json:"id"`
	} `json:"edges"`
}

// heights returns how far down the nodes n0, n1 and so on stand. One that is
// missing is an error.
func (o *output) heights(count int) ([]float64, error) {
	all, found := make([]float64, count), make(map[int]bool)
	for _, object := range o.Objects {
		i, ok := index(object.Name, "n", count)
		if !ok {
			continue
		}
		_, y, _ := strings.Cut(object.Pos, ",")
		f, err := strconv.ParseFloat(y, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("graphviz placed a node at %q", object.Pos)
		}
		all[i] = -round(f)
		found[i] = true
	}
	if len(found) != count {
		return nil, fmt.Errorf("graphviz placed %d of %d nodes", len(found), count)
	}
	return all, nil
}

// checkEdges finds the edges e0, e1 and so on. One that is missing is an error:
// Graphviz has lost edges without one, and an order found without an edge is an
// order for another picture.
func (o *output) checkEdges(count int) error {
	found := make(map[int]bool)
	for _, edge := range o.Edges {
		if i, ok := index(edge.ID, "e", count); ok {
			found[i] = true
		}
	}
	if len(found) != count {
		return fmt.Errorf("graphviz placed %d of %d edges", len(found), count)
	}
	return nil
}

// index reads what follows a prefix: a number below a limit.
func index(name, prefix string, limit int) (i int, ok bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(digits)
	return i, err == nil && 0 <= i && i < limit
}

// round keeps a tenth of a pixel, so that the last digits of some arithmetic do
// not reach a file.
func round(f float64) float64 { return math.Round(f*10) / 10 }

func inches(pixels float64) string { return strconv.FormatFloat(pixels/72, 'f', 4, 64) }
