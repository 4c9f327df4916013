package shard

import "github.com/postrider/postrider/transport"

// settledSet remembers which sequences are settled, as a bitmap above a floor
// below which all count as settled. It holds maxSpread sequences at most; a
// sequence further behind than that can only be a late copy.
type settledSet struct {
	base  uint64 // multiple of 64; everything below is settled
	words []uint64
}

const maxSpread = 1 << 22

func newSettledSet(floor uint64) *settledSet {
	s := &settledSet{base: (floor + 1) &^ 63}
	for seq := s.base; seq <= floor; seq++ {
		s.add(seq)
	}
	return s
}

func (s *settledSet) has(seq uint64) bool {
	if seq < s.base {
		return true
	}
	i := (seq - s.base) / 64
	return i < uint64(len(s.words)) && s.words[i]&(1<<(seq%64)) != 0
}

func (s *settledSet) add(seq uint64) {
	if seq < s.base {
		return
	}
	if seq-s.base >= 2*maxSpread { // the log was purged up to near here
		s.base, s.words = seq&^63-maxSpread, s.words[:0]
	}
	i := (seq - s.base) / 64
	for uint64(len(s.words)) <= i {
		s.words = append(s.words, 0)
	}
	s.words[i] |= 1 << (seq % 64)
	s.trim()
}

// trim drops full words at the front, and the oldest ones of too wide a spread.
func (s *settledSet) trim() {
	n := 0
	for n < len(s.words) && (s.words[n] == ^uint64(0) || len(s.words)-n > maxSpread/64) {
		n++
	}
	if n == 0 || n < len(s.words) && n < 1024 && n*2 < len(s.words) {
		return // shift seldom: it costs a copy
	}
	rest := copy(s.words, s.words[n:])
	s.words = s.words[:rest]
	s.base += uint64(n) * 64
}

// recentSet remembers the last sequences, at least cap of them.
type recentSet struct {
	limit    int
	now, old map[uint64]struct{}
}

func newRecentSet(limit int) *recentSet {
	return &recentSet{limit: limit, now: map[uint64]struct{}{}}
}

func (r *recentSet) has(seq uint64) bool {
	if _, ok := r.now[seq]; ok {
		return true
	}
	_, ok := r.old[seq]
	return ok
}

func (r *recentSet) add(seq uint64) {
	if len(r.now) >= r.limit {
		r.old, r.now = r.now, map[uint64]struct{}{}
	}
	r.now[seq] = struct{}{}
}

// recentSegments remembers the last segments by their ids, at least limit of
// them, each with the sequence it came as.
type recentSegments struct {
	limit    int
	now, old map[string]uint64
}

func newRecentSegments(limit int) *recentSegments {
	return &recentSegments{limit: limit, now: map[string]uint64{}}
}

// note tells whether a segment comes for the first time, or the sequence of
// which it is a copy: its schedule was fired twice. One without an id is always
// the first.
func (r *recentSegments) note(seg *transport.Segment) (first bool, copyOf uint64) {
	if seg.ID == "" {
		return true, 0
	}
	seq, known := r.now[seg.ID]
	if !known {
		seq, known = r.old[seg.ID]
	}
	switch {
	case known && seq != seg.Seq:
		return false, seq
	case known:
		return false, 0
	}
	if len(r.now) >= r.limit {
		r.old, r.now = r.now, map[string]uint64{}
	}
	r.now[seg.ID] = seg.Seq
	return true, 0
}
