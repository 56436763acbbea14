package mech_test

import (
	"testing"

	"github.com/knockon/knockon/propagate/mech"
)

// TestEmptied: rows that are copied to and fro, as a state that is saved and restored
// is, end with the same room, and it is that of the larger.
func TestEmptied(t *testing.T) {
	for small := range 40 {
		for large := small; large < 80; large++ {
			a, b := make([]float64, 0, large), make([]float64, 0, small)
			for range 10 {
				b = mech.Emptied(b, a)
				a = mech.Emptied(a, b)
			}
			if cap(a) != large || cap(b) != large || len(a)+len(b) > 0 {
				t.Fatalf("rows with room for %d and %d come to %d and %d", large, small, cap(a), cap(b))
			}
		}
	}
}
