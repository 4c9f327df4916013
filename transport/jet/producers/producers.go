package producers

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
	"github.com/postrider/postrider/transport/jet/gate"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// Options say what is taken.
type Options struct {
	// MaxPayload is the largest message in bytes.
	MaxPayload int32
	// Window is how far back ids are told as duplicates.
	Window time.Duration
	// NotTaken is told of n messages that were not stored, of which stream
	// (empty: not known), and why; nil: nobody.
	NotTaken func(stream, reason string, n int)
	// Paces are the customers' quotas of events: how long one must wait before one
	// of so many bytes is stored, 0 where it was counted.
	Paces []gate.Pace
	// Admit tells why the log of events has no room for so many bytes more of a
	// customer's, as gate.LaneOptions has it; Stored is told of what was stored
	// there, and how much of the log that takes. nil: there always is, and nobody.
	Admit  func(customer string, bytes int) error
	Stored func(seq uint64, customer string, bytes int64)
	// Event and Detection read documents of the two logs.
	Event, Detection gate.Reader
}

// Producers are what comes by the listener of the embedded server.
type Producers struct {
	conn     *jet.Conn
	opts     Options
	gate     *gate.Gate
	lanes    []lane
	detected *publisher.Committer // stores detections; events go by the log's own
}

// lane is the way into one log.
type lane struct {
	*gate.Lane
	stream, subject string
	read            gate.Reader
}

// rememberMost bounds how many messages are read for their ids at a start.
const rememberMost = 1 << 20

// New makes the way in, through which nobody comes yet; conn is to listen.
func New(conn *jet.Conn, o Options) *Producers {
	if o.NotTaken == nil {
		o.NotTaken = func(string, string, int) {}
	}
	p := &Producers{conn: conn, opts: o, gate: gate.New(o.NotTaken)}
	p.add(jet.SubjectEvents, o.Paces, gate.Rules{
		Stream: jet.StreamEvents, Read: o.Event,
		TooLarge: "publish it by HTTP (up to " + strconv.Itoa(transport.MaxHTTPEvent>>20) + " MiB), or raise nats.max_payload",
		Customer: func(subject string) (customer string, err error) {
			customer, _, err = transport.ParseEventSubject(subject)
			return customer, err
		},
	})
	p.add(jet.SubjectDetections, nil, gate.Rules{
		Stream: jet.StreamDetections, Read: o.Detection, TooLarge: "leave pictures out and give their URLs, or raise nats.max_payload",
		Customer: func(subject string) (string, error) { return "", transport.CheckDetectionSubject(subject) },
	})
	p.detected = publisher.NewCommitter(conn.Changes().JS, p.lanes[1], conn.Costs())
	return p
}

func (p *Producers) add(subject string, paces []gate.Pace, r gate.Rules) {
	r.MaxPayload = int(p.opts.MaxPayload)
	o := gate.LaneOptions{Rules: r, Bounds: gate.DefaultBounds(r.MaxPayload), Paces: paces, Window: p.opts.Window, Now: p.conn.Now,
		Answer: p.gate.Answer, Count: p.opts.NotTaken}
	if r.Stream == jet.StreamEvents {
		o.Admit = p.opts.Admit
		if told := p.opts.Stored; told != nil {
			o.Stored = func(m *nats.Msg, customer string, seq uint64) { told(seq, customer, jet.StoredBytes(m)) }
		}
	}
	p.lanes = append(p.lanes, lane{stream: r.Stream, subject: subject, read: r.Read, Lane: gate.NewLane(o)})
}

// Events is what waits to be stored in the log of events.
func (p *Producers) Events() publisher.Source { return p.lanes[0].Lane }

// Open lets producers' messages in, once it is known which ids the logs have.
// It is called once, before the listener opens.
func (p *Producers) Open(ctx context.Context) error {
	var streams []gate.Stream
	lanes := map[string]*gate.Lane{}
	for i := range p.lanes {
		l := &p.lanes[i]
		stream, err := p.conn.JetStream().Stream(ctx, l.stream)
		if err != nil {
			return fmt.Errorf("stream %s: %w", l.stream, jet.Unavailable(err))
		}
		info := stream.CachedInfo()
		streams = append(streams, gate.Stream{Name: l.stream, Subject: l.subject, Created: info.Created, Window: p.opts.Window, Messages: p.opts.MaxPayload})
		if err := p.remember(ctx, l, info.State.LastSeq); err != nil {
			return fmt.Errorf("reading the ids of %s: %w", l.stream, jet.Unavailable(err))
		}
		lanes[l.subject] = l.Lane
	}
	return p.gate.Open(p.conn.DialProducers, p.conn.NATS(), gate.Options{Streams: streams, Lanes: lanes})
}

// remember tells a lane of the ids in a stream's headers, as far back as they are
// told as duplicates. What came by HTTP is among them: it has its ids there too.
func (p *Producers) remember(ctx context.Context, l *lane, last uint64) error {
	w := jet.Sweep{Stream: l.stream, Subject: l.subject, Since: p.conn.Now().Add(-p.opts.Window)}
	early := last - min(last, rememberMost)
	return p.conn.Sweep(ctx, w, func(m *jetstream.RawStreamMsg) error {
		if m.Sequence <= early || !hasID(m.Header) || m.Header.Get(jet.HeaderObject) != "" {
			return nil
		}
		customer, id, err := l.read(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
		if err == nil && id != "" {
			l.Remember(customer, id, m.Sequence, m.Time)
		}
		return nil
	})
}

func hasID(h nats.Header) bool {
	return strings.TrimSpace(h.Get(jetstream.MsgIDHeader)) != "" || strings.TrimSpace(h.Get(jet.HeaderID)) != ""
}

// Close takes nothing more and waits for what was taken: whoever stores events
// is closed after it.
func (p *Producers) Close(ctx context.Context) {
	p.gate.Close(ctx)
	p.detected.Close()
}
