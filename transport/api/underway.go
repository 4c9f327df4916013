package api

import (
	"sync"
	"time"
)

// underWay are the requests with an Idempotency-Key that this run of the node
// makes at the moment. A key that this run claimed and that is not among them is
// free: its request failed, or its claim did, and to release it did not succeed.
type underWay struct {
	mu   sync.Mutex
	keys map[string]pending
}

type pending struct {
	request string // its digest
	since   time.Time
}

// begin takes a key for a request; where another one has it, it gives that.
func (u *underWay) begin(key string, p pending) (there pending, taken bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if there, taken = u.keys[key]; taken && p.since.Sub(there.since) < answerWithin {
		return there, true
	}
	if u.keys == nil {
		u.keys = map[string]pending{}
	}
	u.keys[key] = p
	return pending{}, false
}

// end gives a key back, unless another request has taken it over.
func (u *underWay) end(key string, p pending) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys[key] == p {
		delete(u.keys, key)
	}
}

// forget gives back the keys of all that should have ended before now.
func (u *underWay) forget(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, p := range u.keys {
		if now.Sub(p.since) >= answerWithin {
			delete(u.keys, key)
		}
	}
}
