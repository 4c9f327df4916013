package jet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// try gives back what is not known to be stored, and why.
func (o *Outbox) try(parcels []*Parcel) (left []*Parcel, err error) {
	if err := o.store.Away(); err != nil {
		return parcels, err
	}
	ctx, cancel := context.WithTimeout(o.ctx, PublishTimeout)
	defer cancel()
	ready := make([]*Parcel, 0, len(parcels))
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
			o.OneByOne = true
		}
	}
	failed, serr := o.singles(ready)
	return append(left, failed...), errors.Join(err, serr)
}

// together tells whether parcels go as one batch. What failed once may be stored
// already, and would fail all of it.
func (o *Outbox) together(parcels []*Parcel) bool {
	return !o.OneByOne && !o.costs.Apart(len(parcels)) &&
		!slices.ContainsFunc(parcels, func(p *Parcel) bool { return p.tried })
}

func (o *Outbox) storeObjects(ctx context.Context, p *Parcel) error {
	for len(p.Objects) > 0 {
		if err := o.store.PutPayload(ctx, p.Objects[0].Name, p.Objects[0].Data); err != nil {
			return err
		}
		p.Objects = p.Objects[1:]
	}
	return nil
}

// batch stores all or none. A batch whose answer was lost is tried again one by
// one: each message's own id then tells what is there already.
func (o *Outbox) batch(ctx context.Context, parcels []*Parcel) (last uint64, err error) {
	began := time.Now()
	last, err = o.store.PublishBatch(ctx, messages(parcels))
	if err == nil {
		o.costs.TookTogether(len(parcels), time.Since(began))
	}
	return last, err
}

func (o *Outbox) singles(parcels []*Parcel) (failed []*Parcel, err error) {
	ctx, cancel := context.WithTimeout(o.ctx, PublishTimeout)
	defer cancel()
	began := time.Now()
	o.store.PublishEach(ctx, messages(parcels), func(i int, seq uint64, perr error) {
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
func (o *Outbox) tell(seq uint64, parcels ...*Parcel) {
	var waiters []transport.Waiter
	for _, p := range parcels {
		waiters = append(waiters, p.Waiters...)
	}
	if len(waiters) > 0 {
		o.Told(seq, waiters)
	}
}
