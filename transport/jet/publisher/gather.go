package publisher

import "time"

// gatherTime is how long a batch waits for those who came to the one before.
const gatherTime = 2 * time.Millisecond

// gathering chooses what is stored together. It belongs to the writer's goroutine.
type gathering struct {
	source Source
	// waiting is the source's; nil: there is none.
	waiting <-chan struct{}
	// owed: the batch before left nothing to the source, which had something.
	owed bool
	// companions is how many callers the last batch had that had any.
	companions int
	// late is when a batch waits no longer for them; zero: none waits.
	late time.Time
}

// batch is what is stored together.
type batch struct {
	calls                    []*call
	messages, bytes, callers int
}

func (b *batch) fits(cl *call) bool {
	return b.messages == 0 || b.messages+len(cl.msgs) <= maxBatchMessages && b.bytes+cl.bytes <= maxBatchBytes
}

func (b *batch) add(cl *call) {
	b.calls = append(b.calls, cl)
	b.messages += len(cl.msgs)
	b.bytes += cl.bytes
	if cl.piece == nil {
		b.callers++
	}
}

// next collects what fits in one batch: half of it from the source, calls that
// are there, and more from the source. Where the batch before had more callers,
// those of them that come within gatherTime are waited for.
func (g *gathering) next(group, queue []*call, _ bool) (next, rest []*call, wait time.Duration) {
	if wait := g.pause(queue); wait > 0 {
		return group, queue, wait
	}
	b := batch{calls: group}
	rest = g.gather(&b, queue)
	if g.late = (time.Time{}); b.callers > 0 {
		g.companions = b.callers
	}
	return b.calls, rest, 0
}

// pause is how long to wait for more callers, of those the batch before had.
func (g *gathering) pause(queue []*call) time.Duration {
	messages, bytes := 0, 0
	for _, cl := range queue {
		messages, bytes = messages+len(cl.msgs), bytes+cl.bytes
	}
	full := messages >= maxBatchMessages || bytes >= maxBatchBytes
	switch {
	case len(queue) == 0 || len(queue) >= g.companions || full:
		return 0
	case g.late.IsZero():
		g.late = time.Now().Add(gatherTime)
	}
	return time.Until(g.late)
}

// gather gives what of the queue does not fit.
func (g *gathering) gather(b *batch, queue []*call) (rest []*call) {
	large := len(queue) > 0 && (len(queue[0].msgs) > maxBatchMessages/2 || queue[0].bytes > maxBatchBytes/2)
	if large && g.owed {
		if g.fill(b, maxBatchMessages, maxBatchBytes); b.messages > 0 {
			g.owed = false
			return queue
		}
	}
	if g.owed = large && len(g.waiting) > 0; !large {
		g.fill(b, maxBatchMessages/2, maxBatchBytes/2)
	}
	for i, cl := range queue {
		if cl.ctx.Err() != nil {
			continue // nobody waits for it any more
		}
		if !b.fits(cl) {
			return queue[i:]
		}
		b.add(cl)
	}
	g.fill(b, maxBatchMessages, maxBatchBytes)
	return nil
}

// fill takes from the source until b has so many messages or bytes.
func (g *gathering) fill(b *batch, messages, bytes int) {
	if g.source != nil && b.messages < messages && b.bytes < bytes {
		g.source.Pieces(messages-b.messages, bytes-b.bytes, func(p Piece) { b.add(pieceCall(p)) })
	}
}
