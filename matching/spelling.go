package matching

import (
	"hash/maphash"
	"unicode/utf8"
)

// A number's beginning and end are characters too, which no number has, so that
// a part of it may tell where it stands.
const (
	opening = '^'
	closing = '$'
)

// maxDeletion is the longest number, in characters, that is found by what is
// left of it; a longer one is found by its parts.
const maxDeletion = 20

// base is the radix of the hashes over characters: H(xy) = H(x)·base^|y| + H(y).
var (
	base   = maphash.String(seed, "base") | 1
	powers = func() (powers [maxDeletion + MaxDifferences + 4]uint64) {
		powers[0] = 1
		for i := 1; i < len(powers); i++ {
			powers[i] = powers[i-1] * base
		}
		return powers
	}()
)

// spelling has the hashes of all that a number begins with, so that the hash of
// any short part of it, or of two joined, is a matter of some products.
type spelling struct {
	ready bool
	// prefix[i] is the hash of the first i characters.
	prefix []uint64
}

// read spells value, with its beginning and end.
func (s *spelling) read(value []byte) {
	s.ready = true
	s.prefix = append(s.prefix[:0], 0)
	s.add(opening)
	for len(value) > 0 {
		r, n := rune(value[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(value)
		}
		s.add(r)
		value = value[n:]
	}
	s.add(closing)
}

func (s *spelling) add(r rune) {
	s.prefix = append(s.prefix, s.prefix[len(s.prefix)-1]*base+uint64(r))
}

// length is the number of characters, with the beginning and the end.
func (s *spelling) length() int { return len(s.prefix) - 1 }

// part is the hash of the characters from start to end.
func (s *spelling) part(start, end int) uint64 {
	return s.prefix[end] - s.prefix[start]*powers[end-start]
}

// appendDeletions appends the hashes of all that is left when exactly
// 0, 1, … k characters are deleted; the spelling has at most maxDeletion + k
// characters and two.
func (s *spelling) appendDeletions(dst []uint64, k int) []uint64 {
	n := s.length()
	dst = append(dst, s.prefix[n])
	for i := 1; k >= 1 && i < n-1; i++ {
		left := s.prefix[i]
		dst = append(dst, left*powers[n-i-1]+s.part(i+1, n))
		for j := i + 1; k >= 2 && j < n-1; j++ {
			both := left*powers[j-i-1] + s.part(i+1, j)
			dst = append(dst, both*powers[n-j-1]+s.part(j+1, n))
		}
	}
	return dst
}
