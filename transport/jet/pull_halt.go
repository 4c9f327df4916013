package jet

import "time"

const (
	// expiryAlone is how long a pull request stands. A node that may be replaced by
	// another asks for less: what the server sends to a frozen one is swallowed
	// until AckWait is over, or the next owner sets the consumer back.
	expiryAlone  = 10 * time.Second
	expiryShared = time.Second
	// heartbeatMost is between the server's signs of life, or half of that.
	heartbeatMost = 2 * time.Second
)

func (p *Pull) expiry() time.Duration {
	if p.of.Fence.Alone() {
		return expiryAlone
	}
	return expiryShared
}

func (p *Pull) heartbeat() time.Duration { return min(heartbeatMost, p.expiry()/2) }

// halted gives a channel that is closed when nothing is to be pulled; nil where
// that is so already.
func (p *Pull) halted() <-chan struct{} {
	halted, turned := p.of.Fence.Halted()
	if halted {
		return nil
	}
	return turned
}

// awaitGoOn waits while nothing is to be pulled; false when the stop came first.
func (p *Pull) awaitGoOn() bool {
	for {
		halted, turned := p.of.Fence.Halted()
		if !halted {
			return true
		}
		select {
		case <-turned:
		case <-p.stop:
			return false
		}
	}
}
