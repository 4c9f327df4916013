package node

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// brimPatience is how long publishing by HTTP waits while what is settled is
// being dropped.
const brimPatience = 2 * time.Second

func overShare(customer string, used, bound float64) error {
	return &transport.QuotaError{Quota: transport.QuotaLog, Used: used, Bound: bound,
		Message: fmt.Sprintf("customer %s would have %.1f %% of the log's room with this, and may have %g %% (quota.log_share); publish again when older events are settled and dropped, or ask the operator for more", customer, 100*used, 100*bound)}
}

// admit tells why there is no room in the log for so many bytes more of a
// customer's, or nil.
func (r *room) admit(customer string, bytes int) error {
	if r.short.Load() {
		return jet.ErrRoom
	}
	return r.within(customer, int64(bytes), 0)
}

// within tells whether a customer keeps to its share with so much more; large of
// the bytes go to PAYLOADS, of which it may have the same share, or one payload.
func (r *room) within(customer string, bytes, large int64) error {
	bound := r.quotas.Bound(customer, transport.QuotaLog)
	if bound <= 0 {
		return nil
	}
	used := r.share(customer, bytes)
	if used > 0.5*bound { // below it there is no news
		if _, fits := r.quotas.Fits(r.now(), customer, transport.QuotaLog, used); !fits {
			r.nudge()
			return overShare(customer, used, bound)
		}
	}
	if large == 0 {
		return nil
	}
	r.mu.Lock()
	most := r.use.Room.Of(jet.StreamPayloads)
	r.mu.Unlock()
	has := r.large.Of(customer)
	if most > 0 && has > 0 && float64(has+large) > bound*float64(most) {
		r.nudge()
		return overShare(customer, float64(has+large)/float64(most), bound)
	}
	return nil
}

// Admit waits while room is being made, and tells why there is none for a
// customer's documents of these sizes: see api.Room.
func (r *room) Admit(ctx context.Context, customer string, bounded bool, sizes []int) (done func(), err error) {
	if r.short.Load() {
		return nil, jet.ErrRoom
	}
	var bytes, large int64
	limit := int(r.store.MaxPayload())
	for _, size := range sizes {
		if bytes += int64(size); size > limit {
			large += int64(size)
		}
	}
	if bounded {
		if err := r.within(customer, bytes, large); err != nil {
			return nil, err
		}
	}
	if err := r.awaitTurn(ctx, customer); err != nil {
		return nil, err
	}
	r.coming(customer, bytes)
	r.awaitBrim(ctx)
	return func() { r.coming(customer, -bytes) }, nil
}

// coming counts what is being stored.
func (r *room) coming(customer string, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay[customer] += bytes; r.underWay[customer] <= 0 {
		delete(r.underWay, customer)
	}
}

// awaitTurn waits while a customer holds more than an even part of what waits to
// be taken up, and sends it away where that lasts.
func (r *room) awaitTurn(ctx context.Context, customer string) error {
	for began := r.now(); r.ahead(r.now(), customer); {
		if r.now().Sub(began) > brimPatience {
			return &transport.QuotaError{Quota: transport.QuotaEvents, Message: "customer " + customer +
				" publishes more than its fair share of what the node takes up, and others wait for it: publish more slowly"}
		}
		select {
		case <-time.After(fairPause):
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// awaitBrim waits until the log is no more full to the brim, or nothing can be
// dropped, or ctx or patience ends.
func (r *room) awaitBrim(ctx context.Context) {
	if !r.atBrim() {
		return
	}
	late := time.NewTimer(brimPatience)
	defer late.Stop()
	for r.atBrim() {
		r.mu.Lock()
		looked := r.looked
		r.mu.Unlock()
		r.nudge()
		select {
		case <-looked:
		case <-late.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Share is what a customer has of the log's room, of 1.
func (r *room) Share(customer string) float64 { return r.share(customer, 0) }

// taking holds events back while room is so short that working them off may take
// the last of it.
type taking struct {
	transport.Sink
	room *room
}

// Event passes one on.
func (t taking) Event(ev *transport.Event, h transport.Handle) {
	t.room.mu.Lock()
	least := t.room.least
	t.room.mu.Unlock()
	if least != nil {
		select {
		case <-least:
		case <-t.room.ended:
		}
	}
	t.Sink.Event(ev, h)
}

// end lets go who waits. Calling it again is fine.
func (r *room) end() { r.ending.Do(func() { close(r.ended) }) }
