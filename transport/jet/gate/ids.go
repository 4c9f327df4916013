package gate

import (
	"hash/maphash"
	"time"
)

// key stands for one customer's id: two hashes with seeds that nobody knows.
type key [2]uint64

// ids are those of a window back, and of what is under way.
type ids struct {
	window  time.Duration
	most    int
	seeds   [2]maphash.Seed
	under   map[key]*Item
	stored  map[key]uint64 // the sequence
	order   []storedID     // oldest first, from head on
	head    int
	waiting int // repeats that wait
}

type storedID struct {
	key key
	seq uint64
	at  time.Time
}

func newIDs(window time.Duration, most int) *ids {
	return &ids{window: window, most: most, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		under: map[key]*Item{}, stored: map[key]uint64{}}
}

func (s *ids) keyOf(customer, id string) (k key) {
	for i := range k {
		var h maphash.Hash
		h.SetSeed(s.seeds[i])
		_, _ = h.WriteString(customer) // never fails
		_ = h.WriteByte(0)             // no part of a customer
		_, _ = h.WriteString(id)
		k[i] = h.Sum64()
	}
	return k
}

// find gives the sequence under which a message with that id is stored, or the
// message with it that is under way.
func (s *ids) find(k key, now time.Time) (seq uint64, under *Item) {
	s.expire(now)
	return s.stored[k], s.under[k]
}

// add remembers an id; at never goes back.
func (s *ids) add(k key, seq uint64, at time.Time) {
	s.stored[k] = seq
	s.order = append(s.order, storedID{k, seq, at})
	for len(s.order)-s.head > s.most {
		s.forget()
	}
}

func (s *ids) expire(now time.Time) {
	for s.head < len(s.order) && now.Sub(s.order[s.head].at) >= s.window {
		s.forget()
	}
}

func (s *ids) forget() {
	old := &s.order[s.head]
	if s.stored[old.key] == old.seq {
		delete(s.stored, old.key)
	}
	if s.head++; s.head > len(s.order)/2 && s.head > 1024 {
		s.order = append(s.order[:0], s.order[s.head:]...)
		s.head = 0
	}
}
