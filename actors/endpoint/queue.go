package endpoint

import "slices"

// Queue is first in, first out, and gives its memory back when empty.
type Queue[T any] struct {
	items []T
	head  int
}

// Len is how many wait.
func (q *Queue[T]) Len() int { return len(q.items) - q.head }

// All are those that wait, oldest first; not to be kept.
func (q *Queue[T]) All() []T { return q.items[q.head:] }

// Push appends.
func (q *Queue[T]) Push(l T) { q.items = append(q.items, l) }

// First is the oldest, still in; the queue must not be empty.
func (q *Queue[T]) First() T { return q.items[q.head] }

// Insert puts l behind all that it does not come before.
func (q *Queue[T]) Insert(l T, before func(a, b T) bool) {
	i := len(q.items)
	for i > q.head && before(l, q.items[i-1]) {
		i--
	}
	q.items = slices.Insert(q.items, i, l)
}

// CutAfter takes out all but the n oldest.
func (q *Queue[T]) CutAfter(n int) []T {
	from := q.head + n
	cut := slices.Clone(q.items[from:])
	clear(q.items[from:])
	if q.items = q.items[:from]; n == 0 {
		*q = Queue[T]{}
	}
	return cut
}

// Pop takes the oldest; the queue must not be empty.
func (q *Queue[T]) Pop() T {
	var none T
	l := q.items[q.head]
	q.items[q.head] = none
	q.head++
	switch {
	case q.head == len(q.items) && cap(q.items) > 64:
		*q = Queue[T]{}
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head > 64 && q.head*2 > len(q.items):
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	return l
}
