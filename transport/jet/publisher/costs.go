package publisher

import "time"

// costs is what publishing was seen to cost. A batch has a price of its own,
// whatever its size: the server writes it to a file beside the log first. On a
// disk that syncs in 0.3 ms that is worth it from some 15 messages on, on one
// that takes 10 ms from 4 on, so it is measured.
type costs struct {
	each  time.Duration // one message, where several are published by themselves at once
	batch time.Duration // one batch of moderate size
}

var firstGuess = costs{each: 300 * time.Microsecond, batch: 4 * time.Millisecond}

const (
	moderate = 100 // messages; the batch's own price is lost in larger ones
	inertia  = 8   // a new measurement counts one part in so many
	oblivion = 128 // the way not taken loses one part in so many, to be tried again
)

// apart tells whether n calls of one message each go by themselves.
func (c *costs) apart(n int) bool { return n == 1 || time.Duration(n)*c.each < c.batch }

func (c *costs) tookApart(n int, d time.Duration) {
	if n > 1 { // one alone takes a whole round trip, which says little
		c.each += (d/time.Duration(n) - c.each) / inertia
		c.batch -= c.batch / oblivion
	}
}

func (c *costs) tookTogether(n int, d time.Duration) {
	if n <= moderate {
		c.batch += (d - c.batch) / inertia
		c.each -= c.each / oblivion
	}
}
