package unit

import "github.com/knockon/knockon/catalog/diag"

// Evidence says how we know a value.
type Evidence uint8

// Kinds of evidence.
const (
	NotStated  Evidence = iota // nobody said; a default is assumed and said to be one
	Stated                     // written down without further claim
	Documented                 // taken from a source that is named
	Fitted                     // chosen so that a model agrees with what was observed
	Guess                      // somebody's guess
)

// String is the word a catalog uses for it.
func (e Evidence) String() string {
	return [...]string{"not stated", "stated", "documented", "fitted", "guess"}[e]
}

// Value is a quantity with what is known about it. The zero Value is "not
// stated", which differs from any stated quantity, zero included.
type Value[T any] struct {
	V        T
	Evidence Evidence
	Source   string    // where a documented value comes from
	At       diag.Span // where the catalog states it
}

// IsStated reports whether the catalog gives the value.
func (v Value[T]) IsStated() bool { return v.Evidence != NotStated }

// Or returns the value, or assumed when it is not stated.
func (v Value[T]) Or(assumed T) T {
	if v.IsStated() {
		return v.V
	}
	return assumed
}
