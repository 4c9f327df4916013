package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// SubmitOps stores an event of Postrider's own, ops.<customer>.<what>; id is
// its identity, so that a repeat is delivered once, at is when it happened. It
// returns when the event is on disk.
func (s *Store) SubmitOps(ctx context.Context, customer, what, id string, at time.Time, data []byte) error {
	subject, err := transport.OpsSubject(customer, what)
	if err != nil {
		return err
	}
	m := nats.NewMsg(subject)
	m.Header.Set(publisher.HeaderID, id)
	m.Header.Set(publisher.HeaderTime, at.UTC().Format(time.RFC3339Nano))
	m.Data = data
	ctx, cancel := context.WithTimeout(ctx, jet.PublishTimeout)
	defer cancel()
	if _, err := s.js.PublishMsg(ctx, m); err != nil {
		return fmt.Errorf("event %s: %w", subject, jet.Unavailable(err))
	}
	return nil
}
