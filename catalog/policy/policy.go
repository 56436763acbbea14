// Package policy is what a catalog can say about the mechanisms of failure and
// recovery: one file each, with its fields, units, defaults, checks and presets.
//
// It holds no behaviour. Every policy is read and checked today; those marked
// experimental in docs/catalog.md are not used by an engine yet.
package policy

import (
	"cmp"
	"slices"

	"github.com/knockon/knockon/catalog/toml"
	"github.com/knockon/knockon/catalog/unit"
)

// compareValues orders two quantities, the stated ones last, by what they say and
// not by where they stand.
func compareValues[T cmp.Ordered](a, b unit.Value[T]) int {
	return cmp.Or(cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.V, b.V), cmp.Compare(a.Source, b.Source))
}

// preset looks a name up in a sorted table of presets and complains, with the
// nearest name, when it is not there.
func preset[T any](d *toml.Decoder, v *toml.Value, what, name string, table []T, nameOf func(T) string) (found T, ok bool) {
	names := make([]string, len(table))
	for i, p := range table {
		names[i] = nameOf(p)
	}
	if i := slices.Index(names, name); i >= 0 {
		return table[i], true
	}
	d.UnknownWord(v.At, what, name, names)
	return found, false
}
