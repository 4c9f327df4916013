package publisher

import (
	"sync"
	"time"
)

// Costs is what publishing was seen to cost, by itself or in atomic batches. A
// batch has a price of its own beside that of its messages: the server writes
// it to a file beside the log first. On a disk that syncs in 0.3 ms that is
// worth it from some 15 messages on, on one that takes 10 ms from 4 on, on a
// server that does not sync each message seldom or never, so it is measured.
// Its methods may be called from any goroutine.
type Costs struct {
	mu    sync.Mutex
	each  time.Duration // one message, where several are published by themselves at once
	batch time.Duration // a batch, whatever its size
	more  time.Duration // one message in it
	// sinceApart and sinceTogether count how often the other way was taken.
	sinceApart, sinceTogether int
}

// NewCosts is a first guess for a server that syncs each write.
func NewCosts() *Costs {
	return &Costs{each: 300 * time.Microsecond, batch: 4 * time.Millisecond, more: 10 * time.Microsecond}
}

// NewUnsyncedCosts is one for a server that does not: a batch is written twice
// and synced once all the same.
func NewUnsyncedCosts() *Costs {
	return &Costs{each: 20 * time.Microsecond, batch: 4 * time.Millisecond, more: 30 * time.Microsecond}
}

const (
	moderate = 100 // messages; the batch's own price is lost in larger ones
	inertia  = 8   // a new measurement counts one part in so many,
	hiccup   = 4   // and as so many times what was known at most
	// patience is how often one way is taken before the other is tried again,
	// and trial how many messages go by themselves for that at most: on a slow
	// disk a thousand would take seconds.
	patience = 256
	trial    = 16
)

// Apart tells whether n messages that need not stay together go by themselves.
func (c *Costs) Apart(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n == 1:
		return true
	case c.sinceTogether >= patience:
		return false
	case c.sinceApart >= patience && n <= trial:
		return true
	}
	return time.Duration(n)*c.each < c.batch+time.Duration(n)*c.more
}

// Trial is how many of n messages are to go by themselves, though together is
// cheaper by all that is known, to know it again; mostly 0.
func (c *Costs) Trial(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sinceApart < patience || n <= trial {
		return 0
	}
	return trial
}

// TookApart notes how long n messages took that went by themselves, at once.
func (c *Costs) TookApart(n int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 1 { // one alone takes a whole round trip, which says little
		learn(&c.each, d/time.Duration(n))
		c.sinceApart = 0
		c.sinceTogether++
	}
}

// TookTogether notes how long a batch of n took.
func (c *Costs) TookTogether(n int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sinceTogether = 0
	c.sinceApart++
	if n <= moderate {
		learn(&c.batch, d-time.Duration(n)*c.more)
		return
	}
	learn(&c.more, (d-c.batch)/time.Duration(n))
}

// learn takes in a measurement. What is known never falls to nothing, as it
// could not grow again then.
func learn(known *time.Duration, measured time.Duration) {
	measured = min(max(measured, 0), hiccup**known)
	*known = max(*known+(measured-*known)/inertia, time.Microsecond)
}
