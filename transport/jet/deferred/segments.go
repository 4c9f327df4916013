package deferred

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Segments calls each for every segment that lies in DEFERRED.
func (s *Store) Segments(ctx context.Context, each func(*transport.Segment) error) error {
	return s.conn.Sweep(ctx, jet.Sweep{Stream: s.shard.Deferred(), Subject: ">"}, func(m *jetstream.RawStreamMsg) error {
		if jet.IsOwnerRecord(m.Subject) {
			return nil
		}
		seg, err := decodeSegment(m.Data)
		if err != nil {
			return fmt.Errorf("message %d of %s: %w", m.Sequence, s.shard.Deferred(), err)
		}
		return each(seg)
	})
}
