package endpoint

import "time"

// concurrency finds what a receiver bears, between 1 and the policy's limit:
// it grows by one for each round of answers in good time (additive increase)
// and is cut by a share where the receiver throttles, times out or becomes
// several times slower than it was (multiplicative decrease).
type concurrency struct {
	limit float64
	most  int
	// recent and usual are how long attempts take, of late and over the long run.
	recent, usual time.Duration
	cutAt         time.Time
}

const (
	cutThrottled = 0.5
	cutSlower    = 0.7
	// slower is how many times longer than usual counts, above slowest.
	slower  = 4
	slowest = 250 * time.Millisecond
)

// set takes the policy's limit; one that was at its limit stays there.
func (c *concurrency) set(most int) {
	if c.limit == 0 || c.limit >= float64(c.most) {
		c.limit = float64(most)
	}
	c.most = most
	c.limit = max(1, min(c.limit, float64(most)))
}

// allowed is how many may be in flight.
func (c *concurrency) allowed() int { return int(c.limit) }

// cutTo is below its limit, or 0 where it is not cut.
func (c *concurrency) cutTo() int {
	if c.allowed() >= c.most {
		return 0
	}
	return c.allowed()
}

// answered takes an answer in good order to an attempt that began at began.
func (c *concurrency) answered(now, began time.Time, took time.Duration) {
	c.observe(took)
	switch {
	case c.slow(c.recent) && c.slow(took):
		c.cut(now, began, cutSlower)
	case c.limit < float64(c.most) && !c.slow(c.recent):
		c.limit = min(float64(c.most), c.limit+1/c.limit)
	}
}

// slow tells whether an attempt that took so long took several times longer than usual.
func (c *concurrency) slow(took time.Duration) bool { return took > slowest && took > slower*c.usual }

func (c *concurrency) observe(took time.Duration) {
	if c.usual == 0 {
		c.recent, c.usual = took, took
		return
	}
	c.recent += (took - c.recent) / 8
	if took < c.usual {
		c.usual += (took - c.usual) / 16
	} else {
		c.usual += (took - c.usual) / 256
	}
}

// cut takes a share away, once for each round of attempts: those that were in
// flight together tell the same. It is false where this one told nothing new.
func (c *concurrency) cut(now, began time.Time, to float64) bool {
	if began.Before(c.cutAt) {
		return false
	}
	c.cutAt = now
	c.limit = max(1, c.limit*to)
	return true
}
