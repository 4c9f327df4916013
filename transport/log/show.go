package log

import (
	"context"
	"errors"
	"fmt"

	"github.com/postrider/postrider/transport"
)

// mostRecords is how many records of a delivery are shown, the newest of them:
// more than a schedule has entries.
const mostRecords = 256

// Delivery gives one delivery with its attempts and its outcome, those of them
// that the journal still has. One that is not there is transport.ErrNotFound.
func (x *Index) Delivery(ctx context.Context, p transport.Pair) (*transport.LoggedDelivery, error) {
	d, places, err := x.look(p)
	if err != nil {
		return nil, fmt.Errorf("delivery %s: %w", transport.DeliveryID(p), err)
	}
	places = places[max(0, len(places)-mostRecords):]
	var message []*transport.Record
	for i, at := range places {
		if i == 0 || at.seq() != places[i-1].seq() {
			if message, err = x.Source.JournalMessage(ctx, at.seq()); err != nil && !errors.Is(err, transport.ErrNotFound) {
				return nil, fmt.Errorf("delivery %s: %w", transport.DeliveryID(p), err)
			}
		}
		if at.number() < len(message) && isOf(message[at.number()], p) {
			d.Records = append(d.Records, message[at.number()])
		}
	}
	return d, nil
}

func (x *Index) look(p transport.Pair) (*transport.LoggedDelivery, []place, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.ready(); err != nil {
		return nil, nil, err
	}
	r := x.table.lookup(p)
	if r == noRef {
		return nil, nil, transport.ErrNotFound
	}
	c, i := x.table.row(r)
	d := x.table.delivery(c, i)
	return &d, c.marks(i), nil
}

// isOf guards against a journal that was made anew under the index's feet.
func isOf(r *transport.Record, p transport.Pair) bool {
	return r.Kind != transport.FanOut && r.Seq == p.Seq && r.Endpoint == p.Endpoint && r.Replay == p.Replay
}
