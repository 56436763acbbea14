package policy

import (
	"slices"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// Replicas are the equal instances of a service and where they stand.
type Replicas struct {
	Count   unit.Value[int64] // instances; with zones, in all zones together
	AtLeast unit.Value[int64] // instances without which the service does not work
	Zones   []string          // sorted
}

// ReplicasKeys reads `replicas = 3` or `replicas = { zones = ["az1", "az2"], count = 6 }`.
func ReplicasKeys(d *toml.Decoder, key string) *Replicas {
	v, ok := d.Value(key)
	if !ok {
		return nil
	}
	r := &Replicas{}
	if v.Kind != toml.TableKind {
		toml.Count(d, key, 1, 1e9, &r.Count)
		return r
	}
	t := d.Sub(key, "replicas")
	toml.Count(t, "count", 1, 1e9, &r.Count)
	toml.Count(t, "at_least", 1, 1e9, &r.AtLeast)
	t.Strings("zones", &r.Zones)
	slices.Sort(r.Zones)
	if len(r.Zones) != len(slices.Compact(slices.Clone(r.Zones))) {
		t.Errorf(t.Key("zones"), "name each zone once", "a zone is named twice")
		r.Zones = slices.Compact(r.Zones)
	}
	total := r.Count.Or(int64(len(r.Zones)))
	if r.AtLeast.IsStated() && total > 0 && r.AtLeast.V > total {
		t.Errorf(r.AtLeast.At, "at_least cannot exceed the number of replicas", "%d of %d replicas are needed", r.AtLeast.V, total)
	}
	t.Done()
	return r
}
