package publisher

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/postrider/postrider/transport"
)

// run starts a server with a log, and gives a publisher on it and the log.
func run(t *testing.T, change func(*jetstream.StreamConfig)) (*server.Server, *Publisher, jetstream.Stream) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(2 * time.Minute) {
		t.Fatal("the server did not start")
	}
	nc, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c := jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}, Discard: jetstream.DiscardNew,
		MaxBytes: -1, AllowAtomicPublish: true, Duplicates: 100 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	stream, err := js.CreateStream(within(t), c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Connect(srv.ClientURL(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return srv, p, stream
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func last(t *testing.T, s jetstream.Stream) uint64 {
	t.Helper()
	info, err := s.Info(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return info.State.LastSeq
}

func TestPublish(t *testing.T) {
	_, p, stream := run(t, nil)
	at := time.Date(2026, 11, 21, 13, 0, 0, 5, time.FixedZone("", 3600))
	e := Event{Customer: "acme", Type: "access.granted", ID: "evt-1", Time: at, Data: []byte(`{"a": 1}`)}
	if err := p.Publish(within(t), e); err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(within(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "events.acme.access.granted" || string(m.Data) != `{"a": 1}` || m.Header.Get("Postrider-Id") != "evt-1" ||
		m.Header.Get("Postrider-Time") != "2026-11-21T12:00:00.000000005Z" || m.Header.Get(jetstream.MsgIDHeader) != "" {
		t.Errorf("stored %+v %v %s", m, m.Header, m.Data)
	}
	if err := p.Publish(within(t), e); err != nil { // dedup is not the stream's
		t.Error(err)
	}
}

func TestPublishRefuses(t *testing.T) {
	_, p, stream := run(t, nil)
	for name, c := range map[string]struct {
		e     Event
		field string
	}{
		"customer":  {Event{Customer: "a.b", Type: "a", Data: []byte("1")}, "customer"},
		"type":      {Event{Customer: "a", Type: "a.*", Data: []byte("1")}, "type"},
		"id":        {Event{Customer: "a", Type: "a", ID: "a\nb", Data: []byte("1")}, "id"},
		"not JSON":  {Event{Customer: "a", Type: "a", Data: []byte("{'a'}")}, "data"},
		"too large": {Event{Customer: "a", Type: "a", Data: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)}, "data"},
	} {
		var fe *transport.FieldError
		if err := p.Publish(within(t), c.e); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
		err := p.PublishAll(within(t), []Event{{Customer: "a", Type: "a", Data: []byte("1")}, c.e})
		if !errors.As(err, &fe) || fe.Field != "events[1]."+c.field {
			t.Errorf("%s in a list: %v", name, err)
		}
	}
	if n := last(t, stream); n != 0 {
		t.Errorf("%d were stored all the same", n)
	}
}

func TestTheLargestEventIsTaken(t *testing.T) {
	_, p, _ := run(t, nil)
	of := func(n int) Event {
		return Event{Customer: "a", Type: "a", ID: "an id", Data: []byte(`"` + strings.Repeat("x", n-2) + `"`)}
	}
	const least = 1<<20 - 500
	largest := least - 1 + sort.Search(500, func(n int) bool {
		_, err := p.message(of(least + n))
		return err != nil
	})
	if largest < least {
		t.Error("an event 500 bytes below the limit is refused")
	}
	if err := p.PublishAll(within(t), []Event{of(largest), of(largest)}); err != nil {
		t.Errorf("%d bytes passed the check: %v", largest, err)
	}
}

func TestPublishAllKeepsOrder(t *testing.T) {
	_, p, stream := run(t, nil)
	var events []Event
	for i := range 2500 {
		events = append(events, Event{Customer: "a", Type: "a", Data: fmt.Append(nil, i)})
	}
	if err := p.PublishAll(within(t), events); err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{1, 1000, 1001, 2500} {
		m, err := stream.GetMsg(within(t), seq)
		if err != nil || string(m.Data) != fmt.Sprint(seq-1) {
			t.Errorf("message %d: %v, %v", seq, m, err)
		}
	}
	if err := p.PublishAll(within(t), nil); err != nil {
		t.Errorf("nothing at all: %v", err)
	}
}

func TestConcurrentPublish(t *testing.T) {
	_, p, stream := run(t, nil)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for range 20 {
				if err := p.Publish(within(t), Event{Customer: "a", Type: "a", Data: []byte("1")}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := last(t, stream); n != 2000 {
		t.Errorf("%d are stored", n)
	}
}

func TestAFullStream(t *testing.T) {
	_, p, _ := run(t, func(c *jetstream.StreamConfig) { c.MaxMsgs = 1500 })
	events := make([]Event, 2500)
	for i := range events {
		events[i] = Event{Customer: "a", Type: "a", Data: []byte("1")}
	}
	err := p.PublishAll(within(t), events)
	var part *PartError
	if !errors.As(err, &part) || part.Stored != 1000 || !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestNoStream(t *testing.T) {
	_, p, _ := run(t, func(c *jetstream.StreamConfig) { c.Subjects = []string{"other.>"} })
	e := Event{Customer: "a", Type: "a", Data: []byte("1")}
	if err := p.Publish(within(t), e); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("one: %v", err)
	}
	if err := p.PublishAll(within(t), []Event{e, e}); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("a batch: %v", err)
	}
}

// TestOneRefusedDoesNotTakeTheOthers: of calls that share a batch, the one that
// the server refuses fails alone.
func TestOneRefusedDoesNotTakeTheOthers(t *testing.T) {
	_, p, stream := run(t, nil)
	good := func() *call { return aCall(nats.NewMsg("events.a.a")) }
	bad := nats.NewMsg("events.a.bad")
	bad.Header.Set("Nats-Rollup", "all")
	calls := []*call{good(), aCall(bad), good()}
	p.committer.costs.batch, p.committer.costs.more = 0, 0 // a batch is cheap
	p.committer.publish(calls)
	for i, cl := range calls {
		<-cl.answer
		if (cl.err != nil) != (i == 1) || errors.Is(cl.err, transport.ErrUnavailable) {
			t.Errorf("call %d: %v", i, cl.err)
		}
	}
	if n := last(t, stream); n != 2 || calls[0].first != 1 || calls[2].first != 2 {
		t.Errorf("%d are stored, at %d and %d", n, calls[0].first, calls[2].first)
	}
}

func aCall(m *nats.Msg) *call {
	return &call{ctx: context.Background(), msgs: []*nats.Msg{m}, answer: make(chan struct{})}
}

// TestAConnectionLost: who waits hears of it at once, not after a time limit.
func TestAConnectionLost(t *testing.T) {
	srv, p, _ := run(t, nil)
	inFlight := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for range 20 {
		wg.Go(func() {
			for {
				err := p.Publish(within(t), Event{Customer: "a", Type: "a", Data: []byte("1")})
				once.Do(func() { close(inFlight) })
				if err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	<-inFlight
	srv.Shutdown()
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, transport.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
			t.Errorf("%v; want an error that waited for no time limit", err)
		}
	}
}

func TestClose(t *testing.T) {
	_, p, _ := run(t, nil)
	p.Close()
	p.Close()
	if err := p.Publish(within(t), Event{Customer: "a", Type: "a", Data: []byte("1")}); !errors.Is(err, transport.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

func TestCloseWhilePublishing(t *testing.T) {
	srv, _, _ := run(t, nil)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p, err := Connect(srv.ClientURL(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{}, 50)
	var wg sync.WaitGroup
	for range cap(started) {
		wg.Go(func() {
			started <- struct{}{}
			for p.Publish(within(t), Event{Customer: "a", Type: "a", Data: []byte("1")}) == nil {
			}
		})
	}
	for range cap(started) {
		<-started
	}
	p.Close()
	wg.Wait()
}

func TestConnectToNothing(t *testing.T) {
	if _, err := Connect("nats://127.0.0.1:1", Options{}); err == nil {
		t.Error("connected to nothing")
	}
}

func TestACallerWhoLeaves(t *testing.T) {
	_, p, _ := run(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Publish(ctx, Event{Customer: "a", Type: "a", Data: []byte("1")}); err == nil {
		t.Error("published for a caller who had left")
	}
}

func TestCosts(t *testing.T) {
	c := NewCosts()
	for range 200 { // a disk that syncs slowly
		c.TookApart(2, 20*time.Millisecond)
		c.TookTogether(10, 40*time.Millisecond)
	}
	if !c.Apart(1) || !c.Apart(3) || c.Apart(6) || c.Apart(1000) {
		t.Errorf("on a slow disk: %+v", c)
	}
	for range 200 { // one that syncs at once
		c.TookApart(10, time.Millisecond)
		c.TookTogether(10, 3*time.Millisecond)
		c.TookTogether(1000, 20*time.Millisecond)
	}
	if !c.Apart(20) || c.Apart(60) || c.Apart(1000) {
		t.Errorf("on a fast disk: %+v", c)
	}
	for range 200 { // none that is synced, where a batch is all the same
		c.TookApart(1000, 20*time.Millisecond)
		c.TookTogether(1000, 60*time.Millisecond)
	}
	if !c.Apart(20) || !c.Apart(1000) {
		t.Errorf("without syncs: %+v", c)
	}
}

// TestTheOtherWayIsTriedAgain: what a hiccup has made dear is not dear for
// ever; and on a slow disk few are risked for that.
func TestTheOtherWayIsTriedAgain(t *testing.T) {
	c := NewCosts()
	c.TookTogether(10, time.Minute)
	tries := 0
	for range 3 * patience {
		if c.Apart(10) {
			c.TookApart(10, 10*time.Millisecond)
		} else {
			tries++
			c.TookTogether(10, 5*time.Millisecond)
		}
	}
	if tries < 2 {
		t.Errorf("a batch was tried %d times", tries)
	}
	for range patience {
		c.TookTogether(1000, 20*time.Millisecond)
	}
	if n := c.Trial(1000); n != trial || c.Apart(1000) || !c.Apart(trial) {
		t.Errorf("%d are tried by themselves", n)
	}
	c.TookApart(trial, time.Millisecond)
	if n := c.Trial(1000); n != 0 {
		t.Errorf("%d are tried once more", n)
	}
}
