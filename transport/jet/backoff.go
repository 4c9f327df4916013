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

// pause waits; false where stop was closed meanwhile.
func (b *backoff) pause(stop <-chan struct{}) bool {
	b.wait = min(max(2*b.wait, firstWait), longWait)
	t := time.NewTimer(b.wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-stop:
		return false
	}
}
