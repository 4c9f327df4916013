package api

import (
	"net/http"
	"sync"
)

// budget bounds the bytes that are held at once, for all customers and for one.
type budget struct {
	most int64  // for one customer half of it
	full string // what a refusal says

	mu   sync.Mutex
	used int64
	of   map[string]int64 // by customer
}

func newBudget(most int64, full string) *budget {
	return &budget{most: most, full: full, of: map[string]int64{}}
}

// take reserves n bytes; without room nothing is reserved.
func (b *budget) take(customer string, n int64) *Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.most || b.of[customer]+n > b.most/2 {
		return newError(http.StatusTooManyRequests, b.full).retryAfter(1)
	}
	b.used += n
	b.of[customer] += n
	return nil
}

func (b *budget) give(customer string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.of[customer] -= n; b.of[customer] <= 0 {
		delete(b.of, customer)
	}
}

// held is what one request has of a budget.
type held struct {
	budget   *budget
	customer string
	bytes    int64
}

// upTo makes it n bytes, where it is less.
func (h *held) upTo(n int64) *Error {
	if n <= h.bytes {
		return nil
	}
	failure := h.budget.take(h.customer, n-h.bytes)
	if failure == nil {
		h.bytes = n
	}
	return failure
}

// back returns all of it.
func (h *held) back() {
	if h.bytes > 0 {
		h.budget.give(h.customer, h.bytes)
		h.bytes = 0
	}
}
