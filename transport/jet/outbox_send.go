package jet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
)

// try gives back what is not known to be stored, and why. What is under way is
// broken off when the outbox stops.
func (o *Outbox) try(stop context.Context, parcels []*Parcel) (left []*Parcel, err error) {
	if err := o.store.Away(); err != nil {
		return parcels, err
	}
	if err := o.Guard.Acts(); err != nil {
		return parcels, err
	}
	ctx, cancel := context.WithTimeout(stop, PublishTimeout)
	defer cancel()
	ready := make([]*Parcel, 0, len(parcels))
	for _, p := range parcels {
		if oerr := o.storeObjects(ctx, p); oerr != nil {
			left, err = append(left, p), oerr
			continue
		}
		ready = append(ready, p)
	}
	defer o.Guard.Begin()()
	if o.together(ready) {
		last, berr := o.batch(ctx, ready)
		if berr == nil {
			for i, p := range ready {
				p.Seq = last - uint64(len(ready)-1-i)
			}
			o.tell(last, ready...)
			return left, err
		}
		var api *jetstream.APIError
		if errors.As(berr, &api) && api.ErrorCode == errAtomicDisabled {
			o.OneByOne = true
		}
	}
	failed, serr := o.singles(stop, ready)
	return append(left, failed...), errors.Join(err, serr)
}

// together tells whether parcels go as one batch. What failed once may be stored
// already, and would fail all of it.
func (o *Outbox) together(parcels []*Parcel) bool {
	return !o.OneByOne && !o.costs.Apart(len(parcels)) &&
		!slices.ContainsFunc(parcels, func(p *Parcel) bool { return p.Tried() })
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
	o.Guard.Mark(parcels[0].Msg) // the first of them is guarded for all
	last, err = o.store.PublishBatch(ctx, messages(parcels))
	o.Guard.Became(began, false, err)
	if err == nil {
		o.costs.TookTogether(len(parcels), time.Since(began))
	}
	return last, err
}

func (o *Outbox) singles(stop context.Context, parcels []*Parcel) (failed []*Parcel, err error) {
	ctx, cancel := context.WithTimeout(stop, PublishTimeout)
	defer cancel()
	began := time.Now()
	for _, p := range parcels {
		o.Guard.Mark(p.Msg)
	}
	became := func(p *Parcel, seq uint64, perr error) {
		o.Guard.Became(began, false, perr)
		if perr == nil {
			p.Seq = seq
			o.tell(seq, p)
			return
		}
		o.inTurn = o.inTurn || otherUnderWay(perr)
		if o.Renew != nil && WrongSequence(perr) {
			o.Renew(ctx, p)
		}
		failed, err = append(failed, p), perr
	}
	if o.inTurn {
		for _, p := range parcels {
			o.store.PublishEach(ctx, []*nats.Msg{p.Msg}, func(_ int, seq uint64, perr error) { became(p, seq, perr) })
		}
	} else {
		o.store.PublishEach(ctx, messages(parcels), func(i int, seq uint64, perr error) { became(parcels[i], seq, perr) })
	}
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
