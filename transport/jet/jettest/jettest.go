package jettest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/porttest"
)

// Patience is when a test gives up: of no meaning for what is tested.
const Patience = 3 * time.Minute

// Bare is a NATS server of its own, as an external one would be: it is
// stopped and started on the same port and folder.
type Bare struct {
	t      testing.TB
	Opts   *server.Options
	Server *server.Server
}

// StartBare starts a server on a port and a folder of its own; it stops as the test ends.
func StartBare(t testing.TB) *Bare {
	t.Helper()
	b := &Bare{t: t, Opts: &server.Options{Host: "127.0.0.1", Port: porttest.Take(t), JetStream: true,
		StoreDir: t.TempDir(), NoSigs: true, NoLog: true, JetStreamMaxStore: 1 << 30}}
	b.Start()
	t.Cleanup(b.Stop)
	return b
}

// Start starts the server again, on its port and folder.
func (b *Bare) Start() {
	b.t.Helper()
	srv, err := server.NewServer(b.Opts.Clone())
	if err != nil {
		b.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(Patience) {
		b.t.Fatal("the server did not start")
	}
	b.Server = srv
}

// Stop stops the server, and waits until it has.
func (b *Bare) Stop() {
	if b.Server != nil {
		b.Server.Shutdown()
		b.Server.WaitForShutdown()
		b.Server = nil
	}
}

// Countdown is a Waiter that closes done at its nth Done.
type Countdown struct {
	mu   sync.Mutex
	Left int
	Over int
	C    chan struct{}
}

// NewCountdown waits for n.
func NewCountdown(n int) *Countdown { return &Countdown{Left: n, C: make(chan struct{})} }

// Done counts one.
func (c *Countdown) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Left--; c.Left == 0 {
		close(c.C)
	}
	if c.Left < 0 {
		c.Over++
	}
}

// Wait waits until all are done; the test fails where they are not.
func (c *Countdown) Wait(t testing.TB) {
	t.Helper()
	select {
	case <-c.C:
	case <-time.After(Patience):
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Fatalf("%d are not done", c.Left)
	}
}

// Reached tells whether all are done.
func (c *Countdown) Reached() bool {
	select {
	case <-c.C:
		return true
	default:
		return false
	}
}

// Sink passes what it takes on through channels; it blocks while they are full.
type Sink struct {
	Events chan Taken
	DueC   chan TakenDue
}

// Taken is an event that was pulled.
type Taken struct {
	Ev *transport.Event
	H  transport.Handle
}

// TakenDue is a segment that came due.
type TakenDue struct {
	Seg *transport.Segment
	H   transport.Handle
	At  time.Time
}

// NewSink makes a Sink that takes so many before it blocks.
func NewSink(room int) *Sink {
	return &Sink{Events: make(chan Taken, room), DueC: make(chan TakenDue, room)}
}

// Event takes an event.
func (s *Sink) Event(ev *transport.Event, h transport.Handle) { s.Events <- Taken{ev, h} }

// Passed is not looked at.
func (s *Sink) Passed(uint64) {}

// Due takes a segment that came due.
func (s *Sink) Due(seg *transport.Segment, h transport.Handle) {
	s.DueC <- TakenDue{seg, h, time.Now()}
}

// Next waits for the next event.
func (s *Sink) Next(t testing.TB) Taken {
	t.Helper()
	return Receive(t, s.Events, "an event")
}

// Receive waits for a value; what names it where none comes.
func Receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// Publish publishes to a subject, with headers as names and values in turn, and gives its sequence.
func Publish(t testing.TB, js jetstream.JetStream, subject, data string, headers ...string) uint64 {
	t.Helper()
	m := nats.NewMsg(subject)
	m.Data = []byte(data)
	for i := 0; i < len(headers); i += 2 {
		m.Header.Set(headers[i], headers[i+1])
	}
	ack, err := js.PublishMsg(Context(t), m)
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

// ShutWith closes; the test fails where that does.
func ShutWith(t testing.TB, close func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := close(ctx); err != nil {
		t.Error(err)
	}
}

const (
	// EndpointA is an endpoint's id.
	EndpointA = "5f0c2b7e-8f7d-4a63-9a55-0d6c1c0f9a01"
	// EndpointB is another.
	EndpointB = "5f0c2b7e-8f7d-4a63-9a55-0d6c1c0f9b02"
)

// Time is when most of what tests make happened.
var Time = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// TriedRecord is the record of an attempt.
func TriedRecord(seq uint64, number int, class transport.Class) *transport.Record {
	return &transport.Record{Kind: transport.Tried, Seq: seq, Customer: "acme", Endpoint: EndpointA,
		EventID: "5fd0aad3d64a99000414d61e", EventType: "access.granted", At: Time, Number: number,
		NextAt: Time.Add(10 * time.Second),
		Answer: transport.Answer{Class: class, Status: 200, Took: 12 * time.Millisecond, FirstByte: 9 * time.Millisecond}}
}

// CPUTime is what this process has used, the embedded server included.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// StreamState is the state of a stream now.
func StreamState(t testing.TB, js jetstream.JetStream, name string) jetstream.StreamState {
	t.Helper()
	stream, err := js.Stream(Context(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State
}

// Entry is an entry to be parked until due, whose event no log has.
func Entry(seq uint64, due time.Time) transport.Entry {
	return transport.Entry{Hop: 1, Due: due, Event: &transport.Event{Apart: true, Seq: seq, ID: fmt.Sprint("EVENTS-", seq),
		Customer: "acme", Type: "access.granted", Time: Time, Stored: Time, Data: []byte(fmt.Sprintf(`{"seq":%d}`, seq))}}
}

// ReadyEntry waits for room alone, and comes back at at.
func ReadyEntry(seq uint64, at time.Time) transport.Entry {
	e := Entry(seq, time.Time{})
	e.At = at
	return e
}

// EndpointOf is the id of the endpoint of that number.
func EndpointOf(i int) string { return fmt.Sprintf("5f0c2b7e-8f7d-4a63-9a55-%012x", i) }

// Eventually polls what only the server knows.
func Eventually(t testing.TB, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it did not come to be within %v", Patience)
		}
	}
}

// Key is a master key.
var Key = []byte("0123456789abcdef0123456789abcdef")

// Context ends with the test, and after Patience.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// FieldName is the field that an error is about, "" where it is about none.
func FieldName(err error) string {
	var fe *transport.FieldError
	if errors.As(err, &fe) {
		return fe.Field
	}
	return ""
}

// Connect connects until the test ends.
func Connect(t testing.TB, url string, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// SampleDocument is an envelope of about n bytes.
func SampleDocument(n int) []byte {
	b := []byte(`{"uuid":"5fd0aad3d64a99000414d61e","event_time":"2020-12-09T10:45:38.000Z","event_type":"ACCESS","actor":{"user_name":"Ada","n":[1,2.5,true,null]},"note":"`)
	return append(append(b, strings.Repeat("lorem ipsum ", (n-len(b))/12)...), `"}`...)
}

// BigDocument is a JSON text of n bytes.
func BigDocument(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

// Letter is a dead letter.
func Letter(seq uint64, customer, endpoint, reason string) *transport.DeadLetter {
	return &transport.DeadLetter{Customer: customer, Endpoint: endpoint, Reason: reason, Detail: "three attempts",
		At: Time, LastAnswer: []byte("<no>"),
		Tries: []transport.Try{{At: Time, Took: 1500 * time.Millisecond, Status: 500, Class: transport.Failed, Reason: "status"}},
		Event: &transport.Event{Apart: true, Seq: seq, ID: "e", IDGiven: true, Customer: customer, Type: "access.granted", Source: "/s",
			Time: Time, Stored: Time, Data: []byte(`{"b" :"<&>",  "a":1}`)}}
}

// FanOutOf is the record of an event that these endpoints want.
func FanOutOf(seq uint64, id string, endpoints ...string) *transport.Record {
	return &transport.Record{Kind: transport.FanOut, Seq: seq, Customer: "acme", EventID: id, At: time.Now(), Revision: 1, Endpoints: endpoints}
}

// OutcomeOf is the record of what became of a delivery.
func OutcomeOf(kind transport.Kind, seq uint64, endpoint string) *transport.Record {
	return &transport.Record{Kind: kind, Seq: seq, Customer: "acme", Endpoint: endpoint, At: time.Now(), Reason: transport.ReasonExhausted}
}

// RunServer is a server that the store knows by URL only.
func RunServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = -1
	}
	srv, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(Patience) {
		t.Fatal("the server did not start")
	}
	t.Cleanup(func() { StopServer(srv) })
	return srv
}

// StopServer stops a server, and waits until it has.
func StopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// AckFloor is up to where a stream's consumer has acknowledged all.
func AckFloor(t testing.TB, js jetstream.JetStream, stream string) uint64 {
	t.Helper()
	c, err := js.Consumer(Context(t), stream, "shard")
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo().AckFloor.Stream
}

// Open opens with options, and closes as the test ends.
func Open[O any, C interface{ Close(context.Context) error }](t testing.TB, open func(context.Context, O) (C, error), o O) C {
	t.Helper()
	c, err := open(Context(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ShutWith(t, c.Close) })
	return c
}
