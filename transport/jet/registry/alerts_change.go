package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/matching"
	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// CreateAlert stores a new alert, and its customer where that is not there yet,
// and gives the revision to wait for. It matches detections that are stored
// from now on: a.Position is set. a.ID is the caller's to choose (a UUID); one
// that exists is transport.ErrConflict.
func (r *Alerts) CreateAlert(ctx context.Context, a *matching.Alert) (revision uint64, err error) {
	ctx, end, err := r.store.changes.Begin(ctx, changeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := checkAlertKey(a); err != nil {
		return 0, err
	}
	if _, taken := r.Stored(a.ID); taken {
		return 0, fmt.Errorf("alert %s: %w", a.ID, transport.ErrConflict)
	}
	if _, err := r.store.registry.EnsureCustomer(ctx, a.Customer); err != nil {
		return 0, err
	}
	if a.Position, err = r.store.opts.LastDetection(ctx); err != nil {
		return 0, err
	}
	revision, err = r.store.alerts.Create(ctx, alertKey(a.Customer, a.ID), jet.CompactJSON(Alert{Alert: *a}))
	return revision, alertFault(a.ID, err)
}

// UpdateAlert stores the next state of the alert whose revision is revision,
// and gives the new one. Where its criteria are others, or it was not active
// and is, it matches detections that are stored from now on; after any other
// edit it goes on where it was, as it does with another type. a.Position is
// set. transport.ErrConflict: it was changed meanwhile; transport.ErrNotFound:
// it is not there.
func (r *Alerts) UpdateAlert(ctx context.Context, a *matching.Alert, revision uint64) (uint64, error) {
	ctx, end, err := r.store.changes.Begin(ctx, changeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := checkAlertKey(a); err != nil {
		return 0, err
	}
	old, err := r.read(ctx, a.Customer, a.ID)
	if err != nil {
		return 0, err
	}
	if old.Revision != revision {
		return 0, fmt.Errorf("alert %s: %w", a.ID, transport.ErrConflict)
	}
	next := Alert{Alert: *a}
	if beginsAnew := !old.SameCriteria(a) || a.IsActive && !old.IsActive; !beginsAnew {
		next.move(old)
	} else if next.Position, err = r.store.opts.LastDetection(ctx); err != nil {
		return 0, err
	}
	a.Position = next.Position
	stored, err := r.store.alerts.Update(ctx, alertKey(a.Customer, a.ID), jet.CompactJSON(next), old.Revision)
	return stored, alertFault(a.ID, err)
}

// move makes a, which looks for what old did, go on where old was; its type may
// be another one.
func (a *Alert) move(old *Alert) {
	a.Position, a.CatchUp, a.MovedFrom = old.Position, old.CatchUp, old.MovedFrom
	if a.MovedFrom == "" {
		a.MovedFrom = old.AlertType
	}
	if a.MovedFrom == a.AlertType {
		a.MovedFrom = ""
	}
}

// RemoveAlert drops an alert and gives the revision of that;
// transport.ErrNotFound where there is none.
func (r *Alerts) RemoveAlert(ctx context.Context, id string) (revision uint64, err error) {
	ctx, end, err := r.store.changes.Begin(ctx, changeTimeout)
	if err != nil {
		return 0, err
	}
	defer end()
	known, ok := r.Stored(id)
	if !ok {
		return 0, fmt.Errorf("alert %s: %w", id, transport.ErrNotFound)
	}
	for {
		old, err := r.read(ctx, known.Customer, id)
		if err != nil {
			return 0, err
		}
		// As KeyValue.Delete does, which does not tell the revision.
		m := nats.NewMsg("$KV." + BucketAlerts + "." + alertKey(known.Customer, id))
		m.Header.Set(jet.HeaderKVOperation, "DEL")
		ack, err := r.store.changes.Publish(ctx, m, jetstream.WithExpectLastSequencePerSubject(old.Revision))
		if err == nil {
			return ack.Sequence, nil
		}
		if !jet.WrongSequence(err) || ctx.Err() != nil {
			return 0, alertFault(id, err)
		}
	}
}

// SettleAlert sets what only runs change of an alert whose revision is
// revision: from where it matches, with what it has to catch up, and from which
// type it still has to come. It gives the new revision; transport.ErrConflict:
// the alert was changed or removed meanwhile.
func (r *Alerts) SettleAlert(ctx context.Context, customer, id string, revision, position, catchUp uint64, movedFrom string) (uint64, error) {
	a, err := r.read(ctx, customer, id)
	if errors.Is(err, transport.ErrNotFound) || err == nil && a.Revision != revision {
		return 0, fmt.Errorf("alert %s: %w", id, transport.ErrConflict)
	}
	if err != nil {
		return 0, err
	}
	a.Position, a.CatchUp, a.MovedFrom = position, catchUp, movedFrom
	stored, err := r.store.alerts.Update(ctx, alertKey(customer, id), jet.CompactJSON(a), revision)
	return stored, alertFault(id, err)
}

// read gives an alert as the bucket has it.
func (r *Alerts) read(ctx context.Context, customer, id string) (*Alert, error) {
	e, err := r.store.alerts.Get(ctx, alertKey(customer, id))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("alert %s: %w", id, transport.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("alert %s: %w", id, jet.Unavailable(err))
	}
	a, err := decodeAlert(e)
	if err != nil {
		return nil, fmt.Errorf("alert %s: %w", id, err)
	}
	return a, nil
}

func decodeAlert(e jetstream.KeyValueEntry) (*Alert, error) {
	a := &Alert{}
	if err := json.Unmarshal(e.Value(), a); err != nil {
		return nil, err
	}
	// The key tells whose it is, whatever the record says.
	a.ID, a.Customer, a.Revision = endpointID(e.Key()), customerOf(e.Key()), e.Revision()
	return a, nil
}

func alertFault(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), jet.WrongSequence(err):
		return fmt.Errorf("alert %s: %w", id, transport.ErrConflict)
	}
	return fmt.Errorf("alert %s: %w", id, jet.Unavailable(err))
}

func alertKey(customer, id string) string { return customer + "." + id }

func checkAlertKey(a *matching.Alert) error {
	if err := transport.CheckCustomer(a.Customer); err != nil {
		return err
	}
	if transport.CheckCustomer(a.ID) != nil {
		return &transport.FieldError{Field: "id", Value: a.ID, Message: "not a UUID"}
	}
	return nil
}
