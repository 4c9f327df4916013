package sim

import "time"

// start is when every run begins, by a clock that is right.
var start = time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)

// clock is virtual time: it stands still until something is due. What is due
// at one instant happens in the order in which it was asked for.
type clock struct {
	now   time.Duration // since start
	heap  []timed
	asked uint64
}

type timed struct {
	at    time.Duration
	order uint64
	do    func()
}

func (a *timed) before(b *timed) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// after has do called when d has passed.
func (c *clock) after(d time.Duration, do func()) {
	c.asked++
	c.heap = append(c.heap, timed{at: c.now + max(0, d), order: c.asked, do: do})
	for i := len(c.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !c.heap[i].before(&c.heap[up]) {
			return
		}
		c.heap[i], c.heap[up] = c.heap[up], c.heap[i]
		i = up
	}
}

// next is when something is due next.
func (c *clock) next() (at time.Duration, any bool) {
	if len(c.heap) == 0 {
		return 0, false
	}
	return c.heap[0].at, true
}

// runNext moves time to what is due next, and runs it.
func (c *clock) runNext() {
	a := c.heap[0]
	last := len(c.heap) - 1
	c.heap[0], c.heap[last] = c.heap[last], timed{}
	c.heap = c.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && c.heap[down+1].before(&c.heap[down]) {
			down++
		}
		if !c.heap[down].before(&c.heap[i]) {
			break
		}
		c.heap[i], c.heap[down] = c.heap[down], c.heap[i]
		i = down
	}
	c.now = max(c.now, a.at)
	a.do()
}
