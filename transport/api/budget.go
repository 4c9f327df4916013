package api

import (
	"io"
	"net/http"
	"sync/atomic"
)

// budget bounds the bytes of bodies in memory at once.
type budget struct {
	most int64
	used atomic.Int64
}

// take reserves n bytes; without room nothing is reserved.
func (b *budget) take(n int64) *Error {
	if b.used.Add(n) > b.most {
		b.used.Add(-n)
		return newError(http.StatusTooManyRequests, "Too many bytes are being published at once: try again in a second").retryAfter(1)
	}
	return nil
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// spending reads a body whose length is not known beforehand, and reserves
// what comes.
type spending struct {
	io.ReadCloser
	budget *budget
	taken  int64
}

func (s *spending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if failure := s.budget.take(int64(n)); failure != nil {
		return 0, failure
	}
	s.taken += int64(n)
	return n, err
}

// spend reserves room for r's body: at once where its length is known, else as
// it is read. The caller calls back when the body is no longer needed.
func (b *budget) spend(r *http.Request) (back func(), failure *Error) {
	if r.ContentLength >= 0 {
		length := r.ContentLength
		return func() { b.give(length) }, b.take(length)
	}
	body := &spending{ReadCloser: r.Body, budget: b}
	r.Body = body
	return func() { b.give(body.taken) }, nil
}
