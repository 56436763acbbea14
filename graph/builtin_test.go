package graph_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/policy"
	"github.com/knockon/knockon/catalog/unit"
	"github.com/knockon/knockon/graph"
)

func loadBuiltin(t *testing.T, name string) *catalog.Catalog {
	t.Helper()
	source, ok := catalog.Builtin(name)
	if !ok {
		t.Fatalf("there is no built-in catalog %q", name)
	}
	c, faults, err := catalog.Load(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Errorf("%v: %s", f.Span, f.Message)
	}
	if c == nil {
		t.FailNow()
	}
	return c
}

func mustNode(t *testing.T, g *graph.Graph, id string) graph.Node {
	t.Helper()
	v, ok := g.Node(id)
	if !ok {
		t.Fatalf("there is no service %q", id)
	}
	return v
}

func blastBuiltin(t *testing.T, g *graph.Graph, root string) *graph.Blast {
	t.Helper()
	return g.Blast([]graph.Root{{Node: mustNode(t, g, root), As: graph.IsDown}}, graph.Options{})
}

func TestBuiltins(t *testing.T) {
	for _, name := range catalog.Builtins() {
		t.Run(name, func(t *testing.T) {
			c := loadBuiltin(t, name)
			if g := graph.Build(c); g.Len() != len(c.Services) {
				t.Errorf("%d services, %d nodes", len(c.Services), g.Len())
			}
		})
	}
}

// TestBlastOfOctober2025 compares the blast radius of the empty DNS record with
// what was recorded. The reasons are the record's.
func TestBlastOfOctober2025(t *testing.T) {
	tests := []struct {
		id     string
		want   graph.Outcome
		reason string
	}{
		{"dynamodb-dns", graph.Down, "the root"},
		{"dynamodb", graph.Down, "nobody could make a new connection"},
		{"dynamodb-global-tables", graph.Delayed, "replication lagged, and caught up"},
		{"dwfm", graph.Down, "could not check the state of droplets"},
		{"ec2-launch", graph.Down, "insufficient capacity once leases had run out"},
		{"ec2-auto-scaling", graph.Down, "could not launch"},
		{"network-manager", graph.Delayed, "propagated changes late"},
		{"instance-networking", graph.Degraded, "new instances could not be reached"},
		{"nlb", graph.Degraded, "some load balancers had connection errors"},
		{"nlb-health-checks", graph.Degraded, "failed on nodes that were healthy"},
		{"nlb-zone-failover", graph.Degraded, "took healthy zones out of DNS"},
		{"lambda-control", graph.Degraded, "errors on create and update"},
		{"lambda-invoke", graph.Degraded, "errors on some invocations"},
		{"lambda-async", graph.Delayed, "held back, then a backlog"},
		{"lambda-sqs-poller", graph.Down, "stopped, and stayed so"},
		{"lambda-stream-poller", graph.Delayed, "processed late"},
		{"ecs", graph.Frozen, "could not launch containers; running ones ran on"},
		{"eks", graph.Frozen, "could not add nodes; running ones ran on"},
		{"fargate", graph.Frozen, "could not launch containers; running ones ran on"},
		{"sts", graph.Degraded, "errors and latency"},
		{"iam", graph.Down, "updates failed, groups could not be resolved"},
		{"console-signin", graph.Degraded, "more failures of authentication"},
		{"identity-center", graph.Down, "unable to sign in"},
		{"signin-other-regions", graph.Degraded, "authentication went through us-east-1"},
		{"redshift-login-other-regions", graph.Down, "groups were resolved in us-east-1"},
		{"connect", graph.Degraded, "more errors on contacts"},
		{"redshift", graph.Degraded, "errors of queries, which read and write through DynamoDB"},
		{"redshift-clusters", graph.Down, "credentials of nodes expired"},
		{"support-center", graph.Down, "believed invalid account metadata"},
		{"internal-tooling", graph.Down, "had to be mended first"},
		{"rds", graph.Frozen, "operations that launch instances failed"},
		{"organizations", graph.Delayed, "updates of policies were slow"},
		{"sqs", graph.Degraded, "connection errors of the second wave"},

		{"ec2-instances", graph.Safe, "needs launches for repair only"},
		{"vpc", graph.Safe, "goes on with the network state it has"},
		{"route53", graph.Safe, "answered as ever"},
		{"dynamodb-storage", graph.Safe, "only the name was missing"},
		{"dynamodb-dns-planner", graph.Safe, "stands upstream of the record"},
		{"dynamodb-dns-plan", graph.Safe, "stands upstream of the record"},
		{"dynamodb-dns-enactor-az1", graph.Safe, "stands upstream of the record"},
		{"dynamodb-dns-enactor-az2", graph.Safe, "stands upstream of the record"},
		{"dynamodb-dns-enactor-az3", graph.Safe, "stands upstream of the record"},
		{"dynamodb-other-regions", graph.Safe, "reads and writes of other replicas were fine"},
		{"ec2-other-regions", graph.Safe, "needs nothing of us-east-1"},
		{"lambda-other-regions", graph.Safe, "needs nothing of us-east-1"},
		{"game", graph.Safe, "falls back on another Region"},
		{"steady-fleet", graph.Safe, "runs what it needs for its peak"},
	}
	g := graph.Build(loadBuiltin(t, "aws-us-east-1"))
	b := blastBuiltin(t, g, "dynamodb-dns")
	for _, tt := range tests {
		if got := b.Outcome(mustNode(t, g, tt.id)); got != tt.want {
			t.Errorf("%s is %s, want %s: %s", tt.id, got, tt.want, tt.reason)
		}
	}
	if !b.Corrupt(mustNode(t, g, "support-center")) {
		t.Error("support-center is not down by a wrong answer")
	}
}

// TestPhasesOfOctober2025 checks what comes in two steps: harm at once, or none,
// and worse when leases have run out.
func TestPhasesOfOctober2025(t *testing.T) {
	tests := []struct {
		id   string
		want []graph.Outcome
	}{
		{"dynamodb", []graph.Outcome{graph.Stale, graph.Down}},
		{"ec2-launch", []graph.Outcome{graph.Degraded, graph.Down}},
		{"redshift-clusters", []graph.Outcome{graph.Frozen, graph.Down}},
	}
	g := graph.Build(loadBuiltin(t, "aws-us-east-1"))
	b := blastBuiltin(t, g, "dynamodb-dns")
	for _, tt := range tests {
		var got []graph.Outcome
		for _, p := range b.Phases(mustNode(t, g, tt.id)) {
			got = append(got, p.Outcome)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s becomes %v, want %v", tt.id, got, tt.want)
		}
	}
}

// TestContainedInOctober2025 checks that what was spared was spared by a need that
// held, where it has one, and not by its absence.
func TestContainedInOctober2025(t *testing.T) {
	tests := []struct {
		from, lost string
		want       graph.Barrier
	}{
		{"ec2-instances", "ec2-launch", graph.ByStaticStability},
		{"steady-fleet", "ec2-auto-scaling", graph.ByStaticStability},
		{"saas", "rds", graph.ByStaticStability},
		{"vpc", "network-manager", graph.ByTolerance},
		{"game", "dynamodb", graph.ByFallback},
	}
	g := graph.Build(loadBuiltin(t, "aws-us-east-1"))
	b := blastBuiltin(t, g, "dynamodb-dns")
	contained := b.Contained()
	for _, tt := range tests {
		from, lost := mustNode(t, g, tt.from), mustNode(t, g, tt.lost)
		i := slices.IndexFunc(contained, func(c graph.Containment) bool {
			return c.Need.From == from && slices.Contains(c.Lost, lost)
		})
		if i < 0 {
			t.Errorf("the loss of %s is not contained at %s", tt.lost, tt.from)
		} else if got := contained[i].Barrier; got != tt.want {
			t.Errorf("%s is spared the loss of %s by %s, want %s", tt.from, tt.lost, got, tt.want)
		}
	}
}

// TestOneWrongEnactor checks the story before the record went: the loss of an
// Enactor is nothing, one that writes a wrong plan is enough.
func TestOneWrongEnactor(t *testing.T) {
	const enactor = "dynamodb-dns-enactor-az2"
	for _, fails := range []catalog.Failure{catalog.FailsDown, catalog.FailsCorrupt} {
		c := loadBuiltin(t, "aws-us-east-1")
		c.Service(enactor).FailsAs = fails
		g := graph.Build(c)
		want := graph.Safe
		if fails == catalog.FailsCorrupt {
			want = graph.Down
		}
		if got := blastBuiltin(t, g, enactor).Outcome(mustNode(t, g, "dynamodb-dns")); got != want {
			t.Errorf("with an Enactor %s the record is %s, want %s", fails, got, want)
		}
	}
}

// TestAWSIsSourced checks that the catalog claims nothing without saying how it is
// known: needs, leases and health checks by their sources, numbers by their
// evidence.
func TestAWSIsSourced(t *testing.T) {
	c := loadBuiltin(t, "aws-us-east-1")
	known := map[string]bool{"inferred": true}
	for _, r := range c.References {
		known[r.ID] = true
	}
	check := func(what string, sources []string) {
		if len(sources) == 0 {
			t.Errorf("%s has no source", what)
		}
		for _, s := range sources {
			if !known[s] {
				t.Errorf("%s cites %q, which is not a reference", what, s)
			}
		}
	}
	for _, s := range c.Services {
		if s.Sources != nil {
			check(s.ID, s.Sources)
		}
		for _, n := range s.Needs {
			check(s.ID+" on "+n.Targets[0], n.Sources)
		}
	}
	for _, l := range c.Leases {
		check("lease "+l.ID, l.Sources)
	}
	for _, h := range c.HealthChecks {
		check("health check "+h.ID, h.Sources)
	}

	for i := range c.Services {
		c.Services[i].Tier = unit.Value[int64]{} // chosen, not known
	}
	structs(reflect.ValueOf(*c), func(v reflect.Value) bool {
		if r, ok := v.Interface().(policy.Retry); ok && r.Preset != "" {
			return false // a preset brings its own sources
		}
		if f := v.FieldByName("Evidence"); f.IsValid() {
			switch source := v.FieldByName("Source").String(); f.Interface() {
			case unit.Stated:
				t.Errorf("%v: a number without evidence", v.FieldByName("At"))
			case unit.Documented:
				if !known[source] || source == "inferred" {
					t.Errorf("%v: a number is documented by %q, which is not a reference", v.FieldByName("At"), source)
				}
			}
		}
		return true
	})
}

// TestWebShopIsComplete checks what the tutorial promises: every key of the
// language is in it. The keys fill the fields of a catalog, so each field must be
// set somewhere.
func TestWebShopIsComplete(t *testing.T) {
	set := map[string]bool{}
	structs(reflect.ValueOf(*loadBuiltin(t, "web-shop")), func(v reflect.Value) bool {
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			set[name] = set[name] || !v.Field(i).IsZero()
		}
		return true
	})
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !set[name] {
			t.Errorf("no line of the tutorial sets %s", name)
		}
	}
}

// structs calls f with every struct in v, outermost first; f says whether to look
// inside.
func structs(v reflect.Value, f func(reflect.Value) bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			structs(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			structs(v.Index(i), f)
		}
	case reflect.Struct:
		if !f(v) {
			return
		}
		for i := range v.NumField() {
			structs(v.Field(i), f)
		}
	}
}
