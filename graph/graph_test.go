package graph

import (
	"slices"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
)

func TestBuild(t *testing.T) {
	c := sorted(t, &catalog.Catalog{
		Services: []catalog.Service{
			service("app", on("db"), on("db", async), atLeast(2, []string{"kv-a", "kv-b", "kv-c"}, orElse("cache"))),
			service("db", on("cache", staleFor(hour))),
		},
		Leases: []catalog.Lease{
			{ID: "sessions", Holder: "app", Keeper: "auth", Store: "db", Policy: policy.Lease{TTL: lasting(minute)}},
			{ID: "tokens", Holder: "app", Keeper: "auth", Store: "auth"},
		},
	})
	g := Build(c)
	if g.Len() != 7 || g.NeedCount() != 6 {
		t.Fatalf("%d services, %d needs", g.Len(), g.NeedCount())
	}
	for v, s := range c.Services {
		if node, ok := g.Node(s.ID); !ok || node != Node(v) || g.ID(node) != s.ID || g.Service(node) != &c.Services[v] {
			t.Errorf("service %d: %s", v, g.ID(Node(v)))
		}
	}
	if _, ok := g.Node("nobody"); ok {
		t.Error("there is no such service")
	}

	// Parallel needs are kept, declared ones first.
	type need struct {
		targets  string
		fallback string
		atLeast  int
		delay    unit.Duration
		assumed  bool
		lease    string
	}
	var got []need
	for n := range g.Needs(g.must("app")) {
		is := need{targets: names(g, [][]Node{g.Targets(n)}), atLeast: n.AtLeast()}
		is.delay, is.assumed = n.Delay()
		if f, ok := n.Fallback(); ok {
			is.fallback = g.ID(f)
		}
		if n.Lease != nil {
			is.lease = n.Lease.ID
		}
		if n.From != g.must("app") || (n.Declared == nil) != (n.Lease != nil) {
			t.Errorf("need %v of %s", is, g.ID(n.From))
		}
		got = append(got, is)
	}
	want := []need{
		{targets: "db"},
		{targets: "db"},
		{targets: "kv-a kv-b kv-c", fallback: "cache", atLeast: 2},
		{targets: "auth db", delay: minute, lease: "sessions"},
		{targets: "auth", assumed: true, lease: "tokens"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("needs of app:\n got %v\nwant %v", got, want)
	}

	// A fallback counts among those who depend on a service.
	for id, want := range map[string]string{"app": "", "db": "app app app", "cache": "app db", "auth": "app app", "kv-b": "app"} {
		var users []Node
		for n := range g.Users(g.must(id)) {
			users = append(users, n.From)
		}
		if got := names(g, [][]Node{users}); got != want {
			t.Errorf("users of %s: %s, want %s", id, got, want)
		}
	}
	for range g.Users(g.must("db")) {
		break // an iterator may be left early
	}
	for range g.Needs(g.must("app")) {
		break
	}
}
