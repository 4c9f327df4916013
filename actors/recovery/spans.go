package recovery

import (
	"cmp"
	"slices"
	"sort"

	"github.com/postrider/postrider/transport"
)

// spans are ranges of the log's sequences, those of segments.
type spans []span

type span struct {
	first, last uint64
	reach       uint64 // the highest last of all up to this one, once sorted
}

func (s *spans) add(entries []transport.Entry) {
	added := span{first: entries[0].Event.Seq}
	for i := range entries {
		seq := entries[i].Event.Seq
		added.first, added.last = min(added.first, seq), max(added.last, seq)
	}
	*s = append(*s, added)
}

func (s *spans) sort() {
	slices.SortFunc(*s, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	reach := uint64(0)
	for i := range *s {
		reach = max(reach, (*s)[i].last)
		(*s)[i].reach = reach
	}
}

// meets tells whether any range has a sequence of those from first to last;
// they are sorted.
func (s *spans) meets(first, last uint64) bool {
	if s == nil {
		return false
	}
	after := sort.Search(len(*s), func(i int) bool { return (*s)[i].first > last })
	return after > 0 && (*s)[after-1].reach >= first
}
