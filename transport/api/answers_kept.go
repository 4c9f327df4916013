package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// keptRoom bounds the bytes that answers to requests with an Idempotency-Key
// take, for one customer: a quarter of what all may.
type keptRoom struct {
	most int64 // 0: nothing bounds it

	mu sync.Mutex
	// of is by customer since a time, before in the time before that: what is
	// kept for a day is counted for half of one at least, for a day at most.
	of, before map[string]int64
	since      time.Time
}

const (
	keptSpan = 12 * time.Hour
	// overKept is what is kept beside an answer, and what is left of a key that
	// was given back.
	overKept = 512
)

func newKeptRoom(all int64) *keptRoom {
	return &keptRoom{most: all / 4, of: map[string]int64{}, before: map[string]int64{}}
}

// claim counts a key; without room it counts nothing, and the request is not made.
func (k *keptRoom) claim(now time.Time, customer string) *Error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.since) >= keptSpan {
		k.of, k.before, k.since = map[string]int64{}, k.of, now
	}
	if k.most > 0 && k.of[customer]+k.before[customer]+overKept > k.most {
		return newError(http.StatusTooManyRequests, "Too many answers to your requests with an Idempotency-Key are kept: "+
			"nothing was done; leave the header out where a repeat does no harm, or come again later").retryAfter(countWait)
	}
	k.of[customer] += overKept
	return nil
}

// keep counts an answer, and tells whether there is room for it.
func (k *keptRoom) keep(customer string, bytes int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.most > 0 && k.of[customer]+k.before[customer]+int64(bytes) > k.most {
		return false
	}
	k.of[customer] += int64(bytes)
	return true
}

type nothingDoneKey struct{}

// nothingDone notes that a request changes nothing, as a dry run: its answer is
// not kept, and a repeat with its key is answered anew.
func nothingDone(ctx context.Context) {
	if done, with := ctx.Value(nothingDoneKey{}).(*bool); with {
		*done = false
	}
}
