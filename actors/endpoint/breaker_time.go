package endpoint

import (
	"encoding/json"
	"time"

	"github.com/sony/gobreaker/v2"
)

// sharedState is the store in which gobreaker's breaker finds its state when it
// is asked for it. By it the breaker gets the machine's time, which it has no
// setting for: it finds the end of its open state, told in its own clock. So too
// what was counted by an actor before.
type sharedState struct{ state *gobreaker.SharedState }

// give has the library take a state up, and decide what it is now.
func (b *breaker) give(s gobreaker.SharedState) {
	s.Buckets = []gobreaker.Counts{s.Counts}
	b.shared.state = &s
	state, err := b.lib.State()
	if err != nil {
		panic(err) // its store never fails
	}
	b.state = state
}

// openTime is the end of the open state for the library, whose clock is another:
// long past where the machine's time says that it has come, and else out of reach.
func openTime(now, until time.Time) time.Time {
	if now.Before(until) {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}
}

// GetData tells the state; there is none before one was given.
func (s *sharedState) GetData(string) ([]byte, error) {
	if s.state == nil {
		return nil, nil
	}
	return json.Marshal(s.state)
}

// SetData: what the library makes of it is with the library.
func (s *sharedState) SetData(string, []byte) error { return nil }

// Lock and Unlock: one actor alone uses it.
func (s *sharedState) Lock(string) error { return nil }

// Unlock: see Lock.
func (s *sharedState) Unlock(string) error { return nil }

// window is the last attempts, newest in the lowest bit, failed ones set. The
// library's own windows are of time, not of attempts.
type window struct {
	bits uint64
	n    int
}

func (w *window) add(failed bool) {
	w.bits, w.n = w.bits<<1, min(w.n+1, 64)
	if failed {
		w.bits |= 1
	}
}

func (w *window) failed(of int) (n int) {
	for i := range min(of, w.n) {
		n += int(w.bits >> i & 1)
	}
	return n
}
