package endpoint

import "time"

// recalls are the recalls of leases that are parked for room.
type recalls struct {
	under bool // one is under way
	inRow int  // since a lease came back
	next  time.Time
}

// recallEvery is the least time between two recalls; it doubles, up to
// recallMost, while nothing comes back. maxRecall bounds each.
const (
	recallEvery = 500 * time.Millisecond
	recallMost  = 8 * time.Second
	maxRecall   = 4096
)

// idles tells whether the endpoint could send soon, and no recall is under way;
// or when that may be so, zero: when something has happened. asked is before
// when nothing goes.
func (c *control) idles(now, asked time.Time) (idle bool, at time.Time) {
	if c.recalls.under || !c.couldTake(now) {
		return false, time.Time{}
	}
	if at = asked.Add(recallEvery); at.After(now) {
		return false, at // leases that were parked until then are on their way
	}
	open, at := c.paced(now)
	switch {
	case !open && at.IsZero():
		return false, at
	case !open && at.Sub(now) > slotLead:
		return false, at.Add(-slotLead)
	}
	return !now.Before(c.recalls.next), c.recalls.next
}

// couldTake: nothing but pace and order is in the way of an attempt.
func (c *control) couldTake(now time.Time) bool {
	if c.storing > 0 || c.inFlight >= c.allowed(now) || c.breaker.probing {
		return false
	}
	return !c.draining && !c.away && !c.policy.Paused && c.policy.Closed == ""
}

// soon is how many deliveries the endpoint takes while a recall is under way.
func (c *control) soon(now time.Time) int {
	return min(int(slotLead.Seconds()*c.throughput(now, now)), maxRecall)
}

// startRecall begins a recall of want leases, and tells of how many it is: at
// least of one.
func (c *control) startRecall(now time.Time, want int) int {
	r := &c.recalls
	r.under = true
	r.inRow++
	r.next = now.Add(doubling(recallEvery, recallMost, r.inRow))
	return min(max(1, want), c.parked.Ready)
}
