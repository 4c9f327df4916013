package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

const (
	// examineTimeout bounds each request of an examination.
	examineTimeout = 3 * time.Second
	// bearableSkew is how far clocks may be apart before it is worth a word.
	bearableSkew = 2 * time.Second
)

// examination looks at a server without changing anything.
type examination struct {
	o     jet.Options
	nc    *nats.Conn
	js    jetstream.JetStream
	found []transport.Finding
}

func (e *examination) add(part, level, text, remedy string) {
	e.found = append(e.found, transport.Finding{Part: part, Level: level, Text: text, Remedy: remedy})
}

// Producer is how a producer reaches an external server, to be tried out.
type Producer struct{ URL, Credentials string }

// Check looks at what one room keeps at an external server, and changes nothing.
type Check func(ctx context.Context, js jetstream.JetStream, o jet.Options) []transport.Finding

// Examine tells whether a node could work with o's server, the embedded one or
// that of o.URL, and changes nothing there. It does not wait for a server that
// is away. What producers can reach is tried where producer names one. An
// external server is looked at by checks too.
func Examine(ctx context.Context, o jet.Options, producer Producer, checks ...Check) []transport.Finding {
	e := &examination{o: o}
	if o.Now == nil {
		e.o.Now = time.Now
	}
	if o.URL == "" {
		e.add("nats", transport.FindingOK, "embedded, version "+server.VERSION, "")
		e.add("producers", transport.FindingOK, "reach events.> and detections.> alone, by the embedded server's accounts", "")
		return e.found
	}
	if !e.connect(ctx) {
		return e.found
	}
	defer e.nc.Close()
	e.streams(ctx)
	e.room(ctx)
	e.mapping(ctx)
	for _, check := range checks {
		e.found = append(e.found, check(ctx, e.js, e.o)...)
	}
	e.producer(ctx, producer)
	return e.found
}

func (e *examination) connect(ctx context.Context) bool {
	options := []nats.Option{nats.Name("postrider doctor"), nats.Timeout(examineTimeout), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}
	where := jet.Redact(e.o.URL)
	var nc *nats.Conn
	proof, err := e.o.SignIn()
	if err == nil {
		nc, err = nats.Connect(e.o.URL, append(options, proof...)...)
	}
	if err == nil {
		if e.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(examineTimeout)); err == nil {
			err = jet.CheckServer(ctx, where, nc.ConnectedServerVersion(), e.js)
		}
		if err == nil {
			e.nc = nc
			e.add("nats", transport.FindingOK, fmt.Sprintf("%s, version %s, with JetStream", where, nc.ConnectedServerVersion()), "")
			return true
		}
		nc.Close()
	} else {
		err = jet.ConnectFault(e.o.URL, err)
	}
	e.add("nats", transport.FindingFail, err.Error(), "without it a node does not start; mend this first")
	return false
}

// ownStreams are the streams with the subjects that must be theirs.
var ownStreams = map[string][]string{
	jet.StreamEvents: {jet.SubjectEvents, jet.SubjectOps}, jet.StreamDeferred: {jet.SubjectPark, jet.SubjectDue},
	jet.StreamAttempts: {jet.SubjectAttempts}, jet.StreamDeadLetters: {jet.SubjectDeadLetters, jet.SubjectLetters}, jet.StreamDetections: {jet.SubjectDetections},
	jet.StreamKept: {jet.SubjectKept},
}

// streams sees to the streams, to others that take their subjects, and to the
// clock of the server that keeps the schedules.
func (e *examination) streams(ctx context.Context) {
	missing, taken := 0, false
	for stream, subjects := range ownStreams {
		if _, err := e.js.Stream(ctx, stream); errors.Is(err, jetstream.ErrStreamNotFound) {
			missing++
		} else if err != nil {
			e.add("streams", transport.FindingFail, fmt.Sprintf("stream %s: %s", stream, err), "give Postrider's user the JetStream API of its account")
			return
		}
		for _, subject := range subjects {
			if other, err := e.js.StreamNameBySubject(ctx, subject); err == nil && other != stream {
				e.add("streams", transport.FindingFail, fmt.Sprintf("%s is taken by the stream %s", subject, other), "give Postrider an account of its own, or that stream other subjects")
				taken = true
			}
		}
	}
	switch {
	case taken:
	case missing > 0:
		e.add("streams", transport.FindingOK, fmt.Sprintf("%d of %d are there; serve and setup make the others", len(ownStreams)-missing, len(ownStreams)), "")
	default:
		e.add("streams", transport.FindingOK, "all there", "")
	}
	e.clock(ctx)
}

func (e *examination) clock(ctx context.Context) {
	asked := e.o.Now()
	stream, err := e.js.Stream(ctx, jet.StreamDeferred)
	if err != nil {
		e.add("clock", transport.FindingOK, "not compared with NATS: its streams are not there yet", "")
		return
	}
	between := asked.Add(e.o.Now().Sub(asked) / 2)
	skew := stream.CachedInfo().TimeStamp.Sub(between)
	e.found = append(e.found, ClockFinding("NATS", skew))
}

// ClockFinding judges how far another clock is ahead of this machine's.
func ClockFinding(whose string, skew time.Duration) transport.Finding {
	f := transport.Finding{Part: "clock", Level: transport.FindingOK, Text: fmt.Sprintf("within %s of that of %s", max(skew.Abs().Round(time.Millisecond), time.Millisecond), whose)}
	if skew.Abs() > bearableSkew {
		f.Level = transport.FindingWarn
		f.Text = fmt.Sprintf("that of %s is %s off", whose, skew.Round(time.Millisecond))
		f.Remedy = "keep both by NTP: receivers refuse signatures, and the API tokens, whose time is off"
	}
	return f
}

// mapping: a subject mapping would bring events where this version does not
// look for them. The probe is refused by the stream, and stores nothing.
func (e *examination) mapping(ctx context.Context) {
	const remedy = "take the mapping of events.> out of the account: this version has one shard and takes events as they are published"
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	subject := "events.doctor.probe." + jet.RandomToken(8)
	sub, err := e.nc.SubscribeSync(subject)
	if err == nil {
		defer func() { _ = sub.Unsubscribe() }() // the connection is closed next
		err = e.nc.Flush()
	}
	if err == nil {
		err = e.nc.PublishMsg(probe(subject))
	}
	if err == nil {
		_, err = sub.NextMsgWithContext(ctx)
	}
	switch {
	case err == nil:
		e.add("mapping", transport.FindingOK, "events.> arrives as it is published", "")
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout):
		e.add("mapping", transport.FindingFail, "what is published to events.> arrives at another subject, or not at all", remedy+"; or let Postrider's user publish and subscribe there")
	default:
		e.add("mapping", transport.FindingFail, "events.> cannot be tried out: "+err.Error(), "let Postrider's user publish and subscribe there")
	}
}

// probe is a message that no stream stores.
func probe(subject string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Header.Set(jetstream.ExpectedStreamHeader, "__none__")
	return m
}
