package ledger

import (
	"math"
	"time"
)

// chunkIDs makes a chunk 32 KiB, a size the allocator gives without waste.
const chunkIDs = 1168

// chunk holds ids in the order of their arrival: 28 bytes each.
type chunk struct {
	keys [chunkIDs]key
	seqs [chunkIDs]uint64
	// ats are log times in milliseconds after base.
	ats         [chunkIDs]int32
	base        int64
	n           int
	first, last int64 // arrivals, Unix nanoseconds
}

// place is where an id lies: chunk number × chunkIDs + its place there + 1.
// 0 is no place.
type place uint32

// table is a queue of chunks, dropped whole when their time is over, and over
// it one open-addressed index of 4 bytes a slot: a look-up costs about two
// cache misses however many chunks there are. The index grows at three
// quarters full and shrinks at an eighth.
type table struct {
	chunks []*chunk // by number; nil where the number is free
	free   []uint32 // free numbers
	queue  []uint32 // numbers, oldest first
	index  []place  // a power of two, linear probing
	count  int      // places in index
	most   int      // chunks
}

const minIndex = 1 << 10

// newTable holds at most about ids ids.
func newTable(ids int) table {
	return table{index: make([]place, minIndex), most: max(1, ids/chunkIDs)}
}

func (t *table) locate(p place) (*chunk, int) {
	return t.chunks[(p-1)/chunkIDs], int((p - 1) % chunkIDs)
}

func (t *table) keyAt(p place) key {
	c, i := t.locate(p)
	return c.keys[i]
}

func (t *table) get(p place) (seq uint64, at int64) {
	c, i := t.locate(p)
	return c.seqs[i], c.base + int64(c.ats[i])
}

func (t *table) setSeq(p place, seq uint64) {
	c, i := t.locate(p)
	c.seqs[i] = seq
}

// slot is where k is in the index, or the empty slot where it would go.
func (t *table) slot(k key) int {
	mask := len(t.index) - 1
	i := int(k[0]) & mask
	for t.index[i] != 0 && t.keyAt(t.index[i]) != k {
		i = (i + 1) & mask
	}
	return i
}

func (t *table) find(k key) place { return t.index[t.slot(k)] }

// add puts k at the end of the queue; an older place of k is forgotten.
func (t *table) add(k key, seq uint64, at int64, now time.Time, window time.Duration) {
	c, number := t.tail(at, now.UnixNano(), window)
	c.keys[c.n], c.seqs[c.n], c.ats[c.n] = k, seq, int32(at-c.base)
	p := place(number)*chunkIDs + place(c.n) + 1
	c.n++
	c.last = max(c.last, now.UnixNano())
	i := t.slot(k)
	if t.index[i] == 0 {
		t.count++
	}
	t.index[i] = p
	if t.count*4 > len(t.index)*3 {
		t.resize(len(t.index) * 2)
	}
}

// tail is the chunk that takes the next id: a new one where the last is full,
// has been taking ids for an eighth of the window, or is too far from at.
func (t *table) tail(at, now int64, window time.Duration) (*chunk, uint32) {
	if len(t.queue) > 0 {
		number := t.queue[len(t.queue)-1]
		if c := t.chunks[number]; c.n < chunkIDs && now-c.first < int64(window)/8 && fits(at-c.base) {
			return c, number
		}
	}
	if len(t.queue) >= t.most {
		t.dropOldest()
	}
	c := &chunk{base: at, first: now, last: now}
	var number uint32
	if n := len(t.free); n > 0 {
		number, t.free = t.free[n-1], t.free[:n-1]
		t.chunks[number] = c
	} else {
		number = uint32(len(t.chunks))
		t.chunks = append(t.chunks, c)
	}
	t.queue = append(t.queue, number)
	return c, number
}

func fits(ms int64) bool { return ms >= math.MinInt32 && ms <= math.MaxInt32 }

// expire drops the chunks whose last id arrived a window ago or earlier.
func (t *table) expire(now time.Time, window time.Duration) {
	for len(t.queue) > 0 && now.UnixNano()-t.chunks[t.queue[0]].last >= int64(window) {
		t.dropOldest()
	}
}

func (t *table) dropOldest() {
	number := t.queue[0]
	t.queue = t.queue[1:]
	c := t.chunks[number]
	for i := range c.n {
		p := place(number)*chunkIDs + place(i) + 1
		// An id that was added again lies elsewhere by now.
		if s := t.slot(c.keys[i]); t.index[s] == p {
			t.remove(s)
		}
	}
	t.chunks[number] = nil
	t.free = append(t.free, number)
	if len(t.index) > minIndex && t.count*8 < len(t.index) {
		t.resize(len(t.index) / 2)
	}
}

// remove empties slot i and moves up what had to pass it by.
func (t *table) remove(i int) {
	mask := len(t.index) - 1
	for j := (i + 1) & mask; t.index[j] != 0; j = (j + 1) & mask {
		home := int(t.keyAt(t.index[j])[0]) & mask
		if (j-home)&mask >= (j-i)&mask {
			t.index[i] = t.index[j]
			i = j
		}
	}
	t.index[i] = 0
	t.count--
}

func (t *table) resize(slots int) {
	old := t.index
	t.index = make([]place, slots)
	for _, p := range old {
		if p != 0 {
			t.index[t.slot(t.keyAt(p))] = p
		}
	}
}
