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

// deletion is what is left of a number when up to MaxDifferences characters are
// deleted.
type deletion struct {
	// key is the hash of what is left.
	key  uint64
	gaps gaps
	// length is the whole number's, with its beginning and end; of an alert's
	// number, where nothing is deleted.
	length uint8
}

// gaps are the places that deleted characters left, each told by how many
// characters are left before it, in order; 0 for those not deleted, as the
// beginning is always left.
type gaps [MaxDifferences]uint8

// count is how many characters were deleted.
func (g gaps) count() int { return int(min(g[0], 1) + min(g[1], 1)) }

// and is g with one more gap.
func (g gaps) and(gap uint8) gaps {
	if g[0] == 0 {
		return gaps{gap}
	}
	return gaps{min(g[0], gap), max(g[0], gap)}
}

// keyed is the key of what is left together with where it was deleted.
func (d deletion) keyed() uint64 {
	return d.key ^ (uint64(d.gaps[0])<<8|uint64(d.gaps[1])+1)*0x9e3779b97f4a7c15
}

// differences is how many differences two numbers have whose deletions left the same:
// two characters deleted at the same place are one changed, all others were
// inserted or left out. The numbers may have fewer by other deletions.
func differences(a, b gaps) int {
	same := 0
	switch {
	case a == b:
		return a.count()
	case a[0] != 0 && (a[0] == b[0] || a[0] == b[1]), a[1] != 0 && (a[1] == b[0] || a[1] == b[1]):
		same = 1
	}
	return a.count() + b.count() - same
}

// appendDeletions appends what is left when exactly 0, 1, … k characters are
// deleted; the spelling has at most maxDeletion + k characters and two.
func (s *spelling) appendDeletions(dst []deletion, k int) []deletion {
	n := s.length()
	dst = append(dst, deletion{key: s.prefix[n]})
	for i := 1; k >= 1 && i < n-1; i++ {
		left := s.prefix[i]
		dst = append(dst, deletion{key: left*powers[n-i-1] + s.part(i+1, n), gaps: gaps{uint8(i)}})
		for j := i + 1; k >= 2 && j < n-1; j++ {
			both := left*powers[j-i-1] + s.part(i+1, j)
			dst = append(dst, deletion{key: both*powers[n-j-1] + s.part(j+1, n), gaps: gaps{uint8(i), uint8(j - 1)}})
		}
	}
	return dst
}
