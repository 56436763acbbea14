// Package mech is how each mechanism of failure and recovery behaves, one file
// each: the twin of what package policy lets a catalog say about it.
//
// Everything here is a rate-level ("fluid") model: masses of requests that flow,
// wait and leave in steps of any length. A step is computed in closed form from
// its beginning and its constant inflow, so that an outcome does not depend on how
// long the step was while nothing changes. Masses are requests, times seconds.
//
// Products that are added are written float64(a*b)+c: a compiler may otherwise
// fuse them on some machines and not on others, and the same scenario would not
// give the same bytes everywhere.
package mech

// Tiny is the mass below which there is nothing.
const Tiny = 1e-9

// Emptied is a row without what is in it, with room for as much as another row has
// room for. Copies made in it are done growing when the original is. The room is
// taken to the element: rounded up, two rows that are copied to and fro would make
// each other grow without end.
func Emptied[T any](row, like []T) []T {
	if cap(row) < cap(like) {
		return make([]T, 0, cap(like))
	}
	return row[:0]
}
