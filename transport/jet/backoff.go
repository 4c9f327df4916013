package jet

import "time"

// backoff spaces out what is tried for ever: 50 ms, doubling to 2 s.
type backoff struct{ wait time.Duration }

const (
	firstWait = 50 * time.Millisecond
	longWait  = 2 * time.Second
)

// first tells whether nothing has been waited for yet: the time to log.
func (b *backoff) first() bool { return b.wait == 0 }

// next is how long to wait now.
func (b *backoff) next() time.Duration {
	b.wait = min(max(2*b.wait, firstWait), longWait)
	return b.wait
}

// pause waits; false where stop was closed meanwhile.
func (b *backoff) pause(stop <-chan struct{}) bool {
	t := time.NewTimer(b.next())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	}
}
