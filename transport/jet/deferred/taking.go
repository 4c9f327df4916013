package deferred

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// metaMark in the metadata of DEFERRED is what the next start must know of this
// one (transport.Recovered.Mark): that what is owed was being parked anew, or that
// a copy was put back of which something is there still.
const metaMark = "postrider-mending"

// Taking is given what lies in DEFERRED as a shard is taken. What it is given is
// its own.
type Taking interface {
	Segment(*transport.Segment, transport.Lying)
	Listed(p *transport.ParkedSegment, messages uint64)
}

// Restart has all segments that came due come again that are not settled.
// Nobody may consume meanwhile.
func (s *Store) Restart(ctx context.Context) error {
	_, err := s.conn.ResetToFloor(ctx, s.dueDurable())
	return err
}

// State adds to the state of a shard how DEFERRED stands.
func (s *Store) State(ctx context.Context, state *transport.ShardState) error {
	due, err := s.conn.FirstMessage(ctx, s.shard.Deferred(), jetstreamext.GetBatchSubject(s.dueFilter()))
	if err != nil {
		return err
	}
	if due != nil {
		state.FirstDue, state.DueAt = due.Sequence, due.Time
	}
	deferred, err := s.js.Stream(ctx, s.shard.Deferred())
	if err != nil {
		return err
	}
	info := deferred.CachedInfo()
	state.DeferredFirst, state.DeferredLast = info.State.FirstSeq, info.State.LastSeq
	state.Mark = info.Config.Metadata[metaMark]
	return nil
}

// OldestDue is when the oldest segment came due that is not settled; zero: none
// is.
func (s *Store) OldestDue(ctx context.Context) (time.Time, error) {
	due, err := s.conn.FirstMessage(ctx, s.shard.Deferred(), jetstreamext.GetBatchSubject(s.dueFilter()))
	if err != nil || due == nil {
		return time.Time{}, err
	}
	return due.Time, nil
}

// Read gives t what it asked for of DEFERRED.
func (s *Store) Read(ctx context.Context, next *transport.Reading, t Taking) error {
	switch next.What {
	case transport.ReadDeferred:
		return s.readInto(ctx, jet.Sweep{Stream: s.shard.Deferred(), Subject: ">", From: next.From}, t)
	case transport.ReadDue:
		return s.readInto(ctx, jet.Sweep{Stream: s.shard.Deferred(), Subject: s.dueFilter(), From: next.From}, t)
	case transport.CountSegments:
		return s.readInto(ctx, jet.Sweep{Stream: s.shard.Deferred(), Subject: fmt.Sprintf("*.%d.*.*", s.shard)}, t)
	case transport.ReadSegments:
		for rest := next.Segments; len(rest) > 0; {
			part := cutParked(&rest, math.MaxInt)
			if err := s.readSchedules(ctx, part, func(_ int, m *jetstream.RawStreamMsg) { s.giveSegment(m, t) }); err != nil {
				return err
			}
		}
		return nil
	case transport.ListParked:
		return s.listInto(ctx, s.parkFilter(""), t)
	case transport.ListDue:
		return s.listInto(ctx, s.dueFilter(), t)
	}
	return fmt.Errorf("nobody knows how to read %d", next.What)
}

func (s *Store) readInto(ctx context.Context, w jet.Sweep, t Taking) error {
	return s.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		s.giveSegment(m, t)
		return nil
	})
}

// giveSegment gives one in. One that cannot be read is buried when it comes due.
func (s *Store) giveSegment(m *jetstream.RawStreamMsg, t Taking) {
	if jet.IsOwnerRecord(m.Subject) {
		return
	}
	seg, err := decodeSegment(m.Data)
	if err != nil {
		s.log.Error("a parked segment cannot be read", "seq", m.Sequence, "subject", m.Subject, "err", err)
		return
	}
	t.Segment(seg, transport.Lying{Seq: m.Sequence, Stored: m.Time, Due: strings.HasPrefix(m.Subject, "due.")})
}

// listInto gives names in. A subject that is none is of a version without counts.
func (s *Store) listInto(ctx context.Context, filter string, t Taking) error {
	err := s.conn.SubjectsOf(ctx, s.shard.Deferred(), filter, func(subject string, messages uint64) {
		p, ok := readParked(subject)
		if !ok {
			p = parked{}
		}
		t.Listed(&p, messages)
	})
	if err != nil {
		return fmt.Errorf("counting what is parked: %w", err)
	}
	return nil
}

// Mark notes a mark at the stream, in place of the one before; empty: none.
func (s *Store) Mark(ctx context.Context, mark string) error {
	stream, err := s.js.Stream(ctx, s.shard.Deferred())
	if err != nil {
		return err
	}
	config := stream.CachedInfo().Config
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	if config.Metadata[metaMark] = mark; mark == "" {
		delete(config.Metadata, metaMark)
	}
	if _, err := s.js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("stream %s: %w", s.shard.Deferred(), err)
	}
	return nil
}

// Anew is an entry that lies nowhere and is parked anew.
type Anew struct {
	Customer, Endpoint string
	Entry              transport.Entry
}

// ParkAnew parks entries, tells t of their segments, and returns when these are
// durable.
func (s *Store) ParkAnew(ctx context.Context, t Taking, c Cutter, all []Anew) error {
	items := map[string][]item{} // by endpoint
	var endpoints []string
	customers := map[string]string{}
	for i := range all {
		a := &all[i]
		if items[a.Endpoint] == nil {
			endpoints = append(endpoints, a.Endpoint)
		}
		items[a.Endpoint], customers[a.Endpoint] = append(items[a.Endpoint], s.encodeItem(&a.Entry)), a.Customer
	}
	out := s.conn.NewOutbox("parking anew")
	out.Guard, out.Told = s.opts.Fence.OfDeferred(), s.witness.Tell
	for _, endpoint := range endpoints {
		entries := make([]transport.Parking, len(items[endpoint]))
		for i := range entries {
			entries[i] = items[endpoint][i].Parking
		}
		for _, cut := range c.Cut(entries) {
			cut.Segment.Endpoint = endpoint
			t.Listed(&cut.Segment, 1)
			out.Add(s.segmentParcel(customers[endpoint], items[endpoint], &cut, s.clock.ahead()))
		}
	}
	return out.Close(ctx)
}
