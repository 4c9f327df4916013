package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/wire"
)

// Stored is what one event takes of the log's room.
type Stored struct {
	Seq      uint64
	Customer string
	// Bytes are those of its message, Large those of its payload where that lies
	// in the object store.
	Bytes, Large int64
}

// Weigh calls each for what every event from a sequence to another takes of the
// log's room, in order.
func (s *Store) Weigh(ctx context.Context, from, to uint64, each func(Stored)) error {
	if to == 0 || from > to {
		return nil
	}
	w := jet.Sweep{Stream: s.shard.Events(), Subject: jet.SubjectEvents, From: from}
	err := s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence > to {
			return jet.ErrEnough
		}
		stored, known := s.weigh(ctx, m.Sequence, m.Subject, m.Header, m.Data)
		if known {
			each(stored)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading who has how much in %s: %w", s.shard.Events(), jet.Unavailable(err))
	}
	return nil
}

// weigh is false of what is nobody's.
func (s *Store) weigh(ctx context.Context, seq uint64, subject string, h nats.Header, data []byte) (Stored, bool) {
	customer, _, err := transport.ParseEventSubject(subject)
	if err != nil {
		return Stored{}, false
	}
	st := Stored{Seq: seq, Customer: customer, Bytes: jet.StoredBytes(&nats.Msg{Subject: subject, Header: h, Data: data})}
	if name := h.Get(jet.HeaderObject); name != "" {
		if st.Large, err = s.conn.PayloadSize(ctx, name); err != nil {
			s.log.Debug("how large a payload is stays unknown", "object", wire.CutText(name, 64), "err", err)
		}
	}
	return st, true
}

// tellStored tells of what Submit stored, whose payloads have these sizes.
func (s *Store) tellStored(first uint64, msgs []*nats.Msg, evs []transport.Event) {
	if s.opts.Stored == nil {
		return
	}
	for i, m := range msgs {
		st := Stored{Seq: first + uint64(i), Customer: evs[i].Customer, Bytes: jet.StoredBytes(m)}
		if m.Header.Get(jet.HeaderObject) != "" {
			st.Large = int64(len(evs[i].Data))
		}
		s.opts.Stored(st)
	}
}
