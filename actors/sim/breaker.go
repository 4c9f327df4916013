package sim

import (
	"math/bits"
	"time"

	"github.com/postrider/postrider/actors/endpoint"
	"github.com/postrider/postrider/transport"
)

// reference is the contract's breaker, written anew: it opens after 5 failures
// in a row or half of the last 20, for 10 s, doubling to 10 min with each probe
// that fails. Where the contract leaves room it lets more through than the
// machine does, never less.
type reference struct {
	open    bool
	probing bool
	until   time.Time
	opens   int
	row     int
	last    uint64
	n       int
	// unsure: some attempts reached no receiver. Whether that was counted against
	// the endpoint or the uplink is not known here, so the breaker is not judged
	// until an attempt that was the only one under way succeeds.
	unsure bool
}

// ended counts the end of an attempt.
func (b *reference) ended(now time.Time, t *endpoint.Tuning, r *transport.Record, probe, alone bool) {
	failed := r.Answer.Class == transport.Failed || r.Answer.Class == transport.Gone
	delivered := r.Answer.Class == transport.Delivered
	switch {
	case r.Answer.Unreached:
		b.unsure = true
	case b.unsure && delivered && alone:
		*b = reference{}
	case b.unsure:
	case delivered && (!b.open || probe):
		b.open, b.row, b.opens = false, 0, 0
		b.last, b.n = b.last<<1, b.n+1
		if probe {
			b.last, b.n = 0, 0
		}
	case failed && (!b.open || probe):
		b.failed(now, t, probe)
	}
	if probe {
		b.probing = false
	}
}

func (b *reference) failed(now time.Time, t *endpoint.Tuning, probe bool) {
	b.row++
	b.last, b.n = b.last<<1|1, b.n+1
	half := b.n >= t.BreakerWindow && 2*bits.OnesCount64(b.last&(1<<t.BreakerWindow-1)) >= t.BreakerWindow
	if t.BreakerFailures == 0 || !probe && b.row < t.BreakerFailures && !half {
		return
	}
	b.opens++
	b.wait(now, t)
}

// opened: the endpoint says so. It may remember failures that are forgotten here.
func (b *reference) opened(now time.Time, t *endpoint.Tuning) {
	if !b.open {
		b.opens = 1
		b.wait(now, t)
	}
}

// wait lets nothing through for as long as the opens-th time in a row takes.
func (b *reference) wait(now time.Time, t *endpoint.Tuning) {
	b.open = true
	wait := t.BreakerWait
	for i := 1; i < b.opens && wait < t.BreakerMost; i++ {
		wait *= 2
	}
	b.until = now.Add(min(wait, t.BreakerMost))
}
