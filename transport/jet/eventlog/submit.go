package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/publisher"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// batchRoom is what headers of a batch may add to a message.
const batchRoom = 512

// Submit stores 1 to 1,000 events, all or none, and returns once JetStream has
// them on disk; concurrent calls share atomic batches. Taken of each event are
// Customer, Type, ID, Time, Traceparent and Data (valid JSON, up to
// transport.MaxHTTPEvent bytes), Source and Cloud. Receipts are in the order of evs.
//
// A *transport.FieldError names what is wrong and in which event; an error
// wrapping transport.ErrUnavailable says that NATS is away or the log is full.
func (s *Store) Submit(ctx context.Context, evs []transport.Event) ([]transport.Receipt, error) {
	if len(evs) == 0 || len(evs) > transport.MaxBatchEvents {
		return nil, &transport.FieldError{Field: "events",
			Message: fmt.Sprintf("%d at once; give 1 to %d", len(evs), transport.MaxBatchEvents)}
	}
	if err := s.changes.Away(); err != nil {
		return nil, err
	}
	msgs := make([]*nats.Msg, len(evs))
	receipts := make([]transport.Receipt, len(evs))
	for i := range evs {
		m, id, err := submission(&evs[i])
		if err != nil {
			return nil, at(evs, i, err)
		}
		msgs[i], receipts[i].ID = m, id
	}
	objects, err := s.setAside(ctx, msgs)
	if err != nil {
		s.dropPayloads(ctx, objects)
		return nil, err
	}
	first, err := s.submits.Commit(ctx, msgs)
	if err != nil {
		err = s.conn.WhyBroken(err)
		if !publisher.Unavailable(err) && ctx.Err() == nil {
			s.dropPayloads(ctx, objects) // refused for good: nothing refers to them
		}
		return nil, err
	}
	if s.conn.Embedded() {
		s.tellStored(first, msgs, evs)
	}
	for i := range receipts {
		r := &receipts[i]
		r.Seq = first + uint64(i)
		if r.ID == "" {
			r.ID = s.shard.Events() + "-" + strconv.FormatUint(r.Seq, 10)
		}
	}
	return receipts, nil
}

// submission checks ev and makes its message; id is the one that decodeInbound
// will find, empty where the sequence will make it.
func submission(ev *transport.Event) (m *nats.Msg, id string, err error) {
	if len(ev.Data) > transport.MaxHTTPEvent {
		return nil, "", &transport.FieldError{Field: "data",
			Message: fmt.Sprintf("%d bytes; at most %d", len(ev.Data), transport.MaxHTTPEvent)}
	}
	var doc document
	if !doc.read(jsontext.Trim(ev.Data)) {
		return nil, "", &transport.FieldError{Field: "data", Message: "not valid JSON"}
	}
	m, err = publisher.Enveloped(publisher.Event{
		Customer: ev.Customer, Type: ev.Type, ID: ev.ID, Time: ev.Time, Data: ev.Data})
	if err != nil {
		return nil, "", err
	}
	if ev.Traceparent != "" {
		m.Header.Set("traceparent", ev.Traceparent)
	}
	switch {
	case ev.Cloud != nil:
		m.Header.Set(jet.HeaderCloud, string(jet.CompactJSON(ev.Cloud)))
	case doc.isEnvelope():
		m.Header.Set(jet.HeaderData, "json")
	}
	field := "id"
	if id = ev.ID; id == "" {
		id, field = envelopeID(&doc), "data.uuid"
	}
	id, err = transport.EventID(id)
	var wrong *transport.FieldError
	if errors.As(err, &wrong) {
		return nil, "", &transport.FieldError{Field: field, Message: wrong.Message}
	}
	return m, transport.SourcedID(id, ev.Source), nil
}

// at names the event of a list; a single one needs no number.
func at(evs []transport.Event, i int, err error) error {
	if len(evs) == 1 {
		return err
	}
	return publisher.At(i, err)
}

// setAside puts payloads over the server's message limit into the object
// store, and names those in the messages; it gives the names of what it put.
func (s *Store) setAside(ctx context.Context, msgs []*nats.Msg) (objects []string, err error) {
	limit := s.conn.MaxPayload() - batchRoom
	ctx, cancel := context.WithTimeout(ctx, jet.PutAsideTime)
	defer cancel()
	for _, m := range msgs {
		if int64(m.Size()) <= limit {
			continue
		}
		name := jet.PayloadName(jet.KindEvent)
		if err := s.changes.PutPayload(ctx, name, m.Data); err != nil {
			return objects, err
		}
		objects = append(objects, name)
		m.Header.Set(jet.HeaderObject, name)
		m.Data = []byte("null")
	}
	return objects, nil
}

// dropPayloads tries to; what stays behind is only unused, and swept later.
func (s *Store) dropPayloads(ctx context.Context, names []string) {
	if s.conn.Away() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jet.APITimeout)
	defer cancel()
	for _, name := range names {
		if err := s.conn.DeletePayload(ctx, name); err != nil {
			s.log.Warn("a payload that no event refers to was left behind", "object", name, "err", err)
		}
	}
}
