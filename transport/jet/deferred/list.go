package deferred

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/groupcommit"
	"github.com/postrider/postrider/transport/jet"
)

// mostLists is how many endpoints are listed by their messages at a time.
const mostLists = 4

// List gives all pairs of an endpoint that lie in DEFERRED, those that came due
// and are not settled among them, in the order they go in; it reads its
// messages. What was parked before the call is there; what comes back or is
// parked again meanwhile may be. It tries until it can or ctx or the parker ends.
func (p *Parker) List(ctx context.Context, endpoint string) ([]transport.ParkedPair, error) {
	select {
	case p.lists <- struct{}{}:
		defer func() { <-p.lists }()
	case <-ctx.Done():
		return nil, fmt.Errorf("listing what is parked: %w", ctx.Err())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	var wait groupcommit.Backoff
	for {
		list, err := p.list(ctx, endpoint)
		if err == nil {
			return list, nil
		}
		if ctx.Err() == nil && wait.First() {
			p.store.log.Warn("what is parked cannot be listed; trying until it can", "endpoint", endpoint, "err", jet.Unavailable(err))
		}
		if !wait.Pause(ctx.Done()) {
			return nil, fmt.Errorf("listing what is parked: %w", ctx.Err())
		}
	}
}

// list reads what waits, then what is due: so what fires meanwhile is met. What
// was due and is parked again meanwhile came back to whoever asks.
func (p *Parker) list(ctx context.Context, endpoint string) ([]transport.ParkedPair, error) {
	if err := p.Flush(ctx); err != nil {
		return nil, err
	}
	found := pairs{}
	waits, _, err := p.store.listParked(ctx, endpoint, math.MaxInt/4, func(*parked) bool { return true })
	for err == nil && len(waits) > 0 {
		part := cutParked(&waits, math.MaxInt)
		p.store.moving.Lock()
		err = p.store.readSchedules(ctx, part, func(_ int, m *jetstream.RawStreamMsg) { found.add(m.Data) })
		p.store.moving.Unlock()
	}
	if err != nil {
		return nil, err
	}
	w := jet.Sweep{Stream: p.store.shard.Deferred(), Subject: fmt.Sprintf("due.%d.%s.>", p.store.shard, jet.SubjectWord(endpoint))}
	err = p.store.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		found.add(m.Data)
		return nil
	})
	return found.sorted(), err
}

// pairs are those of an endpoint's segments; of two entries of a pair the one
// with the higher hop is true.
type pairs map[transport.Place]parkedPair

type parkedPair struct {
	due time.Time
	hop uint32
}

// add takes a segment in; one that cannot be read is buried when it comes due.
func (p pairs) add(msg []byte) {
	seg, err := decodeSegment(msg)
	if err != nil {
		return
	}
	for i := range seg.Entries {
		e := &seg.Entries[i]
		place := transport.Place{Replay: e.Replay, Seq: e.Event.Seq}
		if was, ok := p[place]; !ok || e.Hop >= was.hop {
			p[place] = parkedPair{e.Due, e.Hop}
		}
	}
}

func (p pairs) sorted() []transport.ParkedPair {
	list := make([]transport.ParkedPair, 0, len(p))
	for place, known := range p {
		list = append(list, transport.ParkedPair{Place: place, Due: known.due, Hop: known.hop})
	}
	slices.SortFunc(list, func(a, b transport.ParkedPair) int { return a.Place.Compare(b.Place) })
	return list
}
