package endpoint

// Numbers is a set of the numbers 1, 2, 3 and so on, of which it soon holds
// nearly all: a bitmap above a base below which it holds every one.
type Numbers struct {
	base  uint64 // a multiple of 64
	words []uint64
}

// Has tells whether n is in the set; nothing is in none.
func (s *Numbers) Has(n uint64) bool {
	if s == nil {
		return false
	}
	if n < s.base {
		return true
	}
	i := (n - s.base) / 64
	return i < uint64(len(s.words)) && s.words[i]&(1<<(n%64)) != 0
}

// Add puts n in.
func (s *Numbers) Add(n uint64) {
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
func (s *Numbers) full(i int) bool {
	return s.words[i] == ^uint64(0) || s.base == 0 && i == 0 && s.words[0] == ^uint64(1)
}

// trim drops the full words at the front.
func (s *Numbers) trim() {
	n := 0
	for n < len(s.words) && s.full(n) {
		n++
	}
	s.words = s.words[:copy(s.words, s.words[n:])]
	s.base += uint64(n) * 64
}
