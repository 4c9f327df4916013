package deferred

import (
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// collectWait is how long what belongs together is waited for.
	collectWait = 50 * time.Millisecond
	// gatherMost is how long fresh events are gathered whose endpoint is closed
	// for long, and retries that may share a segment: each segment is written, fires
	// and is removed by itself.
	gatherMost = 4 * time.Second
	// collectEntries and collectBytes are the most that is collected of one
	// endpoint before it leaves: enough for runs of entries that come back at
	// one time to fill a segment each.
	collectEntries = 16 * transport.MaxSegmentEntries
	collectBytes   = 16 * transport.MaxSegmentBytes
	// heldShare of a shard's window, 1 / it, is gathered at most: their acks are
	// held meanwhile.
	heldShare = 4
)

// bucket gathers one endpoint's entries.
type bucket struct {
	customer, endpoint string
	items              []item
	bytes              int
	leaves             time.Time
}

// collect puts an item into its endpoint's bucket. The lock is held.
func (p *Parker) collect(customer, endpoint string, it item) {
	now := time.Now()
	leaves := now.Add(p.patience(now, &it.Parking))
	b := p.open[endpoint]
	if b == nil {
		b = &bucket{customer: customer, endpoint: endpoint, leaves: leaves}
		p.open[endpoint] = b
	}
	if leaves.Before(b.leaves) {
		b.leaves = leaves
	}
	if leaves.Before(p.next) {
		groupcommit.Nudge(p.wake)
	}
	p.held++
	b.items = append(b.items, it)
	if b.bytes += it.Bytes; len(b.items) == collectEntries || b.bytes >= collectBytes {
		p.leave(b)
	}
	if p.held >= p.store.opts.Window/heldShare {
		p.leaveMost()
	}
}

// leaveMost sends off the buckets that hold no less than the mean, which is at least
// half of it all, so that what is gathered of many endpoints becomes large segments
// still. The lock is held.
func (p *Parker) leaveMost() {
	mean := p.held / max(1, len(p.open))
	for _, b := range p.open {
		if len(b.items) >= mean {
			p.leave(b)
		}
	}
}

// patience is how long an item may wait for others of its endpoint.
func (p *Parker) patience(now time.Time, it *transport.Parking) time.Duration {
	switch fresh := it.Ready && it.Hop == 1 && it.Replay == 0; {
	case p.hurried:
	case it.Late > 0:
		return min(max(collectWait, it.Late), p.gather)
	case fresh:
		return min(max(collectWait, it.Wake.Sub(now)/2), p.gather)
	}
	return collectWait
}

// Hurry ends the gathering: what was parked leaves at once, and what comes is
// held no longer than it must. A node that stops waits for it.
func (p *Parker) Hurry() {
	p.mu.Lock()
	p.hurried = true
	p.mu.Unlock()
	p.leaveNow()
}

func (p *Parker) leaveNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaveAll()
}

// leaveOf sends off what is gathered of an endpoint.
func (p *Parker) leaveOf(endpoint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.open[endpoint]; b != nil {
		p.leave(b)
	}
}

// leaveAll sends off everything. The lock is held.
func (p *Parker) leaveAll() {
	for _, b := range p.open {
		p.leave(b)
	}
}

// run sends off what has waited long enough.
func (p *Parker) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(p.leaveOld())
		select {
		case <-timer.C:
		case <-p.wake:
		case <-p.ctx.Done():
			return
		}
	}
}

// leaveOld gives how long the next bucket may still wait.
func (p *Parker) leaveOld() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, next := time.Now(), time.Hour
	for _, b := range p.open {
		left := b.leaves.Sub(now)
		if left <= 0 {
			p.leave(b)
			continue
		}
		next = min(next, left)
	}
	p.next = now.Add(next)
	return next
}

// leave turns a bucket into segments. The lock is held.
func (p *Parker) leave(b *bucket) {
	if p.open[b.endpoint] == b {
		delete(p.open, b.endpoint)
		p.held -= len(b.items)
	}
	skew := p.store.clock.ahead()
	entries := make([]transport.Parking, len(b.items))
	for i := range b.items {
		entries[i] = b.items[i].Parking
	}
	for _, cut := range p.cutter.Cut(entries) {
		cut.Segment.Endpoint = b.endpoint
		pc := p.store.segmentParcel(b.customer, b.items, &cut, skew)
		pc.Msg.Header.Set(jet.HeaderMsgID, p.ids.Next())
		p.out.Add(pc)
	}
	b.items = nil
}
