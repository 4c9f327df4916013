package jet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// try gives back what is not known to be stored, and why.
func (o *outbox) try(parcels []*parcel) (left []*parcel, err error) {
	if err := o.store.away(); err != nil {
		return parcels, err
	}
	ctx, cancel := context.WithTimeout(o.ctx, publishTimeout)
	defer cancel()
	ready := make([]*parcel, 0, len(parcels))
	for _, p := range parcels {
		if oerr := o.storeObjects(ctx, p); oerr != nil {
			left, err = append(left, p), oerr
			continue
		}
		ready = append(ready, p)
	}
	if o.together(ready) {
		last, berr := o.batch(ctx, ready)
		if berr == nil {
			o.tell(last, ready...)
			return left, err
		}
		var api *jetstream.APIError
		if errors.As(berr, &api) && api.ErrorCode == errAtomicDisabled {
			o.oneByOne = true
		}
	}
	failed, serr := o.singles(ready)
	return append(left, failed...), errors.Join(err, serr)
}

// together tells whether parcels go as one batch. What failed once may be stored
// already, and would fail all of it.
func (o *outbox) together(parcels []*parcel) bool {
	return !o.oneByOne && !o.costs.Apart(len(parcels)) &&
		!slices.ContainsFunc(parcels, func(p *parcel) bool { return p.tried })
}

func (o *outbox) storeObjects(ctx context.Context, p *parcel) error {
	for len(p.objects) > 0 {
		if err := o.store.PutPayload(ctx, p.objects[0].name, p.objects[0].data); err != nil {
			return err
		}
		p.objects = p.objects[1:]
	}
	return nil
}

// away is an error while there is no connection: what is published then lies
// in a buffer, and its answer comes too late.
func (s *Store) away() error {
	if s.nc.IsConnected() && s.link.is() {
		return nil
	}
	return fmt.Errorf("no connection to NATS: %w", transport.ErrUnavailable)
}

// batch stores all or none. A batch whose answer was lost is tried again one by
// one: each message's own id then tells what is there already.
func (o *outbox) batch(ctx context.Context, parcels []*parcel) (last uint64, err error) {
	began := time.Now()
	last, err = o.store.publishBatch(ctx, messages(parcels))
	if err == nil {
		o.costs.TookTogether(len(parcels), time.Since(began))
	}
	return last, err
}

func (o *outbox) singles(parcels []*parcel) (failed []*parcel, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, publishTimeout)
	defer cancel()
	began := time.Now()
	o.store.publishEach(ctx, messages(parcels), func(i int, seq uint64, perr error) {
		if perr == nil {
			o.tell(seq, parcels[i])
			return
		}
		failed, err = append(failed, parcels[i]), perr
	})
	if err == nil {
		o.costs.TookApart(len(parcels), time.Since(began))
	}
	return failed, err
}

// tell tells those who wait for parcels that are stored, up to seq.
func (o *outbox) tell(seq uint64, parcels ...*parcel) {
	var waiters []transport.Waiter
	for _, p := range parcels {
		waiters = append(waiters, p.waiters...)
	}
	if len(waiters) > 0 {
		o.told(seq, waiters)
	}
}
