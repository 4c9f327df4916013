package groupcommit

import "time"

// Backoff spaces out what is tried for ever: 50 ms, doubling to 2 s.
type Backoff struct{ wait time.Duration }

const (
	firstWait = 50 * time.Millisecond
	longWait  = 2 * time.Second
)

// First tells whether nothing has been waited for yet: the time to log.
func (b *Backoff) First() bool { return b.wait == 0 }

// Next is how long to wait now.
func (b *Backoff) Next() time.Duration {
	b.wait = min(max(2*b.wait, firstWait), longWait)
	return b.wait
}

// Pause waits; false where stop was closed meanwhile.
func (b *Backoff) Pause(stop <-chan struct{}) bool {
	t := time.NewTimer(b.Next())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	}
}

// Nudge leaves a value in c, which holds one, if none is there.
func Nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
