package endpoint

import "slices"

// Queue is a first-in first-out of leases that gives its memory back when empty.
type Queue struct {
	items []*Lease
	head  int
}

// Len is how many wait.
func (q *Queue) Len() int { return len(q.items) - q.head }

// All are those that wait, oldest first; not to be kept.
func (q *Queue) All() []*Lease { return q.items[q.head:] }

// Push appends.
func (q *Queue) Push(l *Lease) { q.items = append(q.items, l) }

// First is the oldest, still in; the queue must not be empty.
func (q *Queue) First() *Lease { return q.items[q.head] }

// Insert puts l where its place is among leases in order.
func (q *Queue) Insert(l *Lease) {
	i := len(q.items)
	for i > q.head && l.Place().Before(q.items[i-1].Place()) {
		i--
	}
	q.items = slices.Insert(q.items, i, l)
}

// CutAfter takes out all but the n oldest.
func (q *Queue) CutAfter(n int) []*Lease {
	from := q.head + n
	cut := slices.Clone(q.items[from:])
	clear(q.items[from:])
	if q.items = q.items[:from]; n == 0 {
		*q = Queue{}
	}
	return cut
}

// Pop takes the oldest; the queue must not be empty.
func (q *Queue) Pop() *Lease {
	l := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	switch {
	case q.head == len(q.items) && cap(q.items) > 64:
		*q = Queue{}
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head > 64 && q.head*2 > len(q.items):
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return l
}
