// Package policy is what a catalog can say about the mechanisms of failure and
// recovery: one file each, with its fields, units, defaults, checks and presets.
//
// It holds no behaviour. Every policy is read and checked; what is marked
// experimental in docs/catalog.md is not used by an engine yet.
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

// compareRanges orders two ranges as compareValues does.
func compareRanges(a, b unit.Value[unit.Range]) int {
	return cmp.Or(cmp.Compare(a.Evidence, b.Evidence), cmp.Compare(a.V.Low, b.V.Low), cmp.Compare(a.V.High, b.V.High), cmp.Compare(a.Source, b.Source))
}

// compareFlags orders what is off before what is on.
func compareFlags(a, b bool) int { return compareNil(!a, !b) }

// compareNil orders what is not stated before what is.
func compareNil(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// preset reads a key whose value may be the name of a preset. It reports whether
// the value is a name at all; found is nil for one that is not in the sorted
// table, which is answered with the nearest.
func preset[T any](d *toml.Decoder, key, what string, table []T, nameOf func(*T) string) (found *T, isName bool) {
	v, ok := d.Value(key)
	if !ok || v.Kind != toml.StringKind {
		return nil, false
	}
	name := v.Scalar.(string)
	names := make([]string, len(table))
	for i := range table {
		names[i] = nameOf(&table[i])
	}
	if i := slices.Index(names, name); i >= 0 {
		return &table[i], true
	}
	d.UnknownWord(v.At, what, name, names)
	return nil, true
}

// A family is the keys that say one thing together. The others add to the first.
type family []string

// oneFamily complains about a table that says what belongs to different families,
// or that adds to what it does not say, and reports whether it is neither.
func oneFamily(t *toml.Decoder, what, help string, families ...family) bool {
	var leads, present []string
	for _, f := range families {
		if i := slices.IndexFunc(f, t.Has); i >= 0 {
			leads, present = append(leads, f[0]), append(present, f[i])
		}
	}
	switch {
	case len(present) > 1:
		t.Errorf(t.Key(present[1]), help, "%q and %q belong to different kinds of %s", present[0], present[1], what)
	case len(present) == 1 && present[0] != leads[0]:
		t.Errorf(t.Key(present[0]), help, "%q goes with %q, which is not stated", present[0], leads[0])
	default:
		return true
	}
	return false
}

// refuseZero complains about a stated quantity that is zero and cannot be.
func refuseZero[T unit.Duration | unit.Rate | unit.Ratio](t *toml.Decoder, v unit.Value[T], help, message string) {
	if v.IsStated() && v.V == 0 {
		t.Errorf(v.At, help, "%s", message)
	}
}

// documented is a value of a preset.
func documented[T any](v T, source string) unit.Value[T] {
	return unit.Value[T]{V: v, Evidence: unit.Documented, Source: source}
}

// documentedCount is a count of a preset; 0 is not stated.
func documentedCount(n int64, source string) unit.Value[int64] {
	if n == 0 {
		return unit.Value[int64]{}
	}
	return documented(n, source)
}

// documentedDuration is a duration of a preset; "" is not stated.
func documentedDuration(s, source string) unit.Value[unit.Duration] {
	return parsed(s, source, unit.ParseDuration)
}

// documentedRatio is a share of a preset; "" is not stated.
func documentedRatio(s, source string) unit.Value[unit.Ratio] {
	return parsed(s, source, unit.ParseRatio)
}

// documentedRate is a rate of a preset; "" is not stated.
func documentedRate(s, source string) unit.Value[unit.Rate] {
	return parsed(s, source, unit.ParseRate)
}

func parsed[T any](s, source string, parse func(string) (T, error)) (value unit.Value[T]) {
	if s == "" {
		return value
	}
	v, err := parse(s)
	if err != nil {
		panic("policy: " + err.Error())
	}
	return documented(v, source)
}
