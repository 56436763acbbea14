package bdd

// Minimal returns the family of the minimal solutions of a function: the sets of
// variables that make it true when all others are false, and of which no proper
// subset does. For a function without negations these are its prime implicants,
// the minimal cut sets of reliability engineering.
func (s *Space) Minimal(f Node) Node {
	if f <= True {
		return f
	}
	if is, ok := s.minimal.get(f, noResult, 0); ok || s.err != nil {
		return is
	}
	v := s.functions.vertices[f]
	lo, hi := s.Minimal(v.lo), s.Minimal(v.hi)
	if s.monotone {
		hi = s.without(hi, v.lo)
	} else {
		hi = s.withoutSupersets(hi, lo)
	}
	is := s.join(v.level, lo, hi)
	if s.err == nil {
		s.minimal.put(f, noResult, 0, is)
	}
	return is
}

// join returns the family of the sets of lo, and of those of hi with a variable added.
func (s *Space) join(level uint32, lo, hi Node) Node {
	if hi == False {
		return lo
	}
	return s.find(&s.families, level, lo, hi)
}

// without returns the sets of a family that do not make a monotone function true.
func (s *Space) without(z, f Node) Node {
	switch {
	case f == False:
		return z
	case f == True, z == False:
		return False
	case z == True:
		return True // the empty set makes no monotone function true but the constant
	}
	if is, ok := s.minimal.get(z, f, 1); ok || s.err != nil {
		return is
	}
	v, w := s.families.vertices[z], s.functions.vertices[f]
	var is Node
	switch {
	case v.level > w.level:
		is = s.without(z, w.lo)
	case v.level < w.level:
		is = s.join(v.level, s.without(v.lo, f), s.without(v.hi, f))
	default:
		is = s.join(v.level, s.without(v.lo, w.lo), s.without(v.hi, w.hi))
	}
	if s.err == nil {
		s.minimal.put(z, f, 1, is)
	}
	return is
}

// withoutSupersets returns the sets of a family that include no set of another.
func (s *Space) withoutSupersets(z, y Node) Node {
	switch {
	case y == False:
		return z
	case y == True, z == False:
		return False
	case z == True:
		for y > True {
			y = s.families.vertices[y].lo
		}
		return True - y // y is True if it has the empty set
	}
	if is, ok := s.minimal.get(z, y, 2); ok || s.err != nil {
		return is
	}
	v, w := s.families.vertices[z], s.families.vertices[y]
	var is Node
	switch {
	case v.level > w.level:
		is = s.withoutSupersets(z, w.lo)
	case v.level < w.level:
		is = s.join(v.level, s.withoutSupersets(v.lo, y), s.withoutSupersets(v.hi, y))
	default:
		hi := s.withoutSupersets(s.withoutSupersets(v.hi, w.hi), w.lo)
		is = s.join(v.level, s.withoutSupersets(v.lo, w.lo), hi)
	}
	if s.err == nil {
		s.minimal.put(z, y, 2, is)
	}
	return is
}

// Containing returns the family of the sets that have a variable, without it.
func (s *Space) Containing(z Node, level int) Node {
	seen := make(map[Node]Node)
	var cut func(Node) Node
	cut = func(z Node) Node {
		v := s.families.vertices[z]
		switch {
		case v.level > uint32(level):
			return False
		case v.level == uint32(level):
			return v.hi
		}
		if is, ok := seen[z]; ok {
			return is
		}
		is := s.join(v.level, cut(v.lo), cut(v.hi))
		seen[z] = is
		return is
	}
	return cut(z)
}

// Cover returns the function that is true where all variables of some set of a
// family are.
func (s *Space) Cover(z Node) Node {
	seen := make(map[Node]Node)
	var cover func(Node) Node
	cover = func(z Node) Node {
		if z <= True {
			return z
		}
		if is, ok := seen[z]; ok {
			return is
		}
		v := s.families.vertices[z]
		lo := cover(v.lo)
		is := s.decide(v.level, lo, s.or(cover(v.hi), lo))
		seen[z] = is
		return is
	}
	return cover(z)
}
