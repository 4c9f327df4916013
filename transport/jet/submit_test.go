package jet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet/publisher"
)

// inLog reads message seq of EVENTS as the shard's reader will.
func inLog(t *testing.T, s *Store, seq uint64) *transport.Event {
	t.Helper()
	ctx := testContext(t)
	stream, err := s.js.Stream(ctx, StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(ctx, seq)
	if err != nil {
		t.Fatal(err)
	}
	ev, letter, err := decodeInbound(ctx, &inbound{Subject: m.Subject, Header: m.Header, Data: m.Data, Seq: m.Sequence, Stored: m.Time}, s.GetPayload)
	if err != nil || letter != nil {
		t.Fatalf("message %d: %+v, %v", seq, letter, err)
	}
	return ev
}

func TestSubmit(t *testing.T) {
	o := embeddedOptions(t)
	o.SyncInterval = 0
	s := openEmbedded(t, o)
	at := time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	evs := []transport.Event{
		{Customer: "acme", Type: "access.granted", ID: "evt 1", Time: at, Traceparent: trace, Data: []byte(`{"a":1}`)},
		{Customer: "acme", Type: "access.denied", Data: []byte(`[]`)},
		{Customer: "beta", Type: "x", Data: []byte(`{"uuid":"u-1","event_type":"access"}`)},
	}
	got, err := s.Submit(testContext(t), evs)
	if err != nil {
		t.Fatal(err)
	}
	want := []transport.Receipt{{ID: "evt%201", Seq: 1}, {ID: "EVENTS-2", Seq: 2}, {ID: "u-1", Seq: 3}}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("receipt %d: %+v, want %+v", i, got[i], w)
		}
		ev := inLog(t, s, w.Seq)
		if ev.ID != w.ID || ev.Customer != evs[i].Customer || ev.Type != evs[i].Type || !bytes.Equal(ev.Data, evs[i].Data) {
			t.Errorf("in the log: %+v", ev)
		}
	}
	if ev := inLog(t, s, 1); !ev.Time.Equal(at) || ev.Traceparent != trace || !ev.IDGiven {
		t.Errorf("in the log: %+v", ev)
	}
	if one, err := s.Submit(testContext(t), evs[1:2]); err != nil || one[0] != (transport.Receipt{ID: "EVENTS-4", Seq: 4}) {
		t.Errorf("one by itself: %+v, %v", one, err)
	}
}

func TestSubmitRefuses(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ok := transport.Event{Customer: "acme", Type: "a", Data: []byte(`1`)}
	with := func(change func(*transport.Event)) []transport.Event {
		ev := ok
		change(&ev)
		return []transport.Event{ev}
	}
	for name, c := range map[string]struct {
		evs   []transport.Event
		field string
	}{
		"none":           {nil, "events"},
		"too many":       {make([]transport.Event, 1001), "events"},
		"customer":       {with(func(e *transport.Event) { e.Customer = "a b" }), "customer"},
		"empty token":    {with(func(e *transport.Event) { e.Type = "a..b" }), "type"},
		"wildcard":       {with(func(e *transport.Event) { e.Type = "a.>" }), "type"},
		"ours":           {with(func(e *transport.Event) { e.Type = "ops.endpoint.failing" }), "type"},
		"long id":        {with(func(e *transport.Event) { e.ID = strings.Repeat("i", 257) }), "id"},
		"id with a line": {with(func(e *transport.Event) { e.ID = "a\r\nNats-Rollup: all" }), "id"},
		"not JSON":       {with(func(e *transport.Event) { e.Data = []byte("{") }), "data"},
		"no data":        {with(func(e *transport.Event) { e.Data = nil }), "data"},
		"9 MiB":          {with(func(e *transport.Event) { e.Data = bigDocument(9 << 20) }), "data"},
		"uuid too long": {with(func(e *transport.Event) {
			e.Data = []byte(`{"event_type":"x","uuid":"` + strings.Repeat("u", 300) + `"}`)
		}), "data.uuid"},
		"one of two": {append([]transport.Event{ok}, with(func(e *transport.Event) { e.Type = "" })...), "events[1].type"},
	} {
		if _, err := s.Submit(testContext(t), c.evs); fieldName(err) != c.field {
			t.Errorf("%s: %v; want a FieldError of %s", name, err, c.field)
		}
	}
	if got := s.streamInfo(testContext(t), StreamEvents).LastSeq; got != 0 {
		t.Errorf("%d were stored all the same", got)
	}
}

func bigDocument(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

func TestSubmitBigPayload(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	for _, n := range []int{1<<20 - 2000, 1<<20 - 300, 1 << 20, 1<<20 + 1, 8 << 20} {
		data := bigDocument(n)
		got, err := s.Submit(testContext(t), []transport.Event{
			{Customer: "acme", Type: "a", Data: []byte(`"small"`)}, {Customer: "acme", Type: "a", ID: "big", Data: data}})
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		ev := inLog(t, s, got[1].Seq)
		if !bytes.Equal(ev.Data, data) || ev.ID != "big" || (ev.Object != "") != (n > 1<<20-600) {
			t.Errorf("%d bytes came back as %d, object %q", n, len(ev.Data), ev.Object)
		}
	}
}

func TestPayloads(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	ctx := testContext(t)
	data := bigDocument(3 << 20)
	if err := s.PutPayload(ctx, "a/b c.>", data); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetPayload(ctx, "a/b c.>"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for range 2 {
		if err := s.DeletePayload(ctx, "a/b c.>"); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"a/b c.>", "never"} {
		if _, err := s.GetPayload(ctx, name); !errors.Is(err, transport.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	info, err := s.js.Stream(ctx, streamPayloads)
	if err != nil {
		t.Fatal(err)
	}
	if state := info.CachedInfo().State; state.Bytes > 10_000 {
		t.Errorf("%d bytes are left behind", state.Bytes)
	}
}

func TestSubmitConcurrently(t *testing.T) {
	o := embeddedOptions(t)
	o.SyncInterval = 0
	s := openEmbedded(t, o)
	ctx := testContext(t)
	var mu sync.Mutex
	seqs := map[uint64]string{}
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("%d-%d", g, i)
				got, err := s.Submit(ctx, []transport.Event{
					{Customer: "acme", Type: "a", ID: id, Data: []byte(`1`)}, {Customer: "acme", Type: "b", ID: id + "b", Data: []byte(`2`)}})
				if err != nil {
					t.Error(err)
					return
				}
				if got[1].Seq != got[0].Seq+1 {
					t.Errorf("a call's events lie at %d and %d", got[0].Seq, got[1].Seq)
				}
				mu.Lock()
				seqs[got[0].Seq], seqs[got[1].Seq] = id, id+"b"
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seqs) != 2000 {
		t.Fatalf("%d sequences for 2000 events", len(seqs))
	}
	for _, seq := range []uint64{1, 2, 777, 1500, 2000} {
		if ev := inLog(t, s, seq); ev.ID != seqs[seq] {
			t.Errorf("message %d is %q, the receipt said %q", seq, ev.ID, seqs[seq])
		}
	}
}

func TestSubmitToAFullLog(t *testing.T) {
	o := embeddedOptions(t)
	o.MaxStore = 4 << 20
	s := openEmbedded(t, o)
	ctx := testContext(t)
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		_, err = s.Submit(ctx, []transport.Event{
			{Customer: "a", Type: "a", Data: bigDocument(10_000)}, {Customer: "a", Type: "a", Data: bigDocument(10_000)}})
	}
	if !errors.Is(err, transport.ErrUnavailable) || !strings.Contains(err.Error(), "maximum bytes") {
		t.Errorf("a full log: %v", err)
	}
	if _, err := s.js.Publish(ctx, "attempts.0", bigDocument(100_000)); err != nil {
		t.Errorf("the journal is full too: %v", err)
	}
	if _, err := s.js.Publish(ctx, "due.0.x.1", bigDocument(100_000)); err != nil {
		t.Errorf("DEFERRED is full too: %v", err)
	}
}

func TestSubmitWithoutNATS(t *testing.T) {
	s := openEmbedded(t, embeddedOptions(t))
	s.embedded.srv.Shutdown()
	eventually(t, func() bool { return s.Ready() != nil && !s.nc.IsConnected() })
	_, err := s.Submit(testContext(t), []transport.Event{{Customer: "a", Type: "a", Data: []byte(`1`)}})
	if !errors.Is(err, transport.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
		t.Errorf("%v; want an error that waited for no answer", err)
	}
}

// BenchmarkPublish compares ways to store events of 1 KiB, in process.
func BenchmarkPublish(b *testing.B) {
	for name, sync := range map[string]time.Duration{"sync=always": 0, "sync=2m": 2 * time.Minute} {
		b.Run(name, func(b *testing.B) {
			o := embeddedOptions(b)
			o.SyncInterval, o.MaxStore = sync, 0
			s := openEmbedded(b, o)
			data := bigDocument(1024)
			b.Run("one-by-one", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.Submit(context.Background(), []transport.Event{{Customer: "a", Type: "a", Data: data}}); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, 1)
			})
			for _, n := range []int{2, 10, 100, 1000} {
				evs := make([]transport.Event, n)
				for i := range evs {
					evs[i] = transport.Event{Customer: "a", Type: "a", Data: data}
				}
				b.Run(fmt.Sprintf("array=%d", n), func(b *testing.B) {
					for b.Loop() {
						if _, err := s.Submit(context.Background(), evs); err != nil {
							b.Fatal(err)
						}
					}
					perSecond(b, n)
				})
			}
			b.Run("callers=100", func(b *testing.B) {
				b.SetParallelism(50)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := s.Submit(context.Background(), []transport.Event{{Customer: "a", Type: "a", Data: data}}); err != nil {
							b.Error(err)
							return
						}
					}
				})
				perSecond(b, 1)
			})
			b.Run("tcp/async", func(b *testing.B) { benchAsync(b, connectJS(b, s)) })
			b.Run("in-process/async", func(b *testing.B) {
				js, err := jetstream.New(s.nc, jetstream.WithPublishAsyncMaxPending(1000))
				if err != nil {
					b.Fatal(err)
				}
				defer js.CleanupPublisher()
				benchAsync(b, js)
			})
			b.Run("tcp/publisher", func(b *testing.B) {
				p, err := publisher.Connect(s.ClientURL(), publisher.Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				evs := make([]publisher.Event, 500)
				for i := range evs {
					evs[i] = publisher.Event{Customer: "a", Type: "a", Data: data}
				}
				for b.Loop() {
					if err := p.PublishAll(context.Background(), evs); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, len(evs))
			})
		})
	}
}

func connectJS(b *testing.B, s *Store) jetstream.JetStream {
	nc := connect(b, s.ClientURL())
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		b.Fatal(err)
	}
	return js
}

func benchAsync(b *testing.B, js jetstream.JetStream) {
	data := bigDocument(1024)
	for b.Loop() {
		if _, err := js.PublishAsync("events.a.a", data, jetstream.WithStallWait(5*time.Second)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	perSecond(b, 1)
}

func perSecond(b *testing.B, each int) {
	b.ReportMetric(float64(b.N*each)/b.Elapsed().Seconds(), "events/s")
}
