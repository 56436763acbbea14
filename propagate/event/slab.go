package event

// none is no visit, no call, no service.
const none int32 = -1

// slab is places for things of one kind, told apart by their number. A place that was
// left is taken again; things do not move, so that a pointer to one stays good.
type slab[T any] struct {
	blocks []*[block]T
	free   []int32
	size   int32 // places ever taken
}

const block = 1 << 10

func (s *slab[T]) at(i int32) *T { return &s.blocks[i/block][i%block] }

// take is a place, with what was left in it.
func (s *slab[T]) take() int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		return i
	}
	if int(s.size) == len(s.blocks)*block {
		s.blocks = append(s.blocks, new([block]T))
	}
	s.size++
	return s.size - 1
}

func (s *slab[T]) leave(i int32) { s.free = append(s.free, i) }

// taken is how many places are.
func (s *slab[T]) taken() int { return int(s.size) - len(s.free) }
