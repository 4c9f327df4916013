package run

import (
	"context"
	"errors"

	"github.com/postrider/postrider/transport"
)

// ledgerCursors tells errors of the ledger from those of NATS, for people.
type ledgerCursors struct{ Cursors }

// cursorsAway is the error of a ledger that is not available.
type cursorsAway struct{ error }

func (e *cursorsAway) Unwrap() error { return e.error }

func (c ledgerCursors) Read(ctx context.Context, keys []string) ([]uint64, error) {
	at, err := c.Cursors.Read(ctx, keys)
	return at, ofLedger(err)
}

func (c ledgerCursors) Move(ctx context.Context, key string, from, to uint64) error {
	return ofLedger(c.Cursors.Move(ctx, key, from, to))
}

func ofLedger(err error) error {
	if errors.Is(err, transport.ErrUnavailable) {
		return &cursorsAway{err}
	}
	return err
}
