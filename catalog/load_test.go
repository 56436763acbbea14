package catalog

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

func load(t *testing.T, text string) (*Catalog, diag.List) {
	t.Helper()
	c, faults, err := Load(Source{Name: "test.toml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return c, faults
}

func mustLoad(t *testing.T, text string) *Catalog {
	t.Helper()
	c, faults := load(t, text)
	if len(faults) > 0 {
		t.Fatalf("unexpected faults:\n%v", faults)
	}
	return c
}

func TestTwoLinesAServiceAreACatalog(t *testing.T) {
	c := mustLoad(t, `
[service.checkout]
needs = ["payments", "cart"]
[service.payments]
[service.cart]
`)
	if got := c.IDs(); !slices.Equal(got, []string{"cart", "checkout", "payments"}) {
		t.Errorf("services %v", got)
	}
	needs := c.Service("checkout").Needs
	if len(needs) != 2 || needs[0].Targets[0] != "cart" || needs[1].Targets[0] != "payments" {
		t.Fatalf("needs %+v", needs)
	}
	n := needs[0]
	if n.Mode != Sync || n.To != ToServe || n.IfLost != Fail || n.Believes || n.Timeout.IsStated() {
		t.Errorf("a bare name is not a synchronous hard need to serve: %+v", n)
	}
	if n.At.Line != 3 || n.At.Col != 22 {
		t.Errorf("the need stands at %v", n.At)
	}
	if w := c.Service("cart").Weight; w != 1 {
		t.Errorf("weight %v where not stated", w)
	}
}

func TestEveryPartOfTheLanguage(t *testing.T) {
	c := mustLoad(t, `
format = 1
title  = "Shop"

[service.checkout]
title    = "Checkout"
kind     = "application"
tier     = 0
group    = "shop/front"
owner    = "team-checkout"
weight   = 2.5
load     = "400/s"
replicas = { zones = ["b", "a"], count = 6 }
patience = "3s"
queue    = { bound = 100, discipline = "codel", cancel = true, reject_cost = "2%" }
shed     = { above = "90%" }
throttle = { rate = { documented = "1k/s", source = "runbook" }, burst = 50 }
cache    = { ttl = "1m..5m", stale_on_error = "1h" }
needs    = [
  { on = "payments", timeout = "2s", retry = "aws-sdk-standard" },
  { on = "recommendations", timeout = "150ms", if_lost = "fallback" },
  { at_least = 2, of = ["kv-c", "kv-a", "kv-b"] },
  { on = "orders-queue", mode = "async", within = "15m" },
]

[[service.checkout.need]]
on        = "fraud-score"
if_lost   = "degrade"
validates = false
retry     = { attempts = 3, backoff = "full-jitter", base = "50ms", budget = "20%" }
breaker   = { errors = "50%", window = "10s", open_for = "30s" }
bulkhead  = { concurrent = 25 }
limit     = "google-sre-adaptive"
clients   = { guess = 40 }
priority  = 9
share     = { guess = "30%" }

[service.payments]
fails_as = "corrupt"
[service.recommendations]
[service.kv-a]
[service.kv-b]
[service.kv-c]
[service.orders-queue]
[service.fraud-score]
queue = { classes = "weighted" }

[lease.sessions]
keeper  = "payments"
holder  = "checkout"
store   = "kv-a"
count   = { guess = 1_000_000 }
ttl     = { guess = "3m..3h" }
renew   = { every = "1m", cost = "1ms" }
regrant = { cost = "40ms", deadline = "10m", on_timeout = "requeue" }

[health_check.front]
by      = "kv-b"
tests   = ["checkout", { fresh = "kv-a", within = "60s" }]
policy  = { interval = "10s", out = 3, in = 3 }
on_fail = { remove = "zone", via = "dns", ttl = "60s", max_removed = "100%" }

[reference.runbook]
title = "The runbook"
url   = "https://example.org/runbook"
`)
	s := c.Service("checkout")
	if s.Title != "Checkout" || s.Kind != KindApplication || s.Tier.V != 0 || !s.Tier.IsStated() || s.Weight != 2.5 || s.Load.V != 400 {
		t.Errorf("service %+v", s)
	}
	if !slices.Equal(s.Replicas.Zones, []string{"a", "b"}) || s.Replicas.Count.V != 6 {
		t.Errorf("replicas %+v", s.Replicas)
	}
	if r := s.Throttle.Rate; r.V != 1000 || r.Evidence != unit.Documented || r.Source != "runbook" {
		t.Errorf("throttle %+v", r)
	}
	byTarget := make(map[string]Need)
	for _, n := range s.Needs {
		byTarget[strings.Join(n.Targets, " ")] = n
	}
	if n := byTarget["kv-a kv-b kv-c"]; n.AtLeast != 2 || !n.IsGroup() {
		t.Errorf("group %+v", n)
	}
	if n := byTarget["payments"]; n.Retry.Preset != "aws-sdk-standard" || n.Retry.Attempts.V != 3 || n.Timeout.V.String() != "2s" {
		t.Errorf("retry %+v", n.Retry)
	}
	if n := byTarget["orders-queue"]; n.Mode != Async || n.Within.V.String() != "15m" {
		t.Errorf("queue %+v", n)
	}
	if n := byTarget["fraud-score"]; !n.Believes || n.IfLost != Degrade || n.Retry.Budget.Ratio.V != 0.2 || n.Breaker.OpenFor.V.String() != "30s" {
		t.Errorf("long need %+v", n)
	}
	if n := byTarget["fraud-score"]; n.Bulkhead.Concurrent.V != 25 || n.Limit.Window.V.String() != "2m" || n.Clients.V != 40 || n.Priority.V != 9 || n.Share.V != 0.3 || n.Share.Evidence != unit.Guess {
		t.Errorf("client side of a long need %+v", n)
	}
	if s.Patience.V.String() != "3s" || !s.Queue.Cancel || s.Queue.RejectCost.V != 0.02 || s.Shed.Above.V != 0.9 {
		t.Errorf("patience, queue and shedding %+v", s)
	}
	if c.Service("payments").FailsAs != FailsCorrupt {
		t.Error("fails_as is lost")
	}
	if l := c.Leases[0]; l.Keeper != "payments" || l.Holder != "checkout" || l.Store != "kv-a" || l.Policy.TTL.V.String() != "3m..3h" || l.Policy.Count.Evidence != unit.Guess {
		t.Errorf("lease %+v", l)
	}
	if h := c.HealthChecks[0]; h.By != "kv-b" || len(h.Tests) != 2 || !h.Tests[1].Fresh || h.Policy.OnFail.Remove != "zone" {
		t.Errorf("health check %+v", h)
	}
}

// TestState: what is remembered, held and given back arrives where it belongs, and
// what is not stated stays so.
func TestState(t *testing.T) {
	data, err := os.ReadFile("testdata/valid/state.toml")
	if err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, string(data))
	s := c.Service("api")
	if k := s.Cache; k.HitRatio.V != 0.85 || k.Keys.IsStated() || k.Coalesce || !k.CoalesceStated || k.Cold {
		t.Errorf("cache of a service %+v", k)
	}
	if a := s.Autoscale; a.Target.V != 0.6 || a.Target.Evidence != unit.Guess || a.Every.V.String() != "15s" || a.Delay.V.String() != "2m" || a.Min.V != 4 || a.Max.V != 40 || a.DownAfter.V.String() != "5m" {
		t.Errorf("autoscale %+v", a)
	}
	if o := s.Turnover; o.Lifetime.V.String() != "8h" || o.Start.V.String() != "3m" || !o.TerminateFirst {
		t.Errorf("turnover %+v", o)
	}
	if r := s.Recovery; r.By != "hand" || r.After.V.String() != "30s" || r.Rate.V.String() != "6/h" || r.Start.V.String() != "2m" {
		t.Errorf("recovery %+v", r)
	}
	if r := s.Deferred; r.Share.V != 0.6 || r.After.V.String() != "5m..15m" || r.UntilRecovery || r.Over.IsStated() {
		t.Errorf("deferred %+v", r)
	}
	db := c.Service("profile-db")
	if db.Recovery.By != "hand" || db.Recovery.After.IsStated() || db.Autoscale != nil || db.Turnover != nil || db.Cache != nil {
		t.Errorf("the short form of a recovery %+v", db)
	}
	if r := db.Deferred; !r.UntilRecovery || r.Over.V.String() != "10m" || r.After.IsStated() {
		t.Errorf("deferred until the recovery %+v", r)
	}
	for _, n := range s.Needs {
		switch k := n.Cache; n.Targets[0] {
		case "profile-db":
			if k.Keys.V != 10_000 || k.TTL.V.String() != "1m" || k.StaleOnError.V.String() != "5m" || k.NegativeTTL.V.String() != "5s" || !k.Coalesce || !k.Cold {
				t.Errorf("cache by keys %+v", k)
			}
		case "api-dns":
			if k.Pinned.V != 0.05 || k.Keepalive.V.String() != "1m..5m" || k.Keys.IsStated() || k.CoalesceStated || k.Cold {
				t.Errorf("cache of connections %+v", k)
			}
		default:
			if k != nil {
				t.Errorf("a need has the cache %+v that nobody stated", k)
			}
		}
	}
	if l := c.Leases[0].Policy; l.Lost != "requests" || !l.Cold || l.Renew.Timeout.V.String() != "5s" || l.Regrant.Pace.V != 300 || l.Regrant.Pause.IsStated() || l.Regrant.Retry.Backoff != "full-jitter" || l.Regrant.Retry.Cap.V.String() != "1m" {
		t.Errorf("lease %+v", l)
	}
	if l := c.Leases[1].Policy; l.Lost != "nothing" || l.Cold || l.Regrant.Pause.V.String() != "0s..20s" || l.Regrant.Retry != nil {
		t.Errorf("lease %+v", l)
	}
	if h := c.HealthChecks[0].Policy; h.Depth != "shallow" || h.IfBlind != "keep" || h.Cost.V.String() != "5ms" || h.OnFail.Rate.V.String() != "6/min" {
		t.Errorf("health check %+v", h)
	}
}

// TestCachesBelongToAnswers: a need without answers has none to remember.
func TestCachesBelongToAnswers(t *testing.T) {
	for need, want := range map[string]string{
		`{ on = "b", mode = "async", cache = { ttl = "1m" } }`:   "an asynchronous need has none",
		`{ on = "b", to = "start", cache = { ttl = "1m" } }`:     "this need is one to start",
		`{ on = "b", to = "repair", cache = { ttl = "1m" } }`:    "this need is one to repair",
		`{ fresh = "b", within = "1m", cache = { ttl = "1m" } }`: "makes no calls",
	} {
		_, faults := load(t, "[service.a]\nneeds = ["+need+"]\n[service.b]\n")
		if len(faults) != 1 || !strings.Contains(faults[0].Message, want) || faults[0].Span.Line != 2 {
			t.Errorf("%s: want one fault that says %q, got %v", need, want, faults)
		}
	}
	for _, need := range []string{
		`{ on = "b", cache = { ttl = "1m" } }`,
		`{ at_least = 1, of = ["b", "c"], cache = { ttl = "1m" } }`,
		`{ on = "b", if_lost = "stale", cache = { ttl = "1m", stale_on_error = "1h" } }`,
	} {
		mustLoad(t, "[service.a]\nneeds = ["+need+"]\n[service.b]\n[service.c]\n")
	}
}

func TestAFolderIsOneCatalog(t *testing.T) {
	fsys := fstest.MapFS{
		"teams/front.toml":       {Data: []byte("title = \"Shop\"\n[service.checkout]\nneeds = [\"payments\"]\n")},
		"teams/pay/pay.toml":     {Data: []byte("[service.payments]\nneeds = [\"ledger\"]\n")},
		"teams/ledger.toml":      {Data: []byte("[service.ledger]\n")},
		"teams/.hidden.toml":     {Data: []byte("nonsense")},
		"teams/.git/config.toml": {Data: []byte("nonsense")},
		"teams/README.md":        {Data: []byte("nonsense")},
	}
	c, faults, err := Load(Source{FS: fsys, Path: "teams", Name: "knockon"})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if got := c.IDs(); !slices.Equal(got, []string{"checkout", "ledger", "payments"}) {
		t.Errorf("services %v", got)
	}
	if at := c.Service("payments").At.File; at != "knockon/pay/pay.toml" {
		t.Errorf("payments is declared in %q", at)
	}
}

func TestDuplicatesShowBothPlaces(t *testing.T) {
	fsys := fstest.MapFS{
		"a.toml": {Data: []byte("[service.checkout]\n[service.x]\n")},
		"b.toml": {Data: []byte("\n[service.checkout]\n[lease.l]\nkeeper=\"x\"\nholder=\"checkout\"\n[lease.l2]\nkeeper=\"nobody\"\nholder=\"x\"\n")},
	}
	_, faults, err := Load(Source{FS: fsys, Path: ".", Name: "k"})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, d := range faults {
		text += d.String()
	}
	for _, want := range []string{`k/b.toml:2:`, `"checkout" is defined twice`, "k/a.toml:1:", "first defined here", `no service "nobody"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestExtends(t *testing.T) {
	fsys := fstest.MapFS{
		"mine.toml": {Data: []byte(`
extends = ["base.toml", { file = "../evil.toml" }, { file = "/etc/passwd" }]
[service.app]
needs = ["b:db"]
`)},
		"good.toml": {Data: []byte(`
extends = ["base.toml", { file = "base.toml", as = "other" }]
title = "Mine"
[service.app]
needs = ["b:db", "other:db"]
`)},
		"base.toml": {Data: []byte("title = \"Base\"\nprefix = \"b\"\n[service.db]\nneeds = [\"disk\"]\n[service.disk]\n[lease.l]\nkeeper=\"disk\"\nholder=\"db\"\n")},
		"ring.toml": {Data: []byte("extends = [\"ring.toml\"]\n[service.a]\n")},
	}
	c, faults, err := Load(Source{FS: fsys, Path: "good.toml"})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if got := c.IDs(); !slices.Equal(got, []string{"app", "b:db", "b:disk", "other:db", "other:disk"}) || c.Title != "Mine" {
		t.Errorf("services %v of %q", got, c.Title)
	}
	if n := c.Service("other:db").Needs[0].Targets[0]; n != "other:disk" {
		t.Errorf("other:db needs %q", n)
	}

	_, faults, err = Load(Source{FS: fsys, Path: "mine.toml"})
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 2 || !strings.Contains(faults[0].Message, "outside the folder") || !strings.Contains(faults[1].Message, "outside the folder") {
		t.Errorf("leaving the folder: %v", faults)
	}

	_, faults, err = Load(Source{FS: fsys, Path: "ring.toml"})
	if err != nil || !faults.HasErrors() {
		t.Errorf("a catalog that extends itself: %v, %v", err, faults)
	}
}

// TestExtendsOverThreeLevels: names of a catalog with a prefix of its own stay as
// they are, however far below it is, so a diamond has one bottom; names without one
// take that of the catalog above.
func TestExtendsOverThreeLevels(t *testing.T) {
	fsys := fstest.MapFS{
		"app.toml":   {Data: []byte("extends = [{ file = \"left.toml\", as = \"l\" }, { file = \"right.toml\", as = \"r\" }]\n[service.app]\nneeds = [\"l:db\", \"r:db\", \"cloud:disk\", \"l:plain\"]\n")},
		"left.toml":  {Data: []byte("extends = [\"cloud.toml\", \"plain.toml\"]\n[service.db]\nneeds = [\"cloud:disk\", \"plain\"]\n")},
		"right.toml": {Data: []byte("extends = [\"cloud.toml\"]\n[service.db]\nneeds = [\"cloud:disk\"]\n")},
		"cloud.toml": {Data: []byte("prefix = \"cloud\"\n[service.disk]\nneeds = [\"power\"]\n[service.power]\n")},
		"plain.toml": {Data: []byte("[service.plain]\n")},
	}
	c, faults, err := Load(Source{FS: fsys, Path: "app.toml"})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if got := c.IDs(); !slices.Equal(got, []string{"app", "cloud:disk", "cloud:power", "l:db", "l:plain", "r:db"}) {
		t.Errorf("services %v", got)
	}
	if n := c.Service("l:db").Needs; len(n) != 2 || n[0].Targets[0] != "cloud:disk" || n[1].Targets[0] != "l:plain" {
		t.Errorf("l:db needs %+v", n)
	}
}

// TestExtendsWhatIsGiven: a catalog that is given, and is extended by another one, is
// there once, under its own names, in whatever order they are given and by whatever
// prefix the other one calls it.
func TestExtendsWhatIsGiven(t *testing.T) {
	fsys := fstest.MapFS{
		"base.toml":   {Data: []byte("title = \"Base\"\nprefix = \"b\"\n[service.db]\nneeds = [\"disk\"]\n[service.disk]\n")},
		"mine.toml":   {Data: []byte("title = \"Mine\"\nextends = [\"base.toml\"]\n[service.app]\nneeds = [{ on = \"b:db\", fallback = \"b:disk\" }]\n")},
		"called.toml": {Data: []byte("extends = [{ file = \"base.toml\", as = \"other\" }]\n[service.app]\nneeds = [{ on = \"other:db\", fallback = \"other:disk\" }]\n")},
		"deep.toml":   {Data: []byte("extends = [\"mine.toml\"]\n[service.front]\nneeds = [\"app\", \"b:disk\"]\n")},
		"many.toml":   {Data: []byte("extends = [\"base.toml\"]\n[service.app]\nneeds = [\"b:db\", \"cache\"]\n[service.cache]\n")},
		"both.toml":   {Data: []byte("extends = [\"base.toml\"]\n[service.app]\nneeds = [{ at_least = 1, of = [\"b:db\", \"db\"] }]\n")},
		"back.toml":   {Data: []byte("extends = [\"base.toml\"]\n[service.app]\nneeds = [{ on = \"b:db\", fallback = \"db\" }]\n")},
		"wrong.toml":  {Data: []byte("extends = [\"base.toml\"]\n[service.app]\nneeds = [\"b:bd\"]\n")},
	}
	given := func(names ...string) (sources []Source) {
		for _, name := range names {
			sources = append(sources, Source{FS: fsys, Path: name})
		}
		return sources
	}
	for _, names := range [][]string{{"base.toml", "mine.toml"}, {"mine.toml", "base.toml"}, {"base.toml", "called.toml"}, {"base.toml", "deep.toml"}} {
		c, faults, err := Load(given(names...)...)
		if err != nil || len(faults) > 0 {
			t.Fatal(names, err, faults)
		}
		want := []string{"app", "db", "disk"}
		if names[1] == "deep.toml" {
			want = []string{"app", "db", "disk", "front"}
		}
		if got := c.IDs(); !slices.Equal(got, want) {
			t.Errorf("%v: services %v, want %v", names, got, want)
		}
		if (c.Title == "Mine") != slices.Contains(names, "mine.toml") || c.Title == "Base" {
			t.Errorf("%v: the title is %q", names, c.Title)
		}
		if n := c.Service("app").Needs[0]; n.Targets[0] != "db" || n.Fallback != "disk" {
			t.Errorf("%v: app needs %+v", names, n)
		}
	}
	c, faults, err := Load(given("base.toml", "many.toml")...)
	if err != nil || len(faults) > 0 || c.Service("app").Needs[0].Targets[0] != "cache" {
		t.Errorf("needs out of order: %v, %v", err, faults)
	}
	for _, name := range []string{"both.toml", "back.toml"} {
		if _, faults, err = Load(given("base.toml", name)...); err != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, "two names for one thing") {
			t.Errorf("%s: %v, %v", name, err, faults)
		}
	}
	_, faults, err = Load(given("base.toml", "wrong.toml")...)
	if err != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, `"b:bd"`) {
		t.Errorf("a name that is misspelt: %v, %v", err, faults)
	}
}

// TestNeedsAreInOrderUnderPrefixes: a prefix changes the order of names.
func TestNeedsAreInOrderUnderPrefixes(t *testing.T) {
	fsys := fstest.MapFS{
		"top.toml":  {Data: []byte("extends = [{ file = \"left.toml\", as = \"z\" }]\n[service.app]\nneeds = [\"z:db\"]\n")},
		"left.toml": {Data: []byte("extends = [\"base.toml\"]\n[service.db]\nneeds = [\"a\", \"b:disk\"]\n[service.a]\n")},
		"base.toml": {Data: []byte("prefix = \"b\"\n[service.disk]\n")},
	}
	c, faults, err := Load(Source{FS: fsys, Path: "top.toml"})
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if n := c.Service("z:db").Needs; n[0].Targets[0] != "b:disk" || n[1].Targets[0] != "z:a" {
		t.Errorf("z:db needs %+v", n)
	}
}

// TestExtendsNothing: an entry that names nothing, or the catalog's own folder, is
// one fault and reads nothing.
func TestExtendsNothing(t *testing.T) {
	for _, entry := range []string{`""`, `{ file = "" }`, `{ as = "x" }`, `{ file = 3 }`, `"."`, `"../d"`, `3`} {
		fsys := fstest.MapFS{
			"d/mine.toml":    {Data: []byte("extends = [" + entry + "]\n[service.mine]\n")},
			"d/sibling.toml": {Data: []byte("titel = 1\n")},
		}
		c, faults, err := Load(Source{FS: fsys, Path: "d/mine.toml"})
		if c != nil || err != nil || len(faults) != 1 {
			t.Errorf("extends = [%s]: %v, %v", entry, faults, err)
		}
	}
}

func TestTooManyFaultsAreCounted(t *testing.T) {
	names := strings.Repeat(`"nobody", `, 5*maxFaults)
	_, faults := load(t, "[service.a]\nneeds = ["+names+"]\n[service.b]\nneeds = ["+names+"]\n")
	last := faults[len(faults)-1]
	if len(faults) != maxFaults+1 || !strings.Contains(last.Message, "9000 more faults") {
		t.Errorf("%d faults, the last: %v", len(faults), last)
	}
}

func TestDeepGroups(t *testing.T) {
	_, faults := load(t, "[service.a]\ngroup = \"a"+strings.Repeat("/b", 4000)+"\"\n")
	if len(faults) != 1 || !strings.Contains(faults[0].Message, "more than 16 parts") {
		t.Errorf("faults %v", faults)
	}
}

func TestExtendsABuiltinCatalog(t *testing.T) {
	c := mustLoad(t, `
extends = ["builtin:aws-us-east-1"]
[service.my-app]
needs = ["aws:dynamodb"]
`)
	if c.Service("aws:dynamodb-dns") == nil || c.Service("my-app") == nil {
		t.Errorf("services %v", c.IDs())
	}
	_, faults := load(t, `extends = ["builtin:aws-us-east-2"]
[service.a]
`)
	if len(faults) != 1 || !strings.Contains(faults[0].Help, "aws-us-east-1") {
		t.Errorf("faults %v", faults)
	}
}

func TestFallbackRingsAreWarnedOf(t *testing.T) {
	c, faults := load(t, `
[service.a]
needs = [{ on = "root", fallback = "b" }]
[service.b]
needs = [{ on = "root", fallback = "a" }]
[service.c]
needs = [{ on = "root", fallback = "a" }]
[service.root]
`)
	if c == nil || len(faults) != 1 || faults[0].Severity != diag.Warning || faults[0].Span.Line != 3 {
		t.Errorf("faults %v", faults)
	}
}

// TestShares: they are of what is shared by weights, and of no more than there is,
// also where ten times a tenth is not quite one.
func TestShares(t *testing.T) {
	tenth := "[service.db]\nqueue = { classes = \"weighted\" }\n"
	for i := range 10 {
		tenth += fmt.Sprintf("[service.a%d]\nneeds = [{ on = \"db\", share = \"10%%\" }]\n", i)
	}
	mustLoad(t, tenth)
	_, faults := load(t, tenth+"[service.b]\nneeds = [{ on = \"db\", share = \"0.1%\" }, { on = \"nobody\", share = \"1%\" }]\n")
	if len(faults) != 2 || !strings.Contains(faults[0].Message+faults[1].Message, "come to 100.1%") {
		t.Errorf("faults %v", faults)
	}
	for _, queue := range []string{"", "queue = { bound = 3 }\n", "queue = { classes = \"strict\" }\n"} {
		_, faults := load(t, "[service.a]\nneeds = [{ at_least = 1, of = [\"db\"], share = \"10%\" }]\n[service.db]\n"+queue)
		if len(faults) != 1 || !strings.Contains(faults[0].Message, "not shared by weights") || faults[0].Span.Line != 2 {
			t.Errorf("a share of what has %q: %v", queue, faults)
		}
	}
}

// TestInventory: what a catalog states counts; what a preset brings does not.
func TestInventory(t *testing.T) {
	for text, want := range map[string]int{
		`retry = "aws-sdk-standard"`: 0,
		`retry = { attempts = 2, jitter = "20%", deadline = "3s", budget = "envoy-retry-budget" }`: 3,
		`retry = { budget = { quota = 9, cost = 3, timeout_cost = 4, refund = 2 } }`:               4,
		`retry = { budget = { active = "20%", min_active = 4 } }`:                                  2,
		`retry = { budget = { max_tokens = 10, token_ratio = 0.5 } }`:                              2,
		`retry = { budget = { ratio = "20%", min_rate = "1/s", cap = 9 } }`:                        3,
		`retry = { budget = { max_active = 3 } }`:                                                  1,
		`breaker = "gobreaker"`:                                   0,
		`breaker = { in_a_row = 3, open_for = "1s", probes = 2 }`: 3,
		`breaker = { errors = "9%", ring = 10, calls = 9 }`:       3,
		`bulkhead = { concurrent = 3, max_wait = "1s" }`:          2,
		`limit = { rate = "3/s", burst = 4 }`:                     2,
		`limit = "kubernetes-client-go"`:                          0,
		`clients = 3, priority = 2`:                               1,
		`cache = { ttl = "1m", keys = 9, coalesce = true }`:       2,
		`cache = { ttl = "1m", negative_ttl = "1s", stale_on_error = "1h", hit_ratio = "9%", pinned = "1%", keepalive = "1m" }`: 6,
	} {
		c := mustLoad(t, "[service.a]\nneeds = [{ on = \"b\", "+text+" }]\n[service.b]\n")
		if evidence, experimental := c.Inventory(); evidence[unit.Stated] != want || len(experimental) > 0 {
			t.Errorf("%s: %v stated, want %d; experimental %v", text, evidence, want, experimental)
		}
	}
	c := mustLoad(t, "[service.a]\npatience = \"3s\"\nshed = { above = \"90%\" }\nreplicas = { count = 3, at_least = 2 }\nqueue = { drop_expired = true, margin = \"1s\", visibility = \"2s\", max_receives = 3 }\n[service.b]\nqueue = \"sqs-redelivery\"\n")
	if evidence, experimental := c.Inventory(); evidence[unit.Stated] != 7 || len(experimental) > 0 {
		t.Errorf("%v stated; experimental %v", evidence, experimental)
	}
	data, err := os.ReadFile("testdata/valid/state.toml")
	if err != nil {
		t.Fatal(err)
	}
	// The first service states a load, two numbers of replicas, five values of its
	// autoscale (its target is a guess), two, three and two of its turnover, recovery
	// and deferral, two of its cache, four and three of its needs' caches; the second
	// two of its deferral; the leases two, three, three and two of regrants that are
	// made again, and one; the health check one of freshness and six of its policy.
	if evidence, experimental := mustLoad(t, string(data)).Inventory(); evidence[unit.Stated] != 44 || evidence[unit.Guess] != 1 || len(experimental) > 0 {
		t.Errorf("%v stated; experimental %v", evidence, experimental)
	}
	c = mustLoad(t, "[service.a]\nneeds = [{ on = \"b\", shared = true }]\n[service.b]\n")
	if _, experimental := c.Inventory(); !slices.Equal(experimental, []string{"shared"}) {
		t.Errorf("experimental %v", experimental)
	}
}

func TestCyclesAreLegal(t *testing.T) {
	mustLoad(t, "[service.a]\nneeds=[\"b\"]\n[service.b]\nneeds=[\"a\"]\n")
}

// TestHostileFiles gives each a clear error, without reading on for ever.
func TestHostileFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"deep", "x = " + strings.Repeat("[", 1<<20), "deep"},
		{"deep key", strings.Repeat("a.", 1<<18) + "a = 1", "part"},
		{"not text", "title = \"\xff\xfe\"\n[service.a]\n", "UTF-8"},
		{"long string", "title = \"" + strings.Repeat("x", 1<<22) + "\"\n[service.a]\n", "characters"},
		{"too large", strings.Repeat("#", toml.MaxBytes+1), "64 MiB"},
		{"control name", "[service.\"a\\u001b[31m\"]\n", "control character"},
		{"empty", "", "no service"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, faults := load(t, c.text)
			text := ""
			for _, d := range faults {
				text += d.String()
			}
			if !faults.HasErrors() || !strings.Contains(text, c.want) || len(text) > 10_000 {
				t.Errorf("want an error that says %q, got %.300q", c.want, text)
			}
		})
	}
}

func TestAMillionKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	var b strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, faults := load(t, b.String())
	runtime.ReadMemStats(&after)
	if len(faults) > toml.MaxFaults+10 || !faults.HasErrors() {
		t.Errorf("%d faults", len(faults))
	}
	const limit = 4 << 30
	if used := after.TotalAlloc - before.TotalAlloc; used > limit {
		t.Errorf("a 12 MB file made us allocate %d MiB", used>>20)
	}
}

// TestLinks: a link that runs in a circle or leads out of the folder is an error
// that names it; one that stays inside is followed.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.toml"), []byte("[service.a]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	open := func(sub string) (*Catalog, error) {
		root, err := os.OpenRoot(filepath.Join(dir, sub))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		c, _, err := Load(Source{FS: root.FS(), Path: ".", Name: "k"})
		return c, err
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("no links on this file system")
		}
	}
	link("loop.toml", "circle/loop.toml")
	if _, err := open("circle"); err == nil || !strings.Contains(err.Error(), "k/loop.toml") {
		t.Errorf("a link to itself: %v", err)
	}
	link("../a.toml", "escape/a.toml")
	if _, err := open("escape"); err == nil || !strings.Contains(err.Error(), "k/a.toml") {
		t.Errorf("a link out of the folder: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "folder", "x.toml"), []byte("[service.x]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	link("x.toml", "folder/y.toml") // defined twice, so the link was followed
	if c, err := open("folder"); err != nil || c != nil {
		t.Errorf("a link inside the folder: %v, %v", c, err)
	}
	link(".", "ring/self")
	if _, err := open("ring"); err == nil || !strings.Contains(err.Error(), "k/self: it is a link to a folder") {
		t.Errorf("a link to a folder: %v", err)
	}
}

func TestUnreadableFilesAreAllNamed(t *testing.T) {
	_, _, err := Load(Source{FS: fstest.MapFS{}, Path: "nowhere.toml", Name: "x/nowhere.toml"})
	if err == nil || !strings.Contains(err.Error(), "x/nowhere.toml") {
		t.Errorf("error %v", err)
	}
	_, _, err = Load(Source{FS: fstest.MapFS{"d": {Mode: fs.ModeDir}}, Path: "d"})
	if err == nil || !strings.Contains(err.Error(), "no .toml file") {
		t.Errorf("error %v", err)
	}
}

// TestMovingLinesChangesNothing: what a catalog says does not depend on where it
// says it.
func TestMovingLinesChangesNothing(t *testing.T) {
	one := mustLoad(t, `
[service.b]
needs = [
  { on = "a", for = "one", timeout = "1s" }, { on = "a", timeout = "2s" }, "c",
  { on = "c", retry = { jitter = "10%" } }, { on = "c", retry = { deadline = "1s" } }, { on = "c", retry = { budget = "20%" } }, { on = "c", retry = { budget = { max_active = 3 } } },
  { on = "c", breaker = { ring = 9 } }, { on = "c", breaker = { in_a_row = 9 } }, { on = "c", bulkhead = { concurrent = 3 } }, { on = "c", bulkhead = { concurrent = 4 } },
  { on = "c", limit = { k = 2 } }, { on = "c", limit = { rate = "2/s" } }, { on = "c", cache = { keys = 3 } }, { on = "c", cache = { keepalive = "3s" } }, { on = "c", cache = { cold = true } }, { on = "c", cache = { coalesce = false } }, { on = "c", cache = { coalesce = true } }, { on = "c", clients = 3 }, { on = "c", priority = 3 }, { on = "c", share = "3%" },
  { on = "c", clients = 4 }, { on = "c", priority = 4 }, { on = "c", share = { guess = "3%" } }, { on = "c", share = "4%" },
]
tier = 1
[service.a]
[service.c]
queue = { classes = "weighted" }
`)
	two := mustLoad(t, `
[service.c]
queue = { classes = "weighted" }
[service.a]
[service.b]
tier = 1
needs = [
  { share = "4%", on = "c" }, { share = { guess = "3%" }, on = "c" }, { priority = 4, on = "c" }, { clients = 4, on = "c" },
  { share = "3%", on = "c" }, { priority = 3, on = "c" }, { clients = 3, on = "c" }, { cache = { coalesce = true }, on = "c" }, { cache = { coalesce = false }, on = "c" }, { cache = { cold = true }, on = "c" }, { cache = { keepalive = "3s" }, on = "c" }, { cache = { keys = 3 }, on = "c" }, { limit = { rate = "2/s" }, on = "c" }, { limit = { k = 2 }, on = "c" },
  { bulkhead = { concurrent = 4 }, on = "c" }, { bulkhead = { concurrent = 3 }, on = "c" }, { breaker = { in_a_row = 9 }, on = "c" }, { breaker = { ring = 9 }, on = "c" },
  { retry = { budget = { max_active = 3 } }, on = "c" }, { retry = { budget = "20%" }, on = "c" }, { retry = { deadline = "1s" }, on = "c" }, { retry = { jitter = "10%" }, on = "c" },
  "c", { timeout = "2s", on = "a" }, { timeout = "1s", for = "one", on = "a" },
]
`)
	forget := cmp.FilterValues(func(a, b diag.Span) bool { return true }, cmp.Ignore())
	if d := cmp.Diff(one, two, forget); d != "" {
		t.Errorf("moving lines changed the catalog:\n%s", d)
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/broken/*.toml")
	valid, _ := filepath.Glob("testdata/valid/*.toml")
	builtins, _ := filepath.Glob("builtin/*/*.toml")
	for _, name := range slices.Concat(files, valid, builtins) {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, faults, err := Load(Source{Name: "fuzz.toml", Data: data})
		if err != nil {
			t.Fatalf("bytes at hand cannot fail to be read: %v", err)
		}
		if (c == nil) != faults.HasErrors() {
			t.Fatalf("catalog %v with faults %v", c, faults)
		}
		for _, d := range faults {
			if d.Message == "" || d.Span.File == "" {
				t.Errorf("a fault that says nothing: %+v", d)
			}
			_ = d.String()
		}
	})
}
