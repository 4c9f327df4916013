package publisher

import (
	"sync"
	"time"
)

// Costs is what publishing was seen to cost, by itself or in atomic batches. A batch has a price of its own,
// whatever its size: the server writes it to a file beside the log first. On a
// disk that syncs in 0.3 ms that is worth it from some 15 messages on, on one
// that takes 10 ms from 4 on, so it is measured.
// Its methods may be called from any goroutine.
type Costs struct {
	mu    sync.Mutex
	each  time.Duration // one message, where several are published by themselves at once
	batch time.Duration // one batch of moderate size
}

// NewCosts is a first guess.
func NewCosts() *Costs { return &Costs{each: 300 * time.Microsecond, batch: 4 * time.Millisecond} }

const (
	moderate = 100 // messages; the batch's own price is lost in larger ones
	inertia  = 8   // a new measurement counts one part in so many
	oblivion = 128 // the way not taken loses one part in so many, to be tried again
)

// Apart tells whether n messages that need not stay together go by themselves.
func (c *Costs) Apart(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return n == 1 || time.Duration(n)*c.each < c.batch
}

// TookApart notes how long n messages took that went by themselves, at once.
func (c *Costs) TookApart(n int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 1 { // one alone takes a whole round trip, which says little
		c.each += (d/time.Duration(n) - c.each) / inertia
		c.batch -= c.batch / oblivion
	}
}

// TookTogether notes how long a batch of n took.
func (c *Costs) TookTogether(n int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n <= moderate {
		c.batch += (d - c.batch) / inertia
		c.each -= c.each / oblivion
	}
}
