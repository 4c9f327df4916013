package api

import (
	"container/list"
	"crypto/sha256"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"
)

// mostCallers bounds the tokens whose requests are counted; the one that was
// not seen for longest is forgotten first, and so begins with a full burst.
const mostCallers = 10_000

// limiter bounds the requests of each token: a bucket that fills at rate.
type limiter struct {
	rate, burst float64
	now         func() time.Time

	mu      sync.Mutex
	buckets map[[sha256.Size]byte]*list.Element
	recent  *list.List // of *bucket, the last seen first
}

type bucket struct {
	token [sha256.Size]byte
	left  float64
	at    time.Time
}

// newLimiter: a burst of 0 is twice the rate.
func newLimiter(rate float64, burst int, now func() time.Time) *limiter {
	l := &limiter{now: now, buckets: map[[sha256.Size]byte]*list.Element{}, recent: list.New()}
	l.set(rate, burst)
	return l
}

// set changes the bounds; what tokens have left stays theirs.
func (l *limiter) set(rate float64, burst int) {
	most := float64(burst)
	if burst == 0 {
		most = 2 * rate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate, l.burst = rate, max(most, 1)
}

// take counts one request of a token; over its rate the answer is 429.
func (l *limiter) take(token [sha256.Size]byte) *Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 {
		return nil // without limit
	}
	b, now := l.bucket(token), l.now()
	b.left = min(l.burst, b.left+l.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.left >= 1 {
		b.left--
		return nil
	}
	wait := int(math.Ceil((1 - b.left) / l.rate))
	return newError(http.StatusTooManyRequests, fmt.Sprintf(
		"Too many requests with this token: over %g a second; try again in %d s", l.rate, wait)).retryAfter(wait)
}

func (l *limiter) bucket(token [sha256.Size]byte) *bucket {
	if e, known := l.buckets[token]; known {
		l.recent.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if len(l.buckets) >= mostCallers {
		oldest := l.recent.Remove(l.recent.Back()).(*bucket)
		delete(l.buckets, oldest.token)
	}
	b := &bucket{token: token, left: l.burst, at: l.now()}
	l.buckets[token] = l.recent.PushFront(b)
	return b
}
