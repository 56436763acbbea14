package event

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/knockon/knockon/propagate/mech"
)

// stream is the chance of one entity for one purpose. Each has its own, so that what
// is drawn for one does not shift what is drawn for others: a service more in a catalog
// changes nothing for those that it has nothing to do with.
type stream struct{ pcg rand.PCG }

// newStream is the stream of a purpose of an entity, by names that do not change when
// others come and go.
func newStream(seed uint64, purpose string, names ...string) (s stream) {
	h := fnv(fnvBasis, purpose)
	for _, name := range names {
		h = fnv(fnv(h, "\x00"), name)
	}
	s.pcg.Seed(seed, h)
	return s
}

const fnvBasis = 14695981039346656037

// fnv goes on with a 64-bit FNV-1a hash (Fowler, Noll and Vo).
func fnv(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// share is even in [0, 1).
func (s *stream) share() float64 { return float64(s.pcg.Uint64()>>11) * (1.0 / (1 << 53)) }

// happens is true with a probability; nothing is drawn for what is certain.
func (s *stream) happens(p float64) bool {
	return p > 0 && (p >= 1 || s.share() < p)
}

// exponential has the mean 1, and the same bits on every machine.
func (s *stream) exponential() float64 { return -mech.Log(1 - s.share()) }

// below is even among 0, 1, … n-1 (Lemire 2019, whose bias of n in 2^64 is kept).
func (s *stream) below(n int) int {
	high, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(high)
}

// whole is a whole number with the mean x: one of the two beside it.
func (s *stream) whole(x float64) int {
	n := math.Floor(x)
	if s.happens(x - n) {
		n++
	}
	return int(n)
}
