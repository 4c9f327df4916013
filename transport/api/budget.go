package api

import (
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
