package graph

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/knockon/knockon/catalog"
)

func (d *Diff) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "added %v removed %v", d.Added, d.Removed)
	for _, c := range d.Changed {
		fmt.Fprintf(&b, "; %s: %v", c.ID, c.Keys)
	}
	for _, c := range d.Needs {
		what := "changed"
		if c.Old == nil {
			what = "added"
		} else if c.New == nil {
			what = "removed"
		}
		fmt.Fprintf(&b, "; need %s -> %v %s", c.From, c.On, what)
	}
	for _, c := range d.Radii {
		old, _ := c.Old.Impacted()
		now, _ := c.New.Impacted()
		fmt.Fprintf(&b, "; radius of %s %d to %d", c.ID, old, now)
	}
	return b.String()
}

func TestCompare(t *testing.T) {
	heavy := service("db")
	heavy.Weight = 5
	older := graphOf(t, service("api", on("cache", degrades), on("db")), service("cache"), service("db"), service("old", on("db")))
	newer := graphOf(t, service("api", on("cache"), on("db", staleFor(hour)), on("queue", async)), service("cache"), heavy, service("queue"))
	d, err := Compare(t.Context(), older, newer, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "added [queue] removed [old]; db: [weight]" +
		"; need api -> [cache] changed; need api -> [db] changed; need api -> [queue] added; need old -> [db] removed" +
		"; radius of db 3 to 2; radius of cache 2 to 2"
	if got := d.words(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, c := range d.Radii {
		if !c.Grown {
			t.Errorf("%s has not grown: by weight db has, and cache now takes api down", c.ID)
		}
	}
}

// A graph does not differ from itself; and what is added one way is removed the other.
func TestCompareIsFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyCatalog(t), anyCatalog(t)
		compare := func(a, b *catalog.Catalog) *Diff {
			d, err := Compare(t.Context(), Build(a), Build(b), nil)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		if d := compare(a, a); d.words() != "added [] removed []" {
			t.Fatalf("to itself: %s", d.words())
		}
		there, back := compare(a, b), compare(b, a)
		if !slices.Equal(there.Added, back.Removed) || !slices.Equal(there.Removed, back.Added) || len(there.Changed) != len(back.Changed) {
			t.Fatalf("services: there %s, back %s", there.words(), back.words())
		}
		count := func(d *Diff) (added, removed, grown int) {
			for _, c := range d.Needs {
				if c.Old == nil {
					added++
				} else if c.New == nil {
					removed++
				}
			}
			for _, c := range d.Radii {
				if c.Grown {
					grown++
				}
			}
			return added, removed, grown
		}
		added, removed, grown := count(there)
		backAdded, backRemoved, backGrown := count(back)
		if added != backRemoved || removed != backAdded || grown+backGrown != len(there.Radii) || len(there.Radii) != len(back.Radii) {
			t.Fatalf("there %s, back %s", there.words(), back.words())
		}
	})
}
