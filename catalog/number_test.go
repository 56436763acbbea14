package catalog

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/knockon/knockon/catalog/unit"
)

const numbered = `
[service.api]
load     = "100/s"
capacity = { guess = "200/s" }
replicas = 4
needs = [
  { on = "db", timeout = { documented = "1s", source = "sdk" }, retry = { attempts = 3, base = "100ms" } },
  { on = "db", to = "start" },
  { on = "db", mode = "async", within = "5m" },
]
[service.db]
[service.keeper]
[lease.hosts]
keeper  = "keeper"
holder  = "api"
count   = 1000
ttl     = "3m..3h"
regrant = { cost = { fitted = "40ms" } }
[health_check.targets]
by     = "keeper"
tests  = ["api"]
policy = { interval = "10s" }
on_fail = { remove = "instance", max_removed = "50%" }
`

func loadNumbered(t *testing.T) *Catalog {
	t.Helper()
	c, faults, err := Load(Source{Name: "numbered.toml", Data: []byte(numbered)})
	if err != nil || faults.HasErrors() {
		t.Fatal(err, faults)
	}
	return c
}

// TestNumbersArePaths: every number is listed once, by the keys that a catalog
// writes, and with what is known of it.
func TestNumbersArePaths(t *testing.T) {
	var got []string
	for _, n := range Numbers(loadNumbered(t)) {
		got = append(got, n.Path+" = "+n.Text())
	}
	want := []string{
		`health_check "targets".on_fail.max_removed = 50%`,
		`health_check "targets".policy.interval = 10s`,
		`lease "hosts".count = 1000`,
		`lease "hosts".regrant.cost = 40ms`,
		`lease "hosts".ttl = 3h`,
		`lease "hosts".ttl.high = 3h`,
		`lease "hosts".ttl.low = 3m`,
		`service "api" -> "db"#2.within = 5m`,
		`service "api" -> "db".retry.attempts = 3`,
		`service "api" -> "db".retry.base = 100ms`,
		`service "api" -> "db".timeout = 1s`,
		`service "api".capacity = 200/s`,
		`service "api".load = 100/s`,
		`service "api".replicas.count = 4`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNumbersAreSetInTheirCatalogOnly: what is set in a clone can be read from it, and
// the catalog it was cloned from is what it was.
func TestNumbersAreSetInTheirCatalogOnly(t *testing.T) {
	c := loadNumbered(t)
	before := Numbers(c)
	var was []float64
	for i := range before {
		was = append(was, before[i].Value())
	}
	clone := c.Clone()
	if diff := cmp.Diff(c, clone); diff != "" {
		t.Fatal(diff)
	}
	for i := range before {
		if strings.HasSuffix(before[i].Path, ".low") || strings.HasSuffix(before[i].Path, ".high") {
			continue
		}
		own := c.Clone()
		n := &Numbers(own)[i]
		n.Set(0.5 * was[i])
		want := 0.5 * was[i]
		if n.Unit == PlainNumber {
			want = float64(int64(want + 0.5))
		}
		if got := Numbers(own)[i].Value(); got != want {
			t.Errorf("%s is %v after it was set to %v", n.Path, got, want)
		}
		if before[i].Value() != was[i] {
			t.Errorf("%s of the catalog itself has changed", n.Path)
		}
	}
	ttl := slices.IndexFunc(before, func(n Number) bool { return n.Path == `lease "hosts".ttl` })
	n := &Numbers(clone)[ttl]
	n.Set(2 * n.Value())
	if got := clone.Leases[0].Policy.TTL.V; got != (unit.Range{Low: 360e9, High: 21600e9}) {
		t.Errorf("a range moves by its factor: %v", got)
	}
}

// TestEveryValueIsANumber: no kind of value of a catalog is left out.
func TestEveryValueIsANumber(t *testing.T) {
	var visit func(reflect.Type)
	seen := make(map[reflect.Type]bool)
	var l numbers
	visit = func(v reflect.Type) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(v.Elem())
		case reflect.Struct:
			if seen[v] {
				return
			}
			seen[v] = true
			if strings.HasPrefix(v.Name(), "Value[") {
				if !l.number("x", reflect.New(v).Interface()) {
					t.Errorf("%s is not listed", v)
				}
				return
			}
			for i := range v.NumField() {
				visit(v.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[Catalog]())
	if len(seen) < 20 {
		t.Errorf("%d types seen", len(seen))
	}
}
