package graph

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/knockon/knockon/catalog"
)

// Diff is what differs between two graphs, by the names of services: what stands in
// another file, in another order or is said in other words does not.
type Diff struct {
	Added, Removed []string        // services, sorted
	Changed        []ServiceChange // sorted by ID
	Needs          []NeedChange    // by service, then by what is needed
	Radii          []RadiusChange  // most grown first
}

// ServiceChange is what a service in both graphs says differently.
type ServiceChange struct {
	ID       string
	Old, New *catalog.Service
	Keys     []string // which of fails_as, group, kind, owner, tier and weight
}

// NeedChange is a need that was added (Old is nil), removed (New is nil) or changed.
type NeedChange struct {
	From     string
	On       []string // targets, sorted
	Old, New *Need
}

// RadiusChange is a service in both graphs whose loss comes to something else.
type RadiusChange struct {
	ID       string
	Old, New Summary // of everything that is hit, itself included
	Grown    bool    // else it has shrunk
}

// Compare finds what differs between two graphs. A need is the same in both if it is
// of the same service, on the same targets, for the same purpose, and as fresh; it has
// changed if something that outcomes rest on is not: mode, what happens on a loss,
// time, fallback, how many of a group, and whether wrong answers are believed.
//
// Radii are those of single failures that last for ever, of services that are in both
// graphs. A radius has grown if it weighs more, or as much and is worse: more of it is
// down, or degraded, and so on. Progress, unless nil, is told how many of all failures
// have been tried.
func Compare(ctx context.Context, older, newer *Graph, progress func(done, total int)) (*Diff, error) {
	d := &Diff{}
	for v := range Node(older.Len()) {
		if _, ok := newer.Node(older.ID(v)); !ok {
			d.Removed = append(d.Removed, older.ID(v))
		}
	}
	for v := range Node(newer.Len()) {
		was, ok := older.Node(newer.ID(v))
		if !ok {
			d.Added = append(d.Added, newer.ID(v))
			continue
		}
		if keys := changedKeys(older.Service(was), newer.Service(v)); len(keys) > 0 {
			d.Changed = append(d.Changed, ServiceChange{newer.ID(v), older.Service(was), newer.Service(v), keys})
		}
	}
	d.compareNeeds(older, newer)
	return d, d.compareRadii(ctx, older, newer, progress)
}

func changedKeys(a, b *catalog.Service) (keys []string) {
	for _, x := range []struct {
		key     string
		differs bool
	}{
		{"fails_as", a.FailsAs != b.FailsAs},
		{"group", a.Group != b.Group},
		{"kind", a.Kind != b.Kind},
		{"owner", a.Owner != b.Owner},
		{"tier", a.Tier.IsStated() != b.Tier.IsStated() || a.Tier.V != b.Tier.V},
		{"weight", a.Weight != b.Weight},
	} {
		if x.differs {
			keys = append(keys, x.key)
		}
	}
	return keys
}

// needKey is what makes a need the same in both graphs.
func (g *Graph) needKey(e *Need) string {
	key := []string{g.ID(e.From)}
	if e.Lease != nil {
		return strings.Join(append(key, "lease", e.Lease.ID), "\x00")
	}
	key = append(key, "need", e.Declared.To.String(), fmt.Sprint(e.Declared.Fresh))
	return strings.Join(append(key, e.Declared.Targets...), "\x00")
}

// means is what outcomes rest on, of a need of a key.
func (g *Graph) means(e *Need) string {
	fallback := ""
	if v, ok := e.Fallback(); ok {
		fallback = g.ID(v)
	}
	return fmt.Sprintf("%d %v %v %d %q %q", e.rule, e.delay, e.assumed, e.atLeast, fallback, g.targetIDs(e))
}

func (g *Graph) targetIDs(e *Need) []string {
	var ids []string
	for _, t := range g.Targets(e) {
		ids = append(ids, g.ID(t))
	}
	slices.Sort(ids)
	return ids
}

func (d *Diff) compareNeeds(older, newer *Graph) {
	was := make(map[string][]*Need)
	for i := range older.needs {
		e := &older.needs[i]
		k := older.needKey(e)
		was[k] = append(was[k], e)
	}
	// Needs of one key, of which there may be several, are first paired with those that
	// say the same, then in order.
	is := make(map[string][]*Need)
	var keys []string
	for i := range newer.needs {
		e := &newer.needs[i]
		k := newer.needKey(e)
		if same := slices.IndexFunc(was[k], func(o *Need) bool { return older.means(o) == newer.means(e) }); same >= 0 {
			was[k] = slices.Delete(was[k], same, same+1)
			continue
		}
		is[k] = append(is[k], e)
	}
	for k := range was {
		keys = append(keys, k)
	}
	for k := range is {
		if _, ok := was[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		for i := range max(len(was[k]), len(is[k])) {
			c := NeedChange{}
			if i < len(was[k]) {
				c.Old = was[k][i]
				c.From, c.On = older.ID(c.Old.From), older.targetIDs(c.Old)
			}
			if i < len(is[k]) {
				c.New = is[k][i]
				c.From, c.On = newer.ID(c.New.From), newer.targetIDs(c.New)
			}
			d.Needs = append(d.Needs, c)
		}
	}
	slices.SortStableFunc(d.Needs, func(a, b NeedChange) int {
		return cmp.Or(strings.Compare(a.From, b.From), slices.Compare(a.On, b.On))
	})
}

func (d *Diff) compareRadii(ctx context.Context, older, newer *Graph, progress func(done, total int)) error {
	all := older.Len() + newer.Len()
	rank := func(g *Graph, before int) ([]Damage, error) {
		if progress == nil {
			return g.Rank(ctx, Options{}, nil)
		}
		return g.Rank(ctx, Options{}, func(done, total int) { progress(before+done*g.Len()/total, all) })
	}
	before, err := rank(older, 0)
	if err != nil {
		return err
	}
	after, err := rank(newer, older.Len())
	if err != nil {
		return err
	}
	was := make(map[string]Summary, len(before))
	for _, x := range before {
		was[older.ID(x.Root)] = x.Summary
	}
	for _, x := range after {
		id := newer.ID(x.Root)
		if old, ok := was[id]; ok {
			if c := compareDamage(&old, &x.Summary); c != 0 {
				d.Radii = append(d.Radii, RadiusChange{id, old, x.Summary, c < 0})
			}
		}
	}
	growth := func(c RadiusChange) float64 {
		_, old := c.Old.Impacted()
		_, now := c.New.Impacted()
		return now - old
	}
	slices.SortStableFunc(d.Radii, func(a, b RadiusChange) int {
		return cmp.Or(cmp.Compare(growth(b), growth(a)), strings.Compare(a.ID, b.ID))
	})
	return nil
}

// compareDamage orders summaries by damage: by weight, then by how bad it is, then by
// how many are hit.
func compareDamage(a, b *Summary) int {
	aCount, aWeight := a.Impacted()
	bCount, bWeight := b.Impacted()
	c := cmp.Compare(aWeight, bWeight)
	for o := Down; o > Safe && c == 0; o-- {
		c = cmp.Compare(a.Weight[o], b.Weight[o])
	}
	return cmp.Or(c, cmp.Compare(aCount, bCount))
}
