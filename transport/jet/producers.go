package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/gate"
	"github.com/postrider/postrider/transport/jet/publisher"
	"github.com/postrider/postrider/transport/syntax/jsontext"
)

// producers are what comes by the listener of the embedded server.
type producers struct {
	gate               *gate.Gate // nil: nobody is listened to
	open               bool
	events, detections *gate.Lane
	detected           *publisher.Committer // stores detections; events go by Store.submits
}

// rememberMost bounds how many messages are read for their ids at a start.
const rememberMost = 1 << 20

// openCommitters starts what stores events that come by HTTP, and with an
// embedded server by NATS too.
func (s *Store) openCommitters() {
	if s.embedded == nil || !s.embedded.listens {
		s.submits = publisher.NewCommitter(s.changes.js, nil)
		return
	}
	p := &s.producers
	p.gate = gate.New(s.opts.NotTaken)
	p.events = s.newLane(gate.Rules{
		Stream: StreamEvents, Read: s.identify, TooLarge: "publish it by HTTP (up to " + strconv.Itoa(transport.MaxHTTPEvent>>20) + " MiB), or raise nats.max_payload",
		Customer: func(subject string) (customer string, err error) {
			customer, _, err = transport.ParseEventSubject(subject)
			return customer, err
		},
	})
	p.detections = s.newLane(gate.Rules{
		Stream: StreamDetections, Read: identifyDetection, TooLarge: "leave pictures out and give their URLs, or raise nats.max_payload",
		Customer: func(subject string) (string, error) { return "", transport.CheckDetectionSubject(subject) },
	})
	s.submits = publisher.NewCommitter(s.changes.js, p.events)
	p.detected = publisher.NewCommitter(s.changes.js, p.detections)
}

func (s *Store) newLane(r gate.Rules) *gate.Lane {
	r.MaxPayload = int(s.opts.MaxPayload)
	return gate.NewLane(gate.LaneOptions{Rules: r, Bounds: gate.DefaultBounds(r.MaxPayload), Window: s.opts.DedupTime, Now: s.now,
		Answer: s.producers.gate.Answer, Count: s.opts.NotTaken})
}

// openGate lets producers' messages in, once it is known which ids the log has.
func (s *Store) openGate(ctx context.Context) error {
	p := &s.producers
	streams := make([]gate.Stream, 2)
	for i, c := range []struct {
		name, subject string
		lane          *gate.Lane
	}{{StreamEvents, subjectEvents, p.events}, {StreamDetections, subjectDetections, p.detections}} {
		stream, err := s.js.Stream(ctx, c.name)
		if err != nil {
			return fmt.Errorf("stream %s: %w", c.name, unavailable(err))
		}
		info := stream.CachedInfo()
		streams[i] = gate.Stream{Name: c.name, Subject: c.subject, Created: info.Created, Window: s.opts.DedupTime, Messages: s.opts.MaxPayload}
		if err := s.remember(ctx, c.lane, c.name, info.State.LastSeq); err != nil {
			return fmt.Errorf("reading the ids of %s: %w", c.name, unavailable(err))
		}
	}
	dial := func(options ...nats.Option) (*nats.Conn, error) {
		return nats.Connect("", append(append(s.connOptions(), options...), nats.InProcessServer(s.embedded.srv),
			nats.UserInfo(gateUser, s.embedded.admits.nodePassword))...)
	}
	p.open = true
	return p.gate.Open(dial, s.nc, gate.Options{Streams: streams,
		Lanes: map[string]*gate.Lane{subjectEvents: p.events, subjectDetections: p.detections}})
}

// closeGate takes nothing more, stores what was taken, and ends the committers.
func (s *Store) closeGate(ctx context.Context) {
	p := &s.producers
	if p.gate != nil {
		p.gate.Close(ctx)
	}
	if s.submits != nil {
		s.submits.Close()
	}
	if p.detected != nil {
		p.detected.Close()
	}
}

func (s *Store) gateConnections() int {
	if s.producers.open {
		return gateConnections
	}
	return 0
}

// remember tells lane of the ids in a stream's headers, as far back as they are
// told as duplicates. What came by HTTP is among them: it has its ids there too.
func (s *Store) remember(ctx context.Context, lane *gate.Lane, stream string, last uint64) error {
	w := sweep{stream: stream, subject: producerRoot[stream], since: s.now().Add(-s.opts.DedupTime)}
	early := last - min(last, rememberMost)
	return s.sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence <= early || firstID(m.Header, jetstream.MsgIDHeader, headerID) == "" || m.Header.Get(headerObject) != "" {
			return nil
		}
		customer, id, err := s.read(stream)(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
		if err == nil && id != "" {
			lane.Remember(customer, id, m.Sequence, m.Time)
		}
		return nil
	})
}

var producerRoot = map[string]string{StreamEvents: subjectEvents, StreamDetections: subjectDetections}

func (s *Store) read(stream string) gate.Reader {
	if stream == StreamDetections {
		return identifyDetection
	}
	return s.identify
}

// identify reads an event as the shard's consumer will. Only what is too large
// for a message has its payload elsewhere, and producers may not say so.
func (s *Store) identify(m *nats.Msg) (customer, id string, err error) {
	ev, letter, err := decodeInbound(context.Background(), &inbound{Subject: m.Subject, Header: m.Header, Data: m.Data}, noPayload)
	switch {
	case err != nil:
		return "", "", err
	case letter != nil:
		return letter.Customer, "", errors.New(letter.Reason + ": " + letter.Detail)
	case ev.IDGiven:
		id = ev.ID
	}
	return ev.Customer, id, nil
}

func noPayload(context.Context, string) ([]byte, error) { return nil, transport.ErrNotFound }

// identifyDetection reads a detection's id. What it says is read when alerts are
// run over it; customers share the log.
func identifyDetection(m *nats.Msg) (_, id string, err error) {
	if !jsontext.Valid(jsontext.Trim(m.Data)) {
		return "", "", &transport.FieldError{Field: "data", Message: "not valid JSON; publish one JSON object a message"}
	}
	id, err = transport.EventID(firstID(m.Header, jetstream.MsgIDHeader, headerID))
	return "", id, err
}
