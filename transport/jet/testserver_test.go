package jet

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/porttest"
)

// patience is when a test gives up: of no meaning for what is tested.
const patience = 3 * time.Minute

// bareServer is a NATS server of its own, as an external one would be: it is
// stopped and started on the same port and folder.
type bareServer struct {
	t    testing.TB
	opts *server.Options
	srv  *server.Server
}

func startBare(t testing.TB) *bareServer {
	t.Helper()
	b := &bareServer{t: t, opts: &server.Options{Host: "127.0.0.1", Port: porttest.Take(t), JetStream: true,
		StoreDir: t.TempDir(), NoSigs: true, NoLog: true, JetStreamMaxStore: 1 << 30}}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *bareServer) start() {
	b.t.Helper()
	srv, err := server.NewServer(b.opts.Clone())
	if err != nil {
		b.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		b.t.Fatal("the server did not start")
	}
	b.srv = srv
}

func (b *bareServer) stop() {
	if b.srv != nil {
		b.srv.Shutdown()
		b.srv.WaitForShutdown()
		b.srv = nil
	}
}

func (b *bareServer) open() *Store {
	b.t.Helper()
	return openEmbedded(b.t, Options{URL: b.srv.ClientURL(), MasterKey: testKey, SyncInterval: 2 * time.Minute})
}

// countdown is a Waiter that closes done at its nth Done.
type countdown struct {
	mu   sync.Mutex
	left int
	over int
	done chan struct{}
}

func newCountdown(n int) *countdown { return &countdown{left: n, done: make(chan struct{})} }

func (c *countdown) Done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.done)
	}
	if c.left < 0 {
		c.over++
	}
}

func (c *countdown) wait(t testing.TB) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.mu.Lock()
		defer c.mu.Unlock()
		t.Fatalf("%d are not done", c.left)
	}
}

func (c *countdown) reached() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// sinkOf passes what it takes on through channels; it blocks while they are full.
type sinkOf struct {
	events chan taken
	due    chan takenDue
}

type taken struct {
	ev *transport.Event
	h  transport.Handle
}

type takenDue struct {
	seg *transport.Segment
	h   transport.Handle
	at  time.Time
}

func newSink(room int) *sinkOf {
	return &sinkOf{events: make(chan taken, room), due: make(chan takenDue, room)}
}

func (s *sinkOf) Event(ev *transport.Event, h transport.Handle) { s.events <- taken{ev, h} }
func (s *sinkOf) Passed(uint64)                                 {}

func (s *sinkOf) Due(seg *transport.Segment, h transport.Handle) {
	s.due <- takenDue{seg, h, time.Now()}
}

func (s *sinkOf) event(t testing.TB) taken {
	t.Helper()
	return receiveFrom(t, s.events, "an event")
}

func receiveFrom[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func publishOn(t testing.TB, s *Store, subject, data string, headers ...string) uint64 {
	t.Helper()
	m := nats.NewMsg(subject)
	m.Data = []byte(data)
	for i := 0; i < len(headers); i += 2 {
		m.Header.Set(headers[i], headers[i+1])
	}
	ack, err := s.js.PublishMsg(testContext(t), m)
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

func shutWith(t testing.TB, close func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := close(ctx); err != nil {
		t.Error(err)
	}
}

func startConsuming(t testing.TB, s *Store, sink transport.Sink) (*Consumers, *Graveyard) {
	t.Helper()
	g := s.Graveyard()
	t.Cleanup(func() { shutWith(t, g.Close) })
	c, err := s.Consume(testContext(t), sink, g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutWith(t, c.Stop) })
	return c, g
}
