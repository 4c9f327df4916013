package eventlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// Find gives the events beside what refers to them; nil where the log does not have
// one any more, or has another of that number. They are shared with whoever looked
// for them shortly before, and not to be changed. One whose payload is gone has no
// Data. The error is that this cannot be told now.
func (s *Store) Find(ctx context.Context, refs []transport.Reference) ([]*transport.Event, error) {
	found := make([]*transport.Event, len(refs))
	var seqs []uint64
	var places []int
	for i := range refs {
		if ev := s.found.get(refs[i].Seq); ev != nil && refs[i].Fits(ev) {
			found[i] = ev
		} else if refs[i].Seq > 0 {
			seqs, places = append(seqs, refs[i].Seq), append(places, i)
		}
	}
	if err := s.findStored(ctx, seqs, places, found); err != nil {
		return nil, fmt.Errorf("reading events that are referred to: %w", jet.Unavailable(err))
	}
	for i := range refs {
		if found[i] != nil && !refs[i].Fits(found[i]) {
			found[i] = nil
		}
	}
	return found, nil
}

// findStored puts what is stored into its places.
func (s *Store) findStored(ctx context.Context, seqs []uint64, places []int, found []*transport.Event) error {
	if len(seqs) == 0 {
		return nil
	}
	messages := make([]*jetstream.RawStreamMsg, len(seqs))
	err := s.conn.Messages(ctx, s.shard.Events(), seqs, func(i int, m *jetstream.RawStreamMsg) { messages[i] = m })
	if err != nil {
		return err
	}
	for i, m := range messages {
		if m == nil {
			if m, err = s.lookFurther(ctx, seqs[i]); err != nil {
				return err
			}
		}
		if m == nil {
			continue
		}
		if found[places[i]], err = s.readFound(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// lookFurther looks for what a replica did not have, which may be behind, or what
// was moved: it is stored there before it leaves the log.
func (s *Store) lookFurther(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := s.askLeader(ctx, seq)
	if err != nil || m != nil || s.opts.Kept == nil {
		return m, err
	}
	return s.opts.Kept(ctx, seq)
}

func (s *Store) askLeader(ctx context.Context, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := s.conn.LeaderGet(ctx, s.shard.Events(), seq, ">")
	if err != nil || m == nil || m.Sequence != seq {
		return nil, err
	}
	return m, nil
}

// Raw gives messages of the log as they are, in the order of seqs, but for those
// that are not there.
func (s *Store) Raw(ctx context.Context, seqs []uint64) (messages []*jetstream.RawStreamMsg, err error) {
	all := make([]*jetstream.RawStreamMsg, len(seqs))
	err = s.conn.Messages(ctx, s.shard.Events(), seqs, func(i int, m *jetstream.RawStreamMsg) { all[i] = m })
	for i := 0; err == nil && i < len(all); i++ {
		if all[i] == nil {
			all[i], err = s.askLeader(ctx, seqs[i])
		}
		if all[i] != nil {
			messages = append(messages, all[i])
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", jet.Unavailable(err))
	}
	return messages, nil
}

// readFound gives the event of a message; nil where it is none.
func (s *Store) readFound(ctx context.Context, m *jetstream.RawStreamMsg) (*transport.Event, error) {
	ev, letter, err := decodeInbound(ctx, &inbound{Shard: s.shard, Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Sequence, Stored: m.Time.UTC()}, s.conn.GetPayload)
	switch {
	case err != nil:
		return nil, err
	case letter == nil:
		s.found.put(ev)
		return ev, nil
	case letter.Reason == transport.ReasonPayloadGone:
		ev = letter.Event
		ev.Data, ev.Object, ev.Time = nil, m.Header.Get(jet.HeaderObject), ev.Stored
		return ev, nil
	}
	return nil, nil
}
