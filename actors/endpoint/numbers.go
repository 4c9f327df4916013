package endpoint

// numbers is a set of the numbers 1, 2, 3 and so on, of which it soon holds
// nearly all: a bitmap above a base below which it holds every one.
type numbers struct {
	base  uint64 // a multiple of 64
	words []uint64
}

func (s *numbers) has(n uint64) bool {
	if n < s.base {
		return true
	}
	i := (n - s.base) / 64
	return i < uint64(len(s.words)) && s.words[i]&(1<<(n%64)) != 0
}

func (s *numbers) add(n uint64) {
	if n < s.base {
		return
	}
	i := (n - s.base) / 64
	for uint64(len(s.words)) <= i {
		s.words = append(s.words, 0)
	}
	if s.words[i] |= 1 << (n % 64); i == 0 && s.full(0) {
		s.trim()
	}
}

// full tells whether word i holds all its numbers; 0 is none of them.
func (s *numbers) full(i int) bool {
	return s.words[i] == ^uint64(0) || s.base == 0 && i == 0 && s.words[0] == ^uint64(1)
}

// trim drops the full words at the front.
func (s *numbers) trim() {
	n := 0
	for n < len(s.words) && s.full(n) {
		n++
	}
	s.words = s.words[:copy(s.words, s.words[n:])]
	s.base += uint64(n) * 64
}
