package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// Headers of an event published in a batch.
const (
	// HeaderID carries the event's id. Nats-Msg-Id would do the same, but one
	// repeated id would refuse a whole batch.
	HeaderID = "Postrider-Id"
	// HeaderTime carries when the thing happened, RFC 3339.
	HeaderTime = "Postrider-Time"
)

// headerRoom is what a batch adds to a message.
const headerRoom = 256

// Event is one document to publish.
type Event struct {
	// Customer is 1 to 64 of A-Z a-z 0-9 _ -.
	Customer string
	// Type is dot-separated words, e.g. access.granted.
	Type string
	// ID is the event's identity: within the dedup time the same id of the same
	// customer is delivered once. Empty: the server's sequence makes one. What is
	// no visible ASCII in it is percent-encoded, blanks at its ends are left out.
	ID string
	// Time is when it happened; zero: Postrider reads the document's own, or
	// takes the time of storing.
	Time time.Time
	// Data is the document: valid JSON, with its headers within the server's
	// message limit (1 MiB unless set otherwise).
	Data []byte
}

// Options of a connection; all may be left empty.
type Options struct {
	// Name tells this producer from others in the server's lists.
	Name string
	// NATS are more options for nats.Connect: credentials, TLS, handlers.
	NATS []nats.Option
}

// Publisher publishes events; its methods may be called from any goroutine.
type Publisher struct {
	nc        *nats.Conn
	js        jetstream.JetStream
	owned     bool
	committer *Committer
}

// Connect connects to a NATS server, and reconnects for ever. Close the
// publisher after use.
func Connect(url string, o Options) (*Publisher, error) {
	if o.Name == "" {
		o.Name = "postrider publisher"
	}
	nc, err := nats.Connect(url, append([]nats.Option{nats.Name(o.Name), nats.MaxReconnects(-1)}, o.NATS...)...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	p, err := New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	p.owned = true
	return p, nil
}

// New publishes on a connection that the caller keeps and closes.
func New(nc *nats.Conn) (*Publisher, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("JetStream client: %w", err)
	}
	return &Publisher{nc: nc, js: js, committer: NewCommitter(js, nil, NewCosts())}, nil
}

// Publish returns nil once e is stored. A *transport.FieldError tells what is
// wrong with e; an error wrapping transport.ErrUnavailable, that it may be
// published again (with an ID: without fear of a second delivery).
func (p *Publisher) Publish(ctx context.Context, e Event) error {
	m, err := p.message(e)
	if err != nil {
		return err
	}
	_, err = p.committer.Commit(ctx, []*nats.Msg{m})
	return err
}

// PublishAll publishes events in order, up to 1,000 in one atomic batch, or at
// once where the server takes no batches. All are checked before the first is
// sent. On an error, *PartError tells how many were stored.
func (p *Publisher) PublishAll(ctx context.Context, events []Event) error {
	msgs := make([]*nats.Msg, len(events))
	for i, e := range events {
		m, err := p.message(e)
		if err != nil {
			return At(i, err)
		}
		msgs[i] = m
	}
	return p.commitAll(ctx, msgs)
}

// commitAll stores msgs in order, in batches.
func (p *Publisher) commitAll(ctx context.Context, msgs []*nats.Msg) error {
	for stored := 0; stored < len(msgs); {
		part := head(msgs[stored:])
		if _, err := p.committer.Commit(ctx, part); err != nil {
			var some *PartError
			if errors.As(err, &some) {
				stored, err = stored+some.Stored, some.Err
			}
			return &PartError{Stored: stored, Err: err}
		}
		stored += len(part)
	}
	return nil
}

// head is as much of msgs as goes in one batch.
func head(msgs []*nats.Msg) []*nats.Msg {
	bytes := 0
	for i, m := range msgs {
		bytes += m.Size()
		if i == maxBatchMessages || i > 0 && bytes > maxBatchBytes {
			return msgs[:i]
		}
	}
	return msgs
}

// PartError tells that the first Stored events are stored, and the next is not.
// Later ones may be where the server takes no batches.
type PartError struct {
	Stored int
	Err    error
}

func (e *PartError) Error() string { return fmt.Sprintf("after %d events: %v", e.Stored, e.Err) }

// Unwrap gives what broke it off.
func (e *PartError) Unwrap() error { return e.Err }

// At names the event of a list that err is about: "type" becomes "events[3].type".
func At(i int, err error) error {
	var fe *transport.FieldError
	if !errors.As(err, &fe) {
		return fmt.Errorf("events[%d]: %w", i, err)
	}
	moved := *fe
	moved.Field = fmt.Sprintf("events[%d].%s", i, fe.Field)
	return &moved
}

// message checks e and makes its message.
func (p *Publisher) message(e Event) (*nats.Msg, error) {
	m, err := Message(e)
	if err == nil {
		err = p.fits(m, "publish it by HTTP, or raise nats.max_payload")
	}
	return m, err
}

// fits tells whether the server takes a message of that size, or else what to do.
func (p *Publisher) fits(m *nats.Msg, remedy string) error {
	if size, limit := m.Size()+headerRoom, p.nc.MaxPayload(); limit > 0 && int64(size) > limit {
		return &transport.FieldError{Field: "data", Message: fmt.Sprintf(
			"%d bytes with its headers, over the server's limit of %d; %s", size, limit, remedy)}
	}
	return nil
}

// Message checks e, all but its size, and makes its NATS message.
func Message(e Event) (*nats.Msg, error) {
	if !jsontext.Valid(jsontext.Trim(e.Data)) {
		return nil, &transport.FieldError{Field: "data", Message: "not valid JSON"}
	}
	return Enveloped(e)
}

// Enveloped is Message for data that the caller has checked to be valid JSON.
func Enveloped(e Event) (*nats.Msg, error) {
	subject, err := transport.EventSubject(e.Customer, e.Type)
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(subject)
	m.Data = e.Data
	id, err := transport.EventID(e.ID)
	if err != nil {
		return nil, err
	}
	if id != "" {
		m.Header.Set(HeaderID, id)
	}
	if !e.Time.IsZero() {
		m.Header.Set(HeaderTime, e.Time.UTC().Format(time.RFC3339Nano))
	}
	return m, nil
}

// Close lets what is in flight finish, and closes the connection if Connect made it.
func (p *Publisher) Close() {
	p.committer.Close()
	if p.owned {
		p.nc.Close()
	}
}
