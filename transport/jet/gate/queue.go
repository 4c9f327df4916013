package gate

import "time"

// Bounds of what waits to be stored.
type Bounds struct {
	// Messages and Bytes are the most that one customer may have waiting.
	Messages, Bytes int
	// AllMessages and AllBytes are what all have together, before a customer is
	// held to an even part of that; twice as much never waits.
	AllMessages, AllBytes int
}

// DefaultBounds hold several full windows of an asynchronous client (4,000 in
// nats.go), and at least two messages of that size.
func DefaultBounds(maxPayload int) Bounds {
	return Bounds{Messages: 16384, Bytes: max(16<<20, 2*maxPayload), AllMessages: 49152, AllBytes: max(48<<20, 4*maxPayload)}
}

const (
	// turn is what a customer's queue gives each time it comes round, and
	// overhead what a message costs beyond its bytes.
	turn     = 32 << 10
	overhead = 512
)

// Pace tells how long a customer must wait before a message of that size may be
// stored, by a quota of it; where that is 0, it has counted the message.
type Pace func(now time.Time, customer string, size int) time.Duration

// Queue holds what waits to be stored: a line for each customer, which take
// turns by size. One that is over a quota waits until it is not. What it gave
// out it still counts, until it is done.
type Queue struct {
	bounds          Bounds
	paces           []Pace
	asleep          []*line // those over a quota
	lines           map[string]*line
	turns           []*line // those with something to give
	messages, bytes int     // held
	queued          int
}

// line is what one customer has waiting.
type line struct {
	customer        string
	items           []*Item
	head            int
	messages, bytes int // held
	credit          int
	turning         bool      // its turn has begun
	paid            int       // how many of the paces have counted its first item
	until           time.Time // it is asleep until then; zero: it is not
}

// NewQueue is an empty one.
func NewQueue(b Bounds, paces ...Pace) *Queue {
	return &Queue{bounds: b, paces: paces, lines: map[string]*line{}}
}

// Room tells whether a customer may have one more message of that size waiting.
// The first of a customer always finds room.
func (q *Queue) Room(customer string, size int) bool {
	l := q.lines[customer]
	if l == nil {
		return q.messages < 2*q.bounds.AllMessages && q.bytes < 2*q.bounds.AllBytes
	}
	messages, bytes := l.messages+1, l.bytes+size
	if messages > q.bounds.Messages || bytes > q.bounds.Bytes {
		return false
	}
	if q.messages < q.bounds.AllMessages && q.bytes+size <= q.bounds.AllBytes {
		return true
	}
	return messages <= q.bounds.AllMessages/len(q.lines) && bytes <= q.bounds.AllBytes/len(q.lines)
}

// Add puts it at the end of its customer's line.
func (q *Queue) Add(it *Item) {
	l := q.lines[it.customer]
	if l == nil {
		l = &line{customer: it.customer}
		q.lines[it.customer] = l
	}
	if l.head == len(l.items) {
		l.items, l.head = l.items[:0], 0
		q.turns = append(q.turns, l)
	}
	l.items = append(l.items, it)
	l.messages, l.bytes = l.messages+1, l.bytes+it.size
	q.messages, q.bytes, q.queued = q.messages+1, q.bytes+it.size, q.queued+1
}

// Take gives up to so many messages of together so many bytes, at least one
// where one may be stored now. It calls give for each, in the order in which
// they are to be stored.
func (q *Queue) Take(now time.Time, messages, bytes int, give func(*Item)) {
	q.wake(now)
	none := true
	for messages > 0 && len(q.turns) > 0 {
		l := q.turns[0]
		if !l.turning {
			l.turning, l.credit = true, l.credit+turn
		}
		for messages > 0 && l.head < len(l.items) && l.credit >= l.items[l.head].size+overhead {
			size := l.items[l.head].size
			if size > bytes && !none {
				return
			}
			if q.paces != nil && !q.pay(now, l) {
				break
			}
			messages, bytes, q.queued, none = messages-1, bytes-size, q.queued-1, false
			l.credit -= size + overhead
			give(l.pop())
		}
		switch {
		case l.head == len(l.items):
			l.credit, l.turning = 0, false
			q.turns = q.turns[1:]
		case !l.until.IsZero():
			l.credit, l.turning = 0, false
			q.turns, q.asleep = q.turns[1:], append(q.asleep, l)
		case messages > 0:
			l.turning = false
			q.turns = append(q.turns[1:], l)
		}
	}
}

// pay counts the line's first item, or has it sleep until that may be.
func (q *Queue) pay(now time.Time, l *line) bool {
	for ; l.paid < len(q.paces); l.paid++ {
		if wait := q.paces[l.paid](now, l.customer, l.items[l.head].size); wait > 0 {
			l.until = now.Add(wait)
			return false
		}
	}
	return true
}

// wake has those take turns again whose time has come.
func (q *Queue) wake(now time.Time) {
	still := q.asleep[:0]
	for _, l := range q.asleep {
		if now.Before(l.until) {
			still = append(still, l)
			continue
		}
		l.until = time.Time{}
		q.turns = append(q.turns, l)
	}
	clear(q.asleep[len(still):])
	q.asleep = still
}

// Next is when the first of those who sleep may go on; zero: none sleeps.
func (q *Queue) Next() (at time.Time) {
	for _, l := range q.asleep {
		if at.IsZero() || l.until.Before(at) {
			at = l.until
		}
	}
	return at
}

// Ready tells that there is something to take now.
func (q *Queue) Ready() bool { return len(q.turns) > 0 }

// Over tells that a customer is over a quota.
func (q *Queue) Over(customer string) bool {
	l := q.lines[customer]
	return l != nil && !l.until.IsZero()
}

// pop takes the first item out of the line.
func (l *line) pop() *Item {
	l.paid = 0
	it := l.items[l.head]
	l.items[l.head] = nil
	if l.head++; l.head > 1024 && l.head > len(l.items)/2 {
		l.items = append(l.items[:0], l.items[l.head:]...)
		l.head = 0
	}
	return it
}

// Done frees what it held.
func (q *Queue) Done(it *Item) {
	l := q.lines[it.customer]
	l.messages, l.bytes = l.messages-1, l.bytes-it.size
	q.messages, q.bytes = q.messages-1, q.bytes-it.size
	if l.messages == 0 {
		delete(q.lines, it.customer)
	}
}

// HeldBy is how many bytes of a customer are not done yet.
func (q *Queue) HeldBy(customer string) int {
	if l := q.lines[customer]; l != nil {
		return l.bytes
	}
	return 0
}

// Queued is how many were not given out yet.
func (q *Queue) Queued() int { return q.queued }

// Held is how many are not done yet, those given out included.
func (q *Queue) Held() int { return q.messages }
