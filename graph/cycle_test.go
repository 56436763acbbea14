package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/knockon/knockon/catalog"
)

// names writes components as "a b, c": services of one side by side.
func names(g *Graph, components [][]Node) string {
	var text []string
	for _, component := range components {
		var ids []string
		for _, v := range component {
			ids = append(ids, g.ID(v))
		}
		text = append(text, strings.Join(ids, " "))
	}
	return strings.Join(text, ", ")
}

func TestComponents(t *testing.T) {
	g := graphOf(t,
		service("app", on("auth"), on("db")),
		service("auth", on("config"), on("db")),
		service("config", on("auth", to(catalog.ToStart)), on("dns")),
		service("db", on("disk", orElse("dns"))),
		service("dns", on("db", to(catalog.ToStart))),
	)
	if got, want := names(g, g.Components(nil)), "disk, db dns, auth config, app"; got != want {
		t.Errorf("all: %s, want %s", got, want)
	}
	toServe := func(n *Need) bool { return n.Declared.To == catalog.ToServe }
	if got, want := names(g, g.Components(toServe)), "dns, config, disk, db, auth, app"; got != want {
		t.Errorf("to serve: %s, want %s", got, want)
	}
	if got := Build(&catalog.Catalog{}).Components(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// A chain as long as a large catalog must not exhaust the stack, nor a ring.
func TestComponentsOfLongChains(t *testing.T) {
	const n = 200_000
	chain := adjacency{first: make([]int32, n+1)}
	for v := range Node(n - 1) {
		chain.nodes = append(chain.nodes, v+1)
		chain.first[v+1] = int32(len(chain.nodes))
	}
	chain.first[n] = n - 1
	order, ends := chain.components()
	if len(ends) != n || order[0] != n-1 || order[n-1] != 0 {
		t.Errorf("chain: %d components from %d to %d", len(ends), order[0], order[n-1])
	}
	ring := adjacency{first: slices.Clone(chain.first), nodes: append(slices.Clone(chain.nodes), 0)}
	ring.first[n] = n
	order, ends = ring.components()
	if len(ends) != 1 || order[0] != n-1 || order[n-1] != 0 {
		t.Errorf("ring: %d components from %d to %d", len(ends), order[0], order[n-1])
	}
}
