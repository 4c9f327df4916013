package matching

import (
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// laneOf is the lane a criterion is found by.
func laneOf(c *criterion) lane {
	switch {
	case byDeletion(c):
		return deletionLane(c.field, c.lookalikes, int(c.differences))
	case byPieces(c):
		pieces := cut(c)
		return gramLane(c.field, c.lookalikes, pieces.size)
	}
	return exactLane(c.field, c.lookalikes)
}

func byDeletion(c *criterion) bool {
	return c.differences > 0 && !c.wild && utf8.RuneCountInString(c.value) <= maxDeletion
}

func byPieces(c *criterion) bool {
	return c.wild || c.differences > 0 && !byDeletion(c)
}

// insert links the alert in slot to the keys of a criterion, and gives the
// first of its nodes, before those at first.
func (x *Index) insert(c *criterion, slot, first uint32) uint32 {
	l := laneOf(c)
	for _, d := range x.keysOf(c, l) {
		first = x.postings.link(l, d, slot, first)
	}
	return first
}

// keysOf are the keys of a criterion, with gaps where they are of deletions.
func (x *Index) keysOf(c *criterion, l lane) []deletion {
	switch {
	case byDeletion(c):
		return deletionKeys(c.value, int(c.differences))
	case byPieces(c):
		return x.pieceKeys(c, l)
	case c.field == deep:
		return []deletion{{key: x.rarestWord(c.value)}}
	}
	return []deletion{{key: maphash.String(seed, c.value)}}
}

// pieceKeys are the keys of as many pieces as are needed: those which the
// fewest alerts have.
func (x *Index) pieceKeys(c *criterion, l lane) (distinct []deletion) {
	pieces := cut(c)
	keys := make([]uint64, len(pieces.starts))
	for i, start := range pieces.starts {
		keys[i] = pieces.hash(start)
	}
	slices.SortStableFunc(keys, func(a, b uint64) int {
		return int(x.postings.chains[l][a].count) - int(x.postings.chains[l][b].count)
	})
	keys = keys[:pieces.need]
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		distinct = append(distinct, deletion{key: key})
	}
	return distinct
}

// rarestWord is the key of the word that the fewest alerts have, the longest of those.
func (x *Index) rarestWord(words string) uint64 {
	var best uint64
	fewest, longest := ^uint32(0), 0
	for w := range strings.SplitSeq(words, " ") {
		key := maphash.String(seed, w)
		count := x.postings.chains[deepLane][key].count
		if count < fewest || count == fewest && len(w) > longest {
			best, fewest, longest = key, count, len(w)
		}
	}
	return best
}

// search is one detection's way through the index.
type search struct {
	*Index
	*Probe
	keep func(*Alert) bool
	hits []Hit
}

// exact looks up the whole values.
func (s *search) exact() {
	for _, k := range s.keys {
		for i := s.postings.chains[k.lane][k.key].first; i != 0; {
			n := s.postings.nodes.at(i)
			s.try(n.slot)
			i = n.next
		}
	}
}

// byParts looks up what is left of the numbers by deletions, and their grams.
func (s *search) byParts() {
	if s.postings.parts == 0 {
		return
	}
	for f := range field(numbers) {
		if len(s.values[f]) == 0 {
			continue
		}
		for _, lookalikes := range [...]bool{false, true} {
			for k := 1; k <= MaxDifferences; k++ {
				if l := deletionLane(f, lookalikes, k); s.postings.chains[l] != nil {
					s.byDeletions(s.spelled(f, lookalikes), l, k)
				}
			}
			for size := 1; size <= maxGram; size++ {
				if l := gramLane(f, lookalikes, size); s.postings.chains[l] != nil {
					s.byGrams(s.spelled(f, lookalikes), l, size)
				}
			}
		}
	}
}

func (s *search) byGrams(spelling *spelling, l lane, size int) {
	start, end := 0, spelling.length()-size
	if size == 1 {
		start, end = 1, end-1 // the beginning and the end alone are no gram
	}
	for ; start <= end; start++ {
		s.follow(l, spelling.part(start, start+size))
	}
}

// byWords looks up the words of all texts.
func (s *search) byWords() {
	if s.postings.chains[deepLane] == nil {
		return
	}
	for _, w := range s.allWords() {
		s.follow(deepLane, w.key)
	}
}

// follow tries the alerts of a key, where other keys may lead to the same ones.
func (s *search) follow(l lane, key uint64) {
	for i := s.postings.chains[l][key].first; i != 0; {
		n := s.postings.nodes.at(i)
		if s.fresh(n.slot) {
			s.try(n.slot)
		}
		i = n.next
	}
}

func (s *search) try(slot uint32) {
	c := s.alerts.at(slot)
	if s.keep != nil && !s.keep(c.alert) || !c.holds(s.Probe) {
		return
	}
	hit := Hit{Alert: c.alert}
	if c.searches {
		hit.DeepSearch = s.deepText(c)
	}
	s.hits = append(s.hits, hit)
}

// deepText is what the alert's deep_search found, "" where another criterion matched.
func (s *search) deepText(c *compiled) string {
	for i := range c.criteria {
		if c.criteria[i].field == deep {
			text, _ := s.find(c.criteria[i].value)
			return text
		}
	}
	return ""
}
