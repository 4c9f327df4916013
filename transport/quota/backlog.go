package quota

import (
	"sync"
	"time"
)

// Backlog counts what was stored in the log and not taken up from it yet, by
// customer, and tells who holds more than an even part of that. All take their
// turns in one line there, so who has stored much before them is what others
// wait for. Safe for concurrent use.
type Backlog struct {
	mu     sync.Mutex
	of     map[string]*behind
	queue  []stored // in the order in which they were stored, nearly
	head   int
	events int
	bytes  int64
	active int // customers who published of late
	at     time.Time
}

// behind is what one customer has in the line.
type behind struct {
	events int
	bytes  int64
	last   time.Time // it stored something
}

type stored struct {
	seq   uint64
	by    *behind
	bytes int64
}

const (
	// mostBehind and bytesBehind may wait before anybody is asked to: what the
	// shard takes up within some hundredths of a second.
	mostBehind  = 1000
	bytesBehind = 8 << 20
	// mostQueued bounds what is remembered, at 24 bytes each; what is beyond is
	// nobody's.
	mostQueued = 1 << 20
	// activeFor is how long a customer counts as publishing.
	activeFor = 2 * time.Second
	// recount is how often those are counted.
	recount = 100 * time.Millisecond
)

// NewBacklog is an empty one.
func NewBacklog() *Backlog { return &Backlog{of: map[string]*behind{}} }

// Add counts an event that was stored.
func (b *Backlog) Add(now time.Time, seq uint64, customer string, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	by := b.of[customer]
	if by == nil {
		by = &behind{}
		b.of[customer] = by
	}
	by.last = now
	if len(b.queue)-b.head >= mostQueued {
		return
	}
	b.queue = append(b.queue, stored{seq, by, bytes})
	by.events, by.bytes = by.events+1, by.bytes+bytes
	b.events, b.bytes = b.events+1, b.bytes+bytes
}

// TakenUp tells that all up to a sequence were taken up.
func (b *Backlog) TakenUp(seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.head < len(b.queue) && b.queue[b.head].seq <= seq {
		s := &b.queue[b.head]
		s.by.events, s.by.bytes = s.by.events-1, s.by.bytes-s.bytes
		b.events, b.bytes = b.events-1, b.bytes-s.bytes
		*s = stored{}
		b.head++
	}
	if b.head > 1024 && b.head > len(b.queue)/2 {
		b.queue = append(b.queue[:0], b.queue[b.head:]...)
		b.head = 0
	}
}

// Much tells whether a customer holds more than an even part of what waits to be
// taken up, where that is much and others publish as well: it should wait. Who
// is alone may fill the log as fast as it can.
func (b *Backlog) Much(now time.Time, customer string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.events <= mostBehind && b.bytes <= bytesBehind {
		return false
	}
	by := b.of[customer]
	if by == nil || b.others(now) < 2 {
		return false
	}
	return by.events*b.active > b.events && b.events > mostBehind || by.bytes*int64(b.active) > b.bytes && b.bytes > bytesBehind
}

// others counts the customers who publish, itself included, and forgets those
// who have nothing in the line and do not.
func (b *Backlog) others(now time.Time) int {
	if since := now.Sub(b.at); since >= 0 && since < recount {
		return b.active
	}
	b.at, b.active = now, 0
	for customer, by := range b.of {
		switch quiet := now.Sub(by.last) > activeFor; {
		case !quiet:
			b.active++
		case by.events == 0:
			delete(b.of, customer)
		}
	}
	return b.active
}

// Waiting is how many events wait to be taken up.
func (b *Backlog) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}
